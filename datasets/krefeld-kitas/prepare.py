"""Day nurseries in Krefeld, without telephone numbers and mail addresses."""

import sys
from pathlib import Path

import geopandas as gpd
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from _prepare import Job, main

FROM_MONTH = {"Kinder ab 4 Monate": 4, "Kinder ab 2 Jahre": 24, "Kinder ab 3 Jahre": 36}


def squeeze(values: pd.Series) -> pd.Series:
    """Return texts without line breaks, doubled blanks and blanks at the ends."""
    return values.fillna("").str.replace(r"\s+", " ", regex=True).str.strip()


def build(job: Job) -> None:
    """Choose the columns about the institution, derive three characteristics."""
    raw = job.read_geojson("krefeld/kindergartens.json")
    groups = raw["cat2"].map(lambda value: value if isinstance(value, list) else [value])
    centre = (raw["title"] + " " + raw["description"].fillna("")).str.contains("Familienzentrum")
    texts = {
        "name": raw["title"],
        "strasse": raw["street"],
        "plz": raw["zip"],
        "stadtbezirk": raw["cat1"],
        "ortsteil": raw["region"],
        "traegerart": raw["cat3"],
        "traeger": raw["text5"],
        "oeffnungszeiten": raw["text2"],
    }
    clean = {name: squeeze(values) for name, values in texts.items()}
    touched = sum((clean[name] != values.fillna("")).astype(int) for name, values in texts.items())
    yes_no = {True: "ja", False: "nein"}
    frame = gpd.GeoDataFrame(
        {
            "nr": [f"{i:03d}" for i in range(1, len(raw) + 1)],
            **{name: clean[name] for name in ("name", "strasse", "plz", "stadtbezirk", "ortsteil")},
            "ab_monaten": groups.map(lambda group: FROM_MONTH[group[0]]),
            "integrativ": groups.map(lambda group: yes_no["integrativ" in group]),
            "familienzentrum": centre.map(yes_no),
            **{name: clean[name] for name in ("traegerart", "traeger", "oeffnungszeiten")},
        },
        geometry=raw.geometry,
        crs=raw.crs,
    )
    job.changed(
        f"{len(frame)} Einrichtungen übernommen, Spalten ausgewählt und umbenannt, laufende Nummer ergänzt."
    )
    job.changed(
        "Spalten mit Telefon und E-Mail weggelassen. Auch Internetseite, Haltestelle und Wochenstunden fehlen."
    )
    job.changed(
        f"In {int((touched > 0).sum())} Zeilen überzählige Leerzeichen und Zeilenumbrüche entfernt, davon {int((squeeze(raw['zip']) != raw['zip']).sum())} in der Postleitzahl."
    )
    job.changed(
        "Drei Spalten abgeleitet: ab_monaten und integrativ aus cat2, familienzentrum aus Name und Beschreibung."
    )
    job.write_geojson(frame)


if __name__ == "__main__":
    main(__file__, build)
