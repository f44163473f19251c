"""Find norms and decisions in German text: „§ 2 Abs. 5 DNG“, „§§ 87a ff. UrhG“, „Art. 43, 50 VO (EU) 2023/2854“, „C-490/14“."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple


class Norm(NamedTuple):
    """A law, decision or licence, with paragraph or article and, where named, the part of it (Absatz, else Nummer)."""

    law: str
    number: str = ""
    part: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, (self.law, self.number, self.part)))


NO_LAW = "ohne Gesetz"
LONG_NAMES = {"Datennutzungsgesetz": "DNG", "Urheberrechtsgesetz": "UrhG", "Informationsfreiheitsgesetz NRW": "IFG NRW", "Grundgesetz": "GG",
              "OpenDataVO": "OpenDataVO NRW", "IFG": "IFG NRW", "UIG": "UIG NRW"}
_LONG = re.compile("|".join(sorted(LONG_NAMES, key=len, reverse=True)))
_ABBREVIATION = r"[A-ZÄÖÜ][A-Za-zäöü]*[A-ZÄÖÜ][A-Za-z]*"
_LAW = rf"(?:der |des |dem )?(?:(?:DVO|VO|RL|Verordnung|Durchführungsverordnung|Richtlinie) \(EU\) (?P<eu>\d{{4}}/\d+)|(?P<long>{_LONG.pattern})e?s?\b(?: NRW)?|(?P<law>{_ABBREVIATION}(?: NRW| X{{0,3}}I{{1,3}}\b| X\b)?))"
_TOKENS = re.compile(
    rf"\s*(?:(?P<mark>§§?|Art\.|Artikel|Erwägungsgrund)|(?P<paragraph>Abs\.|Absatz)|(?P<below>Satz|S\.|Nr\.|Nummer|Buchst\.)|(?P<following>ff?\.)"
    rf"|(?P<to>bis|[–-])(?=\s*\d)|(?P<join>,|;|und\b|oder\b|sowie\b|in Verbindung mit|i\. ?V\. ?m\.|besonders)|(?P<figure>\d+[a-z]?)\b(?!\.\d)|(?P<letter>[a-z]{{1,2}})\b(?!\.)|{_LAW})")
_START = re.compile(r"§§?|\bArt\.(?=\s*\d)|\bArtikel(?=\s+\d)|\bErwägungsgrund(?=\s+\d)")
_ANY_LAW = re.compile(_LAW)
_EU = re.compile(r"\(EU\) (\d{4}/\d+)")
_COURT = re.compile(r"\bC-\d+/\d{2}\b|\b[IVX]+ ZR \d+/\d{2}\b|\b\d+ [OUSC] \d+/\d{2}\b")
_CLAUSE = re.compile(r"\b(dl-de/by-2-0|ODbL 1\.0|CC BY(?:-SA)? 4\.0),? (?:Abs\.|Nr\.|Abschnitt) ((?:\d+(?:\.\w+)?(?:,? und |, )?)+)")


def _law_name(found: re.Match) -> str:
    if found["eu"]:
        return f"(EU) {found['eu']}"
    name = found["long"] or found["law"]
    return LONG_NAMES.get(name, name)


def _expression(text: str, start: int) -> tuple[list[tuple[str, str]], str | None, int]:
    """Read one chain of paragraphs from `start`; return (number, part) pairs, the law if one follows, and the end."""
    pairs: list[tuple[str, str]] = []
    level, number, part, mark, span = "", "", "", "§", False

    def close() -> None:
        if number:
            pairs.append((number, part))

    position = start
    while found := _TOKENS.match(text, position):
        if found["mark"]:
            close()
            level, number, part, mark, span = "number", "", "", found["mark"], False
        elif found["paragraph"]:
            level, span = "part", False
        elif found["below"]:
            level, span = ("own" if not part and found["below"] in ("Nr.", "Nummer") else "below"), False
        elif found["to"]:
            span = True
        elif found["figure"]:
            figure = found["figure"]
            if span and level in ("number", "part"):
                last = number if level == "number" else part.removeprefix("Abs. ")
                for between in _between(last, figure):
                    close()
                    number, part = (between, "") if level == "number" else (number, f"Abs. {between}")
            elif level == "number":
                close()
                number, part = ("ErwG " if mark == "Erwägungsgrund" else "") + figure, ""
            elif level in ("part", "own"):
                if part and not (level == "own" and part.startswith("Abs.")):
                    close()
                part = f"{'Abs.' if level == 'part' else 'Nr.'} {figure}"
            span = False
        elif found["letter"] and level not in ("below", "own"):
            break
        elif found["eu"] or found["long"] or found["law"]:
            close()
            return pairs, _law_name(found), found.end()
        position = found.end()
    close()
    return pairs, None, position


def _between(first: str, last: str) -> Iterator[str]:
    """Yield what comes after `first` up to `last`: 87a … 87e, 16 … 18."""
    a, b = re.fullmatch(r"(\d+)([a-z]?)", first), re.fullmatch(r"(\d+)([a-z]?)", last)
    if a[1] == b[1] and a[2]:
        yield from (f"{a[1]}{chr(code)}" for code in range(ord(a[2]) + 1, ord(b[2]) + 1))
    else:
        yield from (str(value) for value in range(int(a[1]) + 1, int(b[1]) + 1))


def norms(text: str) -> list[Norm]:
    """Return every norm, EU act, decision and clause of a licence that a text names.

    A paragraph without a law („§ 3 und § 5 der Verordnung“) belongs to the law named before in the same block of text,
    else to the next one; with none in the block its law is NO_LAW.
    """
    found: list[Norm] = []
    text = re.sub(r"[*_`]|&nbsp;", "", text).replace("\u00a0", " ")
    for block in re.split(r"\n\s*\n", text):
        block = re.sub(r"\s+", " ", block)
        found += [Norm(f"(EU) {number}") for number in _EU.findall(block)]
        found += [Norm(decision) for decision in _COURT.findall(block)]
        for law, figures in _CLAUSE.findall(block):
            found += [Norm(law, figure) for figure in re.findall(r"\d+(?:\.\w+)?", figures)]
        position = 0
        while start := _START.search(block, position):
            pairs, law, position = _expression(block, start.start())
            position = max(position, start.end())
            if law is None:
                before = list(_ANY_LAW.finditer(block, 0, start.start()))
                law = next((_law_name(m) for m in [*reversed(before), *_ANY_LAW.finditer(block, position)] if _is_law(_law_name(m))), NO_LAW)
            found += [Norm(law, number, part) for number, part in pairs]
    return list(dict.fromkeys(found))


def _is_law(name: str) -> bool:
    """Tell a law from another word with two capitals, such as GeoJSON or NRW."""
    return name.startswith("(EU)") or (bool(re.fullmatch(r"(?:DNG|UrhG|DSGVO|BGB|GG|AO|\w*(?:G|VO|V|Kat)(?: NRW)?|SGB \w+)", name)) and name not in ("SVG", "PNG", "CSV"))


def uncovered(mentions: list[Norm], listed: set[Norm]) -> list[Norm]:
    """Return the mentions that have no entry: an Absatz needs its own, a whole paragraph any entry about it."""
    known = listed | {Norm(n.law, n.number) for n in listed} | {Norm(n.law) for n in listed}
    return [n for n in mentions if n not in known]
