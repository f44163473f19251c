"""Hostile hand-ins: each attack succeeds where nothing guards (control) and fails in `kurs grade`; the neighbour keeps its points.

The controls run the same payloads through stock nbgrader (its Execute step, no box), many in one notebook.
"""

from __future__ import annotations

import copy
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
import zipfile

import nbformat
import pytest
from grading_fixtures import CHAPTER, EXERCISE, QUIZ, HandIn, released_course
from nbconvert import HTMLExporter
from nbformat.v4 import new_code_cell, new_markdown_cell, new_raw_cell
from payloads import MACHINE, PLANTED, POINTS, STOP, XSS

from opendata_kurs.course_tools import config as cfg
from opendata_kurs.course_tools import sanitizers
from opendata_kurs.course_tools.collect import collect
from opendata_kurs.course_tools.feedback import results, write_feedback
from opendata_kurs.course_tools.grade import line
from opendata_kurs.course_tools.preprocessors import messages
from opendata_kurs.course_tools.roundtrip import page_text
from opendata_kurs.grading import box, pool

pytestmark = [pytest.mark.attack, pytest.mark.slow,
              pytest.mark.skipif(box.backend() == "keine", reason="this machine builds no box")]
FULL = {f"quiz-{QUIZ}": 5.0, "anzahl-test": 3.0, "titel-test": 1.0, f"text-{QUIZ}-nutzen": None}
SLEEP = "97.31"
WITHOUT = FULL | {"anzahl-test": 0.0}


class Listener:
    """Counts connections on a TCP port and on a unix socket."""

    def __init__(self, folder):
        self.tcp, self.unix, self.count = socket.create_server(("127.0.0.1", 0)), socket.socket(socket.AF_UNIX), 0
        self.path = str(folder / "s")
        self.unix.bind(self.path)
        self.unix.listen()
        self.port = self.tcp.getsockname()[1]
        for server in (self.tcp, self.unix):
            threading.Thread(target=self._accept, args=(server,), daemon=True).start()

    def _accept(self, server):
        while True:
            try:
                server.accept()[0].close()
            except OSError:
                return
            self.count += 1


def _short(monkeypatch):
    configure = cfg.configure

    def quick(*args, **kwargs):
        c = configure(*args, **kwargs)
        c.Execute.timeout = 5
        c.SplitExecute.total_timeout = 12
        return c
    monkeypatch.setattr(cfg, "configure", quick)


