"""For authors: `kurs daten` keeps overview and catalogue of the data current, `kurs fertigstellen` finishes notebooks."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def register(subparsers) -> None:
    """Add `daten`, `fertigstellen` and `kurz`."""
    text = "schreibt Übersicht und Katalog der Datensätze neu"
    parser = subparsers.add_parser("daten", help=text, description=f"Der Befehl {text}.")
    parser.add_argument("--pruefen", action="store_true", help="nur sagen, ob sie veraltet sind")
    parser.set_defaults(run=_daten)

    text = "führt Lektionen aus und räumt Notebooks auf"
    parser = subparsers.add_parser("fertigstellen", help=text, description=f"Der Befehl {text}.")
    parser.add_argument("notebooks", nargs="+", type=Path, metavar="NOTEBOOK")
    parser.set_defaults(run=_finish)

    text = "schreibt je Kapitel eine Seite „Open Data kurz und knapp“"
    parser = subparsers.add_parser("kurz", help=text, description=f"Der Befehl {text}.")
    parser.add_argument("--pdf", type=Path, metavar="ORDNER", help="zusätzlich als PDF in diesen Ordner (braucht Chromium)")
    parser.set_defaults(run=_summaries)


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


def _finish(args: argparse.Namespace) -> int:
    from ..authoring import AuthoringError, finish

    failed = 0
    for path in args.notebooks:
        try:
            finish(path)
            print(f"{path.name}: fertig.")
        except FileNotFoundError:
            failed += 1
            print(f"{path}: Die Datei gibt es nicht.", file=sys.stderr)
        except AuthoringError as error:
            failed += 1
            print(error, file=sys.stderr)
    return 1 if failed else 0


def _summaries(args: argparse.Namespace) -> int:
    from .. import summary
    from .test import find_chromium

    pages = summary.write()
    for page in pages:
        print(f"{page.name}: geschrieben.")
    if args.pdf:
        chromium = find_chromium()
        if chromium is None:
            print("Für PDF fehlt Chromium. Die HTML-Seiten lassen sich in jedem Browser drucken.", file=sys.stderr)
            return 1
        try:
            for page in pages:
                print(f"{summary.to_pdf(page, args.pdf, chromium)}: geschrieben.")
        except summary.SummaryError as error:
            print(error, file=sys.stderr)
            return 1
    return 0
