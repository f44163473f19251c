"""German text as search terms: umlauts folded, plural endings cut, both in the index and in the query."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_WORD = re.compile(r"\w+")
_FOLD = str.maketrans({"ä": "a", "ö": "o", "ü": "u", "ß": "ss"})
_SUFFIX = re.compile(r"(ern|em|er|en|es|e|s|n)$")


def fold(text: str) -> str:
    """Return `text` in lower case without umlauts and accents; "ae", "oe", "ue" count as umlauts."""
    text = text.lower().translate(_FOLD)
    text = "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
    return text.replace("ae", "a").replace("oe", "o").replace("ue", "u")


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """Return a word's stem, roughly: "Bäume", "Baeume" and "Baums" all give "baum"."""
    word = fold(word)
    short = _SUFFIX.sub("", word)
    return short if len(short) >= 4 else word


def tokens(text: str) -> list[str]:
    """Return the stems of all words in `text`, in order."""
    return [stem(word) for word in _WORD.findall(text.replace("_", " "))]
