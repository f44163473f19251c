"""The learner's own data inventory: one CSV in the workspace, filled in with a form, used again in chapter 04.

The file has one line per dataset of a department. `ansprechstelle` is a function (department, mailbox), never a person.
"""

from __future__ import annotations

import csv
import difflib
import io
import os
import re
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

FILE_NAME = "dateninventar.csv"
MAX_ROWS = 500
MAX_LENGTH = 500
PUBLISHED = "veröffentlicht"

Entry = dict[str, str]


class InventoryError(ValueError):
    """The inventory cannot be read or saved; the message is German. `fields` maps columns to what is wrong there."""

    def __init__(self, message: str, fields: Mapping[str, str] | None = None):
        super().__init__(message)
        self.fields = dict(fields or {})


@dataclass(frozen=True)
class Field:
    """One column: its label in the form, the question of the interview that it answers, and its allowed values."""

    name: str
    label: str
    question: str
    choices: tuple[str, ...] = ()
    required: bool = False
    long: bool = False


GROUPS: tuple[tuple[str, tuple[Field, ...]], ...] = (
    ("Wer und was?", (
        Field("titel", "Titel des Datensatzes", "Wie würde jemand danach suchen, der Ihr Amt nicht kennt?", required=True),
        Field("amt", "Amt", "Welches Amt ist zuständig?", required=True),
        Field("ansprechstelle", "Ansprechstelle",
              "Wer pflegt die Daten, wer entscheidet? Bitte nur eine Funktion oder ein Postfach, keine Namen von Personen."),
        Field("rechtsgrundlage", "Rechtsgrundlage", "Für welche Aufgabe führt das Amt die Daten? Verlangt ein Gesetz sie?"),
    )),
    ("Bestand und Technik", (
        Field("fachverfahren", "Fachverfahren oder Liste", "In welchem Programm stehen die Daten? Gibt es Tabellen, Papier, Karten?"),
        Field("format", "Format oder Schnittstelle", "Was kommt beim Export heraus? Zum Beispiel CSV, Excel, PDF."),
        Field("aktualisierung", "Aktualisierung", "Wie oft ändern sich die Daten? Zum Beispiel: monatlich."),
        Field("raumbezug", "Raumbezug", "Gibt es Adressen, Koordinaten oder eine Nummer des Stadtteils?"),
    )),
    ("Nachfrage", (
        Field("nachfrage", "Nachfrage", "Wer fragt wie oft wonach? Zum Beispiel Presse, Rat, Vereine, andere Ämter.", long=True),
    )),
    ("Recht", (
        Field("personenbezug", "Personenbezug", "Sagen die Daten etwas über einzelne Menschen? Gibt es kleine Fallzahlen?",
              ("nein", "ja", "aggregierbar"), required=True),
        Field("rechte_dritter", "Rechte Dritter", "Stammt etwas von anderen? Gibt es Verträge, Fotos, Karten, Gutachten?",
              ("keine", "geklärt", "ungeklärt"), required=True),
    )),
    ("Entscheidung", (
        Field("entscheidung", "Entscheidung", "Welchen Datensatz könnte das Amt in vier Wochen veröffentlichen? Wer gibt frei?",
              ("offen", "später", "nein")),
        Field("grund", "Grund", "Warum so? Bei „später“ und „nein“ ist der Grund Pflicht.", long=True),
        Field("musterdatensatz", "Musterdatensatz", "Wie heißt der Datensatz im Musterdatenkatalog? Zum Beispiel: Spielplatz."),
        Field("status", "Status", "Wie weit sind Sie?", ("erfasst", "in Arbeit", PUBLISHED), required=True),
    )),
)
FIELDS: dict[str, Field] = {field.name: field for _, fields in GROUPS for field in fields}
COLUMNS = (
    "titel", "amt", "ansprechstelle", "fachverfahren", "rechtsgrundlage", "aktualisierung", "raumbezug", "personenbezug",
    "rechte_dritter", "format", "nachfrage", "entscheidung", "grund", "musterdatensatz", "status",
)  # fmt: skip
_CHOICE_TEXT = {
    ("personenbezug", "aggregierbar"): "ja, aber aggregierbar (als Summen ohne Personenbezug)",
    ("entscheidung", ""): "noch nicht entschieden",
}
# Only what is certainly a person: titles of address, and mailboxes like vorname.nachname@
_PERSON = re.compile(r"\b(?:Herrn?|Frau|Hr\.|Fr\.|Dr\.)\s+[A-ZÄÖÜ]|\b[\w-]+\.[\w-]+@", re.UNICODE)
_PERSON_TEXT = ("Bitte nennen Sie eine Funktion oder ein Postfach, keine Person. Zum Beispiel: „Gartenamt, Abteilung Spielplätze“ "
                "oder „gartenamt@musterstadt.example“.")


