"""A learner in a real JupyterLab, by mouse or by keyboard only; used by the tests that play whole exercises."""

from __future__ import annotations

from opendata_kurs.questions import storage

FORM = "form.odk"
RUN_BUTTON = '.jp-NotebookPanel:not(.lm-mod-hidden) [data-jp-item-name="run"] :is(button, jp-button)'
ACTIVE = "() => window.jupyterapp.shell.currentWidget.content.activeCell?.model.id"
INDEX = "id => window.jupyterapp.shell.currentWidget.content.widgets.findIndex(w => w.model.id === id)"
SOURCE = "id => window.jupyterapp.shell.currentWidget.content.widgets.find(w => w.model.id === id).model.sharedModel.source"
OUTPUT = """id => { const cell = window.jupyterapp.shell.currentWidget.content.model.sharedModel.toJSON().cells.find(c => c.id === id)
    return (cell.outputs || []).map(o => [o.text || o.evalue || ''].flat().join('')).join('') }"""
FOCUSED_LABEL = "() => document.activeElement.labels[0].textContent.trim()"
EDITING = "() => window.jupyterapp.shell.currentWidget.content.mode === 'edit'"
IDLE = "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'idle'"


class Learner:
    """What a learner does. Cells are named by their ids."""

    def __init__(self, page, lab, notebook: str, mouse: bool) -> None:
        self.page, self.lab, self.mouse = page, lab, mouse
        lab.open(page, notebook)
        if not mouse:
            page.keyboard.press("Escape")

    def cell(self, cell: str):
        """Bring a cell into view by the wheel (JupyterLab draws only what is visible) and return it."""
        index = self.page.evaluate(INDEX, cell)
        self.page.evaluate("i => window.jupyterapp.shell.currentWidget.content.scrollToItem(i, 'center')", index)
        found = self.page.locator(f'.jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell[data-windowed-list-index="{index}"]')
        found.wait_for()
        return found

    def go(self, cell: str) -> None:
        """Make a cell active: by a click beside it, or with the arrow keys."""
        if self.mouse:
            self.cell(cell).locator(".jp-InputPrompt").click()
            return
        self.page.keyboard.press("Escape")
        for _ in range(60):
            active = self.page.evaluate(ACTIVE)
            if active == cell:
                return
            below = self.page.evaluate(INDEX, cell) > self.page.evaluate(INDEX, active)
            self.page.keyboard.press("ArrowDown" if below else "ArrowUp")
        raise AssertionError(f"the cell {cell} cannot be reached by keyboard; active is {self.page.evaluate(ACTIVE)}")

    def start(self, cell: str) -> None:
        """Begin to run a cell."""
        self.go(cell)
        if self.mouse:
            self.page.locator(RUN_BUTTON).first.click()
        else:
            self.page.keyboard.press("Control+Enter")

    def run(self, cell: str) -> str:
        """Run a cell and return its text output."""
        self.start(cell)
        self.page.wait_for_timeout(150)
        self.page.wait_for_function(IDLE)
        return self.page.evaluate(OUTPUT, cell)

    def source(self, cell: str) -> str:
        """Return a cell's source."""
        return self.page.evaluate(SOURCE, cell)

    def edit(self, cell: str, markdown: bool = False) -> None:
        """Put the cursor into a cell."""
        if self.mouse:
            found = self.cell(cell)
            if markdown:  # a double click shows the source but stays in command mode, so one more click is needed
                found.locator(".jp-MarkdownOutput").click()
                found.locator(".jp-MarkdownOutput").dblclick()
            found.locator(".cm-content").click()
        else:
            self.go(cell)
            self.page.keyboard.press("Enter")
        self.page.wait_for_function(EDITING)

    def write(self, cell: str, text: str, markdown: bool = False) -> None:
        """Replace a cell's content."""
        self.edit(cell, markdown)
        self.page.keyboard.press("Control+A")
        self.page.keyboard.insert_text(text)

    def tab_to(self, selector: str) -> None:
        """Press Tab until the selector has the focus."""
        for _ in range(80):
            if self.page.evaluate("s => !!document.activeElement?.matches(s)", selector):
                return
            self.page.keyboard.press("Tab")
        focused = self.page.evaluate("() => document.activeElement?.outerHTML.slice(0, 200)")
        raise AssertionError(f"{selector} cannot be reached with Tab; focus is on {focused}")

    def answer(self, question: dict, wanted) -> None:
        """Answer one question of the form; WANTED is written as in the round-trip files."""
        (self._click if self.mouse else self._type)(question, wanted)

    def _click(self, question: dict, wanted) -> None:
        field = self.page.locator(f'{FORM} fieldset[data-question="{question["id"]}"]')
        kind = question["art"]
        if kind in ("einfach", "mehrfach"):
            for text in [wanted] if kind == "einfach" else wanted:
                field.get_by_label(text).click()
        elif kind == "zuordnung":
            for term, text in wanted.items():
                select = field.get_by_label(term, exact=True)
                select.select_option(label=next(o for o in select.locator("option").all_inner_texts() if o.endswith(text)))
        else:
            number = field.get_by_role("textbox")
            number.click()
            number.fill(str(wanted))
            number.blur()

    def _type(self, question: dict, wanted) -> None:
        where = f'{FORM} fieldset[data-question="{question["id"]}"] '
        kind = question["art"]
        press = self.page.keyboard.press
        if kind == "einfach":
            self.tab_to(where + "input")
            for _ in range(8):
                if self.page.evaluate(FOCUSED_LABEL).endswith(wanted):
                    return press("Space")
                press("ArrowDown")
            raise AssertionError(f"no option {wanted}")
        if kind == "mehrfach":
            for _ in question["optionen"]:
                self.tab_to(where + "input")
                if any(self.page.evaluate(FOCUSED_LABEL).endswith(text) for text in wanted):
                    press("Space")
                press("Tab")
        elif kind == "zuordnung":
            for _ in wanted:
                self.tab_to(where + "select")
                text = next(v for k, v in wanted.items() if self.page.evaluate(FOCUSED_LABEL).endswith(k))
                options = self.page.evaluate("() => [...document.activeElement.options].map(o => o.text.trim())")
                for _ in range(next(i for i, option in enumerate(options) if option.endswith(text))):
                    press("ArrowDown")
                press("Tab")
        else:
            self.tab_to(where + "input")
            self.page.keyboard.type(str(wanted))
            press("Enter")
        return None

    def answer_all(self, quiz: dict, wanted: dict, folder) -> None:
        """Answer the questions of QUIZ that WANTED names, wait until they are stored in FOLDER, and leave the form."""
        for question in quiz["fragen"]:
            if question["id"] in wanted:
                self.answer(question, wanted[question["id"]])
        for _ in range(200):
            if set(storage.read(quiz["quiz"], folder).answers) == set(wanted):
                break
            self.page.wait_for_timeout(50)
        # the receipt below the form is drawn again with each answer; its redraw would take the focus away
        self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) summary", has_text=f"{len(wanted)} von {len(wanted)}").first.wait_for()
        if not self.mouse:
            self.tab_to(".jp-OutputArea summary")

    def save(self) -> None:
        """Save with Ctrl+S and wait until the file is written."""
        self.page.keyboard.press("Control+S")
        self.page.wait_for_function("() => !window.jupyterapp.shell.currentWidget.context.model.dirty")
