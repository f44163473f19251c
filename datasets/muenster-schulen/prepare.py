"""Schools in Münster: from Gauß-Krüger zone 3 to EPSG:4326."""

import sys
from pathlib import Path

import geopandas as gpd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from _prepare import Job, main

# EPSG:31467 written out with its seven Helmert parameters, so that the result does not depend on which
# transformation grids a machine has installed.
GAUSS_KRUEGER_3 = (
    "+proj=tmerc +lat_0=0 +lon_0=9 +k=1 +x_0=3500000 +y_0=0 +ellps=bessel "
    "+towgs84=598.1,73.7,418.2,0.202,0.045,-2.455,6.7 +units=m +no_defs"
)


def build(job: Job) -> None:
    """Make points, convert them and check that each school lies in a Stadtteil."""
    raw = job.read_csv("muenster/Schulen.csv", sep=";", encoding="utf-8-sig")
    name = raw["NAME"].str.replace(r"\s+", " ", regex=True).str.strip()
    frame = gpd.GeoDataFrame(
        {"schul_nr": raw["LFDNR"], "name": name, "schulform": raw["SchoolType"], "webseite": raw["URL"]},
        geometry=gpd.points_from_xy(raw["X"].astype(float), raw["Y"].astype(float)),
        crs=GAUSS_KRUEGER_3,
    ).to_crs("EPSG:4326")
    inside = len(frame.sjoin(job.extract("muenster-stadtteile")[["geometry"]], predicate="within"))
    job.changed(
        f"Koordinaten von {len(frame)} Schulen aus Gauß-Krüger, 3. Streifen (EPSG:31467), nach EPSG:4326 umgerechnet. "
        "Die Umrechnung nutzt sieben Parameter (Helmert). Sie ist auf etwa 3 Meter genau."
    )
    job.changed(f"Geprüft: {inside} von {len(frame)} Schulen liegen in einem Stadtteil von Münster.")
    job.changed(
        f"Spalten umbenannt. In {int((name != raw['NAME']).sum())} Namen doppelte Leerzeichen entfernt."
    )
    job.write_geojson(frame)


if __name__ == "__main__":
    main(__file__, build)
