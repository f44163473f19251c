"""Düsseldorf Stadtteile from OpenStreetMap (ODbL), for the lesson on licences."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from _prepare import Job, main


def build(job: Job) -> None:
    raw = job.read_geojson("duesseldorf/clickthathood_duesseldorf.geojson")
    raw["flaeche_km2"] = (raw.to_crs("EPSG:25832").area / 1e6).round(3)
    extract = raw.rename(columns={"name": "stadtteil"})[["stadtteil", "flaeche_km2", "geometry"]]
    job.changed(f"{len(extract)} Stadtteile übernommen und nach Name sortiert.")
    job.changed("Fläche in km² aus den Grenzen berechnet (EPSG:25832).")
    job.changed("Koordinaten auf 6 Nachkommastellen gerundet, technische Felder weggelassen.")
    job.write_geojson(extract.sort_values("stadtteil"))


if __name__ == "__main__":
    main(__file__, build)
