"""Hand in and collect: one zip per chapter, nothing foreign gets out of it or into the trainer's folder."""

from __future__ import annotations

import io
import json
import re
import stat
import time
import zipfile
from pathlib import Path

import pytest
from grading_fixtures import CHAPTER, EXERCISE, PERFECT, QUIZ, HandIn, copy_release, released_course

from opendata_kurs import cli, handin
from opendata_kurs.course_tools.collect import collect
from opendata_kurs.course_tools.feedback import write_feedback
from opendata_kurs.course_tools.grade import grade
from opendata_kurs.course_tools.gradebook_backup import backups, restore
from opendata_kurs.course_tools.roundtrip import build_handin


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    return released_course(tmp_path_factory.mktemp("leitung"))


@pytest.fixture
def course(released):
    import shutil

    for step in ("submitted", "eingang", "autograded", "feedback"):
        shutil.rmtree(released.dir / step, ignore_errors=True)
    return released


@pytest.fixture
def chapter(released, tmp_path) -> Path:
    return copy_release(released, tmp_path / "Mein Ordner ü")


def _zip(path: Path, files: dict[str, bytes | str], manifest: dict | None = None) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        if manifest is not None:
            archive.writestr("abgabe.json", json.dumps(manifest))
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def _manifest(student="blau-17", when="2026-11-22T10:00:00Z", chapter=CHAPTER):
    return {"format": handin.FORMAT, "kapitel": chapter, "kuerzel": student, "erstellt": when}


# --- the learner's side -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("good", ["ab", "blau-17", "x" * 20, " Blau-17 "])
def test_token_is_accepted(good):
    assert handin.TOKEN.fullmatch(handin.check_token(good))


@pytest.mark.parametrize("bad", ["", "a", "x" * 21, "ä-1", "a b", "../x", "a/b", "a_b", "a.b"])
def test_token_is_refused_with_a_reason(bad):
    with pytest.raises(handin.HandInError, match="2 bis 20 Zeichen"):
        handin.check_token(bad)


def test_zip_holds_exercises_and_answers_only(chapter, monkeypatch):
    from opendata_kurs.questions import antwort

    monkeypatch.chdir(chapter)
    antwort(QUIZ, 3, "12,5")
    (chapter / "privat.txt").write_text("geheim", encoding="utf-8")
    (chapter / f"{EXERCISE}.neu.ipynb").write_bytes((chapter / f"{EXERCISE}.ipynb").read_bytes())
    made = handin.make_handin(chapter, "blau-17")
    assert made.path == chapter.parent / f"abgabe_{CHAPTER}_blau-17.zip"
    with zipfile.ZipFile(made.path) as archive:
        assert sorted(archive.namelist()) == ["abgabe.json", f"antworten-{QUIZ}.json", f"{EXERCISE}.ipynb"]
        manifest = json.loads(archive.read("abgabe.json"))
    assert set(manifest) == {"format", "kapitel", "kuerzel", "erstellt"}
    text = handin.summary(made)
    assert "noch offen: 1, 2" in text and "drei Punkte" in text and "Eine Textantwort ist noch leer." in text


def test_exported_files_named_by_the_exercise_go_along(chapter):
    file = chapter / f"{EXERCISE}.ipynb"
    nb = json.loads(file.read_text(encoding="utf-8"))
    nb["metadata"]["opendata_kurs"]["abgabe"] = ["karte.html", "../geheim.txt"]
    file.write_text(json.dumps(nb), encoding="utf-8")
    (chapter / "karte.html").write_text("<p>Karte</p>", encoding="utf-8")
    (chapter.parent / "geheim.txt").write_text("x", encoding="utf-8")
    assert [f.name for f in handin.handin_files(chapter)] == [f"{EXERCISE}.ipynb", "karte.html"]


def test_cell_asks_once_and_remembers(chapter, monkeypatch, capsys):
    monkeypatch.chdir(chapter)
    monkeypatch.setattr("builtins.input", lambda prompt: "gruen-4")
    handin.abgabe()
    monkeypatch.setattr("builtins.input", lambda prompt: pytest.fail("asked again"))
    handin.abgabe()
    assert (chapter.parent / f"abgabe_{CHAPTER}_gruen-4.zip").is_file()
    assert "Ihr Kürzel „gruen-4“" in capsys.readouterr().out


