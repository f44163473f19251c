"""Bottle banks in Münster."""

import html
import sys
from pathlib import Path

import geopandas as gpd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from _prepare import Job, main


def build(job: Job) -> None:
    """Drop the footer, split postcode and area, undo one HTML entity."""
    raw = job.read_csv("muenster/awm-glascontainer-combined.csv")
    footer = raw["Containertyp"] == "Datum"
    rows = raw[~footer].reset_index(drop=True)
    place = rows["Stadtteil"].str.extract(r"^(?P<plz>\d{5}) Münster - (?P<gebiet>.+)$")
    decoded = rows["Standort"].map(html.unescape)
    location = decoded.str.replace(r"\s+", " ", regex=True).str.strip()
    frame = gpd.GeoDataFrame(
        {
            "nr": [f"{i:03d}" for i in range(1, len(rows) + 1)],
            "plz": place["plz"],
            "gebiet": place["gebiet"],
            "standort": location,
            "oeffentlich": rows["öffentlich"],
            "wertstoffhof": rows["Wertstoffhof"],
            "unterflur": rows["Unterflurstandort"],
            "sorten": rows["Sorten"],
        },
        geometry=gpd.points_from_xy(rows["Longitude"].astype(float), rows["Latitude"].astype(float)),
        crs="EPSG:4326",
    )
    job.changed(
        f"{int(footer.sum())} Schlusszeile mit dem Datum 2024-11-28 entfernt. Es bleiben {len(frame)} Standorte."
    )
    job.changed("„48151 Münster - Aaseestadt“ aufgeteilt in plz und gebiet. Eine laufende Nummer ergänzt.")
    job.changed(
        f"{int((decoded != rows['Standort']).sum())} HTML-Zeichen berichtigt („K&amp;K“ wird „K&K“), "
        f"in {int((location != decoded).sum())} Zeile doppelte Leerzeichen entfernt."
    )
    job.changed("Die Spalte Containertyp weggelassen: Sie enthält immer „Glascontainer“.")
    job.write_geojson(frame)


if __name__ == "__main__":
    main(__file__, build)
