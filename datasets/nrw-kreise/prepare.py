"""Kreise in NRW: simplified polygons joined with area and population by the five-digit key."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from _prepare import Job, main

COLUMNS = {
    "AGS": "kreis_ars",
    "NUTS3": "nuts3",
    "population": "einwohner",
    "population_male": "einwohner_maennlich",
    "population_female": "einwohner_weiblich",
    "area_km2": "flaeche_km2",
    "population_per_km2": "einwohner_je_km2",
}


def build(job: Job) -> None:
    polygons = job.read_geojson("nrw/nrw-kreise.geojson")
    polygons = polygons.rename(columns={"ARS": "kreis_ars", "GEN": "kreis", "BEZ": "art"})
    figures = job.read_csv("deutschland/districts.csv", sep=";").rename(columns=COLUMNS)
    extract = polygons.merge(figures[list(COLUMNS.values())], on="kreis_ars", validate="1:1")
    job.changed(f"{len(extract)} von {len(polygons)} Grenzen über den Schlüssel mit den Zahlen verbunden.")
    job.changed("Aus der Tabelle mit 401 Kreisen nur Nordrhein-Westfalen übernommen.")
    job.changed("Spalten umbenannt, Koordinaten auf 6 Nachkommastellen gerundet, Spalte BEM weggelassen.")
    names = [field["name"] for field in job.package["resources"][0]["schema"]["fields"]]
    job.write_geojson(extract[[*names, "geometry"]].sort_values("kreis_ars"))


if __name__ == "__main__":
    main(__file__, build)
