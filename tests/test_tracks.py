"""The tracks in docs/wege.yml: files exist, minutes agree with the lessons, sums are right, run sheets say the same."""

import copy
import re
from collections.abc import Iterator
from itertools import pairwise

import notebook_rules as rules
import pytest
import yaml
from places import CHAPTERS, ROOT

SHEETS = ROOT / "docs" / "kursleitung"
TRACKS = yaml.safe_load((ROOT / "docs" / "wege.yml").read_text(encoding="utf-8"))["wege"]
WANTED = {"einfuehrungstag", "seminartag", "kartenworkshop", "selbstlernen", "fuehrungskraefte"}
SECTIONS = ("## Wenn die Zeit knapp wird", "## Fragen, die kommen", "## Wenn etwas ausfällt")
DAY = "01_was_ist_open_data/einfuehrungstag.ipynb"


def _declared() -> dict[str, dict]:
    """Return file → entry of kapitel.yml, for all lessons of the course."""
    found = {}
    for chapter in CHAPTERS:
        info = yaml.safe_load((chapter / "kapitel.yml").read_text(encoding="utf-8"))
        found |= {f"{chapter.name}/{entry['datei']}": entry for entry in info["lektionen"]}
    return found


DECLARED = _declared()


def core(track: dict) -> list[dict]:
    """Return the lessons that count."""
    return [entry for entry in track["lektionen"] if not entry.get("vertiefung")]


def track_faults(track: dict) -> Iterator[str]:
    """Files exist, minutes are those of the lesson (an excerpt is shorter), the sum is right."""
    for entry in track["lektionen"]:
        file, minutes = entry["datei"], entry["minuten"]
        if not (ROOT / "course" / file).is_file():
            yield f"{file} does not exist"
        if file == DAY:
            continue
        whole = DECLARED.get(file)
        if whole is None:
            yield f"{file} is in no kapitel.yml"
        elif entry.get("ausschnitt") and minutes >= whole["minuten"]:
            yield f"{file}: an excerpt of {minutes} minutes is not shorter than the lesson ({whole['minuten']})"
        elif not entry.get("ausschnitt") and minutes != whole["minuten"]:
            yield f"{file}: {minutes} minutes, kapitel.yml says {whole['minuten']}"
        if whole and bool(entry.get("vertiefung")) != bool(whole.get("vertiefung")):
            yield f"{file}: optional here or in kapitel.yml, not in both"
    total = sum(entry["minuten"] for entry in core(track)) + sum(track.get("weiteres", {}).values())
    if total != track["minuten"]:
        yield f"{track['id']}: the parts have {total} minutes, declared are {track['minuten']}"


def tables(sheet: str) -> list[list[list[str]]]:
    """Return the tables of a run sheet as rows of cells, heads included."""
    found, rows = [], []
    for line in [*sheet.splitlines(), ""]:
        if line.startswith("|"):
            if not re.fullmatch(r"[|\s:-]+", line):
                rows.append([cell.strip() for cell in line.strip("|").split("|")])
        elif rows:
            found.append(rows)
            rows = []
    return found


def schedule(sheet: str) -> tuple[list[tuple[str, int]], list[str]]:
    """Return (part, minutes) for every row of the minute plans, and what does not join up."""
    parts, faults = [], []
    for table in tables(sheet):
        head, rows = table[0][0], table[1:]
        if head == "Minute":
            spans = [tuple(map(int, re.fullmatch(r"(\d+)–(\d+)", row[0]).groups())) for row in rows]
            if spans[0][0] != 0:
                faults.append(f"the plan starts at minute {spans[0][0]}")
            faults += [f"minute {b[0]} does not follow minute {a[1]}" for a, b in pairwise(spans) if a[1] != b[0]]
            parts += [(row[1], end - begin) for row, (begin, end) in zip(rows, spans, strict=True)]
        elif head == "Uhrzeit":
            times = [int(hour) * 60 + int(minute) for hour, minute in (row[0].split(":") for row in rows)]
            parts += [(row[1], b - a) for row, (a, b) in zip(rows, pairwise(times), strict=False)]
    faults += [f"„{part}“ lasts {minutes} minutes" for part, minutes in parts if minutes <= 0]
    return parts, faults


def sheet_faults(track: dict, sheet: str) -> Iterator[str]:
    """The run sheet has its sections, its plan adds up to the track, and each lesson has the minutes of the track."""
    for section in SECTIONS:
        if section not in sheet:
            yield f"section missing: {section}"
    if "(punkte_und_personalrat.md)" not in sheet:
        yield "who sees which points is not linked"
    parts, faults = schedule(sheet)
    yield from faults
    if track["id"] == "selbstlernen":
        yield from _chapter_table_faults(track, sheet)
        return
    total = sum(minutes for _, minutes in parts)
    if total != track["minuten"]:
        yield f"the plan has {total} minutes, the track {track['minuten']}"
    chapters = {entry["datei"][:2] for entry in track["lektionen"]}
    seen = 0
    for entry in track["lektionen"]:
        chapter, name = entry["datei"].split("/")
        if entry["datei"] == DAY:
            continue
        prefix = rf"{chapter[:2]}" if len(chapters) > 1 else rf"(?:{chapter[:2]})?"
        own = [minutes for text, minutes in parts
               if re.match(rf"{prefix} ?Lektion {int(name.split('_')[1])}\b", text)] if track["id"] != "fuehrungskraefte" else \
            _shown(sheet, chapter[:2], int(name.split("_")[1]))
        seen += len(own)
        if own != [entry["minuten"]]:
            yield f"{entry['datei']}: {entry['minuten']} minutes in the track, {own} in the plan"
    planned = sum("Lektion " in row[-1 if track["id"] == "fuehrungskraefte" else 1] for table in tables(sheet)
                  for row in table[1:] if table[0][0] in ("Minute", "Uhrzeit"))
    if planned != seen:
        yield f"the plan shows {planned} lessons, the track has {seen}"


