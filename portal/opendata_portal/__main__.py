"""`python -m opendata_portal start|stop|status|reset --ordner ORDNER`: one JSON object per line on stdout."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from pathlib import Path
from typing import Any

from opendata_portal import control
from opendata_portal.folder import Folder, PortalError


def _tell(**values: Any) -> None:
    print(json.dumps(values, ensure_ascii=False), flush=True)


def main(argv: list[str] | None = None) -> int:
    """Run one command; the last line of output is `{"ergebnis": …}` or `{"fehler": German text}`."""
    parser = argparse.ArgumentParser(prog="opendata_portal")
    parser.add_argument("befehl", choices=("start", "stop", "status", "reset", "serve"))
    parser.add_argument("--ordner", type=Path, required=True)
    parser.add_argument("--port", type=int)
    args = parser.parse_args(argv)
    folder = Folder(args.ordner)
    if args.befehl == "serve":
        from opendata_portal.serve import serve

        serve(folder, args.port, folder.logs / "start.jsonl")
        return 0
    # An interrupted start cleans up behind itself.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        match args.befehl:
            case "start":
                _tell(ergebnis=control.start(folder, args.port, _tell))
            case "stop":
                _tell(ergebnis=control.stop(folder, _tell))
            case "reset":
                _tell(ergebnis=control.reset(folder, _tell))
            case "status":
                _tell(ergebnis=control.status(folder))
    except PortalError as error:
        _tell(fehler=str(error))
        return 1
    except OSError as error:
        _tell(fehler=f"Der Ordner {folder.path} ist nicht benutzbar: {error.strerror or error}.")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
