"""Questions as plain HTML: reading version, receipt and evaluation. No script, no random names."""

from __future__ import annotations

from html import escape
from typing import Any

from .model import Question, Quiz, is_automatic, points
from .numbers import format_number, format_points
from .scoring import Result, clean_answer, clean_answers, is_answered, total
from .storage import MIME

STYLE = """<style>
.odk-static{color-scheme:light;line-height:1.5;max-width:46rem;color:#1b1b1b;background:#fff;border:1px solid #767676;border-radius:.4rem;padding:.6rem 1rem;margin:.5rem 0;overflow-wrap:anywhere}
.odk-static *{box-sizing:border-box}
.odk-static :is(p,li,ol,ul,summary,strong,code){color:inherit;background:transparent}
.odk-static .odk-title{margin:.2rem 0 .3rem;font-size:1.15em;font-weight:600}
.odk-static :is(ul,ol){margin:.2rem 0 .6rem 1.4rem;padding:0}
.odk-static .odk-letters{list-style:none;margin-left:.6rem}
.odk-static .odk-text{white-space:pre-line}
.odk-static table{border-collapse:collapse;margin:.3rem 0;width:auto;max-width:100%}
.odk-static table :is(th,td){border:1px solid #767676;padding:.25rem .5rem;text-align:left;vertical-align:top;background:#fff!important;color:#1b1b1b}
.odk-static .odk-good{color:#0b5c1e;font-weight:600}.odk-static .odk-bad{color:#a0111b;font-weight:600}
.odk-static .odk-part{color:#7a4b00;font-weight:600}.odk-static .odk-quiet{color:#4a4a4a;font-weight:400}
.odk-static summary{cursor:pointer}.odk-static summary:focus-visible{outline:3px solid #0b57d0;outline-offset:2px}
</style>"""

DISPUTED = "Diese Frage ist umstritten. Auch Fachleute antworten verschieden. Jede Antwort zählt voll."
OWN_CELL = "Diese Frage beantworten Sie in der Zelle unter dem Quiz."
INSTRUCTION = {
    "einfach": "Eine Antwort ist richtig.",
    "mehrfach": "Mehrere Antworten können richtig sein.",
    "zuordnung": "Bitte ordnen Sie zu.",
    "zahl": "Bitte geben Sie eine Zahl an.",
    "freitext": "Bitte antworten Sie mit einem kurzen Text.",
}
_VERDICT = {
    "right": ("✓ richtig", "odk-good"),
    "partly": ("◐ teilweise richtig", "odk-part"),
    "wrong": ("✗ nicht richtig", "odk-bad"),
    "open": ("○ nicht beantwortet", "odk-bad"),
    "disputed": ("✓ zählt voll", "odk-good"),
    "manual": ("Diese Frage bewertet die Kursleitung.", "odk-quiet"),
}


def letter(number: int) -> str:
    """Return the letter of an option, counted from 0: A, B, C …"""
    return chr(ord("A") + number)


def reading_version(quiz: Quiz, with_solution: bool = False) -> str:
    """Return the questions as HTML to read.

    Args:
        quiz: the public part, or the complete quiz if the solution is wanted.
        with_solution: add a folded solution with the reasons to each question; needs the complete quiz.
    """
    title = escape(quiz["titel"])
    parts = [STYLE, f'<div class="odk-static" lang="de" role="group" aria-label="Quiz zum Lesen: {title}">',
             f'<p class="odk-title">Quiz: {title}</p>',
             '<p class="odk-quiet">Lesefassung. Beantworten können Sie die Fragen im Notebook.</p><ol>']
    for nr, question in enumerate(quiz["fragen"], 1):
        parts.append(f"<li>{_question(quiz, question)}")
        if with_solution:
            parts.append(f"<details><summary>Lösung zu Frage {nr}</summary>{_solution(question)}</details>")
        parts.append("</li>")
    return "".join(parts) + "</ol></div>"


