"""Copies of the gradebook, made before each run, and the way back. SQLite by itself, PostgreSQL with its own programs."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import datetime
from pathlib import Path

from . import config as cfg

KEEP = 20
NO_BACKUP = ("Achtung: Von den Bewertungen entsteht keine Sicherung. {why}\nInstallieren Sie die Programme pg_dump und pg_restore"
             " (unter Debian und Ubuntu: Paket postgresql-client), oder sichern Sie den Server selbst.")


class NoBackup(RuntimeError):
    """A copy could not be made; the message is German and says why."""


def backup(course: cfg.Course, keep: int = KEEP) -> Path | None:
    """Copy the gradebook into `sicherungen/`, keep the newest `keep`; None when there is none yet, or when it cannot be copied.

    The latter is told on stderr: a server without its programs at hand is backed up by whoever runs it.
    """
    folder = course.dir / "sicherungen"
    target = folder / f"gradebook-{datetime.now():%Y%m%d-%H%M%S-%f}{_ending(course)}"
    if course.db_url.startswith("postgresql"):
        folder.mkdir(exist_ok=True)
        try:
            _dump(course.db_url, target)
        except NoBackup as error:
            print(NO_BACKUP.format(why=error), file=sys.stderr, flush=True)
            return None
    else:
        source = course.dir / "gradebook.db"
        if not course.db_url.startswith("sqlite:///") or not source.is_file():
            return None
        folder.mkdir(exist_ok=True)
        # SQLite's own backup is consistent even while formgrader writes
        with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
            old.backup(new)
    for outdated in backups(course)[keep:]:
        outdated.unlink()
    return target


def _ending(course: cfg.Course) -> str:
    return ".pgdump" if course.db_url.startswith("postgresql") else ".db"


def backups(course: cfg.Course) -> list[Path]:
    """Return the copies of this kind of gradebook, newest first."""
    return sorted((course.dir / "sicherungen").glob(f"gradebook-*{_ending(course)}"), reverse=True)


def restore(course: cfg.Course, copy: Path | None = None) -> Path:
    """Bring a copy back (default: the newest). The present gradebook is copied first; raises FileNotFoundError in German."""
    chosen = copy or next(iter(backups(course)), None)
    if chosen is None or not chosen.is_file():
        raise FileNotFoundError("Es gibt keine Sicherung der Bewertungen.")
    if chosen.suffix != _ending(course):
        raise FileNotFoundError(f"Die Sicherung {chosen.name} gehört zu einer anderen Art von Datenbank. Vorhandene zeigt: kurs restore --liste")
    if chosen.suffix == ".pgdump":
        try:
            _program("pg_restore", "--list", str(chosen))
            backup(course, keep=KEEP + 1)
            # one transaction: an error leaves the gradebook as it was
            _program("pg_restore", *_where(course.db_url), "--clean", "--if-exists", "--no-owner", "--single-transaction", str(chosen), url=course.db_url)
        except NoBackup as error:
            raise FileNotFoundError(f"Die Sicherung {chosen.name} ließ sich nicht zurückholen. {error}") from error
        return chosen
    with closing(sqlite3.connect(chosen)) as old:
        if old.execute("pragma integrity_check").fetchone()[0] != "ok":
            raise FileNotFoundError(f"Die Sicherung {chosen.name} ist beschädigt.")
        backup(course, keep=KEEP + 1)
        with closing(sqlite3.connect(course.dir / "gradebook.db")) as new:
            old.backup(new)
    return chosen


# --- PostgreSQL ---------------------------------------------------------------------------------------------------------


def _dump(url: str, target: Path) -> None:
    try:
        _program("pg_dump", *_where(url), "--format=custom", "--file", str(target), url=url)
    except NoBackup:
        target.unlink(missing_ok=True)
        raise
    target.chmod(0o600)


def _where(url: str) -> list[str]:
    from sqlalchemy.engine import make_url

    found = make_url(url)
    named = {"--host": found.host or found.query.get("host"), "--port": found.port, "--username": found.username, "--dbname": found.database}
    return [f"{key}={value}" for key, value in named.items() if value]


def _program(name: str, *arguments: str, url: str = "") -> None:
    """Run one of PostgreSQL's programs; the password travels in the environment, where other users cannot read it."""
    from sqlalchemy.engine import make_url

    found = shutil.which(name) or next((str(p) for p in sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)), None)
    if not found:
        raise NoBackup(f"Das Programm {name} fehlt.")
    password = make_url(url).password if url else None
    done = subprocess.run([found, "--no-password", *arguments] if url else [found, *arguments], capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL, env={**os.environ, "LC_ALL": "C"} | ({"PGPASSWORD": str(password)} if password else {}))
    if done.returncode:
        raise NoBackup(f"{name} meldet: {(done.stderr.strip().splitlines() or ['Fehler'])[-1][:300]}")
