"""Maps: classes, errors in German, credit, no foreign request, the check list, geometry against other ways."""

import re
from itertools import pairwise

import folium
import geopandas as gpd
import mapclassify
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely
from shapely.geometry import Point, Polygon, box

from opendata_kurs import load_dataset, maps
from opendata_kurs.datasets import dataset_slugs, metadata
from opendata_kurs.maps import colours, credits, guard
from opendata_kurs.maps.classes import SCHEMES, classify
from opendata_kurs.maps.numbers import format_cell, format_number

TITLE = "Köln 2012: Einwohnerdichte der Stadtteile"
POLYGONS = ("koeln-stadtteile", "muenster-stadtteile", "duesseldorf-stadtteile")


@pytest.fixture(scope="module")
def districts() -> gpd.GeoDataFrame:
    people = load_dataset("koeln-bevoelkerung")
    people = people[(people["jahr"] == 2012) & (people["merkmal"] == "Einwohner")]
    people = people[["stadtteil_nr", "wert"]].rename(columns={"wert": "einwohner"})
    people.attrs["quellen"] = load_dataset("koeln-bevoelkerung").attrs["quellen"]
    out = maps.join_by_key(load_dataset("koeln-stadtteile"), people, "stadtteil_nr", report=False)
    out["dichte"] = out["einwohner"] / maps.area_km2(out)
    return out


@pytest.fixture(scope="module")
def stops() -> gpd.GeoDataFrame:
    return load_dataset("muenster-haltestellen")


def density_map(data, **options):
    defaults = {"title": TITLE, "label": "Einwohnerdichte", "unit": "Einwohner je km²", "name": "stadtteil"}
    return maps.choropleth(data, "dichte", **(defaults | options))


def squares(*values, crs="EPSG:25832") -> gpd.GeoDataFrame:
    """Squares of one kilometre in North Rhine-Westphalia with one value each."""
    shapes = [box(350_000 + i * 1000, 5_650_000, 351_000 + i * 1000, 5_651_000) for i in range(len(values))]
    return gpd.GeoDataFrame({"ort": [f"Ort {i}" for i in range(len(values))], "wert": list(values)},
                            geometry=shapes, crs=crs)  # fmt: skip


# -- numbers, classes, colours ------------------------------------------------


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [(1234.5, 1, "1.234,5"), (0, 0, "0"), (-0.04, 1, "0,0"), (-12.5, 1, "−12,5"), (float("nan"), 1, "keine Angabe"),
     (None, 0, "keine Angabe"), (1_000_000, 0, "1.000.000")],
)  # fmt: skip
def test_numbers_are_german(value, decimals, text):
    assert format_number(value, decimals) == text


def test_years_and_postcodes_get_no_thousands_dot():
    assert format_cell(2012, "jahr") == "2012"
    assert format_cell(2012, "einwohner") == "2.012"
    assert format_cell(pd.NA) == "keine Angabe"
    assert format_cell(True) == "ja"


@pytest.mark.parametrize("k", [2, 3, 5, 7])
@pytest.mark.parametrize(
    ("scheme", "other"),
    [("quantiles", mapclassify.Quantiles), ("equal_interval", mapclassify.EqualInterval),
     ("fisher_jenks", mapclassify.FisherJenks)],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:Numba")
def test_classes_agree_with_mapclassify(districts, scheme, other, k):
    for values in (districts["dichte"].to_numpy(), np.random.default_rng(k).gamma(2, 3, 60)):
        ours = classify(values, scheme, k)
        assert list(ours.indices) == list(other(values, k=k).yb)


@pytest.mark.parametrize("scheme", ["quantiles", "equal_interval", "fisher_jenks"])
def test_bounds_hold_every_value_and_leave_no_gap(districts, scheme):
    values = districts["dichte"].to_numpy()
    result = classify(values, scheme, 5)
    assert sum(result.sizes()) == len(values)
    for value, i in zip(values, result.indices, strict=True):
        assert result.bounds[i] <= value <= result.bounds[i + 1]
    labels = result.labels()
    ends = [label.rsplit(" bis ", 1)[1] for label in labels]
    starts = [label.split(" bis ")[0].removeprefix("über ") for label in labels]
    assert starts[1:] == ends[:-1]
    first, last = (float(t.replace(".", "").replace(",", ".")) for t in (starts[0], ends[-1]))
    assert first <= values.min() and last >= values.max()
    assert all(label.startswith("über ") for label in labels[1:])


def test_missing_is_no_class_and_never_zero():
    result = classify([5, None, float("nan"), 10, 20], "equal_interval", 3)
    assert result.indices == (0, -1, -1, 0, 2)
    assert result.bounds[0] == 5


def test_many_equal_values_give_fewer_classes():
    result = classify([0] * 40 + [1, 2, 3], "quantiles", 5)
    assert result.count < 5
    assert sum(result.sizes()) == 43
    assert classify([4, 4, 4]).labels() == ["4"]


def test_own_bounds():
    assert classify([1, 5, 9], bounds=[0, 5, 10]).indices == (0, 0, 1)
    with pytest.raises(maps.MapError, match="lassen Werte aus"):
        classify([1, 50], bounds=[0, 5, 10])
    with pytest.raises(maps.MapError, match="müssen aufsteigen"):
        classify([1, 5], bounds=[10, 5, 0])


@pytest.mark.parametrize(("scheme", "k", "text"), [("jenks", 5, "nicht bekannt"), ("quantiles", 9, "zwei bis sieben")])
def test_wrong_scheme_or_number_of_classes(scheme, k, text):
    with pytest.raises(maps.MapError, match=text):
        classify([1, 2, 3], scheme, k)


@pytest.mark.parametrize("palette", colours.SEQUENTIAL)
def test_palettes_get_darker_in_visible_steps(palette):
    for k in range(2, 8):
        light = [colours.lightness(c) for c in colours.palette_colours(palette, k)]
        assert all(a - b >= 4 for a, b in pairwise(light)), (palette, k)


def test_unknown_palette_and_bad_colours():
    with pytest.raises(maps.MapError, match="Farbreihe"):
        colours.palette_colours("jet", 5)
    with pytest.raises(maps.MapError, match="#1a2b3c"):
        colours.palette_colours(["red", "blue"], 2)


def test_contrast_is_that_of_wcag():
    assert colours.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert colours.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert colours.contrast(colours.MARKER, colours.MAP_BACKGROUND) > 4.5
    assert colours.contrast(colours.BORDER, colours.MAP_BACKGROUND) > 3


# -- errors -------------------------------------------------------------------


def test_no_crs():
    data = squares(1, 2, 3)
    data = gpd.GeoDataFrame(data.drop(columns="geometry"), geometry=list(data.geometry))
    with pytest.raises(maps.CrsError, match=r"Das Koordinatensystem fehlt.*EPSG:25832.*set_crs"):
        maps.choropleth(data, "wert", title=TITLE)


def test_gauss_krueger_taken_for_degrees():
    data = gpd.GeoDataFrame(geometry=[Point(3_405_000, 5_758_000)], crs="EPSG:4326")
    with pytest.raises(maps.CrsError, match=r"passt nicht zu den Zahlen.*EPSG:31467"):
        maps.points(data, title=TITLE)


def test_false_easting_of_cologne_is_recognised():
    data = gpd.GeoDataFrame(geometry=[Point(2_856_000, 5_645_000)], crs="EPSG:25832")
    with pytest.raises(maps.CrsError, match=r"fremder Verschiebung"):
        maps.check_crs(data)


def test_longitude_and_latitude_swapped(stops):
    swapped = stops.set_geometry(gpd.points_from_xy(stops.geometry.y, stops.geometry.x, crs="EPSG:4326"))
    with pytest.raises(maps.CrsError, match=r"Breite und Länge sind vertauscht.*Tauschen Sie"):
        maps.points(swapped, title=TITLE)


def test_one_point_at_zero(stops):
    wrong = stops.copy()
    wrong.loc[wrong.index[3], "geometry"] = Point(0, 0)
    with pytest.raises(maps.CrsError, match=r"^1 von \d+ Punkten liegt außerhalb von Nordrhein-Westfalen.*Zeile 3"):
        maps.points(wrong, title=TITLE)
    assert maps.points(wrong, title=TITLE, region=None).info["gezeichnet"] == len(wrong)


def test_all_outside_names_the_crs():
    data = gpd.GeoDataFrame(geometry=[Point(405_000, 5_758_000)], crs="EPSG:25833")
    with pytest.raises(maps.CrsError, match=r"^Der Punkt liegt außerhalb.*Angegeben ist EPSG:25833.*deutschland"):
        maps.check_crs(data)


def test_germany_is_a_region_of_its_own():
    berlin = gpd.GeoDataFrame(geometry=[Point(13.4, 52.5)], crs="EPSG:4326")
    with pytest.raises(maps.CrsError):
        maps.check_crs(berlin)
    maps.check_crs(berlin, region="deutschland")


def test_invalid_geometry_and_its_repair(capsys):
    data = squares(1, 2)
    bow = Polygon([(350_000, 5_650_000), (351_000, 5_651_000), (351_000, 5_650_000), (350_000, 5_651_000)])
    data.loc[0, "geometry"] = bow
    with pytest.raises(maps.GeometryError, match=r"1 von 2 Flächen ist ungültig.*kreuzt sich selbst.*repair_geometry"):
        maps.choropleth(data, "wert", title=TITLE)
    fixed = maps.repair_geometry(data)
    assert capsys.readouterr().out == "1 von 2 Geometrien wurde repariert.\n"
    assert fixed.geometry.is_valid.all()
    maps.check_geometry(fixed, need="polygon")


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        (lambda d: d.iloc[:0], maps.GeometryError, "leer|keine einzige Geometrie"),
        (lambda d: d.assign(geometry=[None, *d.geometry[1:]]).set_crs("EPSG:25832", allow_override=True),
         maps.GeometryError, "1 von 3 Zeilen hat keine Geometrie"),
        (lambda d: d.set_geometry(d.geometry.centroid), maps.GeometryError, "braucht Flächen.*points"),
        (lambda d: pd.DataFrame(d.drop(columns="geometry")), maps.GeometryError, "keine Geometrie.*merge"),
        (lambda d: d.rename(columns={"wert": "werte"}), maps.ValueColumnError, "„wert“ gibt es nicht. Meinten Sie „werte“"),
        (lambda d: d.assign(wert=["1,5", "2", "3"]), maps.ValueColumnError, "enthält Text und keine Zahlen"),
        (lambda d: d.assign(wert=[np.nan] * 3), maps.ValueColumnError, "fehlen alle Werte.*Verknüpfung"),
    ],
)  # fmt: skip
def test_errors_of_choropleth(change, error, text):
    with pytest.raises(error, match=text):
        maps.choropleth(change(squares(1, 2, 3)), "wert", title=TITLE)


