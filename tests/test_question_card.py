"""The question card: choices, checks, one safe file in the workspace, the form's kernel side."""

import german
import pytest

from opendata_kurs import introday, question_card
from opendata_kurs.maps import MapError
from opendata_kurs.question_card import CardError, card_path, content, read, render, save
from opendata_kurs.question_card_widget import QuestionCardWidget

GOOD = ("Gartenamt", "Was steht in unserem Baumkataster außer Baumart und Standort?")


def test_every_department_offers_questions_a_card_can_hold():
    departments = content()["departments"]
    assert len(departments) > 8 and departments[-1]["name"] == content()["other"]
    for department in departments:
        assert 4 <= len(department["questions"]) == len(set(department["questions"])) <= 7
        for question in department["questions"]:
            assert question.endswith("?") and question == question_card.clean(question)
            name = "Zoo" if department["name"] == content()["other"] else department["name"]
            assert question_card.problems(name, question) == {}


@pytest.mark.skipif(not german.DICTIONARY.with_suffix(".dic").exists(), reason="German dictionary missing")
def test_spelling_of_the_choices():
    texts = [text for d in content()["departments"] for text in (d["name"], *d["questions"])]
    assert german.misspelled(" ".join(texts)) == []


def test_the_card_stands_alone_and_says_no_name(tmp_path):
    path = save(*GOOD, tmp_path)
    page = path.read_text(encoding="utf-8")
    assert path == tmp_path / "meine_fragekarte.html" and [p.name for p in tmp_path.iterdir()] == [path.name]
    assert 'lang="de"' in page and GOOD[1] in page and "@page" in page
    assert "http" not in page and "<script" not in page and "src=" not in page
    assert read(tmp_path) == GOOD


def test_the_same_card_gives_the_same_bytes(tmp_path):
    first = save(*GOOD, tmp_path).read_bytes()
    assert save(*GOOD, tmp_path).read_bytes() == first


def test_text_cannot_become_markup_and_comes_back(tmp_path):
    odd = ("Amt <b>66</b> & Co", 'Was heißt "Layer" <script>?')
    page = save(*odd, tmp_path).read_text(encoding="utf-8")
    assert "<script" not in page and "<b>" not in page and read(tmp_path) == odd


@pytest.mark.parametrize(("department", "question", "fields"), [
    ("", GOOD[1], {"amt"}), (content()["other"], GOOD[1], {"amt"}), ("Gartenamt", " \n ", {"frage"}), ("", "", {"amt", "frage"}),
    ("Gartenamt", "Was macht Frau Brandt mit den Listen?", {"frage"}), ("Herr Meier", GOOD[1], {"amt"}),
    ("Gartenamt", "Wer liest anna.muster@stadt.example?", {"frage"}),
])
def test_what_is_missing_is_said_and_nothing_saved(tmp_path, department, question, fields):
    with pytest.raises(CardError) as error:
        save(department, question, tmp_path)
    assert set(error.value.fields) == fields and not list(tmp_path.iterdir())


def test_long_and_odd_texts_are_cut():
    page = render("Amt" * 200, "x" * 900 + "\ud800?")
    assert "x" * 200 in page and "x" * 201 not in page


def test_another_file_of_this_name_stays(tmp_path):
    card_path(tmp_path).write_text("<p>meins</p>", encoding="utf-8")
    with pytest.raises(CardError, match="andere Datei"):
        save(*GOOD, tmp_path)
    assert card_path(tmp_path).read_text(encoding="utf-8") == "<p>meins</p>"


def test_a_folder_that_is_gone_is_told_in_german(tmp_path):
    with pytest.raises(CardError, match="konnte nicht gespeichert werden"):
        save(*GOOD, tmp_path / "weg")


def test_the_workspace_is_found_from_a_chapter(tmp_path, monkeypatch):
    (tmp_path / ".open-data-kurs").mkdir()
    (tmp_path / "01_was_ist_open_data").mkdir()
    monkeypatch.chdir(tmp_path / "01_was_ist_open_data")
    assert save(*GOOD).resolve() == (tmp_path / "meine_fragekarte.html").resolve()


def _send(widget, **message):
    widget._receive(None, {"type": "save", **message}, None)
    return widget.state


def test_form_saves_and_comes_back(tmp_path):
    widget = QuestionCardWidget(tmp_path)
    assert widget.state["status"] == "" and widget.state["page"] == ""
    state = _send(widget, amt=GOOD[0], frage=GOOD[1], number=1)
    assert widget.seen == 1 and state["status"] == "Gespeichert: meine_fragekarte.html" and not state["failed"]
    assert state["page"] == card_path(tmp_path).read_text(encoding="utf-8"), "what is downloaded is what was saved"
    again = QuestionCardWidget(tmp_path).state
    assert (again["amt"], again["frage"]) == GOOD and "wieder da" in again["status"]


def test_form_says_what_is_missing(tmp_path):
    widget = QuestionCardWidget(tmp_path)
    state = _send(widget, amt="", frage=GOOD[1], number=1)
    assert set(state["errors"]) == {"amt"} and state["failed"] and state["page"] == "" and not list(tmp_path.iterdir())


def test_without_a_place_to_save_the_card_can_still_be_downloaded(tmp_path):
    widget = QuestionCardWidget(tmp_path)
    card_path(tmp_path).write_text("meins", encoding="utf-8")
    state = _send(widget, amt=GOOD[0], frage=GOOD[1], number=1)
    assert state["failed"] and "andere Datei" in state["status"] and GOOD[1] in state["page"]


def test_a_card_changed_by_hand_does_not_stop_the_form(tmp_path):
    save(*GOOD, tmp_path)
    path = card_path(tmp_path)
    path.write_text(path.read_text(encoding="utf-8").replace("Gartenamt", "Herr Meier"), encoding="utf-8")
    assert QuestionCardWidget(tmp_path).state["status"] == ""


@pytest.mark.parametrize("message", [None, {}, {"type": "save"}, {"type": "x", "number": 1}, {"type": "save", "number": "1"}])
def test_nonsense_changes_nothing(tmp_path, message):
    widget = QuestionCardWidget(tmp_path)
    widget._receive(None, message, None)
    assert not list(tmp_path.iterdir()) and widget.seen == 0


def test_pages_without_kernel_show_the_questions(tmp_path, monkeypatch):
    bundle = QuestionCardWidget(tmp_path)._repr_mimebundle_()
    html = (bundle if isinstance(bundle, dict) else bundle[0])["text/html"]
    assert GOOD[1] in html and "<script" not in html
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    assert GOOD[1] in question_card.fragekarte(tmp_path)._repr_mimebundle_()["text/html"]


def test_the_ready_maps_hold_what_the_questions_ask():
    stations = introday.tageskarte("bahnhöfe").html()
    assert "25 Bahnhöfe" in stations and stations.count("Düsseldorf-Eller") >= 3
    election = introday.tageskarte("wahl")
    assert "Himmelgeist mit 71,8" in election.description and "Keine Angabe für 1: Hafen" in election.description
    with pytest.raises(MapError, match="Es gibt: bahnhöfe, wahl"):
        introday.tageskarte("parken")
