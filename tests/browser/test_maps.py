"""Each kind of map in Chromium: what is drawn, legend, credit, keyboard, accessibility, no request outside."""

import html

import folium
import geopandas as gpd
import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from opendata_kurs import load_dataset, maps

from .lab import axe, errors
from .mapcheck import READY, SHOTS, map_faults

FOCUS = """() => { const e = document.activeElement;
    return e.getAttribute('aria-label') || e.textContent.trim() || e.tagName }"""


def people() -> gpd.GeoDataFrame:
    table = load_dataset("koeln-bevoelkerung")
    table = table[(table["jahr"] == 2012) & (table["merkmal"] == "Einwohner")][["stadtteil_nr", "wert"]]
    table = table.rename(columns={"wert": "einwohner"})
    table.attrs = load_dataset("koeln-bevoelkerung").attrs
    out = maps.join_by_key(load_dataset("koeln-stadtteile"), table, "stadtteil_nr", report=False)
    out["dichte"] = out["einwohner"] / maps.area_km2(out)
    return out


def density(**options) -> maps.Map:
    data = people()
    data.loc[data.index[[3, 40]], "dichte"] = np.nan
    return maps.choropleth(data, "dichte", title="Köln 2012: Wo wohnen viele Menschen auf engem Raum?",
                           label="Einwohnerdichte", unit="Einwohner je km²", name="stadtteil",
                           columns=["einwohner"], **options)  # fmt: skip


def stops(**options) -> maps.Map:
    return maps.points(load_dataset("muenster-haltestellen"), title="Münster: Wie barrierefrei sind die Haltestellen?",
                       name="name", columns=["barrierefreiheit"], label="Haltestellen",
                       background=load_dataset("muenster-stadtteile"), **options)  # fmt: skip


def circles() -> maps.Map:
    return maps.points(people(), size="einwohner", title="Köln 2012: Einwohner je Stadtteil", label="Einwohner",
                       name="stadtteil")  # fmt: skip


def many(cluster: bool = False) -> maps.Map:
    """50,000 points generated around the stations of North Rhine-Westphalia."""
    stations = load_dataset("bahnhoefe-nrw")
    rng = np.random.default_rng(2026)
    chosen = rng.integers(0, len(stations), 50_000)
    xy = np.column_stack([stations.geometry.x, stations.geometry.y])[chosen] + rng.normal(0, 0.02, (50_000, 2))
    data = gpd.GeoDataFrame({"name": [f"Ort {i}" for i in range(50_000)]}, geometry=gpd.points_from_xy(*xy.T), crs=4326)
    return maps.points(data, title="50.000 erzeugte Punkte um die Bahnhöfe in NRW", name="name", cluster=cluster,
                       sources=["bahnhoefe-nrw"])  # fmt: skip


# name -> map, what counts the drawn things, their number, text in the legend, text in the credit
KINDS = {
    "flaechen": (density, "path.flaeche", 86, "keine Angabe", "Stadt Köln"),
    "punkte": (stops, "path.punkt", len(load_dataset("muenster-haltestellen")), "Haltestellen", "Stadt Münster"),
    "gruppen": (lambda: stops(cluster=True), ".gruppe, path.punkt", None, "mit Anzahl", "Stadt Münster"),
    "kreise": (circles, "path.punkt", 86, "Fläche des Kreises", "Stadt Köln"),
    "viele": (many, "canvas", 1, "(50.000)", "Bahn"),
}


@pytest.fixture
def opened(page, tmp_path):
    """Return a function that saves a map, opens the file and waits until it is drawn."""

    def open_map(karte: maps.Map, width: int = 1200, height: int = 760):
        path = maps.save_html(karte, tmp_path / "karte.html")
        page.set_viewport_size({"width": width, "height": height})
        page.goto(path.as_uri())
        page.wait_for_selector(READY, state="attached")
        return page

    return open_map


