"""The question form as an anywidget. The browser only renders and sends; the kernel saves and scores."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from .. import forms
from . import scoring, static, storage
from .model import Quiz

_HERE = Path(__file__).parent


class QuizWidget(anywidget.AnyWidget):
    """A quiz in the notebook; `content` holds no key.

    The browser never writes the traits: it sends each answer inside a custom message (ipywidgets throttles state
    changes, and a message overtakes them) and the kernel answers with the new state and the message's number (`seen`).
    """

    _esm = forms.script(_HERE / "quiz.js")
    _css = (_HERE / "quiz.css").read_text(encoding="utf-8")
    content = traitlets.Dict().tag(sync=True)
    answers = traitlets.Dict().tag(sync=True)
    seen = traitlets.Dict().tag(sync=True)
    feedback = traitlets.Dict().tag(sync=True)
    notes = traitlets.Dict().tag(sync=True)
    status = traitlets.Unicode("").tag(sync=True)
    failed = traitlets.Bool(False).tag(sync=True)

    def __init__(self, public: Quiz, full: Quiz | None = None, folder: Path | str = "."):
        """Restore the saved answers from the folder.

        Args:
            public: the public part of the quiz.
            full: the complete quiz if feedback at once is possible (used in mode `ueben` only).
            folder: the notebook's folder.
        """
        self._full = full if public["modus"] == "ueben" else None
        self._folder = Path(folder).resolve()
        self.receipt: Any = None
        super().__init__(content=public)
        stored, notes = self._restore()
        self.answers = scoring.clean_answers(public, stored.answers)
        self._tell(saved=stored.state == "ok", extra=notes)
        self._note_numbers()
        self.on_msg(self._receive)

    def __repr__(self) -> str:
        return f"Quiz: {self.content['titel']}"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        if not data:
            data = {}
        data["text/html"] = static.reading_version(self.content)  # for pages without a kernel
        data["text/plain"] = repr(self)
        return data, metadata

    def receipt_html(self) -> static.Html:
        """Return the folded list of saved answers with the machine-readable copy."""
        name, version = self.content["quiz"], self.content["fassung"]
        copy = storage.bundle(name, dict(self.answers), version)
        return static.Html(static.receipt(self.content, self.answers), "Gespeicherte Antworten", copy)

    def _restore(self) -> tuple[storage.Stored, str]:
        name, notes = self.content["quiz"], ""
        stored = storage.read(name, self._folder)
        if stored.state != "ok":
            rescued = storage.rescue_from_folder(name, self._folder)
            if stored.state == "damaged":
                notes = f" Die Datei {storage.file_name(name)} war beschädigt."
                notes += "" if rescued else " Bitte antworten Sie noch einmal."
            if rescued:
                stored = rescued
                notes += " Ihre Antworten wurden aus dem Notebook wiederhergestellt."
        if stored.state == "ok" and stored.version != self.content["fassung"]:
            notes += " Die Fragen wurden seit Ihrer Antwort geändert. Bitte prüfen Sie Ihre Antworten."
        return stored, notes

    def _note_numbers(self) -> None:
        numbers = [q for q in self.content["fragen"] if q["art"] == "zahl"]
        self.notes = {q["id"]: scoring.number_note(q, self.answers.get(q["id"])) for q in numbers}

    def _tell(self, saved: bool = True, extra: str = "") -> None:
        questions = static.answerable(self.content)
        done = sum(scoring.is_answered(question, self.answers.get(question["id"])) for question in questions)
        text = f"{done} von {len(questions)} Fragen beantwortet."
        if saved and done:
            text += " Gespeichert."
            if self.content["modus"] == "test":
                text += " Rückmeldung gibt es nach der Bewertung."
        self.failed = False
        self.status = text + extra

    def _receive(self, _: Any, message: Any, __: Any) -> None:
        """Take one answer from the browser: save it, then score it if the learner asked for feedback."""
        if not isinstance(message, dict) or message.get("type") not in ("answer", "check"):
            return
        question = next((q for q in self.content["fragen"] if q["id"] == message.get("question")), None)
        number = message.get("number")
        if question is None or question.get("eigene_zelle") or not isinstance(number, int):
            return
        own_id = question["id"]
        answer = scoring.clean_answer(question, message.get("answer"))
        with self.hold_sync():
            if answer != self.answers.get(own_id):
                others = {key: value for key, value in self.answers.items() if key != own_id}
                self.answers = others if answer is None else {**others, own_id: answer}
                self.feedback = {key: value for key, value in self.feedback.items() if key != own_id}
                self._note_numbers()
                self._save()
            elif answer is not None and storage.read(self.content["quiz"], self._folder).state != "ok":
                self._save()
            if message["type"] == "check" and self._full:
                self._check(own_id, answer, number)
            self.seen = {**self.seen, own_id: number}

    def _check(self, own_id: str, answer: Any, number: int) -> None:
        question = next((q for q in self._full["fragen"] if q["id"] == own_id), None)
        if question is not None:
            result = scoring.score_question(question, answer, self._full["benotet"])
            # the number makes the browser announce an unchanged verdict again
            self.feedback = {**self.feedback, own_id: {**asdict(result), "number": number}}

    def _save(self) -> None:
        try:
            storage.write(self.content["quiz"], dict(self.answers), self.content["fassung"], self._folder)
            self._tell()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            self.failed = True
            self.status = (f"Achtung: Ihre Antworten konnten nicht gespeichert werden ({reason}). "
                           "Bitte wenden Sie sich an die Kursleitung.")
        if self.receipt is not None:
            self.receipt.update(self.receipt_html())
