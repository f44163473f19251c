"""Stadtteile (statistical districts) of Münster."""

import sys
from pathlib import Path

import geopandas as gpd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from _prepare import Job, main


def build(job: Job) -> None:
    """Rename the columns; keys stay text."""
    raw = job.read_geojson("muenster/stadtteile-statistische-bezirke-muenster.geojson")
    district = raw["STADTBEZIR"].str.extract(r"^(?P<nr>\d) (?P<name>.+)$")
    frame = gpd.GeoDataFrame(
        {
            "stadtteil_nr": raw["NR_STATIST"],
            "stadtteil": raw["NAME_STATI"],
            "stadtbezirk_nr": district["nr"],
            "stadtbezirk": district["name"],
            "flaeche_km2": (raw["SHAPE_AREA"] / 1e6).round(3),
            "stand": raw["STAND"].str.replace("/", "-", regex=False),
        },
        geometry=raw.geometry,
        crs=raw.crs,
    )
    frame = frame.sort_values("stadtteil_nr").reset_index(drop=True)
    job.changed(f"{len(frame)} Flächen übernommen, nach Nummer sortiert, Koordinaten auf 6 Stellen gerundet.")
    job.changed(
        "Spalten umbenannt; STADTBEZIR („2 Innenstadtring“) in Nummer und Name geteilt; Fläche in km² mit 3 Stellen."
    )
    job.changed(
        "Datum „2022/01/03“ als ISO-Datum geschrieben. OBJECTID, STATIST_BE und SHAPE_LEN weggelassen."
    )
    job.write_geojson(frame)


if __name__ == "__main__":
    main(__file__, build)
