"""What makes grading fast must not change what comes out: shared session, one transaction, kept datasets, figures drawn once."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys

import pytest
from grading_fixtures import CHAPTER, EXERCISE, HandIn, released_course
from nbgrader import utils
from nbgrader.api import Gradebook
from nbgrader.preprocessors import SaveAutoGrades

from opendata_kurs import datasets
from opendata_kurs.course_tools import sanitizers
from opendata_kurs.grading import speed


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
import sys, hashlib
from IPython.core.pylabtools import print_figure
import matplotlib.pyplot as plt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from opendata_kurs import load_dataset
from opendata_kurs.grading import zygote
drawn = []
stock = FigureCanvasAgg.draw
FigureCanvasAgg.draw = lambda self: (drawn.append(1), stock(self))[1]
if sys.argv[1] == "once":
    zygote._prepare_figures()
    drawn.clear()
areas = load_dataset("duesseldorf-stadtbezirke")
axes = areas.plot(color="#7d8590", aspect=None)
areas.centroid.plot(ax=axes, color="#b3001b", aspect=None)
axes.set(title="Düsseldorf")
before = len(drawn)
print(before, hashlib.sha256(repr(print_figure(axes.figure, bbox_inches="tight")).encode()).hexdigest())
"""


def test_a_figure_drawn_once_looks_the_same():
    env = os.environ | {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}
    found = {}
    for way in ("stock", "once"):
        result = subprocess.run([sys.executable, "-W", "ignore", "-c", FIGURE, way], capture_output=True, text=True, env=env, check=True)
        found[way] = result.stdout.split()
    assert found["stock"][1] == found["once"][1], "the same picture, to the byte"
    assert int(found["stock"][0]) == 2 and int(found["once"][0]) == 0, "stock draws for each layer, too"
