"""Playgrounds in Münster: encoding, swapped coordinates and blanks repaired, each counted."""

import sys
from pathlib import Path

import geopandas as gpd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from _prepare import Job, main


def build(job: Job) -> None:
    """Repair what is certain, empty what is uncertain, and count both."""
    file = "muenster/spielplaetze-muenster_latin1.csv"
    umlauts = sum(any(byte > 127 for byte in line) for line in job.raw(file).read_bytes().splitlines())
    raw = job.read_csv(file, sep=";", encoding="iso-8859-1")
    blank = (raw.apply(lambda column: column.str.strip()) == "").all(axis=1)
    rows = raw[~blank].reset_index(drop=True)
    if not (rows["Name"].str.removeprefix("Sp ") == rows["Name2"]).all():
        raise ValueError("Name is not always Name2 with the prefix Sp")

    east, north = rows["Latitude"].astype(float), rows["Longitude"].astype(float)  # the headings are swapped
    if not (east.between(7, 8).all() and north.between(51, 53).all()):
        raise ValueError("the coordinates are not swapped as expected")
    leading = int(rows["Longitude"].str.startswith(" ").sum())
    name = rows["Name2"].str.replace(r"\s+", " ", regex=True).str.strip()
    unsure = rows["Typ"].str.endswith("?")
    for column in ("Typ", "Beschreibung", "Bereich"):
        rows.loc[unsure, column] = ""
    area = rows["Bereich"].replace("B/c", "B/C")

    frame = gpd.GeoDataFrame(
        {
            "spielplatz_nr": rows["ID"],
            "name": name,
            "groesse_m2": rows["Groesse"],
            "typ": rows["Typ"],
            "beschreibung": rows["Beschreibung"].str.replace(r"^\d - ", "", regex=True),
            "bereich": area,
            "ballspielplatz": rows["Ballspielplatz"],
            "skater": rows["Skater"],
            "streetball": rows["Streetball"],
        },
        geometry=gpd.points_from_xy(east, north),
        crs="EPSG:4326",
    )
    job.changed(f"Zeichensatz von ISO-8859-1 nach UTF-8 geändert. {umlauts} Zeilen enthalten Umlaute.")
    job.changed(f"{int(blank.sum())} leere Zeilen am Ende entfernt. Es bleiben {len(frame)} Spielplätze.")
    job.changed(
        f"Vertauschte Spalten berichtigt: In {len(frame)} Zeilen stand die Länge unter Latitude und die Breite unter Longitude."
    )
    job.changed(
        f"{leading} Leerzeichen vor Koordinaten entfernt. In {int((name != rows['Name2']).sum())} Namen überzählige Leerzeichen entfernt."
    )
    job.changed(
        f"In {int(unsure.sum())} Zeile (Nr. {', '.join(rows.loc[unsure, 'ID'])}) Typ, Beschreibung und Bereich geleert: Die Quelle setzt dort ein Fragezeichen."
    )
    job.changed(f"{int((area != rows['Bereich']).sum())} Schreibweise vereinheitlicht („B/c“ wird „B/C“).")
    job.changed(
        "Die Spalte Name weggelassen: Sie enthält immer Name2 mit dem Zusatz „Sp“. Die übrigen Spalten umbenannt."
    )
    job.write_geojson(frame)


if __name__ == "__main__":
    main(__file__, build)
