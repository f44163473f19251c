"""Read an own file for a map: a table with coordinates, GeoJSON, a saved WFS answer (GML) and other vector files."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from .errors import CrsError, GeometryError, MapError, ValueColumnError
from .geometry import check_crs, known_crs, to_points

if TYPE_CHECKING:
    import geopandas as gpd

_TABLES = (".csv", ".tsv", ".txt", ".xlsx")
_THOUSANDS = r"-?\d{1,3}(?:\.\d{3})+(?:,\d+)?"
_NUMBER = r"-?(?:0|[1-9]\d*)(?:[.,]\d+)?"


def read_geodata(
    path: str | Path, *, longitude: str | None = None, latitude: str | None = None, crs: Any = None, region: str | None = "nrw"
) -> gpd.GeoDataFrame:
    """Read a table with coordinates (CSV, XLSX), GeoJSON, a saved WFS answer or another vector file.

    Tables may use comma, semicolon or tabulator, decimal point or decimal comma, and UTF-8 or the older German character
    sets. Columns of numbers become numbers; keys with leading zeros stay text.

    Args:
        path: The file.
        longitude, latitude: Columns of a table with the coordinates (x and y); None finds them by their usual names.
        crs: CRS of the coordinates; None takes what the file says, for tables what the numbers look like.
        region: Where the data must lie ("nrw", "deutschland"); None checks nothing.

    Returns:
        One row per place or area, in the file's own CRS.

    Raises:
        MapError: The file is missing, empty or of another kind (an error message of a service, a web page).
        CrsError: No CRS, or coordinates outside the region.
        GeometryError: The file holds no geometry.
        ValueColumnError: A table without columns of coordinates, or with gaps in them.
    """
    if not isinstance(path, str | Path) or not str(path).strip():
        raise MapError('Der Name Ihrer Datei fehlt. Schreiben Sie ihn in geraden Anführungszeichen, zum Beispiel "orte.csv".')
    path = Path(path)
    if not path.is_file():
        raise MapError(f"Die Datei „{path.name}“ gibt es nicht. Prüfen Sie den Namen. Sie muss neben diesem Notebook liegen.")
    start = path.read_bytes()[:4000]
    if not start.strip():
        raise MapError(f"Die Datei „{path.name}“ ist leer. Speichern Sie sie noch einmal.")
    if b"ExceptionReport" in start or b"ServiceException" in start:
        raise MapError(f"In „{path.name}“ steht eine Fehlermeldung des Dienstes, keine Daten. Prüfen Sie die Adresse der Abfrage.")
    if re.match(rb"\s*<(?:!doctype\s+)?html", start, re.IGNORECASE):
        raise MapError(f"„{path.name}“ ist eine Webseite, keine Datei mit Daten. Suchen Sie im Portal nach „Herunterladen“.")
    out = _table(path, longitude, latitude, crs) if path.suffix.lower() in _TABLES else _vector(path, crs)
    check_crs(out, region)
    return out


def _vector(path: Path, crs: Any) -> gpd.GeoDataFrame:
    import geopandas as gpd

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # GDAL would leave a .gfs file beside a GML file
            out = gpd.read_file(path, **({"WRITE_GFS": "NO"} if path.suffix.lower() in (".gml", ".xml") else {}))
    except Exception:  # pyogrio and fiona raise their own kinds
        raise MapError(
            f"Die Datei „{path.name}“ lässt sich nicht als Geodatei lesen. Es gehen CSV, XLSX, GeoJSON, GML, GeoPackage und "
            "gezippte Shapefiles."
        ) from None
    if not isinstance(out, gpd.GeoDataFrame) or out.geometry.isna().all():
        raise GeometryError(f"Die Datei „{path.name}“ enthält keine Orte und keine Flächen. Ohne sie gibt es keine Karte.")
    if crs is not None:
        out = out.set_crs(known_crs(crs), allow_override=True)
    if set(out.geom_type.dropna()) <= {"Point", "MultiPoint"}:  # a WFS often wraps each point
        out = out.explode(ignore_index=True)
    return out


def _table(path: Path, longitude: str | None, latitude: str | None, crs: Any) -> gpd.GeoDataFrame:
    from opendata_kurs.publishing import geodata, grid, read_table

    try:
        text = read_table(path)
    except grid.UnreadableError as error:
        raise MapError(f"Die Datei „{path.name}“ lässt sich nicht lesen: {error}") from None
    if text.empty:
        raise MapError(f"Die Datei „{path.name}“ hat keine Zeilen mit Daten. Speichern Sie sie noch einmal.")
    found = next(geodata.coordinate_columns(text.columns), None)
    longitude, latitude = longitude or (found and found[0]), latitude or (found and found[1])
    if longitude is None or latitude is None:
        raise ValueColumnError(
            f"In „{path.name}“ fehlen Spalten mit Koordinaten. Nennen Sie sie „laenge“ und „breite“. "
            f"Vorhanden sind: {', '.join(map(str, text.columns))}."
        )
    comma = any(text[c].str.contains(",").any() for c in (longitude, latitude) if c in text)
    out = text.apply(_as_numbers, german=comma).reset_index(drop=True)
    return to_points(out, longitude=longitude, latitude=latitude, crs=crs or _guessed_crs(out, longitude, latitude), region=None)


def _as_numbers(column: pd.Series, german: bool) -> pd.Series:
    """Numbers from text where every filled cell is one; with decimal commas in the file, a dot groups thousands."""
    cells = column.str.strip()
    present = cells[cells != ""]
    grouped = german and present.str.fullmatch(_THOUSANDS).any()
    if present.empty or not present.str.fullmatch(f"{_THOUSANDS}|{_NUMBER}" if grouped else _NUMBER).all():
        return column.where(cells != "", None)
    if grouped:
        cells = cells.str.replace(".", "", regex=False)
    return pd.to_numeric(cells.str.replace(",", ".", regex=False).replace("", None))


def _guessed_crs(table: pd.DataFrame, longitude: str, latitude: str) -> str:
    from opendata_kurs.publishing.geodata import guess_crs

    if not all(c in table and pd.api.types.is_numeric_dtype(table[c]) for c in (longitude, latitude)):
        return "EPSG:4326"  # to_points says what is wrong
    x, y = float(table[longitude].median()), float(table[latitude].median())
    if abs(x) <= 360 and abs(y) <= 360:
        return "EPSG:4326"
    code, sentence = guess_crs(x, y)
    if code is None:
        raise CrsError(
            f"Das Koordinatensystem der Spalten „{longitude}“ und „{latitude}“ ist nicht erkennbar. {sentence} "
            'Nennen Sie es: read_geodata(…, crs="EPSG:…"). Den Code nennt die Beschreibung der Daten.'
        )
    return code
