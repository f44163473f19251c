"""Delivery for exercises: Stadtteile of Cologne in the city's own projection, without EPSG code."""

import json
import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from _prepare import Job, main


def build(job: Job) -> None:
    """Write the projected metres into a GeoJSON that says nothing about its CRS."""
    paths = {suffix: job.raw(f"koeln/Stadtteil.{suffix}") for suffix in ("shp", "dbf", "prj", "shx")}
    raw = gpd.read_file(paths["shp"]).sort_values("STT_NR")
    invalid = raw.loc[~raw.geometry.is_valid, "STT_NR"].tolist()
    if invalid != ["202"]:
        raise ValueError(f"invalid geometries: {invalid}")
    lines = []
    for number, name, geometry in zip(raw["STT_NR"], raw["STT_NAME"], raw.geometry, strict=True):
        rounded = shapely.transform(geometry, lambda xy: np.round(xy, 2))
        feature = {
            "type": "Feature",
            "properties": {"STT_NR": number, "STT_NAME": name},
            "geometry": shapely.geometry.mapping(rounded),
        }
        lines.append(json.dumps(feature, ensure_ascii=False, separators=(",", ":")))
    text = '{"type":"FeatureCollection","features":[\n' + ",\n".join(lines) + "\n]}\n"
    job.changed(
        f"{len(lines)} Flächen aus der Shape-Datei in GeoJSON umgewandelt, mit den Metern der Quelle, auf Zentimeter gerundet."
    )
    job.changed("Die Angabe des Koordinatensystems weggelassen. Die übrigen Spalten weggelassen.")
    job.write_bytes(text.encode(), rows=len(lines))


if __name__ == "__main__":
    main(__file__, build)
