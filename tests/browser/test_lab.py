"""JupyterLab and lesson pages as learners see them."""

import json
import os
import re
from pathlib import Path

import jupyterlab.commands
import jupyterlab_language_pack_de_DE
import nbformat
import playwright.sync_api
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from opendata_kurs.lab_settings import EXTENSIONS
from opendata_kurs.templates import lesson_html

from .lab import axe, errors, is_local

COURSE = Path(__file__).resolve().parents[2] / "course"
LESSONS = sorted(COURSE.glob("0*/lektion_*.ipynb"))
GERMAN_WORDS = EXTENSIONS / "opendata-kurs" / "static" / "deutsch.json"
NAMES = [path.relative_to(COURSE).as_posix() for path in LESSONS]
# Words that stock JupyterLab, nbgrader and folium show in English.
ENGLISH = ("Would you like", "Trusted", "Make this Notebook", "Select Kernel", "Update available", "Dismiss",
           "Validate", "File Load Error", "Server Connection Error", "Cancel", "Don't Save")


# JupyterLab shows these without asking its translator; most of them are read out, not seen.
LEFT_IN_ENGLISH = {"Enable Debugger", "More commands", "main area content", "main area toolbar", "side panel content", "Responsive popup toolbar",
                   "Markdown Cell Content", "Python File"}
# Text, descriptions and menus of JupyterLab itself, without names of files and workspaces and what a notebook says.
TEXTS = """() => { const found = new Set()
    const own = '.jp-Cell-inputWrapper, .jp-RenderedHTMLCommon, .jp-OutputArea-output, .jp-DirListing-content, .jp-RunningSessions-item, style, script'
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT)
    for (let node; (node = walk.nextNode()); ) {
        if ((node.closest ? node : node.parentElement).closest(own)) continue
        if (node.nodeType === Node.TEXT_NODE) found.add(node.textContent.trim())
        else for (const name of ['title', 'aria-label', 'placeholder']) found.add(node.getAttribute(name) ?? '') }
    return [...found] }"""
MENU_TEXTS = ".lm-Menu .lm-Menu-itemLabel"
LISTS_OF_NAMES = {"Sprache im Texteditor", "Design des Texteditors", "Sprache"}  # programming languages, designs, languages


def _known_to_jupyterlab() -> set[str]:
    """The English texts in JupyterLab's own code that it would translate, and the titles of its submenus."""
    folder = Path(jupyterlab.commands.get_app_dir())
    text = r"""(?:"([^"\\]+)"|'([^'\\]+)')"""
    pattern = re.compile(rf"\.(?:__|_n|_p)\(\s*{text}(?:\s*,\s*{text})?")
    found = {part for file in (folder / "static").glob("*.js") for parts in pattern.findall(file.read_text(encoding="utf-8")) for part in parts}
    titles = re.compile(r'"submenu":\s*\{[^{}]*?"label":\s*"([^"]+)"')
    found |= {title for file in (folder / "schemas").rglob("*.json") for title in titles.findall(file.read_text(encoding="utf-8"))}
    return found - {""}


def _same_in_german() -> set[str]:
    """English texts whose German is the same word, by JupyterLab's language pack and ours."""
    pack = Path(jupyterlab_language_pack_de_DE.__file__).parent / "locale" / "de_DE" / "LC_MESSAGES" / "jupyterlab.json"
    words = json.loads(pack.read_text(encoding="utf-8")) | json.loads(GERMAN_WORDS.read_text(encoding="utf-8"))
    texts = ((english.rpartition("\x04")[2], german) for english, german in words.items() if english)
    return {english for english, german in texts if german[0] == english}


def _english(page) -> set[str]:
    """Open each menu and submenu; return what JupyterLab shows or reads out in English although it could translate it."""
    texts = set(page.evaluate(TEXTS))
    for entry in page.locator(".lm-MenuBar-item").all():
        entry.click()
        menu = page.locator(".lm-Menu").first
        menu.wait_for()
        for more in menu.locator('.lm-Menu-item[data-type="submenu"]:not(.lm-mod-disabled):not(.lm-mod-hidden)').all():
            if more.inner_text().strip() in LISTS_OF_NAMES:
                continue
            more.click()
            page.locator(".lm-Menu").nth(1).wait_for()
            texts |= set(page.locator(MENU_TEXTS).all_inner_texts())
        texts |= set(page.locator(MENU_TEXTS).all_inner_texts())
        for _ in range(page.locator(".lm-Menu").count()):
            page.keyboard.press("Escape")
    texts = {re.sub(r" \([^()]*\)$", "", text) for text in texts}  # without the keys
    return texts & _known_to_jupyterlab() - _same_in_german()


