"""Start, stop and reach the course's own CKAN portal.

Everything runs in separate processes with an environment of their own; this module only talks to them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from . import paths, portal_env
from .portal_env import PortalUnavailable

__all__ = ["Connection", "PortalUnavailable", "Status", "connection", "reset", "start", "status", "stop"]

Progress = Callable[[str], None]

_WITHOUT = (
    "Sie können ohne Portal weiterarbeiten: Lektion 4 legt Ihren Datensatz dann in einen statischen Katalog "
    "(opendata_kurs.publishing.static_catalogue)."
)


class Secret(str):
    """A text that does not appear as a cell's result or in a list of variables; programs use it as usual."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Hide the text."""
        return "'•••'"


class Connection(NamedTuple):
    """Address and token of a CKAN portal; `url, token = connection()`."""

    url: str
    token: Secret


@dataclass(frozen=True)
class Status:
    """What the portal does: `state` is laeuft, gestoert, gestoppt, leer or nicht_moeglich; `text` is German."""

    state: str
    url: str | None
    text: str

    @property
    def running(self) -> bool:
        """Say whether the portal answers."""
        return self.state == "laeuft"


def default_folder() -> Path:
    """Return where the portal keeps its data unless told otherwise."""
    return paths.data_dir() / "portal"


def start(
    progress: Progress | None = None,
    *,
    folder: Path | str | None = None,
    port: int | None = None,
    background: bool = False,
) -> str | None:
    """Start the portal, or find that it is running; return its address.

    progress: called with German sentences; by default they are printed.
    folder: where the portal keeps its data; by default the user's data folder.
    port: this port and no other; by default the next free one from 5050 on.
    background: return at once (None); a later `start()` waits for the portal and gives the address.

    The first start builds the portal's environment and takes about a minute, later ones a few seconds. The portal
    goes on running when the notebook is closed. Raises PortalUnavailable with a German text.
    """
    tell = _say if progress is None else progress
    _check_system()
    folder = Path(folder or default_folder()).absolute()
    if background:
        command = [sys.executable, "-m", "opendata_kurs", "portal", "start", "--ordner", str(folder)]
        command += ["--port", str(port)] if port else []
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        tell("Das Portal startet im Hintergrund. Sie können weiterarbeiten.")
        return None
    before = 0
    if not portal_env.ready():
        before = 1
        total = 3 if (folder / "zugang.json").exists() else 5
        tell(
            f"Schritt 1 von {total}: Programme für das Portal einrichten (nur beim ersten Mal, etwa 1 Minute) …"
        )
    try:
        portal_env.ensure(tell)
    except PortalUnavailable as error:
        raise PortalUnavailable(f"{error} {_WITHOUT}") from None
    arguments = ["--port", str(port)] if port else []
    result = _call("start", folder, tell, arguments, before)
    if result["neu"]:
        tell(f"Das Portal ist bereit: {result['url']}")
    else:
        tell(f"Das Portal läuft schon: {result['url']}")
    return result["url"]


def stop(progress: Progress | None = None, *, folder: Path | str | None = None) -> bool:
    """End the portal's processes, and only these; return False if none was running. The data stay."""
    folder = Path(folder or default_folder()).absolute()
    tell = _say if progress is None else progress
    stopped = bool(_usable(folder, tell) and _call("stop", folder, tell))
    tell("Das Portal ist beendet. Ihre Daten bleiben." if stopped else "Das Portal lief nicht.")
    return stopped


def reset(progress: Progress | None = None, *, folder: Path | str | None = None) -> bool:
    """End the portal and delete all its data; return False if there was none."""
    folder = Path(folder or default_folder()).absolute()
    tell = _say if progress is None else progress
    gone = bool(_usable(folder, tell) and _call("reset", folder, tell))
    tell("Das Portal ist leer." if gone else "Es gibt kein Portal.")
    return gone


