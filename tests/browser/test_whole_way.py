"""One learner's work in a real browser: answer, save, pruefen, hand in, grade, manual grade in formgrader, feedback, export.

Once by mouse, once by keyboard only. KURS_BILDER=<folder> keeps screenshots.
"""

from __future__ import annotations

import csv
import os
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

from opendata_kurs import cli, lab_settings
from opendata_kurs.cli.course import leitung_environment
from opendata_kurs.cli.start import _stop, choose_port
from opendata_kurs.course_tools.config import Course
from opendata_kurs.course_tools.release import release
from opendata_kurs.questions import storage

from .lab import axe

COURSE = Path(__file__).resolve().parents[1] / "fixtures" / "kurs"
CHAPTER, EXERCISE, QUIZ = "01_mini", "uebung_01_mini", "uebung-01-mini"
NOTEBOOK = f"{CHAPTER}/{EXERCISE}.ipynb"
FORM = "form.odk"
TEXT = "Das Baumkataster spart dem Amt viele Auskünfte."
ACTIVE = "() => window.jupyterapp.shell.currentWidget.content.activeCell?.model.id"
INDEX = "id => window.jupyterapp.shell.currentWidget.content.widgets.findIndex(w => w.model.id === id)"
OUTPUT = """id => { const cell = window.jupyterapp.shell.currentWidget.content.model.sharedModel.toJSON().cells.find(c => c.id === id)
    return (cell.outputs || []).map(o => [o.text || o.evalue || ''].flat().join('')).join('') }"""


@pytest.fixture(scope="module")
def course(tmp_path_factory) -> Course:
    made = Course(tmp_path_factory.mktemp("leitung"))
    release(made, course_dir=COURSE)
    return made


@pytest.fixture(scope="module")
def learners(course, make_lab, tmp_path_factory):
    import shutil

    root = tmp_path_factory.mktemp("lernende")
    for way in ("maus", "tastatur"):
        shutil.copytree(course.release_dir(CHAPTER), root / way / CHAPTER)
    return make_lab(root)