def test_points_refuse_areas_and_negative_sizes():
    with pytest.raises(maps.GeometryError, match=r"braucht Punkte.*choropleth"):
        maps.points(squares(1, 2), title=TITLE)
    with pytest.raises(maps.ValueColumnError, match="negative"):
        maps.points(squares(1, -2), title=TITLE, size="wert")


def test_title_is_needed():
    with pytest.raises(maps.MapError, match="Der Titel fehlt"):
        maps.choropleth(squares(1, 2), "wert", title=" ")


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ({"x": ["7,6"], "y": ["51,9"]}, r"Dezimalkomma.*decimal="),
        ({"x": ["links"], "y": [51.9]}, r"enthält Text und keine Zahlen.*errors=\"coerce\""),
        ({"x": [7.6, None], "y": [51.9, 51.9]}, "fehlt 1 von 2 Werten"),
        ({"laenge": [7.6], "y": [51.9]}, "„x“ gibt es nicht"),
    ],
)
def test_points_from_a_table_need_numbers(table, text):
    with pytest.raises(maps.ValueColumnError, match=text):
        maps.to_points(pd.DataFrame(table), longitude="x", latitude="y")


def test_points_from_a_table_swapped():
    table = pd.DataFrame({"x": [51.9, 51.8], "y": [7.6, 7.5]})
    with pytest.raises(maps.CrsError, match="vertauscht"):
        maps.to_points(table, longitude="x", latitude="y")
    assert len(maps.to_points(table, longitude="y", latitude="x")) == 2


# -- joins and geometry against an independent way ----------------------------


def test_join_counts_what_is_lost(capsys):
    left = squares(1, 2, 3)
    right = pd.DataFrame({"ort": ["Ort 0", "Ort 1", "Ort 9"], "zahl": [5, 6, 7]})
    out = maps.join_by_key(left, right, "ort")
    assert len(out) == 3 and out["zahl"].isna().sum() == 1
    assert out.attrs["verknuepfung"] == {"links": 3, "gefunden": 2, "ohne_partner": 1, "rechts_uebrig": 1}
    text = capsys.readouterr().out
    assert "2 von 3 Zeilen links" in text and "Ort 2" in text and "Ort 9" in text


def test_empty_join_explains_leading_zeros():
    left = load_dataset("duesseldorf-stadtteile")
    right = pd.DataFrame({"nr": left["stadtteil_nr"].astype(int), "zahl": range(len(left))})
    with pytest.raises(maps.JoinError, match=r"Die Verknüpfung ist leer.*führende Nullen.*zfill"):
        maps.join_by_key(left, right, ("stadtteil_nr", "nr"))


@pytest.mark.parametrize(
    ("right", "text"),
    [
        ({"ort": [" ort 0 "], "zahl": [1]}, "Leerzeichen oder Großschreibung"),
        ({"ort": ["ganz anders"], "zahl": [1]}, "richtigen Spalten"),
        ({"ort": ["Ort 0", "Ort 0"], "zahl": [1, 2]}, "nicht eindeutig.*groupby"),
        ({"name": ["Ort 0"], "zahl": [1]}, "„ort“ fehlt in der rechten Tabelle"),
    ],
)
def test_other_join_errors(right, text):
    with pytest.raises(maps.JoinError, match=text):
        maps.join_by_key(squares(1, 2), pd.DataFrame(right), "ort")


def test_join_keeps_both_sources(districts):
    slugs = [q["slug"] for q in districts.attrs["quellen"]]
    assert slugs == ["koeln-stadtteile", "koeln-bevoelkerung"]
    assert len(districts) == 86 and districts["einwohner"].notna().all()


@pytest.mark.parametrize("slug", POLYGONS)
def test_areas_agree_with_the_ellipsoid(slug):
    data = load_dataset(slug)
    geod = pyproj.Geod(ellps="GRS80")
    true = np.array([abs(geod.geometry_area_perimeter(g)[0]) / 1e6 for g in data.geometry])
    # UTM's scale is 0.9996 on the central meridian: areas differ by less than a thousandth in NRW
    assert np.allclose(maps.area_km2(data), true, rtol=1.5e-3)


