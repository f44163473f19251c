"""Schools in Krefeld, without telephone and fax numbers."""

import sys
from pathlib import Path

import geopandas as gpd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from _prepare import Job, main


def build(job: Job) -> None:
    """Choose the columns and say which points are branches."""
    raw = job.read_geojson("krefeld/schools.json")
    kind = raw["title"].map(
        lambda title: (
            "Nebengebäude"
            if "(Nebengebäude" in title
            else "Teilstandort"
            if "(Teilstandort" in title
            else "Hauptstandort"
        )
    )
    frame = gpd.GeoDataFrame(
        {
            "nr": [f"{i:03d}" for i in range(1, len(raw) + 1)],
            "name": raw["title"],
            "beschreibung": raw["description"],
            "standortart": kind,
            "strasse": raw["street"],
            "plz": raw["zip"].astype(str),
            "webseite": raw["web"],
        },
        geometry=raw.geometry,
        crs=raw.crs,
    )
    job.changed(
        f"{len(frame)} Standorte übernommen, Spalten ausgewählt und umbenannt, laufende Nummer ergänzt."
    )
    job.changed("Spalten mit Telefon, Fax und E-Mail weggelassen. Die Postleitzahl ist jetzt Text.")
    counts = kind.value_counts()
    job.changed(
        f"Spalte standortart aus dem Namen abgeleitet: {counts['Teilstandort']} Teilstandorte, {counts['Nebengebäude']} Nebengebäude."
    )
    job.write_geojson(frame)


if __name__ == "__main__":
    main(__file__, build)
