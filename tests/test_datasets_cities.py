"""Facts about the datasets of Cologne, Münster, Krefeld and Moers, read from the raw files by eye."""

import csv
import hashlib
import json
import re

import geopandas as gpd
import pandas as pd
import pytest
from pyproj import Transformer

from opendata_kurs.datasets import delivery_path, load_dataset, metadata

ROWS = {
    "koeln-stadtteile": 86,
    "koeln-bevoelkerung": 20_640,  # 86 Stadtteile x 8 years x 30 characteristics
    "koeln-defibrillatoren": 25,
    "koeln-haushalt": 3_180,  # (26 + 504 lines) x 6 years
    "muenster-stadtteile": 45,
    "muenster-schulen": 100,
    "muenster-spielplaetze": 291,
    "muenster-haltestellen": 344,
    "muenster-glascontainer": 249,
    "muenster-radzaehlung": 2_900,
    "krefeld-kitas": 104,
    "krefeld-spielplaetze": 203,
    "krefeld-schulen": 78,
    "krefeld-strassenbaeume": 1_631,  # 637 + 531 + 463
    "moers-geschaefte": 63,
}
DELIVERIES = {
    "muenster-spielplaetze-lieferung": ["encoding", "delimiter", "swapped-coordinates", "blank-records", "leading-blanks"],
    "muenster-schulen-lieferung": ["gauss-krueger", "mixed-dates", "delimiter"],
    "koeln-stadtteile-lieferung": ["false-easting", "no-epsg-code", "invalid-geometry"],
    "krefeld-kitas-lieferung": ["decimal-comma", "null-island", "duplicates", "delimiter"],
}  # fmt: skip
NRW = (5.8, 50.3, 9.5, 52.6)


@pytest.fixture(scope="module")
def load():
    """Load each dataset once; tests must not change the frames."""
    cache: dict[str, pd.DataFrame] = {}

    def loader(slug: str):
        if slug not in cache:
            cache[slug] = load_dataset(slug)
        return cache[slug]

    return loader


def changes(slug: str) -> str:
    return " ".join(metadata(slug)["changes"])


def one(frame: pd.DataFrame, **where: object) -> pd.Series:
    for column, value in where.items():
        frame = frame[frame[column] == value]
    assert len(frame) == 1, f"{where}: {len(frame)} rows"
    return frame.iloc[0]


def within_muenster(frame, load) -> pd.DataFrame:
    return frame.sjoin(
        load("muenster-stadtteile")[["stadtteil_nr", "stadtteil", "geometry"]], predicate="within"
    )


# --- every dataset -------------------------------------------------------------------------------


@pytest.mark.parametrize("slug", ROWS)
def test_number_of_rows(slug, load):
    assert len(load(slug)) == ROWS[slug] == metadata(slug)["resources"][0]["rows"]


@pytest.mark.parametrize("slug", [*ROWS, *DELIVERIES])
def test_no_contact_data_and_valid_json(slug):
    resource = metadata(slug)["resources"][0]
    path = delivery_path(slug) if slug in DELIVERIES else None
    path = path or delivery_path("krefeld-kitas-lieferung").parents[1] / slug / resource["path"]
    text = path.read_bytes().decode(resource["encoding"])
    assert "@" not in text
    assert not re.search(r"\+49|\b02151\b|\b02841\b|0 21 51", text)
    if resource["format"] == "geojson":
        json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))


@pytest.mark.parametrize("slug", ROWS)
def test_licence_is_the_one_of_the_city(slug):
    package = metadata(slug)
    city = slug.split("-")[0]
    expected = {
        "koeln": "cc-by-generisch",
        "muenster": "dl-de-by-2.0",
        "krefeld": "dl-de-zero-2.0",
        "moers": "dl-de-zero-2.0",
    }
    assert package["licenses"][0]["name"] == expected[city]
    assert "Daten geändert" in package["creditLine"]
    if city == "muenster":
        assert package["creditLine"].startswith("Datenquelle: Stadt Münster")
    if city == "koeln":
        assert "Version" in package["licenceNote"]


