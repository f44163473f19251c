"""Helpers of the grading tests: the small course of fixtures/kurs, hand-ins made from it, and their results."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import nbformat

from opendata_kurs.course_tools.config import Course
from opendata_kurs.course_tools.feedback import results, write_feedback
from opendata_kurs.course_tools.grade import grade_one
from opendata_kurs.course_tools.release import _generate
from opendata_kurs.course_tools.roundtrip import build_handin, load, page_text

HERE = Path(__file__).parent
COURSE = HERE / "fixtures" / "kurs"
CHAPTER, EXERCISE, QUIZ = "01_mini", "uebung_01_mini", "uebung-01-mini"
PERFECT = load(HERE / "fixtures" / "roundtrips" / f"{CHAPTER}__{EXERCISE}.yml")["abgaben"][0]


def released_course(folder: Path) -> Course:
    """Return a trainer's folder in which the small chapter is released."""
    course = Course(folder)
    _generate(course, COURSE / CHAPTER, CHAPTER)
    return course


class HandIn:
    """A perfect hand-in in `submitted/`, ready to be damaged."""

    def __init__(self, course: Course, student: str, perfect: bool = True) -> None:
        self.course, self.student = course, student
        self.dir = build_handin(course, CHAPTER, EXERCISE, student, PERFECT if perfect else {})
        self.file = self.dir / f"{EXERCISE}.ipynb"
        self.answers = self.dir / f"antworten-{QUIZ}.json"

    @property
    def nb(self):
        return nbformat.read(self.file, as_version=4)

    def change(self, work) -> None:
        """Let `work(notebook)` change the notebook."""
        nb = self.nb
        work(nb)
        # json, not nbformat: what a learner's editor writes need not be valid
        self.file.write_text(json.dumps(nb), encoding="utf-8")

    def cell(self, nb, grade_id: str):
        return next(c for c in nb.cells if c.metadata.get("nbgrader", {}).get("grade_id") == grade_id)

    def grade(self):
        """Grade; return the result of the exercise and the text of all feedback pages."""
        graded = grade_one(self.course, CHAPTER, self.student)
        index = write_feedback(self.course, CHAPTER, self.student)
        text = " ".join(page_text(p.read_text(encoding="utf-8")) for p in sorted(index.parent.glob("*.html")))
        return graded, text

    def points(self) -> dict[str, float | None]:
        return results(self.course, CHAPTER, self.student)[0].cells


def copy_release(course: Course, target: Path) -> Path:
    """Copy the released chapter into a learner's workspace and return the chapter's folder."""
    shutil.copytree(course.release_dir(CHAPTER), target / CHAPTER)
    return target / CHAPTER
