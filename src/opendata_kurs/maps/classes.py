"""Class bounds for choropleth maps: quantiles and equal intervals by numpy, Fisher-Jenks by mapclassify."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real

import numpy as np

from .errors import MapError, ValueColumnError
from .numbers import format_number, is_whole

SCHEMES = {
    "quantiles": "gleich viele Flächen je Klasse (Quantile)",
    "equal_interval": "gleich breite Klassen (gleiche Intervalle)",
    "fisher_jenks": "natürliche Klassen (Fisher-Jenks)",
    "own": "selbst gewählte Klassengrenzen",
}


@dataclass(frozen=True)
class Classes:
    """Classes of one column. Class i holds values above `bounds[i]` up to and including `bounds[i + 1]`.

    The first class includes the lowest value. `indices` has -1 for missing values.
    """

    scheme: str
    bounds: tuple[float, ...]
    indices: tuple[int, ...]
    decimals: int

    @property
    def count(self) -> int:
        """Number of classes."""
        return len(self.bounds) - 1

    @property
    def scheme_text(self) -> str:
        """German name of the scheme."""
        return SCHEMES[self.scheme]

    def sizes(self) -> list[int]:
        """Number of values in each class."""
        return [self.indices.count(i) for i in range(self.count)]

    def labels(self) -> list[str]:
        """German text of each class, without gaps: "1.000 bis 2.000", "über 2.000 bis 5.000"."""
        step = 10.0**self.decimals
        # outer ends are rounded outwards: no value lies beyond what the legend says
        low, high = math.floor(self.bounds[0] * step + 1e-6), math.ceil(self.bounds[-1] * step - 1e-6)
        ends = [low / step, *self.bounds[1:-1], high / step] if self.count > 1 else list(self.bounds)
        b = [format_number(v, self.decimals) for v in ends]
        out = []
        for i in range(self.count):
            if b[i] == b[i + 1]:
                out.append(b[i])
            else:
                out.append(f"{b[i]} bis {b[i + 1]}" if i == 0 else f"über {b[i]} bis {b[i + 1]}")
        return out


def _indices(values: np.ndarray, upper: Sequence[float]) -> np.ndarray:
    finite = np.isfinite(values)
    out = np.full(len(values), -1)
    out[finite] = np.clip(np.searchsorted(upper, values[finite], side="left"), 0, len(upper) - 1)
    return out


def _readable(values: np.ndarray, lower: float, upper: list[float], decimals: int | None):
    """Round the inner bounds as far as no value changes its class, so that the legend tells the truth."""
    exact = _indices(values, upper)
    whole = is_whole(values)
    for digits in range(0, 9):
        step = 10.0**digits
        inner = []
        for i, bound in enumerate(upper[:-1]):
            for rounding in (np.round, np.floor, np.ceil):
                rounded = float(rounding(bound * step) / step)
                if np.array_equal(values <= rounded, values <= bound) and (not inner or rounded > inner[-1]):
                    inner.append(rounded)
                    break
            if len(inner) <= i:
                break
        else:
            if np.array_equal(_indices(values, [*inner, upper[-1]]), exact):
                shown = digits if decimals is None or whole else max(digits, decimals)
                return (lower, *inner, upper[-1]), shown
    return (lower, *upper), 8


def classify(
    values: Sequence[float],
    scheme: str = "quantiles",
    classes: int = 5,
    *,
    bounds: Sequence[float] | None = None,
    decimals: int | None = None,
) -> Classes:
    """Put values into classes.

    Missing values (None, NaN) get no class (index -1), never zero. Equal bounds are merged, so there may be
    fewer classes than asked for. Inner bounds are rounded for reading where no value changes its class.

    Args:
        values: Numbers.
        scheme: "quantiles", "equal_interval" or "fisher_jenks".
        classes: Two to seven.
        bounds: Own bounds (lowest, …, highest) instead of a scheme; they must hold all values.
        decimals: Least number of decimals in the legend; None chooses as few as are true.

    Raises:
        MapError: Unknown scheme, wrong number of classes, bounds that leave values out.
        ValueColumnError: No value at all.
    """
    try:
        array = np.array([np.nan if v is None else v for v in values], dtype=float)
    except (TypeError, ValueError):
        raise ValueColumnError("classify braucht Zahlen. Nennen Sie eine Spalte mit Zahlen, keinen Text.") from None
    array[~np.isfinite(array)] = np.nan
    present = array[np.isfinite(array)]
    if present.size == 0:
        raise ValueColumnError(
            "Alle Werte fehlen. Es gibt nichts zu zeichnen. Prüfen Sie die Spalte und die Verknüpfung davor."
        )
    low, high = float(present.min()), float(present.max())
    if bounds is not None:
        try:
            own = [float(b) for b in bounds]
        except (TypeError, ValueError):
            own = []
        if own != sorted(set(own)) or not 3 <= len(own) <= 8 or not np.isfinite(own).all():
            raise MapError("Eigene Klassengrenzen müssen aufsteigen. Nötig sind drei bis acht Zahlen, zum Beispiel [0, 500, 1000].")
        if low < own[0] or high > own[-1]:
            raise MapError(
                f"Die Klassengrenzen lassen Werte aus. Die Werte reichen von {format_number(low, 2)} bis "
                f"{format_number(high, 2)}. Erweitern Sie die erste oder die letzte Grenze."
            )
        digits = max(decimals or 0, *(0 if b.is_integer() else len(f"{b:.6f}".rstrip("0").split(".")[1])
                                     for b in own))
        return Classes("own", tuple(own), tuple(int(i) for i in _indices(array, own[1:])), digits)
    if not isinstance(scheme, str) or scheme not in SCHEMES or scheme == "own":
        names = ", ".join(f'"{s}"' for s in SCHEMES if s != "own")
        raise MapError(f"Die Klassenbildung „{scheme}“ ist nicht bekannt. Wählen Sie: {names}.")
    if isinstance(classes, bool) or not isinstance(classes, Real) or not float(classes).is_integer() or not 2 <= classes <= 7:
        raise MapError(f"{'…' if classes is ... else classes} Klassen sind nicht möglich. Wählen Sie zwei bis sieben Klassen, als Zahl ohne Anführungszeichen.")
    classes = int(classes)
    k = min(classes, len(np.unique(present)))
    if k == 1:
        upper = [high]
    elif scheme == "quantiles":
        upper = [float(v) for v in np.quantile(present, np.arange(1, k + 1) / k)]
    elif scheme == "equal_interval":
        width = (high - low) / k
        upper = [low + width * i for i in range(1, k)] + [high]
    else:
        import mapclassify  # costs almost two seconds: only where it is asked for

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            upper = [float(v) for v in mapclassify.FisherJenks(present, k=k).bins]
    upper = sorted(set(upper))
    shown_bounds, digits = _readable(array, low, upper, decimals)
    return Classes(
        scheme, tuple(shown_bounds), tuple(int(i) for i in _indices(array, shown_bounds[1:])), digits
    )
