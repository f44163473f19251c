"""Shops in Moers and their opening hours, without telephone numbers and names of persons."""

import sys
from pathlib import Path

import geopandas as gpd
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from _prepare import Job, german, main

DAYS = ["Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag"]
# Shops named after a person: what stays of the name, by position in the raw file (so no name stands here).
SHORT = {
    1: "Spiel & Hobby", 4: "Hair Design Kosmetik", 6: "Restaurant", 11: "Blumen", 16: "Foto", 17: "Gardinen",
    27: "Nähmaschinen", 28: "Optic", 31: "Sehen & Hören", 32: "Stoffe", 35: "Brillen", 38: "Foto", 39: "Fotostudio",
    40: "Oberbekleidung", 43: "Lotto", 51: "Bleaching", 57: "IGA Optic", 58: "Massagepraxis", 60: "Musikhaus",
    63: "Provinzial",
}  # fmt: skip


def clock(text: str) -> str:
    """Return `10.00` as `10:00`; a day of rest is empty."""
    return "" if text in ("", "Ruhetag") else text.replace(".", ":")


def build(job: Job) -> None:
    """Unify the times, shorten names of small shops, drop contact data."""
    raw = job.read_geojson("moers/laden.json")
    number = pd.Series(range(1, len(raw) + 1), index=raw.index)
    hours = {}
    for day in DAYS:
        for part in ("von", "bis"):
            hours[f"{day.lower()}_{part}"] = raw[f"{day}_{part}"].map(clock)
        hours[f"{day.lower()}_pause"] = raw[f"{day}_Pause"].map(clock).str.replace(" - ", "-", regex=False)
    times = raw[[f"{day}_{part}" for day in DAYS for part in ("von", "bis", "Pause")]]
    note = (
        raw["sonstiges"]
        .str.strip()
        .str.replace("Ã–", "Ö", regex=False)
        .str.replace("verlangerte", "verlängerte", regex=False)
    )
    name = raw["Firma"].str.replace(r"\s+", " ", regex=True).str.strip()
    frame = gpd.GeoDataFrame(
        {
            "nr": number.map(lambda i: f"{i:03d}"),
            "geschaeft": number.map(SHORT).fillna(name),
            "name_gekuerzt": number.isin(list(SHORT)).map({True: "ja", False: "nein"}),
            "branche": raw["Branche"].str.strip(),
            "quartier": raw["Quartier"].str.strip(),
            "strasse": raw["Straße"].str.strip(),
            "hausnummer": raw["HausNr"].str.strip(),
            "plz": raw["PLZ"],
            **hours,
            "hinweis": note,
        },
        geometry=raw.geometry,
        crs=raw.crs,
    )
    dots = int(times.apply(lambda column: column.str.contains(r"\d\.\d")).sum().sum())
    closed = int((times == "Ruhetag").any(axis=1).sum())
    job.changed(f"{len(frame)} Geschäfte übernommen, Spalten umbenannt, laufende Nummer ergänzt.")
    job.changed(
        "Spalten mit Telefon und Internetadresse weggelassen. Eine Internetadresse nannte eine Person."
    )
    job.changed(f"In {len(SHORT)} Namen kleiner Betriebe den Personennamen entfernt (Spalte name_gekuerzt).")
    job.changed(
        f"{german(dots)} Uhrzeiten von „10.00“ auf „10:00“ umgestellt. Der Ruhetag bei {closed} Geschäft ist jetzt leer."
    )
    job.changed(
        f"{int((note != raw['sonstiges'].str.strip()).sum())} Hinweis mit zerstörten Umlauten berichtigt."
    )
    job.changed(
        "Die Spalte opening_hours weggelassen: Eine Anwendung hatte sie ergänzt, zum Teil widerspricht sie den Zeiten."
    )
    job.write_geojson(frame)


if __name__ == "__main__":
    main(__file__, build)
