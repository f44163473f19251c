"""Düsseldorf park and ride: ten records of an API answer as points, UTM values kept for comparison."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import geopandas as gpd
import pandas as pd
from _prepare import Job, main


def build(job: Job) -> None:
    result = job.read_json("duesseldorf/api_park_and_rides.json")["result"]
    raw = pd.DataFrame(result["records"]).map(lambda text: text.replace("\xa0", " "))
    number = (raw["hausnummer"] + raw["hs_zusatz"]).str.strip()
    table = pd.DataFrame({"satz_nr": raw["entry_id"].astype(int), "anlage": raw["name"]})
    table["linien"] = raw["nahverkehr"].str.removeprefix("Linie ")
    table["adresse"] = raw["strasse"] + " " + number
    table["plz"] = raw["plz"]
    table["stadtbezirk_nr"] = raw["stadtbezirk"]
    table["stadtteil_nr"] = raw["stadtteil"]
    table["ostwert"] = raw["ostwert"].astype(int)
    table["nordwert"] = raw["nordwert"].astype(int)
    points = gpd.points_from_xy(raw["longitude"].astype(float), raw["latitude"].astype(float))
    extract = gpd.GeoDataFrame(table, geometry=points, crs="EPSG:4326")
    utm = gpd.GeoSeries(
        gpd.points_from_xy(table["ostwert"] - 32_000_000, table["nordwert"]), crs="EPSG:25832"
    )
    distance = extract.to_crs("EPSG:25832").distance(utm).max()
    job.changed(
        f"{len(extract)} von {result['total']} Einträgen übernommen (mehr enthielt die Antwort nicht)."
    )
    job.changed("Länge und Breite von Text in Zahlen umgewandelt und als Punkt gespeichert.")
    job.changed("Straße, Hausnummer und Zusatz zu einer Adresse verbunden; „Linie“ vor den Linien entfernt.")
    job.changed(f"Lage mit den UTM-Werten verglichen: höchstens {distance:.0f} m Abstand.")
    job.write_geojson(extract)


if __name__ == "__main__":
    main(__file__, build)
