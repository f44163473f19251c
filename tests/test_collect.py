"""`kurs collect` on downloads as Moodle and ILIAS make them: whose is what, no tricks, one bad hand-in stops nobody."""

from __future__ import annotations

import io
import json
import shutil
import stat
import unicodedata
import zipfile
from pathlib import Path

import pytest
from grading_fixtures import CHAPTER, EXERCISE, released_course

from opendata_kurs import cli, handin
from opendata_kurs.course_tools import collect as module
from opendata_kurs.course_tools.collect import collect

NOTEBOOK = json.dumps({"cells": [], "metadata": {"opendata_kurs": {"uebung": EXERCISE}}, "nbformat": 4, "nbformat_minor": 5})


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    return released_course(tmp_path_factory.mktemp("leitung"))


@pytest.fixture
def course(released):
    for step in ("submitted", "eingang"):
        shutil.rmtree(released.dir / step, ignore_errors=True)
    return released


def _zip(files: dict[str, bytes | str], target: Path | None = None) -> bytes | Path:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    if target is None:
        return buffer.getvalue()
    target.write_bytes(buffer.getvalue())
    return target


def _handin(student: str, when: str = "2026-11-22T10:00:00Z", **files) -> bytes:
    manifest = {"format": handin.FORMAT, "kapitel": CHAPTER, "kuerzel": student, "erstellt": when}
    return _zip({"abgabe.json": json.dumps(manifest), f"{EXERCISE}.ipynb": NOTEBOOK, **files})


def _name(student: str) -> str:
    return f"abgabe_{CHAPTER}_{student}.zip"


def test_moodle_download(course, tmp_path, capsys):
    """One folder per person, umlauts in names, a second attempt, an online text, one person with loose files, one broken zip."""
    blue = _handin("blau-17")
    moodle = _zip({
        f"Müller-Lüdenscheidt Änne_10231_assignsubmission_file_/{_name('blau-17')}": blue,
        f"Özdemir Cem_10232_assignsubmission_file_/Unterordner/{_name('rot-9')}": _handin("rot-9"),
        "Özdemir Cem_10232_assignsubmission_onlinetext_/onlinetext.html": "<p>Hier ist meine Abgabe</p>",
        f"Kaputt Karl_10233_assignsubmission_file_/{_name('kaputt-1')}": b"PK\x03\x04 kaputt",
        f"Lose Lena_10234_assignsubmission_file_/{EXERCISE}.ipynb": NOTEBOOK,
        "Ausgepackt Uwe_10235_assignsubmission_file_/abgabe.json": zipfile.ZipFile(io.BytesIO(_handin("gelb-3"))).read("abgabe.json"),
        f"Ausgepackt Uwe_10235_assignsubmission_file_/{EXERCISE}.ipynb": NOTEBOOK,
        "__MACOSX/._x": b"",
    }, tmp_path / "OD-Kurs-Kapitel 1-4711.zip")
    assert cli.main(["collect", str(moodle), "--kursordner", str(course.dir)]) == 1
    text = capsys.readouterr().out
    assert f"übernommen  blau-17, {CHAPTER} (aus „Müller-Lüdenscheidt Änne_10231_assignsubmission_“): 1 Dateien übernommen" in text
    assert f"übernommen  rot-9, {CHAPTER} (aus „Özdemir Cem_10232" in text and f"übernommen  gelb-3, {CHAPTER} (aus „Ausgepackt Uwe_10235" in text
    assert "ABGELEHNT   abgabe_01_mini_kaputt-1.zip (aus „Kaputt Karl_10233" in text and "Die Zip-Datei ist beschädigt" in text
    assert "(aus „Lose Lena_10234_assignsubmission_“): Es ist nicht zu erkennen, welches Kürzel dazu gehört." in text
    assert "3 übernommen, 2 abgelehnt. Weiter mit: kurs grade" in text
    assert course.students(CHAPTER) == ["blau-17", "gelb-3", "rot-9"]
    kept = list((course.dir / "eingang" / CHAPTER / "blau-17").iterdir())
    assert [k.read_bytes() for k in kept] == [blue], "the original stays as it came"


def test_moodle_without_folders(course, tmp_path):
    """Moodle's setting „Einreichungen in Verzeichnissen herunterladen“ switched off."""
    flat = _zip({f"Muster Anna_1_assignsubmission_file_{_name('blau-17')}": _handin("blau-17"),
                 f"Beispiel Bert_2_assignsubmission_file_{_name('rot-9')}": _handin("rot-9")}, tmp_path / "moodle.zip")
    assert {(c.ok, c.student) for c in collect([flat], course)} == {(True, "blau-17"), (True, "rot-9")}


def test_ilias_download(course, tmp_path):
    """ILIAS: a folder „Abgaben“, one folder per person with id, and once a zip around the zip."""
    nested = _zip({_name("rot-9"): _handin("rot-9")})
    ilias = {f"Übung 1/Abgaben/mustermann_anna_amuster_4711/{_name('blau-17')}": _handin("blau-17"), "Übung 1/Abgaben/beispiel_bert_bbsp_4712/meine Abgabe.zip": nested}
    expected = {(True, "blau-17"), (True, "rot-9")}
    assert {(c.ok, c.student) for c in collect([_zip(ilias, tmp_path / "ilias.zip")], course)} == expected
    for name, data in ilias.items():
        file = tmp_path / "entpackt" / name
        file.parent.mkdir(parents=True)
        file.write_bytes(data)
    found = collect([tmp_path / "entpackt"], course)
    assert {(c.ok, c.student) for c in found} == expected and any("aus „mustermann_anna_amuster_4711“" in c.message for c in found)


