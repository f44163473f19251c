"""One learner's work on the real course in a real browser: lesson, exercise, hand-in, collect, grade, formgrader, feedback, export.

Once by mouse, once by keyboard only. The screenshots go to build/bilder.
"""

from __future__ import annotations

import csv

import pytest
from places import ROOT

from opendata_kurs import cli, lab_settings, paths
from opendata_kurs.cli.course import leitung_environment
from opendata_kurs.cli.start import choose_port
from opendata_kurs.course_tools import roundtrip
from opendata_kurs.course_tools.config import Course
from opendata_kurs.course_tools.release import release
from opendata_kurs.questions import model
from opendata_kurs.workspace import build_workspace, jupyter_dir, trust

from .conftest import PICTURES
from .lab import TOKEN, axe, running
from .learner import FORM, OUTPUT, Learner

CHAPTER, LESSON, EXERCISE, QUIZ = "01_was_ist_open_data", "lektion_01_begriff", "uebung_01_begriff", "uebung-01-begriff"
TRUSTED = '[title^="Dem Notebook wird vertraut"]'
TEXT_CELL = f"text-{QUIZ}-antwort-elterngruppe"


@pytest.fixture(scope="module")
def course(tmp_path_factory) -> Course:
    made = Course(tmp_path_factory.mktemp("leitung"))
    release(made, [CHAPTER])
    return made


@pytest.fixture(scope="module")
def formgrader(course, tmp_path_factory):
    """The server behind `kurs leitung`, on the trainer's folder."""
    port = choose_port(0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("jupyter")))
        environment = leitung_environment(course.dir, TOKEN) | {"KURS_KURSORDNER": str(course.dir)}
        command = lab_settings.server_command(course.dir, port, "/formgrader/manage_assignments")
    url, log = f"http://127.0.0.1:{port}", tmp_path_factory.mktemp("log") / "formgrader.txt"
    with running(command, environment, course.dir, url, log):
        yield lambda path: f"{url}/formgrader/{path}?token={TOKEN}"


def _picture(page, name: str) -> None:
    """Keep a picture of the page as it is, and one of a phone's width."""
    size = page.viewport_size
    for width in (1280, 360):
        page.set_viewport_size({"width": width, "height": 900})
        if width == 360:  # a phone opens with the list of files folded away
            page.evaluate("() => window.jupyterapp?.shell.collapseLeft()")
        page.wait_for_timeout(200)
        page.screenshot(path=PICTURES / f"{name}-{width}.png", full_page=True)
    page.set_viewport_size(size)


def _follow_the_link(me: Learner) -> None:
    """Go from the lesson to its exercise by the lesson's link."""
    link = f'.jp-NotebookPanel:not(.lm-mod-hidden) a[href*="{EXERCISE}.ipynb"]'
    if me.mouse:
        me.cell("uebung").locator("a", has_text=EXERCISE).click()
    else:
        me.go("uebung")
        me.tab_to(link)
        me.page.keyboard.press("Enter")
    me.lab.ready(me.page, f"{CHAPTER}/{EXERCISE}.ipynb")
    if not me.mouse:
        me.page.keyboard.press("Escape")


