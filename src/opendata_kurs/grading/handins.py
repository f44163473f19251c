"""Look at a hand-in's folder before anything opens it, and tell whether it changed since it was graded."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from pathlib import Path
from typing import Any

from opendata_kurs.course_tools import config as cfg

from .incidents import shown

MAX_BYTES = 60_000_000
MAX_NOTEBOOK = 20_000_000
MAX_FILES = 300


def refusal(folder: Path) -> str:
    """Return why a hand-in is not opened (German), or an empty text."""
    total = count = 0
    if folder.is_symlink():
        return "Der Ordner der Abgabe ist ein Verweis (Symlink). Die Abgabe wurde nicht geöffnet."
    for place, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            info = os.lstat(os.path.join(place, name))
            count += 1
            if stat.S_ISLNK(info.st_mode):
                return f"Die Abgabe enthält einen Verweis auf eine andere Datei (Symlink: {shown(name, 60)}). Sie wurde nicht geöffnet."
            if not (stat.S_ISREG(info.st_mode) or stat.S_ISDIR(info.st_mode)):
                return f"Die Abgabe enthält etwas, das keine Datei ist ({shown(name, 60)}). Sie wurde nicht geöffnet."
            if stat.S_ISREG(info.st_mode) and info.st_nlink > 1:
                return f"Die Datei {shown(name, 60)} ist mit einer anderen Datei verknüpft (Hardlink). Die Abgabe wurde nicht geöffnet."
            total += info.st_size if stat.S_ISREG(info.st_mode) else 0
            if name.endswith(".ipynb") and info.st_size > MAX_NOTEBOOK:
                return f"Das Notebook {shown(name, 60)} ist zu groß (mehr als {MAX_NOTEBOOK // 1_000_000} MB). Bitte löschen Sie große Ausgaben und geben Sie neu ab."
        if total > MAX_BYTES:
            return f"Die Abgabe ist zu groß (mehr als {MAX_BYTES // 1_000_000} MB). Bitte geben Sie nur Notebooks und Antworten ab."
        if count > MAX_FILES:
            return f"Die Abgabe enthält mehr als {MAX_FILES} Dateien. Bitte geben Sie nur Notebooks und Antworten ab."
    return ""


def _digest(folder: Path) -> str:
    found = hashlib.sha256()
    for file in sorted(p for p in folder.rglob("*") if p.is_file() and not p.is_symlink() and p.stat().st_size <= MAX_BYTES):
        if file.name == "kurs-hinweise.json":  # written while grading
            continue
        with file.open("rb") as stream:
            found.update(f"{file.relative_to(folder)}\0{hashlib.file_digest(stream, 'sha256').hexdigest()}\n".encode())
    return found.hexdigest()


def version(course: cfg.Course, chapter: str) -> str:
    """Return a fingerprint of the exercises themselves: a new release means grading again."""
    return hashlib.sha256((_digest(course.release_dir(chapter)) + _digest(course.source / chapter)).encode()).hexdigest()


def fingerprint(course: cfg.Course, chapter: str, student: str, exercises: str) -> str:
    """Return a fingerprint of one hand-in together with the exercises it answers."""
    return hashlib.sha256((_digest(course.folder("submitted", student, chapter)) + exercises).encode()).hexdigest()


def state_file(course: cfg.Course, chapter: str, student: str) -> Path:
    """Return where the outcome of a finished hand-in is noted."""
    return course.dir / "bewertungsstand" / chapter / f"{student}.json"


def read_state(course: cfg.Course, chapter: str, student: str) -> dict[str, Any]:
    """Return what is noted about a hand-in; empty when it was not finished."""
    try:
        data = json.loads(state_file(course, chapter, student).read_text(encoding="utf-8"))
        return data if isinstance(data, dict) else {}
    except (OSError, ValueError):
        return {}


def write_state(course: cfg.Course, chapter: str, student: str, state: dict[str, Any]) -> None:
    """Note a finished hand-in in one step."""
    file = state_file(course, chapter, student)
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_suffix(".neu")
    temporary.write_text(json.dumps(state, ensure_ascii=False), encoding="utf-8")
    os.replace(temporary, file)
