"""German spelling, tested with a dictionary and the project's own word lists."""

import german
import pytest

pytestmark = pytest.mark.skipif(not german.DICTIONARY.with_suffix(".dic").exists(),
                                reason="German dictionary missing: install hunspell-de-de; spelling was NOT tested")

TEXTS = dict(german.learner_texts())


def test_there_is_something_to_read():
    assert sum(map(len, TEXTS.values())) > 5_000


@pytest.mark.parametrize("file", sorted({place.partition("#")[0] for place in TEXTS}))
def test_spelling(file):
    wrong = {place: words for place, text in TEXTS.items() if place.partition("#")[0] == file if (words := german.misspelled(text))}
    assert wrong == {}, "correct them, or add real terms to tests/woerter/"


@pytest.mark.parametrize("word", ["Lizens", "Stadteil", "Verwaltug", "veröfentlichen", "Namensnenung", "Koordinaaten", "Kommunne"])
def test_planted_errors_are_found(word):
    assert german.misspelled(f"Hier steht {word} im Text.") == [word]


def test_code_and_addresses_are_left_out():
    assert german.misspelled("Mit `lod_datset` und https://exmaple.org/xyzzy und [Link](dattei_xyz.md).") == []
