"""`kurs start`: make the workspace ready and open JupyterLab in German."""

from __future__ import annotations

import argparse
import errno
import html
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import webbrowser
from pathlib import Path
from urllib.parse import quote

from .. import lab_settings
from ..paths import default_workspace
from ..workspace import STATE, build_workspace, chapters, first_lesson, jupyter_dir

_DEFAULT_PORT = 8888
_PATIENCE = 90  # seconds until a server that does not answer is given up


class StartProblem(Exception):
    """Something the learner can act on; the text is German."""


def register(subparsers) -> None:
    """Add `start`."""
    parser = subparsers.add_parser("start", help="öffnet den Kurs im Browser",
                                   description="Öffnet den Kurs im Browser. Beenden: Strg+C.")  # fmt: skip
    parser.add_argument("--kein-browser", action="store_true", help="nur die Adresse nennen")
    parser.add_argument("--port", type=int, help="diese Port-Nummer verwenden")
    parser.add_argument("--ordner", type=Path, help="Arbeitsordner (sonst Open-Data-Kurs im eigenen Benutzerordner)")
    parser.add_argument("--kapitel", type=int, default=1, metavar="N", help="mit Kapitel N beginnen")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run `kurs start`; every problem ends as a German sentence."""
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), _interrupt)
    try:
        return _start(args)
    except StartProblem as problem:
        text = str(problem)
    except KeyboardInterrupt:
        text = "Abgebrochen."
    except OSError as error:
        text = _explain(error)
    print(f"\n{text}", file=sys.stderr, flush=True)
    return 1


def _interrupt(*_):
    raise KeyboardInterrupt


def _explain(error: OSError) -> str:
    place = f"\nEs geht um: {error.filename}" if error.filename else ""
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return ("Der Kurs darf dort nicht schreiben. Nehmen Sie einen eigenen Ordner:\n"
                f"  kurs start --ordner PFAD{place}")
    if error.errno == errno.ENOSPC:
        return f"Die Festplatte ist voll. Bitte schaffen Sie Platz und starten Sie noch einmal.{place}"
    if error.errno in (errno.ENOTDIR, errno.EEXIST):
        return f"Dort liegt schon eine Datei, kein Ordner. Nehmen Sie einen anderen Namen.{place}"
    return f"Der Kurs konnte nicht starten: {error.strerror or error}{place}"


def choose_port(wanted: int | None) -> int:
    """Return a free port of this machine; WANTED must be free if it is given."""
    for port in [wanted] if wanted is not None else [_DEFAULT_PORT, 0]:
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
                if os.name != "nt":  # there it would let two servers share a port
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", port))
                return probe.getsockname()[1]
        except (OSError, OverflowError) as error:
            last = error
    if isinstance(last, OverflowError) or last.errno in (errno.EACCES, errno.EPERM):
        raise StartProblem(f"Port {wanted} geht nicht. Nehmen Sie eine Zahl von 1024 bis 65535, "
                           "zum Beispiel: kurs start --port 8899")
    raise StartProblem(f"Port {wanted} ist schon belegt. Vielleicht läuft der Kurs bereits in einem anderen Fenster.\n"
                       "Lassen Sie --port weg, dann sucht der Kurs selbst einen freien Port.")


def _answers(url: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # never ask a proxy for this machine
    try:
        with opener.open(url, timeout=2) as page:
            return page.status == 200
    except (urllib.error.URLError, OSError):
        return False


def _redirect_page(folder: Path, url: str) -> Path:
    """Write a page that leads to URL: on the browser's command line, others could read the token.

    FOLDER must not lie in a hidden folder of the home directory, where browsers from snap packages see nothing.
    """
    page = folder / "kurs-oeffnen.html"
    page.unlink(missing_ok=True)
    text = f'<!doctype html><html lang="de"><meta charset="utf-8"><title>Open-Data-Kurs</title>' \
           f'<meta http-equiv="refresh" content="0;url={html.escape(url)}">' \
           f'<p><a href="{html.escape(url)}">Kurs öffnen</a></p></html>\n'
    with open(os.open(page, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    return page


def _start(args: argparse.Namespace) -> int:
    workspace = (args.ordner or default_workspace()).expanduser().resolve()
    port = choose_port(args.port)
    print("Der Kurs startet. Das dauert wenige Sekunden …", flush=True)
    for line in build_workspace(workspace).messages():
        print(f"- {line}", flush=True)
    lesson = first_lesson(workspace, args.kapitel)
    if lesson is None and args.kapitel != 1:
        raise StartProblem(f"Kapitel {args.kapitel} gibt es nicht. Es gibt: "
                           + ", ".join(str(int(name[:2])) for name in chapters()))

    token = secrets.token_hex(24)
    path = "/lab" + (f"/tree/{quote(lesson)}" if lesson else "")
    base = f"http://127.0.0.1:{port}"
    url = f"{base}{path}?token={token}"
    environment = lab_settings.server_environment(workspace, token)
    log = jupyter_dir(workspace) / "jupyterlab-protokoll.txt"
    apart = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP} if os.name == "nt" else {"start_new_session": True}
    with open(log, "wb") as output:
        server = subprocess.Popen(lab_settings.server_command(workspace, port, path), env=environment, cwd=workspace,
                                  stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, **apart)
    page = None
    try:
        _wait(server, f"{base}/lab?token={token}", log)
        print(f"\nDer Kurs läuft. Arbeitsordner: {workspace}\nAdresse:\n\n  {url}\n", flush=True)
        if not args.kein_browser:
            page = _redirect_page(workspace / STATE, url)
            print("Ihr Browser öffnet sich jetzt. Wenn nicht, kopieren Sie bitte die Adresse in den Browser.")
            webbrowser.open(page.as_uri())
        print("Lassen Sie dieses Fenster offen. Zum Beenden drücken Sie hier Strg+C.", flush=True)
        code = server.wait()
        if code:
            raise StartProblem(f"JupyterLab wurde unerwartet beendet. Einzelheiten stehen in: {log}")
    except KeyboardInterrupt:
        print("\nDer Kurs wird beendet …", flush=True)
    finally:
        _stop(server)
        if page:
            page.unlink(missing_ok=True)
    print("Der Kurs ist beendet. Ihre gespeicherten Notebooks bleiben im Arbeitsordner.", flush=True)
    return 0


def _wait(server: subprocess.Popen, url: str, log: Path) -> None:
    limit = time.monotonic() + _PATIENCE
    while not _answers(url):
        if server.poll() is not None:
            raise StartProblem(f"JupyterLab konnte nicht starten. Einzelheiten stehen in: {log}")
        if time.monotonic() > limit:
            raise StartProblem(f"JupyterLab antwortet nicht. Einzelheiten stehen in: {log}\n"
                               "Manchmal hilft es, das Gerät neu zu starten und dann noch einmal: kurs start")
        time.sleep(0.1)


def _stop(server: subprocess.Popen) -> None:
    """End the server and its kernels; a second Ctrl+C must not leave it running."""
    try:
        if server.poll() is None:
            server.terminate()
            server.wait(15)
    except (KeyboardInterrupt, subprocess.TimeoutExpired):
        server.kill()
        server.wait()
