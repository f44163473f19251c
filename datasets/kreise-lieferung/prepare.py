"""Rebuild the kind of workbook that Destatis delivers: real figures, typical defects."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import pandas as pd
from _prepare import Job, german, main, workbook_bytes
from openpyxl import Workbook
from openpyxl.styles import Alignment, Font

LAENDER = {
    "01": "Schleswig-Holstein",
    "02": "Hamburg",
    "03": "Niedersachsen",
    "04": "Bremen",
    "05": "Nordrhein-Westfalen",
    "06": "Hessen",
    "07": "Rheinland-Pfalz",
    "08": "Baden-Württemberg",
    "09": "Bayern",
    "10": "Saarland",
    "11": "Berlin",
    "12": "Brandenburg",
    "13": "Mecklenburg-Vorpommern",
    "14": "Sachsen",
    "15": "Sachsen-Anhalt",
    "16": "Thüringen",
}
PEOPLE = ["population", "population_male", "population_female"]


def sums(rows: pd.DataFrame) -> list:
    area, people = rows["area_km2"].sum(), rows[PEOPLE].sum()
    return [round(float(area), 2), *(german(n) for n in people), round(people["population"] / area)]


def build(job: Job) -> None:
    job.raw("deutschland/04-kreise.xlsx")
    table = job.read_csv("deutschland/districts.csv", sep=";").sort_values("AGS")
    table[[*PEOPLE, "area_km2"]] = table[[*PEOPLE, "area_km2"]].apply(pd.to_numeric)
    book = Workbook()
    cover = book.active
    cover.title = "Deckblatt"
    for row, text in {
        2: "Kreise und kreisfreie Städte",
        3: "Fläche, Bevölkerung und Bevölkerungsdichte",
        5: "Gebietsstand: 31.12.2018",
        7: "Zahlen: Statistisches Bundesamt (Destatis), 2019",
        8: "Nachgebaute Datei für Übungen. Die Zahlen sind echt.",
    }.items():
        cover.cell(row, 1, text)
    sheet = book.create_sheet("Kreise")
    sheet.append(["Kreise und kreisfreie Städte nach Fläche, Bevölkerung und Bevölkerungsdichte"])
    sheet.append(["Gebietsstand: 31.12.2018"])
    sheet.append([])
    sheet.append(
        [
            "Schlüssel-\nnummer",
            "Regionale Bezeichnung",
            "Name",
            "NUTS3",
            "Fläche 1)\nin km2",
            "Bevölkerung 2)",
        ]
    )
    sheet.append([None] * 5 + ["insgesamt", "männlich", "weiblich", "je km2"])
    sheet.append(list(range(1, 10)))
    for area in ("A1:I1", "A2:I2", "A4:A5", "B4:B5", "C4:C5", "D4:D5", "E4:E5", "F4:I4"):
        sheet.merge_cells(area)
    for row in sheet["A4:I6"]:
        for cell in row:
            cell.font, cell.alignment = Font(bold=True), Alignment(horizontal="center", wrap_text=True)
    for key, land in LAENDER.items():
        rows = table[table["AGS"].str[:2] == key]
        sheet.append([int(key), land])
        for r in rows.itertuples():
            people = [german(n) for n in (r.population, r.population_male, r.population_female)]
            sheet.append(
                [int(r.AGS), r.type, r.name, r.NUTS3, r.area_km2, *people, int(r.population_per_km2)]
            )
        sheet.append([None, None, "Insgesamt", None, *sums(rows)])
    sheet.append([None, "Deutschland", "Insgesamt", None, *sums(table)])
    sheet.append([])
    sheet.append(["Quelle: Gemeindeverzeichnis, Stand 31.12.2018"])
    sheet.append(["1) Durch Runden kann die Summe der Flächen abweichen."])
    sheet.append(["2) Werte vor 2016 sind nur bedingt vergleichbar."])
    for column, width in zip("ABCDEFGHI", (12, 24, 34, 9, 12, 14, 14, 14, 9), strict=True):
        sheet.column_dimensions[column].width = width
    job.changed(f"{len(table)} Kreise und kreisfreie Städte in eine neue Excel-Datei geschrieben.")
    job.changed(
        f"Deckblatt, Kopf, {len(LAENDER)} Zwischenüberschriften, {len(LAENDER) + 1} Summenzeilen und Fußnoten nachgebaut."
    )
    job.changed(
        "Bevölkerung als Text mit Tausenderpunkt und Schlüssel als Zahl gespeichert (absichtliche Mängel)."
    )
    job.write_bytes(workbook_bytes(book), rows=len(table))


if __name__ == "__main__":
    main(__file__, build)
