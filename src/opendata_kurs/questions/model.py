"""A quiz and what is derived from it: public part, version, points, packed key, the learner's public file.

A quiz is a plain dict with the German keys of the YAML file, because the same data goes to the learner's
JSON file, to the browser and into the notebook. `load` adds ids (hashes of the texts), a fixed order and defaults.
"""

from __future__ import annotations

import base64
import json
import zlib
from pathlib import Path
from typing import Any

from .checking import KINDS, MODES, NAME, Question, Quiz, QuizError, check, digest, load

__all__ = [
    "KINDS", "MODES", "NAME", "Question", "Quiz", "QuizError", "check", "is_automatic", "load", "manual_questions", "pack",
    "points", "public_file", "public_file_name", "public_part", "question_version", "read_public_file", "unpack",
]

PUBLIC_FORMAT = "opendata-kurs-quiz/1"
_PUBLIC_FIELDS = ("id", "art", "frage", "punkte", "hinweis", "einheit", "streitig", "eigene_zelle")


def is_automatic(question: Question) -> bool:
    """Tell whether the machine scores this question (all kinds but free text)."""
    return question["art"] != "freitext"


def points(quiz: Quiz) -> float:
    """Return the points the machine gives: free texts do not count, a self-test gives 0."""
    if not quiz["benotet"]:
        return 0.0
    return float(round(sum(q["punkte"] for q in quiz["fragen"] if is_automatic(q)), 2))


def manual_questions(quiz: Quiz) -> list[Question]:
    """Return the free texts a person grades, each with its number `nr` (as displayed) and its rubric `kriterien`."""
    if not quiz["benotet"]:
        return []
    return [{**q, "nr": nr} for nr, q in enumerate(quiz["fragen"], 1) if not is_automatic(q)]


def _only(item: dict, keys: tuple[str, ...]) -> dict:
    return {key: item[key] for key in keys if item.get(key) not in (None, "", False)}


def public_part(quiz: Quiz) -> Quiz:
    """Return what learners may see: texts, points, order and version; no key, reasons, rubric or source."""
    questions = []
    for question in quiz["fragen"]:
        shown = _only(question, _PUBLIC_FIELDS)
        shown["punkte"] = question["punkte"] if quiz["benotet"] else 0.0
        for part in ("optionen", "links", "rechts"):
            if part in question:
                shown[part] = [_only(item, ("id", "text")) for item in question[part]]
        questions.append(shown)
    return {"quiz": quiz["quiz"], "titel": quiz["titel"], "modus": quiz["modus"], "benotet": quiz["benotet"],
            "fassung": question_version(quiz), "fragen": questions}


def question_version(quiz: Quiz) -> str:
    """Return a hash of the questions as asked; titles, hints, points and the key do not change it."""
    asked = [
        {"id": q["id"], "art": q["art"], "frage": q["frage"], "einheit": q.get("einheit") or "",
         **{part: [item["id"] for item in q[part]] for part in ("optionen", "links", "rechts") if part in q}}
        for q in quiz["fragen"]
    ]
    return digest(json.dumps(asked, sort_keys=True, ensure_ascii=False))


def pack(quiz: Quiz) -> str:
    """Obfuscate a complete quiz (against reading along by accident; this is no encryption)."""
    text = json.dumps(quiz, ensure_ascii=False, sort_keys=True)
    return base64.b85encode(zlib.compress(text.encode(), 9)).decode()


def unpack(packed: str) -> Quiz:
    """Undo `pack`; raises QuizError in German if the text was damaged."""
    try:
        quiz = json.loads(zlib.decompress(base64.b85decode("".join(packed.split()))))
        return quiz if isinstance(quiz, dict) and quiz["fragen"] else _damaged()
    except (ValueError, zlib.error, KeyError, AttributeError, RecursionError):
        return _damaged()


def _damaged() -> Quiz:
    raise QuizError("Der Schlüssel zu diesem Quiz ist beschädigt. Bitte laden Sie die Aufgabe noch einmal.")


def public_file_name(name: str) -> str:
    """Return the name of the public file that lies beside a released notebook."""
    return f"quiz-{name}.json"


def public_file(quiz: Quiz) -> bytes:
    """Return the public file for learners: the public part, and in mode `ueben` the packed key (never a graded rubric)."""
    content: dict[str, Any] = {"format": PUBLIC_FORMAT, "fragen": public_part(quiz)}
    if quiz["modus"] == "ueben":
        hidden = ("kriterien", "musterantwort", "quelle") if quiz["benotet"] else ("quelle",)
        key = {**quiz, "fragen": [{k: v for k, v in q.items() if k not in hidden} for q in quiz["fragen"]]}
        content["schluessel"] = pack(key)
    return (json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()


def read_public_file(path: Path | str) -> tuple[Quiz, Quiz | None]:
    """Read a learner's quiz file: the public part and, in mode `ueben`, the complete quiz."""
    path = Path(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        public = content["fragen"]
        if content["format"] != PUBLIC_FORMAT or not isinstance(public["fragen"], list):
            raise ValueError
        packed = content.get("schluessel")
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise QuizError(f"Die Datei {path.name} ist beschädigt. Bitte laden Sie die Aufgabe noch einmal.") from None
    return public, unpack(packed) if packed else None
