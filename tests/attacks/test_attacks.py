"""Hostile hand-ins: each succeeds where nothing guards (its control), and then: it fails in `kurs grade`, its neighbours
get their right points, and the trainer reads a German line on what happened.

Most controls run the same payload through stock nbgrader (its Execute step, no box), many in one notebook.
`test_every_attack_has_a_control_and_a_line` counts them.
"""

from __future__ import annotations

import copy
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from pathlib import Path

import nbformat
import pytest
from grading_fixtures import CHAPTER, EXERCISE, QUIZ, HandIn, released_course
from nbconvert import HTMLExporter
from nbformat.v4 import new_code_cell, new_markdown_cell, new_raw_cell
from payloads import DEAF, FORGED, MACHINE, MACHINE_LINES, NESTED, PLANTED, POINTS, STOP, XSS

from opendata_kurs.course_tools import config as cfg
from opendata_kurs.course_tools import sanitizers
from opendata_kurs.course_tools.collect import collect
from opendata_kurs.course_tools.feedback import results, write_feedback
from opendata_kurs.course_tools.grade import line, table
from opendata_kurs.course_tools.preprocessors import messages
from opendata_kurs.course_tools.roundtrip import page_text
from opendata_kurs.grading import box, cleaning, incidents, pool, runner, split
from opendata_kurs.questions import storage

pytestmark = [pytest.mark.attack, pytest.mark.slow,
              pytest.mark.skipif(box.backend() == "keine", reason="this machine builds no box")]
FULL = {f"quiz-{QUIZ}": 5.0, "anzahl-test": 3.0, "titel-test": 1.0, f"text-{QUIZ}-nutzen": None}
SLEEP, FOREIGN = "97.31", "4711.25"  # how long: so that each is found among all processes
TEST_CELL = 6  # of anzahl-test in the hand-in
WITHOUT = FULL | {"anzahl-test": 0.0}


class Listener:
    """Counts connections on a TCP port, on a unix socket and on an abstract one (a name without a file)."""

    def __init__(self, folder):
        self.tcp, self.unix, self.count = socket.create_server(("127.0.0.1", 0)), socket.socket(socket.AF_UNIX), 0
        self.path, self.abstract = str(folder / "s"), f"kurs-{os.getpid()}-{folder.name}"
        self.hidden = socket.socket(socket.AF_UNIX)
        for server, name in ((self.unix, self.path), (self.hidden, f"\0{self.abstract}")):
            server.bind(name)
            server.listen()
        self.port = self.tcp.getsockname()[1]
        self.servers = (self.tcp, self.unix, self.hidden)
        for server in self.servers:
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
    scratch = Path(tempfile.mkdtemp(prefix=f"kurs-bewertung-{os.getpid()}-"))  # as of a hand-in that is graded at the same time
    (scratch / "arbeit").mkdir()
    (scratch / "arbeit" / "abgabe.json").touch()
    values = {"root": str(course.dir), "home": str(home), "port": listener.port, "socket": listener.path, "sleep": SLEEP,
              "abstract": listener.abstract, "scratch": str(scratch), "test": TEST_CELL, "foreign": FOREIGN}
    foreign = subprocess.Popen(["sleep", FOREIGN])
    course.values, course.listener = values, listener
    with course.gradebook():
        pass
    for name in ("nachbar", "nachbar-2", "zz-nachbar"):
        HandIn(course, name)
    for name, source in {**MACHINE, **POINTS, **STOP, "kanal-zu": DEAF, "kanal-faelschen": FORGED}.items():
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
    foreign.kill()
    foreign.wait()
    shutil.rmtree(scratch)
    for server in listener.servers:
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


def _xss_answers(h):
    data = json.loads(h.answers.read_text())
    question = next(k for k, v in data["antworten"].items() if isinstance(v, str) and re.fullmatch(r"[\d,]+", v))
    h.answers.write_text(json.dumps(data | {"antworten": data["antworten"] | {question: XSS}}))


def _xss_message(h):
    _set(h, f"anzahl = {XSS!r}")