def test_cell_does_nothing_while_grading(chapter, monkeypatch, capsys):
    monkeypatch.chdir(chapter)
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    handin.abgabe()
    assert capsys.readouterr().out == ""


def test_folder_without_exercise_is_refused(tmp_path):
    with pytest.raises(handin.HandInError, match="liegt keine Übung"):
        handin.make_handin(tmp_path, "blau-17")


def test_command_hands_in(chapter, capsys):
    assert cli.main(["abgabe", "--ordner", str(chapter.parent), "--kapitel", "1", "--kuerzel", "rot-9"]) == 0
    assert f"abgabe_{CHAPTER}_rot-9.zip" in capsys.readouterr().out
    assert cli.main(["abgabe", "--ordner", str(chapter.parent), "--kapitel", "1", "--kuerzel", "../x"]) == 1
    assert cli.main(["abgabe", "--ordner", str(chapter.parent / "fehlt")]) == 1


# --- the trainer's side -----------------------------------------------------------------------------------------


def test_collect_takes_what_the_learner_made(course, chapter):
    made = handin.make_handin(chapter, "blau-17")
    (one,) = collect([made.path], course)
    assert one.ok and one.student == "blau-17" and one.chapter == CHAPTER
    target = course.folder("submitted", "blau-17", CHAPTER)
    assert (target / f"{EXERCISE}.ipynb").is_file() and not (target / "abgabe.json").exists()
    kept = list((course.dir / "eingang" / CHAPTER / "blau-17").iterdir())
    assert [k.read_bytes() for k in kept] == [made.path.read_bytes()]


def test_newest_handin_counts_in_any_order(course, tmp_path):
    old = _zip(tmp_path / "alt.zip", {"a.txt": "alt"}, _manifest(when="2026-11-22T10:00:00Z"))
    new = _zip(tmp_path / "neu.zip", {"a.txt": "neu"}, _manifest(when="2026-11-22T11:00:00Z"))
    target = course.folder("submitted", "blau-17", CHAPTER) / "a.txt"
    collect([new, old], course)
    assert target.read_text(encoding="utf-8") == "neu"
    (again,) = collect([old], course)
    assert "neuere Abgabe" in again.message and target.read_text(encoding="utf-8") == "neu"
    assert len(list((course.dir / "eingang" / CHAPTER / "blau-17").iterdir())) == 2


def test_collect_reads_a_download_full_of_zips(course, chapter, tmp_path):
    """Moodle and ILIAS: a zip (or folder) with one folder per person, each with the learner's zip."""
    made = handin.make_handin(chapter, "blau-17").path.read_bytes()
    other = handin.make_handin(chapter, "rot-9").path.read_bytes()
    download = _zip(tmp_path / "moodle.zip", {"Muster_123_assignsubmission_file_/abgabe.zip": made,
                                              "Beispiel_124_assignsubmission_file_/abgabe.zip": other, "__MACOSX/x": b""})
    assert {c.student for c in collect([download], course) if c.ok} == {"blau-17", "rot-9"}
    folder = tmp_path / "ilias" / "Person 1"
    folder.mkdir(parents=True)
    (folder / "abgabe (1).zip").write_bytes(made)
    assert all(c.ok for c in collect([folder.parent], course))


def test_name_of_the_zip_is_enough(course, chapter, tmp_path):
    notebook = (chapter / f"{EXERCISE}.ipynb").read_bytes()
    (one,) = collect([_zip(tmp_path / f"abgabe_{CHAPTER}_gelb-3.zip", {f"ordner/{EXERCISE}.ipynb": notebook})], course)
    assert one.ok and one.student == "gelb-3"
    assert (course.folder("submitted", "gelb-3", CHAPTER) / f"{EXERCISE}.ipynb").is_file()


