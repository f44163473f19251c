"""Grade a cohort: worker processes run nbgrader's converter, one warm parent gives them boxed processes.

A hand-in counts as done when its outcome is noted (`bewertungsstand/`), after the gradebook holds its points. Whatever
dies in between, only the hand-ins being graded at that moment are done again.
"""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import re
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from opendata_kurs.course_tools import config as cfg
from opendata_kurs.course_tools.feedback import results
from opendata_kurs.course_tools.grade import GradedHandIn, grade_one, line
from opendata_kurs.course_tools.gradebook_backup import backup

from . import box, handins, runner, speed
from .execute import CLUSTER

_WORDS = {"geo": r"geopandas|opendata_kurs\.maps|import maps|, maps\b", "karten": r"choropleth|save_html|folium|maps import [^\"]*\bpoints\b", "klassen": r"mapclassify|fisher_jenks", "bilder": r"matplotlib|\.plot\b",
          "lizenzen": r"licensing", "veroeffentlichen": r"publishing|dateninventar", "tabellen": r"check_table|find_personal_data|check_final",
          "sperren": r"\bsuppress\b|recalculate", "metadaten": r"validate_metadata|portal_export|static_catalogue|check_final"}
_ATTEMPTS = 3
LOST = "Der Bewertungsprozess ist bei dieser Abgabe mehrmals ausgefallen. Sie wurde nicht bewertet."


class Busy(RuntimeError):
    """Another run works in this folder; the message is German."""


@dataclass(frozen=True)
class Item:
    """One hand-in to grade."""

    chapter: str
    student: str
    exercises: str  # fingerprint of the chapter's exercises, the same for all hand-ins of a run


def plan(course: cfg.Course, chapters: list[str], students: list[str] | None, force: bool) -> tuple[list[Item], list[GradedHandIn]]:
    """Return what is to grade, and the outcomes of hand-ins that have not changed."""
    todo, done = [], []
    for chapter in chapters:
        exercises = handins.version(course, chapter)
        for student in course.students(chapter):
            if students and student not in students:
                continue
            found = handins.fingerprint(course, chapter, student, exercises)
            state = handins.read_state(course, chapter, student)
            if not force and state.get("stand") == found:
                old = GradedHandIn(chapter, student, error=str(state.get("fehler", "")))
                old.exercises = results(course, chapter, student)
                done.append(old)
            else:
                todo.append(Item(chapter, student, exercises))
    return todo, done


def grade_item(course: cfg.Course, item: Item) -> GradedHandIn | None:
    """Grade one hand-in and note the outcome; None when its box was lost and it must be done again."""
    handins.state_file(course, item.chapter, item.student).unlink(missing_ok=True)
    graded = grade_one(course, item.chapter, item.student, force=True)
    if graded.error and "BoxLost" in graded.log:
        return None
    # grading may rename files in the hand-in (normalise), so the noted state is the one found now
    stand = handins.fingerprint(course, item.chapter, item.student, item.exercises)
    handins.write_state(course, item.chapter, item.student, {"stand": stand, "fehler": graded.error})
    return graded


def _worker(channel, trainer_dir: Path, source_dir: Path | None) -> None:
    box.die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    course = cfg.Course(trainer_dir, source_dir)
    while True:
        try:
            item = channel.recv()
        except EOFError:
            return
        if item is None:
            return
        outcome = grade_item(course, item)
        if outcome is None:  # the warm parent is gone: this worker gives up, the parent mends both and tries again
            os._exit(75)
        channel.send(outcome)


