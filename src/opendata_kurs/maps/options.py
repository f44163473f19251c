"""Checks of what users hand over as options: each wrong one gets a German sentence before anything is drawn."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import pandas as pd

from .errors import MapError, ValueColumnError


def title_text(value: Any) -> str:
    """Return the title without spaces around it.

    Raises:
        MapError: It is missing or still the placeholder.
    """
    if not isinstance(value, str) or not value.strip() or value.strip() in ("…", "..."):
        raise MapError('Der Titel fehlt. Schreiben Sie: Was, wo, wann? Zum Beispiel title="Wahlbeteiligung 2020".')
    return value.strip()


def optional_text(value: Any, option: str) -> str | None:
    """Return a text or None.

    Raises:
        MapError: Something else, for example the placeholder `...`.
    """
    if value is None or isinstance(value, str):
        return value
    raise MapError(f'{option} ist noch leer oder kein Text. Schreiben Sie einen Text in geraden Anführungszeichen: {option}="Ihr Text".')


def whole_number(value: Any, option: str, low: int, high: int) -> int:
    """Return a whole number within bounds; 5.0 counts as whole.

    Raises:
        MapError: No whole number, or out of bounds.
    """
    number = isinstance(value, Real) and not isinstance(value, bool) and float(value).is_integer()
    if not number or not low <= value <= high:
        shown = value if isinstance(value, Integral) and not isinstance(value, bool) else f"„{value}“"
        raise MapError(f"{option} = {shown} geht nicht. Nötig ist eine ganze Zahl von {low} bis {high}, ohne Anführungszeichen.")
    return int(value)


def column_list(columns: Any) -> list[Any]:
    """Return column names as a list; one name alone is fine, too.

    Raises:
        MapError: Neither a name nor a list of names.
    """
    if isinstance(columns, str):
        return [columns]
    if not isinstance(columns, Iterable):
        raise MapError('columns braucht Namen von Spalten in eckigen Klammern: columns=["name", "jahr"].')
    return list(columns)


def number_hint(series: pd.Series) -> str:
    """Return in German what a column holds instead of numbers and how to turn it into numbers."""
    name, present = series.name, series.dropna()
    example = f"zum Beispiel „{str(next(iter(present), 'leer'))[:40]}“"
    if getattr(series.dtype, "name", "") == "geometry":
        return f"Die Spalte „{name}“ enthält Geometrien und keine Zahlen. Nennen Sie eine Spalte mit Zahlen."
    if pd.api.types.is_bool_dtype(series):
        return f'Die Spalte „{name}“ enthält ja und nein statt Zahlen. Machen Sie 1 und 0 daraus: daten["{name}"].astype(int).'
    if pd.api.types.is_datetime64_any_dtype(series):
        return f'Die Spalte „{name}“ enthält ein Datum statt Zahlen ({example}). Das Jahr bekommen Sie so: daten["{name}"].dt.year.'
    text = present.astype(str)
    if not any(isinstance(value, str) for value in present):
        return f'Die Spalte „{name}“ ist nicht als Zahl gespeichert ({example}). Wandeln Sie sie um: pd.to_numeric(daten["{name}"]).'
    if text.str.contains(r"\.\d{3}(?:\D|$)").any() and text.str.contains(",").any():  # 1.234,5
        steps = '.str.replace(".", "").str.replace(",", ".")'
        return (f"Die Spalte „{name}“ enthält Text und keine Zahlen, mit Punkt und Dezimalkomma ({example}). "
                f'Wandeln Sie sie um: daten["{name}"]{steps}.astype(float). '
                'Oder lesen Sie die Datei mit decimal="," und thousands=".".')  # fmt: skip
    if text.str.contains(r"\d,\d").any():
        return (f"Die Spalte „{name}“ enthält Text und keine Zahlen, mit Dezimalkomma ({example}). "
                f'Lesen Sie die Datei mit decimal="," oder wandeln Sie um: daten["{name}"].str.replace(",", ".").astype(float).')
    return (f"Die Spalte „{name}“ enthält Text und keine Zahlen ({example}). "
            f'pd.to_numeric(daten["{name}"], errors="coerce") macht Zahlen daraus. Was keine Zahl ist, fehlt danach.')  # fmt: skip


def one_column(data: pd.DataFrame, column: str) -> pd.Series:
    """Return a column.

    Raises:
        ValueColumnError: Two columns carry the same name.
    """
    series = data[column]
    if isinstance(series, pd.DataFrame):
        raise ValueColumnError(
            f"Die Spalte „{column}“ gibt es {series.shape[1]}-mal. Benennen Sie eine um, zum Beispiel vor dem Verknüpfen mit rename(…)."
        )
    return series


def output_path(path: Any, *suffixes: str, what: str) -> Path:
    """Return the path of a file to write; a missing suffix becomes the first of `suffixes`.

    Raises:
        MapError: No path, another kind of file, a folder, or a missing folder.
    """
    wanted = " oder ".join(suffixes)
    if not isinstance(path, str | Path) or not str(path).strip():
        raise MapError(f'Der Dateiname fehlt. Schreiben Sie ihn in geraden Anführungszeichen, zum Beispiel "karte{suffixes[0]}".')
    path = Path(path)
    if path.is_dir():
        raise MapError(f"„{path}“ ist ein Ordner. Nennen Sie eine Datei, zum Beispiel „{path.name or 'karte'}/karte{suffixes[0]}“.")
    if not path.suffix[1:].isalpha():  # none, or the end of a number or date: karte_2.5
        path = path.with_name(path.name + suffixes[0])
    if path.suffix.lower() not in suffixes:
        raise MapError(f"{what}. Der Dateiname endet also auf {wanted}, nicht auf {path.suffix}.")
    if path.is_dir():
        raise MapError(f"„{path}“ ist ein Ordner. Wählen Sie einen anderen Dateinamen.")
    if not path.parent.is_dir():
        raise MapError(f"Den Ordner „{path.parent}“ gibt es nicht. Legen Sie ihn an oder wählen Sie einen anderen.")
    return path