@pytest.mark.parametrize("name", ["../../boese.txt", "/etc/boese.txt", "C:\\boese.txt", "..\\..\\boese.txt", "a/../../b", "x\ny"])
def test_path_tricks_are_refused(course, tmp_path, name):
    (one,) = collect([_zip(tmp_path / "z.zip", {name: "x"}, _manifest())], course)
    assert not one.ok and "unerlaubten Pfad" in one.message
    assert not course.folder("submitted", "blau-17", CHAPTER).exists()
    assert not list(tmp_path.rglob("boese.txt"))


@pytest.mark.parametrize(("manifest", "reason"), [
    (_manifest(student="../../nachbar"), "unerlaubte Zeichen"), (_manifest(chapter="../x"), "nicht ausgegeben"),
    (None, "zu wem"), ({"kapitel": ["x"], "kuerzel": {}}, ""),
])
def test_manifest_is_not_trusted(course, tmp_path, manifest, reason):
    (one,) = collect([_zip(tmp_path / "z.zip", {"a.txt": "x"}, manifest)], course)
    assert not one.ok and reason in one.message


def test_symlink_is_refused(course, tmp_path):
    info = zipfile.ZipInfo(f"{EXERCISE}.ipynb")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    path = tmp_path / "z.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("abgabe.json", json.dumps(_manifest()))
        archive.writestr(info, "/etc/passwd")
    (one,) = collect([path], course)
    assert not one.ok and "Symlink" in one.message
    folder = tmp_path / "ordner"
    folder.mkdir()
    (folder / "abgabe.json").write_text(json.dumps(_manifest()), encoding="utf-8")
    (folder / "a.ipynb").symlink_to("/etc/passwd")
    (two,) = collect([folder], course)
    assert not two.ok and "Symlink" in two.message


def test_huge_content_is_refused(course, tmp_path):
    (one,) = collect([_zip(tmp_path / "bombe.zip", {"a.txt": b"0" * (handin.MAX_BYTES + 1)}, _manifest())], course)
    assert not one.ok and "50 MB" in one.message
    (many,) = collect([_zip(tmp_path / "viele.zip", {f"{i}.txt": "" for i in range(300)}, _manifest())], course)
    assert not many.ok and "200 Dateien" in many.message


def test_lying_size_in_the_header_is_refused(course, tmp_path):
    """A header may claim a small size for much data: reading stops at the limit."""
    path = _zip(tmp_path / "luege.zip", {"a.txt": b"0" * 1000}, _manifest())
    raw = path.read_bytes().replace((1000).to_bytes(4, "little"), (1).to_bytes(4, "little"))
    path.write_bytes(raw)
    (one,) = collect([path], course)
    assert not one.ok


def test_broken_zip_does_not_stop_the_others(course, chapter, tmp_path):
    broken = tmp_path / "kaputt.zip"
    broken.write_bytes(b"PK\x03\x04 kaputt")
    found = collect([broken, handin.make_handin(chapter, "blau-17").path, tmp_path / "fehlt.zip"], course)
    assert sorted(c.ok for c in found) == [False, False, True]
    assert any("beschädigt" in c.message for c in found) and any("gibt es nicht" in c.message for c in found)


# --- the run over a cohort --------------------------------------------------------------------------------------