def test_our_share_of_the_collection_is_small():
    root = delivery_path("krefeld-kitas-lieferung").parents[1]
    total = sum(f.stat().st_size for slug in [*ROWS, *DELIVERIES] for f in (root / slug).glob("*.*"))
    assert total < 7_000_000


# --- Cologne -------------------------------------------------------------------------------------


def test_koeln_stadtteile(load):
    frame = load("koeln-stadtteile")
    assert frame.geometry.is_valid.all() and set(frame.geom_type) == {"Polygon"}
    assert one(frame, stadtteil_nr="909")["stadtteil"] == "Flittard"
    assert one(frame, stadtteil="Dellbrück")["stadtteil_nr"] == "905"
    assert one(frame, stadtteil_nr="909")["flaeche_km2"] == 7.736
    assert frame["flaeche_km2"].sum() == pytest.approx(405, abs=0.2)  # the city's area
    assert one(frame, stadtteil="Libur")[["stadtbezirk_nr", "stadtbezirk"]].tolist() == ["7", "Porz"]
    assert "1 ungültige Fläche repariert (Marienburg)" in changes("koeln-stadtteile")


@pytest.mark.parametrize(
    ("number", "east", "north"),
    # extent and first vertex of records 1 and 2 of Stadtteil.shp, read from the binary file
    [("909", 2360689.93, 5654168.05), ("905", 2364381.66, 5650893.79)],
)
def test_koeln_coordinates_agree_with_utm_32(number, east, north, load):
    """The same projection with the usual false easting of 500,000 m is EPSG:32632."""
    lon, lat = Transformer.from_crs("EPSG:32632", "EPSG:4326", always_xy=True).transform(
        east - 2_000_000, north
    )
    border = one(load("koeln-stadtteile"), stadtteil_nr=number).geometry.exterior
    vertices = pd.DataFrame(border.coords, columns=["lon", "lat"])
    assert ((vertices["lon"] - lon).abs() + (vertices["lat"] - lat).abs()).min() < 2e-6


def test_koeln_stadtteil_lies_where_it_should(load):
    """Flittard's box in the raw file is 2357024.9..2360700.4 east, 5650884.4..5654225.4 north."""
    to_degrees = Transformer.from_crs("EPSG:25832", "EPSG:4326", always_xy=True).transform
    west, south = to_degrees(357024.8964, 5650884.3758)
    east, north = to_degrees(360700.41, 5654225.37)
    assert one(load("koeln-stadtteile"), stadtteil_nr="909").geometry.bounds == pytest.approx(
        (west, south, east, north), abs=2e-3
    )


def test_koeln_bevoelkerung_values(load):
    frame = load("koeln-bevoelkerung")
    people = frame[frame["thema"] == "Einwohner"]
    assert one(people, stadtteil_nr="501", jahr=2012)["wert"] == 34_936
    assert one(people, stadtteil_nr="101", jahr=2012)["wert"] == 27_515
    assert one(people, stadtteil="Libur", jahr=2012)["wert"] == 1_084
    nippes = frame[(frame["stadtteil_nr"] == "501") & (frame["jahr"] == 2010)]
    assert one(nippes, merkmal="00 bis unter 03 Jahre")["wert"] == 1_196
    assert one(nippes, merkmal="75 Jahre und älter")["wert"] == 2_022
    assert people.groupby("jahr")["wert"].sum().to_dict() == {
        2005: 1_023_101, 2006: 1_024_346, 2007: 1_025_094, 2008: 1_019_328,
        2009: 1_020_303, 2010: 1_027_504, 2011: 1_036_117, 2012: 1_044_555,
    }  # fmt: skip  # the city's own totals, which are not in the extract


