"""Grade hand-ins one after another with nbgrader in this process. A broken hand-in never stops the others."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field

from opendata_kurs.grading import speed

from . import config as cfg
from .collect import normalise
from .feedback import ExerciseResult, results
from .gradebook_backup import backup
from .preprocessors import number


@dataclass
class GradedHandIn:
    """One hand-in after grading; `error` is a German sentence when it could not be graded."""

    chapter: str
    student: str
    exercises: list[ExerciseResult] = field(default_factory=list)
    error: str = ""
    log: str = ""

    @property
    def points(self) -> float:
        """Return the sum of points."""
        return sum(e.points for e in self.exercises)

    @property
    def max(self) -> float:
        """Return the possible points."""
        return sum(e.max for e in self.exercises)


def grade_one(course: cfg.Course, chapter: str, student: str, force: bool = True) -> GradedHandIn:
    """Grade one hand-in; never raises for what a hand-in contains."""
    with speed.one_gradebook():
        return _grade_one(course, chapter, student, force)


def _grade_one(course: cfg.Course, chapter: str, student: str, force: bool) -> GradedHandIn:
    graded = GradedHandIn(chapter, student)
    try:
        from opendata_kurs.grading.handins import refusal

        folder = course.folder("submitted", student, chapter)
        if refused := refusal(folder):
            graded.error = refused
            return graded
        normalise(folder, course.release_dir(chapter))
        if any((folder / f"{p.name}").is_file() for p in course.release_dir(chapter).glob(f"{cfg.EXERCISES}.ipynb")):
            if force or not _up_to_date(course, chapter, student):
                # nbgrader keeps files of an older hand-in otherwise, an old answers file for example
                shutil.rmtree(course.folder("autograded", student, chapter), ignore_errors=True)
                course.autograde(chapter, student, force)
        else:
            _register_empty(course, chapter, student)
    except cfg.GradingFailed as error:
        graded.error, graded.log = _german(error), f"{error.log}\n{error}"
    except Exception as error:  # one hand-in must not stop a cohort
        graded.error = f"Unerwarteter Fehler ({type(error).__name__}). Die Abgabe wurde nicht bewertet."
        graded.log = str(error)
    graded.exercises = results(course, chapter, student)
    return graded


def _up_to_date(course: cfg.Course, chapter: str, student: str) -> bool:
    new, old = (course.folder(step, student, chapter) / "timestamp.txt" for step in ("submitted", "autograded"))
    graded = any(old.parent.glob(f"{cfg.EXERCISES}.ipynb"))
    return graded and (not new.is_file() or (old.is_file() and old.read_bytes() == new.read_bytes()))


def _register_empty(course: cfg.Course, chapter: str, student: str) -> None:
    with course.gradebook() as gb:
        gb.update_or_create_student(student)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # SQLAlchemy grumbles about nbgrader's own order of steps
            submission = gb.update_or_create_submission(chapter, student)
        for notebook in submission.notebooks:
            for grade in notebook.grades:
                grade.auto_score, grade.needs_manual_grade = 0, False
        gb.db.commit()


def _german(error: cfg.GradingFailed) -> str:
    text = f"{error.log}\n{error}"
    if "NotIsolated" in text:
        return "Die Abgabe ließ sich auf diesem Rechner nicht abschotten und wurde nicht bewertet. Siehe docs/sicherheit.md."
    if "DeadKernelError" in text or "Kernel died" in text:
        return "Das Notebook hat seinen Kernel beendet (zum Beispiel mit exit()). Bitte entfernen Sie diese Zeile und geben Sie neu ab."
    if "UnresponsiveKernel" in text:
        return "Eine Zelle lief ohne Ende und ließ sich nicht anhalten. Bitte prüfen Sie die Schleifen und geben Sie neu ab."
    if "kurs release" in text or "No assignment" in text:
        return "Dieses Kapitel ist nicht ausgegeben. Bitte zuerst: kurs release"
    return "nbgrader konnte die Abgabe nicht bewerten. Näheres steht in der Datei bewertung.log im Kursordner."


def grade(course: cfg.Course, chapters: list[str] | None = None, students: list[str] | None = None, force: bool = False,
          progress: Callable[[str], None] = lambda line: None) -> list[GradedHandIn]:
    """Grade all (or some) hand-ins of all (or some) released chapters; the gradebook is backed up first."""
    backup(course)
    done = []
    for chapter in chapters or course.chapters():
        wanted = [s for s in course.students(chapter) if not students or s in students]
        for nr, student in enumerate(wanted, 1):
            graded = grade_one(course, chapter, student, force)
            progress(f"{chapter} {nr}/{len(wanted)} {line(graded)}")
            if graded.log and graded.error:
                with (course.dir / "bewertung.log").open("a", encoding="utf-8") as log:
                    log.write(f"=== {chapter} {student}\n{graded.log}\n")
            done.append(graded)
    return done


def line(graded: GradedHandIn) -> str:
    """Return one German line about a graded hand-in."""
    if graded.error:
        return f"{graded.student}: nicht bewertet. {graded.error}"
    waiting = sum(e.needs_person for e in graded.exercises)
    free = all(name.startswith("text-") for e in graded.exercises for name, points in e.cells.items() if points is None)
    more = f", {'ein Freitext' if free else 'eine Übung'} wartet auf eine Person" if waiting == 1 else f", {waiting} Übungen warten auf eine Person" if waiting else ""
    return f"{graded.student}: {number(graded.points)} von {number(graded.max)} Punkten{more}"


def table(graded: list[GradedHandIn]) -> str:
    """Return the summary per learner as a German text table."""
    lines = []
    for chapter in sorted({g.chapter for g in graded}):
        rows = [g for g in graded if g.chapter == chapter]
        lines += [f"{chapter}: {len(rows)} {'Abgabe' if len(rows) == 1 else 'Abgaben'}", *(f"  {line(g)}" for g in rows)]
        lines += [f"      {e.name}: {note}" for g in rows for e in g.exercises for note in e.notes]
    return "\n".join(lines) or "Es gibt noch keine Abgaben."
