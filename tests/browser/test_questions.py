"""The question form in a real JupyterLab: mouse, keyboard, reload, restart, dark theme, narrow window."""

import itertools
import json
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from opendata_kurs.questions import model, scoring, static, storage

from .lab import axe, errors

GOOD = Path(__file__).resolve().parents[1] / "fixtures" / "fragen" / "gut"
pytestmark = pytest.mark.same_page
FORM = "form.odk"
NAMES = ("probe", "probe-test", "selbsttest")
ALL_RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
ACTIVE_CELL = "() => window.jupyterapp.shell.currentWidget.content.activeCellIndex"
CELL_COUNT = "() => window.jupyterapp.shell.currentWidget.content.widgets.length"
# Contrast of every text and typed value in the form against the first painted background behind it.
LOW_CONTRAST = """selector => {
    const channels = text => (text.match(/[\\d.]+/g) || []).map(Number)
    const luminance = rgb => rgb.slice(0, 3).map(v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0)
    const behind = node => { for (; node; node = node.parentElement) {
        const c = channels(getComputedStyle(node).backgroundColor); if (c.length === 3 || c[3] > 0) return c } return [255, 255, 255] }
    return [...document.querySelectorAll(selector + ', ' + selector + ' *')]
        .filter(n => n.matches('input, select, textarea') || [...n.childNodes].some(c => c.nodeType === 3 && c.data.trim()))
        .filter(n => n.checkVisibility() && n.tagName !== 'STYLE')
        .map(n => { const [a, b] = [luminance(channels(getComputedStyle(n).color)), luminance(behind(n))].sort((x, y) => y - x)
                    return [Math.round((a + .05) / (b + .05) * 100) / 100, n.tagName, n.textContent.slice(0, 40)] })
        .filter(([ratio]) => ratio < 4.5) }"""
TOO_WIDE = """selector => {
    const form = document.querySelector(selector), width = document.documentElement.clientWidth
    const wide = [...form.querySelectorAll('*')].filter(n => n.checkVisibility() && !n.matches('.odk-hidden, option'))
        .filter(n => n.getBoundingClientRect().right > width + 1 || n.getBoundingClientRect().left < 0).map(n => n.outerHTML.slice(0, 80))
    return form.scrollWidth > form.clientWidth ? ['form scrolls', ...wide] : wide }"""
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def questions_lab(lab):
    return lab.at("fragen")


class Exercise:
    """A folder of its own with one notebook that shows one quiz."""

    def __init__(self, lab, page, name: str):
        self.lab, self.page, self.name = lab, page, name
        self.folder = lab.root / f"a{next(_numbers)}"
        self.folder.mkdir()
        for each in NAMES:
            content = model.public_file(model.load(GOOD / f"{each}.yml"))
            (self.folder / model.public_file_name(each)).write_bytes(content)
        self.notebook = self.folder / "uebung.ipynb"
        nbformat.write(new_notebook(cells=[
            new_markdown_cell("# Übung"),
            new_code_cell(f'from opendata_kurs.questions import quiz\nquiz("{name}")'),
            new_markdown_cell("Ende"),
        ], metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}), self.notebook)

    def open(self, run: bool = True):
        self.lab.open(self.page, self.notebook.relative_to(self.lab.root).as_posix())
        if run:
            assert errors(self.lab.run_all(self.page)) == []
            self.page.locator(FORM).wait_for()
        return self.page.locator(FORM)

    def field(self, question: str):
        return self.page.locator(f'{FORM} fieldset[data-question="{question}"]')

    def stored(self) -> dict:
        return storage.read(self.name, self.folder).answers

    def wait_stored(self, expected: dict):
        self._wait(self.stored, expected)

    def points(self) -> float:
        full = model.load(GOOD / f"{self.name}.yml")
        return scoring.total(full, scoring.score_all(full, self.stored()))

    def wait_points(self, points: float):
        self._wait(self.points, points)

    def _wait(self, read, expected):
        for _ in range(200):  # ten seconds: the kernel writes, and other tests may be busy
            if read() == expected:
                return
            self.page.wait_for_timeout(50)
        assert read() == expected

    def answer_with_mouse(self):
        self.field("namensnennung").get_by_label("Datenlizenz Deutschland – Namensnennung").click()
        for text in ("CSV", "GeoJSON", ": JSON"):
            self.field("formate").get_by_label(text).click()
        for term, text in (("CSV", "Tabelle"), ("GeoJSON", "Punkte"), ("DCAT-AP.de", "Regeln")):
            select = self.field("begriffe").get_by_label(term, exact=True)
            label = next(o for o in select.locator("option").all_inner_texts() if text in o)
            select.select_option(label=label)
        number = self.field("einwohner").get_by_role("textbox")
        number.click()
        number.fill("12,5")
        self.field("gebuehr").get_by_label("Ja").click()


