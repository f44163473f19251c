"""The parts of the query language that need no CKAN."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from opendata_portal.query import Document, Query, date_value
from opendata_portal.text import stem, tokens

NOW = datetime(2026, 3, 31, 14, 30, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("words", "same"),
    [
        (("Baum", "Bäume", "Baeume", "BÄUMEN", "baums"), True),
        (("Straße", "Strasse", "Straßen"), True),
        (("Platz", "Plätze"), True),
        (("Amt", "Ämter"), False),  # stems of fewer than four letters are left alone
        (("Haus", "Maus"), False),
    ],
)
def test_stem(words, same):
    assert (len({stem(word) for word in words}) == 1) is same


def test_tokens_split_at_punctuation():
    assert tokens("Kfz-Zulassung 2024, Stadt_Teil") == ["kfz", "zulassung", "2024", "stadt", "teil"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("NOW", NOW),
        ("NOW/DAY", datetime(2026, 3, 31, tzinfo=UTC)),
        ("NOW/YEAR", datetime(2026, 1, 1, tzinfo=UTC)),
        ("NOW-1MONTH", NOW.replace(month=2, day=28)),
        ("NOW-2YEARS/MONTH", datetime(2024, 3, 1, tzinfo=UTC)),
        ("NOW-7DAYS", NOW.replace(day=24)),
        ("2026-01-31T12:00:00Z", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ("2026-01-31T12:00:00Z+1DAY", datetime(2026, 2, 1, 12, tzinfo=UTC)),
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
    ],
)
def test_date_value(text, expected):
    assert date_value(text, NOW) == expected


@pytest.mark.parametrize("text", ["31.01.2026", "NOW-1QUATSCH", "gestern", ""])
def test_no_date(text):
    with pytest.raises(ValueError, match=r".*"):
        date_value(text, NOW)


def test_default_operator():
    document = Document({"title": "Rot", "tags": ["blau"]})
    assert Query("title:rot title:blau", default_and=False).matches(document)
    assert not Query("title:rot title:blau", default_and=True).matches(document)
    assert Query('+tags:blau +(title:"x" OR title:"rot")', default_and=False).matches(document)
    assert not Query("-tags:blau", default_and=False).matches(document)


def test_minimum_match():
    document = Document({"notes": "eins zwei drei vier fünf sechs sieben acht"})
    assert Query("eins zwei", dismax=True).matches(document)
    assert not Query("eins fehlt", dismax=True).matches(document)
    assert Query("eins zwei drei vier fehlt", dismax=True).matches(document)
    assert Query("eins zwei drei vier fünf sechs sieben fehlt x y", dismax=True).matches(document) is False
    assert Query("eins zwei drei vier fünf sechs sieben acht x y", dismax=True).matches(document)
