"""Read question files (YAML) and check them; every complaint is German and names file, line, question and place."""

from __future__ import annotations

import difflib
import hashlib
import re
from pathlib import Path
from typing import Any

import yaml

from .numbers import read_number

Quiz = dict[str, Any]
Question = dict[str, Any]

KINDS = ("einfach", "mehrfach", "zuordnung", "zahl", "freitext")
MODES = ("ueben", "test")
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")

_QUIZ_FIELDS = ("quiz", "titel", "modus", "benotet", "fragen")
_COMMON_FIELDS = ("id", "art", "frage", "punkte", "hinweis", "erklaerung", "streitig", "quelle", "fall")
_KIND_FIELDS = {
    "einfach": ("optionen", "mischen"),
    "mehrfach": ("optionen", "mischen"),
    "zuordnung": ("paare", "ablenker"),
    "zahl": ("antwort", "toleranz", "einheit", "haeufige_fehler"),
    "freitext": ("kriterien", "musterantwort"),
}
_MAX_OPTIONS = 26
_TRUE, _FALSE = ("ja", "true", "yes", "wahr"), ("nein", "false", "no", "falsch")


class QuizError(ValueError):
    """A fault in a question file or a wrong call; the message is German and names the place."""

    def _render_traceback_(self) -> list[str]:
        """Show the sentence alone in a notebook, without a traceback."""
        return [str(self)]


def digest(text: str) -> str:
    """Return a short id made from a text; the same text always gives the same id."""
    return hashlib.sha256(" ".join(str(text).split()).encode()).hexdigest()[:8]


def shuffled(items: list[dict], seed: str) -> list[dict]:
    """Return the items in a fixed order that the author's order does not give away."""
    return sorted(items, key=lambda item: hashlib.sha256((seed + item["id"]).encode()).hexdigest())


# --- reading YAML ------------------------------------------------------------


class _Map(dict):
    """A YAML mapping that remembers its line and its keys' lines."""

    line = 0

    def __init__(self):
        super().__init__()
        self.lines: dict[str, int] = {}


class _Loader(yaml.BaseLoader):
    """Every scalar stays text (`1.234` must not become 1.234), duplicate keys are refused."""

    def construct_mapping(self, node, deep=False):
        found = _Map()
        found.line = node.start_mark.line + 1
        for key_node, value_node in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise yaml.constructor.ConstructorError(None, None, "unhashable key", key_node.start_mark)
            if key in found:
                raise yaml.constructor.ConstructorError(None, None, f"duplicate {key}", key_node.start_mark)
            found[key] = self.construct_object(value_node, deep=True)
            found.lines[key] = key_node.start_mark.line + 1
        return found


_Loader.add_constructor("tag:yaml.org,2002:map", lambda loader, node: loader.construct_mapping(node))

_YAML_FAULTS = (
    ("mapping values are not allowed", "Hier steht ein Doppelpunkt mitten im Text. "
     "Setzen Sie den ganzen Text in gerade Anführungszeichen."),
    ("'\\t' that cannot start any token", "Hier steht ein Tabulator am Anfang. Rücken Sie mit Leerzeichen ein."),
    *((sign, "Hier beginnt ein Text mit einem Sonderzeichen. Setzen Sie den ganzen Text in gerade Anführungszeichen.")
      for sign in ("cannot start any token", "expected alphabetic or numeric character", "undefined alias")),
    ("expected ',' or", "Hier oder kurz davor beginnt ein Text mit einer Klammer. Setzen Sie den ganzen Text in gerade Anführungszeichen."),
    ("duplicate ", "Diese Angabe steht zweimal hintereinander: "),
    ("while scanning a quoted scalar", "Ein Anführungszeichen ist nicht geschlossen."),
    ("expected <block end>", "Die Einrückung stimmt nicht. Prüfen Sie die Leerzeichen am Zeilenanfang."),
    ("could not find expected ':'", "Hier oder in der Zeile davor fehlt ein Doppelpunkt oder das Leerzeichen dahinter. Oder die Einrückung stimmt nicht."),
)


