"""The `kurs` command: one group of sub-commands per module of this package."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from importlib.util import find_spec

_GROUPS = ("start", "test", "work", "course", "portal", "authoring", "binder")


class _GermanParser(argparse.ArgumentParser):
    def error(self, message: str):
        self.print_usage(sys.stderr)
        print(f"Der Aufruf war nicht verständlich: {message}\nHilfe zeigt: kurs --help", file=sys.stderr)
        raise SystemExit(2)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser with all groups registered."""
    parser = _GermanParser(prog="kurs", description="Open-Data-Kurs: lernen, leiten, prüfen.")
    subparsers = parser.add_subparsers(dest="befehl", metavar="BEFEHL", required=True)
    for group in _GROUPS:
        if find_spec(f"{__name__}.{group}"):
            import_module(f"{__name__}.{group}").register(subparsers)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run `kurs ARGV` and return the exit code."""
    args = build_parser().parse_args(argv)
    return args.run(args) or 0
