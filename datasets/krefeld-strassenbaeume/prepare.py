"""Trees that Krefeld planted in 2015, 2016 and 2017."""

import sys
from pathlib import Path

import geopandas as gpd
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from _prepare import Job, german, main

COLUMNS = {
    "OBJEKT_NR": "objekt_nr",
    "BAUMNUMMER": "baum_nr",
    "OBJEKTBEZ": "standort",
    "BAUMART": "baumart",
    "BOTANISCHER_NAME": "botanischer_name",
    "PFLANZJAHR": "pflanzjahr",
}


def build(job: Job) -> None:
    """Put the three years together; numbers of objects stay text."""
    years = [job.read_csv(f"krefeld/baeume_pflanzjahr_{year}.csv") for year in (2015, 2016, 2017)]
    raw = pd.concat(years, ignore_index=True)
    frame = gpd.GeoDataFrame(
        raw.rename(columns=COLUMNS)[list(COLUMNS.values())],
        geometry=gpd.points_from_xy(raw["lng"].astype(float), raw["lat"].astype(float)),
        crs="EPSG:4326",
    )
    parts = " + ".join(german(len(year)) for year in years)
    zeros = int(frame["objekt_nr"].str.startswith("0").sum())
    job.changed(f"Drei Dateien verbunden: {parts} = {german(len(frame))} Bäume.")
    job.changed(f"Die Objektnummer bleibt Text: {german(zeros)} Nummern beginnen mit einer Null.")
    job.changed(
        "Spalten umbenannt. Die Spalten icon und color weggelassen: Sie gehören zu einer Anwendung, nicht zu den Daten."
    )
    job.changed("Koordinaten auf 6 Stellen gerundet.")
    job.write_geojson(frame)


if __name__ == "__main__":
    main(__file__, build)
