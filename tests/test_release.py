"""A release holds no solution, hidden test, key, rubric or trainer file – and it runs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest
from grading_fixtures import CHAPTER, COURSE, EXERCISE, QUIZ, released_course
from places import ROOT
from traitlets.config import Config

from opendata_kurs import paths
from opendata_kurs.course_tools import config as cfg
from opendata_kurs.course_tools.preprocessors import CourseFileError
from opendata_kurs.course_tools.release import build_release, chapter_names, leaks, release, resolve_chapter


@pytest.fixture
def source(tmp_path) -> Path:
    """A copy of the small course that a test may damage."""
    return Path(shutil.copytree(COURSE, tmp_path / "quelle"))


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    return build_release(tmp_path_factory.mktemp("ausgabe"), course_dir=COURSE)[0]


def _all_text(folder: Path) -> str:
    return "\n".join(p.read_text(encoding="utf-8") for p in sorted(folder.rglob("*")) if p.suffix in (".ipynb", ".json"))


def test_release_holds_what_learners_need(made):
    names = {p.name for p in made.rglob("*") if p.is_file()}
    assert names == {"lektion_01_mini.ipynb", f"{EXERCISE}.ipynb", f"quiz-{QUIZ}.json", "quiz-selbsttest-01-mini.json"}


def test_release_holds_no_secret(made):
    assert leaks(COURSE / CHAPTER, made) == []
    text = _all_text(made)
    for secret in ("LÖSUNG", "VERSTECKT", "sum(eintrag", "Sie haben alle Datensätze gezählt", "grade_quiz", "Ein Nutzen ist konkret",
                   "spart Auskünfte", "Das ist ein Bild"):
        assert secret not in text, secret
    assert "schluessel" not in json.loads((made / f"quiz-{QUIZ}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("chapter", chapter_names())
def test_course_release_holds_no_secret(tmp_path, chapter):
    folder = build_release(tmp_path, [chapter])[0]
    assert leaks(paths.course_dir() / chapter, folder) == []
    lessons = {p.name for p in (paths.course_dir() / chapter).glob("lektion_*.ipynb")}
    assert lessons <= {p.name for p in folder.iterdir()}


def _plant(folder: Path, kind: str) -> None:
    from opendata_kurs.questions import model

    nb_file, quiz_file = folder / f"{EXERCISE}.ipynb", folder / f"quiz-{QUIZ}.json"
    quiz = model.load(COURSE / CHAPTER / "fragen" / f"{QUIZ}.yml")
    nb = nbformat.read(nb_file, as_version=4)
    if kind == "solution":
        nb.cells[1].source += "\nanzahl = sum(eintrag[\"offen\"] for eintrag in katalog)"
    elif kind == "hidden-test":
        nb.cells.append(nbformat.v4.new_code_cell("### VERSTECKTE TESTS ANFANG\nassert anzahl == 2"))
    elif kind == "rubric":
        nb.cells.append(nbformat.v4.new_markdown_cell("- 1 Punkt: Ein Nutzen ist konkret benannt."))
    elif kind == "key-in-output":
        nb.cells.append(nbformat.v4.new_code_cell("1", outputs=[nbformat.v4.new_output("stream", text=model.pack(quiz))]))
    elif kind == "key-in-public-file":
        content = json.loads(quiz_file.read_text(encoding="utf-8")) | {"schluessel": model.pack(quiz)}
        quiz_file.write_text(json.dumps(content), encoding="utf-8")
    elif kind == "reason-in-public-file":
        quiz_file.write_text(quiz_file.read_text(encoding="utf-8").replace("CC0 1.0", "CC0 1.0: Mit CC0 wird auf Rechte verzichtet."), encoding="utf-8")
    elif kind == "question-file":
        shutil.copy(COURSE / CHAPTER / "fragen" / f"{QUIZ}.yml", folder)
    elif kind == "answers-file":
        (folder / f"antworten-{QUIZ}.json").write_text("{}", encoding="utf-8")
    elif kind == "trainer-file":
        (folder / "ablaufplan.md").write_text("Nur für die Kursleitung", encoding="utf-8")
    nbformat.write(nb, nb_file)


@pytest.mark.parametrize("kind", ["solution", "hidden-test", "rubric", "key-in-output", "key-in-public-file", "reason-in-public-file",
                                  "question-file", "answers-file", "trainer-file"])
def test_planted_leak_is_found(made, tmp_path, kind):
    """Positive control: each kind of leak is seen."""
    folder = Path(shutil.copytree(made, tmp_path / "ausgabe"))
    assert leaks(COURSE / CHAPTER, folder) == []
    _plant(folder, kind)
    assert leaks(COURSE / CHAPTER, folder)


def test_release_refuses_to_leak(source, tmp_path):
    """A solution pasted into a text cell by mistake stops the release and nothing is left behind."""
    file = source / CHAPTER / f"{EXERCISE}.ipynb"
    nb = nbformat.read(file, as_version=4)
    nb.cells[4].source += '\n\n`anzahl = sum(eintrag["offen"] for eintrag in katalog)`'
    nbformat.write(nb, file)
    with pytest.raises(CourseFileError, match="Geheimes"):
        release(cfg.Course(tmp_path / "leitung"), course_dir=source)
    assert not (tmp_path / "leitung" / "release" / CHAPTER).exists()


def test_answers_file_in_the_source_is_refused(source, tmp_path):
    (source / CHAPTER / f"antworten-{QUIZ}.json").write_text("{}", encoding="utf-8")
    with pytest.raises(CourseFileError, match="Bitte löschen Sie sie"):
        release(cfg.Course(tmp_path / "leitung"), course_dir=source)


def test_undeclared_name_in_a_test_cell_is_refused(source, tmp_path):
    file = source / CHAPTER / f"{EXERCISE}.ipynb"
    nb = nbformat.read(file, as_version=4)
    next(c for c in nb.cells if c["id"] == "anzahl-test").metadata["opendata_kurs"]["exports"] = []
    nbformat.write(nb, file)
    with pytest.raises(CourseFileError, match=r"opendata_kurs\.exports"):
        release(cfg.Course(tmp_path / "leitung"), course_dir=source)


def test_broken_question_file_names_file_and_line(source, tmp_path):
    file = source / CHAPTER / "fragen" / f"{QUIZ}.yml"
    file.write_text(file.read_text(encoding="utf-8").replace("art: mehrfach", "art: vielfach"), encoding="utf-8")
    with pytest.raises(CourseFileError, match=rf"{QUIZ}.yml, Zeile .*vielfach"):
        release(cfg.Course(tmp_path / "leitung"), course_dir=source)


def test_new_task_after_handins_is_refused_in_german(source, tmp_path):
    course = released_course(tmp_path / "leitung")
    with course.gradebook() as gb:
        gb.update_or_create_student("blau-17")
        gb.update_or_create_submission(CHAPTER, "blau-17")
    file = source / CHAPTER / f"{EXERCISE}.ipynb"
    nb = nbformat.read(file, as_version=4)
    nb.cells = [c for c in nb.cells if c["id"] != "titel-test"]
    nbformat.write(nb, file)
    with pytest.raises(CourseFileError, match="neuen Kursordner"):
        release(course, course_dir=source)


def test_released_stub_is_calm(made):
    nb = nbformat.read(made / f"{EXERCISE}.ipynb", as_version=4)
    assert next(c for c in nb.cells if c["id"] == "anzahl").source == "anzahl = ...  # <- hier ändern"
    assert "NotImplementedError" not in _all_text(made) and "YOUR" not in _all_text(made)


def test_rubric_reaches_the_trainer_only(tmp_path):
    course = cfg.Course(tmp_path)
    archive = release(course, course_dir=COURSE)[0]
    sheet = (course.dir / "bewertungsboegen" / f"{CHAPTER}.md").read_text(encoding="utf-8")
    assert "1 Punkt: Ein Nutzen ist konkret benannt." in sheet
    with course.gradebook() as gb:  # formgrader shows the source kept here
        assert "Ein Nutzen ist konkret" in gb.find_source_cell(f"frage-{QUIZ}-nutzen", EXERCISE, CHAPTER).source
    with zipfile.ZipFile(archive) as content:
        assert all(n.startswith(f"{CHAPTER}/") for n in content.namelist()) and len(content.namelist()) == 4


def test_release_through_the_exchange_runs(tmp_path, monkeypatch):
    """nbgrader's own release and fetch; then lesson and exercise run where the learner has them."""
    if sys.platform == "win32":
        pytest.skip("nbgrader's exchange does not work on Windows")
    from nbclient import NotebookClient
    from nbgrader.auth import Authenticator
    from nbgrader.coursedir import CourseDirectory
    from nbgrader.exchange.default import ExchangeFetchAssignment

    exchange, learner = tmp_path / "austausch", tmp_path / "lernende"
    learner.mkdir()
    exchange.mkdir()
    release(cfg.Course(tmp_path / "leitung"), course_dir=COURSE, exchange=exchange)
    config = Config()
    config.Exchange.root, config.Exchange.cache = str(exchange), str(tmp_path / "cache")
    config.Exchange.assignment_dir = config.ExchangeFetchAssignment.assignment_dir = str(learner)
    config.CourseDirectory.course_id = cfg.COURSE_ID
    coursedir = CourseDirectory(config=config)
    coursedir.assignment_id = CHAPTER
    monkeypatch.chdir(learner)
    with cfg.quiet():
        ExchangeFetchAssignment(coursedir=coursedir, config=config, authenticator=Authenticator(config=config)).start()
    got = learner / CHAPTER
    assert {p.name for p in got.iterdir()} >= {"lektion_01_mini.ipynb", f"{EXERCISE}.ipynb", f"quiz-{QUIZ}.json"}
    for name, allow in (("lektion_01_mini", False), (EXERCISE, True)):
        nb = nbformat.read(got / f"{name}.ipynb", as_version=4)
        nb.cells = [c for c in nb.cells if c["id"] not in ("abgabe",)]
        NotebookClient(nb, timeout=90, kernel_name="python3", allow_errors=allow, resources={"metadata": {"path": str(got)}}).execute()
        failed = {c["id"]: o.ename for c in nb.cells for o in c.get("outputs", []) if o.output_type == "error"}
        # an untouched exercise stops only at its own checks, with a German line
        assert set(failed.values()) <= {"CheckFailed"}, failed
        quiz = next(c for c in nb.cells if 'quiz("' in c.source)
        assert any("application/vnd.jupyter.widget-view+json" in o.get("data", {}) for o in quiz.outputs)


