"""Look at the values of one column: numbers, dates, units, keys.

Every value is reduced to a shape (digits → `9`, letters → `a`). There are few shapes even in a long column, so the
regular expressions run on the shapes only; 200,000 rows take a fraction of a second.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from functools import lru_cache

from .report import Finding, german_list, german_number, make_finding


class _ShapeTable(dict):
    """Translation table for str.translate that fills itself."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        self[code] = "9" if char.isdigit() and char.isascii() else "a" if char.isalpha() else " " if char.isspace() else char
        return self[code]


_TABLE = _ShapeTable()
_KINDS = (  # first match wins; applied to shapes
    ("int", r"[-+−]?9+"),
    ("date-iso", r"9{4}-99-99(?:[ aT]99:99(?::99(?:\.9+)?)?(?:a|[+-]99:?99)?)?"),
    ("date-de", r"9{1,2}\.\s?9{1,2}\.\s?(?:9{4}|99)(?:,? 99:99(?::99)?)?"),
    ("date-slash", r"9{1,2}/9{1,2}/(?:9{4}|99)|9{4}/99/99|99-99-9{4}"),
    ("date-word", r"(?:9{1,2}\. ?)?a{3,9}\.? (?:9{4})"),
    ("time", r"9{1,2}:99(?::99)?"),
    ("decimal-scientific", r"[-+−]?9+(?:\.9+)?a[-+]?9+"),
    ("thousands-dot", r"[-+−]?9{1,3}(?:\.9{3})+"),
    ("thousands-dot-comma", r"[-+−]?9{1,3}(?:\.9{3})+,9+"),
    ("thousands-space", r"[-+−]?9{1,3}(?: 9{3})+(?:,9+)?"),
    ("thousands-quote", r"[-+−]?9{1,3}(?:['’]9{3})+(?:[.,]9+)?"),
    ("thousands-comma", r"[-+−]?9{1,3}(?:,9{3})+\.9+|[-+−]?9{1,3}(?:,9{3}){2,}"),
    ("decimal-comma", r"[-+−]?9*,9+"),
    ("decimal", r"[-+−]?9*\.9+|9+\."),
    ("unit", r"[-+−]?9[9.,]* ?(?:[%€°$‰²³]|a[a/²³0-9().°]*|°a).*|[€$] ?9[9.,]*(?:,-|,–)?|9[9.]*,[-–]+"),
)
_KINDS = tuple((k, re.compile(rf"(?:{p})")) for k, p in _KINDS)
_UNITS = re.compile(
    r"(?:[-+−]?[\d.,]+\s?(?:%|‰|€|°|eur|euro|tsd|mio|mrd|km|m|cm|mm|ha|a|qm|qkm|m²|km²|m³|m2|km2|m3|kg|g|t|l|ltr|kwh|mwh|kw|mw|w|"
    r"stk|stück|st|std|h|min|sek|s|jahre?|tage?|einw|einwohner|ew|personen|pers|plätze|kinder|km/h|°c|db|db\(a\)|prozent)\.?"
    r"(?:\s?/\s?(?:km²|km2|ha|m²|h|jahr))?)|(?:[€$]\s?[\d.,]+)|(?:[\d.]+,[-–]+)", re.IGNORECASE)
_MONTHS = re.compile(r"\b(?:jan|feb|mär|mrz|apr|mai|jun|jul|aug|sep|okt|nov|dez)", re.IGNORECASE)
_MISSING = {"-", "–", "—", "--", "---", ".", "...", "…", "•", "x", "X", "/", "*", "?", "k.a.", "k. a.", "ka", "n.a.", "n/a", "na", "nan", "null",
            "none", "nil", "keine angabe", "unbekannt", "nicht bekannt", "fehlt", "-999", "-9999", "n. v.", "n.v.", "k.w."}
_FORMULA = re.compile(r"#(?:NV|N/A|WERT!|VALUE!|BEZUG!|REF!|DIV/0!|NAME\?|ZAHL!|NUM!)")
_KEY_NAME = re.compile(r"(?:^|[_\W])(?:ags|ars|gkz|plz)(?:$|[_\W\d])|schl(?:ü|ue)ssel|postleitzahl|kennziffer|regional.?key", re.IGNORECASE)
_AGS_NAME = re.compile(r"(?:^|[_\W])(?:ags|gkz)(?:$|[_\W\d])|gemeindeschl|kreisschl|amtlicher.*schl", re.IGNORECASE)
_CODE_NAME = re.compile(r"haus.?n|(?:^|[_\W])(?:nr|nummer|id|code|kennung|zusatz|linie|telefon|tel|fax|gleis)(?:$|[_\W])", re.IGNORECASE)
_DATE_NAME = re.compile(r"datum|date|stand$|(?:^|[_\W])am$|tag$", re.IGNORECASE)
_NUMBER_KINDS = {"int", "decimal", "decimal-comma", "decimal-scientific", "thousands-dot", "thousands-dot-comma", "thousands-space",
                 "thousands-quote", "thousands-comma"}
