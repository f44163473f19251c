"""The rules of the collection on every dataset, and on copies with one planted fault each."""

import json
import shutil
from pathlib import Path

import dataset_rules as rules
import geopandas as gpd
import pandas as pd
import pytest
from places import RAW, ROOT

from opendata_kurs.datasets import dataset_slugs, delivery_path, load_dataset, metadata

DATASETS = ROOT / "datasets"
FOLDERS = sorted(f.parent for f in DATASETS.glob("*/datapackage.json"))
PROMISED = """duesseldorf-stadtteile duesseldorf-stadtbezirke duesseldorf-stimmbezirke-2020
duesseldorf-ratswahl-2020-stimmbezirke duesseldorf-ratswahl-2020-stadtteile duesseldorf-parkhaeuser
duesseldorf-park-and-ride duesseldorf-behindertenparkplaetze koeln-stadtteile koeln-bevoelkerung
koeln-defibrillatoren koeln-haushalt muenster-stadtteile muenster-schulen muenster-spielplaetze
muenster-haltestellen muenster-glascontainer muenster-radzaehlung krefeld-kitas krefeld-spielplaetze
krefeld-schulen krefeld-strassenbaeume moers-geschaefte nrw-kreise musterdatenkatalog-nrw bahnhoefe-nrw
duesseldorf-stadtteile-osm""".split()
DELIVERIES = """muenster-spielplaetze-lieferung kreise-lieferung muenster-schulen-lieferung
koeln-stadtteile-lieferung krefeld-kitas-lieferung""".split()


def test_all_promised_datasets_are_there():
    assert dataset_slugs() == sorted(PROMISED)
    assert dataset_slugs(deliveries=True) == sorted(DELIVERIES)
    assert all((folder / "prepare.py").is_file() for folder in FOLDERS)


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda r: r.__name__)
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda f: f.name)
def test_rule(folder, rule):
    assert list(rule(folder)) == []


def test_collection_is_small_and_holds_no_raw_file():
    assert list(rules.too_large(DATASETS)) == []
    assert list(rules.raw_files_inside(DATASETS, RAW)) == []


@pytest.mark.skipif(not RAW.is_dir(), reason=f"SKIPPED LOUDLY: the raw data are not here ({RAW.name}), nothing was reproduced")
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda f: f.name)
def test_prepare_reproduces_the_extract_byte_for_byte(folder, tmp_path):
    assert list(rules.not_reproduced(folder, RAW, tmp_path)) == []


# planted faults ------------------------------------------------------------------------------


@pytest.fixture
def copy(tmp_path):
    """Return a function that copies datasets into an empty collection and returns the first folder."""

    def make(*slugs: str) -> Path:
        for slug in slugs:
            shutil.copytree(DATASETS / slug, tmp_path / "datasets" / slug)
        return tmp_path / "datasets" / slugs[0]

    return make


def edit(folder: Path, change) -> None:
    file = folder / "datapackage.json"
    package = json.loads(file.read_text("utf-8"))
    change(package)
    file.write_text(json.dumps(package, ensure_ascii=False), "utf-8")


def replace(folder: Path, old: str, new: str, count: int = 1) -> None:
    """Replace text in the dataset's file; the datapackage keeps its checksum."""
    file = folder / rules.package(folder)["resources"][0]["path"]
    text = file.read_bytes().decode()
    assert old in text
    file.write_bytes(text.replace(old, new, count).encode())


def field(package: dict, name: str) -> dict:
    return next(f for f in package["resources"][0]["schema"]["fields"] if f["name"] == name)


def credit(old: str, new: str = ""):
    return lambda folder: edit(folder, lambda p: p.update(creditLine=p["creditLine"].replace(old, new)))


