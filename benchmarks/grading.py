"""Grading side by side: stock `nbgrader autograde` (one call for all) and `kurs grade`, on the same hand-ins.

Run `python benchmarks/grading.py [--n 40] [--rounds 1] [--jobs N] [--exercise light|map] [--growth 400]`. Prints seconds per hand-in,
CPU seconds, peak memory (proportional set size of the whole process tree), equality of the points, and `ratio <exercise>: X.X`.
Memory is sampled in a run of its own over the first eight hand-ins: reading it costs the processes time.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from opendata_kurs import paths
from opendata_kurs.course_tools.config import Course
from opendata_kurs.course_tools.feedback import results
from opendata_kurs.course_tools.release import _generate
from opendata_kurs.course_tools.roundtrip import build_handin, load
from opendata_kurs.grading import box

EXERCISES = {"light": ("01_was_ist_open_data", "uebung_01_begriff"), "map": ("03_kartenworkshop", "uebung_01_punkte")}
KURS = [sys.executable, "-c", "from opendata_kurs.cli import main; raise SystemExit(main())"]
STOCK = '''
from nbconvert.preprocessors import ClearMetadataPreprocessor
from nbgrader.preprocessors import AssignLatePenalties, CheckCellMetadata, Execute, IgnorePattern, LimitOutput, SaveAutoGrades
from opendata_kurs.course_tools.sanitizers import RequireExecution
c = get_config()
c.Autograde.autograde_preprocessors = [Execute, IgnorePattern, RequireExecution, ClearMetadataPreprocessor, LimitOutput, SaveAutoGrades,
                                       AssignLatePenalties, CheckCellMetadata]
'''


def prepare(folder: Path, chapter: str, exercise: str, n: int) -> Course:
    """Release the chapter and write `n` hand-ins: the round trip's hand-ins in turn."""
    course = Course(folder)
    _generate(course, paths.course_dir() / chapter, chapter)
    root = Path(__file__).resolve().parents[1]
    handins = load(root / "tests" / "roundtrips" / f"{chapter}__{exercise}.yml")["abgaben"]
    for number in range(n):
        build_handin(course, chapter, exercise, f"l-{number:03d}", handins[number % len(handins)])
    return course


class Meter:
    """Samples the memory of a process tree while it lives."""

    def __init__(self, pid: int) -> None:
        """Watch the tree below `pid`."""
        self.pid, self.peak, self._stop = pid, 0, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._stop.wait(0.7):
            total = 0
            for pid in [self.pid, *box.descendants(self.pid)]:
                with contextlib.suppress(OSError, IndexError, ValueError):
                    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
                    total += int(text.split("Pss:")[1].split()[0])
            self.peak = max(self.peak, total)

    def stop(self) -> float:
        """Return the peak in MB."""
        self._stop.set()
        self._thread.join()
        return self.peak / 1024


def timed(command: list[str], folder: Path) -> tuple[float, float]:
    """Run a command; return seconds, and CPU seconds of it and all its children."""
    import resource

    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.monotonic() - began, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def peak(command: list[str], folder: Path) -> float:
    """Run a command; return its peak memory in MB."""
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    meter = Meter(process.pid)
    process.wait()
    return meter.stop()


def points(course: Course, chapter: str) -> dict:
    """Return the points of all hand-ins, by cell."""
    return {s: {r.name: r.cells for r in results(course, chapter, s)} for s in course.students(chapter)}


def total(found: dict) -> float:
    """Return the sum of what `points` found."""
    return sum(value or 0 for exercises in found.values() for cells in exercises.values() for value in cells.values())


def reset(course: Course) -> None:
    """Forget all results."""
    for name in ("autograded", "bewertungsstand", "feedback"):
        shutil.rmtree(course.dir / name, ignore_errors=True)


def command(course: Course, chapter: str, stock: bool, jobs: int | None) -> list[str]:
    """Return the command that grades all hand-ins of a course folder."""
    if stock:
        return [sys.executable, "-m", "nbgrader", "autograde", chapter, "--force", "--create", "--log-level=ERROR"]
    return [*KURS, "grade", "--kursordner", str(course.dir), "--alle", *(["--jobs", str(jobs)] if jobs else [])]


def pair(folder: Path, chapter: str, exercise: str, n: int) -> dict[str, Course]:
    """Return two course folders with the same hand-ins: one for stock nbgrader, one for `kurs grade`."""
    found = {which: prepare(Path(folder, which), chapter, exercise, n) for which in ("stock", "kurs")}
    with (found["stock"].dir / "nbgrader_config.py").open("a") as file:
        file.write(STOCK)
    return found


def compare(name: str, n: int, rounds: int, jobs: int | None, memory_n: int) -> None:
    """Measure both on one exercise."""
    chapter, exercise = EXERCISES[name]
    best: dict[str, tuple[float, float]] = {}
    with tempfile.TemporaryDirectory(prefix="kurs-messung-") as tmp:
        courses = pair(Path(tmp, "zeit"), chapter, exercise, n)
        for _ in range(rounds):
            for which, course in courses.items():
                reset(course)
                found = timed(command(course, chapter, which == "stock", jobs), course.dir)
                best[which] = min(best.get(which, found), found)
        given = {which: points(course, chapter) for which, course in courses.items()}
        memory = {which: peak(command(course, chapter, which == "stock", jobs), course.dir)
                  for which, course in pair(Path(tmp, "speicher"), chapter, exercise, min(n, memory_n)).items()}
    print(f"\n{exercise}, {n} Abgaben (mit Start des Programms)\n| | s je Abgabe | s gesamt | CPU-s | Spitze MB |\n|---|---|---|---|---|")
    for label, which in (("nbgrader autograde", "stock"), ("kurs grade", "kurs")):
        seconds, cpu = best[which]
        print(f"| {label} | {seconds / n:.2f} | {seconds:.1f} | {cpu:.1f} | {memory[which]:.0f} |")
    sums = " und ".join(f"{total(found):g}" for found in given.values())
    print(f"Punkte gleich: {'ja' if given['stock'] == given['kurs'] else 'NEIN'} (Summe {sums})")
    print(f"ratio {name}: {best['stock'][0] / best['kurs'][0]:.1f}", flush=True)


def growth(n: int, jobs: int | None) -> None:
    """Measure `kurs grade` with 40 and `n` hand-ins of the light exercise."""
    seconds = {}
    for count in (40, n):
        with tempfile.TemporaryDirectory(prefix="kurs-messung-") as tmp:
            course = prepare(Path(tmp, "kurs"), *EXERCISES["light"], count)
            seconds[count] = timed(command(course, EXERCISES["light"][0], False, jobs), course.dir)[0] / count
    print(f"\nWachstum: {seconds[40]:.2f} s je Abgabe bei 40, {seconds[n]:.2f} s bei {n}\nratio growth: {seconds[n] / seconds[40]:.2f}")


def main() -> None:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--jobs", type=int)
    parser.add_argument("--exercise", choices=EXERCISES, action="append")
    parser.add_argument("--growth", type=int)
    parser.add_argument("--memory-n", type=int, default=8, help="hand-ins in the run that measures memory")
    args = parser.parse_args()
    for name in args.exercise or EXERCISES:
        compare(name, args.n, args.rounds, args.jobs, args.memory_n)
    if args.growth:
        growth(args.growth, args.jobs)


if __name__ == "__main__":
    main()
