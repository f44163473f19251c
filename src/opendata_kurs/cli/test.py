"""`kurs test`: prove the course with pytest.

The module is also a pytest plugin (`-p opendata_kurs.cli.test`): it keeps tests that share
something expensive in one process, lets the longest start first, and says in German what did not run.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

from ..paths import repo_root

_HELP = """Prüft, ob der Kurs auf diesem Gerät läuft.

  kurs test                 alle Prüfungen
  kurs test --schnell       nur die schnellen Prüfungen (etwa zwei Minuten)
  kurs test tests/test_workspace.py -k manifest    alles Weitere geht an pytest

Prüfungen im Browser brauchen Chromium. Mit KURS_BROWSER=pflicht gilt ein fehlendes Chromium als Fehler.
"""
_QUICK = "not slow and not browser and not portal and not attack and not notebooks"
# Tests that share something expensive (an open JupyterLab, a portal) and so run one after another in one process:
# the group and the beginnings of its files' paths. Started in this order, so that the longest start first.
_HEAVY = {
    "browser lessons": ("browser/test_lab.py",),
    "browser pages": ("browser/test_maps.py", "browser/test_chapter03.py", "browser/test_metadata_form.py", "browser/test_summary_pages.py"),
    "browser": ("browser/",),
    "portal": ("portal/",),
    "attacks": ("attacks/",),
}
_MOST_PROCESSES = 4
_PROCESS_BYTES = 1_800_000_000  # what a process of tests needs with its JupyterLab and Chromium
# The first is Chromium without its windows (Debian's name): the same engine, faster to start.
CHROMIUM_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
CHROMIUM_MISSING = ("Chromium fehlt: Die Prüfungen im Browser liefen NICHT.\n"
                    "Unter Debian oder Ubuntu hilft:  sudo apt install chromium fonts-dejavu")


def find_chromium() -> str | None:
    """Return the path of a browser for the tests; the environment variable KURS_CHROMIUM comes first."""
    if named := os.environ.get("KURS_CHROMIUM"):
        return named if Path(named).is_file() else None
    return next((path for name in CHROMIUM_NAMES if (path := shutil.which(name))), None)


def browser_required() -> bool:
    """Tell whether missing browser tests count as a failure."""
    return os.environ.get("KURS_BROWSER") == "pflicht"


def register(subparsers) -> None:
    """Add `test`; everything after it goes to pytest."""
    parser = subparsers.add_parser("test", help="prüft, ob der Kurs läuft", prefix_chars="\0", add_help=False)
    parser.add_argument("rest", nargs="*", default=[])
    parser.set_defaults(run=lambda args: run(args.rest))


def processes(processors: int, memory: int) -> int:
    """Return how many processes share the tests on a machine with so many processors and bytes of memory."""
    return max(1, min(processors, _MOST_PROCESSES, memory // _PROCESS_BYTES))


def _machine() -> tuple[int, int]:
    """Return the processors that this process may use, and the machine's memory in bytes (where it does not tell: enough for two)."""
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        return processors, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # Windows
        return processors, 2 * _PROCESS_BYTES


def arguments(rest: list[str], number: int) -> list[str]:
    """Return pytest's arguments for the learner-facing REST of the command line, to be run by so many processes."""
    quick = "--schnell" in rest
    rest = [word for word in rest if word != "--schnell"]
    found = ["-p", "opendata_kurs.cli.test", "-W", "ignore::pytest.PytestAssertRewriteWarning", "--durations=15"]
    if find_spec("xdist") and number > 1 and not any(w.startswith(("-n", "--dist", "--pdb", "-s")) for w in rest):
        found += ["-n", str(number), "--dist", "loadscope", "--no-loadscope-reorder"]
    if quick and "-m" not in rest:
        found += ["-m", _QUICK]
    return found + rest


def run(rest: list[str]) -> int:
    """Run `kurs test` and return pytest's exit code."""
    if {"-h", "--hilfe"} & set(rest):
        print(_HELP)
        return 0
    root = repo_root()
    if root is None or not (root / "tests").is_dir():
        print("Die Prüfungen liegen nur im Quelltext des Kurses. Rufen Sie dort auf: ./kurs test", file=sys.stderr)
        return 2
    if not find_spec("pytest"):
        print("Die Prüfwerkzeuge fehlen. Rufen Sie den Befehl über den Starter auf: ./kurs test", file=sys.stderr)
        return 2
    import pytest

    quick = "--schnell" in rest
    print("Der Kurs wird geprüft. Das dauert " + ("etwa zwei Minuten." if quick else "mit zwei Prozessoren etwa zwanzig Minuten, mit mehr geht es schneller."))
    if not quick and not find_chromium():
        print(CHROMIUM_MISSING)
    sys.stdout.flush()
    os.chdir(root)
    # Hundreds of processes start during the tests: without kept bytecode each of them compiles the course anew.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    return int(pytest.main(arguments(rest, processes(*_machine()))))


# -- The plugin ----------------------------------------------------------------------------------------------------


def group_of(nodeid: str) -> str:
    """Return which tests must run one after another in one process: a heavy group, a file, or a chapter's lessons or exercises."""
    file, _, name = nodeid.partition("::")
    for group, paths in _HEAVY.items():
        if file.startswith(tuple(f"tests/{path}" for path in paths)):
            return group
    if file == "tests/test_notebooks.py" and (found := re.search(r"\[(\d\d)-(lektion)?", name)):
        return f"{file} {found[1]} {found[2] or 'uebung'}"  # what runs together there
    return file


def _rank(item) -> int:
    group = group_of(item.nodeid)
    if group in _HEAVY:
        return list(_HEAVY).index(group)
    return len(_HEAVY) + (0 if item.get_closest_marker("notebooks") or item.get_closest_marker("slow") else 1)


def pytest_xdist_make_scheduler(config, log):
    """Give each group to one process. xdist's own groups (`loadgroup`) do nothing with pytest 9.2."""
    from xdist.scheduler import LoadScopeScheduling

    class Groups(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid)

    return Groups(config, log)


def pytest_collection_modifyitems(config, items) -> None:
    """Put the heavy groups first, so that the longest start first."""
    if not hasattr(config, "workerinput"):
        return
    ranks: dict[str, int] = {}
    for item in items:
        group = group_of(item.nodeid)
        ranks[group] = min(ranks.get(group, 99), _rank(item))
    items.sort(key=lambda item: ranks[group_of(item.nodeid)])


def pytest_terminal_summary(terminalreporter) -> None:
    """Say in German that browser tests did not run."""
    skipped = terminalreporter.stats.get("skipped", [])
    if any("Chromium" in str(report.longrepr) for report in skipped):
        terminalreporter.section("Hinweis", sep="=", yellow=True)
        terminalreporter.write_line(CHROMIUM_MISSING)
