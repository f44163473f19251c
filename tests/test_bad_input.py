"""Damaged hand-ins: right points or a German message that says what to do; the neighbour keeps the result."""

from __future__ import annotations

import copy
import json
import re

import pytest
from grading_fixtures import CHAPTER, EXERCISE, QUIZ, HandIn, released_course
from nbformat.v4 import new_code_cell, new_output

from opendata_kurs.course_tools.collect import normalise
from opendata_kurs.questions import storage

FULL = {f"quiz-{QUIZ}": 5.0, "anzahl-test": 3.0, "titel-test": 1.0, f"text-{QUIZ}-nutzen": None}


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    course = released_course(tmp_path_factory.mktemp("leitung"))
    neighbour = HandIn(course, "nachbar")
    neighbour.grade()
    assert neighbour.points() == FULL
    return course


@pytest.fixture
def handin(course, request):
    yield HandIn(course, re.sub("[^a-z0-9]+", "-", request.node.name)[5:45])
    # whatever happened: the neighbour's result is untouched
    neighbour = HandIn.__new__(HandIn)
    neighbour.course, neighbour.student = course, "nachbar"
    assert neighbour.points() == FULL


def _without(name):
    def work(nb):
        nb.cells = [c for c in nb.cells if c.metadata.get("nbgrader", {}).get("grade_id") != name]
    return work


def test_deleted_test_cell(handin):
    handin.change(_without("anzahl-test"))
    graded, text = handin.grade()
    assert not graded.error
    assert handin.points() == FULL
    assert "Die Zelle „anzahl-test“ fehlte in Ihrer Abgabe. Wir haben sie wieder eingefügt." in text


def test_deleted_quiz_cell(handin):
    handin.change(_without(f"quiz-{QUIZ}"))
    _, text = handin.grade()
    assert handin.points() == FULL
    assert f"Die Fragen „{QUIZ}“ fehlte" in text


def test_deleted_first_cells(handin):
    handin.change(lambda nb: nb.cells.__delitem__(slice(0, 4)))
    graded, text = handin.grade()
    # the preparation cell belongs to the learner's part; without it the list is unknown, and the page says so
    assert not graded.error
    assert handin.points()[f"quiz-{QUIZ}"] == 5
    assert "Python kennt den Namen katalog noch nicht." in text


def test_deleted_solution_cell_with_solution_elsewhere(handin):
    def work(nb):
        _without("anzahl")(nb)
        nb.cells.insert(3, new_code_cell("anzahl = 2"))
    handin.change(work)
    _, text = handin.grade()
    assert handin.points() == FULL
    assert "Ihre Lösung aus einer anderen Zelle wurde bewertet" in text


def test_deleted_solution_cell(handin):
    handin.change(_without("anzahl"))
    _, text = handin.grade()
    assert handin.points() == {**FULL, "anzahl-test": 0.0}
    assert "Ihre Antwort darin ist leider nicht erhalten" in text and "anzahl: Diese Stelle ist noch leer." in text


def test_edited_test_cell(handin):
    def work(nb):
        handin.cell(nb, "anzahl").source = "anzahl = 99"
        handin.cell(nb, "anzahl-test").source = "check_number = lambda *a, **k: None\n3"
    handin.change(work)
    _, text = handin.grade()
    assert handin.points() == {**FULL, "anzahl-test": 0.0}
    assert "Die Zelle „anzahl-test“ war verändert. Bewertet wurde mit dem Original." in text


def test_changed_points_and_metadata(handin):
    def work(nb):
        handin.cell(nb, "anzahl-test").metadata["nbgrader"].update(points=300, locked=False)
        nb.metadata["kernelspec"] = {"name": "gibt-es-nicht", "display_name": "x", "language": "python"}
    handin.change(work)
    handin.grade()
    assert handin.points() == FULL


def test_metadata_lost(handin):
    """An editor may drop all metadata; the cells' ids still tell which is which."""
    handin.change(lambda nb: [c.metadata.clear() for c in nb.cells])
    handin.grade()
    assert handin.points() == FULL


@pytest.mark.parametrize("where", [0, 1], ids=["before", "after"])
def test_copied_solution_cell(handin, where):
    """A copy left at `...` must not win over the edited cell, wherever it stands."""
    def work(nb):
        cell = handin.cell(nb, "anzahl")
        twin = copy.deepcopy(cell)
        twin.source = "anzahl = ...  # <- hier ändern"
        nb.cells.insert(nb.cells.index(cell) + where, twin)
    handin.change(work)
    _, text = handin.grade()
    assert handin.points() == FULL
    assert "Die Zelle „anzahl“ gab es mehrmals." in text


def test_copied_test_and_quiz_cells(handin):
    def work(nb):
        for name in ("anzahl-test", f"quiz-{QUIZ}"):
            nb.cells.append(copy.deepcopy(handin.cell(nb, name)))
    handin.change(work)
    _, text = handin.grade()
    assert handin.points() == FULL
    assert "Die Zelle „anzahl-test“ gab es mehrmals. Gezählt wurde sie einmal." in text


@pytest.mark.parametrize(("name", "kind"), [("anzahl", "markdown"), ("anzahl-test", "raw"), (f"text-{QUIZ}-nutzen", "code")])
def test_changed_cell_type(handin, name, kind):
    """The keys M, R and Y change a cell's type by accident."""
    def work(nb):
        cell = handin.cell(nb, name)
        cell.cell_type = kind
        for part in ("outputs", "execution_count"):
            cell.pop(part, None)
        if kind == "code":
            cell["outputs"], cell["execution_count"] = [], None
    handin.change(work)
    _, text = handin.grade()
    assert handin.points() == FULL
    assert f"Die Zelle „{name}“ war" in text and "zurückgestellt" in text