def status(*, folder: Path | str | None = None) -> Status:
    """Return what the portal does right now. Never raises because of the portal's state."""
    folder = Path(folder or default_folder()).absolute()
    if sys.platform == "win32":
        return Status("nicht_moeglich", None, _windows())
    if not (folder / "portal.json").exists():
        return Status("leer", None, "Es gibt noch kein Portal. Starten Sie es mit: kurs portal start")
    if not portal_env.python(portal_env.environment_dir()).exists():
        text = "Die Programme für das Portal fehlen. Ihre Daten sind gespeichert. Starten Sie es mit: kurs portal start"
        return Status("gestoppt", None, text)
    found = _call("status", folder, _say)
    hint = "" if found["zustand"] == "laeuft" else " Starten Sie es mit: kurs portal start"
    return Status(found["zustand"], found["url"], found["text"] + hint)


def connection(*, folder: Path | str | None = None) -> Connection:
    """Return address and token of the portal to publish to.

    `CKAN_URL` and `CKAN_TOKEN` in the environment win: so the same notebook publishes to any CKAN. Otherwise it is
    the course's own portal, which must be running. The token is hidden in outputs. Raises PortalUnavailable.
    """
    url, token = os.environ.get("CKAN_URL", "").strip(), os.environ.get("CKAN_TOKEN", "").strip()
    if url and token:
        return Connection(url.rstrip("/"), Secret(token))
    if url or token:
        given, missing = ("CKAN_URL", "CKAN_TOKEN") if url else ("CKAN_TOKEN", "CKAN_URL")
        raise PortalUnavailable(
            f"{given} ist gesetzt, aber {missing} fehlt. Setzen Sie beide, oder löschen Sie {given}: "
            "Dann gilt das Übungsportal."
        )
    found = status(folder=folder)
    if not found.running:
        raise PortalUnavailable(found.text if _WITHOUT in found.text else f"{found.text}. {_WITHOUT}".replace("..", "."))
    access = json.loads((Path(folder or default_folder()) / "zugang.json").read_text(encoding="utf-8"))
    return Connection(found.url or access["url"], Secret(access["token"]))


def login(*, folder: Path | str | None = None) -> tuple[str, str]:
    """Return user name and password for the portal's web pages. Raises PortalUnavailable without a portal."""
    try:
        access = json.loads((Path(folder or default_folder()) / "zugang.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise PortalUnavailable("Es gibt noch kein Portal. Starten Sie es mit: kurs portal start") from None
    return access["benutzer"], access["kennwort"]


def _say(text: str) -> None:
    print(text, flush=True)


def _windows() -> str:
    return f"Unter Windows ist das Portal noch nicht erprobt. {_WITHOUT}"


def _check_system() -> None:
    if sys.platform == "win32":
        raise PortalUnavailable(_windows())


def _usable(folder: Path, tell: Progress) -> bool:
    """Say whether there is a portal to talk to; without the programs, nobody could stop it, so fetch them again."""
    if sys.platform == "win32" or not (folder / "portal.json").exists():
        return False
    if not portal_env.python(portal_env.environment_dir()).exists():
        portal_env.ensure(tell)
    return True


def _call(command: str, folder: Path, tell: Progress, arguments: list[str] | None = None, before: int = 0):
    """Run one command of the portal's launcher, pass on its progress and return its result."""
    interpreter = portal_env.python(portal_env.environment_dir())
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "CKAN_"))}
    process = subprocess.Popen(
        [
            str(interpreter),
            "-I",
            "-m",
            "opendata_portal",
            command,
            "--ordner",
            str(folder),
            *(arguments or []),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=environ,
        # An interrupted notebook must not end the portal with it.
        start_new_session=True,
    )
    try:
        for line in process.stdout:
            message = json.loads(line)
            if "ergebnis" in message:
                process.communicate()
                return message["ergebnis"]
            if "fehler" in message:
                process.communicate()
                raise PortalUnavailable(message["fehler"])
            if "step" in message:
                step, of = message["step"] + before, message["of"] + before
                tell(f"Schritt {step} von {of}: {message['text']} (etwa {message['seconds']} Sekunden) …")
            else:
                tell(message["text"])
    except KeyboardInterrupt:
        process.terminate()
        process.wait(60)
        raise
    errors = process.communicate()[1].strip().splitlines()
    raise PortalUnavailable(
        "Das Portal konnte nicht antworten. Löschen Sie den Ordner "
        f"{portal_env.environment_dir()} und starten Sie neu. ({errors[-1] if errors else 'ohne Meldung'})"
    )
