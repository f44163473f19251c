"""Numbers as Germans read them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from numbers import Real
from typing import Any

MISSING = "keine Angabe"
_NO_GROUPING = {"jahr", "plz", "postleitzahl", "baujahr", "pflanzjahr", "hausnummer"}


def format_number(value: Real, decimals: int = 0) -> str:
    """Return the number with thousands dot and decimal comma; missing values become "keine Angabe".

    >>> format_number(1234.5, 1)
    '1.234,5'
    """
    if value is None or not math.isfinite(float(value)):
        return MISSING
    text = f"{float(value):,.{decimals}f}"
    if float(text.replace(",", "")) == 0:
        text = text.lstrip("-")
    return text.translate(str.maketrans({",": ".", ".": ",", "-": "−"}))


def is_whole(values: Iterable[float]) -> bool:
    """Tell whether all finite values are whole numbers."""
    return all(float(v).is_integer() for v in values if v is not None and math.isfinite(float(v)))


def format_cell(value: Any, column: str = "", decimals: int = 1) -> str:
    """Return a table cell as text: German numbers, "ja"/"nein", "keine Angabe" for missing values."""
    if value is None or (isinstance(value, float) and math.isnan(value)) or str(value) in ("<NA>", "NaT"):
        return MISSING
    if isinstance(value, bool) or type(value).__name__ == "bool_":
        return "ja" if value else "nein"
    if isinstance(value, Real):
        number = float(value)
        if column.lower() in _NO_GROUPING and number.is_integer():
            return str(int(number))
        return format_number(number, 0 if number.is_integer() else decimals)
    return str(value)