@pytest.mark.parametrize("name", KINDS)
def test_map_is_drawn_labelled_credited_and_accessible(opened, only_local, name):
    make, selector, count, legend, credit = KINDS[name]
    problems = []
    page = opened(make())
    page.on("pageerror", lambda error: problems.append(str(error)))
    drawn = page.locator(f".leaflet-container :is({selector})").count()
    assert drawn == count if count else drawn > 5
    assert legend in page.locator("aside.legende").inner_text()
    assert credit in page.locator("figcaption").inner_text()
    links = page.locator("figcaption a").evaluate_all("links => links.map(link => link.href)")
    assert any("licen" in link or "dl-de" in link for link in links)
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.wait_for_timeout(400)
    page.screenshot(path=str(SHOTS / f"karte-{name}.png"))
    size = page.locator(".folium-map").bounding_box()
    page.locator("summary").click()
    assert page.locator("tbody tr").count() > 20
    assert page.locator(".folium-map").bounding_box()["height"] == size["height"]
    assert map_faults(page) == []
    assert problems == []
    # the legend never lies on the map
    assert page.evaluate("""() => { const a = document.querySelector('.legende').getBoundingClientRect(),
        b = document.querySelector('.folium-map').getBoundingClientRect();
        return a.left >= b.right || a.top >= b.bottom }""")


def test_groups_hold_all_points(opened, only_local):
    page = opened(stops(cluster=True))
    total = page.evaluate("""() => { let n = 0; kursKarte.groups[0]._featureGroup.eachLayer(
        layer => { n += layer.getChildCount ? layer.getChildCount() : 1 }); return n }""")
    assert total == len(load_dataset("muenster-haltestellen"))
    before = page.locator(".gruppe").count()
    group = page.locator(".gruppe").first
    group.focus()
    assert "Punkte, vergrößern" in group.inner_text()
    zoom = page.evaluate("() => document.querySelector('.folium-map')._kurskarte.getZoom()")
    page.keyboard.press("Enter")
    page.wait_for_function("zoom => document.querySelector('.folium-map')._kurskarte.getZoom() > zoom", arg=zoom)
    assert before


def test_missing_values_are_hatched(opened, only_local):
    page = opened(density())
    fills = page.locator("path.ohne-angabe").evaluate_all("paths => paths.map(p => p.getAttribute('fill'))")
    assert fills == ["url(#schraffur)"] * 2


def test_keyboard_reaches_everything(opened, only_local):
    page = opened(density())
    seen = []
    for _ in range(16):
        page.keyboard.press("Tab")
        seen.append(page.evaluate(FOCUS))
    wanted = ["Karte: Köln 2012", "Vergrößern", "Verkleinern", "Ganze Karte zeigen", "Werte als Tabelle"]
    places = [next((i for i, text in enumerate(seen) if text.startswith(w)), w) for w in wanted]
    assert all(isinstance(p, int) for p in places), (places, seen)
    assert places == sorted(places)
    zoom = "() => document.querySelector('.folium-map')._kurskarte.getZoom()"
    before = page.evaluate(zoom)
    page.get_by_label("Vergrößern").focus()
    assert page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle") != "none"
    page.keyboard.press("Enter")
    page.wait_for_function(f"before => ({zoom})() > before", arg=before)
    page.wait_for_timeout(500)  # the movement ends
    page.get_by_label("Ganze Karte zeigen").focus()
    page.keyboard.press("Enter")
    assert page.evaluate(zoom) == before
    centre = "() => document.querySelector('.folium-map')._kurskarte.getCenter().lng"
    page.get_by_label("Vergrößern").focus()
    page.keyboard.press("Enter")
    page.wait_for_timeout(500)
    start = page.evaluate(centre)
    page.locator(".folium-map").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function(f"start => ({centre})() > start", arg=start)
    page.locator("summary").focus()
    page.keyboard.press("Enter")
    assert page.locator("table").is_visible()


