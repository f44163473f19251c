"""The one scorer: feedback at once and grading use it alike. It never raises on a learner's answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from .model import Question, Quiz, is_automatic
from .numbers import format_number, read_number

MAX_TEXT = 20_000
_MAX_ITEMS = 200


@dataclass(frozen=True)
class Line:
    """One sentence of feedback; `on` is the id of the option or pair it belongs to (None: the whole question)."""

    on: str | None
    good: bool
    text: str


@dataclass(frozen=True)
class Result:
    """How one question went. `level`: right, partly, wrong, open, disputed or manual; `share` and `points` are floats."""

    id: str
    level: str
    share: float
    points: float
    max: float
    lines: list[Line] = field(default_factory=list)
    read_as: str = ""


def clean_answer(question: Question, answer: Any) -> Any:
    """Return the answer reduced to what this question knows: an id, a list of ids, a dict of ids, a text – or None if open."""
    kind = question["art"]
    if kind == "einfach":
        known = {option["id"] for option in question["optionen"]}
        return answer if isinstance(answer, str) and answer in known else None
    if kind == "mehrfach":
        chosen = set()
        if isinstance(answer, list | tuple):
            chosen = {item for item in islice(answer, _MAX_ITEMS) if isinstance(item, str)}
        return [option["id"] for option in question["optionen"] if option["id"] in chosen] or None
    if kind == "zuordnung":
        if not isinstance(answer, dict):
            return None
        known = {item["id"] for item in question["rechts"]}
        pairs = {left["id"]: answer.get(left["id"]) for left in question["links"]}
        return {key: value for key, value in pairs.items() if isinstance(value, str) and value in known} or None
    if kind == "zahl" and isinstance(answer, int | float) and not isinstance(answer, bool):
        value = read_number(answer).value
        return None if value is None else format_number(value)
    if not isinstance(answer, str) or not answer.strip():
        return None
    return answer.strip()[: 64 if kind == "zahl" else MAX_TEXT]


def clean_answers(quiz: Quiz, answers: Any) -> dict[str, Any]:
    """Return the answers to questions of this quiz, each cleaned; unknown and open ones are left out."""
    if not isinstance(answers, dict):
        return {}
    cleaned = {q["id"]: clean_answer(q, answers.get(q["id"])) for q in quiz["fragen"]}
    return {key: value for key, value in cleaned.items() if value is not None}


def score_question(question: Question, answer: Any, graded: bool = True) -> Result:
    """Score one answer.

    Multiple choice: share of right options ticked minus share of wrong options ticked, at least 0, so that ticking
    everything gives nothing. Matching: share of right pairs. A disputed question gives all points for any answer.
    """
    maximum = float(question["punkte"]) if graded and is_automatic(question) else 0.0
    answer = clean_answer(question, answer)
    share, lines, read_as = 0.0, [], ""
    if not is_automatic(question):
        lines = [Line(None, True, text) for text in _self_check(question)] if answer else []
        return Result(question["id"], "manual" if answer or question.get("eigene_zelle") else "open", 0.0, 0.0, 0.0, lines)
    if answer is None:
        return Result(question["id"], "open", 0.0, 0.0, maximum)
    if question["art"] == "einfach":
        share, lines = _single(question, answer)
    elif question["art"] == "mehrfach":
        share, lines = _multiple(question, answer)
    elif question["art"] == "zuordnung":
        share, lines = _matching(question, answer)
    else:
        share, lines, read_as = _number(question, answer)
    share = min(1.0, max(0.0, float(share)))
    level = "right" if share >= 1 else "partly" if share > 0 else "wrong"
    if question.get("streitig"):
        if question["art"] == "zahl" and not read_as:
            return Result(question["id"], "wrong", 0.0, 0.0, maximum, lines)
        share, level = 1.0, "disputed"
        lines = [line for line in lines if line.on and line.text]
    if question.get("erklaerung") and level in ("right", "disputed"):
        lines.append(Line(None, True, question["erklaerung"]))
    return Result(question["id"], level, share, float(round(share * maximum, 2)), maximum, lines, read_as)


def _single(question: Question, answer: str) -> tuple[float, list[Line]]:
    option = next(option for option in question["optionen"] if option["id"] == answer)
    return float(option["richtig"]), [Line(option["id"], option["richtig"], option["weil"])]


def _multiple(question: Question, answer: list[str]) -> tuple[float, list[Line]]:
    right = [option["id"] for option in question["optionen"] if option["richtig"]]
    wrong = [option["id"] for option in question["optionen"] if not option["richtig"]]
    hits, misses = len(set(right) & set(answer)), len(set(wrong) & set(answer))
    share = (hits / len(right) if right else 0.0) - (misses / len(wrong) if wrong else 0.0)
    lines = [Line(o["id"], o["richtig"], o["weil"]) for o in question["optionen"] if o["id"] in answer]
    if hits < len(right):
        lines.append(Line(None, False, "Es fehlt noch mindestens eine richtige Antwort."))
    return share, lines


def _matching(question: Question, answer: dict[str, str]) -> tuple[float, list[Line]]:
    lines = []
    for left in question["links"]:
        if left["id"] in answer:
            good = answer[left["id"]] == left["ziel"]
            lines.append(Line(left["id"], good, "" if good else left["weil"]))
    if len(lines) < len(question["links"]):
        lines.append(Line(None, False, "Es fehlt noch mindestens eine Zuordnung."))
    return sum(line.good for line in lines if line.on) / len(question["links"]), lines


def _number(question: Question, answer: str) -> tuple[float, list[Line], str]:
    reading = read_number(answer, question["einheit"])
    if reading.value is None:
        return 0.0, [Line(None, False, reading.hint)], ""
    read_as = format_number(reading.value)
    slack = question["toleranz"] + 1e-9 * max(1.0, abs(question["antwort"]))
    if abs(reading.value - question["antwort"]) <= slack:
        return 1.0, [], read_as
    near = [m for m in question["haeufige_fehler"] if abs(reading.value - m["wert"]) <= slack]
    near.sort(key=lambda mistake: abs(reading.value - mistake["wert"]))
    return 0.0, [Line(None, False, mistake["weil"]) for mistake in near[:1]], read_as


def _self_check(question: Question) -> list[str]:
    texts = ["Prüfen Sie Ihren Text selbst: " + " · ".join(c["text"] for c in question.get("kriterien", []))]
    if question.get("musterantwort"):
        texts.append("So könnte eine Antwort lauten: " + question["musterantwort"])
    return texts if question.get("kriterien") else []


def score_all(quiz: Quiz, answers: Any) -> list[Result]:
    """Score every question of a complete quiz; any kind of `answers` is tolerated."""
    answers = answers if isinstance(answers, dict) else {}
    return [score_question(q, answers.get(q["id"]), quiz["benotet"]) for q in quiz["fragen"]]


def total(quiz: Quiz, results: list[Result]) -> float:
    """Return the sum of points as a plain float between 0 and the quiz's maximum."""
    maximum = sum(result.max for result in results)
    return float(min(max(round(sum(result.points for result in results), 2), 0.0), round(maximum, 2)))


def is_answered(question: Question, answer: Any) -> bool:
    """Tell whether the answer can be used (a number that cannot be read does not count as answered)."""
    cleaned = clean_answer(question, answer)
    if question["art"] == "zahl":
        return read_number(cleaned, question.get("einheit") or "").value is not None
    return cleaned is not None


def open_numbers(quiz: Quiz, answers: Any) -> list[int]:
    """Return the displayed numbers of the questions the machine scores that have no usable answer yet."""
    answers = answers if isinstance(answers, dict) else {}
    questions = enumerate(quiz["fragen"], 1)
    return [nr for nr, q in questions if is_automatic(q) and not is_answered(q, answers.get(q["id"]))]


def number_note(question: Question, answer: Any) -> str:
    """Return how a typed number was read, or why it was not – said in both modes, for it tells nothing about the key."""
    cleaned = clean_answer(question, answer)
    if cleaned is None:
        return ""
    reading = read_number(cleaned, question.get("einheit") or "")
    return reading.hint if reading.value is None else f"Gelesen als: {format_number(reading.value)}"