def test_grade_feedback_export_restore(course, capsys):
    """Three hand-ins, one of them broken: the others keep their results, only new ones are graded again."""
    for student in ("gut-1", "gut-2"):
        HandIn(course, student)
    broken = HandIn(course, "kaputt")
    broken.file.write_text("{", encoding="utf-8")
    for student in ("gut-1", "gut-2", "kaputt"):
        (course.folder("submitted", student, CHAPTER) / "timestamp.txt").write_text("2026-11-22 10:00:00 UTC\n", encoding="utf-8")
    option = ["--kursordner", str(course.dir)]
    assert cli.main(["grade", *option]) == 0
    out = capsys.readouterr().out
    assert "gut-1: 9 von 11 Punkten, ein Freitext wartet auf eine Person" in out and "kaputt: 0 von 11 Punkten" in out
    assert "ist beschädigt und lässt sich nicht öffnen" in out

    began = time.monotonic()
    grade(course)
    again = time.monotonic() - began
    (course.folder("submitted", "gut-2", CHAPTER) / "timestamp.txt").write_text("2026-11-22 11:00:00 UTC\n", encoding="utf-8")
    build_handin(course, CHAPTER, EXERCISE, "gut-2", {**PERFECT, "loesungen": None})
    (course.folder("submitted", "gut-2", CHAPTER) / "timestamp.txt").write_text("2026-11-22 11:00:00 UTC\n", encoding="utf-8")
    points = {g.student: g.points for g in grade(course)}
    assert points == {"gut-1": 9.0, "gut-2": 5.0, "kaputt": 0.0}
    assert again < 5

    assert cli.main(["feedback", *option]) == 0
    page = (course.folder("feedback", "gut-1", CHAPTER) / f"{EXERCISE}.html").read_text(encoding="utf-8")
    files = {p.suffix for p in course.folder("feedback", "gut-1", CHAPTER).rglob("*") if p.is_file()}
    assert files == {".html"}
    for secret in ("VERSTECKT", "grade_quiz", "check_number(anzahl, 2", "mathjax", "Ein Nutzen ist konkret", "<script", "http://", "cdn"):
        assert secret not in page, secret
    assert '<html lang="de">' in page

    assert cli.main(["export", *option]) == 0
    rows = (course.dir / "punkte.csv").read_text(encoding="utf-8-sig").splitlines()
    assert rows[0] == "kapitel,kuerzel,uebung,punkte,punkte_moeglich,wartet_auf_person,abgegeben_am,hinweise"
    assert f"{CHAPTER},gut-1,{EXERCISE},9,11,ja,2026-11-22T10:00:00Z," in rows

    before = backups(course)
    assert len(before) == 3  # one per run
    (course.dir / "gradebook.db").write_bytes(b"kaputt")
    (course.dir / "gradebook.db").unlink()
    restore(course)
    with course.gradebook() as gb:
        assert gb.find_submission(CHAPTER, "gut-1").score == 9.0


def test_foreign_markup_does_not_reach_the_feedback_page(course):
    hand_in = HandIn(course, "skript")

    def work(nb):
        hand_in.cell(nb, f"text-{QUIZ}-nutzen").source = (
            'Text <script>alert(1)</script><img src="https://boese.example/x.png" alt="Bild"> <a href="javascript:alert(1)">x</a> ![b](https://boese.example/y.png)')
        hand_in.cell(nb, "anzahl").source = "from IPython.display import HTML\nanzahl = 2\nHTML('<script>alert(2)</script><img src=x onerror=alert(3)>')"
    hand_in.change(work)
    hand_in.grade()
    page = (write_feedback(course, CHAPTER, "skript").parent / f"{EXERCISE}.html").read_text(encoding="utf-8")
    # the markup may be shown as text, and an address may be a link: nothing of it may run or load by itself
    elements = re.findall(r"<[a-zA-Z][^>]*>", page)
    for element in elements:
        assert not re.match(r"<(script|img|iframe|object|embed|link)\b", element) and not re.search(r"""(src=|javascript|onerror)""", element), element
    assert "&lt;script" in page, "control: the markup was there"


def test_backups_are_rotated(course):
    from opendata_kurs.course_tools.gradebook_backup import backup

    for _ in range(5):
        backup(course, keep=3)
    assert len(backups(course)) == 3


def test_missing_release_is_a_german_sentence(tmp_path, capsys):
    for command in ("grade", "feedback"):
        assert cli.main([command, "--kursordner", str(tmp_path)]) == 1
        assert "kurs release" in capsys.readouterr().err
    assert cli.main(["restore", "--kursordner", str(tmp_path)]) == 1
    assert "keine Sicherung" in capsys.readouterr().err


def test_zip_reader_is_not_fooled_by_nested_zips(course, tmp_path):
    """A zip in a zip in a zip is not unpacked further."""
    inner = io.BytesIO()
    _zip(inner, {"a.txt": "x"})
    middle = io.BytesIO()
    _zip(middle, {"innen.zip": inner.getvalue()}, _manifest())
    (one,) = collect([_zip(tmp_path / "aussen.zip", {"mitte.zip": middle.getvalue()})], course)
    assert one.ok and (course.folder("submitted", "blau-17", CHAPTER) / "innen.zip").is_file()