def _yaml_fault(name: str, error: yaml.YAMLError) -> QuizError:
    problem = str(getattr(error, "problem", None) or error)
    mark = getattr(error, "problem_mark", None)
    if "quoted scalar" in str(getattr(error, "context", "")):
        problem, mark = "while scanning a quoted scalar", error.context_mark  # where it opens, not the file's end
    place = f"{name}, Zeile {mark.line + 1}" if mark else name
    for sign, german in _YAML_FAULTS:
        if sign in problem:
            return QuizError(f"{place}: {german}{problem.removeprefix(sign) if sign == 'duplicate ' else ''}")
    return QuizError(f"{place}: Die Datei lässt sich nicht lesen. Prüfen Sie Einrückung und Doppelpunkte.")


def load(path: Path | str) -> Quiz:
    """Read and check one question file.

    Args:
        path: the YAML file; its name (without `.yml`) must equal its `quiz:` field.

    Returns:
        The complete quiz, key included.

    Raises:
        QuizError: German, with file, line, question and place.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise QuizError(f"{path.name}: Diese Fragendatei gibt es nicht.") from None
    except UnicodeDecodeError:
        raise QuizError(f"{path.name}: Die Datei ist nicht in UTF-8 gespeichert. "
                        "Wählen Sie beim Speichern die Kodierung UTF-8.") from None
    try:
        raw = yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise _yaml_fault(path.name, error) from None
    return check(raw, path.name)


# --- checking ------------------------------------------------------------


def check(raw: Any, file: str) -> Quiz:
    """Check the parsed content of a question file and return the complete quiz (see `load`)."""
    if not isinstance(raw, dict):
        raise QuizError(f"{file}: Die Datei braucht am Anfang „quiz:“, „titel:“ und „fragen:“.")
    place = _Place(file, head=raw)
    place.known(raw, _QUIZ_FIELDS)
    name = place.text(raw, "quiz")
    if not NAME.fullmatch(name):
        place.fail("„quiz:“ darf nur kleine Buchstaben, Ziffern und Bindestriche enthalten.", "quiz")
    if file.endswith((".yml", ".yaml")) and Path(file).stem != name:
        place.fail(f"„quiz: {name}“ passt nicht zum Dateinamen. Beide müssen gleich heißen.", "quiz")
    mode = place.text(raw, "modus", "ueben")
    if mode not in MODES:
        place.fail(f"„modus: {mode}“ gibt es nicht. Erlaubt sind ueben und test.", "modus")
    graded = place.flag(raw, "benotet", True)
    questions = raw.get("fragen")
    if not isinstance(questions, list) or not questions:
        place.fail("Es fehlt die Liste „fragen:“ mit mindestens einer Frage.", "fragen")
    checked: list[Question] = []
    for number, question in enumerate(questions, 1):
        checked.append(_check_question(_Place(file, number), question, name, graded))
        if checked[-1]["id"] in [other["id"] for other in checked[:-1]]:
            _Place(file, number, question).fail(f"Die „id: {checked[-1]['id']}“ gibt es schon. Wählen Sie eine andere.")
    return {"quiz": name, "titel": place.text(raw, "titel"), "modus": mode, "benotet": graded, "fragen": checked}


class _Place:
    """Where we are in a question file; reads fields and complains in German."""

    def __init__(self, file: str, number: int = 0, raw: Any = None, part: str = "", head: Any = None):
        self.file, self.number, self.raw, self.part, self.head = file, number, raw, part, head

    def inside(self, part: str, raw: Any = None) -> _Place:
        inner = _Place(self.file, self.number, self.raw, part)
        inner.line = getattr(raw, "line", 0)
        return inner

    line = 0

    def fail(self, message: str, key: str = "") -> None:
        line = self.line or getattr(self.raw, "line", 0) or getattr(self.head, "lines", {}).get(key, 0)
        words = [self.file] + ([f"Zeile {line}"] if line else [])
        if self.number:
            own_id = self.raw.get("id") if isinstance(self.raw, dict) else None
            words.append(f"Frage {self.number}" + (f" ({own_id})" if isinstance(own_id, str) else ""))
        words += [self.part] if self.part else []
        raise QuizError(f"{', '.join(words)}: {message}")

    def known(self, raw: dict, allowed: tuple[str, ...]) -> None:
        for key in raw:
            if key not in allowed:
                near = difflib.get_close_matches(key, allowed, 1)
                self.fail(f"Die Angabe „{key}:“ gibt es hier nicht."
                          + (f" Meinten Sie „{near[0]}:“?" if near else f" Erlaubt sind: {', '.join(allowed)}."), key)

    def text(self, raw: dict, key: str, default: str | None = None) -> str:
        value = raw.get(key)
        if isinstance(value, dict | list):
            self.fail(f"„{key}:“ muss ein einfacher Text sein. "
                      "Steht ein Doppelpunkt im Text? Dann setzen Sie ihn in Anführungszeichen.", key)
        value = (value or "").strip()
        if not value:
            if default is None:
                self.fail(f"„{key}:“ fehlt oder ist leer.", key)
            return default or ""
        return value

    def flag(self, raw: dict, key: str, default: bool) -> bool:
        value = self.text(raw, key, "ja" if default else "nein").casefold()
        if value not in _TRUE + _FALSE:
            self.fail(f"„{key}:“ muss ja oder nein sein.", key)
        return value in _TRUE

    def number_of(self, raw: dict, key: str, default: float | None = None, unit: str = "") -> float:
        text = self.text(raw, key, "" if default is not None else None)
        if not text:
            return float(default or 0.0)
        reading = read_number(text, unit)
        if reading.value is None:
            self.fail(f"„{key}: {text}“ ist keine Zahl. {reading.hint}")
        return float(reading.value)

    def items(self, raw: dict, key: str) -> list:
        value = raw.get(key) or []
        if not isinstance(value, list):
            self.fail(f"„{key}:“ muss eine Liste sein. Jede Zeile darin beginnt mit einem Bindestrich.")
        return value


def _check_question(place: _Place, raw: Any, quiz: str, graded: bool) -> Question:
    place.raw = raw
    if not isinstance(raw, dict):
        place.fail("Eine Frage beginnt mit „- id:“. Darunter stehen „art:“ und „frage:“.")
    own_id = place.text(raw, "id")
    if not NAME.fullmatch(own_id):
        place.fail("„id:“ darf nur kleine Buchstaben, Ziffern und Bindestriche enthalten.")
    kind = place.text(raw, "art")
    if kind not in KINDS:
        place.fail(f"„art: {kind}“ gibt es nicht. Erlaubt sind: {', '.join(KINDS)}.")
    place.known(raw, _COMMON_FIELDS + _KIND_FIELDS[kind])
    question: Question = {
        "id": own_id,
        "art": kind,
        "frage": place.text(raw, "frage"),
        "punkte": place.number_of(raw, "punkte", 1.0),
        "hinweis": place.text(raw, "hinweis", ""),
        "erklaerung": place.text(raw, "erklaerung", ""),
        "streitig": place.flag(raw, "streitig", False),
        "quelle": place.text(raw, "quelle", "") or place.text(raw, "fall", ""),
    }
    if question["punkte"] < 0:
        place.fail("„punkte:“ darf nicht negativ sein.")
    if question["streitig"] and not question["erklaerung"]:
        place.fail("Eine streitige Frage braucht eine „erklaerung:“.")
    if kind in ("einfach", "mehrfach"):
        question["optionen"] = _check_options(place, raw, question, quiz)
    elif kind == "zuordnung":
        question["links"], question["rechts"] = _check_pairs(place, raw, quiz)
    elif kind == "zahl":
        question.update(_check_number(place, raw, question["streitig"]))
    else:
        question.update(_check_free_text(place, raw))
        question["eigene_zelle"] = graded
    return question


def _check_options(place: _Place, raw: dict, question: Question, quiz: str) -> list[dict]:
    options: list[dict] = []
    for number, option in enumerate(place.items(raw, "optionen"), 1):
        here = place.inside(f"Option {number}", option)
        if not isinstance(option, dict) or ("richtig" in option) == ("falsch" in option):
            here.fail("Jede Option beginnt mit „- richtig:“ oder mit „- falsch:“, nicht mit beidem.")
        here.known(option, ("richtig", "falsch", "weil"))
        right = "richtig" in option
        text = here.text(option, "richtig" if right else "falsch")
        why = here.text(option, "weil", "" if question["streitig"] else None)
        if digest(text) in [other["id"] for other in options]:
            here.fail(f"Den Text „{text}“ gibt es in dieser Frage schon.")
        options.append({"id": digest(text), "text": text, "richtig": right, "weil": why})
    if not 2 <= len(options) <= _MAX_OPTIONS:
        place.fail(f"„optionen:“ braucht 2 bis {_MAX_OPTIONS} Einträge. Hier sind es {len(options)}.")
    right_ones = sum(option["richtig"] for option in options)
    if not question["streitig"]:
        if question["art"] == "einfach" and right_ones != 1:
            place.fail(f"Bei „einfach“ muss genau eine Option richtig sein. Hier sind es {right_ones}.")
        if question["art"] == "mehrfach" and not 1 <= right_ones < len(options):
            place.fail("Bei „mehrfach“ muss mindestens eine Option richtig und mindestens eine falsch sein.")
    return shuffled(options, quiz + question["id"]) if place.flag(raw, "mischen", True) else options


def _check_pairs(place: _Place, raw: dict, quiz: str) -> tuple[list[dict], list[dict]]:
    pairs = raw.get("paare")
    if not isinstance(pairs, dict) or not 2 <= len(pairs) <= _MAX_OPTIONS:
        place.fail("„paare:“ braucht mindestens zwei Zeilen der Form „Begriff: Beschreibung“.")
    left: list[dict] = []
    right: dict[str, dict] = {}
    for term, value in pairs.items():
        here = place.inside(f"Paar „{term}“", value)
        if isinstance(value, dict):
            here.known(value, ("zu", "weil"))
            target, why = here.text(value, "zu"), here.text(value, "weil", "")
        else:
            target, why = here.text(pairs, term), ""
        left.append({"id": digest(term), "text": term, "ziel": digest(target), "weil": why})
        right[digest(target)] = {"id": digest(target), "text": target}
    for distractor in place.items(raw, "ablenker"):
        here = place.inside("Ablenker")
        text = here.text({"ablenker": distractor}, "ablenker")
        if digest(text) in right:
            here.fail(f"„{text}“ steht schon bei den Paaren.")
        right[digest(text)] = {"id": digest(text), "text": text}
    if not 2 <= len(right) <= _MAX_OPTIONS:
        place.fail(f"Zur Auswahl stehen {len(right)} Beschreibungen. Es müssen 2 bis {_MAX_OPTIONS} sein.")
    return left, shuffled(list(right.values()), quiz + place.text(raw, "id"))


def _check_number(place: _Place, raw: dict, disputed: bool) -> dict:
    unit = place.text(raw, "einheit", "")
    answer = place.number_of(raw, "antwort", 0.0 if disputed else None, unit)
    tolerance = place.number_of(raw, "toleranz", 0.0, unit)
    if tolerance < 0:
        place.fail("„toleranz:“ darf nicht negativ sein.")
    mistakes = []
    for number, mistake in enumerate(place.items(raw, "haeufige_fehler"), 1):
        here = place.inside(f"Häufiger Fehler {number}", mistake)
        if not isinstance(mistake, dict):
            here.fail("Ein häufiger Fehler beginnt mit „- wert:“. Darunter steht „weil:“.")
        here.known(mistake, ("wert", "weil"))
        value = here.number_of(mistake, "wert", None, unit)
        if abs(value - answer) <= tolerance + 1e-9 and not disputed:
            here.fail("Dieser Wert liegt innerhalb der Toleranz und gilt also als richtig.")
        mistakes.append({"wert": value, "weil": here.text(mistake, "weil")})
    return {"antwort": answer, "toleranz": tolerance, "einheit": unit, "haeufige_fehler": mistakes}


def _check_free_text(place: _Place, raw: dict) -> dict:
    criteria = []
    for number, criterion in enumerate(place.items(raw, "kriterien"), 1):
        here = place.inside(f"Kriterium {number}", criterion)
        if not isinstance(criterion, dict):
            here.fail("Ein Kriterium beginnt mit „- text:“. Darunter steht „punkte:“.")
        here.known(criterion, ("text", "punkte"))
        points_here = here.number_of(criterion, "punkte", 1.0)
        if points_here <= 0:
            here.fail("„punkte:“ muss größer als 0 sein.")
        criteria.append({"text": here.text(criterion, "text"), "punkte": points_here})
    if not criteria:
        place.fail("Ein Freitext braucht „kriterien:“. Danach vergibt die Kursleitung die Punkte.")
    total = round(sum(criterion["punkte"] for criterion in criteria), 6)
    if "punkte" in raw and abs(place.number_of(raw, "punkte") - total) > 1e-9:
        place.fail(f"„punkte:“ passt nicht zur Summe der Kriterien ({total:g}). Lassen Sie die Angabe weg.")
    return {"kriterien": criteria, "musterantwort": place.text(raw, "musterantwort", ""), "punkte": total}