def test_jupyterlab_is_german(page, lab, only_local):
    lab.open(page, NAMES[0])
    page.get_by_role("menuitem", name="Datei").wait_for()
    assert page.get_by_role("menuitem", name="File").count() == 0
    page.wait_for_timeout(2000)  # news and update dialogs come late
    assert page.locator("dialog[open], .jp-Dialog").count() == 0
    text = page.inner_text("body")
    assert [word for word in ENGLISH if word in text] == []
    assert page.locator("#jp-skiplink a").text_content() == "Zum Hauptbereich springen"
    assert "Zelle 1 von" in page.locator("#jp-main-statusbar").inner_text()
    page.locator('[title^="Dem Notebook wird vertraut (10 von 10"]').wait_for()  # else kept maps and forms would be missing
    english = _english(page)
    assert english <= LEFT_IN_ENGLISH
    assert {"main area content", "Enable Debugger"} <= english, "positive control"
    lab.close(page)


@pytest.mark.same_page
def test_the_question_before_a_restart_is_german(page, lab, only_local):
    lab.open(page, NAMES[0])
    page.evaluate("() => { window.jupyterapp.commands.execute('kernelmenu:restart') }")
    dialog = page.locator(".jp-Dialog")
    dialog.wait_for()
    assert dialog.inner_text().split("\n") == [
        "Kernel neu starten?",
        "Den Kernel von „lektion_01_begriff.ipynb“ neu starten? Was die Zellen bisher berechnet haben, wird dabei vergessen. Ihr Text bleibt.",
        "Nicht mehr fragen.", "Abbrechen", "Neu starten",
    ]  # fmt: skip
    page.keyboard.press("Escape")
    dialog.wait_for(state="detached")
    lab.close(page)


def test_positive_control_the_language_pack_alone_is_half_english(page, lab):
    page.route("**/deutsch.json", lambda route: route.abort())
    lab.open(page, NAMES[0])
    assert {"Run this cell and advance", "Move Cell Up", "Restart the kernel and run all cells"} <= _english(page)
    lab.close(page)


def test_the_notebook_is_seen_on_a_phone(page, lab, only_local):
    """The list of files covers everything at 360 px; the course's plugin folds it away, but not on a laptop."""
    shown = "() => !document.querySelector('#jp-left-stack')?.classList.contains('lm-mod-hidden')"
    for width, expected in ((1280, True), (360, False)):
        page.set_viewport_size({"width": width, "height": 800})
        page.goto("about:blank")  # the plugin decides when JupyterLab loads
        lab.open(page, NAMES[0])
        page.wait_for_function(f"expected => ({shown})() === expected", arg=expected)
    lab.close(page)


@pytest.mark.same_page
def test_hints_and_links_are_easy_to_hit_and_to_see(page, lab, only_local):
    """What the course's plugin adds to JupyterLab's design; without it axe finds both faults."""
    lab.open(page, NAMES[0])
    sources = ["".join(cell["source"]) for cell in lab.cells(page)]
    for wanted, rule in (("<summary>", "target-size"), ("](uebung_", "link-in-text-block")):
        page.evaluate("i => window.jupyterapp.shell.currentWidget.content.scrollToItem(i, 'center')", next(i for i, s in enumerate(sources) if wanted in s))
        page.locator(".jp-Notebook .jp-MarkdownOutput").locator("summary" if wanted == "<summary>" else "a[href*=uebung_]").first.wait_for()
        assert axe(page, ".jp-Notebook .jp-MarkdownOutput", rules=(rule,)) == []
        page.evaluate("() => { document.getElementById('opendata-kurs').disabled = true }")
        assert rule in "".join(axe(page, ".jp-Notebook .jp-MarkdownOutput", rules=(rule,))), "control: JupyterLab alone"
        page.evaluate("() => { document.getElementById('opendata-kurs').disabled = false }")
    lab.close(page)


@pytest.mark.same_page
def test_pictures_have_their_text_alternative(page, lab, only_local):
    """Kept ones (from the output) and fresh ones (from the cell); JupyterLab gives none."""
    lab.open(page, NAMES[0])
    sources = ["".join(cell["source"]) for cell in lab.cells(page)]
    index = next(i for i, source in enumerate(sources) if ".plot(" in source)
    show = "i => window.jupyterapp.shell.currentWidget.content.scrollToItem(i, 'center')"
    page.evaluate(show, index)
    picture = page.locator('.jp-Notebook img[alt^="Umrisskarte der 50 Stadtteile von Düsseldorf."]')
    picture.wait_for()
    lab.run_all(page)
    page.evaluate(show, index)
    picture.wait_for()
    page.evaluate("""i => { const cell = window.jupyterapp.shell.currentWidget.content.widgets[i]
        cell.model.deleteMetadata('opendata_kurs')
        cell.outputArea.node.querySelector('img').removeAttribute('alt') }""", index)
    assert "image-alt" in "".join(axe(page, ".jp-Notebook .jp-OutputArea-output", rules=("image-alt",))), "control: without a text there is none"
    lab.close(page)


