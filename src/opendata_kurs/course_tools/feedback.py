"""German feedback: one page per exercise (nbgrader's GenerateFeedback with our template), one overview per hand-in."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

import nbformat
import yaml

from opendata_kurs.grading import speed

from . import config as cfg
from .preprocessors import heading_of, number


@dataclass
class ExerciseResult:
    """Points of one exercise of one hand-in; `notes` are German; `needs_person` asks for manual grading."""

    name: str
    points: float
    max: float
    needs_person: bool = False
    notes: list[str] = field(default_factory=list)
    cells: dict[str, float | None] = field(default_factory=dict)


def results(course: cfg.Course, chapter: str, student: str) -> list[ExerciseResult]:
    """Read the points of one hand-in from the gradebook, the notes from its files."""
    from nbgrader.api import Grade, MissingEntry, SubmittedNotebook
    from sqlalchemy.orm import joinedload

    found = []
    with course.gradebook() as gb:
        gb.db.expire_all()  # grading may have opened it before the points were saved
        try:
            submission = gb.find_submission(chapter, student)
        except MissingEntry:
            return []
        # one query instead of one per cell; held until the end, since the session forgets what nobody holds
        cells = gb.db.query(Grade).join(SubmittedNotebook).filter(SubmittedNotebook.assignment_id == submission.id).options(joinedload(Grade.cell)).all()
        for notebook in sorted(submission.notebooks, key=lambda n: n.name):
            found.append(ExerciseResult(
                notebook.name, float(notebook.score), float(notebook.max_score), bool(notebook.needs_manual_grade),
                notes_of(course, chapter, student, notebook.name),
                {g.name: (None if g.needs_manual_grade and g.manual_score is None else float(g.score)) for g in cells if g.notebook_id == notebook.id},
            ))
    return found


def notes_of(course: cfg.Course, chapter: str, student: str, notebook: str) -> list[str]:
    """Return the German notes on one exercise: from collecting, and from the sanitizer in the autograded notebook."""
    notes = read_notes(course.folder("submitted", student, chapter)).get(notebook, [])
    file = course.folder("autograded", student, chapter) / f"{notebook}.ipynb"
    if file.is_file():
        notes = notes + json.loads(file.read_text(encoding="utf-8"))["metadata"].get("opendata_kurs", {}).get("hinweise", [])
    elif not notes:
        notes = ["Diese Übung fehlt in der Abgabe. Sie zählt mit 0 Punkten."]
    return notes


NOTES_FILE = "kurs-hinweise.json"


def read_notes(folder: Path) -> dict[str, list[str]]:
    """Return the notes that collecting left beside a hand-in, by notebook (`""`: the whole hand-in)."""
    try:
        data = json.loads((folder / NOTES_FILE).read_bytes())
        return {str(name): [str(note)[:500] for note in notes][:30] for name, notes in data.items() if isinstance(notes, list)}
    except (OSError, ValueError, AttributeError, RecursionError):
        return {}  # none, or what a hand-in put in its place


def write_notes(folder: Path, notes: dict[str, list[str]]) -> None:
    """Keep notes beside a hand-in."""
    (folder / NOTES_FILE).write_text(json.dumps(notes, ensure_ascii=False, indent=1), encoding="utf-8")


_STYLE = (
    ":root{color-scheme:light}body{margin:0;background:#fff;color:#1b1b1b;font:1rem/1.55 system-ui,'DejaVu Sans',sans-serif}"
    "main{max-width:52rem;margin:0 auto;padding:1rem}table{border-collapse:collapse;width:100%}"
    "th,td{border:1px solid #767676;padding:.35rem .6rem;text-align:left;vertical-align:top}h1,td{overflow-wrap:anywhere}.zahl{white-space:nowrap}a{color:#0b4a8f}"
    "a:focus-visible{outline:3px solid #0b57d0;outline-offset:2px}"
)


def exercise_title(course: cfg.Course, chapter: str, exercise: str) -> str:
    """Return the heading of an exercise, or its file name where there is none."""
    file = course.release_dir(chapter) / f"{exercise}.ipynb"
    return (heading_of(nbformat.read(file, as_version=4)) if file.is_file() else "") or exercise


def chapter_title(course: cfg.Course, chapter: str) -> str:
    """Return "Kapitel 1: …" from the chapter's kapitel.yml, or the folder's name where there is none."""
    file = course.source / chapter / "kapitel.yml"
    title = yaml.safe_load(file.read_text(encoding="utf-8")).get("titel") if file.is_file() else None
    number_ = re.match(r"\d+", chapter)
    return f"Kapitel {int(number_[0])}: {title}" if title and number_ else title or chapter


def write_feedback(course: cfg.Course, chapter: str, student: str) -> Path:
    """Write the pages of one hand-in and its overview `index.html`; return the overview's path."""
    with speed.one_gradebook():
        return _write_feedback(course, chapter, student)


def _write_feedback(course: cfg.Course, chapter: str, student: str) -> Path:
    target = course.folder("feedback", student, chapter)
    if any(course.folder("autograded", student, chapter).glob(f"{cfg.EXERCISES}.ipynb")):
        course.feedback(chapter, student)
        # nbgrader copies every file of the hand-in there, its secret included; only the pages are feedback
        for file in [p for p in target.rglob("*") if p.is_file() and p.suffix != ".html"]:
            file.unlink()
    target.mkdir(parents=True, exist_ok=True)
    found = results(course, chapter, student)
    rows = []
    for r in found:
        page = target / f"{r.name}.html"
        name = escape(exercise_title(course, chapter, r.name))
        title = f'<a href="{escape(page.name)}">{name}</a>' if page.is_file() else name
        notes = "".join(f"<li>{escape(n)}</li>" for n in r.notes)
        waiting = "<br>Eine Antwort liest noch eine Person." if r.needs_person else ""
        rows.append(f"<tr><td>{title}{waiting}{f'<ul>{notes}</ul>' if notes else ''}</td><td class='zahl'>{number(r.points)} von {number(r.max)}</td></tr>")
    whole = "".join(f"<li>{escape(n)}</li>" for n in read_notes(course.folder("submitted", student, chapter)).get("", []))
    total, best = number(sum(r.points for r in found)), number(sum(r.max for r in found))
    heading = escape(chapter_title(course, chapter))
    index = target / "index.html"
    index.write_text(
        f'<!DOCTYPE html><html lang="de"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Rückmeldung: {heading}</title><style>{_STYLE}</style></head><body><main><h1>Rückmeldung: {heading}</h1>"
        f"<p><strong>{total} von {best} Punkten</strong></p><p>Kürzel: {escape(student)}</p>{f'<ul>{whole}</ul>' if whole else ''}"
        '<table><thead><tr><th scope="col">Übung</th><th scope="col">Punkte</th></tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></main></body></html>\n", encoding="utf-8")
    return index