def test_points_in_areas_agree_with_counting_one_by_one(capsys):
    areas, schools = load_dataset("muenster-stadtteile"), load_dataset("muenster-schulen")
    counted = maps.count_points(areas, schools)
    slow = [sum(bool(area.intersects(p)) for p in schools.geometry) for area in areas.geometry]
    assert counted["anzahl"].tolist() == slow
    assert f"{sum(slow)} von {len(schools)} Punkten" in capsys.readouterr().out


def test_area_needs_a_crs():
    with pytest.raises(maps.CrsError):
        maps.area_km2(gpd.GeoDataFrame(geometry=[box(0, 0, 1, 1)]))


# -- the page -----------------------------------------------------------------


def test_page_is_one_german_file_without_requests(districts):
    page = density_map(districts).html()
    assert page.startswith("<!DOCTYPE html>") and '<html lang="de">' in page
    assert f"<title>{TITLE}</title>" in page and f"<h1>{TITLE}</h1>" in page
    assert guard.foreign_requests(page) == []
    assert "user-scalable=no" not in page
    assert "default-src 'none'" in page
    assert len(page.encode()) < 600_000


def test_same_map_same_bytes(districts, stops):
    assert density_map(districts).html() == density_map(districts).html()
    first, second = (maps.points(stops, title=TITLE, cluster=True) for _ in range(2))
    assert first.html() == second.html() == first.html()
    assert first._repr_html_() == second._repr_html_()


def test_legend_is_german_and_counts(districts):
    legend = density_map(districts).legend
    assert "in Einwohner je km²" in legend and "ColorBrewer YlGnBu" in legend and SCHEMES["quantiles"] in legend
    assert re.search(r"über \d\.\d{3} bis \d", legend)
    assert sum(int(n) for n in re.findall(r'class="zahl">\((\d+)\)', legend)) == 86


def test_missing_values_stand_in_legend_table_and_description(districts):
    gaps = districts.copy()
    gaps.loc[gaps.index[:2], "dichte"] = np.nan
    karte = density_map(gaps)
    names = gaps["stadtteil"].iloc[:2].tolist()
    assert "keine Angabe" in karte.legend and "schraffur" in karte.legend
    assert karte.table.count("keine Angabe") == 2
    assert all(name in karte.description for name in names)
    assert karte.info["ohne_angabe"] == 2
    assert min(karte.classes.bounds) > 0
    assert "keine Angabe" not in density_map(districts).legend


def test_description_names_least_and_most(districts):
    text = density_map(districts).description
    low, high = (districts.loc[districts["dichte"] == f(districts["dichte"]), "stadtteil"].iloc[0] for f in (min, max))
    assert f"Am niedrigsten: {low}" in text and f"Am höchsten: {high}" in text and "86 Flächen" in text


def test_notebook_view_is_a_titled_frame(districts):
    shown = density_map(districts)._repr_html_()
    assert '<iframe title="Karte: Köln 2012' in shown and "srcdoc=" in shown
    assert "<figcaption>" in shown and "Trust" not in shown


def test_text_from_data_is_never_markup():
    data = squares(1, 2).assign(ort=["<script>alert(1)</script>", "</script><img src=//x.example/a>"])
    page = maps.choropleth(data, "wert", title="<b>Titel</b> der Karte", name="ort").html()
    assert "<script>alert(1)" not in page and "<img src=//x" not in page and "<b>Titel" not in page
    assert guard.foreign_requests(page) == []


def test_unions_of_maps_and_folium_layers(districts):
    karte = maps.Map(title=TITLE, sources=["koeln-stadtteile"], location=[50.94, 6.96], zoom_start=11)
    folium.CircleMarker([50.94, 6.96], tooltip="Dom", popup="Der Dom").add_to(karte)
    page = karte.html()
    assert guard.foreign_requests(page) == [] and "L.circleMarker" in page


def test_what_needs_third_parties_is_refused(tmp_path):
    karte = maps.Map(title=TITLE)
    folium.TileLayer("OpenStreetMap").add_to(karte)
    with pytest.raises(maps.ForeignRequestError, match="bei Dritten"):
        maps.save_html(karte, tmp_path / "k.html")
    karte = maps.Map(title=TITLE)
    folium.Marker([50.9, 6.9], icon=folium.Icon(color="red")).add_to(karte)
    with pytest.raises(maps.MapError, match=r"folium\.Icon"):
        karte.html()
    from folium.plugins import HeatMap

    karte = maps.Map(title=TITLE)
    HeatMap([[50.9, 6.9]]).add_to(karte)
    with pytest.raises(maps.ForeignRequestError):
        karte._repr_html_()
    assert not (tmp_path / "k.html").exists()


def test_saving(districts, tmp_path):
    karte = density_map(districts)
    assert maps.save_html(karte, tmp_path / "karte").name == "karte.html"
    karte.save(str(tmp_path / "b.html"))
    assert (tmp_path / "b.html").read_bytes() == (tmp_path / "karte.html").read_bytes()
    with pytest.raises(maps.MapError, match="Ordner"):
        maps.save_html(karte, tmp_path / "fehlt" / "k.html")
    with pytest.raises(maps.MapError, match="keine Karte dieses Kurses"):
        maps.save_html(folium.Map(), tmp_path / "k.html")


def test_fifty_thousand_points_stay_compact():
    rng = np.random.default_rng(1)
    xy = np.column_stack([rng.uniform(6, 9, 50_000), rng.uniform(50.6, 52.2, 50_000)])
    data = gpd.GeoDataFrame({"name": [f"Ort {i}" for i in range(50_000)]}, geometry=gpd.points_from_xy(*xy.T), crs=4326)
    page = maps.points(data, title=TITLE).html()
    assert len(page) < 2_500_000
    assert maps.check_html(page)["daten"].text == "Die Karte zeigt 50.000 Punkte."
    assert page.count("<tr>") == 1001 and "Gezeigt sind 1.000 von 50.000 Zeilen" in page


def test_circles_have_areas_in_proportion():
    karte = maps.points(squares(100, 25, None), title=TITLE, size="wert", name="ort")
    layer = next(c for c in karte._children.values() if getattr(c, "call", "") == "points")
    radii = [float(r) for r in re.search(r'"radien":\[([\d.,]+)\]', layer.json)[1].split(",")]
    assert radii[0] == pytest.approx(2 * radii[1], rel=0.02) and len(radii) == 2
    assert "keine Angabe: 1" in karte.legend


