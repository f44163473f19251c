"""The web process: CKAN with its stand-ins, on one port of this machine only."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psutil

from opendata_portal.folder import Folder, PortalError, write_json

HOST = "127.0.0.1"
FIRST_PORT = 5050
PORTS_TO_TRY = 50


def bind(port: int | None, remembered: int | None) -> socket.socket:
    """Return a socket on a free port: the wished one and no other, else the remembered or the next free one."""
    wished = [port] if port else [remembered or FIRST_PORT, *range(FIRST_PORT, FIRST_PORT + PORTS_TO_TRY)]
    for number in wished:
        found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            found.bind((HOST, number))
            found.listen(64)
            return found
        except OSError as error:
            found.close()
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
    if port:
        raise PortalError(
            f"Der Anschluss {port} ist schon belegt. Nennen Sie mit --port einen anderen, "
            "oder lassen Sie --port weg: Dann sucht das Portal selbst."
        )
    raise PortalError(f"Die Anschlüsse {wished[0]} bis {wished[-1]} sind alle belegt.")


def serve(folder: Folder, port: int | None, events: Path) -> None:
    """Run the web server until the process is ended. Tells its progress in the file `events`."""

    def tell(**event: Any) -> None:
        with events.open("a", encoding="utf-8") as file:
            file.write(json.dumps(event) + "\n")

    try:
        _serve(folder, port, tell)
    except PortalError as error:
        tell(error=str(error))
        raise SystemExit(1) from None
    except Exception as error:
        tell(
            error=f"Das Portal startet nicht ({type(error).__name__}). Die Ursache steht in {folder.logs / 'web.log'}."
        )
        raise


def _serve(folder: Folder, port: int | None, tell: Any) -> None:
    first = not folder.info().get("fertig")
    listener = bind(port, folder.info().get("port"))
    number = listener.getsockname()[1]
    url = f"http://{HOST}:{number}"
    write_json(
        folder.web_file,
        {"pid": os.getpid(), "gestartet": psutil.Process().create_time(), "port": number, "url": url},
    )

    from opendata_portal import content, embed, settings

    embed.install(folder.index)
    application = make_application(settings.build(folder, url))
    flask_app = application._wsgi_app
    if first:
        tell(event="content")
        with flask_app.test_request_context():
            content.create_tables()
            token = content.create_content(folder)
    else:
        token = json.loads(folder.access_file.read_text(encoding="utf-8"))["token"]
        with flask_app.test_request_context():
            if folder.info().get("port") != number:
                # Addresses of files are part of the index.
                folder.index.unlink(missing_ok=True)
            content.repair_index()
    access = {"url": url, "benutzer": settings.USER, "kennwort": folder.secrets()["kennwort"], "token": token}
    write_json(folder.access_file, access)
    folder.note(fertig=True, port=number)
    tell(event="serving", url=url)

    from werkzeug.serving import make_server

    server = make_server(HOST, number, application, threaded=True, fd=listener.fileno())
    threading.Thread(target=_end_without_folder, args=(folder,), daemon=True).start()
    server.serve_forever()


def make_application(config: dict[str, str]) -> Any:
    """Return CKAN's WSGI application for this configuration."""
    os.environ.pop("CKAN_INI", None)
    for name in [name for name in os.environ if name.startswith("CKAN_")]:
        # CKAN lets the environment overrule its configuration; CKAN_URL and others belong to the notebook.
        del os.environ[name]
    from ckan.config.middleware import make_app
    from ckan.lib.i18n import build_js_translations

    application = make_app(config)
    with contextlib.suppress(OSError):
        build_js_translations()
    return application


def _end_without_folder(folder: Folder) -> None:
    """End when the folder was deleted: nobody could find this process any more."""
    while folder.web_file.exists():
        time.sleep(5)
    print("Der Ordner des Portals ist nicht mehr da: Ende.", file=sys.stderr, flush=True)
    os._exit(0)
