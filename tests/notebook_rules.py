"""Rules for course notebooks: each function yields complaints, so tests can run it on good and on planted faults."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import nbformat

LESSON_PARTS = (
    r"# Lektion \d+: .+",
    r"## Worum geht es\?",
    r"## Lernziele",
    r"## Start-Check",
    r"## (Beispiel|Schritt).*",
    r"## Jetzt Sie.*",
    r"## Stolperstein.*",
    r"## Übung",
    r"## Selbsttest",
    r"## Das Wichtigste",
    r"## Quellen und Lizenzen",
)
DURATION = re.compile(r"\*\*Dauer:\*\* (\d+) min \((\d+) lesen, (\d+) üben\)")
ALLOWED_METADATA = {"tags", "nbgrader", "opendata_kurs"}
ALLOWED_NOTEBOOK_METADATA = {"kernelspec", "language_info", "opendata_kurs"}
# goal verbs that can be tested; "verstehen", "kennen", "wissen" cannot
UNTESTABLE_GOAL = re.compile(r"\b(verstehen|kennen|wissen|kennenlernen)\b")
LOADED_FROM_OUTSIDE = re.compile(
    r"""<(?:script|img|iframe|audio|video|source|embed|object|link)\b[^>]*?\b(?:src|href|data)\s*=\s*["']?(?:https?:)?//"""
    r"""|url\(\s*["']?(?:https?:)?//|!\[[^\]]*\]\(\s*https?://|@import\s+["']https?://""",
    re.IGNORECASE,
)
MACHINE_PATH = re.compile(r"(?:/(?:home|root|Users|opt|tmp|work)/|[A-Z]:\\\\?Users)")


def read(path: Path) -> nbformat.NotebookNode:
    """Read a notebook as version 4."""
    return nbformat.read(path, as_version=4)


def texts(nb) -> Iterator[tuple[str, str]]:
    """Yield (cell id, markdown source)."""
    for cell in nb.cells:
        if cell.cell_type == "markdown":
            yield cell.get("id", "?"), cell.source


def headings(nb) -> list[str]:
    """Return all first and second level headings outside code fences."""
    found = []
    for _, source in texts(nb):
        outside = re.sub(r"^```.*?^```", "", source, flags=re.M | re.S)
        found += re.findall(r"^#{1,2} .+$", outside, flags=re.M)
    return [h.strip() for h in found]


def parts_missing(nb) -> Iterator[str]:
    """A lesson has all its parts, in order."""
    rest = headings(nb)
    for part in LESSON_PARTS:
        position = next((i for i, h in enumerate(rest) if re.fullmatch(part, h)), None)
        if position is None:
            yield f"part missing or in the wrong place: {part}"
        else:
            rest = rest[position + 1 :]


def head_incomplete(nb) -> Iterator[str]:
    """The first cell names duration, what comes before, and the state of law or data."""
    first = nb.cells[0].source
    found = DURATION.search(first)
    if not found:
        yield "first cell: no line '**Dauer:** 25 min (15 lesen, 10 üben)'"
    elif int(found[2]) + int(found[3]) != int(found[1]):
        yield f"first cell: {found[2]} + {found[3]} is not {found[1]} minutes"
    if "**Vorher:**" not in first:
        yield "first cell: no line '**Vorher:**'"
    if not re.search(r"\*\*Stand:\*\* (Januar|Februar|März|April|Mai|Juni|Juli|August|September|Oktober|November|Dezember) 20\d\d", first):
        yield "first cell: no line '**Stand:** Monat Jahr'"


WORDS_PER_MINUTE = 150  # slow, careful reading of a text with new terms
CELL_MINUTES = 0.5  # to run a cell and look at what it shows
SELF_TEST_MINUTES = 3  # three questions with their explanations
_DEEPER = re.compile(r"<details><summary>(?:<strong>)?(?:Für Neugierige|Hinweis|Lösung|Sie arbeiten auf Binder).*?</details>", re.S)
_FOLDED = re.compile(r"<details><summary>.*?</details>", re.S)
_UNREAD = re.compile(r"!\[[^\]]*\]\([^)]*\)|\]\([^)]*\)|```.*?```|<[^>]+>", re.S)


def _words(text: str) -> int:
    return len(re.findall(r"[^\W\d_][\w'’-]*", _UNREAD.sub(" ", text)))


def _read_by_all(nb) -> list[str]:
    return [source for _, source in texts(nb) if not source.startswith("## Quellen")]


def core_words(nb) -> int:
    """Count the words that stand open on the page; folded parts, link targets, alternative texts and sources do not count."""
    return sum(_words(_FOLDED.sub(" ", source)) for source in _read_by_all(nb))


def reading_minutes(nb) -> float:
    """Return the minutes a lesson takes before its exercise; only hints, solutions and what is for the curious stay out."""
    words = sum(_words(_DEEPER.sub(" ", source)) for source in _read_by_all(nb))
    cells = sum(cell.cell_type == "code" for cell in nb.cells)
    return words / WORDS_PER_MINUTE + cells * CELL_MINUTES + SELF_TEST_MINUTES