def test_thinned_shapes_stay_close_and_none_is_lost(districts):
    from opendata_kurs.maps.layers import VERTEX_BUDGET, _encode_polygons
    from opendata_kurs.maps.report import _decode

    encoded = _encode_polygons(districts)
    assert all(parts and parts[0][0] for parts in encoded)
    assert sum(len(r) // 2 for s in encoded for p in s for r in p) <= VERTEX_BUDGET
    shapes = [shapely.MultiPolygon([Polygon(list(zip(*reversed(_decode(p[0])), strict=True)),
                                            [list(zip(*reversed(_decode(h)), strict=True)) for h in p[1:]])
                                    for p in parts]) for parts in encoded]  # fmt: skip
    back = maps.area_km2(maps.repair_geometry(gpd.GeoDataFrame(geometry=shapes, crs=4326), report=False))
    assert np.allclose(back, maps.area_km2(districts), rtol=0.02)


# -- credit -------------------------------------------------------------------


def _with_geometry() -> list[str]:
    return [s for s in dataset_slugs() if metadata(s).get("crs")]


@pytest.mark.parametrize("slug", _with_geometry())
def test_every_dataset_with_geometry_gives_a_complete_credit(slug):
    data = load_dataset(slug)
    if set(data.geometry.geom_type) <= {"Polygon", "MultiPolygon"}:
        karte = maps.choropleth(data.assign(zahl=range(len(data))), "zahl", title=TITLE, region="deutschland")
    else:
        karte = maps.points(data, title=TITLE, region="deutschland")
    report = maps.check_html(karte.html())
    assert report.ok, str(report)


def test_each_report_is_its_own():
    page = maps.choropleth(squares(1, 2, 3), "wert", title=TITLE).html()
    maps.check_html(page).findings.clear()
    assert maps.check_html(page)["sprache"].ok, "a report that was emptied is not the next one's"
    assert not maps.check_html(page.replace('lang="de"', 'lang="en"'))["sprache"].ok, "a changed page is read anew"


def test_own_source_and_own_credit():
    entry = maps.source("Stadt Beispiel", "Bänke", "cc-by-4.0", "https://example.org/baenke", changes="gekürzt")
    page = maps.choropleth(squares(1, 2, 3), "wert", title=TITLE, sources=[entry]).html()
    assert maps.check_html(page)["quelle"].ok
    page = maps.choropleth(squares(1, 2, 3), "wert", title=TITLE, sources=[entry], credit="Quelle: Internet").html()
    report = maps.check_html(page)
    assert not report["quelle"].ok
    for part in ("wer die Daten bereitstellt", "fehlt die Lizenz", "Verweis auf den Lizenztext", "Adresse im Portal", "geändert"):
        assert part in report["quelle"].text


@pytest.mark.parametrize(
    ("credit", "lacks"),
    [
        ("Stadt Beispiel, https://example.org/b, dl-de/by-2-0 (www.govdata.de/dl-de/by-2-0), Daten geändert", None),
        ("https://example.org/b, dl-de/by-2-0 (www.govdata.de/dl-de/by-2-0), Daten geändert", "wer die Daten bereitstellt: „Stadt Beispiel“"),
        ("Stadt Beispiel, https://example.org/b, (www.govdata.de/dl-de/by-2-0), Daten geändert", "fehlt die Lizenz: „dl-de/by-2-0“"),
        ("Stadt Beispiel, https://example.org/b, dl-de/by-2-0, Daten geändert", "Verweis auf den Lizenztext"),
        ("Stadt Beispiel, dl-de/by-2-0 (www.govdata.de/dl-de/by-2-0), Daten geändert", "Verweis auf den Datensatz"),
        ("Stadt Beispiel, https://example.org/b, dl-de/by-2-0 (www.govdata.de/dl-de/by-2-0)", "geändert"),
        ("Stadt Beispiel, https://example.org/b, dl-de/by-2-0 (www.govdata.de/dl-de/by-2-0), Daten unverändert", "geändert"),
    ],
)  # fmt: skip
def test_each_part_of_the_credit_is_missed(credit, lacks):
    entry = maps.source("Stadt Beispiel", "Bänke", "dl-de-by-2.0", "https://example.org/b", changes="gekürzt")
    report = maps.check_html(
        maps.choropleth(squares(1, 2), "wert", title=TITLE, sources=[entry], credit=credit).html()
    )
    assert report["quelle"].ok == (lacks is None), report["quelle"].text
    if lacks:
        assert lacks in report["quelle"].text


def test_zero_licence_needs_no_publisher_but_name_and_link():
    entry = maps.source("Stadt Krefeld", "Kitas", "dl-de-zero-2.0", "https://example.org/k")
    assert credits.credit_faults([entry], "dl-de/zero-2-0 https://www.govdata.de/dl-de/zero-2-0") == []
    assert len(credits.credit_faults([entry], "Krefeld")) == 2


def test_unknown_sources_are_errors():
    with pytest.raises(maps.CreditError, match="gibt es nicht"):
        maps.choropleth(squares(1, 2), "wert", title=TITLE, sources=["koeln-stadteile"])
    with pytest.raises(maps.CreditError, match="nicht bekannt"):
        maps.source("Stadt", "Titel", "frei", "https://example.org")
    with pytest.raises(maps.CreditError, match="Bereitsteller"):
        maps.source(" ", "Titel", "cc0-1.0", "https://example.org")


def test_basemap_brings_its_full_credit_and_is_no_hidden_request(districts):
    karte = density_map(districts, basemap="basemap.de")
    page = karte.html()
    assert "basemap.de / BKG" in page and "GeoBasis-DE" in page and "CC BY 4.0" in page
    report = maps.check_html(page)
    assert report.ok and "basemap.de" in report["abrufe"].text
    assert not maps.check_html(page, allow_basemap=False)["abrufe"].ok
    own = density_map(districts, basemap="basemap.de", credit="Quelle: eigene Angabe").html()
    assert "GeoBasis-DE" in own
    with pytest.raises(maps.MapError, match=r"basemap\.de"):
        density_map(districts, basemap="osm")


# -- no foreign request -------------------------------------------------------


@pytest.mark.parametrize(
    "html",
    [
        '<script src="https://cdn.example/x.js"></script>',
        "<script src=//cdn.example/x.js></script>",
        '<link rel="stylesheet" href="https://cdn.example/x.css">',
        '<img src="http://cdn.example/x.png">',
        '<img srcset="https://cdn.example/x.png 2x">',
        '<iframe src="https://cdn.example/"></iframe>',
        '<iframe srcdoc="&lt;img src=&quot;https://cdn.example/x.png&quot;&gt;"></iframe>',
        '<div style="background:url(https://cdn.example/x.png)"></div>',
        "<style>@import 'https://cdn.example/x.css';</style>",
        "<style>a{background:url('//cdn.example/x.png')}</style>",
        '<script>L.tileLayer("https://cdn.example/{z}/{x}/{y}.png")</script>',
        "<script>fetch('https://cdn.example/data.json')</script>",
        "<script>new Image().src = 'https://cdn.example/x.gif'</script>",
        "<script type=module>import x from 'https://cdn.example/x.js'</script>",
        '<object data="https://cdn.example/x.svg"></object>',
        '<svg><image href="https://cdn.example/x.png"/></svg>',
        '<meta http-equiv="refresh" content="0; url=https://cdn.example/">',
        '<script src="data:text/javascript,fetch(%22https://cdn.example/x%22)"></script>',
    ],
)
def test_guard_finds_each_way_to_load(html):
    assert guard.foreign_requests(f"<html><body>{html}</body></html>"), html


@pytest.mark.parametrize(
    "html",
    [
        '<a href="https://www.govdata.de/dl-de/by-2-0">Lizenz</a>',
        '<link rel="license" href="https://www.govdata.de/dl-de/by-2-0">',
        "<p>https://example.org/ als Text</p>",
        '<script type="application/json">{"url": "https://example.org/{z}/{x}.png"}</script>',
        '<img src="data:image/png;base64,AAAA">',
        '<svg xmlns="http://www.w3.org/2000/svg"><rect fill="url(#schraffur)"/></svg>',
        "<script>var ns = 'http://www.w3.org/2000/svg';</script>",
    ],
)
def test_guard_lets_links_and_built_in_parts_pass(html):
    assert guard.foreign_requests(f"<html><body>{html}</body></html>") == []


def test_guard_positive_control_stock_folium():
    page = folium.Map([51, 7]).get_root().render()
    hosts = {a.split("/")[2] for a in guard.foreign_requests(page)}
    assert {"cdn.jsdelivr.net", "code.jquery.com", "cdnjs.cloudflare.com"} <= hosts
    assert any("openstreetmap" in h for h in hosts)


# -- check list: each planted fault is found, and only that -------------------


@pytest.fixture(scope="module")
def good_page(districts) -> str:
    return density_map(districts).html()


@pytest.mark.parametrize(
    ("key", "plant"),
    [
        ("titel", lambda p: re.sub(r"<h1>.*?</h1>", "<h1>Karte</h1>", p)),
        ("titel", lambda p: re.sub(r"<h1>.*?</h1>", "", p)),
        ("legende", lambda p: re.sub(r"<aside.*?</aside>", "", p, flags=re.S)),
        ("legende", lambda p: re.sub(r"(<aside.*?)<li>.*?</li>", r"\1", p, count=1, flags=re.S)),
        ("quelle", lambda p: re.sub(r"<figcaption>.*?</figcaption>", "<figcaption></figcaption>", p, flags=re.S)),
        ("quelle", lambda p: p.replace("Stadt Köln:", "Amt:")),
        ("textalternative", lambda p: re.sub(r'<p class="beschreibung".*?</p>', "", p, flags=re.S)),
        ("textalternative", lambda p: p.replace(" aria-describedby=beschreibung", "")),
        ("tabelle", lambda p: re.sub(r"<details>.*?</details>", "", p, flags=re.S)),
        ("tabelle", lambda p: re.sub(r"<tbody><tr>.*?</tr>", "<tbody>", p, flags=re.S)),
        ("kontrast", lambda p: p.replace("--text: #1b1f24", "--text: #9a9a9a")),
        ("kontrast", lambda p: re.sub(r'"farben":\["#\w+","#\w+"', '"farben":["#808080","#828282"', p)),
        ("abrufe", lambda p: p.replace("</main>", '<img src="https://cdn.example/x.png" alt=""></main>')),
        ("daten", lambda p: re.sub(r'"formen":\[.*\]\}</script>', '"formen":[]}</script>', p)),
        ("daten", lambda p: re.sub(r'"klassen":\[[-\d,]+\]', '"klassen":[' + ",".join(["-1"] * 86) + "]", p)),
        ("lage", lambda p: re.sub(r'"formen":\[\[\[\[\d+,', '"formen":[[[[1,', p)),
        ("sprache", lambda p: p.replace('<html lang="de">', "<html>")),
    ],
)  # fmt: skip
def test_check_finds_each_planted_fault(good_page, key, plant):
    broken = plant(good_page)
    assert broken != good_page
    report = maps.check_html(broken)
    assert key in report.open
    # a fault may show in the number of rows, too, but not elsewhere
    assert set(report.open) <= {key, "daten", "lage"} if key in ("daten", "lage") else report.open == [key]


def test_good_map_passes_and_the_report_is_german(districts, tmp_path):
    path = maps.save_html(density_map(districts), tmp_path / "karte.html")
    report = maps.check_map(path)
    assert report.ok and report.open == [] and len(report.lines) == 10
    assert str(report).startswith("Prüfliste: 10 von 10 Punkten erfüllt")
    assert "86 Flächen" in report["daten"].text and "Nordrhein-Westfalen" in report["lage"].text
    assert "erfüllt" in report._repr_html_()


def test_map_without_sources_lacks_only_the_credit(districts):
    bare = districts.copy()
    bare.attrs = {}
    assert maps.check_html(density_map(bare).html()).open == ["quelle"]


def test_swapped_points_drawn_on_purpose_fail_the_place(stops):
    swapped = stops.set_geometry(gpd.points_from_xy(stops.geometry.y, stops.geometry.x, crs="EPSG:4326"))
    assert maps.check_html(maps.points(swapped, title=TITLE, region=None).html()).open == ["lage"]


def test_join_that_lost_most_districts_fails(districts):
    lost = districts.copy()
    lost.loc[lost.index[20:], "dichte"] = np.nan
    report = maps.check_html(density_map(lost).html())
    assert report.open == ["daten"] and "20 von 86" in report["daten"].text


def test_pale_points_and_own_colours_fail_the_contrast(stops, districts):
    assert maps.check_html(maps.points(stops, title=TITLE, colour="#ffe680").html()).open == ["kontrast"]
    same = density_map(districts, palette=["#808080", "#818181", "#828282", "#838383", "#848484"])
    assert maps.check_html(same.html()).open == ["kontrast"]


def test_check_of_stock_folium_and_of_no_map(tmp_path):
    stock = folium.Map([51, 7])
    folium.CircleMarker([51, 7]).add_to(stock)
    stock.save(str(tmp_path / "stock.html"))
    report = maps.check_map(tmp_path / "stock.html")
    assert {"titel", "legende", "quelle", "textalternative", "tabelle", "abrufe", "sprache"} <= set(report.open)
    assert report["daten"].ok and report["lage"].ok
    with pytest.raises(maps.MapError, match="gibt es nicht"):
        maps.check_map(tmp_path / "fehlt.html")
    (tmp_path / "text.html").write_text("nur Text", encoding="utf-8")
    with pytest.raises(maps.MapError, match="keine HTML-Seite"):
        maps.check_map(tmp_path / "text.html")


# -- print and explorer -------------------------------------------------------


def test_print_map_is_a4_with_alternative_text(districts, tmp_path):
    from PIL import Image

    options = {"title": TITLE, "label": "Einwohnerdichte", "unit": "Einwohner je km²", "name": "stadtteil"}
    png = maps.print_map(districts, "dichte", tmp_path / "karte.png", **options)
    with Image.open(png.path) as image:
        assert image.size == (2338, 1654)
        assert image.text["Description"] == png.alt and "Am höchsten" in png.alt
        assert "Stadt Köln" in image.text["Source"]
    data, info = png._repr_mimebundle_()
    assert info["image/png"]["alt"] == png.alt and data["image/png"]
    pdf = maps.print_map(districts, "dichte", tmp_path / "a.pdf", portrait=True, **options)
    first = pdf.path.read_bytes()
    subject = re.search(rb"/Subject <([0-9a-fA-F]+)>|/Subject \((.*?)\)\s*/", first, re.S)
    assert subject, "the PDF carries the alternative text"
    told = bytes.fromhex(subject[1].decode()).decode("utf-16") if subject[1] else subject[2].decode("latin-1")
    assert told.startswith("Einwohnerdichte") or "Einwohnerdichte" in told.encode("latin-1", "ignore").decode("utf-16", "ignore")
    second = maps.print_map(districts, "dichte", tmp_path / "b.pdf", portrait=True, **options).path.read_bytes()
    assert first == second and re.search(rb"MediaBox \[ ?0 0 595\.\d+ 841\.\d+", first)
    with pytest.raises(maps.MapError, match=r"\.pdf oder \.png"):
        maps.print_map(districts, "dichte", tmp_path / "k.jpg", **options)


def test_explorer_changes_the_map(districts):
    widget = maps.map_explorer(
        districts, {"einwohner": "Einwohner", "dichte": "Einwohnerdichte"}, title="Köln", name="stadtteil",
        units={"dichte": "Einwohner je km²"}, schemes=("quantiles", "equal_interval"),
    )  # fmt: skip
    first = widget.page
    widget.figure = "dichte"
    assert widget.page != first and widget.karte.title == "Köln: Einwohnerdichte"
    assert "in Einwohner je km²" in widget.karte.legend
    widget.scheme = "equal_interval"
    assert SCHEMES["equal_interval"] in widget.karte.legend
    assert widget.status.startswith("Gezeigt wird: Köln: Einwohnerdichte")


def test_explorer_with_years_shows_the_last_first():
    frame = pd.concat([squares(1, 2, 3).assign(jahr=2011), squares(4, 5, 6).assign(jahr=2012)], ignore_index=True)
    widget = maps.map_explorer(frame, ["wert"], title="Beispiel", year="jahr")
    assert widget.year == "2012" and "6" in widget.karte.description
    widget.year = "2011"
    assert widget.karte.title == "Beispiel: Wert 2011" and widget.karte.info["anzahl"] == 3
    with pytest.raises(maps.ValueColumnError):
        maps.map_explorer(frame, ["fehlt"], title="Beispiel")


def test_every_public_name_has_a_docstring():
    for name in maps.__all__:
        assert getattr(maps, name).__doc__, name


# -- own files in the grading box ---------------------------------------------

_BOXED = """
import geopandas as gpd, pyproj
from shapely.geometry import Point
gpd.GeoDataFrame({"name": ["Ort"]}, geometry=[Point(7, 51)], crs=4326).to_file("orte.geojson", driver="GeoJSON")
held = open("notiz.txt", "w")
read = gpd.read_file("orte.geojson")
east = pyproj.Transformer.from_crs(4326, 25832, always_xy=True).transform(7, 51)[0]
held.write("bleibt"); held.close()
print(len(read), read.crs.to_epsg(), round(east), open("notiz.txt").read())
"""


def test_box_reads_a_geojson_at_the_first_try():
    """The libraries' open files survive the fork: else PROJ closes the learner's file of the same number."""
    from opendata_kurs.grading import box, runner

    if box.backend() == "keine":
        pytest.skip("this machine builds no box")
    with runner.Sandbox() as sandbox:
        run = runner.run_cells([{"i": 0, "source": _BOXED}], sandbox, learner=True)
    assert [o.get("text", o.get("evalue")) for o in run.outputs[0]] == ["1 4326 359667 bleibt\n"]


# -- a user's mistakes: each gives a right map or a German sentence ------------


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"title": ...}, "Der Titel fehlt"), ({"title": None}, "Der Titel fehlt"),
        ({"description": ...}, "description ist noch leer"), ({"credit": 5}, "credit ist noch leer oder kein Text"),
        ({"unit": 5}, "unit ist noch leer"), ({"classes": "5"}, "5 Klassen sind nicht möglich.*ohne Anführungszeichen"),
        ({"classes": ...}, "… Klassen"), ({"classes": 3.5}, "3.5 Klassen"), ({"scheme": ["quantiles"]}, "nicht bekannt"),
        ({"palette": ...}, "Farben in der Form"), ({"palette": "blau"}, "Farbreihe „blau“.*Blues"),
        ({"bounds": "1,2"}, "müssen aufsteigen"), ({"bounds": 3}, "müssen aufsteigen"), ({"bounds": [0, np.nan, 9]}, "müssen aufsteigen"),
        ({"sources": ...}, "Die Quellen fehlen noch"), ({"sources": ["koeln-stadteile"]}, "Meinten Sie „koeln-stadtteile“"),
        ({"name": "stadt"}, "„stadt“ gibt es nicht"), ({"columns": 5}, "columns braucht"), ({"columns": ["x"]}, "„x“ gibt es nicht"),
        ({"height": "hoch"}, "height = „hoch“ geht nicht"), ({"decimals": "2"}, "decimals = „2“ geht nicht"),
        ({"region": "NRW"}, "Das Gebiet „NRW“"), ({"basemap": True}, "Der Hintergrund"),
    ],
)  # fmt: skip
def test_wrong_options_get_a_german_sentence(options, text):
    with pytest.raises(maps.MapError, match=text):
        maps.choropleth(squares(1, 2, 3), "wert", **({"title": TITLE} | options))


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (["1.234,5", "2,5"], r'mit Punkt und Dezimalkomma.*str\.replace\("\.", ""\)\.str\.replace\(",", "\."\)'),
        (["1,5", "2"], "mit Dezimalkomma"), (["a", "b"], "enthält Text und keine Zahlen.*coerce"), ([True, False], "enthält ja und nein"),
        (list(pd.to_datetime(["2020-01-01", "2021-01-01"])), r"ein Datum.*dt\.year"),
        (pd.Categorical([1, 2]), "nicht als Zahl gespeichert.*to_numeric"),
    ],
)  # fmt: skip
def test_columns_that_are_no_numbers_say_how_to_convert(values, text):
    with pytest.raises(maps.ValueColumnError, match=text):
        maps.choropleth(squares(1, 2).assign(wert=values), "wert", title=TITLE)


