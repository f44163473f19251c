"""Find header, data and everything that does not belong into a table: preamble, sections, totals, footnotes."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

from .grid import Grid
from .report import Finding, german_number, make_finding
from .values import is_number, shape_kind

TOTAL = re.compile(r"^(?:zwischen|end|gesamt)?(?:summen?|total|insgesamt|gesamt|zusammen|gesamtsumme|gesamtergebnis|alle zusammen)\b"
                   r"(?!\s*\w+\s+\w+\s+\w+)|^(?:\S+\s+){1,2}(?:insgesamt|gesamt|zusammen)\s*:?$", re.IGNORECASE)
_FOOT = re.compile(r"^(?:\(?\d{1,2}\)|\*+|[¹²³⁴]|quelle\b|stand\b|hinweis|anmerkung|erläuterung|legende|©|_{3,}|-{3,})", re.IGNORECASE)


def make(id: str, **values) -> Finding:
    """Short form for findings of tables."""
    return make_finding("defects.yml", id, **values)


@dataclass
class Layout:
    """Where the table is. `body` holds the data rows only, with their row numbers."""

    header: list[str]
    body: list[list[str]]
    numbers: list[int]
    header_rows: int = 1
    findings: list[Finding] = field(default_factory=list)
    columns: list[int] = field(default_factory=list)  # position in the file (1-based) of every kept column


def find_layout(grid: Grid) -> Layout:
    """Split a grid into header and data, and name what stands in between."""
    found: list[Finding] = []
    rows, numbers = grid.rows, grid.numbers
    filled = [sum(1 for c in row if c and not c.isspace()) for row in rows]
    width = _width(rows, filled, grid.is_sheet)
    if not width:
        return Layout([], [], [], findings=[make("empty-file")])

    numeric = _numeric_columns(rows, width)
    head = _header_start(rows, filled, width, numeric)
    preamble = [i for i in range(head) if filled[i]]
    if preamble:
        found.append(make("preamble", rows=[numbers[i] for i in preamble], count=len(preamble),
                          example=_first_text(rows[preamble[0]])))
    elif head:
        found.append(make("blank-row", rows=numbers[:head], count=head))

    if _is_data(rows[head], numeric, width):
        found.append(make("no-header", rows=[numbers[head]], example=", ".join(c for c in rows[head] if c)[:60]))
        names, body_start = [""] * width, head
    else:
        last = _header_end(grid, head, filled, numeric, width)
        names = _join_header(rows[head:last + 1], width)
        body_start = last + 1
        if last > head:
            found.append(make("merged-header", rows=numbers[head:last + 1], count=last + 1 - head))
        elif grid.is_sheet and any(a <= numbers[head] <= b and d > c for a, c, b, d in grid.merged):
            found.append(make("merged-header", rows=[numbers[head]], count=1))
    header_rows = body_start - head

    end = _footnotes(rows, numbers, filled, width, body_start, found)
    trailing = numbers[end:] if not grid.is_sheet and not any(filled[end:]) else []
    keep, lines = _walk_body(rows, numbers, filled, width, numeric, names, body_start, end, trailing, found)
    if grid.is_sheet:
        inner = [m for m in grid.merged if m[0] in set(lines)]
        if inner:
            found.append(make("merged-cells", count=len(inner), rows=[m[0] for m in inner]))

    ragged = [n for row, n in zip(keep, lines, strict=True) if len(row) != width]
    if ragged and not grid.is_sheet:
        extra = [n for row, n in zip(keep, lines, strict=True) if any(c.strip() for c in row[width:])]
        short = [n for row, n in zip(keep, lines, strict=True) if len(row) < width]
        if extra or short:
            found.append(make("ragged-row", rows=sorted({*extra, *short}), count=german_number(len({*extra, *short})), width=width))
    keep = [row if len(row) == width else [*row[:width], *[""] * (width - len(row))] for row in keep]
    return _columns(Layout(names, keep, lines, header_rows, found), width)


def _width(rows: list[list[str]], filled: list[int], is_sheet: bool) -> int:
    candidates = [len(r) for r, f in zip(rows, filled, strict=True) if f >= 2]
    if not candidates:
        return 1 if sum(map(bool, filled)) >= 2 else 0
    return max(candidates) if is_sheet else Counter(candidates).most_common(1)[0][0]


def _numeric_columns(rows: list[list[str]], width: int) -> list[bool]:
    """Columns whose lower part consists of numbers or dates; the contrast tells header from data."""
    step = max(1, len(rows) // 400)
    result = []
    for j in range(width):
        cells = [row[j].strip() for row in rows[len(rows) // 4::step] if j < len(row) and row[j].strip()]
        result.append(len(cells) >= 1 and sum(is_number(c) for c in cells) > 0.6 * len(cells))
    return result


def _first_text(row: list[str]) -> str:
    return next((c.strip() for c in row if c.strip()), "")[:60]


def _is_data(row: list[str], numeric: list[bool], width: int) -> bool:
    """A row whose cells are numbers where numbers belong (and is no numbering 1, 2, 3)."""
    cells = [(row[j].strip() if j < len(row) else "", numeric[j]) for j in range(width)]
    there = [is_number(c) for c, n in cells if n and c]
    return bool(there) and sum(there) > len(there) / 2 and not _is_numbering(row)


def _is_numbering(row: list[str]) -> bool:
    cells = [c.strip().strip("()") for c in row if c.strip()]
    return len(cells) >= 3 and cells == [str(i) for i in range(1, len(cells) + 1)]


def _header_start(rows: list[list[str]], filled: list[int], width: int, numeric: list[bool]) -> int:
    need = max(1 if width == 1 else 2, round(width * 0.5))
    for i in range(min(len(rows), 60)):
        if filled[i] >= need:
            return i
        if i + 1 < len(rows) and filled[i] >= 2 and _is_data(rows[i + 1], numeric, width) and not _is_data(rows[i], numeric, width):
            return i
    return next((i for i, f in enumerate(filled) if f), 0)


def _header_end(grid: Grid, head: int, filled: list[int], numeric: list[bool], width: int) -> int:
    """Return the last row of the header: rows below it that have text where the data have numbers."""
    rows, last = grid.rows, head
    by_merge = max((b for a, c, b, d in grid.merged if a == grid.numbers[head] and b > a), default=0)
    for i in range(head + 1, min(len(rows), head + 8)):
        row = rows[i]
        text_where_numbers = [j for j in range(min(width, len(row))) if numeric[j] and row[j].strip() and not is_number(row[j].strip())]
        numbers_there = [j for j in range(min(width, len(row))) if numeric[j] and is_number(row[j].strip())]
        if _is_numbering(row) or grid.numbers[i] <= by_merge or (text_where_numbers and not numbers_there and _is_header_text(row, width)):
            last = i
        elif filled[i]:
            break
    return last


def _is_header_text(row: list[str], width: int) -> bool:
    """Suppression marks (`.`, `-`, `x`) in the first data row are no header."""
    cells = [c.strip() for c in row if c.strip()]
    return any(len(c) > 2 and any(ch.isalpha() for ch in c) and shape_kind(c) == "text" for c in cells) \
        and not any(is_number(c) for c in cells)


def _join_header(rows: list[list[str]], width: int) -> list[str]:
    lines = [r for r in rows if not _is_numbering(r)]
    names = []
    carried = ""
    for j in range(width):
        top = lines[0][j].strip() if j < len(lines[0]) else ""
        below = [r[j].strip() for r in lines[1:] if j < len(r) and r[j].strip()]
        if top:
            carried = top
        elif below and len(lines) > 1:
            top = carried  # a merged cell names the columns to its right as well
        names.append(" ".join(filter(None, [top, *below])))
    return names


def _footnotes(rows, numbers, filled, width, start, found) -> int:
    """Return the end of the data; text below it becomes a finding."""
    end = len(rows)
    while end > start:
        row = rows[end - 1]
        few = filled[end - 1] <= max(1, width // 4)
        text = _first_text(row)
        foot = filled[end - 1] == 0 or (few and (_FOOT.match(text) or (width >= 3 and len(text) > 12 and not is_number(text)
                                                                     and not TOTAL.search(text))))
        if not foot:
            break
        end -= 1
    below = [i for i in range(end, len(rows)) if filled[i]]
    if below:
        found.append(make("footnote", rows=[numbers[i] for i in below], count=len(below), example=_first_text(rows[below[0]])))
    return end


def _walk_body(rows, numbers, filled, width, numeric, names, start, end, trailing, found):
    """Sort blank, section, total and header-like rows out of the data."""
    body = range(start, end)
    usual = sum(sum(1 for i in body[:: max(1, len(body) // 300)] if j < len(rows[i]) and rows[i][j].strip())
                > 0.6 * len(body[:: max(1, len(body) // 300)]) for j in range(width))
    lower_names = [n.strip().lower() for n in names]
    kept, lines, blank, sections, repeated, tables = [], [], [], [], [], []
    for i in body:
        row = rows[i]
        if not filled[i]:
            blank.append(i)
        elif lower_names[0] and [c.strip().lower() for c in row[:width]] == lower_names:
            repeated.append(i)
        elif blank and blank[-1] == i - 1 and any(numeric) and _starts_table(rows, i, end, numeric, width, filled):
            tables.append(i)
        elif usual >= 4 and filled[i] <= usual / 3 and not any(
                is_number(row[j].strip()) for j in range(1, min(width, len(row))) if numeric[j]):
            sections.append(i)
        else:
            kept.append(row)
            lines.append(numbers[i])
    totals = _totals(kept, numeric, width)
    label = {k: kept[k] for k in totals}
    if blank or trailing:
        found.append(make("blank-row", rows=[*(numbers[i] for i in blank), *trailing], count=len(blank) + len(trailing)))
    if repeated:
        found.append(make("repeated-header", rows=[numbers[i] for i in repeated]))
    if tables:
        found.append(make("several-tables", rows=[numbers[i] for i in tables], direction="untereinander"))
    if sections:
        found.append(make("section-row", rows=[numbers[i] for i in sections], count=len(sections),
                          example=" ".join(c.strip() for c in rows[sections[0]] if c.strip())[:60]))
    if totals:
        example = next(c.strip() for c in label[min(label)] if TOTAL.search(c.strip()))
        found.append(make("total-row", rows=[lines[k] for k in totals], count=len(totals), example=example[:40]))
        gone = set(totals)
        kept = [r for k, r in enumerate(kept) if k not in gone]
        lines = [n for k, n in enumerate(lines) if k not in gone]
    return kept, lines


def _starts_table(rows, i, end, numeric, width, filled) -> bool:
    """A second header: text where numbers stand, followed by numbers again."""
    row = rows[i]
    texts = [c.strip() for c in row if c.strip()]
    if any(is_number(t) for t in texts):
        return False
    rest = [rows[k] for k in range(i + 1, min(end, i + 4)) if filled[k]]
    has_numbers = any(any(is_number(c.strip()) for c in r if c.strip()) for r in rest)
    return (len(texts) >= 2 and has_numbers) or (len(texts) == 1 and len(rest) > 1 and sum(bool(c.strip()) for c in rest[0]) >= 2
                                              and not any(is_number(c.strip()) for c in rest[0] if c.strip()) and has_numbers)


def _totals(body: list[list[str]], numeric: list[bool], width: int) -> list[int]:
    """Rows that sum up others. A word such as „insgesamt“ that fills a whole column is a category instead."""
    if not any(numeric):
        return []
    hits: dict[int, list[int]] = {}
    for j in (j for j in range(min(width, 6)) if not numeric[j]):
        cache: dict[str, bool] = {}
        for k, row in enumerate(body):
            cell = row[j] if j < len(row) else ""
            if not cell:
                continue
            if (hit := cache.get(cell)) is None:
                hit = cache[cell] = len(cell) < 60 and bool(TOTAL.search(cell.strip()))
            if hit:
                hits.setdefault(j, []).append(k)
    limit = max(2, len(body) // 10)
    return sorted({k for ks in hits.values() if len(ks) <= limit for k in ks})


def _columns(layout: Layout, width: int) -> Layout:
    """Name empty, blank and duplicate columns; drop the blank ones."""
    found, keep = layout.findings, []
    blank = {j for j in range(width) if not any(row[j].strip() for row in layout.body)} if layout.body else set()
    inner_gap = [j for j in blank if not layout.header[j] and 0 < j < width - 1]
    if inner_gap and _side_by_side(layout, inner_gap[0], width):
        found.append(make("several-tables", direction="nebeneinander"))
    unnamed_header = any(f.id == "no-header" for f in found)
    for j in range(width):
        name = layout.header[j].strip()
        if j in blank:
            # a named column without values may be deliberate (an optional field)
            found.append(make("blank-column", level="warning" if name else "error", position=j + 1, column=name or None,
                              named=f", der Name ist „{name}“" if name else " und hat keinen Namen"))
        elif not name and not unnamed_header:
            found.append(make("empty-column-name", position=j + 1))
        if j not in blank or name:
            keep.append(j)
    counts = Counter(layout.header[j].strip().lower() for j in keep if layout.header[j].strip())
    for name, n in counts.items():
        if n > 1:
            shown = next(layout.header[j].strip() for j in keep if layout.header[j].strip().lower() == name)
            found.append(make("duplicate-column-name", column=shown, count=n))
    marked = [layout.header[j] for j in keep if re.search(r"(?:\S ?\d\)|\*+|[¹²³])$", layout.header[j].strip())
              and not re.search(r"[kdcm]?m[²³]$|\(\w*\d\)$", layout.header[j].strip())]
    if marked:
        found.append(make("footnote-mark", example=marked[0], column=marked[0]))
    spaced = [layout.header[j] for j in keep if re.search(r"\s", layout.header[j].strip())]
    if spaced:
        found.append(make("column-name-space", example=" ".join(spaced[0].split())[:50]))
    names, seen = [], Counter()
    for j in keep:
        name = " ".join(layout.header[j].split()) or f"spalte_{j + 1}"
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    body = layout.body if len(keep) == width else [[row[j] for j in keep] for row in layout.body]
    return Layout(names, body, layout.numbers, layout.header_rows, found, [j + 1 for j in keep])


def _side_by_side(layout: Layout, gap: int, width: int) -> bool:
    left, right = layout.header[:gap], layout.header[gap + 1:]
    return sum(map(bool, left)) >= 2 and sum(map(bool, right)) >= 2