@pytest.fixture
def exercise(questions_lab, page, only_local):
    made = []

    def make(name: str) -> Exercise:
        made.append(Exercise(questions_lab, page, name))
        return made[-1]

    yield make
    if made:
        questions_lab.close(page)


def test_mouse_feedback_reload_and_restart(exercise, page):
    work = exercise("probe")
    form = work.open()
    assert form.get_attribute("lang") == "de"
    work.field("namensnennung").get_by_label("CC0").click()
    work.field("namensnennung").get_by_role("button", name="Antwort prüfen zu Frage 1").click()
    work.field("namensnennung").get_by_text("✗ nicht richtig – Bei CC0 ist die Quellenangabe freiwillig.").wait_for()
    work.answer_with_mouse()
    work.wait_points(10.0)
    form.get_by_text("5 von 5 Fragen beantwortet. Gespeichert.").wait_for()
    assert work.field("namensnennung").get_by_text("nicht richtig").count() == 0, "old feedback is gone"
    work.field("einwohner").get_by_role("button").click()
    work.field("einwohner").get_by_text("gerundet 12,5").wait_for()
    assert "Zelle unter dem Quiz" in work.field("begruendung").inner_text()
    assert axe(page, FORM, ALL_RULES) == []

    work.lab.save(page)
    rescued = storage.rescue_from_notebook(json.loads(work.notebook.read_text(encoding="utf-8")))
    assert rescued["probe"].answers == work.stored(), "the copy in the cell's output is up to date"
    text = work.notebook.read_text(encoding="utf-8")
    assert "Lesefassung" in text, "the saved output holds an HTML fallback"

    def as_left():
        assert work.field("namensnennung").get_by_label("Namensnennung").is_checked()
        assert work.field("formate").locator("input:checked").count() == 3
        assert work.field("einwohner").get_by_role("textbox").input_value() == "12,5"
        assert all(work.field("begriffe").locator("select").nth(i).input_value() for i in range(3))

    page.reload()  # the kernel lives on: no cell needs to run
    page.locator(FORM).wait_for()
    as_left()
    page.evaluate("async () => { await window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart() }")
    assert errors(work.lab.run_all(page)) == []
    page.locator(FORM).wait_for()
    as_left()


# What ipywidgets leaves behind when a form's model arrives a moment after it stopped waiting: the text, no form.
GIVE_UP = """([mime, text]) => {
    const areas = window.jupyterapp.shell.currentWidget.content.widgets.map(cell => cell.outputArea).filter(Boolean)
    const all = areas.flatMap(area => area.widgets.flatMap(output => [...output.children()]))
    const [renderer] = all.filter(child => child.renderModel && child.mimeType === mime)
    renderer.widgets.forEach(view => { view.parent = null }); renderer.node.textContent = text }"""
GIVEN_UP = ["application/vnd.jupyter.widget-view+json", "Error displaying widget: model not found"]


def test_a_form_that_jupyterlab_gave_up_comes_back(exercise, page):
    work = exercise("probe")
    work.open()
    work.answer_with_mouse()
    work.wait_points(10.0)
    page.evaluate(GIVE_UP, GIVEN_UP)
    assert page.locator(FORM).count() == 0
    page.locator(FORM).wait_for()
    assert work.field("einwohner").get_by_role("textbox").input_value() == "12,5"
    work.field("einwohner").get_by_role("textbox").fill("8")
    work.wait_points(9.0)


