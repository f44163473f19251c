"""No exercise depends on what a lesson tells only under „Für Neugierige“."""

import re
from functools import cache

import notebook_rules as rules
import pytest
import yaml
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from places import notebook_id, notebooks

_CURIOUS = re.compile(r"<details><summary>(?:<strong>)?Für Neugierige.*?</details>", re.S)
_NOT_PROSE = re.compile(r"<[^>]+>|\]\([^)]*\)")
_TERM = re.compile(r"[A-ZÄÖÜ][\wÄÖÜäöüß-]{3,}|\w*\d[\w./:-]*\w")  # German nouns and names, figures, paragraphs
_NOT_ASKED = ("weil", "erklaerung", "quelle", "id", "fall")  # of a question: never shown, or only with the result
_EVERYDAY = {"nutzung", "flächen", "ältere"}  # words that nobody has to learn in a lesson
_QUIZ = re.compile(r"quiz\(\"([a-z0-9-]+)\"")
LESSONS = notebooks("lektion_*.ipynb")


def _asked(part) -> str:
    """Return what a question file shows before the answer."""
    if isinstance(part, dict):
        return "\n".join(f"{key}\n{_asked(value)}" for key, value in part.items() if key not in _NOT_ASKED)
    return "\n".join(map(_asked, part)) if isinstance(part, list) else str(part)


def questions(path, nb) -> str:
    """Return what the questions of a notebook show before the answer."""
    names = dict.fromkeys(name for cell in nb.cells for name in _QUIZ.findall(cell.source))
    return "\n".join(_asked(yaml.safe_load((path.parent / "fragen" / f"{name}.yml").read_text(encoding="utf-8"))) for name in names)


def curious(nb) -> str:
    """Return the text of a lesson's parts for the curious."""
    return "\n".join(part for cell in nb.cells for part in _CURIOUS.findall(cell.source))


def core(nb) -> str:
    """Return everything else that a lesson says or shows."""
    shown = [str(output.get("data", output.get("text", ""))) for cell in nb.cells for output in cell.get("outputs", ())]
    return "\n".join([_CURIOUS.sub(" ", cell.source) for cell in nb.cells] + shown)


def depends(only_there: str, known: str, exercise: str) -> list[str]:
    """Return the terms of an exercise that stand in a part for the curious and nowhere else in what was read before."""
    known, exercise = known.lower(), exercise.lower()
    terms = {term.lower() for term in _TERM.findall(_NOT_PROSE.sub(" ", only_there))} - _EVERYDAY
    return sorted(term for term in terms if term not in known and term in exercise)


@cache
def _core_of(lesson) -> str:
    nb = rules.read(lesson)
    return core(nb) + questions(lesson, nb)


def read_before(lesson) -> str:
    """Return the core of this lesson and of all before it, their self-tests included."""
    return "\n".join(map(_core_of, LESSONS[: LESSONS.index(lesson) + 1]))


def exercise_of(lesson) -> str:
    """Return what the lesson's exercise shows and asks."""
    path = lesson.with_name(lesson.name.replace("lektion_", "uebung_"))
    nb = rules.read(path)
    return _CURIOUS.sub(" ", "\n".join(cell.source for cell in nb.cells)) + questions(path, nb)


@pytest.mark.parametrize("lesson", LESSONS, ids=notebook_id)
def test_no_exercise_needs_what_only_the_curious_read(lesson):
    assert depends(curious(rules.read(lesson)), read_before(lesson), exercise_of(lesson)) == []


def test_most_lessons_have_a_part_for_the_curious():
    assert sum(bool(curious(rules.read(path))) for path in LESSONS) >= 15


@pytest.mark.parametrize("path", LESSONS, ids=notebook_id)
def test_a_part_for_the_curious_holds_no_code_that_others_need(path):
    for cell in rules.read(path).cells:
        if "Für Neugierige:" in cell.source:
            assert cell.cell_type == "markdown" and cell.source.count("<details>") == cell.source.count("</details>"), cell.id


def test_a_question_about_a_part_for_the_curious_is_found():
    lesson = LESSONS[0]
    planted = exercise_of(lesson) + _asked({"frage": "Welches Prinzip verletzt das Formular?", "optionen": [
        {"falsch": "Primärquelle", "weil": "Bei der Dauerhaftigkeit geht es um später."}, {"richtig": "Diskriminierungsfreiheit"}]})
    assert depends(curious(rules.read(lesson)), read_before(lesson), planted) == ["diskriminierungsfreiheit", "formular", "primärquelle"]


def test_what_was_told_to_all_may_be_asked():
    nb = new_notebook(cells=[new_markdown_cell("Ein Kataster ist ein Register. <details><summary><strong>Für Neugierige:</strong> das ALKIS</summary>Kataster, ALKIS, 1994</details>"),
                             new_code_cell("1+1")])
    assert depends(curious(nb), core(nb), "Was ist ein Kataster?") == []
    assert depends(curious(nb), core(nb), "Seit wann gibt es ALKIS? 1994") == ["1994", "alkis"]
