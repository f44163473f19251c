"""Barrier-free bus stops in Münster."""

import sys
from pathlib import Path

import geopandas as gpd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from _prepare import Job, main


def build(job: Job) -> None:
    """Make points and say in one word whether the stop is barrier-free in full or in part."""
    raw = job.read_csv("muenster/haltestellen_barrierefrei.csv", sep=";")
    partly = raw["Info"].str.contains("eingeschränkt barrierefrei")
    if (partly != (raw["Info"] != "")).any():
        raise ValueError("a note says something else than partly barrier-free")
    frame = gpd.GeoDataFrame(
        {
            "haltestelle_nr": raw["ID"],
            "name": raw["Title"].str.strip(),
            "barrierefreiheit": partly.map({True: "eingeschränkt", False: "barrierefrei"}),
            "hinweis": raw["Info"],
        },
        geometry=gpd.points_from_xy(raw["Longitude"].astype(float), raw["Latitude"].astype(float)),
        crs="EPSG:4326",
    )
    job.changed(f"{len(frame)} Haltestellen als Punkte übernommen, Spalten umbenannt.")
    job.changed(
        f"Spalte barrierefreiheit ergänzt: „eingeschränkt“ bei {int(partly.sum())} Haltestellen mit Hinweis, "
        f"„barrierefrei“ bei {int((~partly).sum())} ohne Hinweis."
    )
    job.write_geojson(frame)


if __name__ == "__main__":
    main(__file__, build)