def test_arrow_keys_walk_through_the_areas(opened, only_local):
    page = opened(density())
    page.locator(".folium-map").focus()
    page.keyboard.press("Tab")
    label = "() => document.activeElement.getAttribute('aria-label')"
    first = page.evaluate(label)
    assert "Einwohnerdichte (in Einwohner je km²)" in first
    page.keyboard.press("ArrowRight")
    second = page.evaluate(label)
    assert second != first and second.split(",")[0] in page.locator(".leaflet-tooltip").inner_text()
    page.keyboard.press("Enter")
    assert second.split(",")[0] in page.locator(".leaflet-popup").inner_text()
    page.keyboard.press("Escape")
    page.wait_for_function("() => !document.querySelector('.leaflet-popup')")
    assert page.locator("path[tabindex='0']").count() == 1


def test_pointing_shows_name_and_german_number(opened, only_local):
    page = opened(density())
    page.locator("path.flaeche:not(.ohne-angabe)").first.hover()
    text = page.locator(".leaflet-tooltip").inner_text()
    assert "Einwohnerdichte (in Einwohner je km²)" in text and "Einwohner" in text


@pytest.mark.parametrize("width", [360, 640])
def test_small_screens_need_no_sideways_scrolling(opened, only_local, width):
    page = opened(density(), width, 740)
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    assert page.locator(".folium-map").bounding_box()["height"] >= 320
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=str(SHOTS / f"karte-flaechen-{width}.png"), full_page=True)


def test_many_points_move_without_freezing(opened, only_local):
    page = opened(many())
    assert page.evaluate("() => kursKarte.groups[0].drawn") == 50_000
    # pixels are really there
    assert page.evaluate("""() => { const c = document.querySelector('canvas');
        return c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(v => v) }""")
    longest = page.evaluate("""async () => { const map = document.querySelector('.folium-map')._kurskarte; let longest = 0;
        for (let i = 0; i < 10; i++) { const start = performance.now();
            map.panBy([i % 2 ? -150 : 150, 40], {animate: false});
            await new Promise(r => requestAnimationFrame(() => setTimeout(r, 0)));
            longest = Math.max(longest, performance.now() - start) }
        return longest }""")
    assert longest < 500, "milliseconds; about 30 on a quiet machine"


def test_many_points_in_groups_count_right(opened, only_local):
    page = opened(many(cluster=True))
    total = page.evaluate("""() => { let n = 0; kursKarte.groups[0]._topClusterLevel.getChildCount
        && (n = kursKarte.groups[0]._topClusterLevel.getChildCount()); return n }""")
    assert total == 50_000


def test_basemap_fails_politely_and_asks_nobody_else(opened, outside):
    page = opened(density(basemap="basemap.de"))
    page.wait_for_function("() => document.getElementById('hinweis').textContent")
    assert "gerade nicht erreichbar" in page.locator("#hinweis").inner_text()
    assert {url.split("/")[2] for url in outside} == {"sgx.geodatenzentrum.de"}
    assert page.locator("path.flaeche").count() == 86
    assert "basemap.de / BKG" in page.locator("figcaption").inner_text()
    assert map_faults(page) == []


def test_positive_control_stock_folium_asks_cdns(page, outside, tmp_path):
    folium.Map([51, 7]).save(str(tmp_path / "stock.html"))
    page.goto((tmp_path / "stock.html").as_uri())
    page.wait_for_timeout(500)
    assert len({url.split("/")[2] for url in outside}) >= 3


def test_policy_of_the_page_stops_what_code_tries(opened, outside):
    page = opened(density())
    stopped = page.evaluate("""async () => {
        const blocked = [];
        document.addEventListener('securitypolicyviolation', e => blocked.push(e.blockedURI));
        new Image().src = 'https://example.org/x.png';
        await fetch('https://example.org/x.json').catch(() => {});
        await new Promise(r => setTimeout(r, 300));
        return blocked.length }""")
    assert stopped == 2 and outside == []


