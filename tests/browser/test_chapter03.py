"""The map a learner hands in (exercise 6 of chapter 03): opened as a file, with every host but loopback refused."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from opendata_kurs import paths
from opendata_kurs.course_tools.sanitizers import grade_id
from opendata_kurs.maps import check_map

from .lab import axe

EXERCISE = paths.course_dir() / "03_kartenworkshop" / "uebung_06_meine_karte.ipynb"
SHOTS = Path(__file__).resolve().parents[2] / "build" / "screenshots"
BEST = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
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
    page.wait_for_selector("html[data-bereit=ja]", state="attached")
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
    assert axe(page, tags=BEST) == []
    assert problems == []
