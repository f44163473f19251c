"""Points as CSV: one row per learner and exercise, plus one row per chapter (`uebung` = `gesamt`)."""

from __future__ import annotations

import csv
from pathlib import Path

from . import config as cfg
from .feedback import results

COLUMNS = {
    "kapitel": "Ordner des Kapitels",
    "kuerzel": "Kürzel aus der Abgabe",
    "uebung": "Name des Notebooks; gesamt = Summe des Kapitels",
    "punkte": "erreichte Punkte (Dezimalpunkt)",
    "punkte_moeglich": "mögliche Punkte",
    "wartet_auf_person": "ja, solange ein Freitext oder eine auffällige Prüfung nicht von Hand bewertet ist",
    "abgegeben_am": "Zeitpunkt der Abgabe in UTC, ISO 8601; leer, wenn unbekannt",
    "hinweise": "deutsche Hinweise zur Abgabe, mit | getrennt",
}


def _cell(text: str) -> str:
    # spreadsheet programs run cells that begin like a formula
    return "'" + text if text[:1] in ("=", "+", "-", "@", "\t") else text


def export_csv(course: cfg.Course, target: Path, chapters: list[str] | None = None) -> int:
    """Write the CSV (comma, UTF-8 with BOM for Excel) and return the number of rows."""
    rows = []
    for chapter in chapters or course.chapters():
        for student in course.students(chapter):
            stamp = course.folder("submitted", student, chapter) / "timestamp.txt"
            when = stamp.read_text(encoding="utf-8").strip().removesuffix(" UTC").replace(" ", "T") + "Z" if stamp.is_file() else ""
            found = results(course, chapter, student)
            for r in found:
                rows.append([chapter, student, r.name, f"{r.points:g}", f"{r.max:g}", "ja" if r.needs_person else "nein", when, _cell(" | ".join(r.notes))])
            rows.append([chapter, student, "gesamt", f"{sum(r.points for r in found):g}", f"{sum(r.max for r in found):g}",
                         "ja" if any(r.needs_person for r in found) else "nein", when, "" if found else "noch nicht bewertet"])
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(rows)
    return len(rows)