def test_without_the_course_plugin_the_form_stays_lost(questions_lab, context):
    """Positive control: it is the plugin that brings the form back."""
    page = context.new_page()
    page.route("**/opendata-kurs/static/remoteEntry.js*", lambda route: route.fulfill(body="", content_type="text/javascript"))
    Exercise(questions_lab, page, "probe").open()
    page.evaluate(GIVE_UP, GIVEN_UP)
    page.wait_for_timeout(2000)
    assert page.locator(FORM).count() == 0
    questions_lab.close(page)


def test_a_form_of_an_earlier_day_says_what_to_do(exercise, page):
    """Opened again with a new kernel, the saved form has no model: a German sentence, and one run brings it back."""
    work = exercise("probe")
    work.open()
    work.field("gebuehr").get_by_label("Ja").click()
    work.wait_points(1.0)
    work.lab.save(page)
    work.lab.close(page)
    work.open(run=False)
    page.get_by_text("nicht mehr mit Python verbunden. Führen Sie die Zelle noch einmal aus.").wait_for()
    assert page.get_by_text("model not found").count() == 0
    assert axe(page, ".jp-OutputArea") == []
    assert errors(work.lab.run_all(page)) == []
    page.locator(FORM).wait_for()
    assert work.field("gebuehr").get_by_label("Ja").is_checked()


def _focus_is(page, selector: str) -> bool:
    return page.evaluate("s => !!document.activeElement?.matches(s)", selector)


def _tab_to(page, selector: str, limit: int = 60, key: str = "Tab") -> None:
    for _ in range(limit):
        if _focus_is(page, selector):
            return
        page.keyboard.press(key)
    focused = page.evaluate("() => document.activeElement?.outerHTML.slice(0, 200)")
    raise AssertionError(f"{selector} cannot be reached with {key}; focus is on {focused}")


def test_keyboard_only(exercise, page):
    work = exercise("probe")
    work.open(run=False)
    # the notebook is opened with its first cell active
    page.keyboard.press("Escape")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Control+Enter")
    page.locator(FORM).wait_for()
    where = FORM + ' fieldset[data-question="{}"] '
    _tab_to(page, where.format("namensnennung") + "input")
    _choose_radio(page, "Datenlizenz Deutschland – Namensnennung")
    _tab_to(page, where.format("namensnennung") + "button")
    page.keyboard.press("Enter")
    work.field("namensnennung").get_by_text("Richtig.", exact=False).first.wait_for()
    for _ in range(4):
        _tab_to(page, where.format("formate") + "input")
        label = page.evaluate("() => document.activeElement.labels[0].textContent")
        if "PDF" not in label:
            page.keyboard.press("Space")
        page.keyboard.press("Tab")
    for text in ("Tabelle", "Punkte", "Regeln"):
        _tab_to(page, where.format("begriffe") + "select")
        options = page.evaluate("() => [...document.activeElement.options].map(o => o.text)")
        for _ in range(next(i for i, option in enumerate(options) if text in option)):
            page.keyboard.press("ArrowDown")
        page.keyboard.press("Tab")
    _tab_to(page, where.format("einwohner") + "input")
    page.keyboard.type("12,5")
    page.keyboard.press("Enter")
    work.field("einwohner").get_by_text("Gelesen als: 12,5").wait_for()
    _tab_to(page, where.format("gebuehr") + "input")
    page.keyboard.press("Space")
    work.wait_points(10.0)
    assert page.evaluate(CELL_COUNT) == 3
    for _ in range(10):  # and out again
        page.keyboard.press("Tab")
        if not page.evaluate("f => !!document.activeElement.closest(f)", FORM):
            break
    else:
        raise AssertionError("Tab does not leave the form")
    assert page.evaluate("s => getComputedStyle(document.querySelector(s)).outlineStyle", FORM + " button") == "none"  # control
    _tab_to(page, FORM + " button", key="Shift+Tab")
    assert page.evaluate("() => getComputedStyle(document.activeElement).outlineWidth") == "3px"


