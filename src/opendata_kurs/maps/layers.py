"""The two map makers: `choropleth` for areas, `points` for places (also sized circles)."""

from __future__ import annotations

import difflib
import html
import math
from collections.abc import Iterable, Sequence
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from branca.element import MacroElement
from folium.template import Template

from . import assets, colours
from .classes import Classes, classify
from .credits import collect_sources
from .errors import GeometryError, MapError, ValueColumnError
from .geometry import check_crs, check_geometry
from .numbers import MISSING, format_cell, format_number, is_whole
from .options import column_list, number_hint, one_column, optional_text, title_text, whole_number
from .page import HEIGHT, Map, script_json

if TYPE_CHECKING:
    import geopandas as gpd

VERTEX_BUDGET = 14_000  # enough for a city on a screen; keeps a map of 86 polygons far below 600 kB
TABLE_ROWS = 1_000
CLUSTER_FROM = 500  # cluster="auto": up to here single circles, above groups
CANVAS_ONLY_FROM = 20_000  # cluster="auto": above this plain circles on canvas open faster than groups
_NAME_COLUMNS = ("stadtteil", "stadtbezirk", "kreis", "gemeinde", "name", "bezeichnung", "titel")


class _Layer(MacroElement):
    """Data as JSON in the page and one call of our script."""

    _template = Template(
        """
        {% macro html(this, kwargs) %}
        <script type="application/json" id="daten-{{ this.get_name() }}">{{ this.json }}</script>
        {% endmacro %}
        {% macro script(this, kwargs) %}
        kursKarte.{{ this.call }}({{ this._parent.get_name() }}, "daten-{{ this.get_name() }}");
        {% endmacro %}
        """
    )

    def __init__(self, call: str, data: dict[str, Any]) -> None:
        super().__init__()
        self._name = "Ebene"
        self.call = call
        self.json = script_json(data)


# -- columns -----------------------------------------------------------------


def _need_column(data: pd.DataFrame, column: str) -> None:
    if column is None or column is ...:
        raise ValueColumnError("Der Name der Spalte fehlt noch. Setzen Sie ihn in geraden Anführungszeichen ein.")
    if isinstance(column, list | tuple | dict | set) or column not in data.columns:
        names = [str(c) for c in data.columns if c != "geometry"]
        near = difflib.get_close_matches(str(column), names, 1)
        hint = f"Meinten Sie „{near[0]}“?" if near else f"Vorhanden sind: {', '.join(names)}."
        raise ValueColumnError(f"Die Spalte „{column}“ gibt es nicht. {hint}")


def _values(data: pd.DataFrame, column: str) -> np.ndarray:
    _need_column(data, column)
    series = one_column(data, column)
    if pd.api.types.is_bool_dtype(series) or not pd.api.types.is_numeric_dtype(series):
        raise ValueColumnError(number_hint(series))
    values = series.astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    values[~np.isfinite(values)] = np.nan
    if np.isnan(values).all():
        raise ValueColumnError(
            f"In der Spalte „{column}“ fehlen alle Werte. Es gibt nichts zu zeichnen. "
            "Oft fand die Verknüpfung davor keinen Partner."
        )
    return values


def _name_column(data: pd.DataFrame, name: str | None, values: Sequence[str] = ()) -> str | None:
    if name is not None:
        _need_column(data, name)
        return name
    text = [c for c in data.columns if c not in values and pd.api.types.is_string_dtype(data[c])
            and c != "geometry"]  # fmt: skip
    for wanted in _NAME_COLUMNS:
        if wanted in text:
            return wanted
    return text[0] if text else None


def _field_titles(sources: Sequence[dict[str, Any]]) -> dict[str, str]:
    """Column -> German title from the datasets' own schema."""
    from opendata_kurs import datasets

    titles: dict[str, str] = {}
    for entry in sources:
        if entry.get("slug"):
            try:
                resources = datasets.metadata(entry["slug"])["resources"]
            except KeyError:
                continue
            for resource in resources:
                for field in resource.get("schema", {}).get("fields", []):
                    titles.setdefault(field["name"], field.get("title") or "")
    return {k: v for k, v in titles.items() if v}