class Workers:
    """Some worker processes with one hand-in each; one that dies is replaced, its hand-in is tried again."""

    def __init__(self, course: cfg.Course, jobs: int, mend: Callable[[], None] = lambda: None) -> None:
        """Start `jobs` workers by fork: they share what this process has loaded. `mend` is called before one is replaced."""
        self._mend = mend
        self.course, self._context = course, multiprocessing.get_context("fork")
        self.running: dict[Any, tuple[Any, Item | None]] = {}
        for _ in range(jobs):
            self._start()

    def _start(self) -> None:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_worker, args=(theirs, self.course.dir, self.course._given_source), daemon=True)
        gc.freeze()  # a worker's own collections leave alone what it shares with this process
        process.start()
        gc.unfreeze()
        theirs.close()
        self.running[ours] = (process, None)

    def run(self, items: list[Item]) -> Iterator[GradedHandIn]:
        """Grade all items and yield each outcome as it comes."""
        todo, attempts = list(reversed(items)), dict.fromkeys(items, 0)
        open_ = len(items)
        while open_:
            for channel, (process, item) in list(self.running.items()):
                if item is None and todo:
                    following = todo.pop()
                    attempts[following] += 1
                    self.running[channel] = (process, following)
                    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                        channel.send(following)
            for channel in wait(list(self.running)):
                process, item = self.running[channel]
                try:
                    outcome = channel.recv()
                    self.running[channel] = (process, None)
                except (EOFError, ConnectionResetError):
                    process.join(5)
                    channel.close()
                    del self.running[channel]
                    self._mend()
                    self._start()
                    if item is None:
                        continue
                    if attempts[item] < _ATTEMPTS:
                        todo.append(item)
                        continue
                    outcome = GradedHandIn(item.chapter, item.student, error=LOST)
                open_ -= 1
                yield outcome

    def stop(self) -> None:
        """End the workers."""
        for channel, (process, item) in self.running.items():
            if item is None:
                with contextlib.suppress(OSError):
                    channel.send(None)
            else:
                process.terminate()
        for channel, (process, _) in self.running.items():
            process.join(5)
            if process.is_alive():
                process.kill()
                process.join()
            channel.close()