def test_koeln_bevoelkerung_is_tidy_and_without_tiny_cells(load):
    frame = load("koeln-bevoelkerung")
    key = ["stadtteil_nr", "jahr", "thema", "merkmal"]
    assert not frame.duplicated(key).any()
    assert frame.groupby("stadtteil_nr").size().eq(8 * 30).all()
    assert frame["thema"].nunique() == 7
    assert frame["wert"].min() == 8
    assert not frame["merkmal"].str.contains("verpartnert|Türkei|Afrika").any()
    assert "3.040 Zeilen" in changes("koeln-bevoelkerung") and "496 Werte unter 5" in changes(
        "koeln-bevoelkerung"
    )
    sums = frame.pivot_table(index=["stadtteil_nr", "jahr"], columns="thema", values="wert", aggfunc="sum")
    for topic in ("Alter", "Geschlecht", "Konfession", "Wohnstatus"):
        assert (sums[topic] == sums["Einwohner"]).all(), topic
    assert (sums["Einwohner"] - sums["Familienstand"]).agg(["min", "max"]).tolist() == [0, 348]


def test_koeln_join_86_of_86(load):
    areas, people = load("koeln-stadtteile"), load("koeln-bevoelkerung")
    joined = areas.merge(
        people[["stadtteil_nr", "stadtteil"]].drop_duplicates(),
        on="stadtteil_nr",
        how="outer",
        indicator=True,
    )
    assert joined["_merge"].eq("both").sum() == len(joined) == 86
    assert (joined["stadtteil_x"] == joined["stadtteil_y"]).all()


def test_koeln_defibrillatoren(load):
    frame = load("koeln-defibrillatoren")
    repaired = one(frame, standort="Bürgeramt Lindenthal")
    assert repaired[["adresse", "plz", "ort"]].tolist() == ["Aachener Strasse 220", "50931", "Köln"]
    assert "1 Tippfehler berichtigt" in changes("koeln-defibrillatoren")
    assert not {"geometry", "lat", "lon"} & set(frame.columns)
    assert frame["ort"].eq("Köln").all()
    assert one(frame, nr="025")["standort"] == "Rathaus Spanischer Bau"
    assert "3.0" in metadata("koeln-defibrillatoren")["licenceNote"]


def test_koeln_haushalt_values(load):
    frame = load("koeln-haushalt")
    assert one(frame, produktbereich_nr="00", zeile_nr="01", jahr=2010)["betrag_euro"] == 1_596_852_249
    staff = one(frame, produktbereich_nr="03", zeile_nr="11", jahr=2013)
    assert staff[["betrag_euro", "wertart", "produktbereich"]].tolist() == [
        38_418_465,
        "Plan",
        "Schulträgeraufgaben",
    ]
    assert one(frame, produktbereich_nr="00", zeile_nr="26", jahr=2015)["betrag_euro"] == -265_833_749
    assert set(frame["produktbereich_nr"]) == {f"{n:02d}" for n in range(19)}
    assert set(frame.loc[frame["wertart"] == "Ergebnis", "jahr"]) == {2010}
    assert frame["betrag_euro"].dtype == "int64"
    assert "In 2.021 Werten die Tausenderpunkte entfernt" in changes("koeln-haushalt")


def test_koeln_haushalt_adds_up_because_the_lost_sign_is_back(load):
    frame = load("koeln-haushalt")
    sums = frame.groupby(["ebene", "zeile_nr", "jahr"])["betrag_euro"].sum().unstack("ebene").dropna()
    assert len(sums) == 26 * 6
    assert (sums["Gesamtstadt"] - sums["Produktbereich"]).abs().max() == 3  # rounding
    assert one(frame, produktbereich_nr="00", zeile_nr="21", jahr=2011)["betrag_euro"] == -6_058_388
    assert "1 Vorzeichen berichtigt" in changes("koeln-haushalt")


# --- Münster -------------------------------------------------------------------------------------


