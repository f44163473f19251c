"""`kurs fertigstellen` leaves a notebook that passes the rules."""

import shutil

import notebook_rules as rules
import pytest
from nbformat import write
from nbformat.v4 import new_code_cell, new_notebook
from places import ROOT

from opendata_kurs.authoring import WIDGET_VIEW, AuthoringError, finish
from opendata_kurs.cli import main

LESSON = ROOT / "course" / "01_was_ist_open_data" / "lektion_01_begriff.ipynb"


def test_a_lesson_is_run_and_cleaned(tmp_path):
    path = tmp_path / LESSON.name
    shutil.copy(LESSON, path)
    # the lesson's questions lie beside it in the source
    shutil.copytree(LESSON.parent / "fragen", tmp_path / "fragen")
    nb = rules.read(path)
    for cell in nb.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    write(nb, path)
    finished = finish(path)
    assert [c for rule in (*rules.EVERY_NOTEBOOK, *rules.LESSON) for c in rule(finished)] == []
    assert WIDGET_VIEW not in path.read_text(encoding="utf-8")


def test_an_exercise_loses_its_outputs(tmp_path):
    path = tmp_path / "uebung_99_x.ipynb"
    write(new_notebook(cells=[new_code_cell("1 + 1", id="rechnen", execution_count=3, outputs=[])]), path)
    assert finish(path).cells[0].execution_count is None


def test_a_failing_cell_is_named(tmp_path):
    path = tmp_path / "lektion_99_x.ipynb"
    write(new_notebook(cells=[new_code_cell("1 / 0", id="teilen")]), path)
    with pytest.raises(AuthoringError, match="Eine Zelle scheitert"):
        finish(path)
    assert main(["fertigstellen", str(path)]) == 1


def test_a_missing_file_is_named(tmp_path, capsys):
    assert main(["fertigstellen", str(tmp_path / "fehlt.ipynb")]) == 1
    assert "gibt es nicht" in capsys.readouterr().err