def inventory_path(folder: Path | str | None = None) -> Path:
    """Return where the inventory lies: in `folder`, or in the workspace that holds the current folder."""
    from .lesson import _workspace_root

    return (Path(folder) if folder is not None else _workspace_root(Path.cwd())) / FILE_NAME


def clean_entry(entry: Mapping[str, Any]) -> Entry:
    """Return all columns as single-line texts; what is missing becomes empty, the status `erfasst`."""
    def line(value: Any) -> str:
        text = " ".join(str(value or "").split())[:MAX_LENGTH]
        return text.encode("utf-8", "ignore").decode()  # half a character from the browser cannot be saved

    cleaned = {name: line(entry.get(name)) for name in COLUMNS}
    cleaned["status"] = cleaned["status"] or "erfasst"
    return cleaned


def entry_problems(entry: Mapping[str, str], others: Iterable[Mapping[str, str]] = ()) -> dict[str, str]:
    """Return what is wrong with an entry as column → German sentence; `others` are the other entries of the inventory."""
    found: dict[str, str] = {}
    for field in FIELDS.values():
        value = entry[field.name]
        if field.required and not value:
            found[field.name] = f"Bitte {'wählen Sie hier etwas aus' if field.choices else 'füllen Sie dieses Feld aus'}."
        elif value and field.choices and value not in field.choices:
            found[field.name] = f"„{value}“ gibt es hier nicht. Möglich sind: {', '.join(field.choices)}."
    if any(entry["titel"].casefold() == other["titel"].casefold() for other in others if entry["titel"]):
        found["titel"] = "Diesen Titel gibt es in Ihrem Inventar schon. Bitte wählen Sie einen anderen."
    if _PERSON.search(entry["ansprechstelle"]):
        found["ansprechstelle"] = _PERSON_TEXT
    decision = entry["entscheidung"]
    if decision in ("später", "nein") and not entry["grund"]:
        found["grund"] = f"Bei „{decision}“ gehört ein Grund dazu. So kann das Amt später neu entscheiden."
    if decision == "offen" and entry["personenbezug"] == "ja":
        found["entscheidung"] = ("Personenbezogene Daten sind kein Open Data. Wählen Sie „nein“ oder „später“, "
                                 "oder stellen Sie den Personenbezug auf „aggregierbar“ und veröffentlichen Sie nur Summen.")
    elif decision == "offen" and entry["rechte_dritter"] == "ungeklärt":
        found["entscheidung"] = "Klären Sie zuerst die Rechte Dritter. Bis dahin passt „später“."
    if entry["status"] == PUBLISHED and decision != "offen" and "entscheidung" not in found:
        found["status"] = f"„{PUBLISHED}“ passt nur zur Entscheidung „offen“."
    return found


