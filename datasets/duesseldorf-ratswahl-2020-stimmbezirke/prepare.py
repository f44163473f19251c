"""Council election 2020: one row per polling place or postal district, with the areas it belongs to."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import pandas as pd
from _prepare import Job, main

RAW = "duesseldorf/05111000_20200913_Ratswahl-NRW_{}_V0-3_20200930T111111.csv"
# position on the ballot -> column; number 12 was one person, whose name is left out
PARTIES = {
    "D1": "cdu",
    "D2": "spd",
    "D3": "gruene",
    "D4": "fdp",
    "D5": "die_linke",
    "D6": "afd",
    "D7": "piraten",
    "D8": "freie_waehler",
    "D9": "rep",
    "D10": "tierschutz_hier",
    "D11": "dsp",
    "D12": "einzelbewerbung",
    "D13": "klimaliste",
    "D14": "die_partei",
    "D15": "volt",
    "D16": "widerstand_2020",
}
FIGURES = {"A": "wahlberechtigte", "A2": "mit_wahlschein", "B": "waehler", "C": "ungueltig", "D": "gueltig"}


def build(job: Job) -> None:
    results = job.read_csv(RAW.format("Wahlergebnisse"), sep=";")
    areas = job.read_csv(RAW.format("Wahlgebietseinteilungen"), sep=";")
    table = results.merge(areas.drop(columns="bezirk-name"), on="bezirk-nr", validate="1:1")
    table["stimmbezirk_nr"] = table["bezirk-nr"]
    table["art"] = table["bezirk-art"].map({"W": "urne", "B": "brief"})
    table["stadtteil_nr"] = table["gebiet-ebene-3-nr"].str.zfill(3)
    table["stadtbezirk_nr"] = table["gebiet-ebene-4-nr"].str.zfill(2)
    table["wahlbezirk_nr"] = table["gebiet-ebene-2-nr"]
    table["wahllokal"] = table["bezirk-name"].str[5:].where(table["art"] == "urne", "")
    for column, name in (FIGURES | PARTIES).items():
        table[name] = pd.to_numeric(table[column].replace("", None)).astype("Int64")
    postal = table["art"] == "brief"
    for name in ("wahlberechtigte", "mit_wahlschein"):
        table[name] = table[name].mask(postal)
    assert (table[list(PARTIES.values())].sum(axis=1) == table["gueltig"]).all()
    assert (table["ungueltig"] + table["gueltig"] == table["waehler"]).all()
    keys = ["stimmbezirk_nr", "art", "stadtteil_nr", "stadtbezirk_nr", "wahlbezirk_nr", "wahllokal"]
    extract = table[[*keys, *FIGURES.values(), *PARTIES.values()]].sort_values("stimmbezirk_nr")
    job.changed(f"{(~postal).sum()} Stimmbezirke und {postal.sum()} Briefwahlbezirke übernommen.")
    job.changed(
        "Stadtteil, Stadtbezirk und Wahlbezirk aus der Gebietseinteilung ergänzt, Schlüssel als Text."
    )
    job.changed(
        "Spalten D1 bis D16 nach den Wahlvorschlägen benannt; der Name einer Einzelbewerbung ist entfernt."
    )
    job.changed(
        f"Bei {postal.sum()} Briefwahlbezirken die 0 bei den Wahlberechtigten durch eine leere Zelle ersetzt."
    )
    job.changed("Spalten A1, A3, B2, Zeitstempel und Verwaltungsangaben weggelassen.")
    job.write_csv(extract)


if __name__ == "__main__":
    main(__file__, build)
