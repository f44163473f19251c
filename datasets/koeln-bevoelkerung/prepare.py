"""Population of Cologne's Stadtteile 2005-2012: one row per Stadtteil, year and characteristic."""

import re
import sys
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from _prepare import Job, german, main

TOPICS = {
    "005": "Einwohner",
    "010": "Geschlecht",
    "020": "Alter",
    "030": "Migrationshintergrund",
    "040": "Familienstand",
    "050": "Wohnstatus",
    "060": "Konfession",
}
# Groups of origin and registered partnerships have cells with fewer than 5 persons: special categories of data.
DROPPED = {("030", str(zei)) for zei in range(60, 130, 10)} | {("040", "50")}


def label(text: str) -> str:
    """Return the label of a characteristic in plain words (ages: `00 - < 03`)."""
    age = re.fullmatch(r"(\d\d) - < (\d\d)", text)
    if age:
        return f"{age[1]} bis unter {age[2]} Jahre"
    return (
        "75 Jahre und älter"
        if text == "75 und älter"
        else text.lower()
        if text in ("Männlich", "Weiblich")
        else text
    )


def build(job: Job) -> None:
    """Keep the rows of the 86 Stadtteile and the characteristics without tiny cells."""
    raw = job.read_csv("koeln/bevoelkerung.csv")
    total = raw["raum_id"].str.startswith("00")
    rows = raw[~total]
    dropped = pd.Series(list(zip(rows["tab_id"], rows["zei_id"], strict=True)), index=rows.index).isin(
        DROPPED
    )
    small = int((rows.loc[dropped, "zahl"].astype(float) < 5).sum())
    kept = rows[~dropped]
    frame = pd.DataFrame(
        {
            "stadtteil_nr": kept["raum_id"],
            "stadtteil": kept["raum"],
            "jahr": kept["jahr"].astype(int),
            "thema": kept["tab_id"].map(TOPICS),
            "merkmal": kept["zeile"].map(label),
            "wert": kept["zahl"].astype(float).astype(int),
        }
    )
    order = pd.DataFrame({"tab": kept["tab_id"], "zei": kept["zei_id"].astype(int)})
    frame = frame.assign(_tab=order["tab"], _zei=order["zei"])
    frame = frame.sort_values(["stadtteil_nr", "jahr", "_tab", "_zei"]).drop(columns=["_tab", "_zei"])

    job.changed(
        f"{german(int(total.sum()))} Zeilen für Gesamtstadt und 9 Stadtbezirke weggelassen. Es bleiben 86 Stadtteile."
    )
    job.changed(
        f"{german(int(dropped.sum()))} Zeilen weggelassen: 7 Herkunftsgruppen und „verpartnert“. Darin standen {small} "
        "Werte unter 5. So kleine Zahlen können einzelne Menschen erkennbar machen."
    )
    job.changed(
        "Spalten umbenannt, Themen gekürzt, Altersgruppen ausgeschrieben („00 - < 03“ wird „00 bis unter 03 Jahre“)."
    )
    job.changed("Zahlen ohne „.0“ als ganze Zahlen geschrieben. Kein Wert ist verändert.")
    job.write_csv(frame)


if __name__ == "__main__":
    main(__file__, build)
