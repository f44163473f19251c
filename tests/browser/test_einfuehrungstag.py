"""The Einführungstag in a real JupyterLab: played by keyboard only, without network; and on a phone's screen."""

import json
import time

import pytest

from opendata_kurs.paths import course_dir
from opendata_kurs.question_card import read, save
from opendata_kurs.questions import model, scoring, storage

from .lab import axe, errors
from .test_questions import LOW_CONTRAST, TOO_WIDE

NOTEBOOK = "01_was_ist_open_data/einfuehrungstag.ipynb"
QUIZZES = ("tag-datentag", "tag-offen-oder-nicht", "tag-karte", "tag-ampel")
CARD = "section.odk-card"
ALL_RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
ACTIVE_CELL = "() => window.jupyterapp.shell.currentWidget.content.activeCell?.model.id"
# What the keyboard stands on: which question, which kind of control, where among its options.
FOCUS = """() => {
    const n = document.activeElement, set = n.closest('form.odk fieldset[data-question]')
    return {tag: n.tagName.toLowerCase(), type: n.type || '', name: n.name || '', text: n.textContent,
            label: n.labels?.[0]?.textContent ?? '', question: set?.dataset.question ?? '', options: [...(n.options ?? [])].map(o => o.text),
            card: !!n.closest('section.odk-card'), form: !!n.closest('form.odk')} }"""
IFRAMES_TOO_WIDE = """() => [...document.querySelectorAll('.jp-OutputArea iframe')].filter(f => f.srcdoc)
    .map(f => f.contentDocument.documentElement).filter(d => d.scrollWidth > d.clientWidth).map(d => [d.scrollWidth, d.clientWidth])"""
TEXTS_TOO_WIDE = """() => [...document.querySelectorAll('.jp-RenderedMarkdown')].filter(n => n.scrollWidth > n.clientWidth + 1)
    .map(n => n.textContent.slice(0, 60))"""


def _questions(name: str) -> list[dict]:
    return model.load(course_dir() / "01_was_ist_open_data" / "fragen" / f"{name}.yml")["fragen"]


def _points(lab, name: str) -> tuple[int, int]:
    quiz = model.load(course_dir() / "01_was_ist_open_data" / "fragen" / f"{name}.yml")
    answers = storage.read(name, (lab.root / NOTEBOOK).parent).answers
    right = [scoring.score_question(q, answers.get(q["id"]), True) for q in quiz["fragen"]]
    return sum(r.points == q["punkte"] for r, q in zip(right, quiz["fragen"], strict=True)), len(right)


class Keyboard:
    """Plays with Tab, arrows, Space, Enter and letters; never touches the mouse."""

    def __init__(self, page):
        self.page, self.tab_presses = page, 0

    def press(self, key: str, times: int = 1):
        for _ in range(times):
            self.page.keyboard.press(key)

    def focus(self) -> dict:
        return self.page.evaluate(FOCUS)

    def tab_until(self, wanted, what: str, limit: int = 80) -> dict:
        for _ in range(limit):
            if wanted(now := self.focus()):
                return now
            self.press("Tab")
        raise AssertionError(f"{what} cannot be reached with Tab; focus is on {self.focus()}")

    def start_cell(self, cell: str):
        """Leave the form with Tab, walk to the code cell with the arrow keys and run it."""
        self.tab_until(lambda f: not f["form"] and not f["card"], "the way out of the form")
        self.press("Escape")
        for _ in range(40):
            if self.page.evaluate(ACTIVE_CELL) == cell:
                break
            self.press("ArrowDown")
        assert self.page.evaluate(ACTIVE_CELL) == cell
        self.press("Control+Enter")

    def answer(self, question: dict):
        own = question["id"]
        if question["art"] == "einfach":
            right = next(o["text"] for o in question["optionen"] if o["richtig"])
            self.tab_until(lambda f: f["question"] == own and f["tag"] == "input", own)
            for _ in question["optionen"]:
                if right in self.focus()["label"]:
                    self.press("Space")
                    break
                self.press("ArrowDown")
            else:
                raise AssertionError(f"{right} cannot be reached with the arrow keys")
        elif question["art"] == "zuordnung":
            texts = {r["id"]: r["text"] for r in question["rechts"]}
            for left in question["links"]:
                now = self.tab_until(lambda f, left=left: f["question"] == own and f["tag"] == "select" and left["text"] in f["label"], left["text"])
                self.press("ArrowDown", next(i for i, text in enumerate(now["options"]) if text.endswith(texts[left["ziel"]]) and len(text) < len(texts[left["ziel"]]) + 5))
                self.press("Tab")
        else:
            self.tab_until(lambda f: f["question"] == own and f["tag"] == "input", own)
            self.page.keyboard.type(str(question["antwort"]).replace(".", ","))
        self.tab_until(lambda f: f["question"] == own and f["tag"] == "button", f"button of {own}")
        self.press("Enter")
        verdict = f'form.odk fieldset[data-question="{own}"] .odk-feedback.right'
        self.page.locator(verdict).wait_for(timeout=10_000)


