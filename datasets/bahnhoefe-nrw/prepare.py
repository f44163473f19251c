"""Stations inside the Kreise of NRW, with the Kreis they lie in."""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import geopandas as gpd
import pandas as pd
from _prepare import Job, german, main


def build(job: Job) -> None:
    lines = job.raw("deutschland/db_stationen.ndjson").read_text("utf-8").splitlines()
    stations = [json.loads(line) for line in lines if line]
    table = pd.DataFrame(
        {
            "eva_nr": [s["id"] for s in stations],
            "bahnhof": [s["name"] for s in stations],
            "ril100": [s.get("ril100") for s in stations],
            "aufgabentraeger": [(s.get("operator") or {}).get("name") for s in stations],
            "strasse": [(s.get("address") or {}).get("street") for s in stations],
            "plz": [(s.get("address") or {}).get("zipcode") for s in stations],
            "ort": [(s.get("address") or {}).get("city") for s in stations],
        }
    )
    points = gpd.points_from_xy(
        [s["location"]["longitude"] for s in stations], [s["location"]["latitude"] for s in stations]
    )
    frame = gpd.GeoDataFrame(table, geometry=points, crs="EPSG:4326")
    areas = job.extract("nrw-kreise")[["kreis_ars", "kreis", "geometry"]]
    inside = gpd.sjoin(frame, areas, predicate="within").drop(columns="index_right")
    in_city = int((inside["kreis_ars"] == "05111").sum())
    job.changed(
        f"{len(inside)} von {german(len(frame))} Stationen ausgewählt: Der Punkt liegt in Nordrhein-Westfalen."
    )
    job.changed(
        f"Schlüssel und Name des Kreises ergänzt (räumlich bestimmt; {in_city} Stationen in Düsseldorf)."
    )
    job.changed("Spalten ausgewählt und umbenannt, Koordinaten auf 6 Nachkommastellen gerundet.")
    job.package["joins"][0].update(matched=inside["kreis_ars"].nunique(), of=len(areas))
    names = [field["name"] for field in job.package["resources"][0]["schema"]["fields"]]
    job.write_geojson(inside[[*names, "geometry"]].sort_values("eva_nr"))


if __name__ == "__main__":
    main(__file__, build)