def test_muenster_stadtteile(load):
    frame = load("muenster-stadtteile")
    assert one(frame, stadtteil_nr="51")["stadtteil"] == "Gievenbeck"
    assert one(frame, stadtteil_nr="11")["flaeche_km2"] == 0.165
    assert frame["flaeche_km2"].sum() == pytest.approx(303.3, abs=0.5)  # the city's area
    assert frame["stadtteil_nr"].str.fullmatch(r"\d\d").all() and frame["stadtteil_nr"].is_unique
    assert (frame["stadtteil_nr"].str[0] == frame["stadtbezirk_nr"]).all()
    assert frame.geometry.is_valid.all()
    assert frame["stand"].eq(pd.Timestamp("2022-01-03")).all()


def test_muenster_schulen_values_and_join(load):
    frame = load("muenster-schulen")
    assert one(frame, schul_nr="88")[["name", "schulform"]].tolist() == ["Gymnasium Paulinum", "Gymnasium"]
    assert (frame["schulform"] == "Grundschule").sum() == 45
    assert len(within_muenster(frame, load)) == 100


@pytest.mark.parametrize(
    ("number", "x", "y"),
    [
        ("88", 3405034, 5759339),
        ("114", 3407522, 5759110),
        ("83", 3406468, 5760094),
        ("103", 3406016, 5760150),
    ],
)
def test_muenster_schulen_agree_with_epsg_31467(number, x, y, load):
    """PROJ's own choice for EPSG:31467 may use a grid; both ways agree within about 2 m."""
    lon, lat = Transformer.from_crs("EPSG:31467", "EPSG:4326", always_xy=True).transform(x, y)
    point = one(load("muenster-schulen"), schul_nr=number).geometry
    assert (point.x, point.y) == pytest.approx((lon, lat), abs=3e-5)


def test_muenster_schulen_agree_with_a_second_reckoning(load):
    """Gauß-Krüger to UTM by way of EPSG:25832, then back by hand: distances between schools stay the same."""
    frame = load("muenster-schulen").to_crs("EPSG:25832").set_index("schul_nr").geometry
    measured = frame["88"].distance(frame["114"])
    # plane distance in the raw file; UTM shrinks by 0.9996, Münster lies 100 km west of 9 degrees
    assert measured == pytest.approx(
        ((3407522 - 3405034) ** 2 + (5759110 - 5759339) ** 2) ** 0.5 * 0.9996, abs=0.3
    )


def test_muenster_spielplaetze_repairs(load):
    frame = load("muenster-spielplaetze")
    first = one(frame, spielplatz_nr="754")
    assert (first.geometry.x, first.geometry.y) == (7.65718, 51.910707)
    assert first[["name", "groesse_m2", "typ", "bereich", "streetball"]].tolist() == [
        "Fichtenweg",
        2069,
        "3",
        "A",
        "ja",
    ]
    assert one(frame, spielplatz_nr="720")["name"] == "Tömmersweg"
    assert pd.isna(one(frame, spielplatz_nr="720")["typ"])
    assert one(frame, spielplatz_nr="967")["name"] == "Anton-Aulke-Strasse"
    assert one(frame, spielplatz_nr="975")["bereich"] == "B/C"
    assert frame["groesse_m2"].isna().sum() == 11 and frame["typ"].isna().sum() == 13
    assert len(within_muenster(frame, load)) == 291
    assert not frame["name"].str.contains(r"^\s|\s$|\s\s").any()


@pytest.mark.parametrize(
    "count",
    ["42 Zeilen enthalten Umlaute", "3 leere Zeilen", "In 291 Zeilen stand die Länge unter Latitude", "291 Leerzeichen vor",
     "In 13 Namen", "In 1 Zeile (Nr. 720)", "1 Schreibweise vereinheitlicht"],
)  # fmt: skip
def test_muenster_spielplaetze_counts_each_repair(count):
    assert count in changes("muenster-spielplaetze")