def reading_too_long(nb) -> Iterator[str]:
    """What all read, run and answer fits in the minutes that the first cell declares for reading."""
    declared, needed = duration(nb)[1], reading_minutes(nb)
    if needed > declared:
        yield f"{needed:.1f} minutes of reading, running and answering do not fit in the declared {declared}"


def goals_untestable(nb) -> Iterator[str]:
    """Three or four goals, each with a verb that can be tested."""
    source = next((s for _, s in texts(nb) if s.startswith("## Lernziele")), "")
    goals = re.findall(r"^- (.+)$", source, flags=re.M)
    if not 3 <= len(goals) <= 4:
        yield f"{len(goals)} goals instead of three or four"
    for goal in goals:
        if UNTESTABLE_GOAL.search(goal):
            yield f"goal cannot be tested: {goal}"


def outputs_missing(nb) -> Iterator[str]:
    """Strict nbval passes trivially without outputs, so a lesson must keep them, with counts from 1 upwards."""
    code = [c for c in nb.cells if c.cell_type == "code"]
    counts = [c.execution_count for c in code]
    if counts != list(range(1, len(code) + 1)):
        yield f"not executed top to bottom: execution counts {counts}"
    if not any(c.outputs for c in code):
        yield "no outputs at all"


def outputs_kept(nb) -> Iterator[str]:
    """An exercise is committed without outputs."""
    for cell in nb.cells:
        if cell.cell_type == "code" and (cell.outputs or cell.execution_count):
            yield f"cell {cell.id}: outputs or count kept"


def errors_kept(nb) -> Iterator[str]:
    """No error output unless the cell is meant to fail."""
    for cell in nb.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "error" and "raises-exception" not in cell.metadata.get("tags", []):
                yield f"cell {cell.id}: error output {output.ename}"


def ids_unreadable(nb) -> Iterator[str]:
    """Ids are unique, readable and named by hand (random ids are eight hex digits)."""
    seen = set()
    for cell in nb.cells:
        if not re.fullmatch(r"[a-zA-Z0-9_-]{2,64}", cell.get("id", "")) or re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f-]+)?", cell.id):
            yield f"cell id {cell.get('id')!r} is not a readable name"
        if cell.get("id") in seen:
            yield f"cell id {cell.id!r} twice"
        seen.add(cell.get("id"))


def metadata_too_much(nb) -> Iterator[str]:
    """Metadata holds only what is needed."""
    if extra := set(nb.metadata) - ALLOWED_NOTEBOOK_METADATA:
        yield f"notebook metadata: {sorted(extra)}"
    for cell in nb.cells:
        if extra := set(cell.metadata) - ALLOWED_METADATA:
            yield f"cell {cell.id}: metadata {sorted(extra)}"


def alternatives_missing(nb) -> Iterator[str]:
    """Each picture has an alternative text: in markdown, in HTML, and in the metadata of a PNG output."""
    for name, source in texts(nb):
        for alt in re.findall(r"!\[([^\]]*)\]\(", source):
            if len(alt.strip()) < 10:
                yield f"cell {name}: picture without alternative text"
        for tag in re.findall(r"<img\b[^>]*>", source):
            if not re.search(r'alt="[^"]{10,}"', tag):
                yield f"cell {name}: <img> without alternative text"
    for cell in nb.cells:
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                alt = output.get("metadata", {}).get("image/png", {}).get("alt", "")
                if len(alt) < 20:
                    yield f"cell {cell.id}: PNG output without alternative text"
            html = "".join(output.get("data", {}).get("text/html", ""))
            if "<iframe" in html and not re.search(r'<iframe[^>]*\btitle="[^"]{5,}"', html):
                yield f"cell {cell.id}: iframe without title"


def foreign_requests(nb) -> Iterator[str]:
    """Nothing in the notebook loads from third parties."""
    for cell in nb.cells:
        parts = [cell.source] + [
            "".join(value) if isinstance(value, (str, list)) else ""
            for output in cell.get("outputs", [])
            for value in output.get("data", {}).values()
        ]
        for part in parts:
            if found := LOADED_FROM_OUTSIDE.search(part):
                yield f"cell {cell.id}: loads from outside: {found[0][:80]}"


def machine_paths(nb) -> Iterator[str]:
    """No path of a developer's machine in source or output."""
    for cell in nb.cells:
        text = cell.source + str(cell.get("outputs", ""))
        if found := MACHINE_PATH.search(text):
            yield f"cell {cell.id}: machine path {found[0]}"


def relative_data(nb) -> Iterator[str]:
    """Data come through load_dataset: folder depth differs between source, release and autograded."""
    for cell in nb.cells:
        if cell.cell_type == "code" and (found := re.search(r"""["'](?:\.\./)+[^"']*["']|read_csv\(\s*["']datasets/""", cell.source)):
            yield f"cell {cell.id}: relative data path {found[0]}"


EVERY_NOTEBOOK = (errors_kept, ids_unreadable, metadata_too_much, alternatives_missing, foreign_requests, machine_paths, relative_data)
LESSON = (parts_missing, head_incomplete, goals_untestable, outputs_missing)
EXERCISE = (outputs_kept,)


def duration(nb) -> tuple[int, int, int]:
    """Return (total, reading, exercising) minutes of a lesson."""
    found = DURATION.search(nb.cells[0].source)
    return tuple(int(x) for x in found.groups())
