"""What `pruefen()` and the hand-in tell: open questions, empty places, visible checks."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
from collections.abc import Iterable
from pathlib import Path

_HIDDEN = re.compile(r"[^\n]*VERSTECKTE TESTS ANFANG.*?VERSTECKTE TESTS ENDE[^\n]*", re.S)
_EMPTY = re.compile(r"=\s*\.\.\.")
_HEADING = re.compile(r"^#{2,4}\s+(.+)$", re.M)
_PLACEHOLDER = re.compile(r"\*?Klicken Sie hier[^\n]*schreiben Sie Ihre Antwort\.\*?")


def cells_of(notebook: Path) -> list[dict]:
    """Return the cells of a saved notebook, sources as text; [] when it cannot be read."""
    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return [{**c, "source": "".join(c.get("source", ""))} for c in cells if isinstance(c, dict)]


def _meta(cell: dict) -> dict:
    return cell.get("metadata", {}).get("nbgrader", {}) or {}


def _quiz(cell: dict) -> str | None:
    name = cell.get("metadata", {}).get("opendata_kurs", {}).get("quiz")
    if name is None and cell.get("cell_type") == "code" and (found := re.search(r"""^quiz\(["']([a-z0-9-]+)["']\)""", cell["source"], re.M)):
        name = found[1]
    return name


def _quiz_line(name: str, folder: Path) -> tuple[bool, str]:
    from .questions import open_questions

    try:
        missing = open_questions(name, folder)
    except Exception as error:  # a damaged question file must not stop the report
        return False, f"Fragen „{name}“: {error}"
    if not missing:
        return True, f"Fragen „{name}“: alle beantwortet."
    return False, f"Fragen „{name}“: noch offen: {', '.join(map(str, missing))}."


def open_in_file(notebook: Path) -> list[str]:
    """Return German sentences about open places in a saved exercise, without running it."""
    lines = []
    for cell in cells_of(notebook):
        meta = _meta(cell)
        if name := _quiz(cell):
            done, line = _quiz_line(name, notebook.parent)
            lines += [] if done else [line]
        elif meta.get("solution") and meta.get("grade"):
            if _is_empty_text(cell):
                lines.append("Eine Textantwort ist noch leer.")
        elif meta.get("solution") and _EMPTY.search(cell["source"]):
            lines.append("In einer Zelle stehen noch drei Punkte (...).")
    return lines


def _is_empty_text(cell: dict) -> bool:
    return not _PLACEHOLDER.sub("", cell["source"]).strip()


def find_notebook(shell=None) -> Path | None:
    """Find the open exercise: the session's path, then VS Code's, then the saved file that holds the executed cells."""
    folder = Path.cwd()
    names = [os.environ.get("JPY_SESSION_NAME", "")]
    if shell is not None:
        names.append(str(shell.user_ns.get("__vsc_ipynb_file__", "")))
    for name in names:
        file = Path(name)
        for candidate in (file, folder / file.name):
            if name.endswith(".ipynb") and candidate.is_file():
                return candidate
    executed = {s.strip() for s in (shell.user_ns.get("In", []) if shell is not None else []) if len(s.strip()) > 20}
    ranked = sorted(
        ((sum(c["source"].strip() in executed for c in cells_of(f)), f.stat().st_mtime, f) for f in folder.glob("*.ipynb")),
        key=lambda item: item[:2], reverse=True)
    if ranked and (ranked[0][0] or len(ranked) == 1):
        return ranked[0][2]
    exercises = sorted(folder.glob("uebung_*.ipynb"))
    return exercises[0] if len(exercises) == 1 else None


def _run_visible(source: str, names: dict, exports: Iterable[str] = ()) -> str | None:
    """Run the visible part of a test cell on a copy of the notebook's names; return None or a German sentence."""
    from .checks import CheckFailed
    from .errorhelp import explain

    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            exec(compile(_HIDDEN.sub("", source), "<pruefung>", "exec"), dict(names))
    except CheckFailed as error:
        return str(error)
    except Exception as error:
        if isinstance(error, NameError) and error.name in exports:
            return f"Den Wert „{error.name}“ gibt es noch nicht. Führen Sie zuerst die Zelle mit „{error.name} = …“ aus."
        help_ = explain(error, names)
        return "\n".join([f"{help_.title}. {help_.text}", *(f"Tipp: {t}" for t in help_.tips[:2])]).replace("`", "")
    return None


def report(notebook: str | Path | None = None) -> str:
    """Return the German report of `pruefen()`."""
    if os.environ.get("NBGRADER_EXECUTION"):
        return "pruefen() läuft nur, wenn Sie selbst am Notebook arbeiten."
    try:
        from IPython import get_ipython

        shell = get_ipython()
    except ImportError:
        shell = None
    file = Path(notebook) if notebook else find_notebook(shell)
    if file is None or not file.is_file():
        return ("pruefen() findet das Notebook nicht. Speichern Sie mit Strg + S. Hilft das nicht, nennen Sie die Datei:"
                ' pruefen("uebung_01_begriff.ipynb")')
    names = dict(shell.user_ns) if shell is not None else {}
    executed = {str(s).strip() for s in names.get("In", [])}
    good, todo, unsaved, heading = [], [], False, ""
    for cell in cells_of(file):
        meta = _meta(cell)
        if cell["cell_type"] == "markdown" and (found := _HEADING.findall(cell["source"])):
            heading = found[-1].strip()
        if name := _quiz(cell):
            done, line = _quiz_line(name, file.parent)
            (good if done else todo).append(line)
        elif meta.get("solution") and meta.get("grade") and cell["cell_type"] == "markdown":
            if _is_empty_text(cell):
                todo.append("Eine Textantwort ist noch leer. Haben Sie schon geschrieben? Dann speichern Sie zuerst mit Strg + S.")
            else:
                good.append("Eine Textantwort ist da. Eine Person liest sie.")
        elif meta.get("solution") and cell["cell_type"] == "code":
            unsaved = unsaved or (shell is not None and cell["source"].strip() not in executed)
        elif meta.get("grade") and cell["cell_type"] == "code":
            problem = _run_visible(cell["source"], names, cell["metadata"].get("opendata_kurs", {}).get("exports", []))
            task = heading or meta.get("grade_id")
            if problem is None:
                good.append(f"„{task}“: Die sichtbare Prüfung ist bestanden.")
            else:
                todo.append(f"„{task}“: " + problem.replace("\n", "\n    "))
    if not good and not todo:
        return f"In {file.name} gibt es nichts zu prüfen. pruefen() gehört in eine Übung."
    lines = [f"Stand Ihrer Übung {file.stem}:", *(f"  ✓ {g}" for g in good), *(f"  ○ {t}" for t in todo)]
    if unsaved:
        lines.append("Hinweis: Eine Lösung im Notebook wurde noch nicht ausgeführt oder nicht gespeichert."
                     " Speichern Sie mit Strg + S und führen Sie die Zellen von oben nach unten aus.")
    if todo:
        lines.append("Noch offen ist, was mit ○ beginnt.")
    lines.append("Die Bewertung kann genauer hinsehen als diese Prüfung. Punkte gibt es erst danach.")
    return "\n".join(lines)
