"""check_table: one call that names what has to be repaired in a table before it is published."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .geodata import GeoTable, read_geojson, read_vector, table_coordinates
from .grid import UnreadableError, read_grid
from .layout import find_layout
from .report import Finding, Report, german_number, make_finding
from .values import check_column

if TYPE_CHECKING:
    import pandas as pd

Progress = Callable[[float, str], None]
_VECTOR = {".shp", ".gpkg", ".zip", ".gml", ".kml"}
_SHOW_FROM = 50_000  # cells; below, the answer is there at once
_PERSONAL_SAMPLE = 5_000


class _Steps:
    """Tells how far the check is: to a callable, or as one printed line per step for large files."""

    def __init__(self, progress: Progress | bool | None):
        self.progress, self.start, self.large = progress, time.monotonic(), progress is True

    def __call__(self, share: float, text: str) -> None:
        if callable(self.progress):
            self.progress(share, text)
        elif self.large and self.progress is not False:
            print(f"{share:4.0%}  {text}", flush=True)


def check_table(path: str | Path, schema: dict[str, Any] | str | Path | None = None, progress: Progress | bool | None = None,
                *, sheet: str | None = None) -> Report:
    """Check a table file and return a German report.

    Parameters: `path` – a CSV (any common encoding and separator), XLSX, GeoJSON, shapefile or GeoPackage.
    `schema` – rules as a table schema: a dict, a datapackage dict, or the path of such a JSON file.
    `progress` – a function `(share, text)`; True prints the steps, False never does; by default only large files print.
    `sheet` – name of the sheet of an XLSX file (default: the one with most data).
    Rows are numbered as a person sees them: lines of the file, rows of the sheet, objects of a GeoJSON.
    Never raises for a bad table; an unreadable file is itself a finding. Raises FileNotFoundError (German).
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"Die Datei „{path.name}“ gibt es nicht. Prüfen Sie Ordner und Namen.")
    if isinstance(schema, (str, Path)):
        schema = json.loads(Path(schema).read_text(encoding="utf-8"))
    report = Report(f"Prüfbericht: {path.name}")
    report.note = ("Diese Prüfung findet häufige Mängel der Form. Ob die Werte stimmen, wissen nur Sie und das Fachamt.")
    steps = _Steps(progress)
    if progress is None and path.stat().st_size > 3_000_000:
        steps.large, steps.progress = True, True
    steps(0.05, "Datei lesen …")
    try:
        columns, lines, unit = _load(path, sheet, report)
    except UnreadableError as error:
        report.findings.append(make_finding("defects.yml", "empty-file" if "leer" in str(error) else "unreadable", reason=str(error)))
        return report
    if lines:
        report.facts |= {"Zeilen" if unit == "Zeile" else "Objekte": german_number(len(lines)), "Spalten": str(len(columns))}
        _check_content(columns, lines, unit, schema, report, steps)
    steps(1.0, "Fertig.")
    return report.sort()


def read_table(path: str | Path, *, sheet: str | None = None) -> pd.DataFrame:
    """Return the data rows of a messy table as text, with the header found by `check_table`.

    Preamble, section rows, totals, footnotes and blank rows are left out; the values are unchanged.
    The index holds the row numbers of the file. Raises UnreadableError (German) or FileNotFoundError.
    """
    import pandas as pd

    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"Die Datei „{path.name}“ gibt es nicht. Prüfen Sie Ordner und Namen.")
    columns, lines, unit = _load(path, sheet, Report(""))
    return pd.DataFrame(columns, index=pd.Index(lines, name=unit.lower()))


def _load(path: Path, sheet: str | None, report: Report) -> tuple[dict[str, list[str]], list[int], str]:
    """Return columns of text, row numbers and the word for a row; collect what reading found."""
    suffix = path.suffix.lower()
    if suffix in _VECTOR:
        return _from_geo(read_vector(path), report)
    if suffix in (".geojson", ".json"):
        return _from_geo(read_geojson(path), report)
    grid = read_grid(path, sheet)
    report.facts |= grid.facts
    layout = find_layout(grid)
    report.findings += [*grid.findings, *layout.findings]
    cells = list(map(list, zip(*layout.body, strict=True))) if layout.body else [[] for _ in layout.header]
    return dict(zip(layout.header, cells, strict=True)), layout.numbers, "Zeile"


def _from_geo(table: GeoTable, report: Report) -> tuple[dict[str, list[str]], list[int], str]:
    report.facts |= table.facts
    report.findings += table.findings
    columns = {name: [_as_text(v) for v in values] for name, values in table.columns.items()}
    return columns, table.numbers, "Objekt"


def _as_text(value: Any) -> str:
    if value is None or value != value:  # NaN
        return ""
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _check_content(columns, lines, unit, schema, report: Report, steps: _Steps) -> None:
    steps.large = steps.large or (steps.progress is None and len(lines) * len(columns) > 20 * _SHOW_FROM)
    report.findings += _duplicates(columns, lines, unit)
    for i, (name, cells) in enumerate(columns.items()):
        steps(0.2 + 0.6 * i / len(columns), f"Spalte „{name}“ prüfen …")
        report.findings += check_column(name, cells, lines, unit)
    if unit == "Zeile":
        report.findings += table_coordinates(columns, lines)
    steps(0.85, "Nach personenbezogenen Angaben sehen …")
    report.findings += _personal(columns, lines, unit)
    if schema is not None:
        from .rules import check_rules

        steps(0.9, "Regeln des Schemas prüfen …")
        report.findings += check_rules(columns, lines, schema, unit)


def _duplicates(columns: dict[str, list[str]], lines: list[int], unit: str) -> list[Finding]:
    """Rows that are equal in every column. Without a key column equal rows may be right: then only a warning."""
    seen: dict[tuple[str, ...], int] = {}
    copies = []
    for i, row in enumerate(zip(*columns.values(), strict=True)):
        if row in seen:
            copies.append(i)
        else:
            seen[row] = i
    if not copies:
        return []
    gone = set(copies)
    rest = [i for i in range(len(lines)) if i not in gone]
    has_key = any(len({cells[i] for i in rest}) == len(rest) for cells in columns.values())
    return [make_finding("defects.yml", "duplicate-row", level="error" if has_key else "warning", rows=[lines[i] for i in copies],
                         unit=unit, count=german_number(len(copies)))]


def _personal(columns: dict[str, list[str]], lines: list[int], unit: str) -> list[Finding]:
    from .personal import scan_columns

    sample = {name: cells[:_PERSONAL_SAMPLE] for name, cells in columns.items()}
    kinds: dict[str, list[str]] = {}
    for hit in scan_columns(sample, lines, unit):
        if hit.column:
            kinds.setdefault(hit.column, []).append(hit.title)
    return [make_finding("defects.yml", "personal-data", column=name, kinds=", ".join(dict.fromkeys(titles))) for name, titles in kinds.items()]