def _title(column: str, titles: dict[str, str]) -> str:
    return titles.get(column) or column.replace("_", " ").strip().capitalize()


def _cells(series: pd.Series, decimals: int | None = None) -> list[str]:
    if pd.api.types.is_numeric_dtype(series) and not pd.api.types.is_bool_dtype(series):
        values = series.astype("Float64").to_numpy(dtype=float, na_value=np.nan)
        column = str(series.name)
        if decimals is not None:
            return [format_number(v, decimals) for v in values]
        if is_whole(values):
            return [format_cell(float(v), column) for v in values]
        return [format_number(v, 1) for v in values]
    return [format_cell(v, str(series.name)) for v in series.array]


# -- geometry as integers ----------------------------------------------------


def _deltas(coordinates: np.ndarray) -> list[int]:
    """Longitude/latitude -> flat integers (latitude, longitude), each relative to the one before."""
    whole = np.round(coordinates[:, [1, 0]] * 1e5).astype(np.int64)
    if len(whole) > 1:
        keep = np.ones(len(whole), dtype=bool)
        keep[1:] = (np.diff(whole, axis=0) != 0).any(axis=1)
        whole = whole[keep]
    return np.diff(whole, axis=0, prepend=0).ravel().tolist()


def _encode_polygons(data: gpd.GeoDataFrame) -> list[list[list[list[int]]]]:
    import shapely

    out = []
    for geometry in _simplified(data):
        parts = []
        for part in shapely.get_parts(geometry):
            rings = [part.exterior, *part.interiors]
            # Leaflet closes rings itself
            parts.append([_deltas(shapely.get_coordinates(r)[:-1]) for r in rings if not r.is_empty])
        out.append(parts)
    return out


def _simplified(data: gpd.GeoDataFrame) -> np.ndarray:
    """Return polygons in EPSG:4326, thinned out for the screen; shared borders stay shared where they were."""
    import geopandas as gpd
    import shapely

    metres = data.geometry.to_crs("EPSG:25832").to_numpy()
    exact = shapely.get_num_coordinates(metres).sum()
    if exact > VERTEX_BUDGET:
        clean = bool(shapely.coverage_is_valid(metres))
        for tolerance in (2, 5, 10, 20, 40, 80, 160, 320, 640):
            if clean:
                thin = shapely.coverage_simplify(metres, tolerance)
            else:
                thin = shapely.simplify(metres, tolerance / 2, preserve_topology=True)
            # never lose an area: a tiny one stays as it is
            gone = shapely.is_empty(thin) | (shapely.get_num_coordinates(thin) < 4)
            thin = np.where(gone, metres, thin)
            if shapely.get_num_coordinates(thin).sum() <= VERTEX_BUDGET:
                break
        metres = thin
    return gpd.GeoSeries(metres, crs="EPSG:25832").to_crs("EPSG:4326").to_numpy()


def _bounds(data: gpd.GeoDataFrame) -> list[list[float]]:
    west, south, east, north = (round(float(v), 5) for v in data.total_bounds)
    pad = 0.003 if west == east or south == north else 0.0
    return [[south - pad, west - pad], [north + pad, east + pad]]


# -- pieces of the page ------------------------------------------------------


def _swatch(fill: str) -> str:
    return (f'<svg width="26" height="17" aria-hidden="true"><rect x=".5" y=".5" width="25" height="16" fill="{fill}" '
            f'stroke="{colours.BORDER}"/></svg>')  # fmt: skip


def _legend(heading: str, unit: str | None, classes: Classes, fills: list[str], missing: int, palette: str) -> str:
    e = html.escape
    items = [
        f'<li>{_swatch(fill)}<span>{e(text)}</span><span class="zahl">({n})</span></li>'
        for fill, text, n in zip(fills, classes.labels(), classes.sizes(), strict=True)
    ]
    if missing:
        items.append(
            f'<li>{_swatch("url(#schraffur)")}<span>{MISSING}</span><span class="zahl">({missing})</span></li>'
        )
    return (
        f"<h2>{e(heading)}</h2>"
        + (f'<p class="einheit">in {e(unit)}</p>' if unit else "")
        + f'<ul>{"".join(items)}</ul>'
        + '<p class="klein">In Klammern: Anzahl der Flächen.</p>'
        + f'<p class="klein">Klassen: {e(classes.scheme_text)}. Farben: {e(palette)}.</p>'
    )


