"""Each norm, EU act and decision that the course names stands in docs/quellen.md, in the chapter that names it."""

import re

import notebook_rules as rules
import pytest
from norms import NO_LAW, Norm, norms, uncovered
from places import CHAPTERS, ROOT

SOURCES = (ROOT / "docs" / "quellen.md").read_text(encoding="utf-8")
MARKS = re.compile(r"(?:V|E|⚠)(?: \([^)]+\)| streitig)?(?:, (?:V|E|⚠)(?: \([^)]+\))?)*")


def rows(chapter: str) -> list[list[str]]:
    """Return the rows of a chapter („01“): statement, norm, evidence, lessons."""
    part = re.search(rf"^## Kapitel {chapter}:.*?(?=^## |\Z)", SOURCES, flags=re.M | re.S)[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in part.splitlines() if line.startswith("| ")][1:]


def listed(chapter: str) -> set[Norm]:
    """Return the norms that have an entry in this chapter."""
    return {norm for row in rows(chapter) for norm in norms(row[1])}


def texts(chapter) -> dict[str, str]:
    """Return place -> text of everything in a chapter that learners read or are told, hidden tests included."""
    found = {f"{path.name}#{cell.id}": cell.source for path in sorted(chapter.glob("*.ipynb")) for cell in rules.read(path).cells}
    for path in sorted([*chapter.glob("fragen/*.yml"), *chapter.glob("gespraeche/*.yml")]):
        found[path.name] = path.read_text(encoding="utf-8")
    if chapter.name.startswith("02"):
        for path in sorted((ROOT / "src/opendata_kurs/licensing").glob("*.*")):
            if path.suffix in (".json", ".py"):
                # one string per block: a paragraph belongs to the law of its own sentence
                found[path.name] = path.read_text(encoding="utf-8").replace("\n", "\n\n")
    if chapter.name.startswith("01"):
        found["introday.py"] = (ROOT / "src/opendata_kurs/introday.py").read_text(encoding="utf-8")
    return found


def faults(places: dict[str, str], known: set[Norm]) -> list[str]:
    """Return „place: norm“ for everything without an entry."""
    return [f"{place}: {norm}" for place, text in places.items() for norm in uncovered(norms(text), known)]


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda p: p.name)
def test_each_norm_of_a_chapter_has_an_entry_there(chapter):
    assert faults(texts(chapter), listed(chapter.name[:2])) == []


def test_each_norm_of_glossary_and_run_sheets_has_an_entry():
    everywhere = set().union(*(listed(chapter.name[:2]) for chapter in CHAPTERS))
    docs = [ROOT / "docs/glossar.md", *sorted((ROOT / "docs/kursleitung").glob("*.md"))]
    assert faults({path.name: path.read_text(encoding="utf-8") for path in docs}, everywhere) == []


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda p: p.name)
def test_each_entry_has_statement_norm_evidence_and_lessons(chapter):
    numbers = {int(path.name.split("_")[1]) for path in chapter.glob("lektion_*.ipynb")}
    for row in rows(chapter.name[:2]):
        assert len(row) == 4 and all(row), row
        assert MARKS.fullmatch(row[2]), row
        assert {int(n) for n in re.findall(r"\d+", row[3])} <= numbers, row


def test_there_is_something_to_check():
    assert len(listed("01")) >= 20 and len(listed("02")) >= 40
    named = {norm for chapter in CHAPTERS[:2] for text in texts(chapter).values() for norm in norms(text)}
    assert {Norm("DNG", "2", "Abs. 5"), Norm("UrhG", "87a"), Norm("C-490/14"), Norm("(EU) 2023/138"), Norm("dl-de/by-2-0", "2")} <= named


@pytest.mark.parametrize(("text", "expected"), [
    ("gilt (§ 2 Abs. 5 DNG).", ["DNG 2 Abs. 5"]),
    ("gilt (§\u00a02 **Absatz** 5 des Datennutzungsgesetzes).", ["DNG 2 Abs. 5"]),
    ("§§ 87a ff. UrhG", ["UrhG 87a"]),
    ("§§ 87a bis 87c UrhG", ["UrhG 87a", "UrhG 87b", "UrhG 87c"]),
    ("§§ 16–18 BStatG", ["BStatG 16", "BStatG 17", "BStatG 18"]),
    ("§§ 29, 31 UrhG", ["UrhG 29", "UrhG 31"]),
    ("§ 2 Abs. 2, § 29 Abs. 1 und § 31 UrhG", ["UrhG 2 Abs. 2", "UrhG 29 Abs. 1", "UrhG 31"]),
    ("§ 4 Abs. 1 und 3 DNG", ["DNG 4 Abs. 1", "DNG 4 Abs. 3"]),
    ("§ 87d in Verbindung mit § 69 UrhG", ["UrhG 87d", "UrhG 69"]),
    ("§ 2 Abs. 1 Nr. 1, 5, 7, § 72 UrhG", ["UrhG 2 Abs. 1", "UrhG 72"]),
    ("§ 2 Abs. 3 Nr. 1 a cc, dd DNG", ["DNG 2 Abs. 3"]),
    ("§ 3 Nr. 5, 6 DNG", ["DNG 3 Nr. 5", "DNG 3 Nr. 6"]),
    ("§ 87b Abs. 1 Satz 2 UrhG sagt", ["UrhG 87b Abs. 1"]),
    ("§ 16a EGovG NRW, § 12a EGovG", ["EGovG NRW 16a", "EGovG 12a"]),
    ("§ 35 SGB I, §§ 67 ff. SGB X", ["SGB I 35", "SGB X 67"]),
    ("Art. 43, 50 VO (EU) 2023/2854", ["(EU) 2023/2854", "(EU) 2023/2854 43", "(EU) 2023/2854 50"]),
    ("Art. 4 Nr. 1, Erwägungsgrund 26 DSGVO", ["DSGVO 4 Nr. 1", "DSGVO ErwG 26"]),
    ("Art. 4 der Verordnung (EU) 2023/138", ["(EU) 2023/138", "(EU) 2023/138 4"]),
    ("EuGH, 29.10.2015, C-490/14; BGH I ZR 185/03; LG 44 O 14416/21", ["C-490/14", "I ZR 185/03", "44 O 14416/21"]),
    ("ODbL 1.0 Nr. 4.3 und 4.5; dl-de/by-2-0, Abs. 2 und 3", ["ODbL 1.0 4.3", "ODbL 1.0 4.5", "dl-de/by-2-0 2", "dl-de/by-2-0 3"]),
    ("Die OpenDataVO NRW nennt Gemeinden in § 1. Auch § 3 gilt.", ["OpenDataVO NRW 1", "OpenDataVO NRW 3"]),
    ("Das regelt § 7.", [f"{NO_LAW} 7"]),
    ("Die Art. Nr. der Ware, 3 CSV-Dateien, Kapitel 2", []),
])
def test_spellings_are_read(text, expected):
    assert [str(norm) for norm in norms(text)] == expected


@pytest.mark.parametrize("planted", ["§ 99 UrhG", "§§ 87a bis 87z UrhG", "§ 2 Abs. 9 DNG", "§ 1 XyzG", "Art. 77 DSGVO", "C-999/99", "I ZR 999/99", "VO (EU) 2099/1",
                                     "ODbL 1.0 Nr. 9.9", "Das regelt § 2."])
def test_a_planted_norm_without_an_entry_is_found(planted):
    assert faults({"planted": f"So ist es ({planted})."}, listed("02")) != []
