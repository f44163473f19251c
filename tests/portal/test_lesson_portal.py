"""Lesson 4 of chapter 04 and the final piece, executed as a learner would, on the real portal (way A of the lesson)."""

from __future__ import annotations

import csv
import json
import shutil

import ckanapi
import nbformat
import pytest
import requests
from nbclient import NotebookClient
from portal_processes import gone, processes

from opendata_kurs import paths, portal
from opendata_kurs.publishing import check_final, validate_metadata

pytestmark = [pytest.mark.portal, pytest.mark.slow]

CHAPTER = "04_veroeffentlichen"


@pytest.fixture(scope="module")
def folder(tmp_path_factory, portal_environment):
    """The portal's default folder, in a data folder of its own, so that the notebooks find it without being told."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("daten")))
        patch.delenv("CKAN_URL", raising=False)
        patch.delenv("CKAN_TOKEN", raising=False)
        folder = portal.default_folder()
        yield folder
        left = processes(folder)
        portal.stop(lambda text: None, folder=folder)
        assert gone(left)


@pytest.fixture(scope="module")
def chapter(tmp_path_factory):
    target = tmp_path_factory.mktemp("arbeit") / CHAPTER
    shutil.copytree(paths.course_dir() / CHAPTER, target, ignore=shutil.ignore_patterns("mein_*", "abschluss_*", "dateninventar.csv"))
    return target


def run(chapter, name: str, **lines: str) -> tuple[dict[str, str], str]:
    """Execute a notebook with some lines replaced; return the text of each cell's outputs, and everything as JSON."""
    notebook = nbformat.read(chapter / name, as_version=4)
    for old, new in lines.values():
        assert sum(old in cell.source for cell in notebook.cells) == 1
        for cell in notebook.cells:
            cell.source = cell.source.replace(old, new)
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(chapter)}}).execute()
    texts = {
        cell.id: "".join(o.get("text", "") or o.get("data", {}).get("text/plain", "") for o in cell.outputs)
        for cell in notebook.cells if cell.cell_type == "code"
    }
    return texts, json.dumps(notebook, ensure_ascii=False)


def api(folder) -> ckanapi.RemoteCKAN:
    url, token = portal.connection(folder=folder)
    return ckanapi.RemoteCKAN(url, apikey="".join(token), user_agent="opendata-kurs-test")


def test_lesson_on_the_real_portal(folder, chapter):
    start = {"start": ('portal_starten = "nein"', 'portal_starten = "ja"')}
    meanwhile, _ = run(chapter, "lektion_03_metadaten.ipynb", **start)
    assert meanwhile["portal-vorbereiten"] == "Das Portal startet im Hintergrund. Sie können weiterarbeiten.\n"
    shown, everything = run(chapter, "lektion_04_ins_portal.ipynb", **start)
    assert "Das Portal ist bereit" in shown["portal-starten"] or "läuft schon" in shown["portal-starten"]
    assert shown["weg"].startswith("Weg A: Sie veröffentlichen auf http://127.0.0.1:")
    assert "Veröffentlicht: " in shown["veroeffentlichen"] and "Tabelle mit 291 Zeilen" in shown["veroeffentlichen"]
    assert "Treffer: 44" in shown["abfrage"] and len(shown["abfrage"].splitlines()) == 4
    assert shown["jetzt-sie-zelle"].strip() == "Spielplätze vom Typ 3 – 36"
    assert "Aktualisiert: " in shown["erneuern"] and shown["erneuern"].count("erneuert") == 2
    assert "Nichts gefunden." in shown["ernten"]
    assert "Spielplätze: 400 von 405 Punkten (ausgezeichnet)" in shown["punkte-online"]
    assert "Noch nichts geändert" in shown["zurueckziehen"] and "Zurückgezogen: " in shown["zurueckziehen"]
    assert "Sichtbar für alle? False" in shown["zurueckziehen"]
    assert shown["wieder-online"].startswith("Aktualisiert – ")
    assert "Weg B" not in "".join(shown.values())
    with open(chapter / "dateninventar.csv", encoding="utf-8", newline="") as file:
        assert [(row["titel"], row["status"]) for row in csv.DictReader(file)] == [("Spielplätze", "veröffentlicht")]

    action = api(folder).action
    dataset = action.package_show(id="spielplaetze")
    assert dataset["private"] is False and [g["name"] for g in dataset["groups"]] == ["soci"]
    files = {r["format"]: r for r in dataset["resources"]}
    assert set(files) == {"CSV", "GeoJSON"}, files.keys()
    found = action.datastore_search(resource_id=files["CSV"]["id"], filters={"spielplatz_nr": "754"})
    assert found["total"] == 1 and found["records"][0]["groesse_m2"] == 2100
    assert action.datastore_search(resource_id=files["CSV"]["id"], limit=0)["total"] == 291
    assert len(requests.get(files["GeoJSON"]["url"], timeout=60).json()["features"]) == 291

    token = "".join(portal.connection(folder=folder).token)
    assert token not in everything
    written = [p for p in chapter.rglob("*") if p.is_file()]
    assert written and not any(token.encode() in p.read_bytes() for p in written)


def test_final_piece_on_the_real_portal(folder, chapter):
    """After the lesson: the exercise finds the running portal and brings its description into the hand-in folder."""
    if not portal.status(folder=folder).running:
        portal.start(lambda text: None, folder=folder)
    shown, everything = run(chapter, "uebung_04_ins_portal.ipynb")
    assert "/dataset/abschluss-spielplaetze" in shown["export"] and "Es läuft kein Portal" not in shown["export"]
    assert check_final(chapter).ok
    assert "http://127.0.0.1:" in (chapter / "abschluss_portal.ttl").read_text(encoding="utf-8")
    assert validate_metadata(chapter / "abschluss_portal.ttl").findings == []
    assert "veröffentlicht" in shown["inventar"]
    assert "".join(portal.connection(folder=folder).token) not in everything


def test_without_portal_the_lesson_goes_on(folder, chapter):
    """Way B after way A: the portal is stopped, the same notebook runs through with its stable sentence."""
    stop = {"stop": ('portal_beenden = "nein"', 'portal_beenden = "ja"')}
    portal.stop(lambda text: None, folder=folder)
    shown, _ = run(chapter, "lektion_04_ins_portal.ipynb", **stop)
    assert "Weg B" in shown["weg"] and "Nichts gefunden." in shown["ernten"]
    assert "Das Portal lief nicht." in shown["portal-beenden"]
    assert "Weg B: Diesen Schritt gibt es nur mit Portal." in shown["veroeffentlichen"]