@pytest.mark.same_page
def test_trainers_tools_are_away(page, lab, only_local):
    lab.open(page, NAMES[0])
    page.get_by_role("menuitem", name="Datei").wait_for()
    commands = page.evaluate("() => window.jupyterapp.commands.listCommands()")
    assert "notebook:run-all-cells" in commands, "positive control: the list is the real one"
    assert [c for c in commands if c.startswith(("nbgrader", "formgrader", "validate:", "al:", "cl:"))] == []
    assert not page.evaluate("() => window.jupyterapp.hasPlugin('@jupyter/nbgrader:validate-assignment')")
    lab.close(page)


@pytest.mark.slow
@pytest.mark.same_page
@pytest.mark.parametrize("name", NAMES)
def test_lesson_runs_in_jupyterlab(page, lab, only_local, name):
    lab.open(page, name)
    cells = lab.run_all(page)
    try:
        assert errors(cells) == []
        code = [c for c in cells if c["cell_type"] == "code" and "".join(c["source"]).strip()]
        assert ["".join(c["source"]) for c in code if not c["execution_count"]] == [], "every cell ran"
        assert page.locator("dialog[open], .jp-Dialog").count() == 0
        page.wait_for_timeout(500)
        text = page.inner_text("body")
        assert [word for word in ENGLISH if word in text] == []
        if folder := os.environ.get("KURS_BILDER"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            page.screenshot(path=f"{folder}/{name.replace('/', '__')}.png")
    finally:
        lab.close(page)


@pytest.mark.parametrize("path", LESSONS, ids=NAMES)
def test_lesson_page_is_accessible(page, only_local, path, tmp_path):
    exported = tmp_path / "lektion.html"
    exported.write_text(lesson_html(path), encoding="utf-8")
    page.goto(exported.as_uri())
    assert page.evaluate("() => document.documentElement.lang") == "de"
    assert axe(page) == []


# -- Positive controls: each planted fault is found -------------------------------------------------------------------


def _export(folder, *cells):
    path = folder / "geplant.ipynb"
    nbformat.write(new_notebook(cells=list(cells)), path)
    exported = folder / "geplant.html"
    exported.write_text(lesson_html(path), encoding="utf-8")
    return exported


def test_axe_finds_planted_faults(page, tmp_path):
    clean = _export(tmp_path, new_markdown_cell("# Lektion 0: Probe\n\nText."))
    page.goto(clean.as_uri())
    assert axe(page) == []
    fault = '# Lektion 0: Probe\n\n<p style="color:#aaa;background:#fff">Zu blass.</p>\n\n<input type="text">'
    page.goto(_export(tmp_path, new_markdown_cell(fault)).as_uri())
    found = "\n".join(axe(page))
    assert "color-contrast" in found and "label" in found


def test_pictures_keep_their_alternative_text(tmp_path):
    pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    picture = new_output("display_data", {"image/png": pixel}, metadata={"image/png": {"alt": "Karte mit 50 Stadtteilen"}})
    page = _export(tmp_path, new_code_cell("zeige()", outputs=[picture])).read_text(encoding="utf-8")
    assert 'alt="Karte mit 50 Stadtteilen"' in page
    picture = new_output("display_data", {"image/png": pixel})
    cell = new_code_cell("zeige()", outputs=[picture], metadata={"opendata_kurs": {"alt": "Balken je Stadtbezirk"}})
    assert 'alt="Balken je Stadtbezirk"' in _export(tmp_path, cell).read_text(encoding="utf-8")


def test_the_fence_lets_nothing_through(page, outside):
    """The proxy that does not exist refuses, not the network: without it, a machine without network would say another thing."""
    with pytest.raises(playwright.sync_api.Error, match="ERR_PROXY_CONNECTION_FAILED"):
        page.goto("http://example.org/")
    assert outside == ["http://example.org/"]


def test_the_fence_sees_stock_folium(page, outside, tmp_path):
    import folium

    stock = tmp_path / "folium.html"
    folium.Map(location=[51.2, 6.8]).save(stock)
    page.goto(stock.as_uri())
    page.wait_for_timeout(500)
    assert len(outside) >= 4 and all(not is_local(url) for url in outside)


@pytest.mark.same_page
def test_an_error_in_a_cell_is_seen(page, lab):
    lab = lab.at("fehler")
    nbformat.write(new_notebook(cells=[new_code_cell("1 / 0")], metadata={"kernelspec": {
        "name": "python3", "display_name": "Python 3", "language": "python"}}), lab.root / "fehler.ipynb")
    lab.open(page, "fehler.ipynb")
    lab.run_all(page)
    assert errors(lab.cells(page)) == ["ZeroDivisionError: division by zero"]
    lab.close(page)