def _choose_radio(page, text: str) -> None:
    for _ in range(5):
        if page.evaluate("t => document.activeElement.labels[0].textContent.includes(t)", text):
            page.keyboard.press("Space")
            return
        page.keyboard.press("ArrowDown")
    raise AssertionError(f"{text} cannot be reached with the arrow keys")


def test_keys_stay_in_the_form(exercise, page):
    work = exercise("probe")
    work.open()
    page.evaluate("() => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = 1 }")
    before = page.evaluate(ACTIVE_CELL), page.evaluate(CELL_COUNT)
    assert before == (1, 3)
    places = ["namensnennung input", "formate input", "begriffe select", "einwohner input", "namensnennung button"]
    for place in places:
        question, tag = place.split()
        work.field(question).locator(tag).first.focus()
        for key in ("ArrowDown", "ArrowDown", "ArrowUp", "j", "k", "a", "b", "x", "d", "d", "m", "Delete"):
            page.keyboard.press(key)
            assert _focus_is(page, f'{FORM} [data-question="{question}"] {tag}'), (place, key)
            assert (page.evaluate(ACTIVE_CELL), page.evaluate(CELL_COUNT)) == before, (place, key)
    # each of the two guards alone holds; without both JupyterLab takes the key
    page.evaluate("() => { Event.prototype.stopPropagation = () => {} }")
    first = work.field("namensnennung").locator("input").first
    first.focus()
    page.keyboard.press("j")
    page.wait_for_timeout(200)
    assert page.evaluate(ACTIVE_CELL) == 1
    page.evaluate("f => document.querySelectorAll(f + ' *').forEach(n => n.removeAttribute('data-lm-suppress-shortcuts'))", FORM)
    page.keyboard.press("j")
    page.wait_for_function(f"() => ({ACTIVE_CELL})() === 2")  # positive control


def test_ctrl_s_saves_what_was_just_typed(exercise, page):
    work = exercise("probe-test")
    work.open()
    work.lab.save(page)
    before = work.notebook.stat().st_mtime_ns
    work.field("einwohner").get_by_role("textbox").focus()
    page.keyboard.type("12,5")
    page.keyboard.press("Control+s")
    for _ in range(100):
        if work.notebook.stat().st_mtime_ns != before:
            break
        page.wait_for_timeout(50)
    assert work.notebook.stat().st_mtime_ns != before
    work.wait_stored({"einwohner": "12,5"})
    assert work.field("einwohner").locator("input").get_attribute("data-lm-suppress-shortcuts") == "true", "back after Ctrl"


def test_quick_clicks_are_all_kept(exercise, page):
    work = exercise("probe")
    work.open()
    for _ in range(3):
        page.evaluate("f => document.querySelectorAll(f + ' [data-question=formate] input').forEach(n => n.click())", FORM)
    boxes = work.field("formate").locator("input")
    work.wait_stored({"formate": boxes.evaluate_all("nodes => nodes.map(n => n.value)")})
    assert boxes.evaluate_all("nodes => nodes.map(n => n.checked)") == [True] * 4


def test_test_mode_gives_no_feedback(exercise, page):
    work = exercise("probe-test")
    form = work.open()
    work.field("namensnennung").get_by_label("CC0").click()
    form.get_by_text("Gespeichert. Rückmeldung gibt es nach der Bewertung.").wait_for()
    assert form.get_by_role("button").count() == 0
    assert "nicht richtig" not in form.inner_text()
    assert axe(page, FORM, ALL_RULES) == []


def test_ungraded_free_text(exercise, page):
    work = exercise("selbsttest")
    form = work.open()
    assert "Punkt" not in form.locator("legend").first.inner_text()
    work.field("begruendung").get_by_label("Ihr Text:").fill("Ein Programm findet keine Spalten.")
    work.field("begruendung").get_by_role("button").click()
    work.field("begruendung").get_by_text("So könnte eine Antwort lauten").wait_for()
    assert work.stored() == {"begruendung": "Ein Programm findet keine Spalten."}


