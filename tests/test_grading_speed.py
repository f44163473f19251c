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
from opendata_kurs.course_tools.config import Course
from opendata_kurs.course_tools.release import _generate
from opendata_kurs.grading import figures, pool, speed, zygote
from opendata_kurs.paths import course_dir


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
from base64 import b64decode
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
found = data["image/png"]
Path(sys.argv[2]).write_bytes(b64decode(found) if isinstance(found, str) else found)
print(len(drawn))
"""


def seen(path) -> dict[str, float]:
    """Return how large a picture is and how many pixels each of its colours covers: a half-covered pixel counts half."""
    picture = Image.open(path).convert("RGB")
    grey, red = picture.convert("L"), ImageChops.subtract(*picture.split()[:2])
    areas, ink = (grey.point(lambda v: 255 if 110 < v < 140 else 0), grey.point(lambda v: 255 if v < 90 else 0))
    return {"width": picture.width, "height": picture.height} | {
        name: ImageStat.Stat(layer).sum[0] / 255 for name, layer in (("areas", areas), ("points", red), ("ink", ink))}


def test_a_figure_drawn_once_looks_the_same(tmp_path):
    env = os.environ | {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}
    draws, found = {}, {}
    for way, code in (("stock", FIGURE), ("once", FIGURE), ("control", FIGURE.replace('"#b3001b"', '"#7d8590"'))):
        result = subprocess.run([sys.executable, "-W", "ignore", "-c", code, way, tmp_path / way], capture_output=True, text=True, env=env, check=True)
        draws[way], found[way] = int(result.stdout), seen(tmp_path / way)
    assert draws == {"stock": 4, "once": 1, "control": 4}, "stock draws for each layer, and once to measure"
    assert found["once"] == pytest.approx(found["stock"], rel=0.04), "where a line falls between two pixels may differ"
    assert found["control"]["points"] < found["stock"]["points"] / 10, "without the points it is another picture"


def test_what_reaches_over_the_edge_is_not_cut_off():
    from IPython.core.pylabtools import print_figure
    from matplotlib.figure import Figure

    assert figures.picture(Figure()) is None
    figure = Figure(figsize=(3, 2))
    axes = figure.subplots()
    axes.set_title("Ein Titel, der breiter ist als das Bild")
    found, usual = (Image.open(io.BytesIO(p)) for p in (figures.picture(figure), print_figure(figure, bbox_inches="tight")))
    assert found.width > 300 and abs(found.width - usual.width) <= 4
    axes.set_ylabel("Ein sehr langer Name für eine Achse, länger als Bild und Rand zusammen")
    assert figures.picture(figure) == print_figure(figure, bbox_inches="tight"), "what reaches too far is drawn the usual way"


def _legend(axes):
    axes.plot([1, 2], label="weit draußen")
    axes.legend(bbox_to_anchor=(2.5, 1))


@pytest.mark.parametrize("add", [_legend, lambda axes: axes.text(4, 0.5, "weit draußen"), lambda axes: axes.figure.add_axes((2.0, 0.1, 0.5, 0.5)),
                                 lambda axes: axes.inset_axes((2.5, 0, 0.5, 1))], ids=["legend", "text", "axes", "inset"])
def test_what_lies_far_outside_is_drawn_the_usual_way(add):
    from IPython.core.pylabtools import print_figure
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3, 2))
    add(figure.subplots())
    usual = print_figure(figure, bbox_inches="tight")
    assert Image.open(io.BytesIO(usual)).width > 500, "positive control: it lies far outside"
    assert figures.picture(figure) == usual


def test_what_the_warm_parent_loads_exists():
    """A name that is not there would be passed over in silence, and each hand-in would load it for itself."""
    code = ("import importlib\nfrom opendata_kurs.grading import zygote\n"
            "for name in [*zygote.BASE, *(n for group in zygote.GROUPS.values() for n in group)]:\n"
            "    module, _, function = name.partition(':')\n    found = importlib.import_module(module)\n"
            "    assert not function or callable(getattr(found, function)), name\n")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert set(pool._WORDS) == set(zygote.GROUPS)


@pytest.mark.parametrize(("chapter", "exercise", "groups"), [
    ("04_veroeffentlichen", "uebung_01_tabelle_aufraeumen", ["tabellen", "veroeffentlichen"]),
    ("04_veroeffentlichen", "uebung_02_datenschutz_und_kleine_zahlen", ["sperren", "tabellen", "veroeffentlichen"]),
    ("04_veroeffentlichen", "uebung_03_metadaten", ["metadaten", "veroeffentlichen"]),
    ("04_veroeffentlichen", "uebung_04_ins_portal", ["geo", "metadaten", "tabellen", "veroeffentlichen"]),
    ("03_kartenworkshop", "uebung_06_meine_karte", ["geo", "karten"]),
])
def test_what_an_exercise_uses_is_loaded_beforehand(released_chapters, chapter, exercise, groups):
    course = released_chapters(chapter)
    folder = course.folder("submitted", exercise.replace("_", "-"), chapter)
    folder.mkdir(parents=True)
    (folder / f"{exercise}.ipynb").write_bytes((course.release_dir(chapter) / f"{exercise}.ipynb").read_bytes())
    assert pool.needed([pool.Item(chapter, folder.parent.name, "")], course)[0] == groups


@pytest.fixture(scope="module")
def released_chapters(tmp_path_factory):
    courses: dict[str, Course] = {}

    def of(chapter: str) -> Course:
        if chapter not in courses:
            courses[chapter] = Course(tmp_path_factory.mktemp("leitung"))
            _generate(courses[chapter], course_dir() / chapter, chapter)
        return courses[chapter]

    return of


def test_a_template_is_compiled_once(monkeypatch, tmp_path):
    from jinja2 import Environment
    from nbconvert import HTMLExporter
    from nbformat.v4 import new_markdown_cell, new_notebook

    from opendata_kurs.templates.pages import PageExporter

    compiled = []
    generate = Environment._generate
    monkeypatch.setattr(Environment, "_generate", lambda self, *a, **k: compiled.append(a[1]) or generate(self, *a, **k))

    def page(exporter, text: str) -> str:
        return exporter().from_notebook_node(new_notebook(cells=[new_markdown_cell(text)]))[0]

    assert "<h1" in page(PageExporter, "# Eins")
    compiled.clear()
    assert "Zwei" in page(PageExporter, "# Zwei") and compiled == []
    assert "Drei" in page(HTMLExporter, "# Drei") and len(compiled) > 3, "control: nbconvert alone compiles for each page"