def test_muenster_haltestellen(load):
    frame = load("muenster-haltestellen")
    assert frame["barrierefreiheit"].value_counts().to_dict() == {"barrierefrei": 254, "eingeschränkt": 90}
    stop = one(frame, haltestelle_nr="172")
    assert (stop.geometry.x, stop.geometry.y, stop["barrierefreiheit"]) == (
        7.588382,
        51.984619,
        "eingeschränkt",
    )
    inside = within_muenster(frame, load)
    assert set(frame["name"]) - set(inside["name"]) == {"Waldfriedhof Lauheide"}


def test_muenster_glascontainer(load):
    frame = load("muenster-glascontainer")
    assert one(frame, standort="Middeler Straße (K&K)")[["plz", "gebiet"]].tolist() == ["48167", "Wolbeck"]
    assert frame["sorten"].isna().sum() == frame["oeffentlich"].isna().sum() == 8
    assert frame["sorten"].value_counts().iloc[:2].to_dict() == {"bunt, weiß": 169, "weiß/grün/braun": 35}
    assert (frame["wertstoffhof"] == "ja").sum() == 11
    assert len(within_muenster(frame, load)) == 249


def test_muenster_radzaehlung(load):
    frame = load("muenster-radzaehlung")
    assert (frame["anzahl"] == frame["richtung_mauritztor"] + frame["richtung_salzstrasse"]).all()
    assert frame["anzahl"].sum() == 491_094
    july_1 = one(frame, zeit=pd.Timestamp("2025-07-01T08:00:00+02:00"))
    assert july_1[["anzahl", "richtung_mauritztor", "richtung_salzstrasse"]].tolist() == [
        523,
        1 + 23 + 170,
        286 + 42 + 1,
    ]
    assert frame["zeit"].diff().dropna().eq(pd.Timedelta("15min")).all()
    assert frame["zeit"].iloc[-1] == pd.Timestamp("2025-07-31T04:45:00+02:00")
    path = (
        delivery_path("krefeld-kitas-lieferung").parents[1]
        / "muenster-radzaehlung"
        / "muenster-radzaehlung.csv"
    )
    assert path.read_text("utf-8").splitlines()[1] == "2025-07-01T00:00:00+02:00,33,20,13"
    assert any(
        "Sommerzeit" in limit and "nicht umgestellt" in limit
        for limit in metadata("muenster-radzaehlung")["limits"]
    )


# --- Krefeld and Moers ---------------------------------------------------------------------------


def test_krefeld_kitas(load):
    frame = load("krefeld-kitas")
    kita = one(frame, nr="058")
    assert kita["name"] == "Städtische Kindertageseinrichtung Am Kinderhort / Familienzentrum"
    assert (kita.geometry.x, kita.geometry.y, kita["ab_monaten"], kita["familienzentrum"]) == (
        6.532677,
        51.318613,
        4,
        "ja",
    )
    assert frame["ab_monaten"].value_counts().to_dict() == {24: 58, 4: 38, 36: 8}
    assert (frame["integrativ"] == "ja").sum() == 17
    assert frame["traegerart"].value_counts().iloc[0] == 46
    assert frame["traeger"].isna().sum() == 8 and frame["ortsteil"].isna().sum() == 2
    assert frame["plz"].str.fullmatch(r"47[78]\d\d").all()


def test_krefeld_spielplaetze(load):
    frame = load("krefeld-spielplaetze")
    assert frame["beschreibung"].isna().sum() == 122
    assert set(frame.loc[frame["name"] == "Hardenbergplatz", "strasse"]) == {
        "Hardenbergstraße",
        "Sprödentalstraße",
    }
    assert frame["name"].duplicated().sum() == 1
    assert one(frame, nr="001").geometry.coords[0] == (6.652683, 51.337096)
    assert (frame["eingeschraenkt"] == "ja").sum() == 33