def _shown(sheet: str, chapter: str, number: int) -> list[int]:
    """Return the minutes of the rows that show something of this lesson (named in the last column)."""
    found = []
    for table in tables(sheet):
        for row in table[1:]:
            if table[0][0] == "Minute" and re.match(rf"{chapter} Lektion {number}\b", row[-1]):
                begin, end = map(int, row[0].split("–"))
                found.append(end - begin)
    return found


def _chapter_table_faults(track: dict, sheet: str) -> Iterator[str]:
    by_chapter: dict[str, list[int]] = {}
    for entry in core(track):
        by_chapter.setdefault(entry["datei"][:2], []).append(entry["minuten"])
    want = {chapter: (len(minutes), sum(minutes)) for chapter, minutes in by_chapter.items()}
    want["Summe"] = (len(core(track)), track["minuten"])
    rows = next((table[1:] for table in tables(sheet) if table[0][-1] == "Minuten"), [])
    have = {row[0].split()[0]: (int(row[1].split()[0]), int(row[2])) for row in rows}
    if have != want:
        yield f"the table says {have}, the track {want}"


def _sheet(track: dict) -> str:
    return (SHEETS / track["ablaufplan"]).read_text(encoding="utf-8")


def _track(name: str) -> dict:
    return copy.deepcopy(next(track for track in TRACKS if track["id"] == name))


def test_all_tracks_are_there():
    assert {track["id"] for track in TRACKS} == WANTED and len(TRACKS) == len(WANTED)


@pytest.mark.parametrize("track", TRACKS, ids=lambda t: t["id"])
def test_track(track):
    assert list(track_faults(track)) == []


@pytest.mark.parametrize("track", TRACKS, ids=lambda t: t["id"])
def test_run_sheet(track):
    assert list(sheet_faults(track, _sheet(track))) == []


def test_promised_lengths():
    length = {track["id"]: track["minuten"] for track in TRACKS}
    assert length["einfuehrungstag"] == 90 and length["fuehrungskraefte"] == 30
    assert length["seminartag"] == 7 * 60 and length["kartenworkshop"] == 5 * 60


def test_self_learning_goes_through_the_whole_course_in_order():
    assert [entry["datei"] for entry in _track("selbstlernen")["lektionen"]] == sorted(DECLARED)


def test_the_day_and_its_run_sheet_have_the_same_parts():
    nb = rules.read(ROOT / "course" / DAY)
    own, _ = schedule(nb.cells[0].source)
    planned, _ = schedule(_sheet(_track("einfuehrungstag")))
    assert [re.sub(r"^\d ", "", part) for part, _ in own] == [part for part, _ in planned]
    assert [minutes for _, minutes in own] == [minutes for _, minutes in planned] == [10, 20, 20, 15, 15, 10]
    headings = re.findall(r"^## .*\((\d+) Minuten\)$", "\n".join(source for _, source in rules.texts(nb)), flags=re.M)
    assert [int(minutes) for minutes in headings] == [10, 20, 20, 15, 15, 10]


def test_planted_faults_in_a_track_are_found():
    track = _track("seminartag")
    track["minuten"] += 5
    assert "declared are" in " ".join(track_faults(track))
    track = _track("seminartag")
    track["lektionen"][0]["minuten"] += 5
    assert "kapitel.yml says" in " ".join(track_faults(track)) and "declared are" in " ".join(track_faults(track))
    track = _track("fuehrungskraefte")
    track["lektionen"][0]["minuten"] = 60
    assert "not shorter" in " ".join(track_faults(track))
    track["lektionen"][0]["datei"] = "01_was_ist_open_data/lektion_99_fehlt.ipynb"
    assert "does not exist" in " ".join(track_faults(track))


@pytest.mark.parametrize(("name", "old", "new", "said"), [
    ("einfuehrungstag", "| 30–50 |", "| 30–45 |", "does not follow"),
    ("einfuehrungstag", "| 80–90 |", "| 80–95 |", "95 minutes, the track 90"),
    ("seminartag", "| 9:45 |", "| 9:50 |", "lektion_01_begriff.ipynb: 30 minutes in the track, [35] in the plan"),
    ("seminartag", "| 16:00 |", "| 15:30 |", "lasts -10 minutes"),
    ("seminartag", "| 01 Lektion 2: Maschinenlesbar |", "| Ausflug |", "lektion_02"),
    ("kartenworkshop", "| 35–70 | Lektion 5", "| 35–70 | Lektion 9", "lektion_05"),
    ("fuehrungskraefte", "03 Lektion 3", "03 Lektion 4", "lektion_03_flaechen"),
    ("selbstlernen", "| Summe |", "| Rest |", "the table says"),
    ("seminartag", "## Wenn etwas ausfällt", "## Sonstiges", "section missing"),
    ("kartenworkshop", "(punkte_und_personalrat.md)", "(anders.md)", "who sees"),
])
def test_planted_faults_in_a_run_sheet_are_found(name, old, new, said):
    sheet = _sheet(_track(name))
    assert old in sheet
    assert said in " ".join(sheet_faults(_track(name), sheet.replace(old, new)))