@contextlib.contextmanager
def exclusive(course: cfg.Course) -> Iterator[None]:
    """Hold the folder's lock, so that two runs never write the same gradebook entries. Freed by the system after a crash."""
    if os.name != "posix":
        yield
        return
    import fcntl

    with (course.dir / ".bewertung.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Busy("In diesem Kursordner läuft gerade schon eine Bewertung. Bitte warten Sie, bis sie fertig ist.") from None
        yield


@contextlib.contextmanager
def _surroundings(unisolated: bool, cluster: str | None, groups: list[str], slugs: list[str], early: runner.Zygote | None = None
                  ) -> Iterator[runner.Zygote | None]:
    """Start the warm parent (or take the one that was started early) and a scratch folder; remove both at the end.

    Removes what a killed run left behind, too.
    """
    base = Path(tempfile.gettempdir())
    for old in base.glob("kurs-bewertung-*"):
        with contextlib.suppress(OSError, ValueError):
            if old.stat().st_uid == os.getuid() and not _alive(int(old.name.split("-")[2])):
                box.remove_tree(old)
    folder = os.path.dirname(early.folder) if early else runner.scratch_folder()
    before = dict(os.environ)
    os.environ["KURS_BEWERTUNG_ORDNER"] = folder
    zygote = early
    try:
        if unisolated:
            os.environ[runner.UNISOLATED] = "1"
        if cluster:
            os.environ[CLUSTER] = cluster
        else:
            os.environ["KURS_ABSCHOTTUNG"] = runner.chosen_backend()  # found once, not per worker
            if runner.can_fork():
                zygote = early or runner.Zygote(folder)
                zygote.load(groups, slugs)
                os.environ[runner.SOCKET] = zygote.path
        yield zygote
    finally:
        if zygote:
            zygote.stop()
        for name in ("KURS_BEWERTUNG_ORDNER", runner.UNISOLATED, CLUSTER, "KURS_ABSCHOTTUNG", runner.SOCKET):
            os.environ.pop(name, None)
            if name in before:
                os.environ[name] = before[name]
        box.remove_tree(folder)


def needed(items: Iterable[Item], course: cfg.Course) -> tuple[list[str], list[str]]:
    """Return which libraries and datasets the exercises handed in use: what is not loaded beforehand, each hand-in loads."""
    from opendata_kurs import datasets

    found: set[str] = set()
    slugs: set[str] = set()
    handed_in = {(i.chapter, f.name) for i in items for f in course.folder("submitted", i.student, i.chapter).glob(f"{cfg.EXERCISES}.ipynb")}
    for chapter, name in sorted(handed_in):
        file = course.release_dir(chapter) / name
        if file.is_file():
            text = file.read_text(encoding="utf-8")
            found |= {group for group, words in _WORDS.items() if re.search(words, text)}
            for slug in set(re.findall(r"load_dataset\(\\?[\"']([a-z0-9-]+)", text)):
                with contextlib.suppress(Exception):  # an unknown dataset is the learner's error message, later
                    package = datasets.metadata(slug)
                    if not package.get("delivery"):
                        slugs.add(slug)
                    if package["resources"][0]["format"].lower() == "geojson":
                        found.add("geo")
    return sorted(found), sorted(slugs)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def default_jobs() -> int:
    """Return the number of worker processes: the cores this process may use, and one more for the time that others wait for disk."""
    return 1 + (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


def grade_cohort(course: cfg.Course, chapters: list[str], students: list[str] | None = None, *, force: bool = False, jobs: int | None = None,
                 unisolated: bool = False, cluster: str | None = None, progress: Callable[[Progress, GradedHandIn | None], None] | None = None,
                 early: runner.Zygote | None = None) -> list[GradedHandIn]:
    """Grade new and changed hand-ins of the chapters in parallel, each boxed; the gradebook is backed up first.

    `early` is a warm parent that the caller started while it was importing; it is stopped with the run.
    Raises `runner.NotIsolated` where no box can be built and `unisolated` is false, `Busy` when a run is under way.
    """
    with exclusive(course), cfg.quiet():
        todo, done = plan(course, chapters, students, force)
        told = Progress(len(todo), len(done))
        if progress:
            progress(told, None)
        if not todo:
            return done
        with _surroundings(unisolated, cluster, *needed(todo, course), early) as zygote:
            backup(course)
            speed.warm()  # while the warm parent imports its libraries
            if zygote:
                zygote.wait()
            for outcome in _outcomes(course, todo, min(jobs or default_jobs(), len(todo)), zygote.ensure if zygote else lambda: None):
                done.append(outcome)
                if outcome.error and outcome.log:
                    with (course.dir / "bewertung.log").open("a", encoding="utf-8") as log:
                        log.write(f"=== {outcome.chapter} {outcome.student}\n{outcome.log}\n")
                told.add(outcome)
                if progress:
                    progress(told, outcome)
    return sorted(done, key=lambda g: (g.chapter, g.student))


def _outcomes(course: cfg.Course, todo: list[Item], jobs: int, mend: Callable[[], None]) -> Iterator[GradedHandIn]:
    if not runner.can_fork():
        for item in todo:
            outcome = next((o for o in (grade_item(course, item) for _ in range(_ATTEMPTS)) if o is not None), None)
            yield outcome or GradedHandIn(item.chapter, item.student, error=LOST)
        return
    workers = Workers(course, jobs, mend)
    try:
        yield from workers.run(todo)
    finally:
        workers.stop()


class Progress:
    """Running totals and the remaining time."""

    def __init__(self, total: int, unchanged: int) -> None:
        """Start counting `total` hand-ins; `unchanged` ones were graded before."""
        self.total, self.unchanged = total, unchanged
        self.done = self.failed = self.waiting = 0
        self.began = time.monotonic()

    def add(self, graded: GradedHandIn) -> None:
        """Count one outcome."""
        self.done += 1
        self.failed += bool(graded.error)
        self.waiting += any(e.needs_person for e in graded.exercises)

    def text(self) -> str:
        """Return one German line: bar, totals, remaining time."""
        share = self.done / self.total if self.total else 1.0
        bar = "#" * round(share * 20)
        left = (time.monotonic() - self.began) / self.done * (self.total - self.done) if self.done else None
        rest = "" if self.done == self.total else " · Restzeit wird geschätzt" if left is None else f" · noch etwa {int(left) // 60}:{int(left) % 60:02d} min"
        return f"[{bar:<20}] {self.done} von {self.total} bewertet · {self.waiting} warten auf eine Person · {self.failed} gescheitert{rest}"


def show(told: Progress, graded: GradedHandIn | None) -> None:
    """Print the progress: one line that renews itself in a terminal, plain lines elsewhere."""
    if graded is None:
        if told.unchanged:
            print(f"{told.unchanged} Abgaben sind unverändert und schon bewertet.", flush=True)
        if told.total:
            print(f"{told.total} Abgaben werden bewertet.", flush=True)
        return
    terminal = sys.stdout.isatty()
    clear = "\r\033[K" if terminal else ""
    print(f"{clear}{graded.chapter} {line(graded)}", flush=True)
    print(told.text(), end="" if terminal and told.done < told.total else "\n", flush=True)