def test_renamed_notebook(handin):
    handin.file.rename(handin.dir / "Übung 1 (fertig).ipynb")
    _, text = handin.grade()
    assert handin.points() == FULL
    assert "Das Notebook hieß Übung 1 (fertig).ipynb." in text


def test_two_notebooks_for_one_exercise(handin):
    (handin.dir / f"{EXERCISE}-Copy1.ipynb").write_bytes(handin.file.read_bytes())
    _, text = handin.grade()
    assert handin.points() == FULL
    assert f"Bewertet wurde {EXERCISE}.ipynb, nicht {EXERCISE}-Copy1.ipynb." in text


@pytest.mark.parametrize("content", ["", "{", "[]", '{"cells": 3, "metadata": {}}', '{"cells": [{"cell_type": "x"}], "metadata": {}, "nbformat": 4}'],
                         ids=["empty", "cut", "list", "no-cells", "wrong-cell"])
def test_broken_notebook(handin, content):
    handin.file.write_text(content, encoding="utf-8")
    graded, text = handin.grade()
    assert not graded.error and graded.points == 0
    assert "ist beschädigt und lässt sich nicht öffnen" in text and "geben Sie noch einmal ab" in text


def test_broken_answers_file(handin):
    handin.answers.write_text('{"format": ', encoding="utf-8")
    _, text = handin.grade()
    assert handin.points() == {**FULL, f"quiz-{QUIZ}": 0.0}
    assert "ist beschädigt und war nicht zu retten" in text and "geben Sie neu ab" in text


def _keep_copy(handin, answers=None, version=None):
    stored = storage.read(QUIZ, handin.dir)
    bundle = storage.bundle(QUIZ, answers or stored.answers, version or stored.version)

    def work(nb):
        handin.cell(nb, f"quiz-{QUIZ}").outputs = [new_output("display_data", {storage.MIME: bundle, "text/plain": "Quiz"})]
    handin.change(work)
    return stored


@pytest.mark.parametrize("state", ["missing", "damaged", "huge"])
def test_answers_are_rescued_from_the_notebook(handin, state):
    _keep_copy(handin)
    if state == "missing":
        handin.answers.unlink()
    else:
        handin.answers.write_bytes(b"[" * (10 if state == "damaged" else 3_000_000))
    _, text = handin.grade()
    assert handin.points() == FULL
    assert "Wir haben Ihre Antworten aus dem Notebook geholt." in text


def test_readable_file_wins_over_the_copy(handin):
    _keep_copy(handin, answers={"tausend": "1"})
    handin.grade()
    assert handin.points() == FULL


def test_no_answers_at_all(handin):
    handin.answers.unlink()
    _, text = handin.grade()
    assert handin.points() == {**FULL, f"quiz-{QUIZ}": 0.0}
    assert f"antworten-{QUIZ}.json mit ab" in text


def test_older_question_version(handin):
    data = json.loads(handin.answers.read_text(encoding="utf-8"))
    data["fassung"] = "alt"
    data["antworten"]["gibt-es-nicht-mehr"] = "x"
    handin.answers.write_text(json.dumps(data), encoding="utf-8")
    _, text = handin.grade()
    assert handin.points() == FULL  # everything that still fits counts
    assert "haben sich seit Ihren Antworten geändert" in text


def test_tampered_public_question_file(handin):
    (handin.dir / f"quiz-{QUIZ}.json").write_text("{}", encoding="utf-8")
    handin.grade()
    assert handin.points() == FULL
    restored = handin.course.folder("autograded", handin.student, CHAPTER) / f"quiz-{QUIZ}.json"
    assert restored.read_bytes() == (handin.course.release_dir(CHAPTER) / f"quiz-{QUIZ}.json").read_bytes()


def test_empty_handin(handin):
    for file in handin.dir.iterdir():
        file.unlink()
    graded, text = handin.grade()
    assert not graded.error and graded.points == 0
    assert "enthält keine Übung dieses Kapitels" in text and "geben Sie mit abgabe()" in text


def test_stderr_noise_costs_nothing(handin):
    def work(nb):
        handin.cell(nb, "anzahl").source = (
            "import sys, warnings\nclass Laut(int):\n    def __float__(self):\n        warnings.warn('alt', DeprecationWarning, stacklevel=1)\n"
            "        print('noch etwas', file=sys.stderr)\n        return 2.0\nanzahl = Laut(2)")
    handin.change(work)
    _, text = handin.grade()
    assert handin.points() == FULL
    assert "9 von 11 Punkten" in text and "richtig (Punkte: 3 von 3)" in text and "Traceback" not in text


def test_cell_that_ends_the_kernel(handin):
    handin.change(lambda nb: nb.cells.insert(2, new_code_cell("import os\nos._exit(3)")))
    graded, text = handin.grade()
    assert not graded.error and "hat seinen Kernel beendet" in text and "geben Sie neu ab" in text
    assert handin.points() == FULL | {"anzahl-test": 0.0, "titel-test": 0.0}, "the questions do not depend on the learner's code"


def test_error_in_a_learners_cell_does_not_hide_other_points(handin):
    handin.change(lambda nb: nb.cells.insert(2, new_code_cell("1/0")))
    handin.grade()
    assert handin.points() == FULL


def test_second_handin_without_answers_does_not_inherit_old_ones(handin):
    handin.grade()
    handin.answers.unlink()
    handin.grade()
    assert handin.points() == {**FULL, f"quiz-{QUIZ}": 0.0}


def test_normalise_twice_changes_nothing(handin, course):
    handin.file.rename(handin.dir / "anders.ipynb")
    first = normalise(handin.dir, course.release_dir(CHAPTER))
    assert normalise(handin.dir, course.release_dir(CHAPTER)) == first