_DATE_KINDS = {"date-iso": "JJJJ-MM-TT", "date-de": "TT.MM.JJJJ", "date-slash": "mit Schräg- oder Bindestrich", "date-word": "mit Monatsnamen"}


def shape(value: str) -> str:
    """Return the shape of a value: `12,5 km` → `99,9 aa`."""
    return value.translate(_TABLE)


@lru_cache(maxsize=200_000)
def _kind_of_shape(form: str) -> str:
    if len(form) > 60:
        return "text"
    return next((k for k, pattern in _KINDS if pattern.fullmatch(form)), "text")


def shape_kind(value: str) -> str:
    """Classify one stripped value: int, decimal, decimal-comma, date-de, unit, text …"""
    kind = _kind_of_shape(shape(value))
    if kind == "unit" and not _UNITS.fullmatch(value):
        return "text"
    if kind == "date-word" and not _MONTHS.search(value):
        return "text"
    if kind == "decimal-scientific" and "e" not in value.lower():
        return "text"
    return kind


def is_number(value: str) -> bool:
    """True for numbers and dates in any German or international spelling."""
    return bool(value) and (shape_kind(value) in _NUMBER_KINDS or shape_kind(value) in ("date-iso", "date-de", "unit"))


def check_column(name: str, cells: list[str], lines: list[int], unit: str = "Zeile") -> list[Finding]:
    """Return the findings for the values of one column (text as read, with row numbers)."""
    column = Column(name, cells, lines, unit)
    return [*column.spaces(), *column.signs(), *column.keys(), *column.dates(), *column.numbers()]


