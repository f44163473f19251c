"""Start, stop and look at the portal's two processes: PostgreSQL and the web server."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from opendata_portal.folder import Folder, PortalError, read_json
from opendata_portal.postgres import Cluster
from opendata_portal.processes import alive, end

Tell = Callable[..., None]
_LOG_LIMIT = 5_000_000
_NO_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def start(folder: Folder, port: int | None, tell: Tell, seconds: float = 240) -> dict[str, Any]:
    """Bring the portal up, whatever state it is in; return `{"url": …, "neu": False if it was running}`.

    Raises PortalError with a German text; then no process started here is left.
    """
    with folder.lock(lambda: tell(text="Das Portal wird gerade gestartet oder beendet. Ich warte.")):
        web, cluster = find_web(folder), Cluster(folder)
        if web and cluster.process() and answers(url_of(folder)):
            return {"url": url_of(folder), "neu": False}
        if web or cluster.process():
            if folder.info().get("fertig"):
                tell(text="Das Portal lief nicht mehr richtig. Es wird neu gestartet, Ihre Daten bleiben.")
            else:
                tell(text="Der letzte erste Start wurde nicht fertig. Das Portal wird neu eingerichtet.")
        _end(web)
        if not folder.info().get("fertig"):
            cluster.stop()
        folder.prepare()
        folder.web_file.unlink(missing_ok=True)
        try:
            return _start(folder, cluster, port, tell, seconds)
        except BaseException:
            _end(find_web(folder))
            cluster.stop()
            folder.web_file.unlink(missing_ok=True)
            raise


def _start(folder: Folder, cluster: Cluster, port: int | None, tell: Tell, seconds: float) -> dict[str, Any]:
    first = not folder.info()["fertig"]
    steps = 4 if first else 2
    if first:
        tell(step=1, of=steps, text="Datenbank anlegen", seconds=5)
        cluster.create()
    else:
        tell(step=1, of=steps, text="Datenbank starten", seconds=2)
    cluster.start()
    if first:
        cluster.create_databases()
    tell(step=2, of=steps, text="Portal laden", seconds=8 if first else 6)

    events = folder.logs / "start.jsonl"
    events.write_text("")
    log_file = folder.logs / "web.log"
    if log_file.exists() and log_file.stat().st_size > _LOG_LIMIT:
        log_file.unlink()
    with log_file.open("ab") as log:
        log_file.chmod(0o600)
        command = [sys.executable, "-I", "-m", "opendata_portal", "serve", "--ordner", str(folder.path)]
        command += ["--port", str(port)] if port else []
        process = subprocess.Popen(
            command, cwd=folder.path, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )

    deadline, seen = time.monotonic() + seconds, 0
    while time.monotonic() < deadline:
        lines = events.read_text(encoding="utf-8").splitlines(keepends=True)
        for line in lines[seen:]:
            if not line.endswith("\n"):
                break
            seen += 1
            event = json.loads(line)
            if "error" in event:
                raise PortalError(event["error"])
            if event["event"] == "content":
                tell(step=3, of=steps, text="Konto, Organisation und Themen anlegen", seconds=8)
            if event["event"] == "serving":
                if first:
                    tell(step=4, of=steps, text="Prüfen, ob das Portal antwortet", seconds=2)
                if answers(event["url"], timeout=60):
                    return {"url": event["url"], "neu": True}
        if process.poll() is not None:
            raise PortalError(f"Das Portal startet nicht. Die Ursache steht in der Datei {log_file}.")
        time.sleep(0.1)
    raise PortalError(
        f"Das Portal antwortet nach {seconds:.0f} Sekunden noch nicht. Sehen Sie in {log_file}."
    )


def stop(folder: Folder, tell: Tell) -> bool:
    """End the web server and PostgreSQL of this folder; say whether anything was running."""
    if not folder.is_portal:
        return False
    with folder.lock(lambda: tell(text="Das Portal wird gerade gestartet oder beendet. Ich warte.")):
        was_web = _end(find_web(folder))
        folder.web_file.unlink(missing_ok=True)
        was_database = Cluster(folder).stop()
        return was_web or was_database


def reset(folder: Folder, tell: Tell) -> bool:
    """Stop the portal and delete everything in it; say whether there was a portal."""
    if not folder.is_portal:
        return False
    stop(folder, tell)
    with folder.lock(lambda: None):
        folder.clear()
    return True


def status(folder: Folder) -> dict[str, Any]:
    """Return `{"zustand": "laeuft" | "gestoert" | "gestoppt" | "leer", "url": …, "text": German sentence}`."""
    if not folder.is_portal:
        return {"zustand": "leer", "url": None, "text": "Es gibt noch kein Portal."}
    web, database = find_web(folder), Cluster(folder).process()
    url = url_of(folder)
    if web is None and database is None:
        return {
            "zustand": "gestoppt",
            "url": None,
            "text": "Das Portal läuft nicht. Ihre Daten sind gespeichert.",
        }
    if web is not None and database is not None and answers(url):
        return {"zustand": "laeuft", "url": url, "text": f"Das Portal läuft: {url}"}
    reason = "Das Portal antwortet nicht."
    if web is None:
        reason = "Die Webseite des Portals läuft nicht mehr."
    elif database is None:
        reason = "Die Datenbank des Portals läuft nicht mehr."
    return {"zustand": "gestoert", "url": None, "text": f"{reason} Ihre Daten sind gespeichert."}


def url_of(folder: Folder) -> str:
    """Return the address the web process has noted."""
    return read_json(folder.web_file).get("url", "")


def answers(url: str, timeout: float = 10) -> bool:
    """Say whether a CKAN answers at `url`."""
    if not url:
        return False
    try:
        with _NO_PROXY.open(f"{url}/api/3/action/status_show", timeout=timeout) as answer:
            return json.load(answer)["success"] is True
    except (OSError, ValueError, KeyError, urllib.error.URLError):
        return False


def find_web(folder: Folder) -> psutil.Process | None:
    """Return this folder's web process, or None.

    Its number is believed only if start time and command line fit; without a number all processes are looked at.
    """
    noted = read_json(folder.web_file)
    try:
        process = psutil.Process(int(noted["pid"]))
        if abs(process.create_time() - noted["gestartet"]) < 1 and _is_web(process, folder.path):
            return process
    except (KeyError, TypeError, ValueError, psutil.Error):
        pass
    for process in psutil.process_iter():
        if _is_web(process, folder.path):
            return process
    return None


def _is_web(process: psutil.Process, path: Path) -> bool:
    try:
        arguments = process.cmdline()
        return (
            process.uids().real == os.getuid()
            and alive(process)
            and "opendata_portal" in arguments
            and "serve" in arguments
            and str(path) in arguments
        )
    except psutil.Error:
        return False


def _end(process: psutil.Process | None) -> bool:
    if process is None:
        return False
    if not end(process, (signal.SIGTERM, 10), (signal.SIGKILL, 5)):
        raise PortalError(f"Die Webseite (Prozess {process.pid}) lässt sich nicht beenden.")
    return True
