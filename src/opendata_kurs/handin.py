"""Hand-in: one zip per chapter, made by a notebook cell (`abgabe()`) or by `kurs abgabe`. No real name needed."""

from __future__ import annotations

import json
import re
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

FORMAT = "opendata-kurs-abgabe/1"
MANIFEST = "abgabe.json"
TOKEN = re.compile(r"[a-z0-9-]{2,20}")
MAX_BYTES = 50 * 1024 * 1024
_TOKEN_FILE = ".kurs-kuerzel"
_TOKEN_RULE = "2 bis 20 Zeichen: kleine Buchstaben a bis z, Ziffern und Bindestrich"


class HandInError(ValueError):
    """The hand-in cannot be made; the message is German and says what to do."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


@dataclass
class HandIn:
    """What was written: the zip, its files, and what is still open (German sentences)."""

    path: Path
    files: list[str]
    open: list[str]


def check_token(token: str) -> str:
    """Return the Kürzel in its valid form; raise `HandInError` in German otherwise."""
    token = token.strip().lower()
    if not TOKEN.fullmatch(token):
        raise HandInError(f"Das Kürzel „{token}“ geht nicht. Erlaubt sind {_TOKEN_RULE}. Beispiel: blau-17")
    return token


def remembered_token(workspace: Path) -> str | None:
    """Return the Kürzel used before in this workspace."""
    file = workspace / _TOKEN_FILE
    text = file.read_text(encoding="utf-8").strip() if file.is_file() else ""
    return text if TOKEN.fullmatch(text) else None


def handin_files(chapter_dir: Path) -> list[Path]:
    """Return what belongs into the zip: exercises, answers, and files an exercise names in its metadata (`abgabe`)."""
    exercises = [f for f in sorted(chapter_dir.glob("uebung_*.ipynb")) if not f.name.endswith(".neu.ipynb")]
    patterns = ["antworten-*.json"]
    for exercise in exercises:
        patterns += [p for p in _metadata(exercise).get("abgabe", []) if isinstance(p, str) and "/" not in p and "\\" not in p]
    extra = {f for p in patterns for f in chapter_dir.glob(p) if f.is_file() and ".beschaedigt-" not in f.name}
    return [f for f in [*exercises, *sorted(extra)] if not f.is_symlink()]


def _metadata(notebook: Path) -> dict:
    try:
        data = json.loads(notebook.read_text(encoding="utf-8"))["metadata"].get("opendata_kurs", {})
        return data if isinstance(data, dict) else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def open_points(chapter_dir: Path) -> list[str]:
    """Return German sentences about what is not answered yet in a chapter's exercises."""
    from ._pruefen import open_in_file

    found = []
    for exercise in (f for f in handin_files(chapter_dir) if f.suffix == ".ipynb"):
        found += [f"{exercise.stem}: {line}" for line in open_in_file(exercise)]
    return found


def make_handin(chapter_dir: Path, token: str, target_dir: Path | None = None) -> HandIn:
    """Write `abgabe_<chapter>_<token>.zip`.

    Parameters: the chapter's folder in the workspace, the Kürzel, and where the zip goes (default: the workspace).
    Raises `HandInError` when there is nothing to hand in or it is too large.
    """
    token = check_token(token)
    chapter_dir = Path(chapter_dir).resolve()
    files = handin_files(chapter_dir)
    if not any(f.suffix == ".ipynb" for f in files):
        raise HandInError(f"Im Ordner {chapter_dir.name} liegt keine Übung (uebung_….ipynb). Öffnen Sie den Ordner eines Kapitels.")
    if sum(f.stat().st_size for f in files) > MAX_BYTES:
        raise HandInError("Die Abgabe ist größer als 50 MB. Löschen Sie große Ausgaben: Menü „Bearbeiten“, „Alle Ausgaben löschen“.")
    target = Path(target_dir or chapter_dir.parent)
    path = target / f"abgabe_{chapter_dir.name}_{token}.zip"
    manifest = {"format": FORMAT, "kapitel": chapter_dir.name, "kuerzel": token, "erstellt": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
    part = path.with_suffix(".teil")
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(MANIFEST, json.dumps(manifest, indent=1) + "\n")
        for file in files:
            archive.write(file, file.name)
    part.replace(path)
    return HandIn(path, [f.name for f in files], open_points(chapter_dir))


def summary(handin: HandIn) -> str:
    """Return the German text a learner reads after handing in."""
    lines = [f"Die Abgabe liegt hier: {handin.path.name} (Ordner {handin.path.parent.name})", "Darin sind:", *(f"  - {f}" for f in handin.files)]
    if handin.open:
        lines += ["Noch offen:", *(f"  - {o}" for o in handin.open), "Sie können weiterarbeiten und noch einmal abgeben. Die neueste Abgabe zählt."]
    else:
        lines.append("Alles ist bearbeitet. Geben Sie die Datei der Kursleitung.")
    return "\n".join([*lines, "Nicht darin sind: Name, Uhrzeiten einzelner Antworten und Zahl der Versuche."])


def abgabe(kuerzel: str | None = None, ordner: str | Path | None = None) -> None:
    """Hand in the chapter of this notebook: ask for a Kürzel (remembered) and write one zip.

    Parameters: `kuerzel` (asked for when missing), `ordner` (the chapter's folder; default: the notebook's).
    """
    import os

    if os.environ.get("NBGRADER_EXECUTION"):
        return
    chapter_dir = Path(ordner or ".").resolve()
    workspace = chapter_dir.parent
    known = remembered_token(workspace)
    if kuerzel is None:
        if not known:
            print(f"Wählen Sie ein Kürzel ({_TOKEN_RULE}).\nEin Name ist nicht nötig.")
        kuerzel = known or input("Ihr Kürzel: ")
    token = check_token(kuerzel)
    try:
        (workspace / _TOKEN_FILE).write_text(token + "\n", encoding="utf-8")
    except OSError:
        pass  # remembering is a comfort only
    print(summary(make_handin(chapter_dir, token)))
    print("Wichtig: Speichern Sie zuerst (Strg + S). Nur gespeicherte Änderungen sind in der Abgabe.")
    if known == token:
        print(f'Benutzt wurde Ihr Kürzel „{token}“. Ein anderes wählen Sie mit abgabe("neues-kuerzel").')
