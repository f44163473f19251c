"""Each term stands once, with definition, everyday comparison and use; links from the lessons find it."""

import re

import notebook_rules as rules
from places import ROOT, notebooks

GLOSSARY = ROOT / "docs" / "glossar.md"
LINES = ("Definition:", "Wie im Alltag:", "Wichtig, wenn:")


def entries(text: str) -> list[tuple[str, str]]:
    """Return (term, body) of a glossary text."""
    parts = re.split(r"^### (.+)$", text, flags=re.M)[1:]
    return list(zip(parts[::2], parts[1::2], strict=True))


def anchor(term: str) -> str:
    """Return the anchor that Markdown makes of a heading."""
    return re.sub(r"[^\w\- ]", "", term.lower()).strip().replace(" ", "-")


def complaints(text: str, links: set[str]) -> list[str]:
    """Return what is wrong with a glossary and the links into it."""
    found = entries(text)
    terms = [term for term, _ in found]
    bad = [f"{term}: twice" for term in set(terms) if terms.count(term) > 1]
    bad += [f"{term}: no line {line}" for term, body in found for line in LINES if line not in body]
    also = re.findall(r"Man sagt auch: ([^.]+)\.", text)
    bad += [f"{term}: an entry, and also another name of one" for term in also if term in terms]
    if terms != sorted(terms, key=lambda t: anchor(t).translate(str.maketrans("äöüß", "aous"))):
        bad.append("not in alphabetical order")
    return bad + [f"link to a term that is not there: {link}" for link in sorted(links - {anchor(t) for t in terms})]


def links_of_lessons() -> set[str]:
    """Return the anchors that notebooks link to."""
    texts = "\n".join(source for path in notebooks("*.ipynb") for _, source in rules.texts(rules.read(path)))
    return set(re.findall(r"\]\(\.\./\.\./docs/glossar\.md#([^)]+)\)", texts))


def test_glossary():
    text = GLOSSARY.read_text(encoding="utf-8")
    assert len(entries(text)) >= 30
    assert complaints(text, links_of_lessons()) == []


def test_lessons_link_to_it():
    assert len(links_of_lessons()) >= 15


def test_planted_faults_are_found():
    good = "### Amt\nDefinition: x\nWie im Alltag: x\nWichtig, wenn: x\n### Bezirk\nDefinition: x\nWie im Alltag: x\nWichtig, wenn: x\n"
    assert complaints(good, {"amt"}) == []
    assert complaints(good.replace("Bezirk", "Amt"), set()) == ["Amt: twice"]
    assert complaints(good.replace("Wie im Alltag: x\n", "", 1), set()) == ["Amt: no line Wie im Alltag:"]
    assert complaints(good.replace("Definition: x", "Definition: x Man sagt auch: Bezirk.", 1), set()) == ["Bezirk: an entry, and also another name of one"]
    assert complaints(good, {"lizenz"}) == ["link to a term that is not there: lizenz"]
    assert complaints(good.replace("### Amt", "### Zoo"), set()) == ["not in alphabetical order"]
