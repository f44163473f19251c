"""`kurs binder`: print the link that opens the course on a Binder service, for the repository this clone came from."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from urllib.parse import quote

from ..paths import repo_root

FIRST_LESSON = "lab/tree/01_was_ist_open_data/lektion_01_begriff.ipynb"
INTRODUCTION_DAY = "doc/tree/01_was_ist_open_data/einfuehrungstag.ipynb"  # `doc`: without side bars, for phones
NO_ADDRESS = ("Dieser Klon hat keine öffentliche Adresse: „git remote get-url origin“ nennt keine Adresse mit https oder ssh.\n"
              "Nennen Sie sie selbst: kurs binder --adresse https://…/Organisation/Repository")


def register(subparsers) -> None:
    """Add `binder`."""
    parser = subparsers.add_parser("binder", help="nennt den Link, der den Kurs auf einem Binder-Dienst öffnet")
    parser.add_argument("--dienst", default="https://mybinder.org", help="Adresse des Binder-Dienstes (sonst %(default)s)")
    parser.add_argument("--zweig", default="main", help="Zweig des Repositorys (sonst main)")
    parser.add_argument("--adresse", help="öffentliche Adresse des Repositorys (sonst die von git remote)")
    parser.set_defaults(run=run)


def binder_link(address: str, branch: str, service: str, path: str = FIRST_LESSON) -> str:
    """Return the launch link of a Binder service for a repository's address (https or ssh), a branch and a path in JupyterLab.

    Raises ValueError when the address is not one of a public repository.
    """
    found = re.fullmatch(r"(?:https?://|ssh://)?(?:[\w.-]+(?::[^@/]*)?@)?([\w-]+(?:\.[\w-]+)+)(?::\d+)?[/:](.+?)(?:\.git)?/?", address.strip())
    if not found:
        raise ValueError(NO_ADDRESS)
    host, project = found[1].lower(), found[2]
    if host == "github.com":
        source = f"gh/{quote(project)}"
    elif host == "gitlab.com":
        source = f"gl/{quote(project, safe='')}"
    else:
        source = f"git/{quote(f'https://{host}/{project}', safe='')}"
    return f"{service.rstrip('/')}/v2/{source}/{quote(branch, safe='')}?urlpath={quote(path, safe='/')}"


def _origin() -> str:
    root = repo_root()
    if root is None:
        return ""
    result = subprocess.run(["git", "-C", str(root), "remote", "get-url", "origin"], capture_output=True, text=True)
    return result.stdout.strip()


def run(args: argparse.Namespace) -> int:
    """Print the links to lesson 1 and to the Einführungstag."""
    try:
        address = _origin() if args.adresse is None else args.adresse
        first, day = (binder_link(address, args.zweig, args.dienst, path) for path in (FIRST_LESSON, INTRODUCTION_DAY))
    except (ValueError, FileNotFoundError):
        print(NO_ADDRESS, file=sys.stderr)
        return 1
    print(f"Kapitel 1, Lektion 1:\n  {first}\n\nEinführungstag:\n  {day}\n\n"
          "Binder ist ein fremder Dienst. Wer den Link öffnet, schickt ihm die eigene IP-Adresse.\n"
          "Öffnen Sie den Link einmal selbst, bevor Sie ihn weitergeben: Der erste Start dauert einige Minuten.")
    return 0
