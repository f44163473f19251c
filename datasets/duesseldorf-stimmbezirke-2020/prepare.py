"""Düsseldorf polling districts of 2020: polygons with a computed area."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from _prepare import Job, main


def build(job: Job) -> None:
    raw = job.read_geojson("duesseldorf/Stimmbezirke2020_neu_WGS84_EPSG4326.geojson")
    raw["flaeche_km2"] = (raw.to_crs("EPSG:25832").area / 1e6).round(3)
    extract = raw.rename(columns={"Stimmbezchar": "stimmbezirk_nr"})
    job.changed(f"{len(extract)} Stimmbezirke übernommen und nach Nummer sortiert.")
    job.changed("Fläche in km² aus den Grenzen berechnet (EPSG:25832).")
    job.changed("Koordinaten auf 6 Nachkommastellen gerundet (etwa 10 cm).")
    job.write_geojson(extract[["stimmbezirk_nr", "flaeche_km2", "geometry"]].sort_values("stimmbezirk_nr"))


if __name__ == "__main__":
    main(__file__, build)