def test_the_advice_for_german_numbers_works():
    text = pd.Series(["1.234,5", "2,5"])
    assert text.str.replace(".", "").str.replace(",", ".").astype(float).tolist() == [1234.5, 2.5]


@pytest.mark.parametrize(
    ("column", "text"), [(None, "fehlt noch"), (..., "fehlt noch"), (["wert"], "gibt es nicht"), (5, "gibt es nicht"), ("geometry", "Geometrien")]
)
def test_wrong_column_names(column, text):
    with pytest.raises(maps.ValueColumnError, match=text):
        maps.choropleth(squares(1, 2), column, title=TITLE)


def test_two_columns_of_one_name():
    data = pd.concat([squares(1, 2), squares(3, 4)[["wert"]]], axis=1)
    with pytest.raises(maps.ValueColumnError, match="gibt es 2-mal"):
        maps.choropleth(data, "wert", title=TITLE)


@pytest.mark.parametrize(
    ("kinds", "text"),
    [
        ([Point(7, 51), box(7, 51, 7.1, 51.1)], "Zeichnen Sie nur eine Art"), ([shapely.MultiPoint([(7, 51), (7.1, 51)])], "explode"),
        ([shapely.LineString([(7, 51), (7.1, 51)])], "Linien zeichnen"), ([box(7, 51, 7.1, 51.1)], r"nehmen Sie choropleth"),
    ],
)  # fmt: skip
def test_points_say_what_to_do_with_other_geometries(kinds, text):
    with pytest.raises(maps.GeometryError, match=text):
        maps.points(gpd.GeoDataFrame(geometry=kinds, crs=4326), title=TITLE)


