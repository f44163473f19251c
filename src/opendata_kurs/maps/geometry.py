"""Checks and small tools for geodata: CRS, validity, areas, joins. Errors are German sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .errors import CrsError, GeometryError, JoinError, MapError, ValueColumnError
from .numbers import format_number
from .options import number_hint, one_column

if TYPE_CHECKING:
    import geopandas as gpd

AREA_CRS = "EPSG:25832"
# longitude and latitude of the region with some margin: west, south, east, north
REGIONS = {
    "nrw": ("Nordrhein-Westfalen", (5.80, 50.28, 9.50, 52.58)),
    "deutschland": ("Deutschland", (5.80, 47.20, 15.10, 55.10)),
}


def _region(region: str) -> tuple[str, tuple[float, float, float, float]]:
    if region not in REGIONS:
        raise MapError(f"Das Gebiet „{region}“ ist nicht bekannt. Wählen Sie: {', '.join(REGIONS)} oder None.")
    return REGIONS[region]


def _in_box(x: np.ndarray, y: np.ndarray, box: tuple[float, float, float, float]) -> np.ndarray:
    return (x >= box[0]) & (x <= box[2]) & (y >= box[1]) & (y <= box[3])


def _guess(x: float, y: float) -> str:
    """Return a hint on the likely CRS from the size of the coordinates, or an empty text."""
    box = REGIONS["deutschland"][1]
    if box[0] <= x <= box[2] and box[1] <= y <= box[3]:
        return "Die Zahlen sehen nach Grad aus, also nach EPSG:4326."
    if box[0] <= y <= box[2] and box[1] <= x <= box[3]:
        return "Die Zahlen sehen nach Grad aus, aber Breite und Länge sind wohl vertauscht."
    if 5_200_000 <= y <= 6_150_000:
        if 250_000 <= x <= 950_000:
            return "Die Zahlen sehen nach UTM Zone 32 aus, also nach EPSG:25832."
        if 32_250_000 <= x <= 32_950_000:
            return "Die Zahlen sehen nach UTM mit Zonenkennung aus, also nach EPSG:4647."
        if 2_300_000 <= x < 2_780_000:
            return "Die Zahlen sehen nach Gauß-Krüger Zone 2 aus, also nach EPSG:31466."
        if 2_780_000 <= x < 3_050_000:
            return (
                "Die Zahlen sehen nach UTM mit fremder Verschiebung aus. "
                "Dafür gibt es keinen EPSG-Code. Nehmen Sie die Angabe aus der .prj-Datei."
            )
        if 3_300_000 <= x <= 3_800_000:
            return "Die Zahlen sehen nach Gauß-Krüger Zone 3 aus, also nach EPSG:31467."
    return ""


def _need_geometry(data: Any) -> None:
    import geopandas as gpd

    if not isinstance(data, gpd.GeoDataFrame):
        raise GeometryError(
            "Die Tabelle hat keine Geometrie. Eine Karte braucht Punkte oder Flächen. "
            "Nach merge() steht die Geo-Tabelle links: flaechen.merge(werte, on=…). "
            "Aus zwei Koordinaten-Spalten macht to_points(…) Punkte."
        )
    if "geometry" not in data.columns and data._geometry_column_name not in data.columns:
        raise GeometryError("Die Spalte mit der Geometrie fehlt. Behalten Sie beim Auswählen die Spalte „geometry“.")


def known_crs(crs: Any) -> Any:
    """Return the CRS that a code names.

    Raises:
        CrsError: There is no such code.
    """
    import pyproj

    try:
        return pyproj.CRS.from_user_input(crs)
    except pyproj.exceptions.CRSError:
        raise CrsError(
            f"Das Koordinatensystem „{crs}“ gibt es nicht. Oft richtig sind: EPSG:4326 (Grad), EPSG:25832 (UTM), "
            "EPSG:31466 und EPSG:31467 (Gauß-Krüger)."
        ) from None


def check_crs(data: gpd.GeoDataFrame, region: str | None = "nrw") -> None:
    """Check that the CRS is known and that the coordinates lie in the region.

    Args:
        data: Geodata in any CRS.
        region: "nrw", "deutschland" or None (no check of the place).

    Raises:
        CrsError: No CRS; longitude and latitude swapped; CRS and numbers do not fit; far outside.
    """
    _need_geometry(data)
    geometry = data.geometry
    present = geometry[geometry.notna() & ~geometry.is_empty]
    if present.empty:
        raise GeometryError("Es gibt keine einzige Geometrie. Prüfen Sie, ob die Datei leer ist.")
    boxes = present.bounds.to_numpy(dtype=float)
    if not np.isfinite(boxes).all():
        raise CrsError(
            "Manche Koordinaten sind keine Zahlen. Prüfen Sie das Koordinatensystem (crs) "
            "und die Spalten mit den Koordinaten."
        )
    x, y = (boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2
    hint = _guess(float(np.median(x)), float(np.median(y)))
    if data.crs is None:
        raise CrsError(
            "Das Koordinatensystem fehlt. Python weiß nicht, wo auf der Erde die Zahlen liegen. "
            f"{hint + ' ' if hint else ''}Setzen Sie es: daten = daten.set_crs(\"EPSG:…\"). "
            "Den richtigen Code nennt die Beschreibung der Daten."
        )
    if region is None:
        return
    name, box = _region(region)
    if data.crs.is_geographic and (np.abs(boxes).max() > 360):
        raise CrsError(
            f"Das Koordinatensystem passt nicht zu den Zahlen. Angegeben ist {data.crs.to_string()} mit Grad, "
            f"die Zahlen sind aber viel größer. {hint + ' ' if hint else ''}"
            'Setzen Sie den richtigen Code: daten = daten.set_crs("EPSG:…", allow_override=True).'
        )
    lonlat = boxes
    if not (data.crs.is_geographic and data.crs.to_epsg() == 4326):
        projected = present.to_crs("EPSG:4326")
        lonlat = projected.bounds.to_numpy(dtype=float)
    ok = np.isfinite(lonlat).all(axis=1)
    ok &= _in_box(lonlat[:, 0], lonlat[:, 1], box) & _in_box(lonlat[:, 2], lonlat[:, 3], box)
    if ok.all():
        return
    wrong = int((~ok).sum())
    first = int(np.flatnonzero(~ok)[0])
    cx, cy = float(x[first]), float(y[first])
    cx, cy = (0.0 if abs(v) < 1e-9 else v for v in (cx, cy))
    are_points = present.geom_type.str.contains("Point").all()
    things, what = ("Punkte", "Punkten") if are_points else ("Flächen", "Flächen")
    example = (
        f"Zum Beispiel Zeile {present.index[first]}: x = {format_number(cx, 3)}, y = {format_number(cy, 3)}."
    )
    swapped = _in_box(lonlat[:, 1], lonlat[:, 0], box)
    if data.crs.is_geographic and swapped[~ok].mean() >= 0.9:
        raise CrsError(
            f"Breite und Länge sind vertauscht, bei {wrong} von {len(ok)} {what}. {example} "
            f"In {name} liegt die Länge (x) bei {box[0]:.0f} bis {box[2]:.0f} Grad "
            f"und die Breite (y) bei {box[1]:.0f} bis {box[3]:.0f} Grad. "
            "Tauschen Sie die beiden Spalten, bevor Sie die Punkte bilden."
        )
    everything = f"Alle {wrong} {things} liegen" if wrong > 1 else "Der Punkt liegt" if are_points else "Die Fläche liegt"
    germany, german_box = REGIONS["deutschland"]
    if wrong == len(ok) and _in_box(lonlat[:, 0], lonlat[:, 1], german_box).all():
        raise CrsError(
            f"{everything} außerhalb von {name}, aber in {germany}. Angegeben ist {data.crs.to_string()[:40]}. {example} "
            'Ist das richtig? Dann schreiben Sie region="deutschland" dazu. '
            "Sonst prüfen Sie das Koordinatensystem."
        )
    if wrong == len(ok):
        raise CrsError(
            f"{everything} außerhalb von {name}. "
            f"Angegeben ist {data.crs.to_string()[:40]}. {example} {hint + ' ' if hint else ''}"
            'Prüfen Sie das Koordinatensystem: daten.set_crs("EPSG:…", allow_override=True) benennt es neu, '
            'daten.to_crs("EPSG:…") rechnet um.'
        )
    raise CrsError(
        f"{wrong} von {len(ok)} {what} {'liegt' if wrong == 1 else 'liegen'} außerhalb von {name}. {example} "
        "Ein Punkt bei 0, 0 heißt meist: Die Koordinate fehlt. Prüfen Sie diese Zeilen. "
        "Mit region=None zeichnet die Karte sie trotzdem."
    )


def check_geometry(data: gpd.GeoDataFrame, *, need: str | None = None) -> None:
    """Check that every row has a valid geometry of the needed kind.

    Args:
        data: Geodata.
        need: "polygon", "point" or None.

    Raises:
        GeometryError: A missing, empty or invalid geometry, or one of another kind.
    """
    _need_geometry(data)
    if len(data) == 0:
        raise GeometryError("Die Tabelle ist leer. Prüfen Sie den Filter oder die Verknüpfung davor.")
    geometry = data.geometry
    missing = geometry.isna() | geometry.is_empty
    if missing.any():
        n = int(missing.sum())
        raise GeometryError(
            f"{n} von {len(data)} Zeilen {'hat' if n == 1 else 'haben'} keine Geometrie "
            f"(zum Beispiel Zeile {data.index[missing][0]}). "
            "Nach einer Verknüpfung heißt das: Der Schlüssel fand keine Fläche. "
            "Entfernen Sie die Zeilen bewusst: daten = daten[daten.geometry.notna()]."
        )
    kinds = set(geometry.geom_type)
    if need == "polygon" and not kinds <= {"Polygon", "MultiPolygon"}:
        raise GeometryError(
            f"Diese Karte braucht Flächen, die Daten enthalten {_kinds(kinds)}. "
            + _kinds_hint(kinds, "Für Punkte nehmen Sie points(…).")
        )
    if need == "point" and not kinds <= {"Point"}:
        raise GeometryError(
            f"Diese Karte braucht Punkte, die Daten enthalten {_kinds(kinds)}. "
            + _kinds_hint(kinds, "Für Flächen nehmen Sie choropleth(…).")
        )
    invalid = ~geometry.is_valid
    if invalid.any():
        n = int(invalid.sum())
        raise GeometryError(
            f"{n} von {len(data)} Flächen {'ist' if n == 1 else 'sind'} ungültig, "
            f"zum Beispiel Zeile {data.index[invalid][0]}: {_why(geometry[invalid].iloc[0])}. "
            "Ungültige Flächen rechnen falsch. Reparieren Sie sie: daten = repair_geometry(daten)."
        )


def _why(geometry: Any) -> str:
    import shapely

    reason = shapely.is_valid_reason(geometry)
    for english, german in (
        ("Self-intersection", "Der Rand kreuzt sich selbst"),
        ("Ring Self", "Der Rand berührt sich selbst"),
        ("Too few points", "Der Rand hat zu wenige Punkte"),
        ("Hole lies outside", "Ein Loch liegt außerhalb der Fläche"),
        ("Nested", "Flächen liegen ineinander"),
        ("Duplicate", "Ein Rand ist doppelt"),
        ("Interior is disconnected", "Das Innere ist getrennt"),
    ):
        if english in reason:
            return german
    return "Der Rand ist fehlerhaft"


def _kinds(kinds: set[str]) -> str:
    german = {"Point": "Punkte", "MultiPoint": "Punktgruppen", "LineString": "Linien",
              "MultiLineString": "Linien", "Polygon": "Flächen", "MultiPolygon": "Flächen"}  # fmt: skip
    return " und ".join(sorted({german.get(k, "Mischformen") for k in kinds}))


def _kinds_hint(kinds: set[str], other: str) -> str:
    """What to do with geometries of another kind; `other` names the function for the other plain kind."""
    if "MultiPoint" in kinds and kinds <= {"Point", "MultiPoint"}:
        return "Machen Sie aus Punktgruppen einzelne Punkte: daten = daten.explode()."
    if len({k.removeprefix("Multi") for k in kinds}) > 1 or "GeometryCollection" in kinds:
        return 'Zeichnen Sie nur eine Art. Teilen Sie vorher: daten[daten.geom_type == "Point"] oder daten[daten.geom_type == "Polygon"].'
    if any("Line" in k for k in kinds):
        return "Linien zeichnen die Karten dieses Kurses nicht."
    return other


def repair_geometry(data: gpd.GeoDataFrame, *, report: bool = True) -> gpd.GeoDataFrame:
    """Return a copy with repaired polygons; print in German how many were changed.

    Points and lines that a repair leaves over are dropped from the repaired polygons.
    """
    import shapely

    _need_geometry(data)
    out = data.copy()
    invalid = ~out.geometry.is_valid & out.geometry.notna()

    def only_polygons(geometry: Any) -> Any:
        parts = [g for g in shapely.get_parts(geometry) if g.geom_type in ("Polygon", "MultiPolygon")]
        return shapely.union_all(parts) if parts else geometry

    if invalid.any():
        fixed = out.geometry[invalid].make_valid()
        out.loc[invalid, out.geometry.name] = fixed.map(
            lambda g: only_polygons(g) if g.geom_type == "GeometryCollection" else g
        )
    if report:
        n = int(invalid.sum())
        print(f"{n} von {len(out)} Geometrien {'wurde' if n == 1 else 'wurden'} repariert.")
    return out


def area_km2(data: gpd.GeoDataFrame) -> pd.Series:
    """Return the area of each row in square kilometres, computed in EPSG:25832 (UTM zone 32).

    Args:
        data: Polygons in any CRS.

    Raises:
        CrsError: No CRS, or far away from Germany (EPSG:25832 would be wrong there).
        GeometryError: Missing or invalid polygons.
    """
    check_crs(data, region="deutschland")
    check_geometry(data, need="polygon")
    return (data.geometry.to_crs(AREA_CRS).area / 1_000_000).rename("flaeche_km2")


def _merge_sources(*frames: Any) -> list[dict[str, Any]]:
    out: list[dict[str, Any]] = []
    for frame in frames:
        for entry in frame.attrs.get("quellen", []):
            if entry not in out:
                out.append(entry)
    return out


def join_by_key(
    left: gpd.GeoDataFrame,
    right: pd.DataFrame,
    on: str | tuple[str, str],
    *,
    report: bool = True,
) -> gpd.GeoDataFrame:
    """Join values to areas by a key; keep every row of `left`, count and print what found no partner.

    The sources of both tables are kept for the credit line. The counts are in
    `result.attrs["verknuepfung"]` (links, gefunden, ohne_partner, rechts_uebrig).

    Args:
        left: Areas (or points); every row stays.
        right: Table with values; the key must be unique.
        on: Name of the key column, or (name in left, name in right).
        report: Print the German report.

    Raises:
        JoinError: A key column is missing, no key matches, or keys in `right` are not unique.
    """
    for frame, side in ((left, "linken"), (right, "rechten")):
        if not isinstance(frame, pd.DataFrame):
            raise JoinError(f"Auf der {side} Seite fehlt eine Tabelle. join_by_key braucht zwei: Flächen links, Werte rechts.")
    if not isinstance(on, str) and (not isinstance(on, list | tuple) or len(on) != 2):
        raise JoinError('Der Schlüssel fehlt. Nennen Sie den Namen der Spalte: on="nr". Heißt sie verschieden: on=("nr", "nummer").')
    left_key, right_key = (on, on) if isinstance(on, str) else on
    for frame, key, side in ((left, left_key, "linken"), (right, right_key, "rechten")):
        if key not in frame.columns:
            raise JoinError(
                f"Die Spalte „{key}“ fehlt in der {side} Tabelle. Vorhanden sind: {', '.join(map(str, frame.columns))}."
            )
    doubled = right[right_key].dropna()
    doubled = doubled[doubled.duplicated()]
    if len(doubled):
        raise JoinError(
            f"Der Schlüssel „{right_key}“ ist in der rechten Tabelle nicht eindeutig "
            f"(mehrfach zum Beispiel: {doubled.iloc[0]}). Die Verknüpfung würde Flächen verdoppeln. "
            "Fassen Sie zuerst zusammen (groupby) oder filtern Sie ein Jahr."
        )
    known_left, known_right = set(left[left_key].dropna()), set(right[right_key].dropna())
    matched = known_left & known_right
    if not matched:
        raise JoinError(
            f"Die Verknüpfung ist leer: Kein Wert aus „{left_key}“ kommt in „{right_key}“ vor. "
            + _join_hint(known_left, known_right)
        )
    dropped = [c for c in right.columns if c in left.columns and c != right_key]
    values = right.drop(columns=[*dropped, *([right.geometry.name] if hasattr(right, "geometry") else [])],
                        errors="ignore")  # fmt: skip
    values = values[values[right_key].notna()]
    out = left.merge(values, left_on=left_key, right_on=right_key, how="left")
    out.attrs = dict(left.attrs)
    out.attrs["quellen"] = _merge_sources(left, right)
    lost = left[~left[left_key].isin(matched)]
    rest = sorted(map(str, known_right - known_left))
    found = len(left) - len(lost)
    out.attrs["verknuepfung"] = {
        "links": len(left), "gefunden": found, "ohne_partner": len(lost), "rechts_uebrig": len(rest),
    }  # fmt: skip
    if report:
        print(f"{found} von {len(left)} Zeilen links haben einen Partner gefunden.")
        if len(lost):
            keys = ", ".join(map(str, lost[left_key].head(5)))
            print(f"Ohne Partner links: {len(lost)} (zum Beispiel {keys}). Dort steht „keine Angabe“.")
        if rest:
            print(f"Übrig rechts: {len(rest)} (zum Beispiel {', '.join(rest[:5])}).")
    return out


def _join_hint(left: set[Any], right: set[Any]) -> str:
    if not left or not right:
        return "Eine der beiden Spalten ist leer."
    a, b = next(iter(sorted(map(str, left)))), next(iter(sorted(map(str, right))))
    example = f"Links steht zum Beispiel „{a}“, rechts „{b}“. "

    def bare(values: set[Any]) -> set[str]:
        return {str(v).strip().removesuffix(".0").lstrip("0") for v in values}

    def low(values: set[Any]) -> set[str]:
        return {str(v).strip().casefold() for v in values}

    if bare(left) & bare(right):
        return (
            example + "Es fehlen wohl führende Nullen, oder eine Seite ist Text und die andere Zahl. "
            "Machen Sie beide gleich, zum Beispiel: tabelle[\"nr\"].astype(str).str.zfill(3)."
        )
    if low(left) & low(right):
        return example + "Die Werte unterscheiden sich in Leerzeichen oder Großschreibung: .str.strip() hilft."
    return example + "Prüfen Sie, ob Sie die richtigen Spalten gewählt haben."


def count_points(
    areas: gpd.GeoDataFrame, places: gpd.GeoDataFrame, *, column: str = "anzahl", report: bool = True
) -> gpd.GeoDataFrame:
    """Count points in areas (spatial join); areas without points get 0, points outside are reported.

    A point on a shared border counts once, in the first area. The CRS of `places` is converted if needed.

    Raises:
        CrsError: One of the two has no CRS or a wrong one.
        GeometryError: Missing or invalid geometries.
    """
    for frame, need in ((areas, "polygon"), (places, "point")):
        check_crs(frame, region="deutschland")
        check_geometry(frame, need=need)
    shapes = areas[[areas.geometry.name]].reset_index(drop=True)
    found = places[[places.geometry.name]].to_crs(areas.crs).sjoin(shapes, predicate="intersects", how="inner")
    found = found[~found.index.duplicated()] if places.index.is_unique else found
    counts = found["index_right"].value_counts()
    out = areas.copy()
    out[column] = counts.reindex(range(len(areas)), fill_value=0).to_numpy()
    out.attrs["quellen"] = _merge_sources(areas, places)
    inside = int(out[column].sum())
    out.attrs["verknuepfung"] = {"punkte": len(places), "innen": inside, "aussen": len(places) - inside}
    if report:
        print(f"{inside} von {len(places)} Punkten liegen in einer Fläche, {len(places) - inside} außerhalb.")
        print(f"{int((out[column] == 0).sum())} von {len(out)} Flächen haben keinen Punkt.")
    return out


def to_points(
    table: pd.DataFrame, *, longitude: str, latitude: str, crs: str = "EPSG:4326", region: str | None = "nrw"
) -> gpd.GeoDataFrame:
    """Make points from two columns of numbers; rows without coordinates are refused, not guessed.

    Args:
        table: Any table.
        longitude: Column with longitude or easting (x).
        latitude: Column with latitude or northing (y).
        crs: CRS of the numbers.
        region: Where the points must lie ("nrw", "deutschland"); None checks nothing.

    Raises:
        ValueColumnError: A column is missing, is text (decimal comma), or has gaps.
        CrsError: Points outside the region, or longitude and latitude swapped.
    """
    import geopandas as gpd

    if not isinstance(table, pd.DataFrame):
        raise MapError("to_points braucht eine Tabelle, zum Beispiel aus pd.read_csv(…) oder load_dataset(…).")
    crs = known_crs(crs)
    for column in (longitude, latitude):
        if column not in table.columns:
            raise ValueColumnError(
                f"Die Spalte „{column}“ gibt es nicht. Vorhanden sind: {', '.join(map(str, table.columns))}."
            )
        values = one_column(table, column)
        if not pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
            raise ValueColumnError(number_hint(values))
        if values.isna().any():
            n = int(values.isna().sum())
            raise ValueColumnError(
                f"In der Spalte „{column}“ {'fehlt' if n == 1 else 'fehlen'} {n} von {len(values)} Werten. "
                f'Entfernen Sie diese Zeilen bewusst: tabelle.dropna(subset=["{longitude}", "{latitude}"]).'
            )
    out = gpd.GeoDataFrame(
        table.copy(), geometry=gpd.points_from_xy(table[longitude], table[latitude]), crs=crs
    )
    out.attrs = dict(table.attrs)
    if region is not None:
        check_crs(out, region)
    return out
