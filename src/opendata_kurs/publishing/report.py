"""Findings and reports that a person without programming knowledge can act on.

Every check of this package (table, personal data, metadata) returns the same `Report`. The wording lies in
YAML files beside the code; code only decides whether a defect is there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
LEVELS = {"error": "Fehler", "warning": "Prüfen", "info": "Hinweis"}


@cache
def load_yaml(name: str) -> dict[str, Any]:
    """Return the content of a YAML file that lies beside this module."""
    # the loader in C is ten times as fast; not every build of PyYAML has it
    return yaml.load((HERE / name).read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def german_number(value: float | int) -> str:
    """Write a number the German way (1.234,5)."""
    text = f"{value:,}" if isinstance(value, int) else f"{value:,.6g}"
    return text.translate(str.maketrans(",.", ".,"))


def german_list(items: Iterable[Any], limit: int = 4, last: str = "und") -> str:
    """Join items as in a German sentence; name at most `limit`, count the rest."""
    items = [str(i) for i in items]
    rest = len(items) - limit
    if rest > 1:
        return f"{', '.join(items[:limit])} {last} {german_number(rest)} weitere"
    return f" {last} ".join(filter(None, [", ".join(items[:-1]), items[-1]])) if items else ""


@dataclass(frozen=True)
class Finding:
    """One thing to repair: what it is, where it is, how to repair it.

    `rows` are numbers as a person sees them: lines of a CSV file, rows of a sheet, objects of a GeoJSON file.
    """

    id: str
    level: str
    title: str
    what: str
    repair: str
    column: str | None = None
    rows: tuple[int, ...] = ()
    unit: str = "Zeile"

    @property
    def where(self) -> str:
        """Row and column in words."""
        plural = {"Zeile": "Zeilen", "Objekt": "Objekte"}.get(self.unit, self.unit)
        parts = []
        if self.rows:
            parts.append(f"{self.unit if len(self.rows) == 1 else plural} {german_list(self.rows)}")
        if self.column:
            parts.append(f"Spalte „{self.column}“" if self.unit != "Feld" else f"Feld „{self.column}“")
        return ", ".join(parts) or ("Metadaten" if self.unit == "Feld" else "ganze Datei")

    def __str__(self) -> str:
        return f"{LEVELS[self.level]}: {self.title} – {self.where}\n    {self.what}\n    So geht es: {self.repair}"


def fill(template: str, values: dict[str, Any]) -> str:
    """Fill a text of the catalogues; `{count:Zeile ist|Zeilen sind}` chooses singular or plural."""
    def choose(match: re.Match) -> str:
        return match[2] if str(values.get(match[1])) == "1" else match[3]

    return re.sub(r"\{(\w+):([^|{}]*)\|([^{}]*)\}", choose, template).format(**values)


def make_finding(catalogue: str, id: str, *, level: str | None = None, column: str | None = None,
                 rows: Iterable[int] = (), unit: str = "Zeile", **values: Any) -> Finding:
    """Build a finding from the wording in a YAML catalogue."""
    entry = load_yaml(catalogue)[id]
    values = {"column": column, **values}
    return Finding(
        id=id, level=level or entry["level"], title=entry["title"], what=fill(entry["what"], values),
        repair=fill(entry["repair"], values), column=column, rows=tuple(int(r) for r in rows), unit=unit,
    )


_CSS = {"error": "#a0111b", "warning": "#7a4b00", "info": "#1b4f8a"}


@dataclass
class Report:
    """All findings of one check. Shows itself as an HTML table in a notebook and as text elsewhere."""

    title: str
    findings: list[Finding] = field(default_factory=list)
    facts: dict[str, str] = field(default_factory=dict)
    note: str = ""

    @property
    def errors(self) -> list[Finding]:
        """Findings that must be repaired."""
        return [f for f in self.findings if f.level == "error"]

    @property
    def ok(self) -> bool:
        """True when nothing must be repaired; hints may remain."""
        return not self.errors

    @property
    def ids(self) -> list[str]:
        """Defect ids, each once, in order of importance."""
        return list(dict.fromkeys(f.id for f in self.findings))

    def by_id(self, id: str) -> list[Finding]:
        """Return the findings of one kind."""
        return [f for f in self.findings if f.id == id]

    def __len__(self) -> int:
        return len(self.findings)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __contains__(self, id: str) -> bool:
        return id in self.ids

    def sort(self) -> Report:
        """Put errors first; keep the order otherwise. Returns the report itself."""
        self.findings.sort(key=lambda f: list(LEVELS).index(f.level))
        return self

    @property
    def verdict(self) -> str:
        """One sentence that sums the report up."""
        count = {k: sum(f.level == k for f in self.findings) for k in LEVELS}
        if not self.findings:
            return "Nichts gefunden."
        words = {"error": ("Fehler", "Fehler"), "warning": ("Stelle zum Prüfen", "Stellen zum Prüfen"),
                 "info": ("Hinweis", "Hinweise")}
        parts = [f"{n} {words[k][n != 1]}" for k, n in count.items() if n]
        return german_list(parts) + ("." if count["error"] else ". Kein Fehler.")

    def text(self) -> str:
        """Return the report as plain text."""
        lines = [self.title, self.verdict]
        lines += [f"  {k}: {v}" for k, v in self.facts.items()]
        lines += [f"{i}. {f}" for i, f in enumerate(self.findings, 1)]
        return "\n".join(lines + ([self.note] if self.note else []))

    __str__ = __repr__ = text

    def to_frame(self):
        """Return the findings as a pandas table (German column names)."""
        import pandas as pd

        rows = [(LEVELS[f.level], f.id, f.title, f.where, f.what, f.repair) for f in self.findings]
        return pd.DataFrame(rows, columns=["art", "kennung", "mangel", "stelle", "was", "reparatur"])

    def _repr_html_(self) -> str:
        facts = " · ".join(f"{escape(k)}: {escape(v)}" for k, v in self.facts.items())
        head = "".join(f'<th scope="col" style="text-align:left">{h}</th>'
                       for h in ("Art", "Mangel", "Stelle", "Was ist los?", "So geht es"))
        rows = "".join(
            f'<tr><td style="text-align:left;font-weight:600;color:{_CSS[f.level]};background:#fff">{LEVELS[f.level]}</td>'
            + "".join(f'<td style="text-align:left;vertical-align:top">{escape(t)}</td>'
                      for t in (f.title, f.where, f.what, f.repair)) + "</tr>"
            for f in self.findings)
        table = f"<table><caption style='text-align:left'>{escape(self.verdict)}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        return (f'<div lang="de" style="color-scheme:light;color:#1b1b1b;background:#fff"><p><strong>{escape(self.title)}</strong></p>'
                + (f"<p>{facts}</p>" if facts else "") + (table if self.findings else f"<p>{escape(self.verdict)}</p>")
                + (f"<p>{escape(self.note)}</p>" if self.note else "") + "</div>")