def test_a_dead_kernel_is_told(exercise, page):
    work = exercise("probe")
    form = work.open()
    page.evaluate("async () => { await window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.interrupt() }")
    page.evaluate("""() => { window.jupyterapp.shell.currentWidget.sessionContext.session.kernel
        .requestExecute({code: 'import time; time.sleep(10)'}) }""")
    work.field("gebuehr").get_by_label("Ja").click()
    form.get_by_text("Noch nicht gespeichert: Python antwortet nicht.").wait_for(timeout=9000)
    form.get_by_text("1 von 5 Fragen beantwortet. Gespeichert.").wait_for(timeout=15000)
    work.wait_points(1.0)


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_readable_in_both_themes(exercise, page, theme):
    work = exercise("probe")
    page.set_viewport_size({"width": 1400, "height": 2600})  # axe judges colours only where they can be seen
    form = work.open()
    page.evaluate("t => window.jupyterapp.commands.execute('apputils:change-theme', {theme: t})", theme)
    try:
        page.wait_for_function("t => document.body.dataset.jpThemeName === t", arg=theme)
        work.field("namensnennung").get_by_label("CC0").click()
        work.field("formate").get_by_label("CSV").click()
        work.field("einwohner").get_by_role("textbox").fill("12480")
        for question in ("namensnennung", "formate", "begriffe", "einwohner"):
            work.field(question).get_by_role("button").click()
        work.field("einwohner").get_by_text("Das ist die Zahl selbst.").wait_for()
        form.get_by_text("3 von 5 Fragen").wait_for()
        page.get_by_text("Gespeicherte Antworten: 3 von 5").click()
        assert page.evaluate(LOW_CONTRAST, FORM) == []
        assert page.evaluate(LOW_CONTRAST, ".odk-static") == []
        assert axe(page, FORM, ALL_RULES) == []
        assert axe(page, ".jp-OutputArea .odk-static", ALL_RULES) == []
        # positive controls
        page.evaluate("f => { document.querySelector(f + ' .odk-status').style.color = '#bbb' }", FORM)
        assert len(page.evaluate(LOW_CONTRAST, FORM)) == 1
        page.evaluate("f => { document.querySelector(f + ' label').remove() }", FORM)
        found = " ".join(axe(page, FORM, ALL_RULES))
        assert "color-contrast" in found and "label" in found
    finally:
        page.evaluate("() => window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Light'})")


def test_narrow_window(exercise, page):
    work = exercise("probe")
    work.open()
    page.set_viewport_size({"width": 360, "height": 740})
    page.evaluate("() => { window.jupyterapp.shell.collapseLeft(); window.jupyterapp.shell.collapseRight() }")
    page.wait_for_timeout(500)
    assert page.locator(FORM).evaluate("n => n.clientWidth") > 150
    assert page.evaluate(TOO_WIDE, FORM) == []
    page.evaluate("f => { document.querySelector(f + ' legend').style.minWidth = '500px' }", FORM)
    assert page.evaluate(TOO_WIDE, FORM) != [], "positive control"


@pytest.mark.parametrize("kind", ["reading", "solution", "evaluation"])
def test_static_pages(page, only_local, tmp_path, kind):
    full = model.load(GOOD / "probe.yml")
    answers = {"namensnennung": full["fragen"][0]["optionen"][0]["id"], "einwohner": "12480"}
    html = {"reading": static.reading_version(model.public_part(full)),
            "solution": static.reading_version(full, with_solution=True),
            "evaluation": static.evaluation(full, answers, scoring.score_all(full, answers), "Bitte von Hand prüfen.")}[kind]
    file = tmp_path / "seite.html"
    file.write_text('<!doctype html><html lang="de"><head><meta charset="utf-8"><title>Probe</title></head>'
                    f"<body><main><h1>Probe</h1>{html}</main></body></html>", encoding="utf-8")
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(file.as_uri())
    page.evaluate("() => document.querySelectorAll('details').forEach(d => d.open = true)")
    assert axe(page, None, ALL_RULES) == []
    assert page.evaluate(LOW_CONTRAST, ".odk-static") == []
    assert page.evaluate(TOO_WIDE, ".odk-static") == []
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 360
