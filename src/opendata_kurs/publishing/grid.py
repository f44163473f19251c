"""Read CSV and XLSX files into one shape: rows of text cells with the row number that a person sees."""

from __future__ import annotations

import csv
import datetime as dt
import io
import zipfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from .encodings import Decoded, binary_kind, broken_umlaut, decode
from .report import Finding, german_list, make_finding

SEPARATORS = {",": "Komma", ";": "Semikolon", "\t": "Tabulator", "|": "senkrechter Strich"}
_SAMPLE_LINES = 200
csv.field_size_limit(10_000_000)


class UnreadableError(ValueError):
    """The file is no table; the message is German and may be shown."""


@dataclass
class Grid:
    """A table as it stands in the file, before anybody decided what is header and what is data."""

    rows: list[list[str]]
    numbers: list[int]
    facts: dict[str, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)  # first row, first col, last row, last col
    is_sheet: bool = False


def read_grid(path: Path, sheet: str | None = None) -> Grid:
    """Read a CSV, TSV, TXT or XLSX file. Raises UnreadableError with a German message."""
    raw = path.read_bytes()
    if not raw.strip():
        raise UnreadableError("Die Datei ist leer.")
    if raw.startswith(b"PK"):
        return _read_xlsx(raw, sheet)
    if reason := binary_kind(raw):
        raise UnreadableError(reason)
    return _read_csv(decode(raw))


def find_separator(text: str) -> str:
    """Return the separator of a CSV text; copes with preambles, where `csv.Sniffer` fails."""
    lines = text[:200_000].splitlines()[:_SAMPLE_LINES]
    sample = "\n".join(lines)
    scores = {sep: _separator_score(sample, sep) for sep in SEPARATORS}
    first, second = sorted(scores.values(), reverse=True)[:2]
    best = max(scores, key=scores.__getitem__)
    if first == 0:
        return ","
    if second < 0.7 * first:
        return best
    import clevercsv  # slow, and only needed when two separators look alike

    try:
        found = clevercsv.Detector().detect("\n".join(lines[:60]), delimiters=list(SEPARATORS))
    except clevercsv.exceptions.Error:
        return best
    return found.delimiter if found and found.delimiter in SEPARATORS else best


def _separator_score(sample: str, separator: str) -> float:
    """Share of rows that have the usual number of fields, weighted a little by that number."""
    try:
        widths = Counter(len(row) for row in csv.reader(io.StringIO(sample, newline=""), delimiter=separator) if row)
    except csv.Error:
        return 0.0
    many = {w: n for w, n in widths.items() if w > 1}
    if not many:
        return 0.0
    width, count = max(many.items(), key=lambda item: (item[1], item[0]))
    return count / sum(widths.values()) * (1 + min(width, 12) / 24)


def _read_csv(source: Decoded) -> Grid:
    text = source.text
    separator = find_separator(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    rows, numbers, start = [], [], 1
    for row in reader:
        rows.append(row)
        numbers.append(start)
        start = reader.line_num + 1
    while rows and not any(cell.strip() for cell in rows[-1]) and len(rows[-1]) <= 1:
        rows.pop()
        numbers.pop()
    grid = Grid(rows, numbers, {"Kodierung": source.label + (" mit BOM" if source.bom else ""),
                                "Trennzeichen": SEPARATORS[separator]})
    grid.findings += text_findings(source)
    if separator != "," and any(len(r) > 1 for r in rows):
        grid.findings.append(make_finding("defects.yml", "separator", separator=f"ein {SEPARATORS[separator]}"
                                          if separator != "|" else "einen senkrechten Strich"))
    return grid


def text_findings(source: Decoded) -> list[Finding]:
    """Findings about encoding, BOM and destroyed umlauts."""
    found = []
    if source.label != "UTF-8":
        found.append(make_finding("defects.yml", "encoding", encoding=source.label))
    elif source.bom:
        found.append(make_finding("defects.yml", "bom"))
    if example := broken_umlaut(source.text):
        line = source.text.count("\n", 0, source.text.index(example)) + 1
        found.append(make_finding("defects.yml", "mojibake", example=example, rows=[line]))
    return found


def _read_xlsx(raw: bytes, sheet: str | None) -> Grid:
    import openpyxl

    try:
        names = zipfile.ZipFile(io.BytesIO(raw)).namelist()
        if not any(n.endswith("workbook.xml") for n in names):
            raise UnreadableError("Das ist eine ZIP-Datei, aber keine XLSX-Tabelle. Packen Sie die Datei zuerst aus.")
        book = openpyxl.load_workbook(io.BytesIO(raw), data_only=True)
    except (zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        if isinstance(error, UnreadableError):
            raise
        raise UnreadableError("Die XLSX-Datei ist beschädigt.") from None
    grids = {ws.title: [[_cell_text(c) for c in row] for row in ws.iter_rows(values_only=True)] for ws in book.worksheets}
    filled = {name: sum(bool(c.strip()) for row in rows for c in row) for name, rows in grids.items()}
    with_data = [name for name in grids if _is_table(grids[name])]
    if not any(filled.values()):
        raise UnreadableError("Die Mappe enthält keine Daten.")
    used = sheet or max(with_data or filled, key=filled.__getitem__)
    if used not in grids:
        raise UnreadableError(f"Das Blatt „{used}“ gibt es nicht. Vorhanden: {german_list(grids)}.")
    ws, rows = book[used], grids[used]
    while rows and not any(c.strip() for c in rows[-1]):
        rows.pop()
    width = max((i + 1 for row in rows for i, c in enumerate(row) if c.strip()), default=0)
    grid = Grid([row[:width] for row in rows], list(range(ws.min_row, ws.min_row + len(rows))), {"Blatt": used},
                merged=[(m.min_row, m.min_col, m.max_row, m.max_col) for m in ws.merged_cells.ranges], is_sheet=True)
    if len(others := [n for n in filled if filled[n]]) > 1:
        level = "error" if len(with_data) > 1 else "warning"
        grid.findings.append(make_finding("defects.yml", "several-sheets", level=level, count=len(others),
                                          names=german_list(f"„{n}“" for n in others), used=used))
    grid.findings.append(make_finding("defects.yml", "proprietary-format", format="Excel"))
    return grid


def _is_table(rows: list[list[str]]) -> bool:
    return sum(sum(bool(c.strip()) for c in row) >= 2 for row in rows) >= 3


def _cell_text(value: object) -> str:
    """Text of a sheet's cell; real dates become ISO, whole numbers lose the `.0`."""
    if value is None:
        return ""
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(sep=" ")
    if isinstance(value, bool):
        return "ja" if value else "nein"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    return str(value)
