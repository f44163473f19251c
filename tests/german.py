"""German spelling of everything a learner or trainer reads."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import notebook_rules as rules
import yaml
from places import ROOT

DICTIONARY = Path("/usr/share/hunspell/de_DE")
_WORD = re.compile(r"[A-Za-zÄÖÜäöüß]+(?:-[A-Za-zÄÖÜäöüß]+)*")
_NOT_PROSE = re.compile(
    r"<p lang=\"en\">.*?</p>|```.*?```|`[^`]*`|\$[^$]*\$|<(?:style|script|pre|code)\b.*?</(?:style|script|pre|code)>|<[^>]+>|\]\([^)]*\)|https?://\S+"
    r"|\bwww\.\S+|\b[\w.-]+@[\w.-]+|\b\w+(?:[_./]\w+)+\b|&\w+;|\{[^}]*\}",
    re.S,
)
_YAML_KEYS = {"id", "quiz", "art", "modus", "fall", "quelle", "punkte", "datei", "antwort", "wert", "lektion", "slug", "schluessel", "dann", "start"}


@cache
def _dictionary():
    from spylls.hunspell import Dictionary

    return Dictionary.from_files(str(DICTIONARY))


@cache
def _project_words() -> frozenset[str]:
    """Return the project's own words; one file per area, so that many can write."""
    lines = [line for path in sorted((ROOT / "tests" / "woerter").glob("*.txt")) for line in path.read_text(encoding="utf-8").splitlines()]
    return frozenset(word.strip() for word in lines if word.strip() and not word.startswith("#"))


@cache
def _in_dictionary(word: str) -> bool:
    return word in _project_words() or _dictionary().lookup(word)


@cache
def known(word: str) -> bool:
    """Say whether a word is German, a project word, or a compound of two German words (with or without a linking s)."""
    if len(word) < 3 or word.isupper() or _in_dictionary(word) or _in_dictionary(word.lower()):
        return True
    if "-" in word:
        return all(known(part) or known(part.capitalize()) for part in word.split("-"))
    if word[0].isupper():
        for cut in range(4, len(word) - 3):
            head, tail = word[:cut], word[cut:].capitalize()
            if _in_dictionary(tail) and (_in_dictionary(head) or (head.endswith("s") and len(head) > 5 and _in_dictionary(head[:-1]))):
                return True
    return False


def misspelled(text: str) -> list[str]:
    """Return the unknown words of a text, code and addresses left out."""
    prose = _NOT_PROSE.sub(" ", text)
    return sorted({w for w in _WORD.findall(prose) if not known(w)})


def _strings(node, key="") -> Iterator[str]:
    if isinstance(node, dict):
        for k, v in node.items():
            # matching questions have their texts in the keys
            yield from ([str(k)] if key == "paare" else [])
            if k not in _YAML_KEYS:  # ids and names of files are no prose
                yield from _strings(v, k)
    elif isinstance(node, list):
        for v in node:
            yield from _strings(v, key)
    elif isinstance(node, str):
        yield node


def learner_texts() -> Iterator[tuple[str, str]]:
    """Yield (place, text) for all that learners and trainers read."""
    for path in sorted((ROOT / "course").rglob("*.ipynb")):
        for name, source in rules.texts(rules.read(path)):
            yield f"{path.relative_to(ROOT)}#{name}", source
    for path in sorted([*(ROOT / "course").rglob("*.yml"), ROOT / "docs" / "wege.yml"]):
        if path.exists():
            yield str(path.relative_to(ROOT)), "\n".join(_strings(yaml.safe_load(path.read_text(encoding="utf-8"))))
    words = ROOT / "src" / "opendata_kurs" / "lab_settings" / "erweiterung" / "opendata-kurs" / "static" / "deutsch.json"
    yield str(words.relative_to(ROOT)), "\n".join(_strings(json.loads(words.read_text(encoding="utf-8"))))
    for path in [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "datasets" / "README.md"]:
        if path.exists():
            text = path.read_text(encoding="utf-8")
            # the English paragraph of the README is marked as such
            yield str(path.relative_to(ROOT)), re.sub(r"<!-- en -->.*?<!-- /en -->", "", text, flags=re.S)
