"""Düsseldorf car parks: ten records of an API answer as points, and the shape of the answer."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import geopandas as gpd
import pandas as pd
from _prepare import Job, main

DROPPED = ("altitude", "geometry")


def build(job: Job) -> None:
    answer = job.read_json("duesseldorf/api_garages.json")
    raw = pd.DataFrame(answer["result"]["records"])
    place = raw["ort"].str.extract(r"^(?P<plz>\d{5}) (?P<ort>\S+) ?(?P<stadtteil>.*)$")
    table = pd.DataFrame({"satz_nr": raw["entry_id"].astype(int), "parkhaus": raw["name"]})
    table["zufahrt"] = raw["adresse_zufahrt"]
    table = table.join(place)
    points = gpd.points_from_xy(raw["longitude"].astype(float), raw["latitude"].astype(float))
    extract = gpd.GeoDataFrame(table, geometry=points, crs="EPSG:4326")
    elsewhere = gpd.sjoin(extract, job.extract("duesseldorf-stadtteile"), predicate="within", rsuffix="lage")
    other = int((elsewhere["stadtteil_left"] != elsewhere["stadtteil_lage"]).sum())
    total = answer["result"]["total"]
    job.changed(f"{len(extract)} von {total} Einträgen übernommen (mehr enthielt die Antwort nicht).")
    job.changed("Länge und Breite von Text in Zahlen umgewandelt und als Punkt gespeichert.")
    job.changed("Feld `ort` in Postleitzahl, Ort und Stadtteil zerlegt; Höhe und Geometrie-Wort weggelassen.")
    job.changed(f"Lage geprüft: {other} Punkte liegen in einem anderen Stadtteil, als der Text sagt.")
    job.write_geojson(extract)
    result = answer["result"]
    reduced = {
        "help": "Verkürzte Antwort im Aufbau der Schnittstelle. Zwei Felder je Eintrag fehlen.",
        "success": answer["success"],
        "result": {
            "fields": [field for field in result["fields"] if field["id"] not in DROPPED],
            "resource_id": result["resource_id"],
            "limit": result["limit"],
            "total": total,
            "records": [{k: v for k, v in r.items() if k not in DROPPED} for r in result["records"]],
        },
    }
    job.write_json(reduced, 1)


if __name__ == "__main__":
    main(__file__, build)