def test_one_name_for_two_people_is_taken_from_neither(course, tmp_path):
    """Else somebody could replace another person's hand-in by naming their Kürzel."""
    download = _zip({f"Muster Anna_1_assignsubmission_file_/{_name('blau-17')}": _handin("blau-17"),
                     f"Frech Fritz_2_assignsubmission_file_/{_name('blau-17')}": _handin("blau-17", "2026-11-22T12:00:00Z"),
                     f"Beispiel Bert_3_assignsubmission_file_/{_name('rot-9')}": _handin("rot-9")}, tmp_path / "moodle.zip")
    found = collect([download], course)
    assert [c.student for c in found if c.ok] == ["rot-9"]
    refused = [c.message for c in found if not c.ok]
    assert len(refused) == 2 and all("von mehreren Personen: Frech Fritz_2_assignsubmission_, Muster Anna_1_assignsubmission_" in m for m in refused)
    assert not course.folder("submitted", "blau-17", CHAPTER).exists()
    again = _zip({f"Muster Anna_1_assignsubmission_file_/{_name('blau-17')}": _handin("blau-17"),
                  f"Muster Anna_1_assignsubmission_file_/alt/{_name('blau-17')}": _handin("blau-17", "2026-11-21T10:00:00Z")}, tmp_path / "m2.zip")
    assert all(c.ok for c in collect([again], course)), "two attempts of one person are no conflict"


@pytest.mark.parametrize("name", ["../../boese.txt", "/etc/boese.txt", "C:\\boese.txt", "C:boese.txt", "..\\boese.txt", "a/../../b", "x\ny", "CON", "a/nul.txt",
                                  "datei.txt:strom", "punkt.", "leer ", "x\u202efdp.exe"])
def test_path_tricks_are_refused_and_stop_nobody(course, tmp_path, name):
    bad = _zip({"abgabe.json": "{}", name: "x"})
    with zipfile.ZipFile(io.BytesIO(bad)) as archive:  # control: the name really is in there
        assert name in archive.namelist()
    download = _zip({f"Frech Fritz_2_assignsubmission_file_/{_name('frech-1')}": bad, f"Muster Anna_1_assignsubmission_file_/{_name('blau-17')}": _handin("blau-17")}, tmp_path / "m.zip")
    found = {c.name: c for c in collect([download], course)}
    assert "unerlaubten Pfad" in found[_name("frech-1")].message and found[_name("blau-17")].ok
    assert not list(tmp_path.rglob("boese.txt"))


def test_symlink_and_password_are_refused(course, tmp_path):
    link = zipfile.ZipInfo("a.ipynb")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "link.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    raw = bytearray(_handin("blau-17"))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = raw.find(mark)
        while at >= 0:
            raw[at + offset] |= 1
            at = raw.find(mark, at + 4)
    (tmp_path / "geheim.zip").write_bytes(bytes(raw))
    found = collect([tmp_path / "link.zip", tmp_path / "geheim.zip"], course)
    assert ["Symlink" in found[0].message, "Kennwort" in found[1].message] == [True, True] and not any(c.ok for c in found)


def test_same_name_in_upper_and_lower_case(course, tmp_path):
    accent = unicodedata.normalize("NFD", "größe.txt")
    packed = _handin("blau-17", **{"A.txt": "1", "a.TXT": "2", accent: "3", "unter/größe.txt": "4"})
    (one,) = collect([_write(tmp_path / _name("blau-17"), packed)], course)
    target = course.folder("submitted", "blau-17", CHAPTER)
    assert one.ok and "Mehrere Dateien heißen a.TXT" in one.message and (target / "A.txt").read_text() == "1" and not (target / "a.TXT").exists()
    assert (target / "größe.txt").read_text() == "3", "an accent has one form"


def _write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def test_zip_bombs_are_stopped(course, tmp_path, monkeypatch):
    """A person's zips may unpack to a limit together; the person beside keeps their hand-in."""
    monkeypatch.setattr(module, "MAX_BYTES", 1_000_000)
    many = {f"Frech Fritz_2_assignsubmission_file_/{n}/{_name(f'frech-{n}')}": _handin(f"frech-{n}", **{"null.bin": b"0" * 900_000}) for n in range(9)}
    download = _zip(many | {f"Muster Anna_1_assignsubmission_file_/{_name('blau-17')}": _handin("blau-17"),
                            f"Groß Gerd_3_assignsubmission_file_/{_name('gross-1')}": _handin("gross-1", **{"null.bin": b"0" * 1_100_000})}, tmp_path / "m.zip")
    assert download.stat().st_size < 40_000, "control: it looks small"
    found = collect([download], course)
    assert 3 <= sum(c.ok for c in found if c.student.startswith("frech")) <= 4 and any(c.ok and c.student == "blau-17" for c in found)
    assert all("zu groß" in c.message for c in found if not c.ok) and not any(c.ok for c in found if "gross-1" in c.name)


def test_planted_notes_and_names_do_no_harm(course, tmp_path):
    packed = _handin("blau-17", **{"kurs-hinweise.json": "[]", ".versteckt": "x"})
    (one,) = collect([_write(tmp_path / "abgabe\x1b[2J.zip", packed)], course)
    assert one.ok and sorted(p.name for p in course.folder("submitted", "blau-17", CHAPTER).iterdir()) == ["timestamp.txt", f"{EXERCISE}.ipynb"]
    (two,) = collect([_write(tmp_path / "x\x1b[2J.zip", b"kaputt")], course)
    assert "\x1b" not in two.message