def test_krefeld_schulen(load):
    frame = load("krefeld-schulen")
    assert frame["standortart"].value_counts().to_dict() == {
        "Hauptstandort": 67,
        "Teilstandort": 6,
        "Nebengebäude": 5,
    }
    assert one(frame, nr="009")["standortart"] == "Teilstandort"
    assert one(frame, nr="001")[["name", "plz"]].tolist() == ["Grundschule Königshof", "47807"]


def test_krefeld_strassenbaeume(load):
    frame = load("krefeld-strassenbaeume")
    assert frame["pflanzjahr"].value_counts().to_dict() == {2015: 637, 2016: 531, 2017: 463}
    tree = one(frame, objekt_nr="0270418", baum_nr="7139")
    assert (tree["baumart"], tree.geometry.x, tree.geometry.y) == ("Rotbuche", 6.568787, 51.360947)
    assert frame["objekt_nr"].str.startswith("0").sum() == 1_166
    assert "B3_42" in set(frame["objekt_nr"])
    assert frame["baumart"].isna().sum() == frame["botanischer_name"].isna().sum() == 27
    assert not frame.duplicated(["objekt_nr", "baum_nr"]).any()


def test_moers_geschaefte(load):
    frame = load("moers-geschaefte")
    shop = one(frame, nr="001")
    assert shop[["geschaeft", "montag_von", "montag_bis", "montag_pause"]].tolist() == [
        "Spiel & Hobby",
        "10:00",
        "18:30",
        "13:00-14:30",
    ]
    assert (frame["name_gekuerzt"] == "ja").sum() == 20
    assert "In 20 Namen" in changes("moers-geschaefte")
    assert one(frame, nr="041")["hinweis"].endswith("verlängerte Öffnungszeiten")
    assert pd.isna(one(frame, nr="006")["dienstag_von"])  # a day of rest
    times = frame.filter(regex="_(von|bis)$").stack().dropna()
    assert times.str.fullmatch(r"([01]\d|2[0-4]):[0-5]\d").all()
    assert not frame.columns.str.contains("fon|mail|url|web").any()


# --- deliveries: each declared defect is really there --------------------------------------------


def rows_of(slug: str, encoding: str = "utf-8") -> list[dict[str, str]]:
    with delivery_path(slug).open(encoding=encoding, newline="") as file:
        return list(csv.DictReader(file, delimiter=";"))


@pytest.mark.parametrize("slug", DELIVERIES)
def test_delivery_declares_its_defects_and_is_no_raw_file(slug):
    package = metadata(slug)
    assert package["delivery"] is True
    assert [defect["id"] for defect in package["defects"]] == DELIVERIES[slug]
    assert all(len(defect["text"]) > 30 for defect in package["defects"])
    assert "nachgebaut" in package["description"] and "echt" in package["description"]
    digest = hashlib.sha256(delivery_path(slug).read_bytes()).hexdigest()
    assert digest not in {source["sha256"] for source in package["sources"]}


def test_delivery_spielplaetze_encoding_and_line_ends():
    data = delivery_path("muenster-spielplaetze-lieferung").read_bytes()
    with pytest.raises(UnicodeDecodeError):
        data.decode("utf-8")
    assert data.startswith("Nr;Name;Größe_qm;".encode("iso-8859-1"))
    assert data.count(b"\r\n") == data.count(b"\n") == 297


def test_delivery_spielplaetze_swapped_blank_and_otherwise_real(load):
    rows = rows_of("muenster-spielplaetze-lieferung", "iso-8859-1")
    full = [row for row in rows if row["Nr"]]
    assert (len(rows), len(full)) == (296, 291)
    assert all(not any(row.values()) for row in rows if not row["Nr"])
    assert all(row["Longitude"].startswith(" ") for row in full)
    naive = [(float(row["Longitude"]), float(row["Latitude"])) for row in full]
    assert not any(NRW[0] < lon < NRW[2] and NRW[1] < lat < NRW[3] for lon, lat in naive)
    frame = load("muenster-spielplaetze").set_index("spielplatz_nr")
    for row in full:
        point = frame.geometry[row["Nr"]]
        assert (float(row["Latitude"]), float(row["Longitude"])) == (point.x, point.y)
        assert row["Name"] == frame["name"][row["Nr"]]


