"""Helpers for every `prepare.py`: checked raw files in, deterministic extracts and figures out.

A `prepare.py` looks like this::

    import sys
    from pathlib import Path

    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from _prepare import Job, main

    def build(job: Job) -> None:
        raw = job.read_geojson("stadt/datei.geojson", crs="EPSG:4326")
        extract = raw.rename(columns={"Name": "stadtteil"})
        job.changed(f"{len(extract)} Flächen übernommen, Spalten umbenannt.")
        job.write_geojson(extract)

    if __name__ == "__main__":
        main(__file__, build)

`python prepare.py --raw DIR` writes the extract and fills `bytes`, `hash`, `rows`, `spatial.bbox`, the
raw checksums and `changes` into datapackage.json. `--out DIR` writes into another folder instead (tests).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

DECIMALS = 6
EMAIL = re.compile(r"[\w.+-]+\s*(?:@|\(at\)|\[at\])\s*[\w-]+(?:\.[\w-]+)+", re.IGNORECASE)


class RawFileError(Exception):
    """A raw file is missing or is not the one that the datapackage describes."""


def sha256(data: bytes) -> str:
    """Return the hexadecimal SHA-256 of data."""
    return hashlib.sha256(data).hexdigest()


def german(number: float, digits: int = 0) -> str:
    """Return a number the German way, `1.234,5`."""
    return f"{number:,.{digits}f}".translate(str.maketrans(",.", ".,"))


def remove_emails(values: pd.Series, replacement: str = "[E-Mail entfernt]") -> tuple[pd.Series, int]:
    """Return the texts without e-mail addresses, and how many addresses were removed."""
    count = int(values.fillna("").map(lambda text: len(EMAIL.findall(text))).sum())
    return values.map(lambda text: EMAIL.sub(replacement, text) if isinstance(text, str) else text), count


def strip_html(text: str) -> str:
    """Return text without tags and entities; block ends and list items become spaces or semicolons."""
    import html

    text = re.sub(r"(?is)<(script|style).*?</\1>", " ", text)
    text = re.sub(r"(?i)</li>\s*(?=<li)", "; ", text)
    text = re.sub(r"<[^>]*>", " ", text)
    return re.sub(r"\s+", " ", html.unescape(text)).replace(" ;", ";").strip()


def workbook_bytes(book: Any) -> bytes:
    """Return an openpyxl workbook as bytes that depend on its content only (fixed times, no compression)."""
    import io
    import zipfile

    raw, out = io.BytesIO(), io.BytesIO()
    book.properties.creator = "Open-Data-Kurs"
    book.save(raw)
    with zipfile.ZipFile(raw) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as new:
        for name in sorted(old.namelist(), key=lambda n: (n != "[Content_Types].xml", n)):
            data = old.read(name)
            if name == "docProps/core.xml":
                data = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", b"2019-10-01T00:00:00Z", data)
            if name == "docProps/app.xml":
                data = re.sub(rb"<AppVersion>.*?</AppVersion>", b"", data)
            new.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data)
    return out.getvalue()


def _polygonal(geometry: BaseGeometry) -> BaseGeometry:
    """Keep only the polygons that make_valid may have mixed with lines and points."""
    if geometry.geom_type != "GeometryCollection":
        return geometry
    return shapely.union_all([p for p in geometry.geoms if p.geom_type in ("Polygon", "MultiPolygon")])


def clean_geometry(geometry: BaseGeometry, decimals: int = DECIMALS) -> BaseGeometry:
    """Return geometry rounded, valid and with rings in the direction that RFC 7946 asks for."""
    areal = geometry.geom_type in ("Polygon", "MultiPolygon")
    for _ in range(5):
        geometry = shapely.transform(geometry, lambda xy: np.round(xy, decimals))
        if not areal:
            return geometry
        geometry = shapely.remove_repeated_points(geometry) if geometry.is_valid else geometry
        if geometry.is_valid:
            return shapely.orient_polygons(geometry, exterior_cw=False)
        geometry = _polygonal(shapely.make_valid(geometry))
    raise ValueError("geometry stays invalid after rounding")


def _plain(value: Any) -> Any:
    """Turn one cell into what JSON can hold; missing becomes null."""
    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return None
    return value.item() if isinstance(value, np.generic) else value


class Job:
    """One dataset in the making: its folder, the raw files and what is written."""

    def __init__(self, folder: Path, raw: Path, out: Path | None = None):
        """Read the datapackage of folder; raw files come from raw, results go to out (default: folder)."""
        self.folder, self._raw, self.out = folder, raw, out or folder
        self.package: dict = json.loads((folder / "datapackage.json").read_text("utf-8"))
        self.changes: list[str] = []
        self.out.mkdir(parents=True, exist_ok=True)

    # reading ---------------------------------------------------------------------------------

    def raw(self, file: str) -> Path:
        """Return the path of a raw file whose checksum is the one in `sources` (filled in when absent)."""
        source = next((s for s in self.package["sources"] if s.get("file") == file), None)
        if source is None:
            raise RawFileError(f"{file} is not listed in sources of {self.folder.name}")
        path = self._raw / file
        if not path.is_file():
            raise RawFileError(f"raw file is missing: {file}")
        data = path.read_bytes()
        found = sha256(data)
        if source.setdefault("sha256", found) != found:
            raise RawFileError(f"raw file {file} has another checksum than the datapackage says: {found}")
        source["bytes"] = len(data)
        return path

    def read_csv(self, file: str, **options: Any) -> pd.DataFrame:
        """Read a raw CSV as text (no guessing of types, empty cells stay empty texts)."""
        return pd.read_csv(self.raw(file), **{"dtype": str, "keep_default_na": False, **options})

    def read_json(self, file: str) -> Any:
        """Read a raw JSON file."""
        return json.loads(self.raw(file).read_text("utf-8-sig"))

    def read_geojson(self, file: str, crs: str = "EPSG:4326") -> gpd.GeoDataFrame:
        """Read a raw GeoJSON file without pyogrio."""
        return gpd.GeoDataFrame.from_features(self.read_json(file)["features"], crs=crs)

    def extract(self, slug: str) -> pd.DataFrame | gpd.GeoDataFrame:
        """Read another dataset of the project (its finished extract), for joins and keys."""
        folder = self.folder.parent / slug
        resource = json.loads((folder / "datapackage.json").read_text("utf-8"))["resources"][0]
        path = folder / resource["path"]
        if resource["format"] == "geojson":
            features = json.loads(path.read_text("utf-8"))["features"]
            return gpd.GeoDataFrame.from_features(features, crs="EPSG:4326")
        text = {f["name"]: str for f in resource["schema"]["fields"] if f["type"] == "string"}
        return pd.read_csv(path, dtype=text, keep_default_na=False, na_values=[""])

    # writing ---------------------------------------------------------------------------------

    def changed(self, sentence: str) -> None:
        """Note one change (German sentence, with the count that was computed)."""
        self.changes.append(sentence)

    def _typed(self, frame: pd.DataFrame, resource: dict) -> pd.DataFrame:
        fields = resource["schema"]["fields"]
        names = [f["name"] for f in fields]
        columns = [c for c in frame.columns if c != "geometry"]
        if columns != names:
            raise ValueError(f"columns {columns} differ from the schema {names}")
        typed = pd.DataFrame(index=frame.index)
        for field in fields:
            values = frame[field["name"]]
            match field["type"]:
                case "integer":
                    values = pd.to_numeric(values.replace("", None)).astype("Int64")
                case "number":
                    values = pd.to_numeric(values.replace("", None)).astype("float64")
                case "date" if pd.api.types.is_datetime64_any_dtype(values):
                    values = values.dt.strftime("%Y-%m-%d")
                case "datetime" if pd.api.types.is_datetime64_any_dtype(values):
                    values = values.dt.strftime("%Y-%m-%dT%H:%M:%S")
                case "string":
                    values = values.map(lambda v: _plain(v) or None)
            # A list, not map(): pandas would turn None in texts into NaN, which is no JSON.
            typed[field["name"]] = pd.Series([_plain(v) for v in values], index=frame.index, dtype=object)
        return typed

    def write_bytes(self, data: bytes, resource: int = 0, rows: int | None = None) -> None:
        """Write a resource as it is and note size and checksum; rows is for tables."""
        entry = self.package["resources"][resource]
        (self.out / entry["path"]).write_bytes(data)
        entry["bytes"], entry["hash"] = len(data), f"sha256:{sha256(data)}"
        if rows is not None:
            entry["rows"] = rows

    def write_csv(self, frame: pd.DataFrame, resource: int = 0) -> None:
        """Write a table: comma, UTF-8, LF, point as decimal sign; columns as in the schema."""
        typed = self._typed(frame, self.package["resources"][resource])
        text = typed.to_csv(index=False, lineterminator="\n")
        self.write_bytes(text.encode(), resource, rows=len(typed))

    def write_geojson(self, frame: gpd.GeoDataFrame, resource: int = 0) -> None:
        """Write features in EPSG:4326, 6 decimals, one per line; repairs are counted into `changes`."""
        if frame.crs is None:
            raise ValueError("the frame has no CRS")
        frame = frame.to_crs("EPSG:4326") if frame.crs.to_epsg() != 4326 else frame
        typed = self._typed(frame, self.package["resources"][resource])
        invalid = int((~frame.geometry.is_valid).sum())
        geometries = [clean_geometry(g) for g in frame.geometry]
        if invalid:
            self.changed(f"{invalid} ungültige Geometrien repariert (zum Beispiel sich schneidende Ränder).")
        lines = [
            json.dumps(
                {"type": "Feature", "properties": properties, "geometry": shapely.geometry.mapping(geometry)},
                ensure_ascii=False,
                allow_nan=False,
                separators=(",", ":"),
            )
            for properties, geometry in zip(typed.to_dict("records"), geometries, strict=True)
        ]
        text = '{"type":"FeatureCollection","features":[\n' + ",\n".join(lines) + "\n]}\n"
        self.write_bytes(text.encode(), resource, rows=len(lines))
        if resource == 0:
            west, south, east, north = shapely.total_bounds(geometries)
            self.package["spatial"]["bbox"] = [
                math.floor(west * 1e4) / 1e4,
                math.floor(south * 1e4) / 1e4,
                math.ceil(east * 1e4) / 1e4,
                math.ceil(north * 1e4) / 1e4,
            ]

    def write_json(self, value: Any, resource: int) -> None:
        """Write a JSON document (indented) as an additional resource."""
        self.write_bytes((json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode(), resource)

    def finish(self) -> None:
        """Write datapackage.json with the figures of this run."""
        if self.changes:
            self.package["changes"] = self.changes
        text = json.dumps(self.package, ensure_ascii=False, indent=2) + "\n"
        (self.out / "datapackage.json").write_bytes(text.encode())


def main(script: str, build: Callable[[Job], None], argv: list[str] | None = None) -> None:
    """Run build for the folder of script with `--raw DIR` and optional `--out DIR`."""
    parser = argparse.ArgumentParser(description="Extrakt aus den Rohdaten neu erzeugen.")
    parser.add_argument("--raw", type=Path, required=True, help="Ordner mit den Rohdaten (Portal-Download)")
    parser.add_argument("--out", type=Path, help="anderer Zielordner")
    args = parser.parse_args(argv)
    job = Job(Path(script).resolve().parent, args.raw, args.out)
    build(job)
    job.finish()
    for entry in job.package["resources"]:
        print(f"{entry['path']}: {entry.get('rows', '-')} Zeilen, {entry['bytes']} Bytes")