@pytest.fixture(scope="module")
def formgrader(course, tmp_path_factory):
    """The server behind `kurs leitung`, on the trainer's folder."""
    token, port = "nur-fuer-die-pruefung", choose_port(0)
    log = tmp_path_factory.mktemp("log") / "formgrader.txt"
    with pytest.MonkeyPatch.context() as patch, log.open("wb") as output:
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("jupyter")))
        server = subprocess.Popen(lab_settings.server_command(course.dir, port, "/formgrader/manage_assignments"), cwd=course.dir,
                                  env=leitung_environment(course.dir, token) | {"KURS_KURSORDNER": str(course.dir)},
                                  stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
    url = f"http://127.0.0.1:{port}"
    began = time.monotonic()
    while True:
        try:
            urllib.request.urlopen(f"{url}/api/status?token={token}", timeout=2).read()
            break
        except OSError:
            assert server.poll() is None and time.monotonic() - began < 90, log.read_text(errors="replace")[-3000:]
            time.sleep(0.2)
    yield lambda path: f"{url}/formgrader/{path}?token={token}"
    _stop(server)


def _picture(page, name: str) -> None:
    if folder := os.environ.get("KURS_BILDER"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


class Learner:
    """What a learner does, by `mouse` or by keyboard only."""

    def __init__(self, page, lab, way: str) -> None:
        self.page, self.lab, self.way = page, lab, way
        self.mouse = way == "maus"
        self.folder = lab.root / way / CHAPTER
        lab.open(page, f"{way}/{NOTEBOOK}")
        if not self.mouse:
            page.keyboard.press("Escape")

    def _cell(self, cell: str):
        """Bring a cell into view by the wheel (JupyterLab draws only what is visible)."""
        index = self.page.evaluate(INDEX, cell)
        self.page.evaluate("i => window.jupyterapp.shell.currentWidget.content.scrollToItem(i, 'center')", index)
        found = self.page.locator(f'.jp-Notebook .jp-Cell[data-windowed-list-index="{index}"]')
        found.wait_for()
        return found

    def go(self, cell: str) -> None:
        """Make a cell active."""
        if self.mouse:
            self._cell(cell).locator(".jp-InputPrompt").click()
            return
        self.page.keyboard.press("Escape")
        for _ in range(40):
            if self.page.evaluate(ACTIVE) == cell:
                return
            below = self.page.evaluate(INDEX, cell) > self.page.evaluate(INDEX, self.page.evaluate(ACTIVE))
            self.page.keyboard.press("ArrowDown" if below else "ArrowUp")
        raise AssertionError(f"the cell {cell} cannot be reached by keyboard; active is {self.page.evaluate(ACTIVE)}")

    def run(self, cell: str) -> str:
        """Run a cell and return its text output."""
        self.go(cell)
        if self.mouse:
            self.page.locator('.jp-NotebookPanel:not(.lm-mod-hidden) [data-jp-item-name="run"] :is(button, jp-button)').first.click()
        else:
            self.page.keyboard.press("Control+Enter")
        self.page.wait_for_timeout(150)
        self.page.wait_for_function("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'idle'")
        return self.page.evaluate(OUTPUT, cell) if self.page.evaluate(INDEX, cell) >= 0 else ""

    def write(self, cell: str, text: str, markdown: bool = False) -> None:
        """Replace a cell's content."""
        if self.mouse:
            found = self._cell(cell)
            if markdown:  # a double click shows the source but stays in command mode, so one more click is needed
                found.locator(".jp-MarkdownOutput").click()
                found.locator(".jp-MarkdownOutput").dblclick()
            found.locator(".cm-content").click()
        else:
            self.go(cell)
            self.page.keyboard.press("Enter")
        self.page.wait_for_function("() => window.jupyterapp.shell.currentWidget.content.mode === 'edit'")
        self.page.keyboard.press("Control+A")
        self.page.keyboard.type(text)

    def answer(self) -> None:
        field = FORM + ' fieldset[data-question="{}"] '
        if self.mouse:
            self._cell("fragen")
            form = self.page.locator(FORM)
            form.get_by_label("Datenlizenz Deutschland – Namensnennung").click()
            for text in ("CSV", "GeoJSON"):
                form.get_by_label(text).click()
            number = form.get_by_role("textbox")
            number.click()
            number.fill("12,5")
            number.blur()
        else:
            self._tab_to(field.format("namensnennung") + "input")
            for _ in range(4):
                if self.page.evaluate("() => document.activeElement.labels[0].textContent.includes('Namensnennung')"):
                    break
                self.page.keyboard.press("ArrowDown")
            self.page.keyboard.press("Space")
            for _ in range(4):
                self._tab_to(field.format("formate") + "input")
                if self.page.evaluate("() => /CSV|GeoJSON/.test(document.activeElement.labels[0].textContent)"):
                    self.page.keyboard.press("Space")
                self.page.keyboard.press("Tab")
            self._tab_to(field.format("tausend") + "input")
            self.page.keyboard.type("12,5")
            self.page.keyboard.press("Tab")
        for _ in range(100):
            if set(storage.read(QUIZ, self.folder).answers) == {"namensnennung", "formate", "tausend"}:
                break
            self.page.wait_for_timeout(50)
        if not self.mouse:
            self.page.locator("summary", has_text="3 von 3").wait_for()  # its redraw would take the focus away
            self._tab_to(".jp-OutputArea summary")  # out of the form, to the saved answers below it

    def _tab_to(self, selector: str) -> None:
        for _ in range(40):
            if self.page.evaluate("s => document.activeElement?.matches(s)", selector):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"{selector} cannot be reached with Tab")

    def save(self) -> None:
        self.page.keyboard.press("Control+S")
        self.page.wait_for_function("() => !window.jupyterapp.shell.currentWidget.context.model.dirty")


@pytest.mark.slow
@pytest.mark.parametrize("way", ["maus", "tastatur"])
def test_whole_way(course, learners, formgrader, page, only_local, way, tmp_path, capsys):
    page.set_default_timeout(60_000)
    me = Learner(page, learners, way)
    me.run("start")
    me.run("fragen")
    page.locator(FORM).wait_for()
    assert axe(page, FORM) == []
    assert "noch offen: 1, 2, 3." in me.run("pruefen")

    me.go("fragen")
    if way == "tastatur":
        me.run("fragen")
        page.locator(FORM).wait_for()
    me.answer()
    me.write("text-uebung-01-mini-nutzen", TEXT, markdown=True)
    me.run("text-uebung-01-mini-nutzen")
    me.write("anzahl", "anzahl = 2")
    me.run("anzahl")
    me.write("titel-offen", "erster = katalog[0]['titel']")
    me.run("titel-offen")
    for test in ("anzahl-test", "titel-test"):
        assert "sieht gut aus" in me.run(test)
    me.save()
    report = me.run("pruefen")
    assert "○" not in report and report.count("✓") == 4, report
    assert "Die Bewertung kann genauer hinsehen" in report
    _picture(page, f"uebung-{way}")

    me.go("abgabe")
    if way == "maus":
        page.locator('.jp-NotebookPanel:not(.lm-mod-hidden) [data-jp-item-name="run"] :is(button, jp-button)').first.click()
    else:
        page.keyboard.press("Control+Enter")
    ask = page.locator(".jp-Stdin-input")
    ask.wait_for()
    if way == "maus":
        ask.click()
    page.keyboard.type(way)
    page.keyboard.press("Enter")
    page.wait_for_function("id => JSON.stringify(window.jupyterapp.shell.currentWidget.content.model.sharedModel.toJSON()"
                           ".cells.find(c => c.id === id).outputs).includes('Alles ist bearbeitet')", arg="abgabe")
    handed_in = learners.root / way / f"abgabe_{CHAPTER}_{way}.zip"
    assert handed_in.is_file()
    learners.close(page)

    option = ["--kursordner", str(course.dir)]
    assert cli.main(["collect", *option, str(handed_in)]) == 0
    assert cli.main(["grade", *option]) == 0
    assert f"{way}: 9 von 11 Punkten, ein Freitext wartet auf eine Person" in capsys.readouterr().out

    # the free text, read and graded by a person in formgrader; the page shows rubric and answer
    with course.gradebook() as gb:
        submission = gb.find_submission_notebook(EXERCISE, CHAPTER, way).id
    page.goto(formgrader("manage_assignments"))
    page.get_by_role("row").get_by_text(CHAPTER).first.wait_for()
    page.goto(formgrader(f"submissions/{submission}/"))
    page.get_by_text("Ein Nutzen ist konkret benannt.").wait_for()
    page.get_by_text(TEXT).wait_for()
    box = page.locator("#text-uebung-01-mini-nutzen")
    with page.expect_response(lambda r: "/formgrader/api/grade/" in r.url and r.request.method == "PUT"):
        box.fill("2")
        box.press("Tab")
    _picture(page, f"formgrader-{way}")

    assert cli.main(["feedback", *option, "--kuerzel", way]) == 0
    assert cli.main(["export", *option, str(tmp_path / "punkte.csv")]) == 0
    with (tmp_path / "punkte.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = {r["uebung"]: r for r in csv.DictReader(file) if r["kuerzel"] == way}
    assert rows[EXERCISE]["punkte"] == rows["gesamt"]["punkte"] == "11" and rows["gesamt"]["wartet_auf_person"] == "nein"

    for name in ("index", EXERCISE):
        page.goto((course.folder("feedback", way, CHAPTER) / f"{name}.html").as_uri())
        assert page.evaluate("() => document.documentElement.lang") == "de"
        assert "11 von 11 Punkten" in page.locator("body").inner_text()
        assert axe(page) == []
        assert axe(page, tags=("best-practice",)) == []
        _picture(page, f"rueckmeldung-{name}-{way}")
    page.set_viewport_size({"width": 360, "height": 800})
    assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")