@pytest.fixture
def fresh(lab, page, only_local):
    """JupyterLab before the day: nothing answered, no card."""
    folder = (lab.root / NOTEBOOK).parent
    for name in QUIZZES:
        (folder / storage.file_name(name)).unlink(missing_ok=True)
    (lab.root / "meine_fragekarte.html").unlink(missing_ok=True)
    yield lab
    lab.close(page)


@pytest.fixture
def day(fresh, page):
    fresh.open(page, NOTEBOOK)
    page.set_default_timeout(30_000)
    return fresh


def _form(page, name: str):
    title = model.load(course_dir() / "01_was_ist_open_data" / "fragen" / f"{name}.yml")["titel"]
    form = page.locator("form.odk").filter(has_text=title)
    form.wait_for()
    return form


@pytest.mark.same_page
def test_the_whole_day_by_keyboard(day, page):
    keys = Keyboard(page)
    cells = {"datentag": "tag-datentag", "offen": "tag-offen-oder-nicht", "karte-fragen": "tag-karte", "ampel": "tag-ampel"}
    for cell in ("datentag", "offen", "karte-bahnhoefe", "karte-wahl", "karte-fragen", "ampel"):
        keys.start_cell(cell)
        if name := cells.get(cell):
            _form(page, name)
            for question in _questions(name):
                keys.answer(question)
            assert _points(day, name) == (len(_questions(name)),) * 2, name
        else:
            page.locator(f'iframe[title^="Karte: {"Bahn" if cell == "karte-bahnhoefe" else "Wahl"}"]').last.wait_for()
    keys.start_cell("frage")
    page.locator(CARD).wait_for()
    keys.tab_until(lambda f: f["card"] and f["name"] == "amt", "department")
    keys.page.keyboard.type("Garten")
    keys.tab_until(lambda f: f["card"] and f["type"] == "radio", "question")
    for _ in range(6):
        keys.press("ArrowDown")
        if "eigene Frage" in keys.focus()["label"]:
            break
    keys.tab_until(lambda f: f["card"] and f["name"] == "eigene", "own question")
    keys.page.keyboard.type("Welche Liste fragt Frau Brandt an?")
    keys.tab_until(lambda f: f["card"] and f["text"] == "Karte speichern", "save")
    keys.press("Enter")
    page.locator(CARD).get_by_text("Auf der Karte steht kein Name einer Person.").wait_for()
    assert axe(page, CARD, ALL_RULES) == [], "with an error"
    page.wait_for_function("() => document.activeElement.name === 'eigene'")
    keys.press("Control+a")
    keys.page.keyboard.type("Welche Liste wird am meisten angefragt?")
    assert "am meisten angefragt?" in page.locator(f"{CARD} .odk-preview").inner_text()
    keys.tab_until(lambda f: f["card"] and f["text"] == "Karte speichern", "save")
    keys.press("Enter")
    page.locator(CARD).get_by_text("Gespeichert: meine_fragekarte.html").wait_for()
    assert read(day.root) == ("Gartenamt", "Welche Liste wird am meisten angefragt?")
    keys.tab_until(lambda f: f["card"] and f["text"] == "Karte herunterladen", "download")
    with page.expect_download() as download:
        keys.press("Enter")
    assert download.value.suggested_filename == "meine_fragekarte.html"
    assert (day.root / "meine_fragekarte.html").read_bytes() == open(download.value.path(), "rb").read()
    assert errors(day.cells(page)) == []