def _question(quiz: Quiz, question: Question) -> str:
    about = INSTRUCTION[question["art"]]
    if quiz["benotet"]:
        about = f"{format_points(question['punkte'])}. {about}"
    parts = [f'<p class="odk-text"><strong>{escape(question["frage"])}</strong> '
             f'<span class="odk-quiet">({about})</span></p>']
    if question.get("streitig"):
        parts.append(f"<p>{DISPUTED}</p>")
    if question.get("hinweis"):
        parts.append(f"<p>Hinweis: {escape(question['hinweis'])}</p>")
    if question.get("eigene_zelle"):
        parts.append(f"<p>{OWN_CELL}</p>")
    if "optionen" in question:
        parts.append(_letters(question["optionen"]))
    if "links" in question:
        terms = "".join(f"<li>{escape(left['text'])}</li>" for left in question["links"])
        parts.append(f'<p>Begriffe:</p><ol>{terms}</ol><p>Zur Auswahl stehen:</p>{_letters(question["rechts"])}')
    if question.get("einheit"):
        parts.append(f"<p>Einheit: {escape(question['einheit'])}</p>")
    return "".join(parts)


def _letters(options: list[dict]) -> str:
    items = "".join(f"<li>{letter(i)}: {escape(option['text'])}</li>" for i, option in enumerate(options))
    return f'<ul class="odk-letters">{items}</ul>'


def _solution(question: Question) -> str:
    reasons = [_with_reason(o["text"], o["weil"]) for o in question.get("optionen", []) if o["weil"]]
    reasons += [_with_reason(left["text"], left["weil"]) for left in question.get("links", []) if left["weil"]]
    reasons += [question["erklaerung"]] if question.get("erklaerung") else []
    return f"<p>{escape(_right_sentence(question))}</p>" + _list(reasons)


