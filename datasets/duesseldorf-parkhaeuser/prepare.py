"""Düsseldorf car parks: ten records of an API answer as points, and the shape of the answer."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import geopandas as gpd
import pandas as pd
from _prepare import Job, main, workbook_bytes
from openpyxl import Workbook
from openpyxl.styles import Alignment, Font

DROPPED = ("altitude", "geometry")
GROUPS = {"B4:C4": "Parkhaus", "D4:F4": "Lage", "G4:H4": "Koordinaten"}
HEAD = ["Nr.", "Name", "Zufahrt", "PLZ", "Ort", "Stadtteil", "Breite", "Länge"]


def workbook(table: pd.DataFrame) -> bytes:
    """Return the table as offices like it: title, two header rows with merged cells, a count at the end."""
    book = Workbook()
    sheet = book.active
    sheet.title = "Parkhäuser"
    for row in (["Parkhäuser in Düsseldorf (Auszug)"], ["Abruf: 18.07.2022"], [], [], HEAD):
        sheet.append(row)
    sheet.merge_cells("A1:H1")
    for area, text in GROUPS.items():
        sheet[area.split(":")[0]] = text
        sheet.merge_cells(area)
    for cell in (*sheet[1], *sheet[4], *sheet[5]):
        cell.font, cell.alignment = Font(bold=True), Alignment(horizontal="center")
    for record in table.itertuples(index=False):
        sheet.append([int(v) if name == "plz" else v for name, v in zip(table.columns, record, strict=True)])
    sheet.append(["Anzahl", len(table)])
    for column, width in zip("ABCDEFGH", (8, 32, 24, 8, 13, 13, 12, 12), strict=True):
        sheet.column_dimensions[column].width = width
    return workbook_bytes(book)


def build(job: Job) -> None:
    answer = job.read_json("duesseldorf/api_garages.json")
    raw = pd.DataFrame(answer["result"]["records"])
    place = raw["ort"].str.extract(r"^(?P<plz>\d{5}) (?P<ort>\S+) ?(?P<stadtteil>.*)$")
    table = pd.DataFrame({"satz_nr": raw["entry_id"].astype(int), "parkhaus": raw["name"]})
    table["zufahrt"] = raw["adresse_zufahrt"]
    table = table.join(place)
    points = gpd.points_from_xy(raw["longitude"].astype(float), raw["latitude"].astype(float))
    extract = gpd.GeoDataFrame(table, geometry=points, crs="EPSG:4326")
    elsewhere = gpd.sjoin(extract, job.extract("duesseldorf-stadtteile"), predicate="within", rsuffix="lage")
    other = int((elsewhere["stadtteil_left"] != elsewhere["stadtteil_lage"]).sum())
    total = answer["result"]["total"]
    job.changed(f"{len(extract)} von {total} Einträgen übernommen (mehr enthielt die Antwort nicht).")
    job.changed("Länge und Breite von Text in Zahlen umgewandelt und als Punkt gespeichert.")
    job.changed("Feld `ort` in Postleitzahl, Ort und Stadtteil zerlegt; Höhe und Geometrie-Wort weggelassen.")
    job.changed(f"Lage geprüft: {other} Punkte liegen in einem anderen Stadtteil, als der Text sagt.")
    job.changed("Dieselbe Tabelle für den Unterricht auch als CSV und als Excel-Datei mit zweizeiligem Kopf gespeichert.")
    job.write_geojson(extract)
    result = answer["result"]
    reduced = {
        "help": "Verkürzte Antwort im Aufbau der Schnittstelle. Zwei Felder je Eintrag fehlen.",
        "success": answer["success"],
        "result": {
            "fields": [field for field in result["fields"] if field["id"] not in DROPPED],
            "resource_id": result["resource_id"],
            "limit": result["limit"],
            "total": total,
            "records": [{k: v for k, v in r.items() if k not in DROPPED} for r in result["records"]],
        },
    }
    job.write_json(reduced, 1)
    flat = pd.DataFrame(extract.drop(columns="geometry"))
    flat["breite"], flat["laenge"] = extract.geometry.y.round(6), extract.geometry.x.round(6)
    job.write_csv(flat, 2)
    job.write_bytes(workbook(flat), 3)


if __name__ == "__main__":
    main(__file__, build)
