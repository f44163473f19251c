"""`kurs abgabe` and `kurs auswerten`: hand in, and grade one's own work on the own machine."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import webbrowser
from pathlib import Path

from .. import paths


def register(subparsers) -> None:
    """Add `abgabe` and `auswerten`."""
    hand_in = subparsers.add_parser("abgabe", help="packt die Übungen eines Kapitels in eine Zip-Datei")
    own = subparsers.add_parser("auswerten", help="bewertet die eigenen Übungen auf diesem Rechner")
    for parser in (hand_in, own):
        parser.add_argument("--ordner", type=Path, help="Arbeitsordner (sonst Open-Data-Kurs im eigenen Benutzerordner)")
        parser.add_argument("--kapitel", help="Nummer oder Name des Kapitels (sonst alle bearbeiteten)")
    hand_in.add_argument("--kuerzel", help="Ihr Kürzel, zum Beispiel blau-17 (ein Name ist nicht nötig)")
    hand_in.set_defaults(run=run_hand_in)
    own.add_argument("--kein-browser", action="store_true", help="die Rückmeldung nicht im Browser öffnen")
    own.set_defaults(run=run_own)


def _workspace(args: argparse.Namespace) -> Path:
    return Path(args.ordner or os.environ.get("KURS_ORDNER") or paths.default_workspace()).expanduser().resolve()


def worked_on(chapter_dir: Path) -> bool:
    """Tell whether a learner has begun a chapter's exercises: answers saved, or an empty place filled."""
    from .._pruefen import cells_of

    if any(chapter_dir.glob("antworten-*.json")):
        return True
    exercises = [f for f in chapter_dir.glob("uebung_*.ipynb") if not f.name.endswith(".neu.ipynb")]
    return any(c.get("execution_count") for f in exercises for c in cells_of(f))


def _chapters(workspace: Path, wanted: str | None) -> list[Path]:
    from ..course_tools.release import resolve_chapter

    if not workspace.is_dir():
        raise ValueError(f"Den Arbeitsordner {workspace} gibt es nicht. Starten Sie zuerst den Kurs: kurs start")
    names = sorted(p.parent.name for p in workspace.glob("*/uebung_*.ipynb"))
    if wanted:
        return [workspace / resolve_chapter(wanted, sorted(set(names)))]
    found = [workspace / n for n in sorted(set(names)) if worked_on(workspace / n)]
    if not found:
        raise ValueError("Es ist noch keine Übung bearbeitet. Ein Kapitel wählen Sie mit --kapitel 1.")
    return found


def run_hand_in(args: argparse.Namespace) -> int:
    """Run `kurs abgabe`."""
    from ..handin import _TOKEN_FILE, _TOKEN_RULE, check_token, make_handin, remembered_token, summary

    workspace = _workspace(args)
    try:
        chapters = _chapters(workspace, args.kapitel)
        token = args.kuerzel or remembered_token(workspace)
        if token is None:
            token = input(f"Ihr Kürzel ({_TOKEN_RULE}). Ein Name ist nicht nötig: ")
        token = check_token(token)
        (workspace / _TOKEN_FILE).write_text(token + "\n", encoding="utf-8")
        for chapter in chapters:
            print(summary(make_handin(chapter, token)) + "\n")
    except (ValueError, RuntimeError, OSError, EOFError) as error:
        print(str(error) or "Es fehlt das Kürzel. Geben Sie es an: kurs abgabe --kuerzel blau-17", file=sys.stderr)
        return 1
    return 0


def run_own(args: argparse.Namespace) -> int:
    """Run `kurs auswerten`."""
    workspace = _workspace(args)
    try:
        pages = [evaluate(chapter) for chapter in _chapters(workspace, args.kapitel)]
    except (ValueError, RuntimeError, OSError) as error:
        print(str(error), file=sys.stderr)
        return 1
    for page in pages:
        print(f"Rückmeldung: {page}")
        if not args.kein_browser:
            webbrowser.open(page.as_uri())
    return 0


def evaluate(chapter_dir: Path, course_dir: Path | None = None) -> Path:
    """Grade a chapter of a learner's workspace with a temporary trainer's folder; return the overview page.

    The pages go to `rueckmeldung/<chapter>/` in the workspace. Nothing else in the workspace changes.
    """
    from ..course_tools.config import Course
    from ..course_tools.feedback import write_feedback
    from ..course_tools.grade import grade_one, table
    from ..course_tools.release import _generate
    from ..handin import handin_files

    source = Path(course_dir or paths.course_dir()) / chapter_dir.name
    if not source.is_dir():
        raise ValueError(f"Das Kapitel „{chapter_dir.name}“ gehört nicht zu diesem Kurs.")
    print(f"{chapter_dir.name}: Die Auswertung läuft. Das dauert je Übung einige Sekunden …", flush=True)
    student = "eigene-arbeit"
    with tempfile.TemporaryDirectory(prefix="kurs-auswerten-") as tmp:
        course = Course(tmp)
        _generate(course, source, chapter_dir.name)
        folder = course.folder("submitted", student, chapter_dir.name)
        folder.mkdir(parents=True)
        for file in handin_files(chapter_dir):
            shutil.copyfile(file, folder / file.name)
        graded = grade_one(course, chapter_dir.name, student)
        if graded.error:
            raise ValueError(f"{chapter_dir.name}: {graded.error}")
        write_feedback(course, chapter_dir.name, student)
        target = chapter_dir.parent / "rueckmeldung" / chapter_dir.name
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(course.folder("feedback", student, chapter_dir.name), target)
        print(table([graded]))
    return target / "index.html"