def _table(caption: str, heads: list[str], rows: list[list[str]], numeric: list[bool], total: int) -> str:
    e = html.escape
    shown = rows[:TABLE_ROWS]
    note = "" if len(shown) == total else (
        f" Gezeigt sind {format_number(len(shown))} von {format_number(total)} Zeilen. "
        "Alle Zeilen stehen im Datensatz, siehe Quelle.")  # fmt: skip
    mark = [' class="rechts"' if n else "" for n in numeric]
    head = "".join(f'<th scope="col"{m}>{e(h)}</th>' for h, m in zip(heads, mark, strict=True))
    body = "".join(
        f'<tr><th scope="row">{e(row[0])}</th>'
        + "".join(f"<td{m}>{e(v)}</td>" for v, m in zip(row[1:], mark[1:], strict=True))
        + "</tr>"
        for row in shown
    )
    return (
        f"<details><summary>Werte als Tabelle ({format_number(total)} Zeilen)</summary>"
        f'<div class="tabelle" tabindex="0" role="region" aria-label="Tabelle: {e(caption)}"><table>'
        f"<caption>{e(caption)}.{note}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div></details>"
    )


def _listing(names: Sequence[str], limit: int = 3) -> str:
    names = list(names)
    if len(names) > limit:
        return ", ".join(names[:limit]) + f" und {len(names) - limit} weitere"
    return ", ".join(names[:-1]) + " und " + names[-1] if len(names) > 1 else "".join(names)


def _describe(names: list[str], values: np.ndarray, heading: str, unit: str | None, decimals: int,
              things: tuple[str, str] = ("einer Fläche", "Flächen")) -> str:  # fmt: skip
    """Text alternative: what, how many, where is the least and the most, what is missing."""
    present = np.flatnonzero(~np.isnan(values))
    measure = f" (in {unit})" if unit else ""
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    text = f"{heading}{measure} in {things[0] if len(values) == 1 else f'{len(values)} {things[1]}'}."
    if len(values) == 1:
        text += f" Der Wert ist {format_number(low, decimals)}, in: {names[0]}."
    elif low == high:
        text += f" Überall ist der Wert {format_number(low, decimals)}."
    else:
        where = [[names[i] for i in present if values[i] == v] for v in (low, high)]
        text += (
            f" Am niedrigsten: {_listing(where[0])} mit {format_number(low, decimals)}."
            f" Am höchsten: {_listing(where[1])} mit {format_number(high, decimals)}."
            f" Mittlerer Wert (Median): {format_number(float(np.nanmedian(values)), decimals)}."
        )
    lacking = [names[i] for i in np.flatnonzero(np.isnan(values))]
    if lacking:
        text += f" Keine Angabe für {len(lacking)}: {_listing(lacking)}."
    return text


def _prepared(data: Any, need: str | None, region: str | None) -> Any:
    check_crs(data, region)
    check_geometry(data, need=need)
    return data.to_crs("EPSG:4326")


def _info(kind: str, data: Any, region: str | None, **more: Any) -> dict[str, Any]:
    (south, west), (north, east) = _bounds(data)
    return {"art": kind, "anzahl": len(data), "crs": "EPSG:4326", "gebiet": region,
            "grenzen": [west, south, east, north], **more}  # fmt: skip


# -- public ------------------------------------------------------------------


