"""The German words the course adds to JupyterLab (deutsch.json): JupyterLab takes each of them, or the page stays English."""

import json
import re
from pathlib import Path

import jupyterlab.commands
import pytest

from opendata_kurs.lab_settings import EXTENSIONS

WORDS = json.loads((EXTENSIONS / "opendata-kurs" / "static" / "deutsch.json").read_text(encoding="utf-8"))
LAB = Path(jupyterlab.commands.get_app_dir())
CODE = "\n".join(file.read_text(encoding="utf-8") for file in (LAB / "static").glob("*.js"))
PLURALS = set(re.findall(r"""_n\(\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)""", CODE))
SCHEMAS = "\n".join(file.read_text(encoding="utf-8") for file in (LAB / "schemas").rglob("*.json"))


def _written(english: str) -> list[str]:
    """Return how a text can stand in JavaScript."""
    double = json.dumps(english, ensure_ascii=False)
    return [double, "'" + double[1:-1].replace('\\"', '"').replace("'", "\\'") + "'", "`" + english + "`"]


def faults(words: dict[str, list[str]]) -> list[str]:
    """Return what JupyterLab would not take: unknown texts, a wrong number of forms, placeholders that differ."""
    found = []
    for key, german in words.items():
        context, _, english = key.rpartition("\x04")
        if not any(text in CODE for text in _written(english)) and not (context == "menu" and json.dumps(english) in SCHEMAS):
            found.append(f"{key!r}: JupyterLab has no such text")
        if len(german) != (2 if PLURALS & set(_written(english)) else 1):
            found.append(f"{key!r}: {len(german)} forms")
        if set(re.findall(r"%\d", german[-1])) != set(re.findall(r"%\d", english)) and len(german) == 1:
            found.append(f"{key!r}: other placeholders")
    return found


def test_jupyterlab_takes_each_word():
    assert len(WORDS) > 400
    assert faults(WORDS) == []


@pytest.mark.parametrize(("key", "german", "fault"), [
    ("Run this cell and dance", ["Tanzen"], "no such text"),
    ("Move Cell Up", ["Zelle nach oben"], "1 forms"),
    ("Clear Cell Output", ["Ausgabe löschen", "Ausgaben löschen"], "2 forms"),
    ("Cell %1/%2", ["Zelle %1"], "other placeholders"),
])
def test_planted_faults_are_found(key, german, fault):
    assert [found.partition(": ")[2] for found in faults({key: german})] in ([fault], [f"JupyterLab has {fault}"])
