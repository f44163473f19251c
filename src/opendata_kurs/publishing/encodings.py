"""Find out how the bytes of a file were meant.

`charset-normalizer` takes German ISO-8859-1 for cp1250 (`km²` becomes `km˛`). German municipal files come in a
handful of encodings, so we score how German each reading looks, which is both faster and right.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

_BOMS = (
    (codecs.BOM_UTF8, "utf-8", "UTF-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32-be", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16-le", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16-be", "UTF-16"),
)
# in order of preference when two readings are equally German
_CANDIDATES = {"iso-8859-1": "ISO-8859-1", "cp1252": "Windows-1252", "iso-8859-15": "ISO-8859-15",
               "cp850": "DOS (cp850)", "mac_roman": "Mac Roman"}
_GERMAN = set("äöüÄÖÜßéèáàêôñçØøåæ²³°§€–—„“”‚‘’…·×½¼µ«»´\u00a0")
_MOJIBAKE = re.compile(r"(?:Ã[¤¶¼\u009f„–œŸ©¨]|Â[²³°§]|â‚¬|â€[“žœ\u009d]|\ufffd)")
_BINARY = {b"%PDF": "Das ist eine PDF-Datei. Sie enthält keine maschinenlesbare Tabelle.",
           b"\xd0\xcf\x11\xe0": "Das ist eine alte Excel-Datei (.xls). Speichern Sie sie als .xlsx oder CSV.",
           b"\x89PNG": "Das ist ein Bild.", b"\xff\xd8\xff": "Das ist ein Bild.",
           b"SQLite format 3": "Das ist eine Datenbankdatei."}


@dataclass(frozen=True)
class Decoded:
    """Text of a file and how it was found."""

    text: str
    encoding: str
    label: str
    bom: bool = False


def binary_kind(raw: bytes) -> str | None:
    """Return a German sentence when the bytes are no text at all."""
    for mark, sentence in _BINARY.items():
        if raw.startswith(mark):
            return sentence
    return None


def decode(raw: bytes) -> Decoded:
    """Decode the bytes of a text file; never fails.

    UTF-8, UTF-16 and UTF-32 are recognised by their marks or zero bytes, the rest by how German it looks.
    """
    for mark, encoding, label in _BOMS:
        if raw.startswith(mark):
            return Decoded(raw[len(mark):].decode(encoding, errors="replace"), encoding, label, bom=True)
    head = raw[:4000]
    if head.count(0) > len(head) // 5:
        encoding = "utf-16-le" if head[1::2].count(0) > head[0::2].count(0) else "utf-16-be"
        return Decoded(raw.decode(encoding, errors="replace"), encoding, "UTF-16")
    try:
        return Decoded(raw.decode("utf-8"), "utf-8", "UTF-8")
    except UnicodeDecodeError:
        pass
    high = bytes(b for b in raw if b > 0x7F)[:20_000]
    # the neighbours decide between cp850 and Latin-1 far better than the bytes alone: letters stand in words
    best = max(_CANDIDATES, key=lambda e: (_score(high, e), -list(_CANDIDATES).index(e)))
    return Decoded(raw.decode(best, errors="replace"), best, _CANDIDATES[best])


def _score(high: bytes, encoding: str) -> float:
    text = high.decode(encoding, errors="replace")
    good = sum(c in _GERMAN for c in text)
    odd = sum(c == "\ufffd" or "\x80" <= c <= "\x9f" for c in text)
    umlauts = sum(c in "äöüßÄÖÜ" for c in text)
    return good + umlauts - 3 * odd


def broken_umlaut(text: str) -> str | None:
    """Return the first word whose umlauts were destroyed by a wrong conversion."""
    hit = _MOJIBAKE.search(text)
    if not hit:
        return None
    before, after = text[max(0, hit.start() - 15):hit.start()], text[hit.start():hit.start() + 15]
    return re.split(r"[\s,;|\"]", before)[-1] + re.split(r"[\s,;|\"]", after)[0]