def parse(content: bytes) -> list[Entry]:
    """Read the file's content: UTF-8, comma or (as Excel writes it) semicolon; other columns are refused, not lost.

    Raises:
        InventoryError: with a German sentence that says what to do.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InventoryError(
            f"„{FILE_NAME}“ ist nicht in UTF-8 gespeichert. Öffnen Sie die Datei in Ihrem Tabellenprogramm und speichern Sie "
            "sie als „CSV UTF-8“."
        ) from None
    head = text.splitlines()[0] if text.strip() else ""
    if not head:
        return []
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=";" if head.count(";") > head.count(",") else ","))
    names = [name.strip() for name in rows[0]]
    if unknown := [name for name in names if name not in COLUMNS]:
        near = difflib.get_close_matches(unknown[0], COLUMNS, 1, 0.6)
        hint = f" Meinten Sie „{near[0]}“?" if near else ""
        raise InventoryError(f"„{FILE_NAME}“ hat eine Spalte, die nicht dazugehört: „{unknown[0]}“.{hint}")
    if "titel" not in names:
        raise InventoryError(f"In „{FILE_NAME}“ fehlt die Spalte „titel“ in der ersten Zeile.")
    if len(set(names)) < len(names):
        raise InventoryError(f"In „{FILE_NAME}“ steht eine Spalte zweimal in der ersten Zeile.")
    entries = []
    for number, row in enumerate(rows[1:], 2):
        if not any(value.strip() for value in row):
            continue
        if len(row) > len(names) and any(value.strip() for value in row[len(names):]):
            raise InventoryError(f"„{FILE_NAME}“, Zeile {number}: Hier stehen mehr Werte als Spalten. "
                                 "Fehlen Anführungszeichen um einen Text mit Komma?")
        entries.append(clean_entry(dict(zip(names, row, strict=False))))
    if len(entries) > MAX_ROWS:
        raise InventoryError(f"Das Inventar hat {len(entries)} Einträge. Möglich sind höchstens {MAX_ROWS}.")
    return entries


def to_bytes(entries: Iterable[Mapping[str, str]]) -> bytes:
    """Return the file's content: UTF-8, comma, LF, all columns in their order."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(clean_entry(entry) for entry in entries)
    return out.getvalue().encode()


def read_bytes(folder: Path | str | None = None) -> bytes:
    """Return the content of the file, empty when there is none yet."""
    path = inventory_path(folder)
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        reason = error.strerror or str(error)
        raise InventoryError(f"„{FILE_NAME}“ lässt sich nicht öffnen ({reason}). Ist die Datei noch in einem anderen "
                             "Programm offen?") from None


