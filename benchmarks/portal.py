"""How long the embedded portal takes: environment, first start, second start, publish, search, harvest, restart.

    python benchmarks/portal.py                  with the environment as it is
    python benchmarks/portal.py --umgebung       also builds a fresh environment (needs the registry)
    python benchmarks/portal.py --datensaetze 150

Prints a Markdown table. Works in a temporary folder and stops what it started.
"""

from __future__ import annotations

import argparse
import io
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import ckanapi
import psutil
import requests

from opendata_kurs import portal, portal_env

ROWS = [{"nr": f"{i:03}", "flaeche": i * 1.5} for i in range(500)]


def quiet(text: str) -> None:
    """Swallow progress."""


def timed(name: str, action: Callable[[], object], times: int = 1) -> None:
    """Print one line of the table: the mean of `times` runs."""
    before = time.perf_counter()
    for _ in range(times):
        action()
    print(f"| {name} | {(time.perf_counter() - before) / times:.2f} |", flush=True)


def publish(api: ckanapi.RemoteCKAN, number: int) -> None:
    """Publish one dataset with a file; the first one also as a table of 500 rows."""
    dataset = api.action.package_create(
        name=f"datensatz-{number}",
        title=f"Bäume im Stadtteil {number}",
        owner_org="musterstadt",
        license_id="dl-de-zero-2.0",
        tags=[{"name": "Bäume"}, {"name": f"Stadtteil {number % 10}"}],
    )
    if number:
        return
    file = io.BytesIO(("nr,flaeche\n" + "".join(f"{row['nr']},{row['flaeche']}\n" for row in ROWS)).encode())
    file.name = "tabelle.csv"
    table = api.action.resource_create(package_id=dataset["id"], name="Tabelle", format="CSV", upload=file)
    api.action.datastore_create(resource_id=table["id"], force=True, records=ROWS, primary_key="nr")


def memory(folder: Path) -> float:
    """Return the portal's memory in MB (proportional share)."""
    total = 0
    for process in psutil.process_iter():
        try:
            if any(str(folder) in argument for argument in process.cmdline()):
                total += sum(p.memory_full_info().pss for p in [process, *process.children(recursive=True)])
        except psutil.Error:
            continue
    return total / 1e6


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--umgebung", action="store_true")
    parser.add_argument("--datensaetze", type=int, default=100)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="od-portal-") as temporary:
        folder = Path(temporary) / "portal"
        print("| Schritt | Sekunden |\n|---|---|")
        if args.umgebung:
            os.environ["KURS_PORTAL_ENV"] = f"{temporary}/env"
            timed("Umgebung einrichten", lambda: portal_env.ensure(quiet))
        else:
            portal_env.ensure(quiet)
        try:
            timed("erster Start", lambda: portal.start(quiet, folder=folder))
            timed("zweiter Start (läuft schon)", lambda: portal.start(quiet, folder=folder))
            url, token = portal.connection(folder=folder)
            api = ckanapi.RemoteCKAN(url, apikey=token)
            timed("veröffentlichen (Datensatz, CSV, Tabelle mit 500 Zeilen)", lambda: publish(api, 0))
            numbers = iter(range(1, args.datensaetze))
            timed(
                "veröffentlichen (nur Datensatz, Mittel)",
                lambda: publish(api, next(numbers)),
                args.datensaetze - 1,
            )
            search = {"q": "baum", "facet.field": '["tags"]'}
            timed(
                f"suchen in {args.datensaetze} Datensätzen",
                lambda: requests.get(f"{url}/api/3/action/package_search", params=search, timeout=60),
                20,
            )
            timed("catalog.ttl (bis 100 Datensätze)", lambda: requests.get(f"{url}/catalog.ttl", timeout=120))
            print(f"| Speicher in MB | {memory(folder):.0f} |")
            timed("beenden", lambda: portal.stop(quiet, folder=folder))
            timed("Neustart", lambda: portal.start(quiet, folder=folder))
        finally:
            portal.stop(quiet, folder=folder)


if __name__ == "__main__":
    main()
