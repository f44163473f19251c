"""The maps of chapter 03, with every host but loopback refused: each map the lessons show, and the ones handed in."""

import json
import re
from html import unescape
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from opendata_kurs import paths
from opendata_kurs.course_tools.sanitizers import grade_id
from opendata_kurs.maps import check_html, check_map

from .mapcheck import READY, SHOTS, map_faults

CHAPTER = paths.course_dir() / "03_kartenworkshop"
EXERCISE = CHAPTER / "uebung_06_meine_karte.ipynb"
# own words for the places to edit, by grade_id; the map of points takes the way of an own file
OWN_POINTS = {
    "thema-loesung": 'thema = "eigene"\ndaten = load_dataset("krefeld-kitas")\ndaten.attrs = {}',
    "spalte-loesung": 'spalte = "keine"',
    "titel-loesung": 'titel = "Kindertageseinrichtungen in Krefeld, März 2017"',
    "quellen-loesung": 'meine_quellen = ["krefeld-kitas"]',
    "beschreibung-loesung": 'beschreibung = "Die 104 Kindertageseinrichtungen liegen dicht in der Innenstadt und in Uerdingen."',
}


def hand_in(folder: Path, own: dict[str, str]) -> Path:
    """Run the exercise's cells up to the saved map, with its solutions or `own` lines; return the map."""
    nb = nbformat.read(EXERCISE, as_version=4)
    cells = []
    for cell in nb.cells:
        name = grade_id(cell) or cell.id
        if cell.cell_type == "code" and (name in ("vorbereitung", "themen", "eigene-datei") or name.endswith("-loesung")):
            cell.source = own.get(name, cell.source)
            cells.append(cell)
    nb.cells = cells
    NotebookClient(nb, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(folder)}}).execute()
    return folder / "meine_karte.html"


# name -> own lines, what counts the drawn things, their number, text in the legend, provider in the credit
MAPS = {
    "flaechen": ({}, "path.flaeche", 86, "Einwohner je km²", "Stadt Köln"),
    "punkte": (OWN_POINTS, "path.punkt", 104, "Orte", "Krefeld"),
}


@pytest.mark.parametrize("kind", MAPS)
def test_handed_in_map_stands_alone(page, only_local, tmp_path, kind):
    own, selector, count, legend, credit = MAPS[kind]
    file = hand_in(tmp_path, own)
    assert check_map(file, allow_basemap=False).open == []

    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(file.as_uri())
    page.wait_for_selector(READY, state="attached")
    assert page.locator(f".leaflet-container {selector}").count() == count
    assert legend in page.locator("aside.legende").inner_text()
    if kind == "flaechen":
        assert page.locator("aside.legende li").count() == 5
    caption = page.locator("figcaption")
    assert credit in caption.inner_text()
    links = caption.locator("a").evaluate_all("links => links.map(link => link.href)")
    assert any("licen" in link or "dl-de" in link for link in links), "the licence is linked"
    assert len(page.locator("#beschreibung").inner_text()) > 40
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.wait_for_timeout(400)
    page.screenshot(path=str(SHOTS / f"meine-karte-{kind}.png"))
    page.locator("summary").click()
    assert page.locator("tbody tr").count() == count
    assert map_faults(page) == []
    assert problems == []


def shown_maps() -> dict[str, str]:
    """The maps in the lessons' committed outputs: lesson and cell -> page."""
    found = {}
    for lesson in sorted(CHAPTER.glob("lektion_*.ipynb")):
        for cell in nbformat.read(lesson, as_version=4).cells:
            for output in cell.get("outputs", []):
                frame = re.search(r'<iframe title="Karte: [^"]*" srcdoc="([^"]*)"', output.get("data", {}).get("text/html", ""))
                if frame:
                    found[f"{lesson.stem[:10]}-{cell.id}"] = unescape(frame[1])
    return found


SHOWN = shown_maps()


def test_lessons_show_maps():
    assert len(SHOWN) >= 9
    assert {name[:10] for name in SHOWN} == {f"lektion_0{i}" for i in range(1, 7)}


