"""The credit form as an anywidget."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anywidget
import traitlets

from .. import forms
from .builder import _LONGEST, credit_state, reading_version

_HERE = Path(__file__).parent


class CreditWidget(anywidget.AnyWidget):
    """A text field and the list of parts it must hold.

    The browser sends the text inside a numbered message (see the quiz widget: ipywidgets throttles state changes) and
    the kernel answers with the new state and that number.
    """

    _esm = forms.script(_HERE / "credit.js")
    _css = (_HERE / "credit.css").read_text(encoding="utf-8")
    text = traitlets.Unicode("").tag(sync=True)
    state = traitlets.Dict().tag(sync=True)
    seen = traitlets.Int(0).tag(sync=True)

    def __init__(self, datasets: list, text: str = "", changed: bool = True):
        self._datasets, self._changed = datasets, changed
        super().__init__(text=text, state=credit_state(text, datasets, changed))
        self.on_msg(self._receive)

    def __repr__(self) -> str:
        return "Formular: Quellenvermerk"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        data = data or {}
        data["text/html"] = reading_version(self.state)
        data["text/plain"] = repr(self)
        return data, metadata

    def _receive(self, _: Any, message: Any, __: Any) -> None:
        if not isinstance(message, dict) or message.get("type") != "text" or not isinstance(message.get("number"), int):
            return
        text = str(message.get("text") or "")[:_LONGEST]
        with self.hold_sync():
            self.text = text
            self.state = credit_state(text, self._datasets, self._changed)
            self.seen = message["number"]