def _nested(h):
    _set(h, f"from IPython.display import HTML, display\ndisplay(HTML({NESTED!r} * 7000))\ndisplay(HTML('<iframe ' * 900_000))\nanzahl = 0")


def _half_characters(h):
    _set(h, "print('\\ud800')\nanzahl = 0")
    h.change(lambda nb: nb.cells.append(new_markdown_cell("halb \ud800")))


def _many_cells(h):
    h.change(lambda nb: nb.cells.extend(new_markdown_cell("x") for _ in range(1100)))


def _deep_folders(h):
    _set(h, "import os\nfor _ in range(1500):\n    os.mkdir('d')\n    os.chdir('d')\nanzahl = 0")


def _forged_notes(h):
    (h.dir / "kurs-hinweise.json").write_text("[]")


def _odd_name(h):
    (h.dir / "x\x1b]0;GELUNGEN\x07").symlink_to(h.file)


HANDINS = {
    "geplantes-paket": _planted, "testzelle-geleert": _edited(source="pass"), "punkte-1000": _edited(source="pass", points=1000),
    "metadaten": _edited(source="pass", solution=True, locked=False), "zelltyp": _edited(source="pass", cell_type="markdown"),
    "kernelspec": _kernelspec, "doppelte-ids": _duplicates, "symlink": _symlink, "hardlink": _hardlink, "notebook-zu-gross": _oversized,
    "hundert-mb": _hundred_mb, "xss-ausgabe": _xss_output, "xss-text": _xss_text, "stderr-laerm": _stderr, "fremde-antworten": _foreign_answers,
    "riesige-antworten": _huge_answers, "kaputtes-json": _broken_json, "tiefes-json": _deep_json,
    "xss-antworten": _xss_answers, "xss-meldung": _xss_message, "html-bombe": _nested, "halbe-zeichen": _half_characters, "viele-zellen": _many_cells,
    "tiefe-ordner": _deep_folders, "hinweise-gefaelscht": _forged_notes, "steuerzeichen": _odd_name,
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


def _summary(course, student):
    """Return what `kurs grade` prints for the trainer about one hand-in (for checks' own words: and its feedback)."""
    return f"{table([course.graded[student]])} {_german(course, student)}"


@pytest.mark.parametrize("name", MACHINE)
def test_machine_is_out_of_reach(world, name):
    assert "GELUNGEN" not in _shown(world, name)
    assert _points(world, name) in (WITHOUT, WITHOUT | {"titel-test": 0.0})
    assert re.search(MACHINE_LINES[name], _summary(world, name)), _summary(world, name)


@pytest.mark.parametrize("name", POINTS)
def test_no_points_without_an_answer(world, name):
    found = results(world, CHAPTER, name)[0]
    assert found.points in (5.0, 6.0) and not found.cells["anzahl-test"]
    if name == "immer-gleich":
        assert "„anzahl“ ist ein eigenes Objekt der Abgabe (Klasse Ja). Geprüft wurde nur der Wert darin." in _summary(world, name)
    else:
        assert found.needs_person and incidents.TAMPERED in _summary(world, name)


@pytest.mark.parametrize(("name", "words"), [
    ("endlos", "lief länger als erlaubt"), ("endlos-trotzig", "lief ohne Ende"), ("os-exit", "Kernel beendet"),
    ("sys-exit", "Zelle „anzahl“ wollte das Notebook beenden"), ("eigenes-ende", "Kernel beendet|Den Namen `anzahl` gibt es nicht"),
    ("kanal-faelschen", "noch nicht richtig"),
])
def test_notebook_that_never_ends_or_ends_itself(world, name, words):
    assert _points(world, name) in (WITHOUT, WITHOUT | {"titel-test": 0.0})
    assert re.search(words, _german(world, name))


@pytest.mark.parametrize(("name", "points", "words"), [
    ("geplantes-paket", WITHOUT, r"Namen eines Pakets \(opendata_kurs\)"),
    ("testzelle-geleert", WITHOUT, "war verändert. Bewertet wurde mit dem Original"),
    ("punkte-1000", WITHOUT, "hatte veränderte Angaben, zum Beispiel zu den Punkten"),
    ("metadaten", WITHOUT, "hatte veränderte Angaben"),
    ("zelltyp", WITHOUT, "war eine Text-Zelle"),
    ("kernelspec", FULL, r"andere Programmiersprache gestellt \('bash'\)"),
    ("doppelte-ids", WITHOUT, "gab es mehrmals"),
    ("xss-ausgabe", WITHOUT, "Aus einer Ausgabe wurden Skripte entfernt"),
    ("xss-text", FULL, "Aus einem Text wurden Skripte oder HTML-Befehle entfernt"),
    ("xss-antworten", FULL | {f"quiz-{QUIZ}": 4.0}, "8 von 11 Punkten"),
    ("xss-meldung", WITHOUT, "noch nicht richtig"),
    ("html-bombe", WITHOUT, "noch nicht richtig"),
    ("halbe-zeichen", WITHOUT, "noch nicht richtig"),
    ("tiefe-ordner", WITHOUT, "noch nicht richtig"),
    ("hinweise-gefaelscht", FULL, "9 von 11 Punkten"),
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
    ("steuerzeichen", "Symlink: x�]0;GELUNGEN�"),
])
def test_hand_in_is_not_opened(world, name, words):
    assert words in line(world.graded[name])
    assert not world.folder("autograded", name, CHAPTER).exists()


def test_hand_in_that_hangs_up_is_given_up(world):
    assert "mehrmals ausgefallen. Sie wurde nicht bewertet" in line(world.graded["kanal-zu"])
    assert sum(r.points for r in results(world, CHAPTER, "kanal-zu")) == 0


@pytest.mark.parametrize(("name", "words"), [("kaputtes-json", "beschädigt"), ("viele-zellen", "mehr als 1000 Zellen")])
def test_notebook_is_put_aside(world, name, words):
    assert words in _summary(world, name) and results(world, CHAPTER, name)[0].points == 0


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


@pytest.mark.parametrize("name", ["xss-ausgabe", "xss-text", "xss-antworten", "xss-meldung"])
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
    names = list(MACHINE)
    handin.change(lambda nb: [nb.cells.append(new_code_cell(_fill(MACHINE[n], values))) for n in names])
    configured = stock.config

    def longer():
        c = configured()
        c.LimitOutput.max_lines, c.LimitOutput.max_bytes = 5000, 10_000_000
        c.Execute.timeout = 600  # a busy machine is no proof
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


def test_control_channel(stock, tmp_path):
    """Stock nbgrader loses the kernel; a believed event would give all points."""
    from nbgrader.utils import determine_grade

    handin = HandIn(stock, "kanal-zu")
    _set(handin, DEAF)
    with pytest.raises(cfg.GradingFailed):
        _run_stock(stock, "kanal-zu")
    with runner.Sandbox() as sandbox:
        run = runner.run_cells([{"i": 1, "source": ""}, {"i": 5, "source": _fill(FORGED, {"test": TEST_CELL})}], sandbox, learner=True)
    assert run.outputs[TEST_CELL][0]["data"]["text/plain"] == "3" and run.counts[1] == -5 and "__class__" in run.exports[TEST_CELL]
    cell = handin.cell(handin.nb, "anzahl-test")
    cell.outputs = [nbformat.from_dict(run.outputs[TEST_CELL][0])]
    assert determine_grade(cell)[0] == 3


def test_control_shared_memory_is_counted(monkeypatch):
    """Shared memory belongs to no file; it was not counted once. 200 MB stand for what fills the machine."""
    source = "import mmap, time\nx = mmap.mmap(-1, 200 << 20)\nfor n in range(0, 200 << 20, 4096):\n    x[n] = 1\ntime.sleep(1)\nprint('GE' 'LUNGEN')"
    with runner.Sandbox() as sandbox:
        run = runner.run_cells([{"i": 0, "source": source}], sandbox, learner=True)
    assert run.complete and "GELUNGEN" in json.dumps(run.outputs), "below the limit it is allowed"
    monkeypatch.setattr(box, "MAX_MEMORY", 150 << 20)
    with runner.Sandbox() as sandbox:
        run = runner.run_cells([{"i": 0, "source": source}], sandbox, learner=True)
    assert run.reason == "speicher" and "GELUNGEN" not in json.dumps(run.outputs)


def test_control_reported_files(tmp_path):
    """A forged channel may name any number of files; only declared results are copied to the checks."""
    source = ("import json, os\nfor n in range(30):\n    open(f'f{n}.bin', 'wb').truncate(40 << 20)\n    for fd in range(3, 64):\n        try:\n"
              "            os.write(fd, b'\\n' + json.dumps({'t': 'export', 'i': 1, 'name': f'n{n}', 'v': f'f{n}.bin'}).encode() + b'\\n')\n        except OSError:\n            pass\n")
    with runner.Sandbox(tmp_path) as sandbox, runner.Sandbox(tmp_path) as clean:
        run = runner.run_cells([{"i": 0, "source": source}, {"i": 1, "source": "datei = 'f0.bin'", "exports": ["datei"]}], sandbox, learner=True)
        assert len(run.exports[1]) == 31, "the control: all were reported"
        split._copy_saved([{"datei": run.exports[1]["datei"]}], sandbox.work, clean.work)
        assert [f.name for f in clean.work.iterdir()] == ["f0.bin"]


def test_control_html_bomb_and_deep_folders(tmp_path):
    began = time.monotonic()
    cleaning.clean_html(NESTED * 1500)
    slow = time.monotonic() - began
    assert slow > 0.5, "64 kB without a limit; time grows with the square, a hand-in brings 300 kB per output"
    deep = tmp_path / "tief"
    deep.mkdir()
    here = os.getcwd()
    try:
        os.chdir(deep)
        for _ in range(1500):
            os.mkdir("d")
            os.chdir("d")
    finally:
        os.chdir(here)
    if sys.version_info < (3, 13):
        with pytest.raises(RecursionError):
            shutil.rmtree(deep, ignore_errors=True)
    box.remove_tree(deep)
    assert not deep.exists()


def test_control_forms(world, stock):
    """What the same hand-ins do to nbgrader where nothing looks at them first."""
    link = HandIn(stock, "symlink")
    _symlink(link)
    _hardlink(HandIn(stock, "hardlink"))
    for name in ("symlink", "hardlink"):
        _run_stock(stock, name)
        assert "LÖSUNG" in (stock.folder("autograded", name, CHAPTER) / "loesung.txt").read_text(), "nbgrader copies the solution"
    _hundred_mb(HandIn(stock, "hundert-mb"))
    _run_stock(stock, "hundert-mb")
    assert (stock.folder("autograded", "hundert-mb", CHAPTER) / "gross.csv").stat().st_size == 100_000_000
    _broken_json(HandIn(stock, "kaputtes-json"))
    with pytest.raises(cfg.GradingFailed):
        _run_stock(stock, "kaputtes-json")
    _half_characters(half := HandIn(stock, "halbe-zeichen"))
    with pytest.raises(UnicodeEncodeError):
        nbformat.write(half.nb, half.dir / "kopie.ipynb")
    for name, work in (("notebook-zu-gross", _oversized), ("viele-zellen", _many_cells)):
        handin = HandIn(stock, name)
        work(handin)
        assert len(json.dumps(handin.nb)) > 21_000_000 or len(handin.nb.cells) > 1100, "nbformat opens it without a question"
    kernel = HandIn(stock, "kernelspec")
    _kernelspec(kernel)
    with pytest.raises(Exception, match="No such kernel"):
        from nbclient import NotebookClient

        NotebookClient(kernel.nb).execute()
    odd = HandIn(stock, "steuerzeichen")
    _odd_name(odd)
    assert any("\x1b" in p.name for p in odd.dir.iterdir()), "a terminal would obey it"


def test_control_answers(world):
    foreign = HandIn(world, "kontrolle-antworten")
    content = json.loads(foreign.answers.read_text())
    assert storage.from_bytes("anderes-quiz", json.dumps(content | {"quiz": "anderes-quiz"}).encode()).state == "ok", "under its own name it counts"
    assert len(json.loads(json.dumps(content | {"x": "y" * 3_000_000}))["x"]) == 3_000_000, "the parser takes any size"
    with pytest.raises(RecursionError):
        json.loads("[" * 100_000)
    with pytest.raises(AttributeError):  # what reading the notes did
        json.loads("[]").get(EXERCISE, [])
    for name in ("xss-antworten", "xss-meldung"):
        assert "<script>document" in world.folder("submitted", name, CHAPTER).joinpath(
            f"antworten-{QUIZ}.json" if name == "xss-antworten" else f"{EXERCISE}.ipynb").read_text(), "the script really is in the hand-in"
    assert "<script>" in HTMLExporter(sanitize_html=False).from_notebook_node(nbformat.v4.new_notebook(cells=[new_code_cell(
        "x", outputs=[nbformat.v4.new_output("display_data", {"text/html": XSS})])]))[0].split("<main", 1)[-1], "nbconvert passes it on"


# which test shows that an attack succeeds where nothing guards
CONTROLS = (
    dict.fromkeys(MACHINE, "test_control_machine") | dict.fromkeys([*POINTS, "geplantes-paket"], "test_control_points") | dict.fromkeys(STOP, "test_control_stop")
    | dict.fromkeys(["kanal-zu", "kanal-faelschen"], "test_control_channel") | dict.fromkeys(["html-bombe", "tiefe-ordner"], "test_control_html_bomb_and_deep_folders")
    | dict.fromkeys(["symlink", "hardlink", "hundert-mb", "kaputtes-json", "halbe-zeichen", "notebook-zu-gross", "viele-zellen", "kernelspec", "steuerzeichen"], "test_control_forms")
    | dict.fromkeys(["fremde-antworten", "riesige-antworten", "tiefes-json", "hinweise-gefaelscht", "xss-antworten", "xss-meldung"], "test_control_answers")
    | dict.fromkeys(["testzelle-geleert", "punkte-1000", "metadaten", "xss-ausgabe", "xss-text"], "test_control_changed_test_cells")
    | dict.fromkeys(["zelltyp", "stderr-laerm", "doppelte-ids"], "test_control_what_nbgrader_believes")
    | {"zip-slip": "test_zip_slip", "gemeinsamer-speicher": "test_control_shared_memory_is_counted", "gemeldete-dateien": "test_control_reported_files"})


def test_every_attack_has_a_control_and_a_line():
    attacks = {*MACHINE, *POINTS, *STOP, *HANDINS, "kanal-zu", "kanal-faelschen", "zip-slip", "gemeinsamer-speicher", "gemeldete-dateien"}
    assert set(CONTROLS) == attacks and all(callable(globals()[test]) for test in CONTROLS.values())
    text = (Path(__file__).parents[2] / "docs" / "sicherheit.md").read_text(encoding="utf-8")
    assert f"enthält {len(attacks)} Angriffe" in text, f"docs/sicherheit.md must say {len(attacks)}"


def test_control_changed_test_cells(world):
    from nbgrader.utils import determine_grade

    handin = HandIn(world, "kontrolle-form")
    _edited(source="pass", points=1000)(handin)
    assert determine_grade(handin.cell(handin.nb, "anzahl-test"))[0] == 1000, "nbgrader believes an edited cell that nobody restores"
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
    twice = HandIn(world, "kontrolle-doppelt")
    _duplicates(twice)
    cells = [c for c in twice.nb.cells if c.metadata.get("nbgrader", {}).get("grade_id") == "anzahl-test"]
    cells[-1].outputs = [new_output("stream", name="stdout", text="")]
    assert len(cells) == 2 and determine_grade(cells[-1])[0] == 3, "the copy that does nothing gets all points"