def _list(texts: list[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(text)}</li>" for text in texts) + "</ul>" if texts else ""


def _right_sentence(question: Question) -> str:
    if question.get("streitig"):
        return DISPUTED
    if not is_automatic(question):
        criteria = "; ".join(f"{c['text']} ({format_points(c['punkte'])})" for c in question.get("kriterien", []))
        model_answer = question.get("musterantwort")
        return f"Bewertet wird: {criteria}." + (f" Beispiel: {model_answer}" if model_answer else "")
    return f"Richtig ist: {right_answer(question)}"


def right_answer(question: Question) -> str:
    """Return the right answer of a complete question in words."""
    if question["art"] == "zahl":
        slack = f" (± {format_number(question['toleranz'])})" if question["toleranz"] else ""
        return format_number(question["antwort"]) + (f" {question['einheit']}" if question["einheit"] else "") + slack
    if question["art"] == "zuordnung":
        return _pairs(question, {left["id"]: left["ziel"] for left in question["links"]})
    return "; ".join(option["text"] for option in question["optionen"] if option["richtig"])


def answer_text(question: Question, answer: Any) -> str:
    """Return a learner's answer in words; `–` if there is none."""
    answer = clean_answer(question, answer)
    if answer is None:
        return "–"
    if question["art"] == "zuordnung":
        return _pairs(question, answer)
    if question["art"] in ("einfach", "mehrfach"):
        chosen = [answer] if isinstance(answer, str) else answer
        return "; ".join(option["text"] for option in question["optionen"] if option["id"] in chosen)
    unit = question.get("einheit")
    return f"{answer} {unit}" if unit and not answer.endswith(unit) else answer


def _pairs(question: Question, answer: dict[str, str]) -> str:
    names = {item["id"]: item["text"] for item in question["rechts"]}
    return "; ".join(f"{left['text']} → {names.get(answer.get(left['id'], ''), '–')}" for left in question["links"])


def answerable(quiz: Quiz) -> list[Question]:
    """Return the questions that are answered in the form itself (not in a cell of their own)."""
    return [question for question in quiz["fragen"] if not question.get("eigene_zelle")]


def receipt(quiz: Quiz, answers: dict[str, Any]) -> str:
    """Return the folded list of saved answers that stays in the notebook file."""
    cleaned = clean_answers(quiz, answers)
    questions = answerable(quiz)
    items = [f"Frage {nr}: {answer_text(question, cleaned.get(question['id']))}"
             for nr, question in enumerate(quiz["fragen"], 1) if question in questions]
    done = sum(is_answered(question, cleaned.get(question["id"])) for question in questions)
    return (f'{STYLE}<div class="odk-static" lang="de"><details><summary>Gespeicherte Antworten: {done} von {len(questions)}'
            f"</summary>{_list(items)}<p>Erscheint das Quiz nicht? Klicken Sie in die Zelle. "
            "Drücken Sie dann Umschalt und Eingabe. Ihre Antworten bleiben erhalten.</p></details></div>")


def evaluation(quiz: Quiz, answers: dict[str, Any], results: list[Result], warning: str = "") -> str:
    """Return the evaluation for the feedback page: points, right answers and reasons per question."""
    title = escape(quiz["titel"])
    parts = [STYLE, f'<div class="odk-static" lang="de" role="group" aria-label="Auswertung: {title}">',
             f'<p class="odk-title">Auswertung: {title}</p>']
    if quiz["benotet"]:
        parts.append(f"<p><strong>Erreicht: {format_number(total(quiz, results))} von "
                     f"{format_points(points(quiz), dative=True)}</strong></p>")
    if warning:
        parts.append(f'<p class="odk-bad">{escape(warning)}</p>')
    parts.append("<ol>")
    for question, result in zip(quiz["fragen"], results, strict=True):
        parts.append(f"<li>{_evaluated(question, answers.get(question['id']), result, quiz['benotet'])}</li>")
    return "".join(parts) + "</ol></div>"


def _evaluated(question: Question, answer: Any, result: Result, graded: bool) -> str:
    words, css = _VERDICT[result.level]
    marks = f" – {format_number(result.points)} von {format_points(result.max, dative=True)}" if result.max else ""
    head = f'<p class="odk-text"><strong>{escape(question["frage"])}</strong></p><p><span class="{css}">{words}</span>{marks}</p>'
    if not is_automatic(question):
        return head
    facts = [f"Ihre Antwort: {answer_text(question, answer)}"]
    if question["art"] == "zahl" and result.read_as:
        facts.append(f"Gelesen als: {result.read_as}")
    if question.get("streitig"):
        facts.append(DISPUTED)
    elif result.level != "right":
        facts.append(f"Richtig ist: {right_answer(question)}")
    facts += [_with_reason(o["text"], o["weil"]) for o in question.get("optionen", []) if o["weil"]]
    pairs = {left["id"]: left["text"] for left in question.get("links", [])}
    facts += [_with_reason(pairs[line.on], line.text) for line in result.lines if line.on in pairs and line.text]
    facts += [line.text for line in result.lines if line.on is None and line.text != question.get("erklaerung")]
    facts += [question["erklaerung"]] if question.get("erklaerung") else []
    return head + _list(facts)


def freetext_prompt(question: Question, nr: int) -> str:
    """Return the Markdown for a free text's own cell (number, points, question, hint; never the rubric)."""
    lines = [f"**Frage {nr}** ({format_points(question['punkte'])}, Freitext): {question['frage']}"]
    if question.get("hinweis"):
        lines.append(f"Hinweis: {question['hinweis']}")
    return "\n\n".join(lines)


class Html:
    """An HTML output with a plain text beside it, and optionally the machine-readable copy of the answers."""

    def __init__(self, html: str, text: str, copy: dict[str, Any] | None = None):
        """Keep the three parts."""
        self.html, self.text, self.copy = html, text, copy

    def __repr__(self) -> str:
        return self.text

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        data: dict[str, Any] = {"text/html": self.html, "text/plain": self.text}
        return data | ({MIME: self.copy} if self.copy is not None else {})


def _with_reason(text: str, reason: str) -> str:
    """Return an option and its reason as one line, without a full stop before the colon."""
    return f"{text} {reason}" if text.endswith(("?", "!")) else f"{text.rstrip('.')}: {reason}"
