"""check_table names every defect, and only real ones."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from opendata_kurs.paths import datasets_dir
from opendata_kurs.publishing import check_table, read_table
from opendata_kurs.publishing.encodings import decode
from opendata_kurs.publishing.grid import find_separator
from opendata_kurs.publishing.report import load_yaml

FIXTURES = Path(__file__).parent / "fixtures" / "tabellen"
DEFECTS = load_yaml("defects.yml")
BROKEN = sorted(p for p in FIXTURES.iterdir() if not p.name.startswith("sauber"))
CLEAN = sorted(FIXTURES.glob("sauber*"))


def defect_of(path: Path) -> str:
    """The longest defect id that the file is named after (`encoding-utf16.csv` → `encoding`)."""
    return max((d for d in DEFECTS if path.stem.startswith(d)), key=len)


@pytest.mark.parametrize("path", BROKEN, ids=lambda p: p.name)
def test_every_defect_is_named(path):
    report = check_table(path)
    assert defect_of(path) in report, report.text()
    for finding in report:
        assert finding.what and finding.repair and "{" not in finding.what + finding.repair


@pytest.mark.parametrize("path", CLEAN, ids=lambda p: p.name)
def test_clean_file_gives_no_alarm(path):
    report = check_table(path)
    assert [f.id for f in report if f.level != "info"] == [], report.text()


def test_every_table_defect_has_a_fixture():
    have = {defect_of(p) for p in BROKEN}
    not_from_a_file = {d for d in DEFECTS if d.startswith("schema-")} | {"check-stopped"}
    assert set(DEFECTS) - have - not_from_a_file == set()


def packages():
    return sorted(datasets_dir().glob("*/datapackage.json"))


@pytest.mark.parametrize("package", packages(), ids=lambda p: p.parent.name)
def test_datasets(package):
    """Every extract passes without an error; in a delivery each declared defect is named."""
    meta = json.loads(package.read_text("utf-8"))
    declared = {d["id"] for d in meta.get("defects", [])}
    names = load_yaml("declared_defects.yml")
    for resource in meta["resources"]:
        if resource["format"] == "xlsx" and not meta.get("delivery"):  # a workbook with faults, made for a lesson
            assert {"preamble"} <= set(check_table(package.parent / resource["path"]).ids)
            continue
        if resource["format"] == "json":  # the answer of an API, no table
            continue
        path = package.parent / resource["path"]
        if not path.exists():
            pytest.skip(f"{path.name} is not there yet")
        report = check_table(path)
        if meta.get("delivery"):
            for id in declared:
                assert set(names.get(id, [id])) & set(report.ids), f"{id} not named in\n{report}"
        else:
            assert report.errors == [], report.text()
            with_rules = check_table(path, schema=meta)
            assert with_rules.errors == [], with_rules.text()


def test_report_names_row_column_what_and_repair():
    report = check_table(FIXTURES / "mixed-types.csv")
    finding = report.by_id("mixed-types")[0]
    assert (finding.rows, finding.column) == ((4,), "einwohner")
    assert "Zeile 4, Spalte „einwohner“" in report.text() and "ungefähr 900" in report.text()
    html = report._repr_html_()
    assert '<th scope="col"' in html and 'lang="de"' in html and "einwohner" in html
    assert list(report.to_frame().columns) == ["art", "kennung", "mangel", "stelle", "was", "reparatur"]


def test_html_escapes_values(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("a,b\n1,2\n<script>alert(1)</script>,3\n4,5\n5,6\n", "utf-8")
    assert "<script>" not in check_table(path)._repr_html_()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "iso-8859-1", "cp1252", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp850"])
def test_encodings(encoding):
    text = "name;fläche\nGroßer Weiher;12 km²\nSüd;3\nÖstlich über Höhe;4\n"
    assert decode(text.encode(encoding)).text == text


def test_latin1_is_not_taken_for_cp1250():
    assert decode("Fläche in km²\n".encode("latin-1")).text == "Fläche in km²\n"
    assert decode("Preis „neu“ 5 €\n".encode("cp1252")).text == "Preis „neu“ 5 €\n"


@pytest.mark.parametrize(("text", "separator"), [
    ("a;b;c\n1,5;2,5;3,5\n1,5;2,5;4,0\n", ";"),
    ("Titel der Tabelle\nStand, gestern\n\na;b;c\n1;2;3\n4;5;6\n7;8;9\n", ";"),
    ('a,b\n"x;y",1\n"z;w",2\n', ","),
    ("a\tb\n1\t2\n", "\t"), ("a|b\n1|2\n", "|"), ("a\n1\n2\n", ","),
])
def test_separators(text, separator):
    assert find_separator(text) == separator


def test_read_table_returns_the_data_of_a_messy_sheet():
    table = read_table(FIXTURES / "merged-header-mappe.xlsx")
    assert list(table.columns) == ["Schlüssel", "Stadt", "Fläche in km²", "Bevölkerung insgesamt", "Bevölkerung männlich", "Bevölkerung weiblich"]
    assert table.iloc[0, 0] == "05111" and len(table) == 4 and table.index[0] == 4


def test_missing_file_is_german():
    with pytest.raises(FileNotFoundError, match="gibt es nicht"):
        check_table(FIXTURES / "nirgends.csv")


SCHEMA = {"fields": [
    {"name": "nr", "type": "string", "constraints": {"pattern": r"\d{3}"}},
    {"name": "stadtteil", "type": "string", "constraints": {"required": True, "enum": ["Altstadt", "Süd", "Neuhöfen", "Am Kanal"]}},
    {"name": "einwohner", "type": "integer", "constraints": {"minimum": 0, "maximum": 12000}},
    {"name": "flaeche_km2", "type": "number"}, {"name": "stichtag", "type": "date"}, {"name": "fehlt", "type": "string"}],
    "primaryKey": ["nr"]}


def test_rules_have_german_messages(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("nr,stadtteil,einwohner,flaeche_km2,stichtag,mehr\n001,Altstadt,12,1.5,2024-01-01,x\n01,,13000,a,01.01.2024,y\n"
                    "001,Woanders,12.5,1.5,2024-01-01,z\n", "utf-8")
    report = check_table(path, schema=SCHEMA)
    places = {(f.id, f.column): f.rows for f in report if f.id.startswith("schema-")}
    assert places == {
        ("schema-missing-column", "fehlt"): (), ("schema-extra-column", "mehr"): (), ("schema-pattern", "nr"): (3,),
        ("schema-unique", "nr"): (2, 4), ("schema-required", "stadtteil"): (3,), ("schema-enum", "stadtteil"): (4,),
        ("schema-type", "einwohner"): (4,), ("schema-range", "einwohner"): (3,), ("schema-type", "flaeche_km2"): (3,),
        ("schema-type", "stichtag"): (3,)}
    assert "Erwartet sind ganze Zahlen" in report.text()


def test_schema_may_be_a_datapackage_file(tmp_path):
    (tmp_path / "datapackage.json").write_text(json.dumps({"resources": [{"schema": SCHEMA}]}), "utf-8")
    report = check_table(FIXTURES / "sauber.csv", schema=tmp_path / "datapackage.json")
    assert report.ids == ["schema-missing-column", "schema-enum", "schema-range"]


def big_table(path: Path, rows: int) -> Path:
    lines = ["baum_id,stadtteil_nr,art,pflanzjahr,stammumfang_cm,hoehe_m,kontrolle,lat,lon,bemerkung"]
    lines += [f"{i:06d},{i % 50:03d},Winter-Linde {i % 90},{1900 + i % 120},{20 + i % 300},{i % 30}.5,20{i % 20:02d}-03-{1 + i % 28:02d},"
              f"51.{200000 + i},6.{700000 + i},steht an Haus {i % 99}" for i in range(rows)]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


@pytest.mark.slow
def test_200000_rows_in_seconds_with_progress(tmp_path):
    path = big_table(tmp_path / "baeume.csv", 200_000)
    seen, start = [], time.process_time()
    report = check_table(path, progress=lambda share, text: seen.append((share, text)))
    assert report.errors == [] and time.process_time() - start < 20
    shares = [s for s, _ in seen]
    assert len(seen) > 10 and shares == sorted(shares) and shares[-1] == 1.0
    assert any("Spalte „art“" in text for _, text in seen)
