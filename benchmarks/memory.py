"""Measure the memory that sizes a course on a JupyterHub: `python -m benchmarks.memory` (Linux, about a minute).

Prints MB for what one learner runs, and for one grading worker with its warm parent: PSS (pages that processes share
count by share, so other users of the same files make it smaller) and RSS (they count in full: the upper end, as in a pod
of one's own). The sizes in `deploy/` follow from these figures.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from opendata_kurs.grading import box, runner

MAP = ("from opendata_kurs import load_dataset, maps\nstadtteile = load_dataset('duesseldorf-stadtteile')\n"
       "karte = maps.choropleth(stadtteile, stadtteile.select_dtypes('number').columns[0], title='Probe')._repr_html_()")
KERNELS = {"Kernel, leer": "", "Kernel mit pandas": "import pandas", "Kernel mit einer Karte": MAP}


def memory(*pids: int) -> tuple[float, float]:
    """Return PSS and RSS of processes and all their descendants in MB."""
    total = [0, 0]
    for one in (p for pid in pids for p in (pid, *box.descendants(pid))):
        try:
            text = Path(f"/proc/{one}/smaps_rollup").read_text()
        except OSError:
            continue
        for n, name in enumerate(("Pss", "Rss")):
            total[n] += int(text.split(f"\n{name}:")[1].split()[0])
    return total[0] / 1024, total[1] / 1024


def _kernel(code: str) -> tuple[float, float]:
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel()
    try:
        reply = client.execute_interactive(code or "1", timeout=120, output_hook=lambda message: None)
        if reply["content"]["status"] != "ok":
            raise RuntimeError(f"{code}: {reply['content']['evalue']}")
        return memory(manager.provisioner.process.pid)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def _server() -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--port=0", "--ServerApp.root_dir=" + folder, "--allow-root"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            last = -1.0
            for _ in range(60):  # until it no longer grows
                time.sleep(1)
                now = memory(process.pid)
                if now[0] > 50 and abs(now[0] - last) < 0.5:
                    break
                last = now[0]
            return now
        finally:
            process.terminate()
            process.wait()


def _grading_worker() -> tuple[float, float]:
    """Return what one Dask worker needs while it waits: its own process and the warm parent."""
    zygote = runner.Zygote()
    code = "import distributed, opendata_kurs.grading.split, nbgrader.converters\nprint(flush=True)\ninput()"
    worker = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        zygote.load()
        zygote.wait()
        worker.stdout.readline()
        return memory(worker.pid, zygote.process.pid)
    finally:
        worker.kill()
        worker.wait()
        zygote.stop()


def main() -> None:
    """Print the table and the sum per learner."""
    figures = {"JupyterLab": _server()} | {name: _kernel(code) for name, code in KERNELS.items()}
    learner = tuple(map(sum, zip(figures["JupyterLab"], figures["Kernel mit einer Karte"], strict=True)))
    figures |= {"JupyterLab und eine Karte": learner, "Arbeiter zum Bewerten, wartend": _grading_worker()}
    print(f"{'MB':<34} {'PSS':>6} {'RSS':>6}")
    for name, (share, full) in figures.items():
        print(f"{name:<34} {share:6.0f} {full:6.0f}")
    print(f"{'Teilnehmende je 22 GB':<34} {22_000 / learner[0]:6.0f} {22_000 / learner[1]:6.0f}")


if __name__ == "__main__":
    main()