def test_unusual_but_right_data_are_drawn():
    multi = squares(1, 2)
    multi = multi.set_geometry([shapely.MultiPolygon([g]) for g in multi.geometry], crs=25832)
    for data in (multi, squares(4), squares(4, 4, 4), squares(-5.5, 0, 5.5, None), squares(1, 2, np.inf), squares(1e-7, 2e-7, 3.5e-6),
                 squares(1, 2, 3).rename_geometry("form"), squares(1, 2, 3).set_index(pd.Index([0, 0, 0])),
                 *(squares(1, 2, 3).to_crs(code) for code in (31467, 3857, 4258, 4326))):  # fmt: skip
        karte = maps.choropleth(data, "wert", title=TITLE, sources=["koeln-stadtteile"])
        assert maps.check_html(karte.html()).open == []
    assert "einer Fläche. Der Wert ist 4, in: Ort 0." in maps.choropleth(squares(4), "wert", title=TITLE).description
    tiny = maps.choropleth(squares(1e-7, 2e-7, 3.5e-6), "wert", title=TITLE)
    assert "0,0000001" in tiny.description and "0,0000035" in tiny.table
    close = maps.choropleth(squares(1e6 + 0.1, 1e6 + 0.2, 1e6 + 0.3), "wert", title=TITLE)
    assert "1.000.000,3" in close.description


