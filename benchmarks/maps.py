"""How long until a map of many points is usable: our map against stock folium, in Chromium; and a map's size.

    python benchmarks/maps.py                 50,000 points
    python benchmarks/maps.py --punkte 10000

The points are generated around the stations of North Rhine-Westphalia. Both sides draw the same points as circle markers on canvas. Stock folium gets its Leaflet from this
machine, too (its other CDN files are answered empty), so that the comparison is not one of networks.
Measured: making the HTML, its size, time from navigation to the first painted frame after loading (time to
interactive), and the longest frame of ten pans. The two sides take turns, so that a busy machine slows both.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import folium
import geopandas as gpd
import numpy as np

from opendata_kurs import load_dataset
from opendata_kurs.cli.test import find_chromium
from opendata_kurs.maps import choropleth, points, save_html
from opendata_kurs.maps.assets import _leaflet_dir

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
PAINTED = "() => new Promise(r => requestAnimationFrame(() => setTimeout(() => r(performance.now()), 0)))"
FIND_MAP = """() => { window.__karte = document.querySelector('.folium-map')._kurskarte
    || window[Object.keys(window).find(k => /^map_[0-9a-f]+$/.test(k))]; }"""
PAN = """async () => { let longest = 0;
    for (let i = 0; i < 10; i++) {
        const start = performance.now();
        window.__karte.panBy([i % 2 ? -150 : 150, 60 * (i % 3 - 1)], {animate: false});
        await new Promise(r => requestAnimationFrame(() => setTimeout(r, 0)));
        longest = Math.max(longest, performance.now() - start);
    }
    return longest; }"""


def make_points(count: int) -> gpd.GeoDataFrame:
    """Return generated points around the stations of North Rhine-Westphalia (always the same)."""
    rng = np.random.default_rng(2026)
    stations = load_dataset("bahnhoefe-nrw")
    centres = np.column_stack([stations.geometry.x, stations.geometry.y])
    at = centres[rng.integers(0, len(centres), count)] + rng.normal(0, 0.02, (count, 2))
    names = [f"Ort {i}" for i in range(count)]
    return gpd.GeoDataFrame({"name": names}, geometry=gpd.points_from_xy(*at.T), crs="EPSG:4326")


def ours(data: gpd.GeoDataFrame, path: Path) -> None:
    """Save our map."""
    save_html(points(data, title=f"{len(data)} erzeugte Punkte", name="name", cluster=False), path)


def stock(data: gpd.GeoDataFrame, path: Path) -> None:
    """Save the same with folium alone, in its fastest form for single markers."""
    map_ = folium.Map([51.45, 7.5], zoom_start=8, tiles=None, prefer_canvas=True)
    for name, point in zip(data["name"], data.geometry, strict=True):
        folium.CircleMarker([point.y, point.x], radius=3, weight=0.5, fill=True, tooltip=name).add_to(map_)
    map_.save(str(path))


def measure(browser, path: Path) -> tuple[float, float]:
    """Return milliseconds to interactive and of the longest pan."""
    page = browser.new_page(viewport={"width": 1200, "height": 800})
    page.set_default_timeout(180_000)
    leaflet = {name: (_leaflet_dir() / name).read_text(encoding="utf-8") for name in ("leaflet.js", "leaflet.css")}
    jquery = "window.$ = text => { const t = document.createElement('template'); t.innerHTML = text.trim();" \
             " return [t.content.firstElementChild] }"  # fmt: skip

    def answer(route) -> None:
        url = route.request.url
        if url.startswith("file:"):
            route.continue_()
        else:
            name = url.rsplit("/", 1)[-1]
            route.fulfill(body=leaflet.get(name, jquery if name.startswith("jquery") else ""))

    page.route("**/*", answer)
    page.goto(path.as_uri(), wait_until="load", timeout=180_000)
    ready = page.evaluate(PAINTED)
    page.evaluate(FIND_MAP)
    longest = page.evaluate(PAN)
    page.close()
    return ready, longest


def main() -> None:
    """Print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--punkte", type=int, default=50_000)
    parser.add_argument("--wiederholungen", type=int, default=3)
    args = parser.parse_args()
    from playwright.sync_api import sync_playwright

    data = make_points(args.punkte)
    rows = {}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(find_chromium()), args=FLAGS)
        sides = {"folium": stock, "opendata_kurs": ours}
        files = {name: Path(folder) / f"{name}.html" for name in sides}
        made, runs = {}, {name: [] for name in sides}
        for name, make in sides.items():
            start = time.perf_counter()
            make(data, files[name])
            made[name] = time.perf_counter() - start
        for _ in range(args.wiederholungen):
            for name in sides:
                runs[name].append(measure(browser, files[name]))
        for name in sides:
            ready, pan = (float(np.median(v)) for v in zip(*runs[name], strict=True))
            rows[name] = (made[name], files[name].stat().st_size / 1e6, ready / 1000, pan / 1000)
        browser.close()
    print(f"{args.punkte} points, median of {args.wiederholungen}")
    print(f"{'':15}{'make s':>9}{'MB':>8}{'interactive s':>15}{'longest pan s':>15}")
    for name, row in rows.items():
        print(f"{name:15}{row[0]:9.2f}{row[1]:8.2f}{row[2]:15.2f}{row[3]:15.3f}")
    ratios = [a / b for a, b in zip(rows["folium"], rows["opendata_kurs"], strict=True)]
    areas = load_dataset("koeln-stadtteile")
    size = len(choropleth(areas, "flaeche_km2", title="Stadtteile in Köln").html().encode()) / 1e3
    print(f"{'ratio':15}{ratios[0]:9.1f}{ratios[1]:8.1f}{ratios[2]:15.1f}{ratios[3]:15.1f}")
    print(f"map of {len(areas)} polygons: {size:.0f} kB (bound: 600 kB)")


if __name__ == "__main__":
    main()
