"""Keep a learner's answers: one small JSON file per quiz beside the notebook, and a copy in the cell's output.

Neither holds attempts, times or names: these are employees' data.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .model import NAME

FORMAT = "opendata-kurs-antworten/1"
MIME = "application/vnd.opendata-kurs.antworten+json"
MAX_BYTES = 256 * 1024
_MAX_NOTEBOOK_BYTES = 50 * 1024 * 1024
_NOTE = "Diese Datei gehört zur Abgabe. Bitte nicht löschen oder umbenennen."


@dataclass(frozen=True)
class Stored:
    """Answers as found. `state`: ok, missing, damaged; `version` is the question version they belong to."""

    state: str
    answers: dict[str, Any] = field(default_factory=dict)
    version: str = ""


def file_name(name: str) -> str:
    """Return the name of a quiz's answers file."""
    return f"antworten-{name}.json"


def to_bytes(name: str, answers: dict[str, Any], version: str) -> bytes:
    """Return the content of an answers file."""
    content = {"format": FORMAT, "hinweis": _NOTE, "quiz": name, "fassung": version, "antworten": answers}
    return (json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()


def from_bytes(name: str, content: bytes) -> Stored:
    """Read the content of an answers file; anything unexpected is `damaged`, never an exception."""
    try:
        if len(content) > MAX_BYTES:
            raise ValueError
        data = json.loads(content.decode("utf-8"))
        if data["format"] != FORMAT or data["quiz"] != name or not isinstance(data["antworten"], dict):
            raise ValueError
        return Stored("ok", data["antworten"], str(data.get("fassung", ""))[:40])
    except (ValueError, KeyError, TypeError, RecursionError):
        return Stored("damaged")


def read(name: str, folder: Path | str = ".") -> Stored:
    """Read the answers to a quiz from the folder; a missing or damaged file is told by `state`."""
    path = Path(folder) / file_name(name)
    try:
        if not path.is_file():
            return Stored("damaged" if path.exists() or path.is_symlink() else "missing")
        with path.open("rb") as handle:
            return from_bytes(name, handle.read(MAX_BYTES + 1))
    except OSError:
        return Stored("damaged")


def write(name: str, answers: dict[str, Any], version: str, folder: Path | str = ".") -> Path:
    """Write the answers in one step, so that a crash leaves the old file or the new one; damaged files are kept aside.

    Raises:
        OSError: the folder cannot be written.
        ValueError: the answers exceed the size limit.
    """
    folder = Path(folder)
    path = folder / file_name(name)
    content = to_bytes(name, answers, version)
    if len(content) > MAX_BYTES:
        raise ValueError("Die Antworten sind zu lang.")
    keep_damaged_aside(name, folder)
    handle, temporary = tempfile.mkstemp(prefix=".antworten-", suffix=".tmp", dir=folder)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return path


def keep_damaged_aside(name: str, folder: Path | str = ".") -> Path | None:
    """Rename a damaged answers file (`antworten-NAME.beschaedigt-1.json`) and return its new place."""
    path = Path(folder) / file_name(name)
    if read(name, folder).state != "damaged":
        return None
    number = 1
    while (aside := path.with_name(f"antworten-{name}.beschaedigt-{number}.json")).exists() and number < 9:
        number += 1
    path.replace(aside)
    return aside


def bundle(name: str, answers: dict[str, Any], version: str) -> dict[str, Any]:
    """Return the copy of the answers for the cell's output."""
    return {"format": FORMAT, "quiz": name, "fassung": version, "antworten": answers}


def rescue_from_notebook(notebook: Any) -> dict[str, Stored]:
    """Return the answers kept in a notebook's outputs, by quiz name (the last non-empty copy wins).

    Args:
        notebook: a notebook as nbformat or `json.load` gives it; damaged parts are skipped.
    """
    found: dict[str, Stored] = {}
    for data in _copies(notebook):
        name = data.get("quiz")
        if not isinstance(name, str) or not NAME.fullmatch(name):
            continue
        try:
            stored = from_bytes(name, json.dumps(data).encode())
        except (TypeError, ValueError, RecursionError):
            continue
        if stored.state == "ok" and stored.answers:
            found[name] = stored
    return found


def _copies(notebook: Any) -> Iterator[dict]:
    for cell in _list(notebook, "cells"):
        for output in _list(cell, "outputs"):
            data = output.get("data") if isinstance(output, dict) else None
            copy = data.get(MIME) if isinstance(data, dict) else None
            if isinstance(copy, dict):
                yield copy


def _list(item: Any, key: str) -> list:
    value = item.get(key) if isinstance(item, dict) else None
    return value if isinstance(value, list) else []


def rescue_from_folder(name: str, folder: Path | str = ".") -> Stored | None:
    """Look for a copy of the answers in the notebooks of a folder (newest notebook first)."""
    try:
        notebooks = sorted(Path(folder).glob("*.ipynb"), key=lambda path: -path.stat().st_mtime)
    except OSError:
        return None
    for path in notebooks:
        try:
            if path.stat().st_size > _MAX_NOTEBOOK_BYTES:
                continue
            text = path.read_text(encoding="utf-8")
            stored = rescue_from_notebook(json.loads(text)).get(name) if MIME in text else None
        except (OSError, ValueError, RecursionError):
            continue
        if stored:
            return stored
    return None
