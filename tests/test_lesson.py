"""Start check, sources, saving and restoring one's work."""

import zipfile

import pytest

from opendata_kurs import lesson


@pytest.fixture
def workspace(tmp_path):
    (tmp_path / ".open-data-kurs").mkdir()
    chapter = tmp_path / "01_was_ist_open_data"
    chapter.mkdir()
    (chapter / "uebung_01_begriff.ipynb").write_text('{"cells": []}', encoding="utf-8")
    (chapter / "antworten-uebung-01-begriff.json").write_text('{"a": 1}', encoding="utf-8")
    (chapter / "fremd.exe").write_bytes(b"MZ")
    return tmp_path


def test_start_check_is_calm_when_all_is_well(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    lesson.start_check()
    assert capsys.readouterr().out.startswith("Alles bereit.")
    assert list(tmp_path.iterdir()) == []


def test_start_check_says_what_is_wrong(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("opendata_kurs.datasets.datasets_dir", lambda: tmp_path / "fehlt", raising=False)
    monkeypatch.setattr("opendata_kurs.datasets.load_dataset", lambda slug: (_ for _ in ()).throw(FileNotFoundError("Die Datei fehlt.")))
    lesson.start_check()
    said = capsys.readouterr().out
    assert "Noch nicht bereit" in said and "Die Datei fehlt." in said


def test_quellen_come_from_the_metadata():
    from opendata_kurs.datasets import metadata

    shown = lesson.quellen("duesseldorf-stadtteile")
    data = metadata("duesseldorf-stadtteile")
    assert data["creditLine"] in shown.text and data["licenses"][0]["title"] in shown.text
    assert f'href="{data["licenses"][0]["path"]}"' in shown.html


def test_save_and_restore(workspace, tmp_path, capsys):
    archive = lesson.stand_sichern(workspace / "01_was_ist_open_data")
    assert archive.parent == workspace
    names = zipfile.ZipFile(archive).namelist()
    assert names == ["01_was_ist_open_data/antworten-uebung-01-begriff.json", "01_was_ist_open_data/uebung_01_begriff.ipynb"]
    answers = workspace / "01_was_ist_open_data" / "antworten-uebung-01-begriff.json"
    answers.write_text('{"a": 2}', encoding="utf-8")
    restored = lesson.stand_laden(archive, workspace)
    assert restored == [answers] and answers.read_text(encoding="utf-8") == '{"a": 1}'
    assert answers.with_name(answers.name + ".vorher").read_text(encoding="utf-8") == '{"a": 2}', "nothing is lost"
    assert "Gesichert: 2 Dateien" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["../boese.ipynb", "/etc/boese.ipynb", "x/boese.sh"])
def test_a_zip_with_path_tricks_is_refused(workspace, tmp_path, name):
    bad = tmp_path / "bad.zip"
    with zipfile.ZipFile(bad, "w") as archive:
        archive.writestr(name, "x")
    with pytest.raises(lesson.StandError, match="nicht zum Kurs gehört"):
        lesson.stand_laden(bad, workspace)
    assert not (workspace.parent / "boese.ipynb").exists()


def test_a_broken_or_missing_zip_is_explained(workspace):
    (workspace / "kaputt.zip").write_bytes(b"PK kaputt")
    with pytest.raises(lesson.StandError, match="keine lesbare Zip-Datei"):
        lesson.stand_laden("kaputt.zip", workspace)
    with pytest.raises(lesson.StandError, match="ist nicht da"):
        lesson.stand_laden("fehlt.zip", workspace)