def test_notebook_frame(page, only_local, tmp_path):
    body = f"<main><h1>Seite</h1>{density()._repr_html_()}</main>"
    text = f'<!DOCTYPE html><html lang="de"><head><meta charset="utf-8"><title>Seite</title></head><body>{body}</body></html>'
    (tmp_path / "seite.html").write_text(text, encoding="utf-8")
    page.goto((tmp_path / "seite.html").as_uri())
    frame = page.frame_locator("iframe")
    frame.locator(READY).wait_for(state="attached")
    assert frame.locator("path.flaeche").count() == 86
    assert page.locator("figcaption").first.inner_text().startswith("Einwohnerdichte")
    assert map_faults(page) == []
    assert html.unescape(page.locator("iframe").get_attribute("title")).startswith("Karte: Köln")


@pytest.mark.slow
@pytest.mark.same_page
def test_explorer_in_jupyterlab_by_keyboard(page, lab, only_local):
    code = (
        "import pandas as pd\nfrom opendata_kurs import load_dataset\nfrom opendata_kurs.maps import map_explorer\n"
        "d = load_dataset('koeln-stadtteile')\nd['zahl'] = range(len(d))\n"
        "d = pd.concat([d.assign(jahr=2011), d.assign(jahr=2012)])\n"
        "map_explorer(d, {'flaeche_km2': 'Fläche', 'zahl': 'Zahl'}, title='Köln', name='stadtteil', year='jahr',"
        " schemes=('quantiles', 'equal_interval'))"
    )
    lab = lab.at("karten")
    notebook = new_notebook(cells=[new_code_cell(code)], metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
    nbformat.write(notebook, lab.root / "karte.ipynb")
    lab.open(page, "karte.ipynb")
    try:
        assert errors(lab.run_all(page)) == []
        frame = page.frame_locator(".karten-auswahl iframe")
        frame.locator(READY).wait_for(state="attached")
        assert frame.locator("h1").inner_text() == "Köln: Fläche 2012"
        assert axe(page, ".karten-auswahl") == []
        page.get_by_label("Was soll die Karte zeigen?").focus()
        page.keyboard.press("ArrowDown")
        frame.locator("h1", has_text="Köln: Zahl 2012").wait_for()
        for label, seen in (("Jahr", "Köln: Zahl 2011"), ("Klassen", None)):
            page.keyboard.press("Tab")
            assert page.evaluate("() => document.activeElement.parentElement.textContent").startswith(label)
            if seen:
                page.keyboard.press("ArrowDown")
                frame.locator("h1", has_text=seen).wait_for()
        page.keyboard.press("ArrowDown")
        frame.locator(".legende", has_text="gleich breite").wait_for()
        assert "gleich breite" in frame.locator(".legende").inner_text()
        SHOTS.mkdir(parents=True, exist_ok=True)
        page.locator(".karten-auswahl").screenshot(path=str(SHOTS / "karte-auswahl.png"))
    finally:
        lab.close(page)


def test_text_from_data_never_runs(opened, only_local):
    """Names come from other people's files: in tooltip, window, table, legend and title they stay text."""
    attack = "<img src=x onerror='window.boese = 1'><script>window.boese = 1</script>Ä & Ö"
    data = load_dataset("duesseldorf-stadtteile")
    data["stadtteil"] = attack
    data["zahl"] = range(len(data))
    data["notiz"] = [None, attack] * (len(data) // 2)
    page = opened(maps.choropleth(data, "zahl", title=f"Titel {attack}", name="stadtteil", label=attack, unit=attack,
                                  columns=["notiz"], description=f"Beschreibung {attack}"))  # fmt: skip
    page.locator("path.flaeche").nth(20).hover(force=True)
    assert attack in page.locator(".leaflet-tooltip").inner_text()
    page.locator(".folium-map").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert attack in page.locator(".leaflet-popup").inner_text() and "keine Angabe" in page.locator(".leaflet-popup").inner_text()
    page.locator("summary").click()
    assert page.locator("tbody th").first.inner_text() == attack and page.locator("h1").inner_text() == f"Titel {attack}"
    assert attack in page.locator("aside.legende").inner_text()
    assert page.evaluate("() => [window.boese === undefined, document.images.length]") == [True, 0]
