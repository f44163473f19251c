"""Protect small numbers: suppress cells so that nobody can compute them, attack a table, round to multiples of 3.

Model: a cross table is a grid of cells including its totals; every row and column adds up (linear equations).
The attacker knows all published cells, the equations and that a suppressed cell is at least `at_least`
(1 when zeros are published, as is usual). The range of a suppressed cell is found by linear programming.
Suppression is the cell suppression problem, solved as an integer programme: the duals of the attacker's programmes
become cuts until every range is wide enough (Fischetti and Salazar 2000).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Literal

import numpy as np

from .report import german_list, german_number

if TYPE_CHECKING:
    import pandas as pd
    from scipy.sparse import csr_matrix

SIGNS = (".", "•", "x", "X", "/", "*", "…", "geheim")
_TOTAL = re.compile(r"^(?:summe|insgesamt|gesamt|zusammen|total|endsumme|stadt insgesamt|gesamtsumme|gesamtstadt)\s*:?$", re.IGNORECASE)
_TOLERANCE = 1e-6
_HOPELESS = "Diese Tabelle lässt sich nicht schützen: Es gibt zu wenige andere Werte. Fassen Sie Zeilen oder Spalten zusammen."


class TableError(ValueError):
    """The table cannot be treated; the message is German."""


@dataclass
class _Grid:
    """Cells with totals. The last row and column are totals where `row_total`/`column_total` say so."""

    values: np.ndarray  # NaN where suppressed
    rows: list
    columns: list
    total_row: bool
    total_column: bool
    label: str | None = None

    def lines(self) -> list[np.ndarray]:
        """Cells of each row and column that adds up; the last one is the total."""
        r, c = self.values.shape
        index = np.arange(r * c).reshape(r, c)
        lines = []
        if self.total_row:
            lines += [index[:, j] for j in range(c)]
        if self.total_column:
            lines += [index[i, :] for i in range(r)]
        return lines

    def equations(self) -> csr_matrix:
        """Matrix M with M·x = 0 for every true table (inner cells minus total)."""
        from scipy.sparse import lil_matrix

        lines = self.lines()
        matrix = lil_matrix((len(lines), self.values.size))
        for k, cells in enumerate(lines):
            matrix[k, cells] = 1
            matrix[k, cells[-1]] = -1
        return matrix.tocsr()


def _split(table: pd.DataFrame) -> tuple[pd.DataFrame, str | None]:
    """Use a leading text column as row labels."""
    import pandas as pd

    first = table.columns[0] if len(table.columns) else None
    if first is not None and len(table.columns) > 1 and not pd.api.types.is_numeric_dtype(table[first]):
        texts = table[first].map(lambda v: isinstance(v, str) and v.strip() not in SIGNS)
        if texts.mean() > 0.5:
            return table.set_index(first), str(first)
    return table, None


def _read(table: pd.DataFrame, totals: bool | Literal["auto"], allow_signs: bool) -> _Grid:
    table, label = _split(table)
    if table.empty:
        raise TableError("Die Tabelle ist leer.")
    values = np.full(table.shape, np.nan)
    for i, row in enumerate(table.itertuples(index=False, name=None)):
        for j, cell in enumerate(row):
            if isinstance(cell, str) and (cell.strip() in SIGNS or not cell.strip()):
                if not allow_signs:
                    raise TableError(f"In der Tabelle steht schon ein Sperrzeichen (Zeile „{table.index[i]}“). Geben Sie die vollständigen Zahlen an.")
                continue
            try:
                values[i, j] = float(cell)
            except (TypeError, ValueError):
                raise TableError(f"„{cell}“ ist keine Zahl (Zeile „{table.index[i]}“, Spalte „{table.columns[j]}“).") from None
            if math.isnan(values[i, j]) and not allow_signs:
                raise TableError(f"Eine Zahl fehlt (Zeile „{table.index[i]}“, Spalte „{table.columns[j]}“).")
    if np.nanmin(values, initial=0) < 0:
        raise TableError("Fallzahlen können nicht negativ sein.")
    grid = _Grid(values, list(table.index), list(table.columns), _is_total(table.index[-1]) and len(table) > 1,
                 _is_total(table.columns[-1]) and len(table.columns) > 1, label)
    if totals is False and (grid.total_row or grid.total_column):
        raise TableError("Die Tabelle enthält Summen. Entfernen Sie sie, oder verwenden Sie totals=\"auto\".")
    return grid


def _is_total(label: object) -> bool:
    return isinstance(label, str) and bool(_TOTAL.match(label.strip()))


def _check_sums(grid: _Grid) -> None:
    if grid.total_row:
        _compare(grid.values[:-1].sum(axis=0), grid.values[-1], grid.columns, "Spalte")
    if grid.total_column:
        _compare(grid.values[:, :-1].sum(axis=1), grid.values[:, -1], grid.rows, "Zeile")


def _compare(sums: np.ndarray, totals: np.ndarray, labels: list, word: str) -> None:
    for k, (a, b) in enumerate(zip(sums, totals, strict=True)):
        if abs(a - b) > 1e-6:
            raise TableError(f"Die Summe stimmt nicht ({word} „{labels[k]}“): gerechnet {german_number(float(a))}, angegeben {german_number(float(b))}.")


def _with_totals(grid: _Grid) -> _Grid:
    """Add missing totals: whoever reads the table may know them from elsewhere."""
    values, rows, columns = grid.values, list(grid.rows), list(grid.columns)
    if not grid.total_row and len(rows) > 1:
        values, rows = np.vstack([values, values.sum(axis=0)]), [*rows, "Summe"]
    if not grid.total_column and len(columns) > 1:
        values, columns = np.hstack([values, values.sum(axis=1, keepdims=True)]), [*columns, "Summe"]
    return _Grid(values, rows, columns, len(rows) > 1, len(columns) > 1, grid.label)


# --- the attacker ---------------------------------------------------------------------------------------------------

class _Attacker:
    """Linear programmes over the hidden cells of a table; `known` holds 0 at hidden cells."""

    def __init__(self, known: np.ndarray, hidden: np.ndarray, matrix: csr_matrix, low: np.ndarray, high: np.ndarray):
        self.places = np.flatnonzero(hidden)
        self.position = {cell: k for k, cell in enumerate(self.places)}
        used = np.flatnonzero(abs(matrix[:, self.places]).sum(axis=1))
        self.matrix, self.size = matrix[used], known.size
        self.a_eq, self.b_eq = self.matrix[:, self.places], -(self.matrix @ known)
        self.bounds = np.column_stack([low[self.places], high[self.places]])

    def solve(self, cost: np.ndarray):
        """Minimise the cost over all tables that the attacker thinks possible."""
        from scipy.optimize import linprog

        some = self.a_eq.shape[0] > 0
        answer = linprog(cost, A_eq=self.a_eq if some else None, b_eq=self.b_eq if some else None, bounds=self.bounds, method="highs")
        if answer.status == 2:
            raise TableError("Die Tabelle widerspricht sich: Keine Zahlen passen zu den Summen.")
        return answer

    def extremes(self, cell: int) -> list:
        """Answers for the smallest and the largest value of one hidden cell."""
        cost = np.zeros(len(self.places))
        cost[self.position[cell]] = 1.0
        return [self.solve(cost), self.solve(-cost)]

    def prices(self, cell: int, sign: float, answer) -> np.ndarray:
        """Reduced costs over all cells of the table, also the published ones."""
        full = np.zeros(self.size)
        full[cell] = sign
        return full - self.matrix.T @ answer.eqlin.marginals if self.a_eq.shape[0] else full


def recalculate(table: pd.DataFrame, *, at_least: int = 1, below: int | None = None) -> pd.DataFrame:
    """Attack a published table: in which range does each suppressed cell lie?

    `table` is a cross table with signs such as `.` or `•` in suppressed cells; a last row or column named
    „Summe“ or „Insgesamt“ is taken as total. `at_least`: suppressed cells are at least this (1: zeros are published).
    `below`: the attacker also knows that every suppressed cell is smaller than this (then secondary suppression is known).
    Returns columns zeile, spalte, kleinster, groesster, spanne, berechenbar. Raises TableError (German) for contradictions.
    """
    import pandas as pd

    grid = _read(table, "auto", allow_signs=True)
    hidden = np.isnan(grid.values).ravel()
    known = np.nan_to_num(grid.values).ravel()
    high = np.full(known.size, np.inf if below is None else below - 1.0)
    attacker = _Attacker(known, hidden, grid.equations(), np.full(known.size, float(at_least)), high)
    rows = []
    for cell in attacker.places:
        least, most = attacker.extremes(cell)
        low, up = least.fun, math.inf if most.status == 3 else -most.fun
        i, j = divmod(int(cell), grid.values.shape[1])
        low, up = math.ceil(low - _TOLERANCE), (math.floor(up + _TOLERANCE) if math.isfinite(up) else math.inf)
        rows.append((grid.rows[i], grid.columns[j], low, up, up - low, up == low))
    return pd.DataFrame(rows, columns=["zeile", "spalte", "kleinster", "groesster", "spanne", "berechenbar"])


# --- the protection -------------------------------------------------------------------------------------------------

@dataclass
class Suppressed:
    """A protected table. `table` is ready for publication; the rest explains it and stays inside the administration."""

    table: pd.DataFrame
    primary: int
    secondary: int
    protection: int
    threshold: int
    sign: str
    hidden: np.ndarray = field(repr=False)
    _kinds: np.ndarray = field(repr=False)

    @cached_property
    def ranges(self) -> pd.DataFrame:
        """What an attacker can compute for each suppressed cell (see `recalculate`), with its kind."""
        ranges = recalculate(self.table)
        ranges.insert(2, "art", self._kinds)
        return ranges

    @property
    def explanation(self) -> str:
        """Two or three German sentences for the description of the dataset."""
        if not self.primary:
            return f"Kein Wert liegt unter {self.threshold}. Es wurde nichts gesperrt."
        return (f"„{self.sign}“ bedeutet: Der Wert ist geheim. Gesperrt sind Werte unter {self.threshold} "
                f"({self.primary} {'Zelle' if self.primary == 1 else 'Zellen'}) und weitere {self.secondary}, damit niemand sie ausrechnen kann. "
                f"Nullen sind ausgewiesen. Jeder gesperrte Wert bleibt auf mindestens {german_number(self.protection)} Einheiten unsicher.")

    def __repr__(self) -> str:
        return f"{self.table.to_string()}\n{self.explanation}"

    def _repr_html_(self) -> str:
        return f'<div lang="de">{self.table._repr_html_()}<p>{escape(self.explanation)}</p></div>'


def suppress(table: pd.DataFrame, threshold: int = 5, *, protection: int | None = None, totals: bool | Literal["auto"] = True,
             sign: str = ".", keep_totals: bool = True, time_limit: float = 20.0) -> Suppressed:
    """Suppress small numbers of a cross table so that no suppressed cell can be computed.

    Parameters: `table` – whole numbers, row labels in the index or first column; a last row or column named „Summe“ or
    „Insgesamt“ is a total. `threshold` – values from 1 to threshold-1 are suppressed; zeros stay. `protection` – the range
    that an attacker can compute for any suppressed cell is at least this wide (largest minus smallest; default: the threshold).
    `totals` – True: add missing totals, because others may know them; "auto": take the table as it is; False: there are none.
    `sign` – mark of a suppressed cell (`.` = geheim). `keep_totals` – suppress totals only when nothing else helps.
    `time_limit` – seconds for the search for the smallest loss; then a good solution is taken, as safe as any.
    Raises TableError (German) when numbers are missing or totals do not add up.
    """
    import pandas as pd

    if threshold < 2:
        raise TableError("Die Schwelle muss mindestens 2 sein.")
    grid = _read(table, totals, allow_signs=False)
    _check_sums(grid)
    if totals is True:
        grid = _with_totals(grid)
    protection = threshold if protection is None else protection
    values = grid.values.ravel()
    primary = (values > 0) & (values < threshold)
    hidden = _search(grid, primary, float(protection), keep_totals, time_limit) if primary.any() else primary
    shape = grid.values.shape
    out = pd.DataFrame(grid.values.astype(object), index=grid.rows, columns=grid.columns)
    for (i, j), h in np.ndenumerate(hidden.reshape(shape)):
        number = grid.values[i, j]
        out.iat[i, j] = sign if h else int(number) if number.is_integer() else float(number)
    kinds = np.where(primary[np.flatnonzero(hidden)], "primär", "sekundär")
    if grid.label:
        out = out.rename_axis(grid.label).reset_index()
    return Suppressed(out, int(primary.sum()), int(hidden.sum() - primary.sum()), protection, threshold, sign,
                      hidden.reshape(shape), kinds)


def _search(grid: _Grid, primary: np.ndarray, width: float, keep_totals: bool, time_limit: float) -> np.ndarray:
    """Benders' method: choose cells (integer programme), attack (linear programmes), add what was learned, repeat."""
    import time

    values, matrix = grid.values.ravel(), grid.equations()
    cost = _costs(grid, keep_totals)
    # how far the attacker may move each cell: down to 1, up to any number that matters
    down, up = values - 1, np.full(values.size, values.max() + width)
    deadline, hidden, exact = time.monotonic() + time_limit, primary, True
    if grid.lines():
        master = _Master(grid, primary, cost)
        while exact and time.monotonic() < deadline:
            hidden, exact = master.solve(max(0.5, deadline - time.monotonic()), hidden)
            found = _attack(values, hidden, matrix, down, up, width)
            if not found:
                return hidden
            for cell, weight in found:
                master.add(cell, weight, width)
    while found := _attack(values, hidden, matrix, down, up, width):
        hidden = _greedy(hidden, cost, values, found, width)
    return hidden