class Column:
    """The values of one column, sorted by kind."""

    def __init__(self, name: str, cells: list[str], lines: list[int], unit: str = "Zeile"):
        self.name, self.unit, self.lines, self.raw = name, unit, lines, cells
        self.cells = [c.strip() if c[:1].isspace() or c[-1:].isspace() else c for c in cells]
        self.rows: dict[str, list[int]] = {}
        known: dict[str, str] = {}
        for i, cell in enumerate(self.cells):
            if not cell:
                continue
            kind = known.get(cell)
            if kind is None:
                kind = known[cell] = self._kind(cell)
            self.rows.setdefault(kind, []).append(i)
        self.count = Counter({k: len(v) for k, v in self.rows.items()})
        self.total = sum(self.count.values())

    @staticmethod
    def _kind(cell: str) -> str:
        if cell.lower() in _MISSING:
            return "missing"
        if cell[0] == "#" and _FORMULA.fullmatch(cell):
            return "formula"
        return shape_kind(cell)

    def finding(self, id: str, rows: list[int], *, example: str | None = None, **values) -> Finding:
        """Build a finding for the rows (positions) of this column."""
        rows = sorted(rows)
        shown = self.cells[rows[0]] if example is None and rows else example
        return make_finding("defects.yml", id, column=self.name, rows=[self.lines[i] for i in rows], unit=self.unit,
                            count=german_number(len(rows)), example=str(shown)[:40], **values)

    def pick(self, *kinds: str) -> list[int]:
        """Positions of all values of these kinds."""
        return [i for k in kinds for i in self.rows.get(k, [])]

    def spaces(self) -> list[Finding]:
        """Blanks at the edges of values."""
        rows = [i for i, c in enumerate(self.raw) if c and (c[0].isspace() or c[-1].isspace()) and c.strip()]
        return [self.finding("whitespace", rows, example=self.raw[rows[0]].replace("\n", " "))] if rows else []

    def signs(self) -> list[Finding]:
        """Signs for missing values and broken formulas."""
        found = []
        if rows := self.pick("formula"):
            found.append(self.finding("formula-error", rows))
        rows = self.pick("missing")
        numeric = sum(self.count[k] for k in _NUMBER_KINDS)
        if rows and (numeric or self.total == len(rows) or len(rows) < 0.5 * self.total) and not self._is_flag(rows):
            found.append(self.finding("missing-sign", rows, level=None if numeric else "info"))
        return found

    def _is_flag(self, rows: list[int]) -> bool:
        """A column of `x` and blanks is a tick list, `?`-like one-letter codes among other letters are codes."""
        values = {self.cells[i].lower() for i in rows}
        return values <= {"x", "*"} and not any(self.count[k] for k in _NUMBER_KINDS)

    def keys(self) -> list[Finding]:
        """Keys that lost a leading zero."""
        ints = self.pick("int")
        if not ints or (not _KEY_NAME.search(self.name) and not any(self.cells[i][0] == "0" and len(self.cells[i]) > 1 for i in ints)):
            return []
        by_length: dict[int, list[int]] = {}
        for i in ints:
            by_length.setdefault(len(self.cells[i]), []).append(i)
        any(self.cells[i][0] == "0" and len(self.cells[i]) > 1 for i in ints)
        if not _KEY_NAME.search(self.name):
            longest = max(len(self.cells[i]) for i in ints if self.cells[i][0] == "0" and len(self.cells[i]) > 1)
            short = [i for n, rows in by_length.items() if n < longest for i in rows]
            return [self.finding("key-format", short)] if short and len(short) < 0.5 * len(ints) else []
        # official lengths: municipality 8, region 12, district and postcode 5; the short form alone proves it only for AGS and PLZ
        sure = {4, 7} if _AGS_NAME.search(self.name) else {4} if re.search(r"plz|postleitzahl", self.name, re.IGNORECASE) else set()
        short = [i for length in (4, 7, 11) if length in sure or length + 1 in by_length
                 for i in by_length.get(length, []) if self.cells[i][0] != "0"]
        if not short:
            return []
        need = len(self.cells[short[0]]) + 1
        return [self.finding("lost-leading-zero", short, expected=f"Erwartet sind {need} Stellen.")]

    def dates(self) -> list[Finding]:
        """Spelling of dates, mixtures and impossible days."""
        kinds = [k for k in _DATE_KINDS if self.count[k]]
        if not kinds or (sum(self.count[k] for k in kinds) < 0.5 * self.total and not _DATE_NAME.search(self.name)):
            return []
        found = []
        foreign = self.pick("date-de", "date-slash", "date-word")
        if foreign:
            found.append(self.finding("date-format", foreign))
        labels = [_DATE_KINDS[k] for k in kinds]
        if self._two_digit_years() and "date-de" in kinds and self._four_digit_years():
            labels.append("TT.MM.JJ")
        other = self.pick("int")
        if other:
            labels.append("Jahreszahl" if len(self.cells[other[0]]) == 4 else "Zahl aus der Tabellenkalkulation" if len(self.cells[other[0]]) == 5 else "Zahl")
        if len(labels) > 1:
            minority = min((*kinds, *(["int"] if other else [])), key=lambda k: self.count[k])
            found.append(self.finding("mixed-dates", self.pick(minority), kinds=german_list(labels)))
        impossible = [i for i in self.pick("date-iso", "date-de") if not _real_date(self.cells[i])]
        if impossible:
            found.append(self.finding("invalid-date", impossible))
        if text := self.pick("text"):
            found.append(self.finding("mixed-types", text))
        return found

    def _two_digit_years(self) -> bool:
        return any(re.fullmatch(r"\d{1,2}\.\s?\d{1,2}\.\s?\d\d(?!\d).*", self.cells[i]) for i in self.rows.get("date-de", []))

    def _four_digit_years(self) -> bool:
        return any(re.fullmatch(r"\d{1,2}\.\s?\d{1,2}\.\s?\d{4}.*", self.cells[i]) for i in self.rows.get("date-de", []))

    def numbers(self) -> list[Finding]:
        """Spelling of numbers: thousands, commas, units, text among numbers."""
        numeric = sum(self.count[k] for k in _NUMBER_KINDS) + self.count["unit"]
        dates = sum(self.count[k] for k in _DATE_KINDS)
        if not numeric or numeric < 0.5 * (self.total - self.count["missing"]) or dates > numeric:
            return []
        found = []
        plain = re.compile(r"[-+−]?0\.\d+")
        dotted = self.rows.get("thousands-dot", [])
        several = any(self.cells[i].count(".") > 1 for i in dotted)
        decimals = bool(self.count["decimal"]) or any(plain.match(self.cells[i]) for i in dotted)
        thousands = self.pick("thousands-dot-comma", "thousands-space", "thousands-quote", "thousands-comma")
        if (dotted and not decimals) or several:
            german = self.count["decimal-comma"] or thousands
            if several or german or any(0 <= len(self.cells[i].lstrip("-+−")) <= 3 for i in self.rows.get("int", [])):
                thousands = sorted([*thousands, *dotted])
            elif len(dotted) > 1 and not re.search(r"lat|lon|breite|länge|laenge|koord|^[xy]$", self.name, re.IGNORECASE):
                found.append(self.finding("thousands-maybe", dotted))
        if thousands:
            found.append(self.finding("thousands-separator", thousands))
        if commas := self.pick("decimal-comma", "thousands-dot-comma"):
            found.append(self.finding("decimal-comma", commas))
        units = self.rows.get("unit", [])
        coded = _CODE_NAME.search(self.name)
        if units and not coded:
            found.append(self.finding("unit-in-value", units))
        text = self.rows.get("text", [])
        if text and not coded:
            found.append(self.finding("mixed-types", text))
        return found


def _real_date(value: str) -> bool:
    if match := re.match(r"(\d{4})-(\d\d)-(\d\d)", value):
        year, month, day = map(int, match.groups())
    elif match := re.match(r"(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4}|\d\d)", value):
        day, month, year = map(int, match.groups())
        year = year if year > 99 else 2000 + year
    else:
        return True
    try:
        dt.date(year, month, day)
    except ValueError:
        return False
    return True
