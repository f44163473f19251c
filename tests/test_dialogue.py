"""Branching conversations: every way ends, every kind of end can be reached, the HTML needs no script."""

import pytest
from places import CHAPTERS, ROOT

from opendata_kurs import dialogue

FILES = [p for chapter in CHAPTERS for p in sorted(chapter.glob("gespraeche/*.yml"))]


def _ends(talk, id_=None, depth=0):
    step = talk["schritte"][id_ or talk["start"]]
    if "ende" in step:
        yield step["art"], depth
    for answer in step.get("antworten", []):
        yield from _ends(talk, answer["dann"], depth + 1)


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_conversation_has_all_kinds_of_ends(path):
    ends = list(_ends(dialogue.load(path)))
    assert {kind for kind, _ in ends} >= {"zusage", "nein-mit-grund", "abbruch"}
    assert 2 <= min(depth for _, depth in ends) and max(depth for _, depth in ends) <= 8


def test_the_department_head_can_be_won():
    talk = dialogue.gespraech("gartenamt")
    html = talk._repr_mimebundle_()["text/html"]
    assert "Ein Nein aus gutem Grund ist ein gültiges Ergebnis" in html and "<script" not in html
    assert html.count("<details>") == html.count("</details>") > 10


@pytest.mark.parametrize(("name", "words"), [("circle", "im Kreis: a → b → a"), ("missing_step", "Der Schritt „b“ fehlt"), ("unreachable", "erreicht niemand: b")])
def test_a_broken_conversation_is_explained(name, words):
    with pytest.raises(dialogue.DialogueError, match=words):
        dialogue.load(ROOT / "tests" / "fixtures" / "gespraeche" / f"{name}.yml")


def test_an_unknown_name_lists_what_there_is():
    with pytest.raises(dialogue.DialogueError, match="Vorhanden sind: gartenamt"):
        dialogue.gespraech("bauamt")