def _costs(grid: _Grid, keep_totals: bool) -> np.ndarray:
    """The loss of a cell is its value; totals are dear, the grand total dearest. A tiny step makes the choice unique."""
    cost = grid.values + 1.0
    dear = cost.sum() if keep_totals else 0.0
    if grid.total_row:
        cost[-1] += dear
    if grid.total_column:
        cost[:, -1] += dear
    return cost.ravel() + np.arange(cost.size) * 1e-4


class _Master:
    """The integer programme: which cells to hide. A line (row or column) that hides a cell must hide two."""

    def __init__(self, grid: _Grid, primary: np.ndarray, cost: np.ndarray):
        from scipy.sparse import lil_matrix

        lines, self.cells = grid.lines(), grid.values.size
        self.width = self.cells + len(lines)
        two = lil_matrix((sum(len(c) for c in lines) + len(lines), self.width))
        at = 0
        for k, cells in enumerate(lines):
            flag = self.cells + k
            two[at, cells], two[at, flag] = 1.0, -2.0
            at += 1
            for cell in cells:  # a hidden cell raises the flag of its line
                two[at, flag], two[at, cell] = 1.0, -1.0
                at += 1
        self.base, self.cuts = two.tocsr(), []
        self.cost = np.concatenate([cost / cost.max(), np.zeros(len(lines))])
        # a zero stays: whoever hides it gives away that it is no zero
        self.low = np.concatenate([primary, np.zeros(len(lines))]).astype(float)
        self.high = np.concatenate([np.where(grid.values.ravel() > 0, 1.0, 0.0), np.ones(len(lines))])

    def add(self, cell: int, weight: np.ndarray, width: float) -> None:
        """Learn a cut: if this cell is hidden, enough of the others must be."""
        row = np.zeros(self.width)
        row[: self.cells] = np.minimum(weight, width) / width
        row[cell] -= 1.0
        self.cuts.append(row)

    def solve(self, seconds: float, before: np.ndarray) -> tuple[np.ndarray, bool]:
        """Return the cells to hide and whether this is (nearly) the best choice."""
        from scipy.optimize import Bounds, LinearConstraint, milp
        from scipy.sparse import csr_matrix, vstack

        matrix = vstack([self.base, csr_matrix(np.array(self.cuts))]) if self.cuts else self.base
        answer = milp(self.cost, constraints=LinearConstraint(matrix, 0.0, np.inf), integrality=np.ones(self.width),
                      bounds=Bounds(self.low, self.high), options={"time_limit": seconds, "mip_rel_gap": 0.01})
        if answer.x is None:
            if answer.status == 2:
                raise TableError(_HOPELESS)
            return before, False
        return answer.x[: self.cells] > 0.5, answer.status == 0


