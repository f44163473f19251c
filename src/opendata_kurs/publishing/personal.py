"""Look for personal data: typical patterns, suspicious column names, tell-tale combinations.

The search cannot prove that a table is free of personal data; every report says so. Examples are masked, so that a
report never spreads what it warns of.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .report import Finding, Report, german_list, german_number, load_yaml, make_finding

if TYPE_CHECKING:
    import pandas as pd

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", re.UNICODE)
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[0-9A-Z]{4}){3,7}(?: ?[0-9A-Z]{1,4})?\b")
# German area codes start with 2-9, mobile and service numbers with 15-19; months and times must not match
_PHONE = re.compile(
    r"(?<![\w.,:/-])(?:(?:\+[1-9]\d{0,2}|0049)[\s/()-]*\d[\d\s/()-]{5,}\d"
    r"|\(?0 ?(?:[2-9](?: ?\d){1,4}|1[5-9]\d{1,3})\)?\s?[/–-]\s?\d[\d -]{2,}\d"
    r"|\(?0(?:[2-9]\d{1,4}|1[5-9]\d{1,3})\)? \d[\d ]{3,}\d)(?![\w.,:])")
_PHONE_WORD = re.compile(r"\b(?:tel|telefon|fon|mobil|handy|fax)\b\.?:?\s*\(?[+0]?\d[\d /().–-]{4,}", re.IGNORECASE)
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:[ T].*)?|\d{1,2}\.\s?\d{1,2}\.\s?(?:\d{4}|\d\d)|\d{1,2}[/-]\d{1,2}[/-]\d{4}")
_SALUTATION = re.compile(r"\b(?:Herrn?|Frau|Familie|Eheleute)\s+(?:Dr\.\s*|Prof\.\s*)*[A-ZÄÖÜ][\w-]+")
_WORD = r"[A-ZÄÖÜÇŞİ][\wäöüßéèçğışñ'’-]+"
_FULL_NAME = re.compile(rf"(?:(?:Herr|Frau|Dr\.|Prof\.)\s+)*({_WORD})(?:\s+(?:{_WORD}|[A-Z]\.|von|van|de|zu|der)){{1,3}}")
_NAME_COMMA = re.compile(rf"(?:von |van |de )?{_WORD},\s*({_WORD})(?:\s+{_WORD})?")


@cache
def _rules() -> dict[str, Any]:
    words = load_yaml("personal.yml")
    return {"columns": {k: re.compile(v) for k, v in words["columns"].items()}, "names": {n.lower() for n in words["first_names"]},
            "places": tuple(words["places"])}


def _plain(name: str) -> str:
    """Column name in lower case, ASCII, words joined by `_`."""
    name = re.sub(r"(?<=[a-zäöüß])(?=[A-ZÄÖÜ])", "_", name).lower()
    for a, b in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss")):
        name = name.replace(a, b)
    return re.sub(r"[^a-z0-9]+", "_", name).strip("_")


def find_personal_data(table: pd.DataFrame | str | Path) -> Report:
    """Search a table for personal data and return a German report.

    `table` is a DataFrame or the path of a file that `check_table` can read. Finds e-mail addresses, telephone
    numbers, IBANs (with checksum), birth dates, names, identifiers and combinations such as postcode and birth date.
    It cannot prove that there are none. Rows are numbers of the file for a path, else positions counted from 1.
    """
    if isinstance(table, (str, Path)):
        from .tables import read_table

        title = f"Suche nach personenbezogenen Daten: {Path(table).name}"
        frame = read_table(table)
        lines = [int(i) for i in frame.index]
        unit = "Objekt" if frame.index.name == "objekt" else "Zeile"
    else:
        title, frame, unit = "Suche nach personenbezogenen Daten", table, "Zeile"
        lines = list(range(1, len(frame) + 1))
    geometry = getattr(frame, "_geometry_column_name", None)
    columns = {str(c): _texts(frame[c]) for c in frame.columns if c != geometry}
    report = Report(title, scan_columns(columns, lines, unit), {"Zeilen": german_number(len(frame)), "Spalten": str(len(columns))},
                    load_yaml("personal.yml")["note"].strip())
    return report.sort()


def _texts(series: pd.Series) -> list[str]:
    import pandas as pd

    return ["" if v is None or v is pd.NA or v != v else str(v).removesuffix(" 00:00:00") for v in series.tolist()]


def scan_columns(columns: dict[str, list[str]], lines: list[int], unit: str = "Zeile") -> list[Finding]:
    """Search columns of text; `lines` are the row numbers to report."""
    roles: dict[str, str] = {}
    found: list[Finding] = []
    for name, cells in columns.items():
        column = _Column(name, cells, lines, unit)
        hits = column.scan()
        found += hits
        for hit in hits:
            roles.setdefault(name, hit.id)
        for role in ("postcode", "sex", "birthyear", "street"):
            if column.named(role) and any(cells):
                roles.setdefault(name, role)
    return found + _combinations(columns, roles, unit)


class _Column:
    def __init__(self, name: str, cells: list[str], lines: list[int], unit: str):
        self.name, self.lines, self.unit = name, lines, unit
        self.cells = cells
        self.counts = Counter(c.strip() for c in cells if c and not c.isspace())
        self.filled = sum(self.counts.values())
        self.plain = _plain(name)

    def named(self, role: str) -> bool:
        return bool(_rules()["columns"][role].search(self.plain))

    def finding(self, id: str, values: set[str], **extra: Any) -> Finding:
        rows = [self.lines[i] for i, c in enumerate(self.cells) if c.strip() in values]
        example = mask(next(iter(sorted(values)))) if values else ""
        return make_finding("personal.yml", id, column=self.name, rows=rows, unit=self.unit, count=german_number(len(rows)),
                            example=example, **extra)

    def scan(self) -> list[Finding]:
        found = []
        values = self.counts
        if mails := {v for v in values if "@" in v and _EMAIL.search(v)}:
            found.append(self.finding("email", mails))
        if ibans := {v for v in values if len(v) >= 15 and any(valid_iban(m.group(0)) for m in _IBAN.finditer(v.upper()))}:
            found.append(self.finding("iban", ibans))
        if not ibans and (phones := {v for v in values if self._is_phone(v)}):
            found.append(self.finding("phone", phones))
        found += self._births()
        found += self._names()
        if self.named("identifier") and self.filled:
            found.append(self.finding("identifier", set(values), kind=self.name))
        return found

    def _is_phone(self, value: str) -> bool:
        digits = sum(c.isdigit() for c in value)
        if self.named("phone"):
            return 5 <= digits <= 20 and digits >= 0.5 * len(value)
        if digits < 6 or len(value) > 2000:
            return False
        if _PHONE_WORD.search(value):
            return True
        if self.named("key") or _DATE.fullmatch(value):
            return False
        # keys such as the AGS 05111000 are bare digits; a telephone number has a gap or a sign
        match = _PHONE.search(value)
        if not match or _DATE.search(match.group(0)):
            return False
        return 7 <= sum(c.isdigit() for c in match.group(0)) <= 15

    def _births(self) -> list[Finding]:
        if self.named("birth"):
            dates = {v for v in self.counts if _DATE.fullmatch(v)}
            years = {v for v in self.counts if re.fullmatch(r"(?:19|20)\d\d", v)}
            return [self.finding("birthdate", dates)] if dates else [self.finding("birthyear", years)] if years else []
        if self.named("birthyear") and any(re.fullmatch(r"(?:19|20)\d\d|\d{1,3}", v) for v in self.counts):
            return [make_finding("personal.yml", "birthyear", column=self.name, unit=self.unit)]
        return []

    def _names(self) -> list[Finding]:
        rules = _rules()
        persons = {v for v in self.counts if is_person(v)}
        share = sum(self.counts[v] for v in persons) / self.filled if self.filled else 0
        if self.named("first-name") and self.filled:
            return [self.finding("first-name", {v for v in self.counts if re.fullmatch(_WORD, v)} or set(self.counts))]
        if self.named("name") and self.filled:
            letters = {v for v in self.counts if v[0].isalpha() and not _is_place(v)}
            return [self.finding("name", letters)] if len(letters) > 0.3 * len(self.counts) else \
                [make_finding("personal.yml", "header", column=self.name, unit=self.unit)]
        if persons and (share >= 0.3 or (self.named("any-name") and share >= 0.2)) and (len(persons) > 1 or self.filled < 4):
            return [self.finding("name", persons)]
        single = {v for v in self.counts if v.lower() in rules["names"]}
        if single and sum(self.counts[v] for v in single) >= 0.5 * self.filled and len(single) >= 3:
            return [self.finding("first-name", single)]
        texts = {v for v in self.counts if len(v) < 2000 and any(not _is_place(m.group(0) + v[m.end():m.end() + 8]) for m in _SALUTATION.finditer(v))}
        return [self.finding("name-in-text", texts)] if texts else []


def _is_place(value: str) -> bool:
    low = value.lower()
    return any(re.search(rf"(?:^|[\s-]|(?<=\w)){re.escape(w)}(?:$|[\s,.)-])", low) for w in _rules()["places"]) or any(c.isdigit() for c in value)


def is_person(value: str) -> bool:
    """True for „Erika Musterfrau“ and „Musterfrau, Erika“, not for streets and schools named after people."""
    if len(value) > 50 or len(value) < 5:
        return False
    match = _NAME_COMMA.fullmatch(value) or _FULL_NAME.fullmatch(value)
    return bool(match) and match.group(1).lower() in _rules()["names"] and not _is_place(value)


def valid_iban(text: str) -> bool:
    """Check the IBAN checksum (ISO 7064, mod 97)."""
    iban = text.replace(" ", "").upper()
    if not re.fullmatch(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}", iban) or (iban.startswith("DE") and len(iban) != 22):
        return False
    return int("".join(str(int(c, 36)) for c in iban[4:] + iban[:4])) % 97 == 1


def mask(value: str) -> str:
    """Hide most of a value: `m•••@•••.de` instead of the address itself."""
    shown = re.sub(r"(?<=[^\W_])[^\W_]", "•", value)
    return (shown[:24] + "…") if len(shown) > 24 else shown


def _combinations(columns: dict[str, list[str]], roles: dict[str, str], unit: str) -> list[Finding]:
    """Quasi-identifiers: birth date or year with postcode, street or sex."""
    by_role: dict[str, list[str]] = {}
    for name, role in roles.items():
        by_role.setdefault(role, []).append(name)
    birth = [*by_role.get("birthdate", []), *by_role.get("birthyear", [])]
    others = [*by_role.get("postcode", []), *by_role.get("sex", []), *by_role.get("street", [])]
    if not birth or not others:
        return []
    names = [*birth, *others]
    groups = Counter(zip(*(columns[n] for n in names), strict=True))
    unique, k = sum(n == 1 for n in groups.values()), min(groups.values())
    listed = german_list((f"„{n}“" for n in names), limit=6)
    if unique:
        return [make_finding("personal.yml", "combination", names=listed, count=german_number(unique), unit=unit)]
    return [make_finding("personal.yml", "combination-small", names=listed, k=k, unit=unit)]


def k_anonymity(table: pd.DataFrame, columns: list[str]) -> int:
    """Return k: the size of the smallest group of rows that agree in all `columns`.

    Missing values count as a value of their own. Returns 0 for an empty table. Raises ValueError (German) for unknown columns.
    """
    groups = _groups(table, columns)
    return int(groups.min()) if len(groups) else 0


def small_groups(table: pd.DataFrame, columns: list[str], k: int = 5) -> pd.DataFrame:
    """Return the groups with fewer than `k` rows, smallest first, with their size in column `anzahl`."""
    groups = _groups(table, columns)
    return groups[groups < k].sort_values().rename("anzahl").reset_index()


def _groups(table: pd.DataFrame, columns: list[str]) -> pd.Series:
    columns = [columns] if isinstance(columns, str) else list(columns)
    unknown = [c for c in columns if c not in table.columns]
    if unknown or not columns:
        raise ValueError(f"Diese Spalte gibt es nicht: {german_list(unknown)}." if unknown else "Nennen Sie mindestens eine Spalte.")
    return table.groupby(columns, dropna=False, observed=True).size()
