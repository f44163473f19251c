"""Defibrillators in buildings of the city of Cologne: the address taken apart, one typo repaired."""

import sys
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from _prepare import Job, main


def build(job: Job) -> None:
    """Split the address into street, postcode and town."""
    raw = job.read_csv("koeln/aed_stadt_koeln.csv")
    raw.columns = ["standort", "gesamtadresse", "montageort", "oeffnungszeiten"]
    trimmed = raw.apply(lambda column: column.str.strip())
    blanks = int((trimmed != raw).any(axis=1).sum())
    parts = trimmed["gesamtadresse"].str.extract(
        r"^(?P<adresse>.+), (?P<plz>\d{5})(?P<blank> ?)(?P<ort>Köln)$"
    )
    if parts.isna().any(axis=None):
        raise ValueError("an address has an unknown form")
    typos = int((parts["blank"] == "").sum())
    frame = pd.DataFrame(
        {
            "nr": [f"{i:03d}" for i in range(1, len(raw) + 1)],
            "standort": trimmed["standort"],
            "adresse": parts["adresse"],
            "plz": parts["plz"],
            "ort": parts["ort"],
            "montageort": trimmed["montageort"],
            "oeffnungszeiten": trimmed["oeffnungszeiten"],
        }
    )
    job.changed(
        f"Adresse in {len(frame)} Zeilen aufgeteilt in adresse, plz und ort. Eine laufende Nummer ergänzt."
    )
    job.changed(
        f"{typos} Tippfehler berichtigt: In „50931Köln“ (Bürgeramt Lindenthal) fehlte das Leerzeichen."
    )
    job.changed(
        f"In {blanks} Zeilen Leerzeichen am Anfang oder Ende entfernt. Die Öffnungszeiten sind sonst unverändert."
    )
    job.write_csv(frame)


if __name__ == "__main__":
    main(__file__, build)