def choropleth(
    data: gpd.GeoDataFrame,
    column: str,
    *,
    title: str = "",
    unit: str | None = None,
    label: str | None = None,
    name: str | None = None,
    columns: Sequence[str] = (),
    scheme: str = "quantiles",
    classes: int = 5,
    bounds: Sequence[float] | None = None,
    palette: str | Sequence[str] = "YlGnBu",
    decimals: int | None = None,
    description: str | None = None,
    sources: Iterable[str | dict[str, Any]] = (),
    credit: str | None = None,
    basemap: str | None = None,
    region: str | None = "nrw",
    height: int = HEIGHT,
) -> Map:
    """Draw areas coloured by the classes of a column.

    Missing values are hatched and stand in the legend as "keine Angabe"; they are never drawn as zero.
    The credit line comes from `data.attrs["quellen"]` and `sources`. Nothing is loaded from third parties.

    Args:
        data: Polygons in any CRS (drawn in EPSG:4326), one row per area.
        column: Column with numbers.
        title: Title of the map: what, where, when. Needed; without it there is a German error.
        unit: Unit of the numbers, for the legend ("Einwohner je km²").
        label: Name of the figure in the legend; by default the column's title in the dataset.
        name: Column with the names of the areas; by default it is found.
        columns: Further columns for tooltip and table.
        scheme: "quantiles", "equal_interval" or "fisher_jenks".
        classes: Two to seven.
        bounds: Own class bounds instead of a scheme, to compare several maps.
        palette: Sequential ColorBrewer scheme (colour-blind safe) or own colours, light to dark.
        decimals: Decimals of the numbers; None chooses.
        description: Text alternative; None writes one from the data.
        sources: Further datasets used (names) or results of `source(…)`.
        credit: Own credit line instead of the one made from the metadata.
        basemap: None or "basemap.de" (loads tiles from BKG when online).
        region: Where the data must lie: "nrw", "deutschland" or None.
        height: Height in a notebook, in pixels.

    Raises:
        CrsError: No CRS, or coordinates outside the region.
        GeometryError: No, empty or invalid polygons.
        ValueColumnError: The column is missing, is text or is empty.
        MapError: Wrong options (German message).
    """
    title = title_text(title)
    for option, text in (("description", description), ("credit", credit), ("unit", unit), ("label", label)):
        optional_text(text, option)
    if decimals is not None:
        decimals = whole_number(decimals, "decimals", 0, 8)
    shapes = _prepared(data, "polygon", region)
    values = _values(data, column)
    used = collect_sources(data, sources)
    titles = _field_titles(used)
    heading = label or _title(column, titles)
    result = classify(values, scheme, classes, bounds=bounds, decimals=decimals)
    digits = _digits(values, result.decimals, decimals)
    fills = colours.palette_colours(palette, result.count)
    name = _name_column(data, name, [column])
    names = _cells(data[name]) if name else [f"Fläche {i + 1}" for i in range(len(data))]
    columns = column_list(columns)
    for extra in columns:
        _need_column(data, extra)
    extras = [c for c in columns if c not in (column, name)]
    heads = [_title(name, titles) if name else "Fläche", heading + (f" (in {unit})" if unit else ""),
             *(_title(c, titles) for c in extras)]  # fmt: skip
    cells = [names, [format_number(v, digits) for v in values], *(_cells(data[c]) for c in extras)]
    rows = [list(r) for r in zip(*cells, strict=True)]
    missing = int(np.isnan(values).sum())
    colour_text = f"ColorBrewer {palette}" if isinstance(palette, str) else "selbst gewählt"

    karte = Map(
        title=title, credit=credit, basemap=basemap, height=height,
        description=description or _describe(names, values, heading, unit, digits),
    )  # fmt: skip
    karte.sources = used + karte.sources
    karte.bounds = _bounds(shapes)
    karte.legend = _legend(heading, unit, result, fills, missing, colour_text)
    order = sorted(range(len(rows)), key=lambda i: (np.isnan(values[i]), -np.nan_to_num(values[i]), names[i]))
    numeric = [False, True, *(pd.api.types.is_numeric_dtype(data[c]) for c in extras)]
    karte.table = _table(f"{title}, nach Wert geordnet", heads, [rows[i] for i in order], numeric, len(rows))
    karte.info = _info(
        "flaechen", shapes, region, werte=len(values) - missing, ohne_angabe=missing, spalte=column,
        farben=fills, klassen=result.labels(), schema=result.scheme,
    )  # fmt: skip
    karte.classes = result
    layer = {
        "namen": heads, "zeilen": rows, "klassen": list(result.indices), "farben": fills,
        "linie": colours.BORDER, "breite": 0.8 if len(rows) > 150 else 1,
        "deckung": 0.72 if basemap else 1, "formen": _encode_polygons(shapes),
    }  # fmt: skip
    _Layer("shapes", layer).add_to(karte)
    return karte


