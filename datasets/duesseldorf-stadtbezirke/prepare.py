"""Düsseldorf Stadtbezirke: polygons with text keys; the city's list of Stadtteile keeps its typos."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from _prepare import Job, main


def build(job: Job) -> None:
    raw = job.read_geojson("duesseldorf/Stadtbezirke_WGS84_4326.geojson")
    raw["stadtbezirk_nr"] = raw["STADTBEZIRK"].map("{:02d}".format)
    raw["stadtbezirk"] = raw["STADTBEZIRK"].map("Stadtbezirk {}".format)
    raw["flaeche_km2"] = (raw.to_crs("EPSG:25832").area / 1e6).round(3)
    extract = raw.rename(columns={"STADTTEILE": "stadtteile_original"})
    extract = extract[["stadtbezirk_nr", "stadtbezirk", "stadtteile_original", "flaeche_km2", "geometry"]]
    job.changed(f"{len(extract)} Stadtbezirke übernommen und nach Nummer sortiert.")
    job.changed("Nummern als Text mit führender Null, zum Beispiel „05“ statt 5. Spalten umbenannt.")
    job.changed("Spalte OBJEKT weggelassen: Sie enthält in jeder Zeile denselben Wert.")
    job.changed("Fläche in km² aus den Grenzen berechnet (EPSG:25832).")
    job.changed("Koordinaten auf 6 Nachkommastellen gerundet (etwa 10 cm).")
    job.write_geojson(extract.sort_values("stadtbezirk_nr"))


if __name__ == "__main__":
    main(__file__, build)
