"""What makes grading fast must not change what comes out: shared session, one transaction, kept datasets, figures drawn once."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys

import pytest
from grading_fixtures import CHAPTER, EXERCISE, HandIn, released_course
from nbgrader import utils
from nbgrader.api import Gradebook
from nbgrader.preprocessors import SaveAutoGrades
from PIL import Image, ImageChops, ImageStat

from opendata_kurs import datasets
from opendata_kurs.course_tools import sanitizers
from opendata_kurs.grading import figures, speed


class PowerCut(BaseException):
    """Stands for whatever ends a process in the middle."""


@pytest.mark.parametrize(("saver", "left"), [(speed.SaveAutoGradesAtOnce, 0), (SaveAutoGrades, 1)], ids=["ours", "control-stock"])
def test_points_of_a_notebook_are_saved_together_or_not_at_all(tmp_path, monkeypatch, saver, left):
    course = released_course(tmp_path / "leitung")
    HandIn(course, "anna")
    saved = []

    class Interrupted(saver):
        def _add_score(self, cell, resources):
            if saved:
                raise PowerCut
            super()._add_score(cell, resources)
            saved.append(cell)

    steps = [Interrupted if issubclass(step, SaveAutoGrades) else step for step in sanitizers.autograde_list()]
    monkeypatch.setattr(sanitizers, "autograde_list", lambda: steps)
    with pytest.raises(PowerCut), speed.one_gradebook():
        course.autograde(CHAPTER, "anna")
    assert len(saved) == 1
    assert "NBGRADER_EXECUTION" not in os.environ, "later notebooks of this process would show no forms"
    with course.gradebook() as gb:
        grades = gb.find_submission_notebook(EXERCISE, CHAPTER, "anna").grades
        assert sum(g.auto_score is not None for g in grades) == left


def test_control_nbgrader_leaves_its_variable_behind_when_a_step_fails(monkeypatch):
    monkeypatch.setattr(os, "environ", {})
    with contextlib.suppress(PowerCut), utils.setenv(NBGRADER_EXECUTION="autograde"):
        raise PowerCut
    assert os.environ == {"NBGRADER_EXECUTION": "autograde"}


def test_one_gradebook_is_opened_once_and_stock_returns_afterwards(tmp_path):
    course = released_course(tmp_path / "leitung")
    with speed.one_gradebook():
        with course.gradebook() as first:
            first.add_student("anna")
        with course.gradebook() as second:
            assert second.db is first.db
            second.find_student("anna").first_name = "nicht gespeichert"
    with course.gradebook() as third, course.gradebook() as fourth:
        assert third.db is not fourth.db
        assert third.find_student("anna").first_name is None, "closing must not save what nobody committed"
    assert Gradebook.__init__.__module__ == "nbgrader.api"


def test_kept_datasets_are_copied_and_still_compared_with_their_checksum(monkeypatch, tmp_path):
    monkeypatch.setattr(datasets, "_kept", {})
    fresh = datasets.load_dataset("duesseldorf-stadtbezirke")
    datasets.keep_parsed(["duesseldorf-stadtbezirke"])
    kept = datasets.load_dataset("duesseldorf-stadtbezirke")
    assert kept.equals(fresh) and kept.crs == fresh.crs and kept.attrs == fresh.attrs
    kept.loc[:, kept.columns[0]] = "verändert"
    kept.attrs["quellen"][0]["changes"].append("verändert")
    again = datasets.load_dataset("duesseldorf-stadtbezirke")
    assert again.equals(fresh) and again.attrs == fresh.attrs
    monkeypatch.setattr(datasets, "_checked_bytes", lambda *_: (_ for _ in ()).throw(datasets.DamagedDataFileError("beschädigt")))
    with pytest.raises(datasets.DamagedDataFileError):
        datasets.load_dataset("duesseldorf-stadtbezirke")


FIGURE = """
import sys
from pathlib import Path
import matplotlib.pyplot as plt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from opendata_kurs import load_dataset
from opendata_kurs.grading import figures, shell
shell = shell.make_shell()
drawn = []
stock = FigureCanvasAgg.draw
FigureCanvasAgg.draw = lambda self: (drawn.append(1), stock(self))[1]
if sys.argv[1] == "once":
    figures.prepare(shell)
    drawn.clear()
areas = load_dataset("duesseldorf-stadtbezirke")
axes = areas.plot(color="#7d8590", aspect=None)
areas.centroid.plot(ax=axes, color="#b3001b", aspect=None)
axes.set(title="Düsseldorf", xlabel="Länge", ylabel="Breite")
data, _ = shell.display_formatter.format(axes.figure)
Path(sys.argv[2]).write_bytes(data["image/png"])
print(len(drawn))
"""


def difference(one, other) -> float:
    """Return how much two pictures differ, of 255 and at the best of a few shifts; 255 if their sizes differ by more than 4."""
    if max(abs(one.width - other.width), abs(one.height - other.height)) > 4:
        return 255.0
    size = min(one.width, other.width) - 8, min(one.height, other.height) - 8
    middle = one.crop((4, 4, 4 + size[0], 4 + size[1]))
    shifts = [(x, y) for x in range(9) for y in range(9)]
    return min(ImageStat.Stat(ImageChops.difference(middle, other.crop((x, y, x + size[0], y + size[1])))).mean[0] for x, y in shifts)


def test_a_figure_drawn_once_looks_the_same(tmp_path):
    env = os.environ | {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}
    draws, pictures = {}, {}
    for way, code in (("stock", FIGURE), ("once", FIGURE), ("control", FIGURE.replace('"#b3001b"', '"#7d8590"'))):
        result = subprocess.run([sys.executable, "-W", "ignore", "-c", code, way, tmp_path / way], capture_output=True, text=True, env=env, check=True)
        draws[way], pictures[way] = int(result.stdout), Image.open(tmp_path / way).convert("L")
    assert draws == {"stock": 4, "once": 1, "control": 4}, "stock draws for each layer, and once to measure"
    assert difference(pictures["stock"], pictures["once"]) < 1
    assert difference(pictures["stock"], pictures["control"]) > 1.5, "without the points it is another picture"


def test_what_reaches_over_the_edge_is_not_cut_off():
    from IPython.core.pylabtools import print_figure
    from matplotlib.figure import Figure

    assert figures.picture(Figure()) is None
    figure = Figure(figsize=(3, 2))
    axes = figure.subplots()
    axes.set_title("Ein Titel, der breiter ist als das Bild")
    found, usual = (Image.open(io.BytesIO(p)) for p in (figures.picture(figure), print_figure(figure, bbox_inches="tight")))
    assert found.width > 300 and abs(found.width - usual.width) <= 4
    axes.plot([1, 2], label="weit draußen")
    axes.legend(bbox_to_anchor=(2.5, 1))
    assert figures.picture(figure) == print_figure(figure, bbox_inches="tight"), "what reaches too far is drawn the usual way"