def _digits(values: np.ndarray, legend: int, wanted: int | None) -> int:
    if wanted is not None:
        return wanted
    if is_whole(values):
        return 0
    largest = float(np.nanmax(np.abs(values)))
    if largest >= 1000:  # decimals only where whole numbers would hide the differences
        return legend if np.nanmax(values) - np.nanmin(values) < 10 else 0
    return min(max(legend, 1), 4 if largest >= 0.01 else 8)


def points(
    data: gpd.GeoDataFrame,
    *,
    title: str = "",
    name: str | None = None,
    columns: Sequence[str] = (),
    label: str = "Orte",
    size: str | None = None,
    unit: str | None = None,
    cluster: bool | str = "auto",
    colour: str = colours.MARKER,
    radius: float | None = None,
    background: gpd.GeoDataFrame | None = None,
    decimals: int | None = None,
    description: str | None = None,
    sources: Iterable[str | dict[str, Any]] = (),
    credit: str | None = None,
    basemap: str | None = None,
    region: str | None = "nrw",
    height: int = HEIGHT,
) -> Map:
    """Draw places as circles; with `size` as circles whose area shows a number (right for absolute numbers).

    Args:
        data: Points in any CRS; with `size` also polygons (a circle inside each, the areas as outline).
        title: Title of the map; needed, as in `choropleth`.
        name: Column with the names of the places; by default it is found.
        columns: Further columns for window and table.
        label: What a circle is, for the legend ("Haltestellen").
        size: Column with numbers ≥ 0; the circle's area is proportional to it. Missing values get no circle.
        unit: Unit of `size`.
        cluster: True groups near points, False never does; "auto" groups 500 to 20,000 points and draws
            more on canvas.
        colour: Fill colour as "#rrggbb"; at least 3:1 against the background.
        radius: Radius in pixels; None chooses by number.
        background: Polygons drawn as thin outline, for orientation without tiles.
        decimals: Decimals of `size`.
        description, sources, credit, basemap, region, height: As in `choropleth`.

    Raises:
        CrsError: No CRS, coordinates outside the region, longitude and latitude swapped.
        GeometryError: Missing geometries, or other kinds than points.
        ValueColumnError: A column is missing or no number.
        MapError: Wrong options (German message).
    """
    title = title_text(title)
    for option, text in (("description", description), ("credit", credit), ("unit", unit), ("label", label)):
        optional_text(text, option)
    if decimals is not None:
        decimals = whole_number(decimals, "decimals", 0, 8)
    if radius is not None and not (isinstance(radius, Real) and 1 <= radius <= 60):
        raise MapError("radius braucht eine Zahl von 1 bis 60, ohne Anführungszeichen.")
    outlines = background
    if outlines is not None:
        check_crs(outlines, None)
    polygons_given = size is not None and _is_polygons(data)
    places = _prepared(data, "polygon" if polygons_given else "point", region)
    if polygons_given:
        outlines = data if outlines is None else outlines
        inner = places.to_crs("EPSG:25832").geometry.representative_point().to_crs("EPSG:4326")
        places = places.set_geometry(inner)
    if cluster not in (True, False, "auto"):
        raise MapError('cluster kann True, False oder "auto" sein.')
    palette = colours.palette_colours([colour], 1)
    used = collect_sources(data, sources)
    if outlines is not None:
        used = collect_sources(None, [*used, *outlines.attrs.get("quellen", [])])
    titles = _field_titles(used)
    name = _name_column(data, name, [size] if size else [])
    columns = column_list(columns)
    for extra in columns:
        _need_column(data, extra)
    extras = [c for c in columns if c not in (name, size)]
    values, digits, radii, largest = None, 0, None, 0.0
    if size is not None:
        values = _values(data, size)
        if np.nanmin(values) < 0:
            raise ValueColumnError(f"Die Spalte „{size}“ hat negative Werte. Ein Kreis kann sie nicht zeigen.")
        if np.nanmax(values) == 0:
            raise ValueColumnError(f"In der Spalte „{size}“ stehen nur Nullen. Kreise hätten keine Größe. Prüfen Sie die Spalte.")
        digits = _digits(values, 1, decimals)
        largest = float(np.nanmax(values))
        top = radius or (30.0 if len(data) <= 80 else 20.0)
        radii = np.sqrt(np.nan_to_num(values) / largest) * top
    names = _cells(data[name]) if name else [f"Punkt {i + 1}" for i in range(len(data))]
    heads = [_title(name, titles) if name else "Punkt"]
    cells = [names]
    if size is not None:
        heads.append((label if label != "Orte" else _title(size, titles)) + (f" (in {unit})" if unit else ""))
        cells.append([format_number(v, digits) for v in values])
    heads += [_title(c, titles) for c in extras]
    cells += [_cells(data[c]) for c in extras]

    total = len(data)
    grouped = cluster is True or (cluster == "auto" and size is None and CLUSTER_FROM < total <= CANVAS_ONLY_FROM)
    # large circles first, so that small ones stay on top; gaps in the values get no circle
    order = np.argsort(-radii, kind="stable") if radii is not None else np.arange(total)
    if values is not None:
        order = order[~np.isnan(values[order])]
    coordinates = np.column_stack([places.geometry.x.to_numpy(), places.geometry.y.to_numpy()])[order]
    layer: dict[str, Any] = {
        "namen": heads, "spalten": [[c[i] for i in order] for c in cells], "farbe": palette[0], "gruppen": grouped,
        "radius": radius or (6.5 if total <= 500 else 5 if total <= 5000 else 3.5 if total <= 20000 else 2),
        "orte": np.diff(np.round(coordinates[:, [1, 0]] * 1e5).astype(np.int64), axis=0, prepend=0).ravel().tolist(),
    }  # fmt: skip
    if radii is not None:
        layer["radien"] = [round(float(r), 1) for r in np.maximum(radii[order], 2.0)]

    missing = int(np.isnan(values).sum()) if values is not None else 0
    karte = Map(
        title=title, credit=credit, basemap=basemap, height=height, prefer_canvas=total > 2000,
        description=description or _describe_points(
            places, names, values, heads, label, digits,
            ("einer Fläche", "Flächen") if polygons_given else ("einem Ort", "Orten")),
    )  # fmt: skip
    karte.sources = used + karte.sources
    karte.bounds = _bounds(places)
    if grouped:
        karte.default_js = [*karte.default_js, ("leaflet_markercluster", assets.cluster_js())]
        karte.default_css = [*karte.default_css, ("leaflet_markercluster_css", assets.cluster_css())]
    if outlines is not None:
        frame = _prepared(outlines, "polygon", region)
        (s1, w1), (n1, e1) = karte.bounds
        (s2, w2), (n2, e2) = _bounds(frame)
        if region is not None:
            karte.bounds = [[min(s1, s2), min(w1, w2)], [max(n1, n2), max(e1, e2)]]
        _Layer("shapes", {"leer": True, "linie": "#8a8f96", "breite": 1, "deckung": 0.35 if basemap else 1,
                          "klassen": [0] * len(frame), "farben": ["#ffffff"],
                          "formen": _encode_polygons(frame)}).add_to(karte)  # fmt: skip
    _Layer("points", layer).add_to(karte)
    karte.legend = (
        _size_legend(heads[1], unit, largest, radii, palette[0], digits, missing)
        if radii is not None
        else _point_legend(label, palette[0], total, grouped)
    )
    rows = [list(r) for r in zip(*(c[:TABLE_ROWS] if values is None else c for c in cells), strict=True)]
    if values is not None:
        rows = [rows[i] for i in sorted(range(total), key=lambda i: (np.isnan(values[i]), -np.nan_to_num(values[i])))]
    numeric = [False, *([True] if size else []), *(pd.api.types.is_numeric_dtype(data[c]) for c in extras)]
    if size is None:  # the place is what the map shows: the table says it, too
        xy = zip(places.geometry.y, places.geometry.x, strict=True)
        rows = [[*row, format_number(y, 4), format_number(x, 4)] for row, (y, x) in zip(rows, xy, strict=False)]
        heads, numeric = [*heads, "Breite (Grad)", "Länge (Grad)"], [*numeric, True, True]
    karte.table = _table(title, heads, rows, numeric, total)
    karte.info = _info("punkte", places, region, gezeichnet=len(order), ohne_angabe=missing, farben=palette)
    return karte


