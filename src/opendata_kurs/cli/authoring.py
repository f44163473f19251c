"""`kurs daten`: keep the collection's overview and catalogue in step with the datapackages."""

from __future__ import annotations

import argparse
import sys


def register(subparsers) -> None:
    """Add `daten`."""
    text = "schreibt Übersicht und Katalog der Datensätze neu"
    parser = subparsers.add_parser("daten", help=text, description=f"Der Befehl {text}.")
    parser.add_argument("--pruefen", action="store_true", help="nur sagen, ob sie veraltet sind")
    parser.set_defaults(run=_daten)


def _daten(args: argparse.Namespace) -> int:
    from ..catalog import FILES, stale, write

    if args.pruefen:
        old = stale()
        for name in old:
            print(f"datasets/{name} ist veraltet. Bitte „kurs daten“ ausführen.", file=sys.stderr)
        if not old:
            print("Übersicht und Katalog der Datensätze sind aktuell.")
        return 1 if old else 0
    changed = write()
    for name in FILES:
        print(f"datasets/{name}: {'neu geschrieben' if name in changed else 'war schon aktuell'}")
    return 0