def test_delivery_schulen_gauss_krueger_and_mixed_dates(load):
    rows = rows_of("muenster-schulen-lieferung")
    assert len(rows) == 100
    assert all(3_390_000 < int(row["Rechtswert"]) < 3_420_000 for row in rows)
    assert all(5_750_000 < int(row["Hochwert"]) < 5_770_000 for row in rows)
    notations = {
        "iso": r"2024-\d\d-\d\d", "german": r"\d\d\.\d\d\.2024", "short": r"\d{1,2}\.\d\.24", "words": r"\d{1,2}\. [A-Zäa-z]+ 2024",
    }  # fmt: skip
    found = [next((n for n, p in notations.items() if re.fullmatch(p, row["Stand"])), None) for row in rows]
    assert {n: found.count(n) for n in notations} == dict.fromkeys(notations, 25)
    assert "erfunden" in metadata("muenster-schulen-lieferung")["description"]
    points = gpd.points_from_xy(
        [float(r["Rechtswert"]) for r in rows], [float(r["Hochwert"]) for r in rows], crs=31467
    )
    clean = load("muenster-schulen").set_index("schul_nr").geometry
    repaired = gpd.GeoSeries(points, index=[r["SchulNr"] for r in rows]).to_crs(25832)
    assert repaired.distance(clean.to_crs(25832), align=True).max() < 3
    assert "EPSG" not in delivery_path("muenster-schulen-lieferung").read_text("utf-8")


def test_delivery_stadtteile_false_easting_without_crs(load):
    path = delivery_path("koeln-stadtteile-lieferung")
    document = json.loads(path.read_text("utf-8"))
    assert set(document) == {"type", "features"}
    naive = gpd.GeoDataFrame.from_features(document["features"], crs="EPSG:4326")
    assert naive.total_bounds[0] > 2_300_000 and naive.total_bounds[1] > 5_600_000
    # taken for the usual UTM 32 the city lies far off, too
    wrong = Transformer.from_crs("EPSG:25832", "EPSG:4326", always_xy=True).transform(*naive.total_bounds[:2])
    assert not NRW[0] < wrong[0] < NRW[2]
    projection = metadata("koeln-stadtteile-lieferung")["crs"]
    repaired = naive.set_crs(projection, allow_override=True)
    assert repaired.crs.to_epsg() is None
    assert naive.loc[~naive.geometry.is_valid, "STT_NR"].tolist() == ["202"]
    clean = load("koeln-stadtteile")
    assert repaired.to_crs(4326).total_bounds == pytest.approx(clean.total_bounds, abs=1e-5)
    assert naive["STT_NR"].tolist() == clean["stadtteil_nr"].tolist()


def test_delivery_kitas_comma_null_island_and_duplicates(load):
    rows = rows_of("krefeld-kitas-lieferung")
    assert len(rows) == 107
    island = [row["Nr"] for row in rows if (row["Breite"], row["Länge"]) == ("0", "0")]
    assert island == ["058"]
    rest = [row for row in rows if row["Nr"] != "058"]
    assert all(re.fullmatch(r"\d+,\d{6}", row[c]) for row in rest for c in ("Breite", "Länge"))
    with pytest.raises(ValueError, match="could not convert"):
        float(rest[0]["Breite"])
    table = pd.DataFrame(rows)
    assert table.loc[table.duplicated(), "Nr"].tolist() == ["012", "047", "090"]
    clean = load("krefeld-kitas").set_index("nr")
    for row in rest:
        point = clean.geometry[row["Nr"]]
        assert (float(row["Länge"].replace(",", ".")), float(row["Breite"].replace(",", "."))) == (
            point.x,
            point.y,
        )
        assert row["Name"] == clean["name"][row["Nr"]]
