"""Read and write numbers the German way."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

_MAX_LENGTH = 64
_SPACES = "\u00a0\u202f\u2009 '’"
_GROUPED_BY_SPACE = re.compile(rf"[+-]?[0-9]{{1,3}}([{_SPACES}])[0-9]{{3}}(\1[0-9]{{3}})*([.,][0-9]+)?")
_GROUPED_BY_POINT = re.compile(r"[+-]?[1-9][0-9]{0,2}(\.[0-9]{3})+")
_GERMAN = re.compile(r"[+-]?[1-9][0-9]{0,2}(\.[0-9]{3})+,[0-9]+")
_PLAIN = re.compile(r"[+-]?([0-9]+([.,][0-9]+)?|[.,][0-9]+)")

HINT_UNREADABLE = "Das ließ sich nicht als Zahl lesen. Schreiben Sie zum Beispiel 1234,5."
HINT_AMBIGUOUS = "Diese Zahl ist nicht eindeutig. Schreiben Sie sie ohne Tausenderpunkte, zum Beispiel 1234,5."
HINT_SPACES = "Die Leerzeichen in der Zahl sind nicht eindeutig. Schreiben Sie zum Beispiel 1234,5."
HINT_LONG = "Diese Eingabe ist zu lang für eine Zahl."


@dataclass(frozen=True)
class Reading:
    """A number as read (`value` is None if it was refused) and the German hint that says why."""

    value: float | None
    hint: str = ""


def read_number(text: object, unit: str = "") -> Reading:
    """Read a number in German (or plain English) notation.

    `12,5` and `12.5` are 12.5; `1.234` and `1 234` are 1234; `1.234,5` is 1234.5. A trailing `%`, `€`, `Euro`,
    `Prozent` or the question's own `unit` is dropped. What could mean two numbers (`1,234.5`) is refused.
    """
    if isinstance(text, bool):
        return Reading(None, HINT_UNREADABLE)
    if isinstance(text, int | float):
        try:
            value = float(text)
        except OverflowError:
            return Reading(None, HINT_LONG)
        return Reading(value) if math.isfinite(value) else Reading(None, HINT_UNREADABLE)
    if not isinstance(text, str):
        return Reading(None, HINT_UNREADABLE)
    if len(text) > _MAX_LENGTH:
        return Reading(None, HINT_LONG)
    number = _without_unit(text.strip(), unit)
    if number[:1] in ("−", "–"):
        number = "-" + number[1:]
    if any(space in number for space in _SPACES):
        if not (grouped := _GROUPED_BY_SPACE.fullmatch(number)):
            return Reading(None, HINT_SPACES if re.search("[0-9]", number) else HINT_UNREADABLE)
        return Reading(float(number.replace(grouped[1], "").replace(",", ".")))
    if _GERMAN.fullmatch(number):
        return Reading(float(number.replace(".", "").replace(",", ".")))
    if _GROUPED_BY_POINT.fullmatch(number):
        return Reading(float(number.replace(".", "")))
    if _PLAIN.fullmatch(number):
        return Reading(float(number.replace(",", ".")))
    if re.fullmatch(r"[+-]?[0-9.,]+", number) and len(re.findall("[.,]", number)) > 1:
        return Reading(None, HINT_AMBIGUOUS)
    return Reading(None, HINT_UNREADABLE)


def _without_unit(text: str, unit: str) -> str:
    for suffix in (unit.strip(), "%", "€", "Prozent", "Euro"):
        if suffix and text.casefold().endswith(suffix.casefold()):
            return text[: len(text) - len(suffix)].strip()
    return text.removeprefix("€").strip()


def format_number(value: float) -> str:
    """Write a number with a decimal comma; thousands are set off by a narrow space from 10 000 on."""
    text = f"{value:,.10f}".rstrip("0").rstrip(".")
    text = text.replace(",", "\u202f" if abs(value) >= 10_000 else "").replace(".", ",")
    return "0" if text == "-0" else text


def format_points(value: float, dative: bool = False) -> str:
    """Write points with the right German word: `1 Punkt`, `2,5 Punkte`, dative `von 3 Punkten`."""
    word = "Punkt" if value == 1 else "Punkten" if dative else "Punkte"
    return f"{format_number(round(value, 2))} {word}"
