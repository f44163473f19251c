"""One question for my department, kept as a card: a single HTML file in the workspace, offline, to print, without names."""

from __future__ import annotations

import os
import re
import tempfile
from functools import cache
from html import escape, unescape
from pathlib import Path
from typing import Any

from .inventory import _PERSON

FILE_NAME = "meine_fragekarte.html"
MAX_LENGTH = 200
OWN = "anderes Amt"
_MARK = '<meta name="generator" content="Open-Data-Kurs: Fragekarte">'
_PAGE = """<!DOCTYPE html>
<html lang="de">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
{mark}
<title>Meine Frage an mein Amt</title>
<style>
@page {{ size: A4; margin: 15mm; }}
body {{ font: 16px/1.45 "DejaVu Sans", "Segoe UI", Arial, sans-serif; color: #1b1b1b; background: #fff; margin: 0; padding: 1rem; }}
main {{ max-width: 34rem; margin: 0 auto; border: 2px solid #0b57d0; border-radius: .6rem; padding: .8rem 1.1rem; overflow-wrap: anywhere; }}
h1 {{ font-size: 1rem; margin: 0; color: #4a4a4a; }}
p {{ margin: .5rem 0 0; }}
.frage {{ font-size: 1.3rem; line-height: 1.3; font-weight: 600; }}
.zeilen {{ border-bottom: 1px solid #767676; height: 1.9rem; margin: 0; }}
.klein {{ font-size: .8rem; color: #4a4a4a; }}
@media print {{ body {{ padding: 0; font-size: 11pt; }} main {{ border-width: 1pt; width: 148mm; max-width: none; margin: 0; }} }}
</style>
</head>
<body>
<main>
<h1>Meine Frage an: <span id="amt">{department}</span></h1>
<p class="frage" id="frage">{question}</p>
<p>Die Antwort:</p>
<p class="zeilen"></p>
<p class="zeilen"></p>
<p class="klein">Aus dem Einführungstag „Offene Daten“. Auf der Karte stehen keine Namen.</p>
</main>
</body>
</html>
"""


class CardError(ValueError):
    """The card cannot be made or saved; the message is German. `fields` maps a field to what is wrong there."""

    def __init__(self, message: str, fields: dict[str, str] | None = None):
        super().__init__(message)
        self.fields = fields or {}


@cache
def content() -> dict:
    """Return the departments with their questions, as the form offers them."""
    import yaml

    raw = yaml.safe_load(Path(__file__).with_suffix(".yml").read_text(encoding="utf-8"))
    departments = [{"name": name, "questions": [*own, *raw["fuer_alle"]]} for name, own in sorted(raw["aemter"].items())]
    return {"departments": [*departments, {"name": OWN, "questions": list(raw["fuer_alle"])}], "other": OWN, "max": MAX_LENGTH}


def card_path(folder: Path | str | None = None) -> Path:
    """Return where the card lies: in `folder`, or in the workspace that holds the current folder."""
    from .lesson import _workspace_root

    return (Path(folder) if folder is not None else _workspace_root(Path.cwd())) / FILE_NAME


def clean(text: Any) -> str:
    """Return a single-line text of limited length that can be saved."""
    return " ".join(str(text or "").split())[:MAX_LENGTH].encode("utf-8", "ignore").decode()


def problems(department: str, question: str) -> dict[str, str]:
    """Return what is wrong as field → German sentence (fields `amt`, `frage`)."""
    found = {}
    if not department or department == OWN:
        found["amt"] = "Bitte wählen Sie ein Amt, oder schreiben Sie den Namen Ihres Amtes auf."
    if not question:
        found["frage"] = "Bitte wählen oder schreiben Sie eine Frage."
    for field, text in (("amt", department), ("frage", question)):
        if _PERSON.search(text):
            found[field] = "Auf der Karte steht kein Name einer Person. Nennen Sie das Amt oder die Stelle."
    return found


def render(department: str, question: str) -> str:
    """Return the card as a complete HTML page; the same card always gives the same bytes.

    Raises:
        CardError: something is missing or names a person.
    """
    department, question = clean(department), clean(question)
    if wrong := problems(department, question):
        raise CardError(next(iter(wrong.values())), wrong)
    return _PAGE.format(mark=_MARK, department=escape(department), question=escape(question))


def read(folder: Path | str | None = None) -> tuple[str, str] | None:
    """Return department and question of the saved card, or None if there is no card of ours."""
    try:
        text = card_path(folder).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None
    found = [re.search(f'id="{name}">([^<]*)<', text) for name in ("amt", "frage")]
    return tuple(unescape(hit[1]) for hit in found) if _MARK in text and all(found) else None


def save(department: str, question: str, folder: Path | str | None = None) -> Path:
    """Write the card in one step and return its path; a file of another kind with this name stays.

    Raises:
        CardError: something is missing, or the file cannot be written.
    """
    path, page = card_path(folder), render(department, question)
    if path.exists() and read(folder) is None:
        raise CardError(f"Es gibt schon eine andere Datei „{FILE_NAME}“. Benennen Sie diese um und speichern Sie noch einmal.")
    try:
        handle, temporary = tempfile.mkstemp(prefix=".fragekarte-", suffix=".tmp", dir=path.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
                stream.write(page)
            os.chmod(temporary, 0o644)
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise CardError(f"„{FILE_NAME}“ konnte nicht gespeichert werden ({error.strerror or error}). "
                        "Laden Sie die Karte herunter, oder fragen Sie die Kursleitung.") from None
    return path


def reading_version() -> str:
    """Return the questions as plain HTML, for pages without a kernel and for print."""
    parts = ['<div lang="de"><p><strong>Meine Frage an mein Amt</strong> (Lesefassung; zum Auswählen führen Sie die Zelle aus)</p>'
             "<p>Für jedes Amt:</p><ul>"]
    everyone = content()["departments"][-1]["questions"]
    parts += [f"<li>{escape(question)}</li>" for question in everyone]
    parts.append("</ul><p>Für einzelne Ämter:</p><ul>")
    parts += [f"<li>{escape(department['name'])}: {escape(question)}</li>" for department in content()["departments"][:-1]
              for question in department["questions"] if question not in everyone]
    return "".join(parts) + "</ul></div>"


class _Static:
    def _repr_mimebundle_(self, **_: Any) -> dict:
        return {"text/html": reading_version(), "text/plain": "Formular: Fragekarte"}


def fragekarte(folder: Path | str | None = None) -> Any:
    """Show a form: choose a department and a question, see the card, save it as `meine_fragekarte.html`.

    Args:
        folder: where the card is saved; without it, the workspace that holds the current folder.

    Where widgets do not work, the questions are shown to read. Nothing but department and question is stored.
    """
    if os.environ.get("NBGRADER_EXECUTION"):
        return _Static()
    try:
        from .question_card_widget import QuestionCardWidget
    except ImportError:
        return _Static()
    return QuestionCardWidget(folder)
