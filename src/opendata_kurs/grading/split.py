"""Run one notebook in two boxed processes; plain data in, plain data out, so that another machine can do it, too."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from . import box, runner

MAX_FILE = 50_000_000


def run(task: dict[str, Any]) -> tuple[runner.Run, runner.Run]:
    """Run the learner's cells, then the tests on what they exported.

    `task`: `files` and `answers` (name → bytes), `learner` (cells), `tests` (cells with `exports`, `always`, `control`),
    `cell_timeout`, `total_timeout`, `test_timeout` in seconds.
    """
    base = os.environ.get("KURS_BEWERTUNG_ORDNER") or None
    with runner.Sandbox(base) as sandbox, runner.Sandbox(base) as clean:
        _write(sandbox.work, task["files"])
        learner = runner.run_cells(task["learner"], sandbox, learner=True, cell_timeout=task["cell_timeout"], total_timeout=task["total_timeout"])
        cells, given = [], []
        for cell in task["tests"]:
            number = cell["i"]
            if number in learner.counts or cell["always"]:
                exported = learner.exports.get(number, {})
                given.append({n: exported[n] for n in cell["exports"] if n in exported})
                cells.append({"i": number, "source": cell["source"], "names": given[-1], "control": cell["control"]})
        if not cells:
            return learner, runner.Run()
        _write(clean.work, task["answers"])
        _copy_saved(given, sandbox.work, clean.work)
        return learner, runner.run_cells(cells, clean, learner=False, cell_timeout=task["cell_timeout"], total_timeout=task["test_timeout"])


def run_on(cluster: str, task: dict[str, Any]) -> tuple[runner.Run, runner.Run]:
    """Run the task on a Dask cluster. A worker that dies is replaced by another; the gradebook stays here."""
    return _client(cluster).submit(run, task, pure=False, retries=2).result(timeout=1800)


_clients: dict[tuple[int, str], Any] = {}


def _client(url: str):
    from distributed import Client

    key = (os.getpid(), url)
    if key not in _clients:
        _clients[key] = Client(url, timeout=20, set_as_default=False)
    return _clients[key]


def _write(folder: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


def _copy_saved(given: list[dict[str, Any]], source: Path, target: Path) -> None:
    """Copy the files whose names were exported (a saved map, a table). The learner's process is gone by now."""
    root = os.path.realpath(source)
    for exported in given:  # only declared names: a hand-in may report any number of others
        for data in exported.values():
            name = data.get("v") if isinstance(data, dict) and data.get("k") == "path" else data
            if not isinstance(name, str) or not 0 < len(name) < 500 or "\0" in name:
                continue
            name = re.sub(rf"^({re.escape(box.INSIDE)}|{re.escape(str(source))})/", "", name)
            file = os.path.realpath(os.path.join(root, name))
            if file != os.path.join(root, os.path.normpath(name)) or not file.startswith(f"{root}{os.sep}"):
                continue  # leads elsewhere, or through a link
            if os.path.isfile(file) and os.path.getsize(file) <= MAX_FILE and not file.endswith((".ipynb", ".py")):
                place = target / os.path.relpath(file, root)
                if not place.exists():
                    place.parent.mkdir(parents=True, exist_ok=True)
                    place.write_bytes(Path(file).read_bytes())
