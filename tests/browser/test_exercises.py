"""A whole exercise of the chapters, played by keyboard only in a real JupyterLab with the perfect round-trip answers."""

from __future__ import annotations

import re

import pytest
from places import ROOT

from opendata_kurs import paths
from opendata_kurs.course_tools import roundtrip
from opendata_kurs.questions import model, scoring, storage

from .test_whole_way import ACTIVE, FORM, INDEX, OUTPUT

FOCUSED_LABEL = "() => document.activeElement.labels[0].textContent.trim()"


class Keyboard:
    """What a learner can do without a mouse."""

    def __init__(self, page, lab, notebook: str) -> None:
        self.page = page
        lab.open(page, notebook)
        page.keyboard.press("Escape")

    def go(self, cell: str) -> None:
        """Make a cell active with the arrow keys."""
        self.page.keyboard.press("Escape")
        for _ in range(60):
            active = self.page.evaluate(ACTIVE)
            if active == cell:
                return
            below = self.page.evaluate(INDEX, cell) > self.page.evaluate(INDEX, active)
            self.page.keyboard.press("ArrowDown" if below else "ArrowUp")
        raise AssertionError(f"{cell} cannot be reached by keyboard")

    def run(self, cell: str) -> str:
        """Run a cell and return its text output."""
        self.go(cell)
        self.page.keyboard.press("Control+Enter")
        self.page.wait_for_timeout(150)
        self.page.wait_for_function("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'idle'")
        return self.page.evaluate(OUTPUT, cell)

    def source(self, cell: str) -> str:
        """Return a cell's source."""
        return self.page.evaluate("id => window.jupyterapp.shell.currentWidget.content.widgets.find(w => w.model.id === id).model.sharedModel.source", cell)

    def write(self, cell: str, text: str) -> None:
        """Replace a cell's content."""
        self.go(cell)
        self.page.keyboard.press("Enter")
        self.page.wait_for_function("() => window.jupyterapp.shell.currentWidget.content.mode === 'edit'")
        self.page.keyboard.press("Control+A")
        self.page.keyboard.insert_text(text)

    def tab_to(self, selector: str) -> None:
        """Press Tab until the selector has the focus."""
        for _ in range(80):
            if self.page.evaluate("s => !!document.activeElement?.matches(s)", selector):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"{selector} cannot be reached with Tab")

    def answer(self, question: dict, wanted) -> None:
        """Answer one question of the form."""
        where = f'{FORM} fieldset[data-question="{question["id"]}"] '
        kind = question["art"]
        if kind == "einfach":
            self.tab_to(where + "input")
            for _ in range(8):
                if self.page.evaluate(FOCUSED_LABEL).endswith(wanted):
                    self.page.keyboard.press("Space")
                    return
                self.page.keyboard.press("ArrowDown")
            raise AssertionError(f"no option {wanted}")
        if kind == "mehrfach":
            for _ in question["optionen"]:
                self.tab_to(where + "input")
                if any(self.page.evaluate(FOCUSED_LABEL).endswith(text) for text in wanted):
                    self.page.keyboard.press("Space")
                self.page.keyboard.press("Tab")
        elif kind == "zuordnung":
            for _ in wanted:
                self.tab_to(where + "select")
                text = next(v for k, v in wanted.items() if self.page.evaluate(FOCUSED_LABEL).endswith(k))
                options = self.page.evaluate("() => [...document.activeElement.options].map(o => o.text.trim())")
                for _ in range(next(i for i, option in enumerate(options) if option.endswith(text))):
                    self.page.keyboard.press("ArrowDown")
                self.page.keyboard.press("Tab")
        else:
            self.tab_to(where + "input")
            self.page.keyboard.type(str(wanted))
            self.page.keyboard.press("Enter")


@pytest.mark.slow
@pytest.mark.parametrize(("chapter", "exercise"), [("01_was_ist_open_data", "uebung_01_begriff"), ("02_lizenzen", "uebung_03_namensnennung")])
def test_whole_exercise_by_keyboard(page, lab, only_local, chapter, exercise):
    page.set_default_timeout(60_000)
    perfect = next(h for h in roundtrip.load(ROOT / "tests" / "roundtrips" / f"{chapter}__{exercise}.yml")["abgaben"] if h["name"] == "perfekt")
    me = Keyboard(page, lab, f"{chapter}/{exercise}.ipynb")
    cells = [c for c in lab.cells(page) if c["cell_type"] == "code"]
    source = {c["id"]: c for c in _source_cells(chapter, exercise)}
    passed = []
    for cell in cells:
        grading = cell["metadata"].get("nbgrader", {})
        if "abgabe" in cell["id"] or "pruefen()" in cell["source"]:
            continue
        if grading.get("solution"):
            wanted = re.search(r"### LÖSUNG ANFANG\n(.*?)\n\s*### LÖSUNG ENDE", source[cell["id"]]["source"], re.S)[1]
            me.write(cell["id"], roundtrip._replace_edit_line(me.source(cell["id"]), wanted))
        me.run(cell["id"])
        if found := re.search(r'^quiz\("([a-z0-9-]+)"\)', cell["source"], re.M):
            page.locator(FORM).wait_for()
            quiz = model.load(paths.course_dir() / chapter / "fragen" / f"{found[1]}.yml")
            answers = perfect["antworten"][found[1]]
            for question in quiz["fragen"]:
                if question["id"] in answers:
                    me.answer(question, answers[question["id"]])
            full = model.points(quiz)
            for _ in range(100):
                stored = storage.read(found[1], lab.root / chapter)
                if scoring.total(quiz, scoring.score_all(quiz, stored.answers)) == full:
                    break
                page.wait_for_timeout(50)
            assert scoring.total(quiz, scoring.score_all(quiz, stored.answers)) == full
            # the receipt below the form is drawn again; only then Tab leads out of the form for good
            page.wait_for_timeout(500)
            me.tab_to(".jp-OutputArea summary")
            passed.append(found[1])
        elif grading.get("grade"):
            assert "sieht gut aus" in page.evaluate(OUTPUT, cell["id"]), cell["id"]
            passed.append(cell["id"])
    assert len(passed) >= 3
    page.keyboard.press("Escape")
    page.keyboard.press("Control+S")
    page.wait_for_function("() => !window.jupyterapp.shell.currentWidget.context.model.dirty")
    lab.close(page)


def _source_cells(chapter: str, exercise: str) -> list[dict]:
    import nbformat

    return nbformat.read(paths.course_dir() / chapter / f"{exercise}.ipynb", as_version=4).cells
