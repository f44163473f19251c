"""The inventory form as an anywidget. The browser only renders and sends; the kernel checks, saves and undoes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anywidget
import traitlets

from . import forms, inventory
from .inventory import Entry, InventoryError

_HERE = Path(__file__).parent
_UNDO_STEPS = 50
_CHANGED_ELSEWHERE = ("Die Datei wurde inzwischen an anderer Stelle geändert. Die Liste zeigt jetzt den neuen Stand. "
                      "Bitte wiederholen Sie den letzten Schritt.")


class InventoryWidget(anywidget.AnyWidget):
    """Form and list of entries.

    The browser sends numbered messages (`save`, `delete`, `undo`, `reload`) and the kernel answers with a new state and
    that number; see the quiz widget for why the browser never writes traits.
    """

    _esm = forms.script(_HERE / "inventory.js")
    _css = (_HERE / "inventory.css").read_text(encoding="utf-8")
    groups = traitlets.List().tag(sync=True)
    state = traitlets.Dict().tag(sync=True)
    seen = traitlets.Int(0).tag(sync=True)

    def __init__(self, folder: Path | str | None = None):
        """Read the existing file of the folder (None: the workspace)."""
        self._folder = inventory.inventory_path(folder).parent.resolve()
        self._rows: list[Entry] = []
        self._known = b""
        self._past: list[tuple[list[Entry], str]] = []
        super().__init__(groups=inventory.form_content())
        self._load()
        self.on_msg(self._receive)

    def __repr__(self) -> str:
        return "Formular: Dateninventar"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        data = data or {}
        data["text/html"] = inventory.reading_version(self._rows)
        data["text/plain"] = repr(self)
        return data, metadata

    def _tell(self, text: str, outcome: str = "ok", errors: dict | None = None) -> None:
        """Set the state; `outcome` is ok, invalid (errors in the form), failed (nothing saved) or damaged (file)."""
        rows = [{**row, "entscheidung_text": inventory.choice_text("entscheidung", row["entscheidung"])} for row in self._rows]
        self.state = {"rows": rows, "status": text, "outcome": outcome, "errors": errors or {}}

    def _load(self, said: str = "") -> None:
        try:
            self._known = inventory.read_bytes(self._folder)
            self._rows = inventory.parse(self._known)
        except InventoryError as error:
            self._rows = []
            self._tell(f"{error} Das Formular lässt die Datei so lange, wie sie ist. Klicken Sie danach auf „Neu laden“.", "damaged")
            return
        count = len(self._rows)
        found = f"{count} {'Eintrag' if count == 1 else 'Einträge'} gelesen." if count else "Noch kein Eintrag. Füllen Sie das Formular aus."
        self._tell(said or found, "failed" if said else "ok")

    def _store(self, rows: list[Entry], text: str, undo: str | None) -> bool:
        """Write the rows and say whether it worked; `undo` is what undoing this step will say (None: no new step)."""
        try:
            if inventory.read_bytes(self._folder) != self._known:
                self._past.clear()
                self._load(_CHANGED_ELSEWHERE)
                return False
            inventory.write(rows, self._folder)
        except InventoryError as error:
            self._tell(f"Achtung: {error}", "failed")
            return False
        if undo is not None:
            self._past = [*self._past, (self._rows, undo)][-_UNDO_STEPS:]
        self._rows, self._known = rows, inventory.to_bytes(rows)
        self._tell(text)
        return True

    def _receive(self, _: Any, message: Any, __: Any) -> None:
        if not isinstance(message, dict) or not isinstance(message.get("number"), int):
            return
        with self.hold_sync():
            kind, row = message.get("type"), message.get("row")
            if kind == "reload":
                self._past.clear()
                self._load()
            elif self.state["outcome"] == "damaged":
                pass  # nothing may touch a file that could not be read
            elif kind == "undo":
                self._undo()
            elif kind == "delete" and self._is_row(row):
                title = self._rows[row]["titel"]
                rest = self._rows[:row] + self._rows[row + 1:]
                self._store(rest, f"„{title}“ ist gelöscht. „Rückgängig“ holt den Eintrag zurück.", f"„{title}“ ist wieder da.")
            elif kind == "save" and isinstance(message.get("entry"), dict):
                self._save(message["entry"], row if self._is_row(row) else None)
            self.seen = message["number"]

    def _is_row(self, row: Any) -> bool:
        return isinstance(row, int) and not isinstance(row, bool) and 0 <= row < len(self._rows)

    def _save(self, raw: dict, row: int | None) -> None:
        entry = inventory.clean_entry(raw)
        others = [other for i, other in enumerate(self._rows) if i != row]
        if problems := inventory.entry_problems(entry, others):
            count = len(problems)
            text = "Noch nicht gespeichert: " + ("1 Feld passt" if count == 1 else f"{count} Felder passen") + " noch nicht."
            self._tell(text, "invalid", problems)
        elif row is None and len(self._rows) >= inventory.MAX_ROWS:
            self._tell(f"Mehr als {inventory.MAX_ROWS} Einträge gehen nicht.", "failed")
        elif row is None:
            self._store([*self._rows, entry], f"Gespeichert in {inventory.FILE_NAME}: „{entry['titel']}“.",
                        f"Der neue Eintrag „{entry['titel']}“ ist wieder entfernt.")
        else:
            self._store([*self._rows[:row], entry, *self._rows[row + 1:]], f"Geändert: „{entry['titel']}“.",
                        f"Die Änderung an „{entry['titel']}“ ist zurückgenommen.")

    def _undo(self) -> None:
        if not self._past:
            self._tell("Es gibt nichts rückgängig zu machen.")
            return
        rows, text = self._past[-1]
        if self._store(rows, text, None):
            self._past = self._past[:-1]