@pytest.mark.same_page
def test_readable_and_without_violations(day, page):
    page.set_viewport_size({"width": 1400, "height": 2600})
    assert errors(day.run_all(page)) == []
    page.set_default_timeout(30_000)
    for selector, count in (("form.odk", 4), (CARD, 1)):
        page.wait_for_function("([s, n]) => document.querySelectorAll(s).length === n", arg=[selector, count])
        assert page.evaluate(LOW_CONTRAST, selector) == []
        assert axe(page, selector, ALL_RULES) == []
    maps = page.locator(".jp-OutputArea iframe[srcdoc]")
    assert maps.count() == 2
    for frame in (maps.nth(i).element_handle().content_frame() for i in range(2)):
        assert axe(frame_page(frame)) == []
    page.evaluate(f"() => document.querySelector('{CARD} label').remove()")
    assert axe(page, CARD, ALL_RULES) != [], "positive control"


def frame_page(frame):
    """Let `axe` look at one frame as if it were a page."""
    frame.frames = [frame]
    return frame


def test_on_a_phone(fresh, page):
    """The address for phones (`/doc/tree/…`) opens without side panels; every part fits the screen's width."""
    page.set_viewport_size({"width": 360, "height": 740})
    began = time.monotonic()
    page.goto(f"{fresh.url}/doc/tree/{NOTEBOOK}?token={fresh.token}&reset")
    page.wait_for_function("() => window.jupyterapp?.shell?.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'",
                           timeout=60_000)
    page.get_by_role("heading", name="Offene Daten in 90 Minuten").wait_for()
    assert page.get_by_role("heading", name="Offene Daten in 90 Minuten").bounding_box()["width"] > 200
    # the first click, as the first cell says: tap the cell, then the triangle
    page.locator(".jp-CodeCell .jp-Editor").first.click()
    page.locator('[data-command="notebook:run-cell-and-select-next"] button, jp-button[data-command="notebook:run-cell-and-select-next"]').first.click()
    first = _form(page, "tag-datentag")
    first.get_by_label("den Fahrplan").click()
    first.get_by_role("button", name="Antwort prüfen").first.click()
    first.locator(".odk-feedback.right").wait_for()
    assert time.monotonic() - began < 120, "the first click succeeds within two minutes"
    assert errors(fresh.run_all(page)) == []
    page.set_default_timeout(30_000)
    page.wait_for_function("() => document.querySelectorAll('form.odk').length === 4")
    page.locator(CARD).wait_for()
    for number in range(4):
        page.evaluate("n => document.querySelectorAll('form.odk').forEach((f, i) => f.classList.toggle('probe', i === n))", number)
        assert page.evaluate(TOO_WIDE, "form.odk.probe") == []
    assert page.evaluate(TOO_WIDE, CARD) == []
    assert page.locator(CARD).evaluate("n => n.clientWidth") > 200
    assert page.evaluate(IFRAMES_TOO_WIDE) == []
    assert page.evaluate(TEXTS_TOO_WIDE) == []
    page.evaluate(f"() => {{ document.querySelector('{CARD} legend').style.minWidth = '500px' }}")
    assert page.evaluate(TOO_WIDE, CARD) != [], "positive control"
    page.evaluate("() => { document.querySelector('.jp-RenderedMarkdown h2').style.minWidth = '500px' }")
    assert page.evaluate(TEXTS_TOO_WIDE) != [], "positive control"


def test_the_released_day_needs_nothing_else(lab):
    """Questions lie beside the notebook; only the maps are there before the first click."""
    cells = json.loads((lab.root / NOTEBOOK).read_text(encoding="utf-8"))["cells"]
    for name in QUIZZES:
        assert (lab.root / "01_was_ist_open_data" / model.public_file_name(name)).is_file()
    assert [c["id"] for c in cells if c.get("outputs")] == ["karte-bahnhoefe", "karte-wahl"]
    assert max(len(c["source"]) for c in cells if c["cell_type"] == "code") <= 3


def test_the_card_itself(page, only_local, tmp_path):
    """Readable alone, on a phone too, and one sheet of A4 when printed."""
    path = save("Amt für Straßenbeleuchtung", "Was steht in unserem Leuchtenverzeichnis " + "und in allen anderen Listen " * 5 + "?", tmp_path)
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(path.as_uri())
    assert axe(page, None, ALL_RULES) == []
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 360
    assert page.pdf(prefer_css_page_size=True).count(b"/Type /Page\n") == 1
    page.evaluate("() => document.documentElement.removeAttribute('lang')")
    assert axe(page, None, ALL_RULES) != [], "positive control"
