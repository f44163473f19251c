"""The portal's folder: what lies where, who may read it, and who works on it right now."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

MARKER = "open-data-kurs-portal"
# A socket's path may have 107 bytes at most.
_SOCKET_PATH_LIMIT = 100


class PortalError(Exception):
    """Something a person has to know; the text is German."""


class Folder:
    """One portal's state. Readable by its owner only: it holds passwords and the token."""

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().absolute()
        self.data = self.path / "postgres"
        self.storage = self.path / "dateien"
        self.index = self.path / "suche.sqlite"
        self.logs = self.path / "protokoll"
        self.web_file = self.path / "web.json"
        self.access_file = self.path / "zugang.json"
        self._info_file = self.path / "portal.json"
        self._secrets_file = self.path / "geheim.json"

    @property
    def is_portal(self) -> bool:
        """Say whether the folder exists and was made by this program."""
        return self.info().get("art") == MARKER

    def info(self) -> dict[str, Any]:
        """Return what is known of the portal: `fertig` (set up completely), `port`."""
        return read_json(self._info_file)

    def note(self, **values: Any) -> None:
        """Remember values in portal.json."""
        write_json(self._info_file, {**self.info(), **values})

    def prepare(self) -> None:
        """Create the folder, or clear the leftovers of a start that did not come to its end.

        Raises PortalError when the folder holds something else.
        """
        if self.path.exists() and not self.is_portal:
            foreign = [entry.name for entry in self.path.iterdir() if entry.name not in (".sperre",)]
            if foreign:
                raise PortalError(
                    f"Der Ordner {self.path} enthält schon etwas anderes. "
                    "Nennen Sie mit --ordner einen leeren Ordner."
                )
        self.path.mkdir(parents=True, exist_ok=True)
        self.path.chmod(0o700)
        if not self.info().get("fertig"):
            self.clear()
            self.note(art=MARKER, fertig=False)
        for part in (self.storage, self.logs):
            part.mkdir(exist_ok=True)

    def clear(self) -> None:
        """Remove database, files and secrets; the folder itself and its lock stay."""
        for entry in self.path.iterdir():
            if entry.name == ".sperre":
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()

    def secrets(self) -> dict[str, str]:
        """Return the portal's random passwords; made at the first call."""
        known = read_json(self._secrets_file)
        if not known:
            names = ("postgres", "ckan", "leser", "schluessel", "kennwort")
            known = {name: secrets.token_urlsafe(24) for name in names}
            write_json(self._secrets_file, known)
        return known

    def socket_folder(self) -> Path:
        """Return a private folder with a path short enough for PostgreSQL's socket."""
        inside = self.path / "socket"
        if len(os.fsencode(inside / ".s.PGSQL.5432.lock")) > _SOCKET_PATH_LIMIT:
            name = hashlib.sha256(os.fsencode(self.path)).hexdigest()[:12]
            inside = Path(tempfile.gettempdir()) / f"od-portal-{os.getuid()}-{name}"
        inside.mkdir(mode=0o700, exist_ok=True)
        if inside.is_symlink() or inside.stat().st_uid != os.getuid():
            raise PortalError(f"Der Ordner {inside} gehört jemand anderem. Bitte löschen lassen.")
        inside.chmod(0o700)
        return inside

    @contextmanager
    def lock(self, waiting: Callable[[], None], seconds: float = 240) -> Iterator[None]:
        """Keep two starts or stops from running into each other; calls `waiting` once if it has to wait."""
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / ".sperre").open("a") as handle:
            end, told = time.monotonic() + seconds, False
            while True:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if not told:
                        waiting()
                        told = True
                    if time.monotonic() > end:
                        raise PortalError(
                            "Ein anderer Start oder Stopp läuft noch. Versuchen Sie es in einigen Minuten wieder."
                        ) from None
                    time.sleep(0.2)
            yield


def read_json(path: Path) -> dict[str, Any]:
    """Return a JSON object, or an empty one when the file is absent or damaged."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Write a JSON object readable by its owner only, whole or not at all."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.neu")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(value, file, ensure_ascii=False, indent=1)
    temporary.replace(path)