def _attack(values, hidden, matrix, down, up, width):
    """Return for each cell that is too exactly known a valid cut: cell and weights of all cells.

    Every table the attacker finds widens the range of many cells at once, so only the doubtful ones need their own programme.
    """
    attacker = _Attacker(np.where(hidden, 0.0, values), hidden, matrix, values - down, values + up)
    low, high = values[attacker.places].copy(), values[attacker.places].copy()
    random = np.random.default_rng(0)
    for _ in range(min(8, len(low) // 8)):
        answer = attacker.solve(random.choice([-1.0, 1.0], len(low)))
        low, high = np.minimum(low, answer.x), np.maximum(high, answer.x)
    found = []
    for k, cell in enumerate(attacker.places):
        if high[k] - low[k] >= width - _TOLERANCE:
            continue
        answers = attacker.extremes(cell)
        for answer in answers:
            low, high = np.minimum(low, answer.x), np.maximum(high, answer.x)
        if high[k] - low[k] >= width - _TOLERANCE:
            continue
        weight = np.zeros(values.size)
        for sign, answer in zip((1.0, -1.0), answers, strict=True):
            reduced = attacker.prices(cell, sign, answer)
            weight += np.maximum(reduced, 0) * np.maximum(down, 0) + np.maximum(-reduced, 0) * up
        weight[(values == 0) | (weight < 1e-9)] = 0.0
        found.append((int(cell), weight))
    return found


def _greedy(hidden, cost, values, found, width):
    """Hide the cheapest cells that satisfy the cuts; used when time is up."""
    hidden = hidden.copy()
    for _cell, weight in found:
        while weight[hidden].sum() < width - _TOLERANCE:
            useful = np.flatnonzero((weight > 0) & ~hidden & (values > 0))
            if not len(useful):
                raise TableError(_HOPELESS)
            hidden[useful[np.argmin(cost[useful] / np.minimum(weight[useful], width))]] = True
    return hidden


def round3(table: pd.DataFrame, *, totals: Literal["real", "additive", "rounded"] = "real", base: int = 3) -> pd.DataFrame:
    """Round the numbers of a cross table to multiples of 3, as Düsseldorf does for small areas (1 → 0, 2 → 3, 10 → 9).

    `totals` (last row or column named „Summe“ or „Insgesamt“): "real" keeps the true totals, so rounded values may not add
    up to them; "additive" adds the rounded values; "rounded" rounds the totals too. Text columns stay as they are.
    """
    grid = _read(table, "auto", allow_signs=False)
    _check_sums(grid)
    # halves cannot occur with base 3; floor keeps other bases from Python's rounding to even
    rounded = np.floor(grid.values / base + 0.5) * base
    if totals != "rounded":
        if grid.total_row:
            rounded[-1] = grid.values[-1] if totals == "real" else rounded[:-1].sum(axis=0)
        if grid.total_column:
            rounded[:, -1] = grid.values[:, -1] if totals == "real" else rounded[:, :-1].sum(axis=1)
    out = table.copy()
    first = 1 if grid.label else 0
    for j in range(rounded.shape[1]):
        out[out.columns[first + j]] = rounded[:, j].astype(int)
    return out


def describe_attack(ranges: pd.DataFrame) -> str:
    """Say in German what an attack (`recalculate`) brought to light."""
    if not len(ranges):
        return "In der Tabelle ist nichts gesperrt."
    exact = ranges[ranges["berechenbar"]]
    if not len(exact):
        return f"Kein gesperrter Wert lässt sich genau ausrechnen. Die kleinste Spanne ist {german_number(int(min(ranges['spanne'].min(), 10**9)))}."
    items = [f"{r.zeile} / {r.spalte} = {german_number(int(r.kleinster))}" for r in exact.itertuples()]
    return f"{len(items)} {'gesperrter Wert lässt' if len(items) == 1 else 'gesperrte Werte lassen'} sich genau ausrechnen: {german_list(items)}."
