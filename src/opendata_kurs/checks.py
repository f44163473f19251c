"""Small vocabulary for test cells, and `pruefen()` for learners.

Every check takes a learner's value and says in German what is expected, what was found and where to look. The
expected value itself is never printed. A failed check raises `CheckFailed`, which shows one German paragraph
instead of a traceback. `mistakes` maps typical wrong values (or functions that recognise them) to a hint.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

Mistakes = Mapping[Any, str] | Iterable[tuple[Any, str]] | None


class CheckFailed(AssertionError):
    """A check did not hold; the message is German and meant for the learner."""

    def _render_traceback_(self) -> list[str]:
        return str(self).split("\n")


def german_number(value: float) -> str:
    """Return a number as Germans write it: 1.234,5."""
    if isinstance(value, float) and not math.isfinite(value):
        return "keine Zahl (NaN)" if math.isnan(value) else "unendlich"
    text = f"{value:,.6f}".rstrip("0").rstrip(".") if not float(value).is_integer() else f"{int(value):,}"
    return text.translate(str.maketrans(",.", ".,"))


def _kind(value: Any) -> str:
    if value is None:
        return "None (leer)"
    if isinstance(value, bool):
        return "ein Wahrheitswert (True oder False)"
    if isinstance(value, numbers.Real) and not math.isfinite(value):
        return german_number(float(value))
    if isinstance(value, numbers.Real):
        return f"die Zahl {german_number(float(value) if not isinstance(value, int) else value)}"
    if isinstance(value, str):
        return f"der Text „{value if len(value) <= 60 else value[:60] + '…'}“"
    if hasattr(value, "columns"):
        return f"eine Tabelle mit {german_number(len(value))} Zeilen"
    if hasattr(value, "dtype") and hasattr(value, "index"):
        return f"eine Spalte mit {german_number(len(value))} Werten"
    if isinstance(value, list | tuple | set | frozenset):
        return f"eine Liste mit {german_number(len(value))} Einträgen"
    if callable(value):
        return "eine Funktion. Fehlen die runden Klammern?"
    return f"etwas anderes (Art: {type(value).__name__})"


def _fail(name: str, expected: str, found: str, look: str | None) -> None:
    lines = [f"{name}: noch nicht richtig.", f"Erwartet: {expected}", f"Gefunden: {found}"]
    raise CheckFailed("\n".join([*lines, f"Tipp: {look}"] if look else lines))


def _same(a: Any, b: Any, tolerance: float = 0.0) -> bool:
    try:
        if isinstance(a, numbers.Real) and isinstance(b, numbers.Real) and not isinstance(a, bool):
            return abs(float(a) - float(b)) <= tolerance + 1e-9 * max(1.0, abs(float(b)))
        return bool(a == b) and type(a) is type(b)
    except Exception:
        return False


def _hint(value: Any, mistakes: Mistakes, default: str | None, tolerance: float = 0.0) -> str | None:
    pairs = mistakes.items() if isinstance(mistakes, Mapping) else (mistakes or ())
    for wrong, text in pairs:
        try:
            hit = wrong(value) if callable(wrong) else _same(value, wrong, tolerance)
        except Exception:
            hit = False
        if hit is True or (hit is not False and bool(hit)):
            return text
    return default


def check_filled(value: Any, name: str = "Ergebnis") -> None:
    """Fail when the learner has not replaced the `...` yet."""
    if value is Ellipsis:
        raise CheckFailed(
            f"{name}: Diese Stelle ist noch leer.\nErsetzen Sie die drei Punkte ... hinter „{name} =“ durch Ihre Lösung."
            " Führen Sie die Zelle danach aus."
        )
    if value is None:
        raise CheckFailed(
            f"{name}: Es ist kein Wert da (None).\nEine Funktion wie print() zeigt etwas an, gibt aber nichts zurück."
            f" Weisen Sie das Ergebnis selbst zu: {name} = …"
        )


def _done(name: str) -> None:
    print(f"Geprüft: {name} – sieht gut aus.")


def check_number(
    value: Any, expected: float | None = None, name: str = "Ergebnis", *, tolerance: float = 0.0, low: float | None = None,
    high: float | None = None, whole: bool = False, unit: str = "", mistakes: Mistakes = None, hint: str | None = None,
) -> None:
    """Check a number: against `expected` (± `tolerance`), or only its kind and the range `low` to `high`.

    Parameters: `whole` asks for a whole number; `unit` is named in the message; `mistakes` maps typical wrong values to
    hints; `hint` is the general tip. Without `expected` it is a good visible check that gives nothing away.
    """
    check_filled(value, name)
    in_unit = f" ({unit})" if unit else ""
    wanted = f"eine {'ganze ' if whole else ''}Zahl{in_unit}"
    if isinstance(value, str):
        _fail(name, wanted, _kind(value), _hint(value, mistakes, "Schreiben Sie die Zahl ohne Anführungszeichen."
              " Python schreibt Dezimalzahlen mit Punkt: 12.5"))
    if isinstance(value, tuple) and len(value) == 2 and all(isinstance(v, int) for v in value):
        _fail(name, wanted, "zwei Zahlen, durch ein Komma getrennt", "Python schreibt Dezimalzahlen mit Punkt: 12.5")
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        if hasattr(value, "item") and getattr(value, "ndim", 1) == 0:
            value = value.item()
        else:
            _fail(name, wanted, _kind(value), _hint(value, mistakes, hint or "Gefragt ist eine einzelne Zahl."))
    if math.isnan(float(value)):
        _fail(name, wanted, "keine Zahl (NaN)", hint or "Fehlen in den Daten Werte? Prüfen Sie die Spalte.")
    if whole and not float(value).is_integer():
        _fail(name, wanted, _kind(value), _hint(value, mistakes, hint, tolerance))
    if (low is not None and value < low) or (high is not None and value > high):
        spans = [f"mindestens {german_number(low)}" if low is not None else "", f"höchstens {german_number(high)}" if high is not None else ""]
        _fail(name, f"{wanted}, {' und '.join(s for s in spans if s)}", _kind(value), _hint(value, mistakes, hint, tolerance))
    if expected is not None and not _same(value, expected, tolerance):
        _fail(name, f"{wanted}, die zu den Daten passt", _kind(value),
              _hint(value, mistakes, hint or "Lesen Sie die Aufgabe noch einmal: Was genau wird gezählt oder berechnet?", tolerance))
    _done(name)


def check_text(
    value: Any, expected: str | Iterable[str] | None = None, name: str = "Ergebnis", *, contains: str | Iterable[str] = (),
    ignore_case: bool = True, mistakes: Mistakes = None, hint: str | None = None,
) -> None:
    """Check a text: equal to one of `expected`, and with every part of `contains` in it. Outer spaces do not count."""
    check_filled(value, name)
    if not isinstance(value, str):
        _fail(name, "ein Text in Anführungszeichen", _kind(value), _hint(value, mistakes, hint or f'Beispiel: {name} = "Text"'))

    def norm(text: str) -> str:
        text = " ".join(str(text).split())
        return text.casefold() if ignore_case else text

    normal = {norm(k) if isinstance(k, str) else k: v for k, v in (mistakes.items() if isinstance(mistakes, Mapping) else mistakes or ())}
    if not value.strip():
        _fail(name, "ein Text", "ein leerer Text", hint)
    if expected is not None:
        allowed = [expected] if isinstance(expected, str) else list(expected)
        if norm(value) not in {norm(a) for a in allowed}:
            _fail(name, "ein anderer Text", _kind(value),
                  _hint(norm(value), normal, hint or "Prüfen Sie die Schreibweise und lesen Sie die Aufgabe noch einmal."))
    for part in [contains] if isinstance(contains, str) else contains:
        if norm(part) not in norm(value):
            _fail(name, f"ein Text, in dem „{part}“ vorkommt", _kind(value), _hint(norm(value), normal, hint))
    _done(name)


def check_choice(value: Any, allowed: Iterable[Any], expected: Any = None, name: str = "Ergebnis", *, mistakes: Mistakes = None,
                 hint: str | None = None) -> None:
    """Check that a value is one of `allowed` (named in the message) and, if given, equal to `expected`."""
    check_filled(value, name)
    options = list(allowed)
    if not any(_same(value, o) for o in options):
        _fail(name, "eine dieser Angaben: " + ", ".join(f"„{o}“" for o in options), _kind(value),
              _hint(value, mistakes, hint or "Groß- und Kleinschreibung zählt."))
    if expected is not None and not _same(value, expected):
        _fail(name, "eine andere Angabe aus der Auswahl", _kind(value), _hint(value, mistakes, hint))
    _done(name)


def check_items(value: Any, expected: Iterable[Any] | None = None, name: str = "Ergebnis", *, length: int | None = None,
                ordered: bool = False, mistakes: Mistakes = None, hint: str | None = None) -> None:
    """Check a list (or set, or column): its length and its items; `ordered` also compares the order."""
    check_filled(value, name)
    if isinstance(value, str) or not hasattr(value, "__iter__") or hasattr(value, "columns"):
        _fail(name, "eine Liste", _kind(value), _hint(value, mistakes, hint or "Eine Liste steht in eckigen Klammern: [\"a\", \"b\"]"))
    items = list(value)
    if length is not None and len(items) != length:
        _fail(name, f"{german_number(length)} Einträge", f"{german_number(len(items))} Einträge", _hint(items, mistakes, hint))
    if expected is not None:
        wanted = list(expected)
        missing = [w for w in wanted if not any(_same(w, i) for i in items)]
        extra = [i for i in items if not any(_same(i, w) for w in wanted)]
        if missing or extra or len(items) != len(wanted):
            parts = [f"es fehlen {len(missing)} Einträge" if missing else "", "nicht gesucht: " + ", ".join(f"„{e}“" for e in extra[:3]) if extra else "",
                     "Einträge kommen doppelt vor" if not missing and not extra else ""]
            _fail(name, "genau die gesuchten Einträge", "; ".join(p for p in parts if p), _hint(items, mistakes, hint))
        if ordered and not all(_same(i, w) for i, w in zip(items, wanted, strict=True)):
            _fail(name, "die gesuchten Einträge in der gesuchten Reihenfolge", "eine andere Reihenfolge", _hint(items, mistakes, hint))
    _done(name)


def check_table(
    value: Any, name: str = "Tabelle", *, columns: Iterable[str] = (), rows: int | None = None, min_rows: int | None = None,
    geometry: bool = False, crs: str | None = None, key: str | None = None, mistakes: Mistakes = None, hint: str | None = None,
) -> None:
    """Check a table (DataFrame): needed columns, number of rows, unique `key`; `geometry` and `crs` for map data."""
    check_filled(value, name)
    if not hasattr(value, "columns") or not hasattr(value, "iloc"):
        _fail(name, "eine Tabelle (DataFrame)", _kind(value), _hint(value, mistakes, hint))
    missing = [c for c in columns if c not in value.columns]
    if missing:
        _fail(name, "die Spalten " + ", ".join(f"„{c}“" for c in columns), "ohne " + ", ".join(f"„{c}“" for c in missing),
              _hint(value, mistakes, hint or "Spaltennamen sind genau: Groß- und Kleinschreibung zählt."))
    if rows is not None and len(value) != rows:
        _fail(name, "eine andere Zahl von Zeilen", f"{german_number(len(value))} Zeilen", _hint(value, mistakes, hint))
    if min_rows is not None and len(value) < min_rows:
        _fail(name, f"mindestens {german_number(min_rows)} Zeilen", f"{german_number(len(value))} Zeilen", _hint(value, mistakes, hint))
    if key is not None and (value[key].isna().any() or value[key].duplicated().any()):
        _fail(name, f"in der Spalte „{key}“ jeder Wert genau einmal", "doppelte oder leere Werte", _hint(value, mistakes, hint))
    if geometry and getattr(value, "geometry", None) is None:
        _fail(name, "eine Tabelle mit Geometrie (GeoDataFrame)", "eine Tabelle ohne Geometrie", _hint(value, mistakes, hint))
    if crs is not None and str(getattr(value, "crs", None)).upper() != crs.upper():
        _fail(name, f"das Koordinatensystem {crs}", f"{getattr(value, 'crs', None) or 'kein Koordinatensystem'}", _hint(value, mistakes, hint))
    _done(name)


def _empty(value: Any) -> bool:
    try:
        return value is None or bool(value != value)
    except Exception:
        return False


def check_column(value: Any, column: str, expected: Any, name: str = "Tabelle", *, tolerance: float = 0.0, mistakes: Mistakes = None,
                 hint: str | None = None) -> None:
    """Check the values of one column, row by row, against `expected` (list or column of the same length)."""
    check_filled(value, name)
    if not hasattr(value, "columns") or column not in value.columns:
        _fail(name, f"eine Tabelle mit der Spalte „{column}“", _kind(value), hint)
    got, want = list(value[column]), list(expected)
    both_empty = [_empty(g) and _empty(w) for g, w in zip(got, want, strict=False)]
    wrong = [g for g, w, e in zip(got, want, both_empty, strict=False) if not e and not _same(g, w, tolerance)]
    if len(got) != len(want) or wrong:
        found = f"{german_number(len(wrong))} von {german_number(len(want))} Werten stimmen nicht" if wrong else f"{german_number(len(got))} Zeilen"
        if wrong:
            found += f", zum Beispiel {_kind(wrong[0])}"
        _fail(name, f"die richtigen Werte in der Spalte „{column}“", found, _hint(value, mistakes, hint))
    _done(f"{name}, Spalte „{column}“")


def check_file(path: Any, name: str = "Datei", *, suffix: str = "", max_bytes: int = 20_000_000, hint: str | None = None) -> Path:
    """Check that a file exists, is not empty and ends with `suffix`; return its path."""
    check_filled(path, name)
    file = Path(str(path))
    if suffix and file.suffix.lower() != suffix.lower():
        _fail(name, f"ein Dateiname mit der Endung {suffix}", f"„{file.name}“", hint)
    if not file.is_file() or file.stat().st_size == 0:
        _fail(name, f"die Datei „{file.name}“ neben dem Notebook", "keine Datei oder eine leere Datei", hint or "Führen Sie die Zelle aus, die speichert.")
    if file.stat().st_size > max_bytes:
        _fail(name, f"höchstens {german_number(max_bytes // 1_000_000)} MB", f"{german_number(file.stat().st_size // 1_000_000)} MB", hint)
    _done(name)
    return file


def check_true(condition: Any, expected: str, found: str = "etwas anderes", name: str = "Ergebnis", hint: str | None = None) -> None:
    """Check anything else: `condition` must hold; `expected` and `found` are German and go into the message."""
    if condition is Ellipsis or not bool(condition):
        _fail(name, expected, found, hint)
    _done(name)


def pruefen(notebook: str | Path | None = None) -> None:
    """Tell the learner what is answered and which visible checks hold. The points come from the grading later.

    `notebook` is only needed when the open notebook cannot be found by itself.
    """
    from ._pruefen import report

    print(report(notebook))
