"""The learner's workspace: complete, repeatable, and never overwritten."""

import json

import nbformat
import pytest
from nbformat.sign import NotebookNotary
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from places import ROOT, notebooks

from opendata_kurs import workspace
from opendata_kurs.workspace import build_workspace, first_lesson, jupyter_dir, work_hash

LESSON = "01_anfang/lektion_01_eins.ipynb"
EXERCISE = "01_anfang/uebung_01_eins.ipynb"


def write_notebook(path, *sources, outputs=()):
    cells = [new_markdown_cell("# Titel", id="titel")]
    cells += [new_code_cell(source, id=f"zelle-{n}", outputs=list(outputs)) for n, source in enumerate(sources)]
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(new_notebook(cells=cells), path)


def edit(path, source):
    nb = nbformat.read(path, as_version=4)
    nb.cells[1].source = source
    nbformat.write(nb, path)


@pytest.fixture(autouse=True)
def own_places(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    build = tmp_path / "build"
    monkeypatch.setattr(workspace, "_build_dir", lambda: build)


@pytest.fixture
def course(tmp_path):
    """A small course: one chapter with a lesson, a picture and question sources that must stay away."""
    folder = tmp_path / "course"
    write_notebook(folder / LESSON, "1 + 1")
    (folder / "01_anfang/bilder").mkdir()
    (folder / "01_anfang/bilder/karte.png").write_bytes(b"PNG")
    (folder / "01_anfang/fragen").mkdir()
    (folder / "01_anfang/fragen/geheim.yml").write_text("richtig: B")
    (folder / "01_anfang/kapitel.yml").write_text("titel: Anfang")
    write_notebook(folder / EXERCISE, "### LÖSUNG ANFANG")
    return folder


@pytest.fixture
def released(monkeypatch):
    """Stands for the release step: whatever lies in this dict is delivered too."""
    files: dict[str, bytes] = {}

    def exercises(source, target):
        for name, content in files.items():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            (target / name).write_bytes(content)

    monkeypatch.setattr(workspace, "_exercises", exercises)
    return files


def exercise_bytes(*sources) -> bytes:
    cells = [new_code_cell(s, id=f"z{n}") for n, s in enumerate(sources)]
    return nbformat.writes(new_notebook(cells=cells)).encode()


def test_first_build(course, released, tmp_path):
    released[EXERCISE] = exercise_bytes("anzahl = ...")
    target = tmp_path / "Mein Ordner ü"
    report = build_workspace(target, course)
    found = sorted(p.relative_to(target).as_posix() for p in target.rglob("*") if p.is_file() and ".open" not in str(p))
    assert found == ["01_anfang/bilder/karte.png", "01_anfang/kapitel.yml", LESSON, EXERCISE]
    assert "LÖSUNG" not in (target / EXERCISE).read_text(encoding="utf-8"), "never the source of an exercise"
    assert report.messages() == [f"Ihr Arbeitsordner ist fertig: {target}"]
    assert first_lesson(target) == LESSON and first_lesson(target, 2) is None


def test_same_version_changes_nothing(course, tmp_path):
    target = tmp_path / "w"
    build_workspace(target, course)
    before = {p: p.stat().st_mtime_ns for p in target.rglob("*")}
    report = build_workspace(target, course)
    assert report.messages() == [] and before == {p: p.stat().st_mtime_ns for p in target.rglob("*")}


def test_untouched_lesson_follows_the_course(course, tmp_path):
    target = tmp_path / "w"
    build_workspace(target, course)
    edit(course / LESSON, "2 + 2")
    write_notebook(course / "01_anfang/lektion_02_zwei.ipynb", "neu = True")
    report = build_workspace(target, course)
    assert "2 + 2" in (target / LESSON).read_text()
    assert report.added == ["01_anfang/lektion_02_zwei.ipynb"] and report.replaced == [LESSON]


def test_running_a_lesson_is_not_work_worth_keeping(course, tmp_path):
    target = tmp_path / "w"
    build_workspace(target, course)
    nb = nbformat.read(target / LESSON, as_version=4)
    nb.cells[1].outputs, nb.cells[1].execution_count = [new_output("stream", text="2")], 7
    nbformat.write(nb, target / LESSON)
    edit(course / LESSON, "2 + 2")
    assert build_workspace(target, course).replaced == [LESSON]


def test_edited_lesson_survives(course, tmp_path):
    target = tmp_path / "w"
    build_workspace(target, course)
    edit(target / LESSON, "mein = 'Versuch'")
    mine = (target / LESSON).read_bytes()
    edit(course / LESSON, "2 + 2")
    report = build_workspace(target, course)
    assert (target / LESSON).read_bytes() == mine
    beside = target / "01_anfang/lektion_01_eins.neu.ipynb"
    assert "2 + 2" in beside.read_text()
    assert report.beside == {LESSON: "01_anfang/lektion_01_eins.neu.ipynb"}
    assert "Ihre Arbeit bleibt" in report.messages()[0] and "daneben" in report.messages()[0]
    assert first_lesson(target) == LESSON
    # the same news only once
    assert build_workspace(target, course).messages() == []
    # a further version replaces the copy she left alone, but not one she worked in
    edit(course / LESSON, "3 + 3")
    assert build_workspace(target, course).beside[LESSON].endswith(".neu.ipynb") and "3 + 3" in beside.read_text()
    edit(beside, "auch = 'Arbeit'")
    edit(course / LESSON, "4 + 4")
    assert build_workspace(target, course).beside[LESSON].endswith(".neu-2.ipynb")
    assert "auch" in beside.read_text() and (target / LESSON).read_bytes() == mine


def test_exercise_with_answers_is_never_touched(course, released, tmp_path):
    target, quiz = tmp_path / "w", "01_anfang/quiz-uebung-01.json"
    released[EXERCISE] = exercise_bytes("anzahl = ...", 'quiz("uebung-01")')
    released[quiz] = b'{"version": 1}'
    build_workspace(target, course)
    # in an exercise outputs count too: answers may lie in them
    nb = nbformat.read(target / EXERCISE, as_version=4)
    nb.cells[1].outputs = [new_output("display_data", {"text/plain": "Antwort B"})]
    nbformat.write(nb, target / EXERCISE)
    mine = (target / EXERCISE).read_bytes()
    (target / "01_anfang/antworten-uebung-01.json").write_text("{}")
    released[EXERCISE] = exercise_bytes("anzahl = ...  # neu", 'quiz("uebung-01")')
    released[quiz] = b'{"version": 2}'
    (course / "01_anfang/kapitel.yml").write_text("titel: Neu")
    report = build_workspace(target, course)
    assert (target / EXERCISE).read_bytes() == mine
    assert (target / "01_anfang/uebung_01_eins.neu.ipynb").exists() and EXERCISE in report.beside
    assert json.loads((target / quiz).read_text()) == {"version": 1}, "the questions she answered stay"
    assert (target / "01_anfang/antworten-uebung-01.json").read_text() == "{}"


def test_questions_follow_where_nothing_was_answered(course, released, tmp_path):
    target, quiz = tmp_path / "w", "01_anfang/quiz-uebung-01.json"
    released[quiz] = b'{"version": 1}'
    build_workspace(target, course)
    released[quiz] = b'{"version": 2}'
    (course / "01_anfang/kapitel.yml").write_text("titel: Neu")
    build_workspace(target, course)
    assert json.loads((target / quiz).read_text()) == {"version": 2}


def test_deleted_file_comes_back(course, tmp_path):
    target = tmp_path / "w"
    build_workspace(target, course)
    (target / LESSON).unlink()
    assert build_workspace(target, course).added == [LESSON]


def test_a_file_of_her_own_with_the_same_name_stays(course, tmp_path):
    target = tmp_path / "w"
    write_notebook(target / LESSON, "meins = 1")
    report = build_workspace(target, course)
    assert "meins" in (target / LESSON).read_text() and LESSON in report.beside


@pytest.mark.parametrize("broken", ["", "{", "[]", '{"files": 3}'])
def test_broken_manifest_costs_no_work(course, tmp_path, broken):
    target = tmp_path / "w"
    build_workspace(target, course)
    edit(target / LESSON, "meins = 1")
    (target / workspace.STATE / "manifest.json").write_text(broken)
    build_workspace(target, course)
    assert "meins" in (target / LESSON).read_text()


def test_release_that_fails_still_gives_lessons(course, tmp_path, monkeypatch):
    def fails(source, target):
        raise workspace.ReleaseProblem("Die Übungen fehlen noch: Probe")

    monkeypatch.setattr(workspace, "_exercises", fails)
    target = tmp_path / "w"
    report = build_workspace(target, course)
    assert (target / LESSON).exists() and "Übungen fehlen" in report.messages()[-1]
    assert not list((tmp_path / "build").glob("lieferung-*")), "an incomplete delivery is not kept"
    monkeypatch.undo()
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr(workspace, "_build_dir", lambda: tmp_path / "build")
    assert not build_workspace(target, course).problem, "it is tried again"


def test_delivery_is_made_once(course, tmp_path, monkeypatch):
    workspace.delivery(course)
    monkeypatch.setattr(workspace, "_lessons", lambda *a: pytest.fail("made twice"))
    assert workspace.delivery(course).is_dir()


def test_old_deliveries_are_cleared_away(course, tmp_path):
    for number in range(5):
        edit(course / LESSON, f"{number}")
        workspace.delivery(course)
    assert len(list((tmp_path / "build").glob("lieferung-*"))) == 3


def test_notebooks_are_trusted(course, tmp_path):
    target = tmp_path / "w"
    build_workspace(target, course)
    notary = NotebookNotary(data_dir=str(jupyter_dir(target) / "data"))
    assert notary.check_signature(nbformat.read(target / LESSON, as_version=4))
    write_notebook(target / "fremd.ipynb", "x", outputs=[new_output("display_data", {"text/html": "<script>"})])
    assert not notary.check_signature(nbformat.read(target / "fremd.ipynb", as_version=4)), "only the course's own"


def test_work_hash_falls_back_on_bytes(tmp_path):
    path = tmp_path / "lektion_01.ipynb"
    path.write_text("kein JSON")
    assert work_hash(path) == workspace._sha256(b"kein JSON")


@pytest.mark.slow
def test_the_real_course(tmp_path):
    target = tmp_path / "w"
    report = build_workspace(target)
    assert not report.problem, report.problem
    for path in notebooks("*.ipynb"):
        delivered = target / path.relative_to(ROOT / "course")
        assert delivered.exists(), "every lesson and every exercise is delivered"
        text = delivered.read_text(encoding="utf-8")
        assert "### LÖSUNG ANFANG" not in text and "VERSTECKTE TESTS" not in text
    assert not list(target.rglob("fragen")) and not list(target.rglob("*.yml.orig"))