def _is_polygons(data: Any) -> bool:
    geometry = getattr(data, "geometry", None)
    if geometry is None:
        raise GeometryError("Die Tabelle hat keine Geometrie. Eine Karte braucht Punkte oder Flächen.")
    return bool(geometry.geom_type.isin(["Polygon", "MultiPolygon"]).all())


def _dot(radius: float, colour: str, width: float = 26, opacity: float = 0.9) -> str:
    height = 2 * math.ceil(radius) + 2
    width = max(width, height)
    return (f'<svg width="{width:g}" height="{height}" aria-hidden="true"><circle cx="{width / 2:g}" cy="{height / 2:g}" '
            f'r="{radius:.1f}" fill="{colour}" fill-opacity="{opacity}" stroke="{colours.BORDER}"/></svg>')  # fmt: skip


def _point_legend(label: str, colour: str, total: int, grouped: bool) -> str:
    items = f'<li>{_dot(6.5, colour)}<span>{html.escape(label)}</span><span class="zahl">({format_number(total)})</span></li>'
    if grouped:
        items += ('<li><svg width="26" height="26" aria-hidden="true"><circle cx="13" cy="13" r="11" fill="#fff" '
                  'stroke="#0b4f7d" stroke-width="3"/></svg><span>mehrere nah beieinander, mit Anzahl</span></li>')  # fmt: skip
    note = '<p class="klein">Ein Klick auf eine Gruppe vergrößert die Karte.</p>' if grouped else ""
    return f"<h2>Legende</h2><ul>{items}</ul>{note}"


