"""Copies of the gradebook, made before each run, and the way back."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

from . import config as cfg

KEEP = 20


def backup(course: cfg.Course, keep: int = KEEP) -> Path | None:
    """Copy the SQLite gradebook into `sicherungen/`, keep the newest `keep`; None when there is none (or a server holds it)."""
    source = course.dir / "gradebook.db"
    if not course.db_url.startswith("sqlite:///") or not source.is_file():
        return None
    folder = course.dir / "sicherungen"
    folder.mkdir(exist_ok=True)
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S-%f")
    target = folder / f"gradebook-{stamp}.db"
    # SQLite's own backup is consistent even while formgrader writes
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)
    for outdated in backups(course)[keep:]:
        outdated.unlink()
    return target


def backups(course: cfg.Course) -> list[Path]:
    """Return the copies, newest first."""
    return sorted((course.dir / "sicherungen").glob("gradebook-*.db"), reverse=True)


def restore(course: cfg.Course, copy: Path | None = None) -> Path:
    """Bring a copy back (default: the newest). The present gradebook is copied first; raises FileNotFoundError in German."""
    chosen = copy or next(iter(backups(course)), None)
    if chosen is None or not chosen.is_file():
        raise FileNotFoundError("Es gibt keine Sicherung der Bewertungen.")
    with closing(sqlite3.connect(chosen)) as old:
        if old.execute("pragma integrity_check").fetchone()[0] != "ok":
            raise FileNotFoundError(f"Die Sicherung {chosen.name} ist beschädigt.")
        backup(course, keep=KEEP + 1)
        with closing(sqlite3.connect(course.dir / "gradebook.db")) as new:
            old.backup(new)
    return chosen
