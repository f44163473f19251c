"""Stadtteile of Cologne: from a transverse Mercator without EPSG code to EPSG:4326."""

import sys
from pathlib import Path

import geopandas as gpd
from shapely.geometry.base import BaseGeometry

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from _prepare import Job, clean_geometry, main

# UTM zone 32 on WGS 84, but with false easting 2,500,000 m: no EPSG code exists, only the .prj tells.
PROJECTION = "+proj=tmerc +lat_0=0 +lon_0=9 +k=0.9996 +x_0=2500000 +y_0=0 +datum=WGS84 +units=m"


SLIVER = 1e-10  # square degrees, about 0.8 m²: what rounding cuts off where a border touches itself


def without_slivers(geometry: BaseGeometry) -> BaseGeometry:
    """Return the geometry rounded, valid and without parts that only rounding made."""
    clean = clean_geometry(geometry)
    parts = [part for part in getattr(clean, "geoms", [clean]) if part.area > SLIVER]
    return parts[0] if len(parts) == 1 else clean


def build(job: Job) -> None:
    """Read the city's shapefile, convert the coordinates and add the name of the Stadtbezirk."""
    paths = {suffix: job.raw(f"koeln/Stadtteil.{suffix}") for suffix in ("shp", "dbf", "prj", "shx")}
    if 'PARAMETER["False_Easting",2500000.0]' not in paths["prj"].read_text("ascii"):
        raise ValueError("the .prj describes another projection than expected")
    raw = gpd.read_file(paths["shp"]).set_crs(PROJECTION, allow_override=True)
    places = job.read_csv("koeln/bevoelkerung.csv").drop_duplicates("raum_id").set_index("raum_id")["raum"]

    frame = raw.rename(columns={"STT_NR": "stadtteil_nr", "STT_NAME": "stadtteil"}).sort_values(
        "stadtteil_nr"
    )
    frame["stadtbezirk_nr"] = frame["stadtteil_nr"].str[0]
    frame["stadtbezirk"] = ("00" + frame["stadtbezirk_nr"]).map(places)
    frame["flaeche_km2"] = (frame["SHAPE_AREA"] / 1e6).round(3)
    columns = ["stadtteil_nr", "stadtteil", "stadtbezirk_nr", "stadtbezirk", "flaeche_km2", "geometry"]
    frame = frame[columns].reset_index(drop=True).to_crs("EPSG:4326")

    invalid = frame.loc[~frame.geometry.is_valid, "stadtteil"].tolist()
    frame = frame.set_geometry(frame.geometry.map(without_slivers), crs="EPSG:4326")

    job.changed(
        f"Koordinaten von {len(frame)} Flächen nach EPSG:4326 umgerechnet. Die Quelle nutzt eine transversale "
        "Mercator-Projektion ohne EPSG-Nummer: Mittelmeridian 9 Grad, Maßstab 0,9996, Zuschlag zum Rechtswert "
        "2.500.000 Meter (WGS 84). Die Angaben stehen in der Datei Stadtteil.prj. Gerechnet hat PROJ."
    )
    job.changed("Spalten umbenannt: STT_NR, STT_NAME und SHAPE_AREA; die Fläche steht in km² mit 3 Stellen.")
    job.changed(
        "Nummer und Name des Stadtbezirks ergänzt, aus der Bevölkerungstabelle der Stadt. Nach Nummer sortiert."
    )
    job.changed(
        f"{len(invalid)} ungültige Fläche repariert ({', '.join(invalid)}): Der Rand schnitt sich selbst."
    )
    job.write_geojson(frame)


if __name__ == "__main__":
    main(__file__, build)