def _nice(value: float) -> float:
    power = 10 ** math.floor(math.log10(value)) if value > 0 else 1.0
    return max(m * power for m in (1, 2, 3, 4, 5, 6, 8) if m * power <= value * (1 + 1e-9))


def _size_legend(heading: str, unit: str | None, largest: float, radii: np.ndarray, colour: str,
                 digits: int, missing: int) -> str:  # fmt: skip
    steps = []
    for part in (1.0, 0.3, 0.08):
        step = _nice(largest * part)
        if step not in steps:
            steps.append(step)
    top = float(radii.max()) or 1.0
    items = "".join(
        f"<li>{_dot(max(top * math.sqrt(s / largest), 2.0), colour, 2 * math.ceil(top) + 2, 0.75)}"
        f"<span>{format_number(s, 0 if float(s).is_integer() else max(digits, 1))}</span></li>"
        for s in steps
    )
    gap = f'<p class="klein">Ohne Kreis, weil keine Angabe: {missing}</p>' if missing else ""
    return (f'<h2>{html.escape(heading)}</h2><ul>{items}</ul>'
            f'<p class="klein">Die Fläche des Kreises zeigt die Zahl.</p>{gap}')  # fmt: skip


def _describe_points(places: Any, names: list[str], values: Any, heads: list[str], label: str, digits: int,
                     things: tuple[str, str]) -> str:  # fmt: skip
    total = len(places)
    if values is not None:
        return _describe(names, values, heads[1], None, digits, things)
    west, south, east, north = (format_number(float(v), 2) for v in places.total_bounds)
    text = f"{label}: {format_number(total)} {'Punkt' if total == 1 else 'Punkte'} zwischen {west} und {east} Grad Länge "
    text += f"und {south} und {north} Grad Breite."
    if total <= 3:
        return text + f" {'Es ist' if total == 1 else 'Es sind'}: {_listing(names)}."
    # where most of them lie, in words
    x, y = places.geometry.x.to_numpy(), places.geometry.y.to_numpy()
    middle_x, middle_y = (x.min() + x.max()) / 2, (y.min() + y.max()) / 2
    quarters = {
        "Nordwesten": (x < middle_x) & (y >= middle_y), "Nordosten": (x >= middle_x) & (y >= middle_y),
        "Südwesten": (x < middle_x) & (y < middle_y), "Südosten": (x >= middle_x) & (y < middle_y),
    }  # fmt: skip
    place, count = max(((k, int(v.sum())) for k, v in quarters.items()), key=lambda p: p[1])
    return text + f" Am meisten liegen im {place} der Karte: {format_number(count)}."