def _set(handin, source, grade_id="anzahl"):
    handin.change(lambda nb: handin.cell(nb, grade_id).update(source=source))


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Grade all attackers and three neighbours in one run."""
    monkeypatch = pytest.MonkeyPatch()
    _short(monkeypatch)
    base = tmp_path_factory.mktemp("a")
    home = base / "home"
    home.mkdir()
    (home / "zeichen").touch()
    listener = Listener(base)
    course = released_course(base / "leitung")
    monkeypatch.setenv("GEHEIM_TOKEN", "nur-fuer-die-leitung")
    values = {"root": str(course.dir), "home": str(home), "port": listener.port, "socket": listener.path, "sleep": SLEEP}
    course.values, course.listener = values, listener
    with course.gradebook():
        pass
    for name in ("nachbar", "nachbar-2", "zz-nachbar"):
        HandIn(course, name)
    for name, source in {**MACHINE, **POINTS, **STOP}.items():
        _set(HandIn(course, name), _fill(source, values))
    for name, work in HANDINS.items():
        work(HandIn(course, name))
    before = {p: p.read_bytes() for p in course.dir.rglob("nachbar*/*/*.ipynb")} | {course.dir / "nbgrader_config.py": (course.dir / "nbgrader_config.py").read_bytes()}
    course.graded = {g.student: g for g in pool.grade_cohort(course, [CHAPTER], jobs=3)}
    course.untouched = all(p.read_bytes() == b for p, b in before.items())
    course.connections = listener.count
    course.home = home
    yield course
    monkeypatch.undo()
    for server in (listener.tcp, listener.unix):
        server.close()


def _fill(source, values):
    for key, value in values.items():
        source = source.replace("{" + key + "}", str(value))
    return source


# --- attacks on the form of a hand-in -------------------------------------------------------------------------------------


def _planted(h):
    (h.dir / "opendata_kurs").mkdir()
    (h.dir / "opendata_kurs" / "__init__.py").write_text(PLANTED)
    (h.dir / "opendata_kurs" / "checks.py").write_text(PLANTED)
    _set(h, "anzahl = 0")


def _tests(nb, **change):
    for c in nb.cells:
        if c.metadata.get("nbgrader", {}).get("grade") and c.cell_type == "code":
            c.update({k: v for k, v in change.items() if k in ("source", "cell_type")})
            c.metadata["nbgrader"].update({k: v for k, v in change.items() if k not in ("source", "cell_type")})


def _edited(**change):
    def work(h):
        _set(h, "anzahl = 0")
        h.change(lambda nb: _tests(nb, **change))
    return work


def _kernelspec(h):
    h.change(lambda nb: nb.metadata.update(kernelspec={"name": "bash", "display_name": "x", "language": "bash"}))


def _duplicates(h):
    def work(nb):
        extra = copy.deepcopy(h.cell(nb, "anzahl-test"))
        extra.source = "pass"
        nb.cells.append(extra)
    _set(h, "anzahl = 0")
    h.change(work)


def _symlink(h):
    (h.dir / "loesung.txt").symlink_to(h.course.source / CHAPTER / f"{EXERCISE}.ipynb")


def _hardlink(h):
    os.link(h.course.source / CHAPTER / f"{EXERCISE}.ipynb", h.dir / "loesung.txt")


def _oversized(h):
    h.change(lambda nb: nb.cells.append(new_markdown_cell("x" * 21_000_000)))


def _hundred_mb(h):
    with (h.dir / "gross.csv").open("wb") as file:
        file.truncate(100_000_000)


def _xss_output(h):
    _set(h, f"from IPython.display import HTML, display\ndisplay(HTML({XSS!r}))\nanzahl = 0")


def _xss_text(h):
    links = "[a](javascript:GELUNGEN) [b](java&#115;cript:GELUNGEN) [c](java&amp;#115;cript:GELUNGEN) [d](javascript\\:GELUNGEN) <javascript:GELUNGEN> $\\href{javascript:GELUNGEN}{x}$"
    h.change(lambda nb: (h.cell(nb, f"text-{QUIZ}-nutzen").update(source=f"Antwort {XSS}\n\n{links}"), nb.cells.append(new_markdown_cell(XSS)),
                         nb.cells.append(new_raw_cell(XSS)), nb.metadata.update(title=XSS)))


def _stderr(h):
    h.change(lambda nb: nb.cells.insert(1, new_code_cell("import sys\nprint('laut', file=sys.stderr)")))


def _foreign_answers(h):
    data = json.loads(h.answers.read_text())
    h.answers.write_text(json.dumps(data | {"quiz": "anderes-quiz"}))


def _huge_answers(h):
    h.answers.write_text(json.dumps(json.loads(h.answers.read_text()) | {"x": "y" * 3_000_000}))


def _broken_json(h):
    h.file.write_text('{"cells": [')


def _deep_json(h):
    h.answers.write_text("[" * 100_000)


HANDINS = {
    "geplantes-paket": _planted, "testzelle-geleert": _edited(source="pass"), "punkte-1000": _edited(source="pass", points=1000),
    "metadaten": _edited(source="pass", solution=True, locked=False), "zelltyp": _edited(source="pass", cell_type="markdown"),
    "kernelspec": _kernelspec, "doppelte-ids": _duplicates, "symlink": _symlink, "hardlink": _hardlink, "notebook-zu-gross": _oversized,
    "hundert-mb": _hundred_mb, "xss-ausgabe": _xss_output, "xss-text": _xss_text, "stderr-laerm": _stderr, "fremde-antworten": _foreign_answers,
    "riesige-antworten": _huge_answers, "kaputtes-json": _broken_json, "tiefes-json": _deep_json,
}


def _notebook(course, student):
    return nbformat.read(course.folder("autograded", student, CHAPTER) / f"{EXERCISE}.ipynb", as_version=4)


def _shown(course, student):
    return json.dumps([c.get("outputs") for c in _notebook(course, student).cells])


def _points(course, student):
    return results(course, CHAPTER, student)[0].cells


def _german(course, student):
    """Return what the trainer reads about a hand-in: the line, the notes, the messages of the checks."""
    graded = course.graded[student]
    texts = [line(graded), *(n for e in graded.exercises for n in e.notes)]
    if course.folder("autograded", student, CHAPTER).is_dir() and not graded.error:
        texts += [m for c in _notebook(course, student).cells if c.cell_type == "code" and c.metadata.get("nbgrader", {}).get("grade") for m in messages(c)]
        texts.append(page_text(_shown(course, student)))
    return " ".join(texts)


@pytest.mark.parametrize("name", MACHINE)
def test_machine_is_out_of_reach(world, name):
    assert "GELUNGEN" not in _shown(world, name)
    assert _points(world, name) in (WITHOUT, WITHOUT | {"titel-test": 0.0})
    assert re.search(r"angehalten|gekürzt|noch nicht richtig|Den Namen", _german(world, name))


@pytest.mark.parametrize("name", POINTS)
def test_no_points_without_an_answer(world, name):
    assert _points(world, name) in (WITHOUT, WITHOUT | {"titel-test": 0.0})
    assert re.search(r"noch nicht richtig|Den Namen `\w+` gibt es nicht", _german(world, name))


@pytest.mark.parametrize(("name", "words"), [
    ("endlos", "lief zu lange|länger als|angehalten"), ("endlos-trotzig", "lief ohne Ende"), ("os-exit", "Kernel beendet"),
    ("sys-exit", "noch nicht richtig|Den Namen"), ("eigenes-ende", "Kernel beendet|Den Namen"),
])
def test_notebook_that_never_ends_or_ends_itself(world, name, words):
    assert _points(world, name) in (WITHOUT, WITHOUT | {"titel-test": 0.0})
    assert re.search(words, _german(world, name))


@pytest.mark.parametrize(("name", "points", "words"), [
    ("geplantes-paket", WITHOUT, "noch nicht richtig"),
    ("testzelle-geleert", WITHOUT, "war verändert. Bewertet wurde mit dem Original"),
    ("punkte-1000", WITHOUT, "war verändert"),
    ("metadaten", WITHOUT, "war verändert"),
    ("zelltyp", WITHOUT, "war eine Text-Zelle"),
    ("kernelspec", FULL, "9 von 11 Punkten"),
    ("doppelte-ids", WITHOUT, "gab es mehrmals"),
    ("xss-ausgabe", WITHOUT, "noch nicht richtig"),
    ("xss-text", FULL, "9 von 11 Punkten"),
    ("stderr-laerm", FULL, "9 von 11 Punkten"),
    ("fremde-antworten", FULL | {f"quiz-{QUIZ}": 0.0}, "beschädigt"),
    ("riesige-antworten", FULL | {f"quiz-{QUIZ}": 0.0}, "beschädigt"),
    ("tiefes-json", FULL | {f"quiz-{QUIZ}": 0.0}, "beschädigt"),
])
def test_changed_hand_in(world, name, points, words):
    assert _points(world, name) == points
    assert re.search(words, _german(world, name))


@pytest.mark.parametrize(("name", "words"), [
    ("symlink", "Symlink"), ("hardlink", "Hardlink"), ("notebook-zu-gross", "mehr als 20 MB"), ("hundert-mb", "mehr als 60 MB"),
])
def test_hand_in_is_not_opened(world, name, words):
    assert words in line(world.graded[name])
    assert not world.folder("autograded", name, CHAPTER).exists()


def test_broken_notebook_is_told(world):
    assert "beschädigt" in _german(world, "kaputtes-json")


def test_neighbours_keep_their_points(world):
    for name in ("nachbar", "nachbar-2", "zz-nachbar"):
        assert _points(world, name) == FULL
    assert world.untouched, "a hand-in or the configuration was changed"
    assert world.connections == 0, "something reached the network"
    assert not (world.home / ".ipython").exists()


def test_nothing_outlives_the_run(world):
    for _ in range(20):
        left = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
        if f"sleep {SLEEP}" not in left:
            break
        time.sleep(0.1)
    assert f"sleep {SLEEP}" not in left


@pytest.mark.parametrize("name", ["xss-ausgabe", "xss-text"])
def test_no_script_in_what_the_trainer_opens(world, name):
    page = HTMLExporter().from_notebook_node(_notebook(world, name))[0]
    assert not re.search(r"<script>document|<img[^>]*onerror|href=.?javascript", page, re.I)
    index = write_feedback(world, CHAPTER, name)
    assert not re.search(r"<script>document|<img[^>]*onerror|href=.?javascript", (index.parent / f"{EXERCISE}.html").read_text())


def test_zip_slip(world, tmp_path):
    file = tmp_path / "abgabe_01_mini_boese.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("../../nachbar/01_mini/uebung_01_mini.ipynb", "{}")
    with zipfile.ZipFile(file) as archive:  # control: the archive really names that path
        assert archive.namelist()[0].startswith("../../")
    found = collect([file], world)
    assert not found[0].ok and "unerlaubten Pfad" in found[0].message
    assert world.untouched


# --- controls: the same payloads where nothing guards ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stock(world, tmp_path_factory):
    """A second trainer's folder, graded by nbgrader's own Execute step without a box."""
    from nbgrader.preprocessors import Execute

    monkeypatch = pytest.MonkeyPatch()
    course = released_course(tmp_path_factory.mktemp("stock"))
    HandIn(course, "nachbar")
    listed = sanitizers.autograde_list
    monkeypatch.setattr(sanitizers, "autograde_list", lambda: [Execute, *listed()[2:]])
    yield course
    monkeypatch.undo()


def _run_stock(course, student):
    course.autograde(CHAPTER, student)
    return _points(course, student)


def test_control_machine(stock, world):
    values = world.values | {"root": str(stock.dir)}
    handin = HandIn(stock, "alle")
    names = [n for n in MACHINE if n != "neuer-namensraum"]
    handin.change(lambda nb: [nb.cells.append(new_code_cell(_fill(MACHINE[n], values))) for n in names])
    configured = stock.config

    def longer():
        c = configured()
        c.LimitOutput.max_lines, c.LimitOutput.max_bytes = 5000, 10_000_000
        c.Execute.timeout = 60
        return c
    stock.config = longer
    try:
        _run_stock(stock, "alle")
    except cfg.GradingFailed as error:
        raise AssertionError(error.log[-3000:]) from None
    finally:
        stock.config = configured
    left = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True).stdout
    alive = [int(row.split()[0]) for row in left.splitlines() if row.strip().endswith(f"sleep {SLEEP}")]
    for pid in alive:
        os.kill(pid, 9)
    cells = [c for c in _notebook(stock, "alle").cells if c.cell_type == "code"][-len(names):]
    failed = [n for n, c in zip(names, cells, strict=True) if "GELUNGEN" not in json.dumps(c.outputs)]
    assert failed == ["eltern-adoptieren"] and alive, f"unguarded, these did not succeed: {failed}"


@pytest.mark.parametrize("name", [*POINTS, "geplantes-paket"])
def test_control_points(stock, name):
    handin = HandIn(stock, name)
    if name in HANDINS:
        HANDINS[name](handin)
    else:
        _set(handin, POINTS[name])
    assert _run_stock(stock, name)["anzahl-test"] == 3.0, "without the second process the trick gives full points"


def test_control_stop(stock):
    with pytest.raises(cfg.GradingFailed):
        handin = HandIn(stock, "os-exit")
        _set(handin, STOP["os-exit"])
        _run_stock(stock, "os-exit")
    for name in ("endlos", "endlos-trotzig"):
        process = subprocess.Popen([sys.executable, "-c", STOP[name]])
        time.sleep(0.7)
        assert process.poll() is None
        process.kill()
        process.wait()
    for name in ("sys-exit", "eigenes-ende"):
        assert subprocess.run([sys.executable, "-c", STOP[name] + "\nprint('weiter')"], capture_output=True, text=True).stdout == ""


def test_control_changed_test_cells(world):
    from nbgrader.utils import determine_grade

    handin = HandIn(world, "kontrolle-form")
    _edited(source="pass", points=1000)(handin)
    assert determine_grade(handin.cell(handin.nb, "anzahl-test"))[0] == 1000, "nbgrader believes an edited cell that nobody restores"
    assert (world.folder("submitted", "symlink", CHAPTER) / "loesung.txt").read_text(), "the link leads to the solution"
    assert (world.folder("submitted", "hardlink", CHAPTER) / "loesung.txt").read_text()
    nb = nbformat.v4.new_notebook(cells=[new_markdown_cell(XSS), new_raw_cell(XSS)])
    assert HTMLExporter().from_notebook_node(nb)[0].count("<script>document") >= 1, "nbconvert passes raw markup on"


def test_control_what_nbgrader_believes(world):
    """Stock nbgrader on the same forms: stderr costs all points, a text cell waits for a person, a second copy wins."""
    from nbformat.v4 import new_output
    from nbgrader.utils import determine_grade

    nb = HandIn(world, "kontrolle-form-2").nb
    cell = next(c for c in nb.cells if c.metadata.get("nbgrader", {}).get("grade_id") == "anzahl-test")
    cell.outputs = [new_output("stream", name="stderr", text="laut")]
    assert determine_grade(cell)[0] == 0
    cell.outputs = [new_output("execute_result", data={"text/plain": "'alles'"})]
    assert determine_grade(cell)[0] == 3, "anything that is no number counts as full points"
    cell.cell_type = "markdown"
    assert determine_grade(cell)[0] is None
    assert (world.folder("submitted", "hundert-mb", CHAPTER) / "gross.csv").stat().st_size == 100_000_000
    assert (world.folder("submitted", "notebook-zu-gross", CHAPTER) / f"{EXERCISE}.ipynb").stat().st_size > 20_000_000
