"""The final piece: a good folder passes, each typical fault is named, the portal is left alone while grading."""

from __future__ import annotations

import json

import pytest

from opendata_kurs.inventory import InventoryError, load_inventory, save_inventory
from opendata_kurs.publishing import Metadata, check_final, mark_published, portal_export

FIELDS = [{"name": "spielplatz_nr", "type": "string", "description": "Schlüssel des Gartenamts"},
          {"name": "name", "type": "string", "description": "Name des Spielplatzes"},
          {"name": "groesse_m2", "type": "integer", "description": "Fläche in Quadratmetern"}]
ROWS = "spielplatz_nr,name,groesse_m2\n001,Am Bach,300\n002,Lindenhof,450\n003,Wiesengrund,1200\n"
NOTE = "Geprüft wurden alle drei Spalten. Keine davon sagt etwas über einzelne Menschen aus. Entfernt wurde die Spalte mit den Kontrollen."


def metadata(**changes) -> Metadata:
    return Metadata(**{
        "title": "Spielplätze", "description": "Alle Spielplätze mit Name und Größe.", "publisher": "Stadt Musterstadt",
        "contact_name": "Gartenamt", "contact_email": "gartenamt@musterstadt.example", "contributor": "openNRW", "license": "dl-de-by-2.0",
        "attribution": "Stadt Musterstadt, Gartenamt", "themes": ["SOCI"], "keywords": ["Spielplatz"], "spatial_name": "Musterstadt",
        "temporal_start": "2026-01-01", "temporal_end": "2026-01-01", "issued": "2026-11-01", "modified": "2026-11-01", **changes})


@pytest.fixture(autouse=True)
def no_portal(monkeypatch, tmp_path):
    monkeypatch.delenv("CKAN_URL", raising=False)
    monkeypatch.delenv("CKAN_TOKEN", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "daten"))


@pytest.fixture
def mappe(tmp_path):
    folder = tmp_path / "mappe"
    folder.mkdir()
    build(folder)
    return folder


def build(folder, rows=ROWS, fields=FIELDS, note=NOTE, **changes):
    (folder / "abschluss_tabelle.csv").write_text(rows, "utf-8")
    (folder / "abschluss_schema.json").write_text(json.dumps({"fields": fields}), "utf-8")
    (folder / "abschluss_datenschutz.txt").write_text(note, "utf-8")
    described = metadata(**changes).add_file(folder / "abschluss_tabelle.csv")
    described.save(folder / "abschluss_metadaten.json")
    return portal_export(described, folder)


def test_a_good_folder_passes(mappe):
    report = check_final(mappe)
    assert report.ok and not report.findings, report.text()
    assert report.facts["Dateien"] == "5 von 5" and report.facts["Qualität"].endswith("(gut)")


def test_it_can_be_moved(mappe, tmp_path):
    assert check_final(mappe.rename(tmp_path / "woanders")).findings == []


def test_an_empty_folder_names_all_five(tmp_path):
    report = check_final(tmp_path)
    assert set(report.ids) == {"missing-table", "missing-schema", "missing-metadata", "missing-note", "missing-export"}
    assert report.facts["Dateien"] == "0 von 5" and not report.ok


FAULTS = {
    "date-german": {"modified": "01.11.2026"}, "attribution-missing": {"attribution": ""}, "license-closed": {"license": "cc-by-nc-4.0"},
    "schema-column": {"fields": FIELDS[:2]}, "schema-description": {"fields": [*FIELDS[:2], {"name": "groesse_m2", "type": "integer"}]},
    "schema-empty": {"fields": []}, "note-short": {"note": "Alles geprüft."},
    "schema-type": {"rows": ROWS.replace("450", "viele")}, "email": {"rows": ROWS.replace("Am Bach", "erika@musterstadt.example")},
}


@pytest.mark.parametrize("id", FAULTS)
def test_every_fault_is_named(mappe, id):
    build(mappe, **FAULTS[id])
    report = check_final(mappe)
    assert id in report.ids, report.text()
    assert all(": " in f.title and f.repair and "{" not in f.what for f in report)


def test_faults_of_single_files(mappe):
    (mappe / "abschluss_tabelle.csv").write_text(ROWS + "004,Neu,10\n", "utf-8")
    assert "table-changed" in check_final(mappe)
    (mappe / "abschluss_portal.ttl").write_text("kaputt", "utf-8")
    (mappe / "abschluss_schema.json").write_text("[1]", "utf-8")
    (mappe / "abschluss_metadaten.json").write_text('{"titel": 1}', "utf-8")
    assert {"unreadable", "broken-file"} <= set(check_final(mappe).ids)
    build(mappe)
    metadata().save(mappe / "abschluss_metadaten.json")
    assert "metadata-table" in check_final(mappe)
    build(mappe)
    portal_export(metadata(title="Bäume").add_file(mappe / "abschluss_tabelle.csv"), mappe)
    assert check_final(mappe).ids == ["export-other"]
    (mappe / "abschluss_tabelle.csv").write_text("", "utf-8")
    assert "empty-file" in check_final(mappe)


def test_export_without_portal_says_so(mappe):
    assert "Es läuft kein Portal" in build(mappe).text


def test_nothing_is_published_while_grading(mappe, monkeypatch):
    monkeypatch.setenv("CKAN_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("CKAN_TOKEN", "geheim")
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    assert "Es läuft kein Portal" in build(mappe).text


def test_inventory_entry(tmp_path):
    assert "„Spielplätze“" in mark_published("Spielplätze", folder=tmp_path)
    save_inventory([{"titel": "Bäume", "amt": "Gartenamt", "personenbezug": "nein", "rechte_dritter": "keine", "entscheidung": "später",
                     "grund": "Erst prüfen", "status": "in Arbeit"}, *load_inventory(tmp_path).to_dict("records")], tmp_path)
    sentence = mark_published(" bäume ", folder=tmp_path)
    assert sentence == "„Bäume“ steht in Ihrem Dateninventar jetzt als „veröffentlicht“." == mark_published("Bäume", folder=tmp_path)
    table = load_inventory(tmp_path)
    assert list(table["titel"]) == ["Bäume", "Spielplätze"] and set(table["status"]) == {"veröffentlicht"}
    table["personenbezug"] = ["nein", "ja"]
    table["entscheidung"], table["status"], table["grund"] = "nein", "erfasst", "Namen"
    save_inventory(table, tmp_path)
    with pytest.raises(InventoryError, match="Personenbezogene"):
        mark_published("Spielplätze", folder=tmp_path)
