"""Publishing side by side: check of 200,000 rows, SHACL and MQA for 150 datasets, suppression.

Run `python benchmarks/publishing.py [--rows N] [--part check|metadata|suppress]`. Prints a Markdown table; CPU seconds of this process.
frictionless and plain pandas do less: they neither find the header nor name defects such as units or lost zeros.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path


def timed(work):
    """Return (CPU seconds, result)."""
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def write_table(path: Path, rows: int) -> dict:
    """Write a tree register with one defect of each kind far down; return its schema."""
    lines = ["baum_id,stadtteil_nr,art,pflanzjahr,stammumfang_cm,hoehe_m,kontrolle,lat,lon,bemerkung"]
    lines += [f"{i:06d},{i % 50:03d},Winter-Linde {i % 90},{1900 + i % 120},{20 + i % 300},{i % 30}.5,20{i % 20:02d}-03-{1 + i % 28:02d},"
              f"51.{200000 + i},6.{700000 + i},steht an Haus {i % 99}" for i in range(rows)]
    broken = lines[rows // 2].split(",")
    broken[3], broken[4], broken[6] = "um 1950", "120 cm", "31.12.2019"
    lines[rows // 2] = ",".join(broken)
    path.write_text("\n".join(lines) + "\n", "utf-8")
    kinds = dict.fromkeys(lines[0].split(","), "string") | {"pflanzjahr": "integer", "stammumfang_cm": "integer", "hoehe_m": "number",
                                                           "kontrolle": "date", "lat": "number", "lon": "number"}
    return {"fields": [{"name": n, "type": k} for n, k in kinds.items()], "primaryKey": ["baum_id"]}


def check(rows: int) -> None:
    """Compare check_table with frictionless and a pandas script."""
    import pandas as pd

    from opendata_kurs.publishing import check_table

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "baeume.csv"
        schema = write_table(path, rows)
        print(f"\n| {rows} Zeilen, 10 Spalten, {path.stat().st_size / 1e6:.0f} MB | CPU-s | gefunden |\n|---|---|---|")
        seconds, report = timed(lambda: check_table(path, progress=False))
        print(f"| check_table | {seconds:.2f} | {', '.join(report.ids)} |")
        seconds, report = timed(lambda: check_table(path, schema=schema, progress=False))
        print(f"| check_table mit Schema (pandera) | {seconds:.2f} | {', '.join(report.ids)} |")

        def plain() -> list[str]:
            table = pd.read_csv(path, dtype={"baum_id": str, "stadtteil_nr": str})
            bad = [c for c in ("pflanzjahr", "stammumfang_cm") if pd.to_numeric(table[c], errors="coerce").isna().any()]
            bad += ["kontrolle"] if pd.to_datetime(table["kontrolle"], format="%Y-%m-%d", errors="coerce").isna().any() else []
            return bad + (["doppelt"] if table.duplicated().any() else [])

        seconds, found = timed(plain)
        print(f"| pandas von Hand | {seconds:.2f} | {', '.join(found)} (nur was man vorher weiß) |")
        try:
            seconds, module = timed(lambda: __import__("frictionless"))
        except ImportError:
            print("| frictionless | – | nicht installiert |")
            return
        resource = module.Resource(path.name, basepath=folder, schema=module.Schema.from_descriptor(schema))
        work, result = timed(lambda: resource.validate(limit_rows=None))
        print(f"| frictionless | {work:.2f} (+ {seconds:.2f} Import) | {len(result.flatten(['type']))} Meldungen, englisch |")


def metadata(count: int = 150) -> None:
    """SHACL, own rules and MQA for many datasets."""
    from opendata_kurs.publishing import Distribution, Metadata, catalogue_graph, mqa, validate_metadata

    datasets = [Metadata(
        title=f"Datensatz {i}", description="Beschreibung", publisher="Stadt Musterstadt", contact_name="Team", contact_email="opendata@musterstadt.example",
        contributor="openNRW", license="dl-de-zero-2.0", themes=["ENVI"], keywords=["Probe"], spatial_name="Musterstadt", bbox=[6.6, 51.1, 6.9, 51.3],
        temporal_start="2024-01-01", temporal_end="2024-12-31", issued="2025-01-01", modified="2025-01-02", frequency="ANNUAL",
        distributions=[Distribution("CSV", url=f"https://x.example/{i}.csv", format="CSV", media_type="text/csv", bytes=10)]) for i in range(count)]
    graph = catalogue_graph(datasets)
    validate_metadata(datasets[0])
    print(f"\n| {count} Datensätze, {len(graph)} Tripel | CPU-s | Ergebnis |\n|---|---|---|")
    seconds, report = timed(lambda: validate_metadata(graph, shapes=False))
    print(f"| eigene Regeln | {seconds:.2f} | {report.verdict} |")
    seconds, report = timed(lambda: validate_metadata(graph))
    print(f"| eigene Regeln und SHACL | {seconds:.2f} | {report.verdict} |")
    seconds, scores = timed(lambda: [mqa(graph, dataset=d.uri, status=lambda url: True, conforms=True).points for d in datasets])
    print(f"| MQA | {seconds:.2f} | {min(scores)} bis {max(scores)} Punkte |")


def suppression() -> None:
    """Suppress tables of growing size."""
    import numpy as np
    import pandas as pd

    from opendata_kurs.publishing import suppress

    random = np.random.default_rng(0)
    print("\n| Zellen | CPU-s | primär | sekundär | gesperrte Fälle |\n|---|---|---|---|---|")
    for shape in ((6, 4), (10, 8), (50, 12), (180, 20)):
        table = pd.DataFrame(random.poisson(random.gamma(1.5, 8, shape)))
        seconds, result = timed(lambda t=table: suppress(t))
        hidden = table.to_numpy()[result.hidden[:-1, :-1]].sum() / table.to_numpy().sum()
        print(f"| {shape[0]} × {shape[1]} | {seconds:.2f} | {result.primary} | {result.secondary} | {hidden:.1%} |")


def main(arguments: list[str] | None = None) -> int:
    """Run the chosen parts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--part", choices=["check", "metadata", "suppress"])
    chosen = parser.parse_args(arguments)
    for name, work in (("check", lambda: check(chosen.rows)), ("metadata", metadata), ("suppress", suppression)):
        if chosen.part in (None, name):
            work()
    return 0


if __name__ == "__main__":
    sys.exit(main())
