"""Budget of Cologne 2010-2015: two files of the city in one long table with real numbers."""

import sys
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from _prepare import Job, german, main

TOTAL, AREAS = "koeln/haushalt_gesamtergebnisplan.csv", "koeln/haushalt_ergebnisplan_produktbereiche.csv"


def build(job: Job) -> None:
    """Melt both files, read the thousands dots, correct the one lost sign (proved by the neighbouring lines)."""
    total = job.read_csv(TOTAL, sep=";", encoding="utf-8-sig").rename(columns={"Wert": "Teilplanzeile"})
    total.insert(0, "Produktbereich", "00")
    total.insert(1, "PB_BEZ", "Gesamtstadt")
    areas = job.read_csv(AREAS, sep=";", encoding="utf-8-sig")
    wide = pd.concat([total, areas], ignore_index=True)
    keys = ["Produktbereich", "PB_BEZ", "Teilplanzeile"]
    wide["_row"] = range(len(wide))
    long = wide.melt(id_vars=[*keys, "_row"], var_name="spalte", value_name="text")
    long[["wertart", "jahr"]] = long["spalte"].str.split(" ", expand=True)
    long["jahr"] = long["jahr"].astype(int)
    line = long["Teilplanzeile"].str.extract(r"^(?P<nr>\d\d) (?P<art>[-=]) (?P<name>.+)$")
    long["betrag"] = long["text"].str.replace(".", "", regex=False).astype(int)
    dots = int(long["text"].str.contains(".", regex=False).sum())
    frame = pd.DataFrame(
        {
            "ebene": long["Produktbereich"].map(lambda nr: "Gesamtstadt" if nr == "00" else "Produktbereich"),
            "produktbereich_nr": long["Produktbereich"],
            "produktbereich": long["PB_BEZ"].str.strip(),
            "zeile_nr": line["nr"],
            "zeile": line["name"].str.strip(),
            "zeilenart": line["art"].map({"-": "Posten", "=": "Summe"}),
            "jahr": long["jahr"],
            "wertart": long["wertart"],
            "betrag_euro": long["betrag"],
        }
    )
    frame = frame.assign(_row=long["_row"]).sort_values(["_row", "jahr"]).drop(columns="_row")

    city = frame[(frame["produktbereich_nr"] == "00") & (frame["jahr"] == 2011)].set_index("zeile_nr")[
        "betrag_euro"
    ]
    if city["21"] != -(city["19"] - city["20"]) or city["18"] - city["21"] != city["22"]:
        raise ValueError("the lost sign in line 21, Plan 2011, is not there any more")
    wrong = (frame["produktbereich_nr"] == "00") & (frame["jahr"] == 2011) & (frame["zeile_nr"] == "21")
    frame.loc[wrong, "betrag_euro"] *= -1

    job.changed(
        f"2 Dateien mit {len(total)} und {len(areas)} Zeilen verbunden und in lange Form gebracht: {german(len(frame))} Werte."
    )
    job.changed(
        f"In {german(dots)} Werten die Tausenderpunkte entfernt. Die Beträge sind jetzt ganze Zahlen."
    )
    job.changed(
        "Die Zeile „10 = ordentliche Erträge“ aufgeteilt in zeile_nr, zeilenart („-“ Posten, „=“ Summe) und zeile."
    )
    job.changed(
        f"{int(wrong.sum())} Vorzeichen berichtigt: Gesamtstadt, Zeile 21 (Finanzergebnis), Plan 2011. Die Quelle nennt 6.058.388. "
        "Richtig ist -6.058.388: Das ergeben die Zeilen 19 und 20, die Zeile 22 und die Summe der Produktbereiche."
    )
    job.write_csv(frame)


if __name__ == "__main__":
    main(__file__, build)
