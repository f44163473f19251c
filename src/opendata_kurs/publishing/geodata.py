"""Check where things are: coordinate columns of tables, GeoJSON files, shapefiles and other vector files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from .encodings import binary_kind, decode
from .grid import UnreadableError, text_findings
from .report import Finding, german_list, german_number, make_finding

GERMANY = (5.5, 47.0, 15.6, 55.3)  # west, south, east, north; EPSG:4326
_LAT = re.compile(r"(?:^|[_\W])(?:lat|latitude|geo_?lat|breitengrad|geogr\w*_?breite)(?:$|[_\W])", re.IGNORECASE)
_LON = re.compile(r"(?:^|[_\W])(?:lon|lng|long|longitude|geo_?lon|l(?:ä|ae)ngengrad|geogr\w*_?l(?:ä|ae)nge)(?:$|[_\W])", re.IGNORECASE)
_Y = re.compile(r"^(?:y|breite|hochwert|nordwert|north(?:ing)?|y[_ ]?(?:koord\w*|wert)|hw|koord\w*_?y)$", re.IGNORECASE)
_X = re.compile(r"^(?:x|l(?:ä|ae)nge|rechtswert|ostwert|east(?:ing)?|x[_ ]?(?:koord\w*|wert)|rw|koord\w*_?x)$", re.IGNORECASE)
# ranges of x in metres with y between 5.2 and 6.2 million, and what they mean in Germany
_SYSTEMS = (
    (2_395_000, 2_620_000, "EPSG:31466", "Gauß-Krüger, 2. Streifen"),
    (3_350_000, 3_650_000, "EPSG:31467", "Gauß-Krüger, 3. Streifen"),
    (4_350_000, 4_650_000, "EPSG:31468", "Gauß-Krüger, 4. Streifen"),
    (5_350_000, 5_650_000, "EPSG:31469", "Gauß-Krüger, 5. Streifen"),
    (250_000, 920_000, "EPSG:25832", "UTM, Zone 32"),
    (2_250_000, 2_395_000, None, "UTM, Zone 32, aber mit dem Zuschlag 2.500.000 statt 500.000 (false easting)"),
    (32_250_000, 32_920_000, "EPSG:4647", "UTM, Zone 32 mit Zonenkennung"),
)


def guess_crs(x: float, y: float) -> tuple[str | None, str]:
    """Guess the German coordinate system of projected coordinates in metres: (EPSG code, German sentence)."""
    if 5_200_000 <= y <= 6_200_000:
        for low, high, code, name in _SYSTEMS:
            if low <= x <= high:
                return code, f"Vermutlich {name} ({code})." if code else f"Vermutlich {name}. Dafür gibt es keine EPSG-Nummer."
    if 600_000 <= x <= 1_750_000 and 5_900_000 <= y <= 7_400_000:
        return "EPSG:3857", "Vermutlich Web-Mercator (EPSG:3857)."
    return None, "Die Werte passen zu keinem üblichen deutschen System."


def _inside(lon: float, lat: float) -> bool:
    west, south, east, north = GERMANY
    return west <= lon <= east and south <= lat <= north


def coordinate_findings(points: list[tuple[float, float]], rows: list[int], *, unit: str = "Zeile",
                        column: str | None = None, swap: str = "Tauschen Sie die beiden Spaltennamen.") -> list[Finding]:
    """Judge (x, y) pairs that should be longitude and latitude in degrees (EPSG:4326)."""
    sort: dict[str, list[int]] = {}
    for i, (x, y) in enumerate(points):
        if abs(x) < 1e-6 and abs(y) < 1e-6:
            kind = "zero-coordinates"
        elif _inside(x, y):
            kind = "good"
        elif _inside(y, x):
            kind = "swapped-coordinates"
        elif abs(x) > 1000 and abs(y) > 1000:
            kind = "not-wgs84"
        elif abs(y) > 90 or abs(x) > 180:
            kind = "coordinates-range"
        else:
            kind = "coordinates-outside"
        sort.setdefault(kind, []).append(i)
    found = []
    if sort.get("coordinates-outside") and not sort.get("good"):
        del sort["coordinates-outside"]  # a dataset of another country is no defect
    for kind, places in sort.items():
        if kind == "good":
            continue
        x, y = points[places[0]]
        code, guess = guess_crs(x, y) if kind == "not-wgs84" else (None, "")
        id = "unknown-crs" if kind == "not-wgs84" and code is None else kind
        found.append(make_finding("defects.yml", id, rows=[rows[i] for i in places] if len(places) < len(points) else (),
                                  unit=unit, column=column, count=german_number(len(places)), guess=guess, swap=swap,
                                  example=f"{_dot(x)} / {_dot(y)}"))
    return found


def _dot(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".")


def number(text: Any) -> float | None:
    """Read a number with decimal point or comma; None when it is none."""
    try:
        return float(str(text).strip().replace(",", "."))
    except ValueError:
        return None


def coordinate_columns(columns: Iterable[str]) -> Iterator[tuple[str, str, bool]]:
    """Yield pairs of column names that look like coordinates: (x or longitude, y or latitude, whether the names are sure)."""
    columns = list(map(str, columns))
    for ys, xs, sure in ((_LAT, _LON, True), (_Y, _X, False)):
        lat = next((c for c in columns if ys.search(c)), None)
        lon = next((c for c in columns if xs.search(c)), None)
        if lat is not None and lon is not None:
            yield lon, lat, sure


def table_coordinates(columns: dict[str, list[str]], lines: list[int]) -> list[Finding]:
    """Check the coordinate columns of a table, if there are any."""
    for lon, lat, sure in coordinate_columns(columns):
        pairs = [(number(x), number(y), n) for x, y, n in zip(columns[lon], columns[lat], lines, strict=True)]
        pairs = [(x, y, n) for x, y, n in pairs if x is not None and y is not None]
        likely = sum(_inside(x, y) or _inside(y, x) or (abs(x) > 100_000 and abs(y) > 100_000) for x, y, _ in pairs)
        if pairs and (sure or likely > len(pairs) / 2):
            return coordinate_findings([(x, y) for x, y, _ in pairs], [n for *_, n in pairs], column=f"{lon}“ und „{lat}",
                                       swap=f"Tauschen Sie die Spaltennamen „{lat}“ und „{lon}“.")
    return []


def _flat(coordinates: Any):
    """Yield the positions of a GeoJSON coordinates array."""
    if coordinates and isinstance(coordinates[0], (int, float)):
        yield coordinates
    else:
        for part in coordinates or ():
            yield from _flat(part)


class GeoTable:
    """Properties and geometries of a vector file, with the findings met while reading."""

    def __init__(self) -> None:
        self.columns: dict[str, list[Any]] = {}
        self.numbers: list[int] = []
        self.facts: dict[str, str] = {}
        self.findings: list[Finding] = []


def _add_properties(table: GeoTable, records: list[dict[str, Any]]) -> None:
    names = list(dict.fromkeys(k for r in records for k in r))
    table.columns = {n: [r.get(n) for r in records] for n in names}
    table.numbers = list(range(1, len(records) + 1))


def read_geojson(path: Path) -> GeoTable:
    """Read and check a GeoJSON file. Raises UnreadableError with a German message."""
    raw = path.read_bytes()
    if reason := binary_kind(raw):
        raise UnreadableError(reason)
    source = decode(raw)
    try:
        data = json.loads(source.text)
    except json.JSONDecodeError as error:
        raise UnreadableError(f"Die JSON-Datei ist beschädigt: Zeile {error.lineno}, Zeichen {error.colno}.") from None
    features = data.get("features") if isinstance(data, dict) else None
    if not isinstance(features, list):
        raise UnreadableError("Die Datei ist kein GeoJSON: Es fehlt die Liste „features“.")
    table = GeoTable()
    table.facts["Kodierung"] = source.label
    table.findings += text_findings(source)
    if not features:
        table.findings.append(make_finding("defects.yml", "empty-file"))
        return table
    _add_properties(table, [f.get("properties") or {} for f in features])
    named_crs = ""
    if "crs" in data:
        named_crs = str((data["crs"] or {}).get("properties", {}).get("name", ""))
        wgs84 = not named_crs or re.search(r"CRS84|:4326\b", named_crs)
        table.findings.append(make_finding("defects.yml", "crs-member", level="warning" if wgs84 else "error"))
    missing, points, where, broken = [], [], [], []
    from shapely import is_valid_reason
    from shapely.geometry import shape as to_shape

    for n, feature in enumerate(features, 1):
        geometry = feature.get("geometry")
        coordinates = list(_flat(geometry.get("coordinates"))) if geometry and geometry.get("coordinates") else []
        if not coordinates:
            missing.append(n)
            continue
        if geometry["type"] == "Point":
            points.append((coordinates[0][0], coordinates[0][1]))
        else:  # the worst corner stands for the whole shape
            points.append(max(((c[0], c[1]) for c in coordinates), key=lambda p: (not _inside(*p), abs(p[0]))))
            try:
                reason = is_valid_reason(to_shape(geometry))
            except (ValueError, TypeError, IndexError):
                reason = "unlesbar"
            if reason != "Valid Geometry":
                broken.append((n, reason))
        where.append(n)
    if missing:
        table.findings.append(make_finding("defects.yml", "missing-geometry", rows=missing, unit="Objekt", count=len(missing)))
    table.findings += coordinate_findings(points, where, unit="Objekt",
                                          swap="In GeoJSON steht zuerst die Länge, dann die Breite. Tauschen Sie beide.")
    _add_broken(table, broken)
    return table


def _add_broken(table: GeoTable, broken: list[tuple[int, str]]) -> None:
    words = {"Self-intersection": "die Grenze schneidet sich selbst", "Ring Self-intersection": "die Grenze berührt sich selbst",
             "Too few points": "zu wenige Punkte", "Hole lies outside shell": "ein Loch liegt außerhalb",
             "Nested shells": "eine Fläche liegt in der anderen", "Interior is disconnected": "die Fläche zerfällt"}
    if broken:
        reason = broken[0][1].split("[")[0].strip()
        table.findings.append(make_finding("defects.yml", "invalid-geometry", rows=[n for n, _ in broken], unit="Objekt",
                                           count=len(broken), example=words.get(reason, reason)))


def read_vector(path: Path) -> GeoTable:
    """Read a shapefile (also zipped) or GeoPackage with GeoPandas and check CRS and geometry."""
    import geopandas as gpd

    try:
        frame = gpd.read_file(path)
    except Exception as error:  # pyogrio and fiona raise their own kinds
        raise UnreadableError(f"Die Datei lässt sich nicht als Geodatei lesen ({type(error).__name__}).") from None
    table = GeoTable()
    _add_properties(table, frame.drop(columns=frame.geometry.name).to_dict("records"))
    bounds = frame.total_bounds
    code = frame.crs.to_epsg() if frame.crs else None
    table.facts["Koordinatensystem"] = f"EPSG:{code}" if code else "ohne EPSG-Nummer" if frame.crs else "keine Angabe"
    example = f"{_dot(bounds[0])} / {_dot(bounds[1])}"
    if frame.crs is None or code is None:
        guess = guess_crs(bounds[0], bounds[1])[1] if frame.crs is None else _describe_crs(frame.crs)
        table.findings.append(make_finding("defects.yml", "unknown-crs", guess=guess))
    if abs(bounds[0]) > 180 or abs(bounds[1]) > 90:
        if code is not None:
            table.findings.append(make_finding("defects.yml", "not-wgs84", example=example, guess=f"Angegeben ist EPSG:{code}."))
    else:
        centres = frame.geometry.dropna().representative_point()
        table.findings += coordinate_findings(list(zip(centres.x, centres.y, strict=True)), [int(i) + 1 for i in centres.index],
                                              unit="Objekt", swap="Tauschen Sie x und y.")
    invalid = frame.index[~frame.geometry.is_valid & frame.geometry.notna()]
    _add_broken(table, [(int(i) + 1, frame.geometry.loc[i:i].is_valid_reason().iloc[0]) for i in invalid])
    missing = [int(i) + 1 for i in frame.index[frame.geometry.isna() | frame.geometry.is_empty]]
    if missing:
        table.findings.append(make_finding("defects.yml", "missing-geometry", rows=missing, unit="Objekt", count=len(missing)))
    table.findings.append(make_finding("defects.yml", "proprietary-format", format=path.suffix.lstrip(".").upper()))
    return table


def _describe_crs(crs: Any) -> str:
    operation = crs.coordinate_operation
    if operation is None:
        return "Die Angabe ist unvollständig."
    easting = next((p.value for p in operation.params if p.name.lower() == "false easting"), None)
    unusual = " Das ist ungewöhnlich; bei UTM sind es 500000." if easting not in (None, 500_000.0) and "Mercator" in operation.method_name else ""
    name = german_list([f"Es ist eine eigene Abbildung ({operation.method_name})"])
    return f"{name}, der Rechtswert beginnt bei {easting:.0f}.{unusual}" if easting is not None else f"{name}."
