"""The question card's form as an anywidget. The browser renders and sends; the kernel checks and saves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anywidget
import traitlets

from . import forms
from . import question_card as card

_HERE = Path(__file__).parent


class QuestionCardWidget(anywidget.AnyWidget):
    """Form with preview; the browser sends numbered `save` messages, see the quiz widget for why it never writes traits."""

    _esm = forms.script(_HERE / "question_card.js")
    _css = (_HERE / "question_card.css").read_text(encoding="utf-8")
    content = traitlets.Dict().tag(sync=True)
    state = traitlets.Dict().tag(sync=True)
    seen = traitlets.Int(0).tag(sync=True)

    def __init__(self, folder: Path | str | None = None):
        """Show the card that lies in the folder (None: the workspace), if there is one."""
        self._folder = card.card_path(folder).parent.resolve()
        super().__init__(content=card.content())
        saved = card.read(self._folder)
        if saved and not card.problems(*saved):
            self._tell("Ihre gespeicherte Karte ist wieder da.", *saved)
        else:
            self._tell("")
        self.on_msg(self._receive)

    def __repr__(self) -> str:
        return "Formular: Fragekarte"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        data = data or {}
        data["text/html"] = card.reading_version()
        data["text/plain"] = repr(self)
        return data, metadata

    def _tell(self, text: str, department: str = "", question: str = "", errors: dict | None = None, failed: bool = False) -> None:
        """Set the state; `page` is the card to download and empty until there is a valid one."""
        page = card.render(department, question) if question and not errors else ""
        self.state = {"amt": department, "frage": question, "status": text, "errors": errors or {}, "failed": failed, "page": page}

    def _receive(self, _: Any, message: Any, __: Any) -> None:
        if not isinstance(message, dict) or message.get("type") != "save" or not isinstance(message.get("number"), int):
            return
        with self.hold_sync():
            department, question = card.clean(message.get("amt")), card.clean(message.get("frage"))
            try:
                card.save(department, question, self._folder)
                self._tell(f"Gespeichert: {card.FILE_NAME}", department, question)
            except card.CardError as error:
                said = f"Noch nicht gespeichert. {'' if error.fields else error}".strip()
                self._tell(said, department, question, error.fields, failed=True)
            self.seen = message["number"]
