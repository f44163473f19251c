"""How long `load_dataset` takes, checksum included, after the imports.

    python benchmarks/datasets.py              five runs each, the three slowest by median
    python benchmarks/datasets.py --alle       every dataset

The bound is 0.3 s for the largest dataset; the exit code is 1 when one is slower. Prints the first load (nothing
cached), the median of the others and the share of the checksum.
"""

from __future__ import annotations

import argparse
import hashlib
import statistics
import sys
import time

import geopandas  # noqa: F401  the bound is for the time after imports
import pandas  # noqa: F401

from opendata_kurs.datasets import dataset_slugs, load_dataset, metadata
from opendata_kurs.paths import datasets_dir

BOUND = 0.3


def seconds(action) -> float:
    """Return the time that action takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def main() -> int:
    """Measure and print; return 1 when a dataset exceeds the bound."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--alle", action="store_true")
    parser.add_argument("--laeufe", type=int, default=5)
    args = parser.parse_args()
    results = []
    for slug in dataset_slugs():
        resource = metadata(slug)["resources"][0]
        first, *rest = (seconds(lambda slug=slug: load_dataset(slug)) for _ in range(args.laeufe + 1))
        data = (datasets_dir() / slug / resource["path"]).read_bytes()
        checksum = seconds(lambda data=data: hashlib.sha256(data).hexdigest())
        results.append((statistics.median(rest), first, checksum, resource["bytes"], resource["rows"], slug))
    results.sort(reverse=True)
    print(f"{'dataset':42} {'rows':>7} {'MB':>6} {'first':>8} {'median':>8} {'sha256':>8}")
    for median, first, checksum, size, rows, slug in results if args.alle else results[:3]:
        print(f"{slug:42} {rows:7} {size / 1e6:6.2f} {first:7.3f}s {median:7.3f}s {checksum:7.4f}s")
    slowest = max(max(r[0], r[1]) for r in results)
    print(f"slowest load of {len(results)} datasets: {slowest:.3f} s (bound {BOUND} s); all: {sum(r[0] for r in results):.2f} s")
    return int(slowest >= BOUND)


if __name__ == "__main__":
    sys.exit(main())