@pytest.mark.slow
def test_a_millionth_point_more_is_no_problem():
    rng = np.random.default_rng(1)
    data = gpd.GeoDataFrame(geometry=gpd.points_from_xy(rng.uniform(6, 9, 1_000_000), rng.uniform(50.6, 52.2, 1_000_000), crs=4326))
    karte = maps.points(data, title=TITLE, sources=["bahnhoefe-nrw"])
    assert karte.info["gezeichnet"] == 1_000_000 and karte.table.count("<tr>") == 1001


def test_circles_need_more_than_zeros():
    with pytest.raises(maps.ValueColumnError, match="nur Nullen"):
        maps.points(squares(0, 0), title=TITLE, size="wert")


@pytest.mark.parametrize(
    ("path", "text"),
    [("", "Der Dateiname fehlt"), (None, "Der Dateiname fehlt"), (..., "Der Dateiname fehlt"), ("k.pdf", "nicht auf .pdf"),
     ("fehlt/k.html", "Ordner"), (".", "ist ein Ordner"), ("ordner.html", "ist ein Ordner")],
)  # fmt: skip
def test_wrong_paths_for_saving(districts, tmp_path, monkeypatch, path, text):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ordner.html").mkdir()
    with pytest.raises(maps.MapError, match=text):
        maps.save_html(density_map(districts), path)
    assert maps.save_html(density_map(districts), "karte_2.5").name == "karte_2.5.html"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [((..., "T", "dl-de-by-2.0", "https://example.org"), "Bereitsteller"), (("Stadt", "T", "dl-de-by-2.0", "irgendwo"), "keine Adresse"),
     (("Stadt", "T", "andere-offen", "https://example.org"), "nicht bekannt.*dl-de-by-2.0")],
)  # fmt: skip
def test_wrong_sources(arguments, text):
    with pytest.raises(maps.CreditError, match=text):
        maps.source(*arguments)


def test_source_takes_usual_spellings_of_licences():
    from opendata_kurs.licensing import licences

    assert maps.source("Stadt", "Bänke", "dl-de/by-2-0", "https://example.org/b")["licence_id"] == "dl-de-by-2.0"
    for entry in licences():
        if entry.open and entry.text_url:
            made = maps.source("Stadt Beispiel", "Bänke", entry.id, "https://example.org/b", changes="gekürzt")
            page = maps.choropleth(squares(1, 2, 3), "wert", title=TITLE, sources=[made]).html()
            assert maps.check_html(page)["quelle"].ok, (entry.id, maps.check_html(page)["quelle"].text)


# -- check_map on foreign and broken files -------------------------------------


@pytest.mark.parametrize(
    "content", [b"", b"nur Text", bytes(range(256)) * 50, b"\x89PNG\r\n\x1a\n" + bytes(100), b"PK\x03\x04" + bytes(100)]
)
def test_check_of_no_page_is_a_german_error(tmp_path, content):
    (tmp_path / "karte.html").write_bytes(content)
    with pytest.raises(maps.MapError, match="keine HTML-Seite"):
        maps.check_map(tmp_path / "karte.html")


@pytest.mark.parametrize("path", [None, ..., 5, ["karte.html"]])
def test_check_needs_a_file(path, districts):
    for wrong in (path, density_map(districts)):
        with pytest.raises(maps.MapError, match="prüft eine gespeicherte Datei"):
            maps.check_map(wrong)
    with pytest.raises(maps.MapError, match="ist ein Ordner"):
        maps.check_map(".")


@pytest.mark.parametrize(
    "info", ["[]", "null", '"x"', "{", '{"quellen":3}', '{"quellen":[3]}', '{"quellen":[{"title":"a"}]}', '{"klassen":5}', '{"farben":[3]}',
             '{"quellen":[{"title":"a","publisher":"b","licence_id":"c","homepage":5}]}', "[" * 100_000])  # fmt: skip
def test_check_survives_damaged_statements(good_page, info):
    broken = re.sub(r'(id="karte-angaben">).*?(</script>)', lambda m: m[1] + info + m[2], good_page, flags=re.S)
    assert "quelle" in maps.check_html(broken).open


@pytest.mark.parametrize(
    "layer", ["[]", "null", "3", '{"formen":3}', '{"formen":[[3]]}', '{"formen":[[[["a","b"]]]],"klassen":[0]}', '{"formen":[[[[1,2]]]]}',
              '{"formen":[[[[1,2]]]],"klassen":["a"]}', '{"orte":["a","b"]}', '{"orte":[null,1]}', "[" * 100_000])  # fmt: skip
def test_check_counts_nothing_of_a_damaged_layer(good_page, layer):
    broken = re.sub(r'(id="daten-[^"]*">).*?(</script>)', lambda m: m[1] + layer + m[2], good_page, flags=re.S)
    assert set(maps.check_html(broken).open) == {"daten", "lage"}


def test_check_survives_noise(good_page):
    rng = np.random.default_rng(7)
    for turn in range(12):
        noisy = bytearray(good_page.encode())
        for at in rng.integers(0, len(noisy), 10 ** (turn % 4)):
            noisy[at] = rng.integers(0, 256)
        assert len(maps.check_html(bytes(noisy[: rng.integers(1000, len(noisy))]).decode("utf-8", "replace")).lines) == 10


@pytest.mark.parametrize(
    "html",
    [
        "<![CDATA[ > <script src='https://cdn.example/x.js'></script> ]]>", "<![foo[ x ]]><img src='https://cdn.example/x.png'>",
        "<script src=\"data:,fetch('https://cdn.example/x')\"></script>",
        "<script src='DATA:text/javascript;base64,ZmV0Y2goJ2h0dHBzOi8vY2RuLmV4YW1wbGUveCcp'></script>",
        "<script src='data:text/javascript;base64, ZmV0Y2goJ2h0dHBzOi8vY2RuLmV4YW1wbGUveHl6Jyk'></script>",
        "<script src='data:text/javascript;base64,%5AmV0Y2goJ2h0dHBzOi8vY2RuLmV4YW1wbGUveCcp'></script>",
        "<iframe src=\"data:text/html,<img src='https://cdn.example/x.png'>\"></iframe>", "<img src='https://[::1/x'>",
    ],
)  # fmt: skip
def test_guard_reads_as_browsers_do(html):
    assert guard.foreign_requests(f"<html><body>{html}</body></html>"), html


# -- own files ------------------------------------------------------------------