@pytest.fixture
def shown(page, only_local, tmp_path):
    """Return a function that opens a page in a window of a width and waits until the map is drawn."""

    def open_page(text: str, width: int):
        file = tmp_path / "karte.html"
        file.write_text(text, encoding="utf-8")
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(file.as_uri())
        page.wait_for_selector(READY, state="attached")
        page.wait_for_timeout(400)
        return page

    return open_page


COUNT = """() => { const one = document.querySelectorAll('path.flaeche, path.punkt').length;
    const groups = [...document.querySelectorAll('.gruppe')].map(g => parseInt(g.textContent.replace(/\\D/g, '')));
    return one + groups.reduce((a, b) => a + b, 0) }"""
FOCUS = "() => { const e = document.activeElement; return e.getAttribute('aria-label') || e.textContent.trim() }"


@pytest.mark.parametrize("name", SHOWN)
def test_each_map_of_the_lessons(shown, name):
    text = SHOWN[name]
    SHOTS.mkdir(parents=True, exist_ok=True)
    for width in (360, 1280):
        page = shown(text, width)
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), width
        page.screenshot(path=str(SHOTS / f"{name}-{width}.png"), full_page=True)
    info = json.loads(re.search(r'id="karte-angaben">(.*?)</script>', text, re.S)[1])
    assert page.evaluate(COUNT) == info.get("gezeichnet", info["anzahl"])
    legend = page.locator("aside.legende")
    assert legend.locator("h2").inner_text() and legend.locator("li").count() >= 1
    if info["art"] == "flaechen":
        assert [t for t in info["klassen"] if t not in legend.inner_text()] == []
    caption = page.locator("figcaption")
    for source in info["quellen"]:
        assert source["publisher"].split(" (")[0].split(",")[0] in caption.inner_text()
    assert check_html(text, allow_basemap=False).open == []

    reached = []
    for _ in range(80):
        page.keyboard.press("Tab")
        reached.append(page.evaluate(FOCUS))
        if reached[-1].startswith("Werte als Tabelle"):
            break
    for wanted in ("Karte: ", "Vergrößern", "Verkleinern", "Ganze Karte zeigen", "Werte als Tabelle"):
        assert any(label.startswith(wanted) for label in reached), (wanted, reached)
    assert any("Pfeiltasten führen" in label or "vergrößern" in label for label in reached), "the data themselves"
    page.keyboard.press("Enter")
    assert page.locator("tbody tr").first.is_visible()
    assert map_faults(page) == []


@pytest.mark.parametrize(("fault", "rule"), [
    ("() => { document.querySelector('.leaflet-control-zoom-in').removeAttribute('aria-label');"
     " document.querySelector('.leaflet-control-zoom-in').removeAttribute('title');"
     " document.querySelector('.leaflet-control-zoom-in').textContent = '' }", "link-name|button-name|aria-command-name"),
    ("() => { document.querySelector('figcaption').style.color = '#cccccc' }", "color-contrast"),
    ("() => { document.documentElement.removeAttribute('lang') }", "html-has-lang"),
    ("() => { for (const a of document.querySelectorAll('.leaflet-control-zoom a'))"
     " a.style.cssText = 'display:block;width:9px;height:9px;line-height:9px;min-width:0;min-height:0;font-size:8px' }", "target-size"),
])  # fmt: skip
def test_positive_control_axe_finds_a_planted_fault(shown, fault, rule):
    page = shown(SHOWN[next(iter(SHOWN))], 1280)
    page.evaluate(fault)
    assert any(re.match(rule, found) for found in map_faults(page)), rule


def test_sources_of_a_lesson_fit_on_a_phone(page, only_local):
    from opendata_kurs import quellen

    text = quellen("duesseldorf-stimmbezirke-2020", "koeln-bevoelkerung")._repr_mimebundle_()["text/html"]
    width = "() => document.documentElement.scrollWidth"
    page.set_viewport_size({"width": 360, "height": 740})
    page.set_content(f'<html lang="de"><body>{text}</body></html>')
    assert page.evaluate(width) <= 360
    page.set_content(f'<html lang="de"><body>{text.replace("overflow-wrap:anywhere", "")}</body></html>')
    assert page.evaluate(width) > 360, "positive control: the addresses are too long for a phone"