def test_chapter_names_in_german():
    assert resolve_chapter("1", ["01_a", "02_b"]) == "01_a"
    assert resolve_chapter("02_b", ["01_a", "02_b"]) == "02_b"
    with pytest.raises(CourseFileError, match="gibt es nicht"):
        resolve_chapter("7", ["01_a"])


def test_nbgrader_command_reads_the_repository_config(tmp_path):
    """Stock nbgrader works from the repository's root with the trainer's folder elsewhere."""
    env = os.environ | {"KURS_KURSORDNER": str(tmp_path), "JUPYTER_CONFIG_DIR": str(tmp_path / "jc"),
                        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run([sys.executable, "-m", "nbgrader", "generate_assignment", "01_was_ist_open_data"], cwd=ROOT, env=env,
                          capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / "release" / "01_was_ist_open_data").is_dir() and (tmp_path / "gradebook.db").is_file()


@pytest.mark.slow
def test_own_evaluation_from_a_wheel(tmp_path):
    """`kurs auswerten` on a machine with no source checkout: everything comes from the installed wheel."""
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "rad")], cwd=ROOT, check=True,
                   capture_output=True, timeout=180)
    site = tmp_path / "site"
    with zipfile.ZipFile(next((tmp_path / "rad").glob("*.whl"))) as wheel:
        wheel.extractall(site)
    env = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "KURS"))} | {"PYTHONPATH": str(site), "HOME": str(tmp_path)}
    env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}"
    workspace = tmp_path / "arbeit"
    code = (f"from opendata_kurs.course_tools.release import build_release; import opendata_kurs.paths as p; print(p.course_dir(), p.repo_root());"
            f"build_release({str(workspace)!r}, ['01_was_ist_open_data'])")
    made = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=180)
    assert made.returncode == 0, made.stderr[-3000:]
    where = made.stdout
    assert str(site) in where and where.strip().endswith("None")
    chapter = workspace / "01_was_ist_open_data"
    subprocess.run([sys.executable, "-c", "from opendata_kurs import antwort; antwort('uebung-01-begriff', 5, '3,0')"], cwd=chapter, env=env, check=True)
    done = subprocess.run([sys.executable, "-m", "opendata_kurs", "auswerten", "--ordner", str(workspace), "--kein-browser"], cwd=tmp_path, env=env,
                          capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 von 68 Punkten" in done.stdout
    page = workspace / "rueckmeldung" / "01_was_ist_open_data" / "uebung_01_begriff.html"
    assert 'lang="de"' in page.read_text(encoding="utf-8")
    assert "1 von 16 Punkten" in page.read_text(encoding="utf-8")
    overview = (page.parent / "index.html").read_text(encoding="utf-8")
    assert "1 von 68 Punkten" in overview
    assert "<h1>Rückmeldung: Kapitel 1: Was ist Open Data?</h1>" in overview
    assert ">Übung 1: Was ist offen?</a>" in overview, "titles as people say them, not file names"


def test_a_question_added_with_a_text_editor_is_shown_and_graded(tmp_path, monkeypatch):
    """The walk in docs/fragen.md: append a question to the YAML file, see it in the exercise, get its point."""
    from opendata_kurs import antwort
    from opendata_kurs.cli.work import evaluate
    from opendata_kurs.questions import display, static

    course = tmp_path / "course"
    shutil.copytree(COURSE, course)
    file = course / CHAPTER / "fragen" / f"{QUIZ}.yml"
    new = ("\n  - id: neu\n    art: einfach\n    frage: Welche Farbe hat die Probe?\n    optionen:\n"
           "      - richtig: blau\n        weil: So steht es hier.\n      - falsch: rot\n        weil: Rot war gestern.\n    mischen: nein\n")
    file.write_text(file.read_text(encoding="utf-8").rstrip() + new, encoding="utf-8")
    (chapter,) = build_release(tmp_path / "arbeit", [CHAPTER], course_dir=course)
    monkeypatch.chdir(chapter)
    assert "Welche Farbe hat die Probe?" in static.reading_version(display.find(QUIZ, chapter)[0])
    antwort(QUIZ, 5, "A")
    page = evaluate(chapter, course_dir=course)
    assert "1 von 12 Punkten" in page.read_text(encoding="utf-8")
    assert "Welche Farbe hat die Probe?" in page.with_name(f"{EXERCISE}.html").read_text(encoding="utf-8")