_GML = ('<?xml version="1.0"?><wfs:FeatureCollection xmlns:wfs="http://www.opengis.net/wfs/2.0" xmlns:gml="http://www.opengis.net/gml/3.2" '
        'xmlns:app="http://www.example.org/app"><wfs:member><app:ort gml:id="a"><app:name>Ä</app:name><app:lage><gml:Point gml:id="p" '
        "srsName={}><gml:pos>{}</gml:pos></gml:Point></app:lage></app:ort></wfs:member></wfs:FeatureCollection>")  # fmt: skip
_FEATURES = '{{"type":"FeatureCollection"{},"features":[{{"type":"Feature","properties":{{"name":"Ä"}},"geometry":{}}}]}}'
_UTM32 = ',"crs":{"type":"name","properties":{"name":"urn:ogc:def:crs:EPSG::25832"}}'
_PLACE = '{"type":"Point","coordinates":[7.62,51.96]}'
OWN_FILES = {
    "semikolon.csv": "name;breite;laenge\nÄ;51,96;7,62\n",
    "komma.csv": "name,breite,laenge\nÄ,51.96,7.62\n",
    "komma-mit-dezimalkomma.csv": 'name,breite,laenge\nÄ,"51,96","7,62"\n',
    "bom.csv": "\ufeffname;lat;lon\nÄ;51.96;7.62\n",
    "tabulator.txt": "name\tlatitude\tlongitude\nÄ\t51.96\t7.62\n",
    "utm.csv": "name;rechtswert;hochwert\nÄ;405200,2;5757371,9\n",
    "utm-mit-punkten.csv": "name;x;y\nÄ;405.200,2;5.757.371,9\n",
    "punkt.geojson": _FEATURES.format("", _PLACE),
    "punktgruppe.geojson": _FEATURES.format("", '{"type":"MultiPoint","coordinates":[[7.62,51.96]]}'),
    "wfs.geojson": _FEATURES.format(_UTM32, '{"type":"Point","coordinates":[405200.2,5757371.9]}'),
    "wfs.gml": _GML.format('"urn:ogc:def:crs:EPSG::25832"', "405200.2 5757371.9"),
    "wfs-grad.gml": _GML.format('"urn:ogc:def:crs:EPSG::4326"', "51.96 7.62"),  # latitude first, as the standard says
    "wfs.xml": _GML.format('"http://www.opengis.net/def/crs/EPSG/0/25832"', "405200.2 5757371.9"),
}


@pytest.mark.parametrize("name", OWN_FILES)
def test_own_files_are_read(tmp_path, name):
    (tmp_path / name).write_text(OWN_FILES[name], encoding="utf-8")
    data = maps.read_geodata(tmp_path / name)
    place = data.to_crs(4326).geometry.iloc[0]
    assert (len(data), data["name"].tolist(), place.geom_type) == (1, ["Ä"], "Point")
    # 405200.2 / 5757371.9 in EPSG:25832, computed with pyproj
    assert (place.x, place.y) == pytest.approx((7.62, 51.96), abs=2e-3)
    assert [f.name for f in tmp_path.iterdir()] == [name], "nothing is left beside the learner's file"


def test_own_table_keeps_keys_and_reads_numbers(tmp_path):
    (tmp_path / "orte.csv").write_bytes("nr;größe;breite;laenge\n051;1.234,5;51,96;7,62\n052;;51,95;7,64\n".encode("cp1252"))
    data = maps.read_geodata(tmp_path / "orte.csv")
    assert data["nr"].tolist() == ["051", "052"]
    assert data["größe"].tolist()[0] == 1234.5 and np.isnan(data["größe"].tolist()[1])


@pytest.mark.parametrize(
    ("name", "text", "error", "message"),
    [
        ("a.csv", "name;breite;laenge\nA;7,62;51,96\n", maps.CrsError, "Breite und Länge sind vertauscht"),
        ("a.csv", "name;breite;laenge\nA;51,96;7,62\nB;;\n", maps.ValueColumnError, "fehlt 1 von 2 Werten"),
        ("a.csv", "name;breite;laenge\nA;51,96;7,62\nB;0;0\n", maps.CrsError, "Ein Punkt bei 0, 0"),
        ("a.csv", "name;breite;laenge\nA;52,5;13,4\n", maps.CrsError, 'region="deutschland"'),
        ("a.csv", "name;wert\nA;5\n", maps.ValueColumnError, "„laenge“ und „breite“"),
        ("a.csv", "name;breite;laenge\nA;oben;links\n", maps.ValueColumnError, "enthält Text"),
        ("a.csv", "name;breite;laenge\n", maps.MapError, "keine Zeilen mit Daten"), ("a.csv", "", maps.MapError, "ist leer"),
        ("a.csv", "<!DOCTYPE html><html></html>", maps.MapError, "ist eine Webseite"),
        ("a.csv", "name;x;y\nA;123;456\n", maps.CrsError, "nicht erkennbar"),
        ("a.xml", '<ows:ExceptionReport xmlns:ows="x"/>', maps.MapError, "Fehlermeldung des Dienstes"),
        ("a.gml", _GML.format('""', "405200 5757300"), maps.CrsError, "Das Koordinatensystem fehlt"),
        ("a.geojson", _FEATURES.format("", "null"), maps.GeometryError, "keine Orte und keine Flächen"),
        ("a.geojson", '{"type":"FeatureCollection","features":[{"ty', maps.MapError, "lässt sich nicht als Geodatei lesen"),
        ("a.geojson", _FEATURES.format("", '{"type":"Point","coordinates":[405200,5757300]}'), maps.CrsError, "EPSG:25832"),
        ("a.pdf", "%PDF-1.4", maps.MapError, "lässt sich nicht als Geodatei lesen"),
    ],
)  # fmt: skip
def test_own_files_that_do_not_work(tmp_path, name, text, error, message):
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(error, match=message):
        maps.read_geodata(tmp_path / name)
    for wrong in ("fehlt.csv", None, ...):
        with pytest.raises(maps.MapError, match=r"gibt es nicht|fehlt"):
            maps.read_geodata(wrong)


# -- print ----------------------------------------------------------------------


@pytest.mark.parametrize("portrait", [False, True])
@pytest.mark.parametrize("classes", [3, 7])
def test_nothing_overlaps_on_the_printed_page(districts, tmp_path, monkeypatch, portrait, classes):
    from matplotlib.figure import Figure

    pages = []
    save = Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda self, *a, **k: (pages.append(self), save(self, *a, **k))[1])
    gaps = districts.copy()
    gaps.loc[gaps.index[0], "dichte"] = np.nan
    maps.print_map(gaps, "dichte", tmp_path / "karte.png", title="Einwohnerdichte der Stadtteile in Köln 2012, mit einem langen Titel in zwei Zeilen",
                   label="Einwohnerdichte", unit="Einwohner je km²", classes=classes, portrait=portrait,
                   sources=["muenster-stadtteile", "nrw-kreise"])  # fmt: skip
    figure = pages[0]
    boxes = [artist.get_window_extent(figure.canvas.get_renderer()) for artist in [*figure.texts, *figure.artists, *figure.patches]]
    boxes = [b for b in boxes if b.width < figure.bbox.width]  # without the page itself
    boxes.append(figure.axes[0].get_window_extent())
    assert len(boxes) >= 6 + classes
    for i, one in enumerate(boxes):
        assert one.x0 >= 0 and one.y0 >= 0 and one.x1 <= figure.bbox.width and one.y1 <= figure.bbox.height, i
        assert not [j for j, other in enumerate(boxes[:i]) if one.overlaps(other)], i