@pytest.mark.slow
@pytest.mark.same_page
@pytest.mark.parametrize("way", ["maus", "tastatur"])
def test_whole_way(course, lab, formgrader, page, only_local, way, tmp_path, capsys):
    page.set_default_timeout(60_000)
    trusted = jupyter_dir(lab.root) / "data"
    lab = lab.at(way)
    workspace = lab.root
    build_workspace(workspace)
    trust(sorted(workspace.glob("*/*.ipynb")), trusted)  # `kurs start` has a JupyterLab for each workspace, here is one for all
    folder = workspace / CHAPTER
    perfect = next(h for h in roundtrip.load(ROOT / "tests" / "roundtrips" / f"{CHAPTER}__{EXERCISE}.yml")["abgaben"] if h["name"] == "perfekt")
    text = perfect["freitext"][TEXT_CELL]

    me = Learner(page, lab, f"{CHAPTER}/{LESSON}.ipynb", mouse=way == "maus")
    page.locator(TRUSTED).wait_for()
    _picture(page, f"lektion-{way}")
    _follow_the_link(me)

    me.run("vorbereitung")
    me.run("fragen")
    page.locator(FORM).wait_for()
    assert axe(page, FORM) == []
    report = me.run("pruefen-zelle")
    assert "noch offen: 1, 2, 3, 4, 5." in report and "Führen Sie zuerst die Zelle mit „kommune = …“ aus." in report, report
    _picture(page, f"vorher-{way}")

    me.run("fragen")
    page.locator(FORM).wait_for()
    me.answer_all(model.load(paths.course_dir() / CHAPTER / "fragen" / f"{QUIZ}.yml"), perfect["antworten"][QUIZ], folder)
    me.write(TEXT_CELL, text, markdown=True)
    me.start(TEXT_CELL)
    me.write("koeln-loesung", roundtrip._replace_edit_line(me.source("koeln-loesung"), 'kommune = "Köln"'))
    assert "Köln hat 281 Datensätze." in me.run("koeln-loesung")
    me.write("luecken-loesung", roundtrip._replace_edit_line(me.source("luecken-loesung"), 'spalte = "lizenz_angabe"'))
    assert "fehlen 70 Angaben." in me.run("luecken-loesung")
    for test in ("koeln-test", "luecken-test"):
        assert "sieht gut aus" in me.run(test)
    me.save()
    report = me.run("pruefen-zelle")
    assert "○" not in report and report.count("✓") == 4, report
    assert "Die Bewertung kann genauer hinsehen" in report
    printed = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-OutputArea-output pre", has_text="genauer hinsehen")
    assert printed.evaluate("e => getComputedStyle(e).wordBreak") == "normal", "on a phone, lines break between words"
    _picture(page, f"pruefen-{way}")

    me.edit("abgabe-zelle")
    page.keyboard.press("Control+Home")
    page.keyboard.press("Delete")
    me.start("abgabe-zelle")
    ask = page.locator(".jp-Stdin-input")
    ask.wait_for()
    if me.mouse:
        ask.click()
    page.keyboard.type(way)
    page.keyboard.press("Enter")
    handed_in = workspace / f"abgabe_{CHAPTER}_{way}.zip"
    page.wait_for_function(f"([id, text]) => ({OUTPUT})(id).includes(text)", arg=["abgabe-zelle", "Nicht darin sind"])
    assert f"Die Abgabe liegt hier: {handed_in.name}" in page.evaluate(OUTPUT, "abgabe-zelle")
    assert handed_in.is_file()
    _picture(page, f"abgabe-{way}")
    lab.close(page)

    option = ["--kursordner", str(course.dir)]
    assert cli.main(["collect", *option, str(handed_in)]) == 0
    assert cli.main(["grade", *option]) == 0
    assert f"{way}: 12 von 68 Punkten, ein Freitext wartet auf eine Person" in capsys.readouterr().out

    # the free text, read and graded by a person in formgrader; the page shows rubric and answer
    with course.gradebook() as gb:
        submission = gb.find_submission_notebook(EXERCISE, CHAPTER, way).id
    page = page.context.new_page()  # JupyterLab stays open for the next test
    page.set_default_timeout(60_000)
    page.goto(formgrader("manage_assignments"))
    page.get_by_role("row").get_by_text(CHAPTER).first.wait_for()
    page.goto(formgrader(f"submissions/{submission}/"))
    page.get_by_text("Die Antwort nennt die fehlende Lizenz.").first.wait_for()
    page.get_by_text(text[:60]).first.wait_for()
    box = page.locator(f"#{TEXT_CELL}")
    page.locator(f"#{TEXT_CELL}.needs_manual_grade").wait_for()  # formgrader has fetched the points; it ignores what is typed before
    with page.expect_response(lambda r: "/formgrader/api/grade/" in r.url and r.request.method == "PUT"):
        box.fill("4")
        box.press("Tab")
    _picture(page, f"formgrader-{way}")

    assert cli.main(["feedback", *option, "--kuerzel", way]) == 0
    assert cli.main(["export", *option, str(tmp_path / "punkte.csv")]) == 0
    with (tmp_path / "punkte.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = {r["uebung"]: r for r in csv.DictReader(file) if r["kuerzel"] == way}
    # 8 for the questions, 2 and 2 for the tasks, 4 for the text; nothing was done in the chapter's other exercises
    assert rows[EXERCISE]["punkte"] == rows["gesamt"]["punkte"] == "16" and rows["gesamt"]["wartet_auf_person"] == "nein"

    for name, points in (("index", "16 von 68 Punkten"), (EXERCISE, "16 von 16 Punkten")):
        page.goto((course.folder("feedback", way, CHAPTER) / f"{name}.html").as_uri())
        assert page.evaluate("() => document.documentElement.lang") == "de"
        assert points in page.locator("body").inner_text()
        assert "VERSTECKTE TESTS" not in page.content() and "check_number(anzahl, 281" not in page.content()
        assert axe(page) == []
        assert axe(page, tags=("best-practice",)) == []
        _picture(page, f"rueckmeldung-{name}-{way}")
        page.set_viewport_size({"width": 360, "height": 800})
        assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")
