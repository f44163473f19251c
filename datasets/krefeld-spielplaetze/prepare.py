"""Playgrounds in Krefeld."""

import sys
from pathlib import Path

import geopandas as gpd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from _prepare import Job, main


def build(job: Job) -> None:
    """Choose the columns and derive three yes-or-no characteristics from the description."""
    raw = job.read_geojson("krefeld/playgrounds.json")
    name = raw["title"].str.removesuffix(" (Spielplatz)")
    text = raw["description"].fillna("")
    yes_no = {True: "ja", False: "nein"}
    frame = gpd.GeoDataFrame(
        {
            "nr": [f"{i:03d}" for i in range(1, len(raw) + 1)],
            "name": name,
            "strasse": raw["street"],
            "plz": raw["zip"].astype(str),
            "beschreibung": text,
            "bolzplatz": (text + " " + raw["title"]).str.contains("Bolz").map(yes_no),
            "basketball": text.str.contains("Basketball").map(yes_no),
            "eingeschraenkt": text.str.contains("eingeschränkten Öffnungszeiten").map(yes_no),
        },
        geometry=raw.geometry,
        crs=raw.crs,
    )
    job.changed(
        f"{len(frame)} Spielplätze übernommen, Spalten ausgewählt und umbenannt, laufende Nummer ergänzt."
    )
    job.changed(f"Den Zusatz „(Spielplatz)“ in {int((name != raw['title']).sum())} Namen entfernt.")
    job.changed("Spalten mit Telefon, Fax und E-Mail weggelassen, ebenso die Internetseite.")
    job.changed("Die Postleitzahl ist jetzt Text. Drei Spalten aus Name und Beschreibung abgeleitet.")
    job.write_geojson(frame)


if __name__ == "__main__":
    main(__file__, build)
