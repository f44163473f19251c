"""Düsseldorf disabled parking: ten features of a WFS answer as points."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import geopandas as gpd
from _prepare import Job, main


def build(job: Job) -> None:
    answer = job.read_json("duesseldorf/api_disabled_parkings.json")
    raw = gpd.GeoDataFrame.from_features(answer["features"], crs="EPSG:4326")
    raw["kennung"] = [feature["id"].split(".", 1)[1] for feature in answer["features"]]
    raw["stellplaetze"] = raw["anzahl"].str.extract(r"^(\d+) Stellpl", expand=False).astype(int)
    stripped = int((raw["adresse"] != raw["adresse"].str.strip()).sum())
    raw["adresse"] = raw["adresse"].str.strip()
    raw = raw.rename(columns={"_last_update": "stand"})
    job.changed(f"{len(raw)} Einträge übernommen (mehr enthielt die Antwort nicht).")
    job.changed("Zahl der Stellplätze aus dem Text gelesen, zum Beispiel 4 aus „4 Stellplätze“.")
    job.changed(f"Leerzeichen am Ende von {stripped} Adressen entfernt; zwei technische Felder weggelassen.")
    names = [field["name"] for field in job.package["resources"][0]["schema"]["fields"]]
    job.write_geojson(raw[[*names, "geometry"]])


if __name__ == "__main__":
    main(__file__, build)
