"""What notebooks call: `quiz`, `antwort`, `grade_quiz`, `open_questions`."""

from __future__ import annotations

import os
import warnings
from decimal import Decimal
from pathlib import Path
from typing import Any

from .. import paths
from . import model, scoring, static, storage
from .model import Question, Quiz, QuizError

_OLD_VERSION = "Die Fragen wurden nach der Ausgabe geändert. Gezählt sind die Antworten, die noch passen."


class StillOpen(AssertionError):
    """Tells a validating learner which questions are open; one German line instead of a traceback."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


def _execution() -> str:
    """Return why this code runs: `autograde`, `validate`, `reading` or `` (a learner at work)."""
    if running := os.environ.get("NBGRADER_EXECUTION"):
        return running
    return "reading" if os.environ.get("OPENDATA_KURS_LESEFASSUNG") == "1" else ""


def find(name: str, folder: Path | str = ".") -> tuple[Quiz, Quiz | None]:
    """Find a quiz: the released file beside the notebook, or the question file in the course's source.

    Args:
        name: the quiz's name.
        folder: the notebook's folder; it decides the chapter.

    Returns:
        The public part, and the complete quiz if the key is here.

    Raises:
        QuizError: not found, ambiguous or damaged (German).
    """
    if not isinstance(name, str) or not model.NAME.fullmatch(name):
        raise QuizError(f"„{name}“ ist kein Name eines Quiz. Schreiben Sie zum Beispiel quiz(\"selbsttest-01-begriff\").")
    folder = Path(folder).resolve()
    if (public_file := folder / model.public_file_name(name)).is_file():
        return model.read_public_file(public_file)
    source = _question_file(name, folder)
    if source is None:
        raise QuizError(f"Das Quiz „{name}“ wurde nicht gefunden. Die Datei {public_file.name} fehlt neben dem Notebook. "
                        "Bitte laden Sie die ganze Aufgabe noch einmal.")
    full = model.load(source)
    return model.public_part(full), full


def _question_file(name: str, folder: Path) -> Path | None:
    for parent in (folder, *folder.parents):
        if (path := parent / "fragen" / f"{name}.yml").is_file():
            return path
    course = paths.course_dir()
    for parent in (folder, *folder.parents):
        if (path := course / parent.name / "fragen" / f"{name}.yml").is_file():
            return path
    everywhere = sorted(course.glob(f"*/fragen/{name}.yml"))
    if len(everywhere) > 1:
        chapters = ", ".join(path.parent.parent.name for path in everywhere)
        raise QuizError(f"Das Quiz „{name}“ gibt es in mehreren Kapiteln: {chapters}. "
                        "Öffnen Sie das Notebook im Ordner seines Kapitels.")
    return everywhere[0] if everywhere else None


def quiz(name: str) -> None:
    """Show a quiz in the notebook.

    Args:
        name: name of the question file without `.yml`.

    Under nbgrader's autograde nothing is shown; under validate one line names the open questions.
    """
    running = _execution()
    if running == "autograde":
        return
    public, full = find(name)
    if running == "validate":
        if open_numbers := open_questions(name):
            raise StillOpen(f"Quiz „{public['titel']}“: Noch nicht beantwortet: {_numbers(open_numbers)}.")
        return
    from IPython.display import display

    if running == "reading":
        show_solution = full is not None and full["modus"] == "ueben"
        html = static.reading_version(full if show_solution else public, with_solution=show_solution)
        display(static.Html(html, f"Quiz: {public['titel']}"))
        return
    from .widget import QuizWidget

    widget = QuizWidget(public, full)
    display(widget)
    widget.receipt = display(widget.receipt_html(), display_id=True)


def _numbers(numbers: list[int]) -> str:
    return ("Frage " if len(numbers) == 1 else "Fragen ") + ", ".join(map(str, numbers))


def open_questions(name: str, folder: Path | str = ".") -> list[int]:
    """Return the displayed numbers of the questions without an answer (free texts in their own cells do not count)."""
    public, _ = find(name, folder)
    return scoring.open_numbers(public, storage.read(name, folder).answers)


def grade_quiz(name: str, packed_key: str) -> float:
    """Score the saved answers in the current folder, show the evaluation and return the points (for nbgrader).

    Args:
        name: name of the quiz.
        packed_key: the complete quiz from `model.pack`.

    Returns:
        A plain float between 0 and the quiz's points, because nbgrader gives full points for almost anything else.
    """
    from IPython.display import display

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # anything on stderr would cost all points
        full = model.unpack(packed_key)
        stored = storage.read(name)
        results = scoring.score_all(full, stored.answers)
        warning = _grading_warning(full, stored)
        display(static.Html(static.evaluation(full, stored.answers, results, warning), f"Auswertung: {full['titel']}"))
        return scoring.total(full, results)


def _grading_warning(full: Quiz, stored: storage.Stored) -> str:
    file = storage.file_name(full["quiz"])
    if stored.state == "damaged":
        return f"Die Datei {file} ist beschädigt. Bitte von Hand prüfen."
    if stored.state == "missing":
        return f"In der Abgabe fehlen die Antworten zu diesem Quiz ({file})."
    return _OLD_VERSION if stored.version != model.question_version(full) else ""


# --- answering without the form ---------------------------------------------------------------------------


def antwort(name: str, nr: int, *wahl: Any) -> None:
    """Save an answer where the form does not work; writes the same file and prints a German confirmation.

    Args:
        name: name of the quiz.
        nr: number of the question as displayed.
        wahl: letters as displayed (`"B"`; several for multiple choice; one per term for matching), a number or a text.

    Raises:
        QuizError: there is no such quiz (German).
    """
    if _execution() in ("autograde", "reading"):
        return
    public, _ = find(name)
    count = len(public["fragen"])
    if isinstance(nr, bool) or not isinstance(nr, int) or not 1 <= nr <= count:
        print(f"Die Frage {nr} gibt es nicht. Dieses Quiz hat die Fragen 1 bis {count}.")
        return
    question = public["fragen"][nr - 1]
    value, problem = _chosen(question, wahl)
    if problem:
        print(f"Nicht gespeichert. {problem}")
        return
    answers = {**scoring.clean_answers(public, storage.read(name).answers), question["id"]: value}
    try:
        storage.write(name, answers, public["fassung"])
    except OSError as error:
        print(f"Nicht gespeichert: {error.strerror}. Prüfen Sie, ob Sie in diesem Ordner schreiben dürfen.")
        return
    print(f"Gespeichert. Frage {nr}: {static.answer_text(question, value)}")


def _chosen(question: Question, choice: tuple) -> tuple[Any, str]:
    """Return the answer in stored form, or a German sentence about what is wrong."""
    kind = question["art"]
    if question.get("eigene_zelle"):
        return None, static.OWN_CELL
    if kind in ("zahl", "freitext"):
        return _typed(question, choice)
    options = question["rechts"] if kind == "zuordnung" else question["optionen"]
    last = static.letter(len(options) - 1)
    words = [str(word).strip().upper() for word in choice]
    if len(words) == 1 and len(words[0]) > 1:
        words = [word for word in words[0].replace(",", " ").replace(";", " ").split()]
    by_letter = {static.letter(i): option["id"] for i, option in enumerate(options)}
    if unknown := [word for word in words if word not in by_letter]:
        return None, f"„{unknown[0]}“ steht nicht zur Auswahl. Möglich sind die Buchstaben A bis {last}."
    ids = [by_letter[word] for word in words]
    if kind == "einfach":
        return (ids[0], "") if len(ids) == 1 else (None, f"Geben Sie genau einen Buchstaben von A bis {last} an.")
    if kind == "mehrfach":
        return (ids, "") if ids else (None, f"Geben Sie mindestens einen Buchstaben von A bis {last} an.")
    terms = question["links"]
    if len(ids) != len(terms):
        return None, f"Geben Sie {len(terms)} Buchstaben an, für jeden Begriff einen, in der Reihenfolge der Begriffe."
    return {term["id"]: chosen for term, chosen in zip(terms, ids, strict=True)}, ""


def _typed(question: Question, choice: tuple) -> tuple[Any, str]:
    if len(choice) != 1:
        hint = " Schreiben Sie Kommazahlen in Anführungszeichen: \"12,5\"." if question["art"] == "zahl" else ""
        return None, "Geben Sie genau eine Antwort an." + hint
    value = choice[0]
    if question["art"] == "freitext":
        text = str(value).strip()[: scoring.MAX_TEXT]
        return (text, "") if text else (None, "Der Text ist leer.")
    if isinstance(value, float):  # 1.234 as a Python number is no thousand
        value = format(Decimal(repr(value)), "f").replace(".", ",") if value == value else ""
    reading = scoring.read_number(str(value), question.get("einheit", ""))
    return (str(value).strip(), "") if reading.value is not None else (None, reading.hint)