def write(entries: Iterable[Mapping[str, str]], folder: Path | str | None = None) -> Path:
    """Write the file in one step, so that a crash leaves the old file or the new one.

    Raises:
        InventoryError: the folder cannot be written.
    """
    path, content = inventory_path(folder), to_bytes(entries)
    try:
        handle, temporary = tempfile.mkstemp(prefix=".dateninventar-", suffix=".tmp", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(content)
            os.chmod(temporary, 0o644)
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        reason = error.strerror or str(error)
        raise InventoryError(f"„{FILE_NAME}“ konnte nicht gespeichert werden ({reason}). Ist die Datei noch in einem anderen "
                             "Programm offen?") from None
    return path


def load_inventory(folder: Path | str | None = None) -> pd.DataFrame:
    """Return the inventory as a table of texts with all columns; without a file the table is empty.

    Args:
        folder: where `dateninventar.csv` lies; without it, the workspace that holds the current folder.

    Raises:
        InventoryError: (a ValueError) the file is damaged; the German message says what to do.
    """
    import pandas as pd

    return pd.DataFrame(parse(read_bytes(folder)), columns=list(COLUMNS), dtype="str")


def check_inventory(table: pd.DataFrame | Iterable[Mapping[str, Any]]) -> list[Entry]:
    """Check all entries and return them cleaned; nothing is saved.

    Args:
        table: the table from `load_inventory`, or a list of dictionaries; missing columns stay empty.

    Raises:
        InventoryError: (a ValueError) an entry is not complete or contradicts itself.
    """
    if hasattr(table, "to_dict"):
        if unknown := [str(c) for c in table.columns if c not in COLUMNS]:
            raise InventoryError(f"Diese Spalten gehören nicht zum Dateninventar: {', '.join(unknown)}.")
        rows = table.astype("object").where(table.notna(), "").to_dict("records")
    else:
        rows = list(table)
    entries = [clean_entry(row) for row in rows]
    if len(entries) > MAX_ROWS:
        raise InventoryError(f"Das Inventar hat {len(entries)} Einträge. Möglich sind höchstens {MAX_ROWS}.")
    for number, entry in enumerate(entries):
        if problems := entry_problems(entry, entries[:number]):
            name, text = next(iter(problems.items()))
            raise InventoryError(f"Eintrag {number + 1} („{entry['titel'] or 'ohne Titel'}“), Feld „{FIELDS[name].label}“: {text}",
                                 problems)
    return entries


def save_inventory(table: pd.DataFrame | Iterable[Mapping[str, Any]], folder: Path | str | None = None) -> Path:
    """Check all entries, replace `dateninventar.csv` by them and return its path.

    Args:
        table: as in `check_inventory`; the whole inventory, not a single new entry.
        folder: where to write; without it, the workspace that holds the current folder.

    Raises:
        InventoryError: (a ValueError) an entry is wrong, or the folder cannot be written; the file stays as it was.
    """
    return write(check_inventory(table), folder)


def set_status(title: str, status: str = PUBLISHED, folder: Path | str | None = None) -> Path:
    """Set the status of the entry with this title and save; chapter 04 calls it after publishing.

    Raises:
        InventoryError: there is no such entry (the nearest title is suggested), or the status contradicts the decision.
    """
    table = load_inventory(folder)
    hit = table["titel"].str.casefold() == " ".join(title.split()).casefold()
    if not hit.any():
        near = difflib.get_close_matches(title, list(table["titel"]), 1, 0.5)
        hint = f" Meinten Sie „{near[0]}“?" if near else " Legen Sie den Eintrag zuerst mit dateninventar() an."
        raise InventoryError(f"In Ihrem Dateninventar gibt es „{title}“ nicht.{hint}")
    table.loc[hit, "status"] = status
    return save_inventory(table, folder)


def choice_text(field: str, value: str) -> str:
    """Return how a value of a choice reads in the form."""
    return _CHOICE_TEXT.get((field, value), value)


def form_content() -> list[dict]:
    """Return the form's groups and fields for the browser."""
    return [
        {"title": title, "fields": [
            {"name": f.name, "label": f.label, "question": f.question, "required": f.required, "long": f.long,
             "choices": [{"value": v, "text": choice_text(f.name, v)} for v in f.choices],
             "empty": _CHOICE_TEXT.get((f.name, ""), "bitte wählen")}
            for f in fields]}
        for title, fields in GROUPS
    ]


def reading_version(entries: Iterable[Mapping[str, str]] = ()) -> str:
    """Return the guide and the entries as plain HTML, for pages without a kernel and for print."""
    parts = ['<div lang="de"><p><strong>Leitfaden und Dateninventar</strong> (Lesefassung; zum Ausfüllen führen Sie die Zelle aus)</p>']
    for title, fields in GROUPS:
        items = "".join(f"<li><strong>{escape(f.label)}:</strong> {escape(f.question)}</li>" for f in fields)
        parts.append(f"<p>{escape(title)}</p><ul>{items}</ul>")
    rows = "".join(
        f"<tr><td>{escape(e['titel'])}</td><td>{escape(e['amt'])}</td>"
        f"<td>{escape(choice_text('entscheidung', e['entscheidung']))}</td><td>{escape(e['status'])}</td></tr>" for e in entries
    )
    if rows:
        parts.append("<table><caption>Ihre Einträge</caption><thead><tr><th>Titel</th><th>Amt</th><th>Entscheidung</th>"
                     f"<th>Status</th></tr></thead><tbody>{rows}</tbody></table>")
    return "".join(parts) + "</div>"


class _Static:
    def __init__(self, html: str):
        self.html = html

    def _repr_mimebundle_(self, **_: Any) -> dict:
        return {"text/html": self.html, "text/plain": "Formular: Dateninventar"}


def dateninventar(folder: Path | str | None = None) -> Any:
    """Show the interview guide as a form; each saved entry goes into `dateninventar.csv` in the workspace.

    Args:
        folder: where the file lies; without it, the workspace that holds the current folder.

    Where widgets do not work, the guide is shown to read. A damaged file is reported in German and never overwritten.
    """
    if os.environ.get("NBGRADER_EXECUTION"):
        return _Static(reading_version())
    try:
        from .inventory_widget import InventoryWidget
    except ImportError:
        return _Static(reading_version())
    return InventoryWidget(folder)
