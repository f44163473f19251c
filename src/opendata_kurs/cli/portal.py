"""`kurs portal`: the course's own CKAN portal."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .. import portal, portal_env


def register(subparsers: argparse._SubParsersAction) -> None:
    """Add `portal start|stop|status|reset|vorbereiten`."""
    parser = subparsers.add_parser("portal", help="Übungsportal (CKAN) starten und beenden")
    commands = parser.add_subparsers(dest="portal", metavar="BEFEHL", required=True)

    start = _command(commands, "start", _start, "Portal starten; beim ersten Mal etwa 1 Minute")
    start.add_argument("--port", type=int, help="nur dieser Anschluss; sonst der nächste freie ab 5050")
    start.add_argument("--hintergrund", action="store_true", help="sofort zurückkehren")
    _command(commands, "stop", _stop, "Portal beenden; die Daten bleiben")
    status = _command(commands, "status", _status, "zeigen, ob das Portal läuft")
    status.add_argument("--kennwort", action="store_true", help="auch Benutzername und Kennwort zeigen")
    reset = _command(commands, "reset", _reset, "Portal beenden und alle Daten darin löschen")
    reset.add_argument("--ja", action="store_true", help="ohne Rückfrage")
    commands.add_parser(
        "vorbereiten", help="nur die Programme einrichten (braucht das Internet)"
    ).set_defaults(run=_guarded(_prepare))


def _command(commands, name: str, run, help: str) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=help)
    parser.add_argument("--ordner", type=Path, help="Ordner für die Daten des Portals")
    parser.set_defaults(run=_guarded(run))
    return parser


def _guarded(run):
    def guarded(args: argparse.Namespace) -> int:
        try:
            return run(args)
        except portal.PortalUnavailable as error:
            print(error, file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print("Abgebrochen.", file=sys.stderr)
            return 130

    return guarded


def _start(args: argparse.Namespace) -> int:
    portal.start(folder=args.ordner, port=args.port, background=args.hintergrund)
    return 0


def _stop(args: argparse.Namespace) -> int:
    portal.stop(folder=args.ordner)
    return 0


def _status(args: argparse.Namespace) -> int:
    found = portal.status(folder=args.ordner)
    print(found.text)
    if args.kennwort:
        user, password = portal.login(folder=args.ordner)
        print(f"Benutzername: {user}\nKennwort: {password}")
    return 0 if found.running else 3


def _reset(args: argparse.Namespace) -> int:
    if not args.ja:
        answer = input("Alle Datensätze in diesem Portal werden gelöscht. Wirklich? (ja/nein) ")
        if answer.strip().lower() not in ("j", "ja"):
            print("Nichts gelöscht.")
            return 1
    portal.reset(folder=args.ordner)
    return 0


def _prepare(args: argparse.Namespace) -> int:
    if not portal_env.ready():
        print("Programme für das Portal einrichten (etwa 1 Minute) …", flush=True)
    portal_env.ensure(print)
    print("Das Portal ist vorbereitet. Starten Sie es mit: kurs portal start")
    return 0