def invalid_polygon(folder: Path) -> None:
    file = folder / f"{folder.name}.geojson"
    lines = file.read_text("utf-8").splitlines()
    feature = json.loads(lines[1].rstrip(","))
    feature["geometry"] = {"type": "Polygon", "coordinates": [[[6.7, 51.2], [6.8, 51.3], [6.8, 51.2], [6.7, 51.3], [6.7, 51.2]]]}
    lines[1] = json.dumps(feature) + ","
    file.write_text("\n".join(lines) + "\n", "utf-8")


def integer_key(folder: Path) -> None:
    replace(folder, '"stadtteil_nr":"011"', '"stadtteil_nr":11')


def repeat_row(folder: Path) -> None:
    file = folder / f"{folder.name}.csv"
    lines = file.read_text("utf-8").splitlines()
    file.write_text("\n".join([*lines, lines[-1]]) + "\n", "utf-8")


TEILE, RATSWAHL, KATALOG = "duesseldorf-stadtteile", "duesseldorf-ratswahl-2020-stadtteile", "musterdatenkatalog-nrw"
FAULTS = [
    (TEILE, rules.metadata_complete, lambda f: edit(f, lambda p: p.pop("publisher")), "publisher is missing"),
    (TEILE, rules.metadata_complete, lambda f: edit(f, lambda p: p.update(limits=[])), "limits is empty"),
    (TEILE, rules.metadata_complete, lambda f: edit(f, lambda p: p.update(retrieved="21.12.2020")), "retrieved is no date"),
    (TEILE, rules.metadata_complete, lambda f: edit(f, lambda p: p["temporal"].pop("end")), "temporal coverage"),
    (TEILE, rules.metadata_complete, lambda f: edit(f, lambda p: p["spatial"].update(bbox=[51.1, 6.7, 51.4, 6.9])), "outside Germany"),
    (TEILE, rules.metadata_complete, lambda f: edit(f, lambda p: p.update(crs=None)), "crs does not fit"),
    (TEILE, rules.metadata_complete, lambda f: edit(f, lambda p: p["sources"][0].pop("sha256")), "raw checksum"),
    (TEILE, rules.metadata_complete, lambda f: edit(f, lambda p: p.update(themes=["ZZZZ"])), "unknown theme"),
    ("kreise-lieferung", rules.metadata_complete, lambda f: edit(f, lambda p: p.update(defects=[])), "name its defects"),
    (TEILE, rules.columns_described, lambda f: edit(f, lambda p: field(p, "stadtteil").update(name="Stadtteil Größe")), "snake_case"),
    (TEILE, rules.columns_described, lambda f: edit(f, lambda p: field(p, "flaeche_km2").update(unit=None)), "without unit"),
    (TEILE, rules.columns_described, lambda f: edit(f, lambda p: field(p, "stadtteil").update(description="")), "no description"),
    (TEILE, rules.columns_described, lambda f: edit(f, lambda p: field(p, "stadtteil").pop("unit")), "does not say its unit"),
    (TEILE, rules.licence_stated, lambda f: edit(f, lambda p: p["licenses"][0].update(uri="http://dcat-ap.de/def/licenses/dl-by-de/2_0")), "other addresses"),
    (TEILE, rules.licence_stated, lambda f: edit(f, lambda p: p["licenses"][0].update(name="meine-lizenz")), "unknown licence"),
    (RATSWAHL, rules.licence_stated, lambda f: edit(f, lambda p: p.update(licenceNote="Keine Angabe.")), "gives no reason"),
    (TEILE, rules.credit_fulfils_licence, credit("Landeshauptstadt Düsseldorf, Amt für Statistik und Wahlen"), "provider"),
    (TEILE, rules.credit_fulfils_licence, credit("dl-de/by-2-0 (https"), "licence"),
    (TEILE, rules.credit_fulfils_licence, credit("https://www.govdata.de/dl-de/by-2-0"), "licence_link"),
    (TEILE, rules.credit_fulfils_licence, credit("https://open.nrw/dataset/stadtteilgrenzen-duesseldorf-d"), "dataset"),
    (TEILE, rules.credit_fulfils_licence, credit("Daten geändert (Schlüssel dreistellig, Koordinaten auf 6 Stellen gerundet, Fläche berechnet)", "Daten"), "change"),
    (TEILE, rules.files_match, lambda f: replace(f, "Altstadt", "Altstad!"), "checksum"),
    (TEILE, rules.files_match, lambda f: (f / f"{TEILE}.geojson").unlink(), "is missing"),
    (RATSWAHL, rules.files_match, lambda f: (f / f"{RATSWAHL}.csv").write_bytes("stadtteil\r\nDüsseltal".encode("latin-1")), "not UTF-8"),
    (RATSWAHL, rules.frictionless_valid, lambda f: replace(f, "011,Altstadt", "11,Altstadt"), "frictionless"),
    (TEILE, rules.frictionless_valid, lambda f: replace(f, '"flaeche_km2":0.446', '"flaeche_km2":"0,446"'), "frictionless"),
    (RATSWAHL, rules.rows_and_keys, repeat_row, "not unique"),
    (RATSWAHL, rules.rows_and_keys, repeat_row, "51 rows instead of 50"),
    (RATSWAHL, rules.rows_and_keys, lambda f: replace(f, "\n011,", "\n,"), "has gaps"),
    (TEILE, rules.keys_are_text, integer_key, "not text"),
    (RATSWAHL, rules.keys_are_text, lambda f: replace(f, "011,Altstadt", "11,Altstadt"), "leading zero was lost"),
    (TEILE, rules.geometries_valid, invalid_polygon, "1 geometries are missing or invalid"),
    (TEILE, rules.geometries_valid, lambda f: edit(f, lambda p: p["spatial"].update(bbox=[6.75, 51.2, 6.8, 51.3])), "outside the stated box"),
    (TEILE, rules.geometries_valid, lambda f: replace(f, '"features":[\n', '"crs":{},"features":[\n'), "crs member"),
    ("duesseldorf-parkhaeuser", rules.geometries_valid, lambda f: replace(f, "6.789029", "6.78902912"), "six decimals"),
    (KATALOG, rules.no_personal_data, lambda f: replace(f, "Auflistung der", "Fragen an info@stadt.example,"), "e-mail address"),
    (KATALOG, rules.no_personal_data, lambda f: replace(f, "Auflistung der", "Telefon: 0211 89-91234"), "telephone number"),
    (TEILE, rules.no_personal_data, lambda f: edit(f, lambda p: field(p, "stadtteil").update(name="e_mail")), "personal data"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("slug", "rule", "plant", "complaint"), FAULTS, ids=[f"{f[1].__name__}-{f[3].replace(' ', '_')}" for f in FAULTS]
)
def test_rule_finds_a_planted_fault(copy, slug, rule, plant, complaint):
    folder = copy(slug)
    assert list(rule(folder)) == []
    plant(folder)
    assert any(complaint in found for found in rule(folder)), list(rule(folder))


@pytest.mark.parametrize(
    ("slugs", "old", "new"),
    [
        ((TEILE, RATSWAHL, "duesseldorf-stadtbezirke"), '"stadtteil_nr":"054"', '"stadtteil_nr":"999"'),
        (("muenster-schulen", "muenster-stadtteile"), '"coordinates":[7', '"coordinates":[9'),
    ],
)
def test_joins_find_a_planted_fault(copy, slugs, old, new):
    folder = copy(*slugs)
    assert list(rules.joins_hold(folder)) == []
    replace(folder, old, new)
    assert "instead of" in next(rules.joins_hold(folder))


def test_size_and_raw_files_find_a_planted_fault(copy, tmp_path):
    collection = copy(TEILE).parent
    assert list(rules.too_large(collection, limit=1000)) != []
    raw = tmp_path / "raw"
    raw.mkdir()
    (raw / "datei.csv").write_bytes(b"a;b\r\n1;2\r\n")
    assert list(rules.raw_files_inside(collection, raw)) == []
    shutil.copy(raw / "datei.csv", collection / TEILE / "umbenannt.txt")
    assert list(rules.raw_files_inside(collection, raw)) == [f"{TEILE}/umbenannt.txt is a raw file"]


@pytest.mark.skipif(not RAW.is_dir(), reason="SKIPPED LOUDLY: the raw data are not here")
def test_reproduction_finds_a_planted_fault(copy, tmp_path):
    folder = copy("duesseldorf-stadtbezirke")
    shutil.copy(DATASETS / "_prepare.py", folder.parent)
    assert list(rules.not_reproduced(folder, RAW, tmp_path / "out")) == []
    replace(folder, "Düsseldtal", "Düsseltal")
    assert list(rules.not_reproduced(folder, RAW, tmp_path / "out")) == [
        "duesseldorf-stadtbezirke.geojson differs from what prepare.py makes"
    ]
    edit(folder, lambda p: p["sources"][0].update(sha256="0" * 64))
    assert "another checksum" in next(rules.not_reproduced(folder, RAW, tmp_path / "out"))


# facts about the data ------------------------------------------------------------------------


def test_council_election_adds_up():
    districts = load_dataset("duesseldorf-ratswahl-2020-stimmbezirke")
    areas = load_dataset(RATSWAHL).set_index("stadtteil_nr")
    assert districts["art"].value_counts().to_dict() == {"urne": 316, "brief": 138}
    assert districts["wahlberechtigte"].sum() == areas["wahlberechtigte"].sum() == 470_511
    assert districts["waehler"].sum() == areas["waehler"].sum() == 137_091 + 110_265
    parties = list(districts.columns[11:])
    assert len(parties) == 16 and (districts[parties].sum(axis=1) == districts["gueltig"]).all()
    assert (districts["ungueltig"] + districts["gueltig"] == districts["waehler"]).all()
    assert districts.loc[districts["art"] == "brief", "wahlberechtigte"].isna().all()
    assert areas["cdu"].sum() == 41_129 + 40_704
    # Garath: 3,299 at the polling places, 1,486 by post, 12,797 registered
    garath = areas.loc["101"]
    assert (garath["waehler_urne"], garath["waehler_brief"], garath["wahlbeteiligung"]) == (3299, 1486, 37.4)
    hafen = areas.loc["033"]
    assert hafen["wahlberechtigte"] == 69 and pd.isna(hafen["wahlbeteiligung"]) and pd.isna(hafen["waehler_brief"])
    assert "69 Wahlberechtigte" in " ".join(metadata(RATSWAHL)["limits"])


def test_party_without_candidate_stays_empty():
    districts = load_dataset("duesseldorf-ratswahl-2020-stimmbezirke").set_index("stimmbezirk_nr")
    assert pd.isna(districts.loc["0101", "dsp"]) and districts.loc["0101", "widerstand_2020"] == 0


def test_election_names_no_single_candidate():
    for slug in ("duesseldorf-ratswahl-2020-stimmbezirke", RATSWAHL):
        text = "".join(f.read_text("utf-8") for f in (DATASETS / slug).iterdir() if f.suffix in (".csv", ".json", ".py"))
        assert "einzelbewerbung" in text and "Kallen" not in text


def test_leading_zeros_survive():
    areas = load_dataset(TEILE)
    assert areas.loc[areas["stadtteil"] == "Wittlaer", ["stadtteil_nr", "stadtbezirk_nr"]].values.tolist() == [["054", "05"]]
    assert load_dataset("nrw-kreise")["kreis_ars"].str.startswith("05").all()


def test_typos_of_the_city_are_kept_and_named():
    original = " ".join(load_dataset("duesseldorf-stadtbezirke")["stadtteile_original"])
    limits = " ".join(metadata("duesseldorf-stadtbezirke")["limits"])
    for typo in ("Düsseldtal", "Garagth", "Helerhof"):
        assert typo in original and typo in limits
    assert "Knittkuhl" not in original and "Knittkuhl" in limits


def test_invalid_polling_districts_were_repaired_and_counted():
    assert "3 ungültige Geometrien repariert" in " ".join(metadata("duesseldorf-stimmbezirke-2020")["changes"])


def test_catalogue_of_municipal_data_keeps_its_spellings():
    catalogue = load_dataset(KATALOG)
    assert len(catalogue) == 2370 and catalogue["kommune"].nunique() == 39
    assert catalogue["lizenz_angabe"].nunique() == 29 and catalogue["lizenz_angabe"].isna().sum() == 70
    assert (catalogue["lizenz_angabe"] == "Creative Commons Namensnennung (CC-BY)").sum() == 380
    assert "Jühlich" in set(catalogue["kommune"])
    assert catalogue["beschreibung"].str.len().max() <= 1000
    assert not catalogue["beschreibung"].str.contains(r"</?[a-z]+", na=False).any()
    assert any("5 E-Mail-Adressen" in change for change in metadata(KATALOG)["changes"])


def test_stations_lie_in_their_district():
    stations, areas = load_dataset("bahnhoefe-nrw"), load_dataset("nrw-kreise")
    joined = gpd.sjoin(stations, areas, predicate="within")
    assert len(joined) == len(stations) == 704
    assert (joined["kreis_ars_left"] == joined["kreis_ars_right"]).all()
    assert (stations["kreis_ars"] == "05111").sum() == 25
    assert load_dataset("nrw-kreise")["einwohner"].sum() == 17_932_651


def test_api_answer_keeps_the_shape_of_the_original():
    answer = json.loads((DATASETS / "duesseldorf-parkhaeuser" / "antwort.json").read_text("utf-8"))
    records = answer["result"]["records"]
    assert answer["success"] is True and answer["result"]["total"] == 55 and len(records) == 10
    assert all(isinstance(value, str) for record in records for value in record.values())
    assert [f["id"] for f in answer["result"]["fields"]] == list(records[0])


def test_workbook_has_the_declared_defects_and_real_figures():
    from openpyxl import load_workbook

    book = load_workbook(delivery_path("kreise-lieferung"))
    assert book.sheetnames == ["Deckblatt", "Kreise"]
    sheet = book["Kreise"]
    assert {"A4:A5", "F4:I4"} <= {str(area) for area in sheet.merged_cells.ranges}
    rows = list(sheet.iter_rows(values_only=True))
    assert rows[2] == (None,) * 9 and rows[5] == tuple(range(1, 10)) and "2)" in rows[3][5]
    data = [row for row in rows[6:] if row[3]]
    assert len(data) == 401
    city = next(row for row in data if row[2] == "Düsseldorf, Stadt")
    assert city == (5111, "Kreisfreie Stadt", "Düsseldorf, Stadt", "DEA11", 217.41, "619.294", "299.315", "319.979", 2849)
    assert sum(1 for row in rows if row[2] == "Insgesamt") == 17
    assert next(row for row in rows if row[1] == "Deutschland")[5] == "83.019.213"
    assert str(rows[-1][0]).startswith("2)")
    figures = load_dataset("nrw-kreise")
    nrw = {f"{row[0]:05d}": int(row[5].replace(".", "")) for row in data if 5000 <= row[0] < 6000}
    assert nrw == dict(zip(figures["kreis_ars"], figures["einwohner"], strict=True))


def test_the_two_sources_of_the_stadtteile_differ_only_a_little():
    city, osm = load_dataset(TEILE), load_dataset("duesseldorf-stadtteile-osm")
    both = city.merge(pd.DataFrame(osm.drop(columns="geometry")), on="stadtteil", suffixes=("", "_osm"))
    assert len(both) == 50
    assert abs(city["flaeche_km2"].sum() - osm["flaeche_km2"].sum()) < 1
    assert abs(city["flaeche_km2"].sum() - 217.41) < 0.5
