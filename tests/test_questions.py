"""Questions: model, number reading, scoring, storage and what notebooks call."""

import copy
import html
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opendata_kurs import paths
from opendata_kurs.questions import (
    antwort,
    display,
    grade_quiz,
    model,
    open_questions,
    quiz,
    scoring,
    static,
    storage,
)
from opendata_kurs.questions.numbers import format_number, format_points, read_number
from opendata_kurs.questions.widget import QuizWidget

FIXTURES = Path(__file__).parent / "fixtures" / "fragen"
GOOD = FIXTURES / "gut"


@pytest.fixture
def full() -> dict:
    return model.load(GOOD / "probe.yml")


@pytest.fixture
def workspace(tmp_path, monkeypatch, full) -> Path:
    """A learner's folder with the released public files, as current folder."""
    for name in ("probe", "probe-test", "selbsttest"):
        content = model.public_file(model.load(GOOD / f"{name}.yml"))
        (tmp_path / model.public_file_name(name)).write_bytes(content)
    monkeypatch.chdir(tmp_path)
    for variable in ("NBGRADER_EXECUTION", "OPENDATA_KURS_LESEFASSUNG"):
        monkeypatch.delenv(variable, raising=False)
    return tmp_path


def by_text(question: dict, *texts: str) -> list[str]:
    """Ids of options (or right sides) by the start of their text."""
    items = question.get("optionen") or question.get("rechts")
    return [next(item["id"] for item in items if item["text"].startswith(text)) for text in texts]


def pairs(question: dict, **targets: str) -> dict[str, str]:
    lefts = {left["text"].replace("-", "_").replace(".", "_"): left["id"] for left in question["links"]}
    return {lefts[term]: by_text(question, text)[0] for term, text in targets.items()}


def perfect(full: dict) -> dict:
    one, two, three, four, five, _ = full["fragen"]
    right = by_text(two, "CSV", "GeoJSON", "JSON")
    return {
        one["id"]: by_text(one, "Datenlizenz Deutschland – Namens")[0],
        two["id"]: [option["id"] for option in two["optionen"] if option["id"] in right],
        three["id"]: pairs(three, CSV="Tabelle", GeoJSON="Punkte", DCAT_AP_de="Regeln"),
        four["id"]: "12,5",
        five["id"]: by_text(five, "Ja")[0],
    }


# --- model ------------------------------------------------------------------------------------------------

FAULTS = {
    "anfuehrungszeichen-offen": "anfuehrungszeichen-offen.yml, Zeile 6: Ein Anführungszeichen ist nicht geschlossen",
    "angabe-doppelt": "Zeile 6: Diese Angabe steht zweimal hintereinander: art",
    "angabe-falsche-art": "Frage 1 (eins): Die Angabe „toleranz:“ gibt es hier nicht",
    "angabe-vertippt": "Frage 1 (eins): Die Angabe „fragee:“ gibt es hier nicht. Meinten Sie „frage:“?",
    "art-unbekannt": "Zeile 4, Frage 1 (eins): „art: auswahl“ gibt es nicht. Erlaubt sind: einfach,",
    "benotet-unklar": "benotet-unklar.yml, Zeile 3: „benotet:“ muss ja oder nein sein",
    "doppelpunkt-im-text": "Zeile 6: Hier steht ein Doppelpunkt mitten im Text",
    "einfach-zwei-richtig": "Frage 1 (eins): Bei „einfach“ muss genau eine Option richtig sein. Hier sind es 2",
    "einrueckung-falsch": "Zeile 5: Die Einrückung stimmt nicht",
    "frage-kein-text": "Frage 1: Eine Frage beginnt mit „- id:“",
    "frage-leer": "Frage 1 (eins): „frage:“ fehlt oder ist leer",
    "fragen-fehlen": "fragen-fehlen.yml: Es fehlt die Liste „fragen:“",
    "freitext-kriterium-null": "Zeile 8, Frage 1 (text), Kriterium 1: „punkte:“ muss größer als 0 sein",
    "freitext-ohne-kriterien": "Frage 1 (text): Ein Freitext braucht „kriterien:“",
    "freitext-punkte-falsch": "„punkte:“ passt nicht zur Summe der Kriterien (2)",
    "id-doppelt": "Zeile 12, Frage 2 (eins): Die „id: eins“ gibt es schon",
    "id-fehlt": "Zeile 4, Frage 1: „id:“ fehlt",
    "id-ungueltig": "Frage 1 (Frage Eins): „id:“ darf nur kleine Buchstaben",
    "klammer-am-anfang": "Zeile 9: Hier oder kurz davor beginnt ein Text mit einer Klammer. Setzen Sie",
    "leerzeichen-fehlt": "Zeile 6: Hier oder in der Zeile davor fehlt ein Doppelpunkt oder das Leerzeichen dahinter",
    "sonderzeichen-am-anfang": "Zeile 8: Hier beginnt ein Text mit einem Sonderzeichen. Setzen Sie",
    "keine-angaben": "keine-angaben.yml: Die Datei braucht am Anfang „quiz:“",
    "mehrfach-alles-richtig": "mindestens eine Option richtig und mindestens eine falsch",
    "mehrfach-nichts-richtig": "mindestens eine Option richtig und mindestens eine falsch",
    "modus-unbekannt": "modus-unbekannt.yml, Zeile 3: „modus: pruefung“ gibt es nicht. Erlaubt sind ueben und test",
    "name-fehlt": "name-fehlt.yml: „quiz:“ fehlt",
    "name-passt-nicht": "Zeile 1: „quiz: anderer-name“ passt nicht zum Dateinamen",
    "name-ungueltig": "Zeile 1: „quiz:“ darf nur kleine Buchstaben",
    "nicht-utf8": "nicht in UTF-8 gespeichert",
    "option-allein": "„optionen:“ braucht 2 bis 26 Einträge. Hier sind es 1",
    "option-doppelt": "Zeile 10, Frage 1 (eins), Option 2: Den Text „Dies“ gibt es",
    "option-ohne-weil": "Zeile 10, Frage 1 (eins), Option 2: „weil:“ fehlt",
    "option-ohne-wertung": "Option 2: Jede Option beginnt mit „- richtig:“ oder mit „- falsch:“",
    "optionen-keine-liste": "„optionen:“ muss eine Liste sein",
    "paar-ablenker-gleich": "Ablenker: „Karte“ steht schon bei den Paaren",
    "paar-alle-gleich": "Zur Auswahl stehen 1 Beschreibungen",
    "paar-allein": "„paare:“ braucht mindestens zwei Zeilen",
    "punkte-keine-zahl": "„punkte: viele“ ist keine Zahl",
    "punkte-negativ": "„punkte:“ darf nicht negativ sein",
    "streitig-ohne-erklaerung": "Eine streitige Frage braucht eine „erklaerung:“",
    "tabulator": "Zeile 5: Hier steht ein Tabulator",
    "titel-fehlt": "„titel:“ fehlt",
    "zahl-fehler-ist-richtig": "Häufiger Fehler 1: Dieser Wert liegt innerhalb der Toleranz",
    "zahl-fehler-ohne-weil": "Häufiger Fehler 1: „weil:“ fehlt",
    "zahl-fehlt": "Frage 1 (zahl): „antwort:“ fehlt",
    "zahl-mehrdeutig": "„antwort: 1,234.5“ ist keine Zahl. Diese Zahl ist nicht eindeutig",
    "zahl-toleranz-negativ": "„toleranz:“ darf nicht negativ sein",
}


def test_every_fault_has_a_fixture():
    assert sorted(FAULTS) == sorted(path.stem for path in FIXTURES.glob("*.yml"))


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_named(fault):
    with pytest.raises(model.QuizError) as error:
        model.load(FIXTURES / f"{fault}.yml")
    assert FAULTS[fault] in str(error.value)
    assert str(error.value).startswith(f"{fault}.yml")


def test_missing_file_is_named(tmp_path):
    with pytest.raises(model.QuizError, match=r"gibt-es-nicht\.yml: Diese Fragendatei gibt es nicht"):
        model.load(tmp_path / "gibt-es-nicht.yml")


def test_points_and_manual_questions(full):
    assert model.points(full) == 10.0  # 2 + 3 + 3 + 1 + 1; the free text's 2 points are given by hand
    assert type(model.points(full)) is float
    manual = model.manual_questions(full)
    assert [(q["nr"], q["punkte"], len(q["kriterien"])) for q in manual] == [(6, 2.0, 2)]
    assert static.freetext_prompt(manual[0], 6) == "**Frage 6** (2 Punkte, Freitext): Warum reicht ein PDF nicht?"


def test_self_test_gives_no_points():
    own = model.load(GOOD / "selbsttest.yml")
    assert model.points(own) == 0.0 and model.manual_questions(own) == []
    assert [r.max for r in scoring.score_all(own, perfect(own))] == [0.0] * 6
    assert scoring.score_all(own, perfect(own))[0].level == "right"


def test_numbers_in_yaml_stay_text(tmp_path):
    """Plain YAML would read 1.234 as one point two; learners' input and the key are read by the same rule."""
    (tmp_path / "a.yml").write_text("quiz: a\ntitel: A\nfragen:\n  - id: z\n    art: zahl\n    frage: ?\n    antwort: 1.234\n"
                                    .replace("frage: ?", "frage: Wie viele?"), encoding="utf-8")
    assert model.load(tmp_path / "a.yml")["fragen"][0]["antwort"] == 1234.0


def secrets(full: dict) -> list[str]:
    """Every text that belongs to the key, as JSON writes it."""
    texts = []
    for q in full["fragen"]:
        texts += [q["erklaerung"], q["quelle"], q.get("musterantwort", "")]
        texts += [o["weil"] for part in ("optionen", "links") for o in q.get(part, [])]
        texts += [c["text"] for c in q.get("kriterien", [])] + [m["weil"] for m in q.get("haeufige_fehler", [])]
    return [text for text in texts if text]


def leaks(content: bytes, full: dict) -> list[str]:
    """Key texts or key fields found in a file for learners, packed keys included."""
    text = content.decode()
    found = [secret for secret in secrets(full) if secret in text]
    fields = ("richtig", "falsch", "weil", "ziel", "antwort", "toleranz", "haeufige_fehler", "erklaerung", "kriterien",
              "musterantwort", "schluessel", "quelle")
    return found + [name for name in fields if f'"{name}"' in text]


def test_public_file_of_a_test_holds_no_key():
    full = model.load(GOOD / "probe-test.yml")
    assert len(secrets(full)) > 10
    assert leaks(model.public_file(full), full) == []


@pytest.mark.parametrize("field", ["weil", "ziel", "erklaerung", "kriterien", "schluessel"])
def test_planted_leak_is_found(field):
    full = model.load(GOOD / "probe-test.yml")
    content = json.loads(model.public_file(full))
    content["fragen"]["fragen"][0][field] = "verraten"
    assert leaks(json.dumps(content).encode(), full) == [field]


def test_public_file_in_practice_mode_has_the_key_but_no_graded_rubric(full, workspace):
    public, key = model.read_public_file(workspace / "quiz-probe.json")
    assert public == model.public_part(full)
    assert [r.points for r in scoring.score_all(key, perfect(full))] == [2.0, 3.0, 3.0, 1.0, 1.0, 0.0]
    assert "kriterien" not in key["fragen"][5] and "musterantwort" not in key["fragen"][5]


def test_version_changes_with_the_questions_only(full):
    same, other, key = copy.deepcopy(full), copy.deepcopy(full), copy.deepcopy(full)
    same["titel"], same["fragen"][0]["hinweis"], same["fragen"][0]["punkte"] = "Neu", "Neu", 7.0
    key["fragen"][3]["antwort"] = 99.0
    other["fragen"][0]["frage"] += "?"
    versions = [model.question_version(q) for q in (full, same, key, other)]
    assert versions[0] == versions[1] == versions[2] != versions[3]
    assert model.public_part(full)["fassung"] == versions[0]


def test_pack_and_unpack(full):
    packed = model.pack(full)
    assert model.unpack(packed) == full
    assert model.unpack(f"\n{packed[:40]}\n{packed[40:]}\n") == full
    assert not set(packed) & set("\\\"'") and "Namensnennung" not in packed
    for damaged in (packed[:-9], "", "xyz", packed[::-1]):
        with pytest.raises(model.QuizError, match="Schlüssel zu diesem Quiz ist beschädigt"):
            model.unpack(damaged)


def test_order_is_fixed_and_not_the_author_s(full):
    """Hand-written order: a change of the seed would make letters in released files and in `antwort` disagree."""
    assert [o["text"] for o in full["fragen"][1]["optionen"]] == ["JSON", "GeoJSON", "CSV", "eingescanntes PDF"]
    script = (f"from opendata_kurs.questions import model; q = model.load({str(GOOD / 'probe.yml')!r});"
              "print(model.pack(q)); print(model.public_file(q).decode())")
    outputs = {subprocess.run([sys.executable, "-c", script], env={**os.environ, "PYTHONHASHSEED": seed}, check=True,
                              capture_output=True, text=True).stdout for seed in ("1", "2")}
    assert len(outputs) == 1


def test_mischen_nein_keeps_the_author_s_order(tmp_path):
    text = (GOOD / "probe.yml").read_text(encoding="utf-8").replace("    art: mehrfach\n", "    art: mehrfach\n    mischen: nein\n")
    (tmp_path / "probe.yml").write_text(text, encoding="utf-8")
    assert [o["text"] for o in model.load(tmp_path / "probe.yml")["fragen"][1]["optionen"]] == [
        "CSV", "GeoJSON", "JSON", "eingescanntes PDF"]


# --- numbers ----------------------------------------------------------------------------------------------

NUMBERS = {
    "12,5": 12.5, "12.5": 12.5, "1.234": 1234, "1.234,5": 1234.5, "1 234,5": 1234.5, "1\u202f234": 1234, "1'234": 1234,
    "1.234.567": 1234567, "12,5 %": 12.5, "12,5%": 12.5, "12,5 €": 12.5, "€ 12,5": 12.5, "1.000 Euro": 1000, "7 Prozent": 7,
    "-3": -3, "−3,5": -3.5, "+4": 4, "0,5": 0.5, ",5": 0.5, "0.123": 0.123, "1,234": 1.234, "1234.5": 1234.5, "007": 7,
    " 12,5 ": 12.5, "12480": 12480,
}
REFUSED = {
    "1,234.5": "nicht eindeutig", "1,2,3": "nicht eindeutig", "1.23.4": "nicht eindeutig", "1.2345,6": "nicht eindeutig",
    "1,234,567": "nicht eindeutig", "12 5": "Leerzeichen", "1 2345": "Leerzeichen", "etwa zwölf": "nicht als Zahl lesen",
    "": "nicht als Zahl lesen", "12,": "nicht als Zahl lesen", "1e5": "nicht als Zahl lesen", "nan": "nicht als Zahl lesen",
    "inf": "nicht als Zahl lesen", "0x10": "nicht als Zahl lesen", "½": "nicht als Zahl lesen", "٣": "nicht als Zahl lesen",
    "1_000": "nicht als Zahl lesen", "9" * 65: "zu lang", "--3": "nicht als Zahl lesen",
}


@pytest.mark.parametrize("text", NUMBERS)
def test_number_is_read(text):
    assert read_number(text).value == NUMBERS[text]


@pytest.mark.parametrize("text", REFUSED)
def test_number_is_refused_with_a_hint(text):
    reading = read_number(text)
    assert reading.value is None and REFUSED[text] in reading.hint


@pytest.mark.parametrize("value", [None, True, [], {}, float("nan"), float("inf"), 10**400])
def test_what_is_no_number(value):
    assert read_number(value).value is None


def test_unit_is_dropped():
    assert read_number("12,5 km²", "km²").value == 12.5
    assert read_number("12,5 km²").value is None


def test_numbers_are_written_the_german_way():
    assert [format_number(x) for x in (12.5, 1234, 12480, 1234567.25, -0.0, 0.125)] == [
        "12,5", "1234", "12\u202f480", "1\u202f234\u202f567,25", "0", "0,125"]
    assert [format_points(1), format_points(2.5), format_points(3, dative=True)] == ["1 Punkt", "2,5 Punkte", "3 Punkten"]


# --- scoring: points written by hand ----------------------------------------------------------------------

# question: 0 single (2 points), 1 multiple (3 right, 1 wrong; 3 points), 2 matching (3 pairs; 3 points), 3 number (1 point),
# 4 disputed (1 point)
TABLE = [
    (0, ["Datenlizenz Deutschland – Namens"], 2.0, "right", "„BY“ steht für die Namensnennung."),
    (0, ["CC0"], 0.0, "wrong", "Bei CC0 ist die Quellenangabe freiwillig."),
    (0, [], 0.0, "open", None),
    (1, ["CSV", "GeoJSON", "JSON"], 3.0, "right", "Eine Tabelle als Textdatei."),
    (1, ["CSV"], 1.0, "partly", "Es fehlt noch mindestens eine richtige Antwort."),
    (1, ["CSV", "JSON"], 2.0, "partly", "Es fehlt noch mindestens eine richtige Antwort."),
    (1, ["CSV", "GeoJSON", "JSON", "eingescanntes"], 0.0, "wrong", "Das ist ein Bild. Ein Programm findet darin keine Spalten."),
    (1, ["CSV", "eingescanntes"], 0.0, "wrong", "Das ist ein Bild. Ein Programm findet darin keine Spalten."),
    (1, ["eingescanntes"], 0.0, "wrong", "Das ist ein Bild. Ein Programm findet darin keine Spalten."),
    (1, [], 0.0, "open", None),
    (2, dict(CSV="Tabelle", GeoJSON="Punkte", DCAT_AP_de="Regeln"), 3.0, "right", None),
    (2, dict(CSV="Tabelle", GeoJSON="Punkte"), 2.0, "partly", "Es fehlt noch mindestens eine Zuordnung."),
    (2, dict(CSV="Tabelle", GeoJSON="Tabelle", DCAT_AP_de="Tabelle"), 1.0, "partly",
     "DCAT-AP.de beschreibt Daten. Es enthält keine Daten."),
    (2, dict(CSV="Programm", GeoJSON="Tabelle", DCAT_AP_de="Punkte"), 0.0, "wrong",
     "DCAT-AP.de beschreibt Daten. Es enthält keine Daten."),
    (2, {}, 0.0, "open", None),
    (3, "12,5", 1.0, "right", "12 480 geteilt durch 1 000 ist 12,48, gerundet 12,5."),
    (3, "12.5", 1.0, "right", None),
    (3, "12,48", 1.0, "right", None),
    (3, "12,5 Tausend", 1.0, "right", None),
    (3, "12,47", 0.0, "wrong", None),
    (3, "125", 0.0, "wrong", None),
    (3, "12.480", 0.0, "wrong", "Das ist die Zahl selbst. Gefragt ist die Angabe in Tausend."),
    (3, "1,234.5", 0.0, "wrong", "Diese Zahl ist nicht eindeutig."),
    (3, "viele", 0.0, "wrong", "Das ließ sich nicht als Zahl lesen."),
    (3, "  ", 0.0, "open", None),
    (4, ["Ja"], 1.0, "disputed", "Dazu gibt es verschiedene Auffassungen."),
    (4, ["Nein"], 1.0, "disputed", "Dazu gibt es verschiedene Auffassungen."),
    (4, [], 0.0, "open", None),
]


@pytest.mark.parametrize(("index", "chosen", "points", "level", "says"), TABLE)
def test_scoring_table(full, index, chosen, points, level, says):
    question = full["fragen"][index]
    if question["art"] == "zuordnung":
        answer = pairs(question, **chosen)
    elif question["art"] == "zahl":
        answer = chosen
    else:
        ids = by_text(question, *chosen)
        answer = ids if question["art"] == "mehrfach" else (ids or [None])[0]
    result = scoring.score_all(full, {question["id"]: answer})[index]
    assert (result.points, result.level) == (points, level)
    if says:
        assert any(says in line.text for line in result.lines)


def test_perfect_and_empty(full):
    assert scoring.total(full, scoring.score_all(full, perfect(full))) == 10.0
    assert scoring.total(full, scoring.score_all(full, {})) == 0.0
    assert scoring.open_numbers(full, {}) == [1, 2, 3, 4, 5]
    assert scoring.open_numbers(full, perfect(full)) == []
    assert scoring.open_numbers(full, {**perfect(full), "einwohner": "viele"}) == [4]


def test_public_part_is_enough_for_open_questions(full):
    assert scoring.open_numbers(model.public_part(full), perfect(full)) == []


def test_explanations_do_not_give_the_answer_away_before_it_is_right(full):
    result = scoring.score_all(full, {"einwohner": "13"})[3]
    assert result.lines == []


_IDS = [q["id"] for q in model.load(GOOD / "probe.yml")["fragen"]]
_OPTION_IDS = [item["id"] for q in model.load(GOOD / "probe.yml")["fragen"] for part in ("optionen", "links", "rechts")
               for item in q.get(part, [])]
_leaf = (st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=80) | st.sampled_from(_OPTION_IDS)
         | st.sampled_from(["12,5", "NaN", "1e999", "9" * 5000, "-0", "\x00", "\ud800"]))
_junk = st.recursive(_leaf, lambda inner: st.lists(inner, max_size=6) | st.dictionaries(
    st.text(max_size=8) | st.sampled_from(_IDS + _OPTION_IDS), inner, max_size=6), max_leaves=20)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(_IDS) | st.text(max_size=8), _junk, max_size=8) | _junk)
def test_hostile_answers_never_raise(answers):
    for name in ("probe", "selbsttest"):
        full = model.load(GOOD / f"{name}.yml")
        results = scoring.score_all(full, answers)
        total = scoring.total(full, results)
        assert type(total) is float and 0.0 <= total <= model.points(full)
        assert all(type(r.points) is float and 0.0 <= r.points <= r.max for r in results)
        json.dumps(scoring.clean_answers(full, answers), allow_nan=False)
        static.evaluation(full, answers if isinstance(answers, dict) else {}, results)
        scoring.open_numbers(full, answers)


def test_huge_and_deep_answers(full):
    deep: list = []
    for _ in range(5000):
        deep = [deep]
    for answer in (["x"] * 10**6, deep, "9" * 10**6, {str(i): i for i in range(10**5)}, 10**5000, object()):
        results = scoring.score_all(full, {own_id: answer for own_id in _IDS})
        assert scoring.total(full, results) == 0.0
    assert len(scoring.clean_answer(full["fragen"][5], "a" * 10**6)) == scoring.MAX_TEXT


# --- storage ----------------------------------------------------------------------------------------------


def test_answers_file_holds_answers_and_nothing_about_the_person(tmp_path):
    content = json.loads(storage.write("probe", {"a": "b"}, "1234", tmp_path).read_text(encoding="utf-8"))
    assert sorted(content) == ["antworten", "fassung", "format", "hinweis", "quiz"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["antworten-probe.json"]
    assert storage.read("probe", tmp_path) == storage.Stored("ok", {"a": "b"}, "1234")


DAMAGE = {
    "half_written": lambda good: good[: len(good) // 2],
    "empty": lambda good: b"",
    "binary": lambda good: bytes(range(256)),
    "not_utf8": lambda good: good.replace(b"Abgabe", "Übung".encode("latin-1")),
    "a_list": lambda good: b"[1, 2]",
    "other_quiz": lambda good: good.replace(b'"probe"', b'"andere"'),
    "other_format": lambda good: good.replace(b"antworten/1", b"antworten/9"),
    "answers_are_a_list": lambda good: re.sub(rb'"antworten": \{[^}]*\}', b'"antworten": []', good),
    "too_large": lambda good: good + b" " * storage.MAX_BYTES,
    "deeply_nested": lambda good: b"[" * 100_000,
    "huge_number": lambda good: b"1" * 10_000,
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_file_is_kept_aside(tmp_path, damage):
    good = storage.to_bytes("probe", {"a": "b"}, "1234")
    path = tmp_path / "antworten-probe.json"
    path.write_bytes(bad := DAMAGE[damage](good))
    assert storage.read("probe", tmp_path).state == "damaged"
    storage.write("probe", {"a": "c"}, "1234", tmp_path)
    assert storage.read("probe", tmp_path).answers == {"a": "c"}
    assert (tmp_path / "antworten-probe.beschaedigt-1.json").read_bytes() == bad


def test_a_folder_or_dangling_link_in_its_place(tmp_path):
    (tmp_path / "antworten-a.json").mkdir()
    (tmp_path / "antworten-b.json").symlink_to(tmp_path / "nirgends")
    assert storage.read("a", tmp_path).state == "damaged"
    assert storage.read("b", tmp_path).state == "damaged"
    assert storage.read("c", tmp_path).state == "missing"
    for name in "ab":
        storage.write(name, {"x": "y"}, "1", tmp_path)
        assert storage.read(name, tmp_path).state == "ok"


def test_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    storage.write("probe", {"a": "alt"}, "1", tmp_path)
    with pytest.raises(ValueError, match="zu lang"):
        storage.write("probe", {"a": "x" * storage.MAX_BYTES}, "1", tmp_path)

    def no_space(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", no_space)
    with pytest.raises(OSError):
        storage.write("probe", {"a": "neu"}, "1", tmp_path)
    assert storage.read("probe", tmp_path).answers == {"a": "alt"}
    assert [p.name for p in tmp_path.iterdir()] == ["antworten-probe.json"]


def notebook_with(*copies) -> dict:
    outputs = [{"output_type": "display_data", "data": {storage.MIME: copy}} for copy in copies]
    return {"cells": [{"cell_type": "code", "outputs": outputs}, {"cell_type": "markdown", "source": ""}]}


def test_rescue_from_notebook(tmp_path):
    copies = [storage.bundle("probe", {"a": "b"}, "1"), storage.bundle("leer", {}, "1"), storage.bundle("../boese", {"a": "b"}, "1"),
              "Unsinn", 7, {"quiz": ["probe"]}, {"quiz": "probe", "format": "?"}]
    notebook = notebook_with(*copies)
    notebook["cells"] += [None, 3, {"outputs": None}, {"outputs": [None, {"data": 7}]}]
    assert storage.rescue_from_notebook(notebook) == {"probe": storage.Stored("ok", {"a": "b"}, "1")}
    for broken in (None, [], {"cells": 7}, {}):
        assert storage.rescue_from_notebook(broken) == {}
    (tmp_path / "kaputt.ipynb").write_text("{", encoding="utf-8")
    (tmp_path / "gut.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    assert storage.rescue_from_folder("probe", tmp_path).answers == {"a": "b"}
    assert storage.rescue_from_folder("anders", tmp_path) is None


# --- what notebooks call ----------------------------------------------------------------------------------


def shown(capsys) -> str:
    return capsys.readouterr().out.strip()


def test_quiz_is_found_in_the_source_by_chapter(tmp_path, monkeypatch):
    course = tmp_path / "course"
    for chapter, title in (("01_a", "Eins"), ("02_b", "Zwei")):
        (course / chapter / "fragen").mkdir(parents=True)
        text = (GOOD / "probe.yml").read_text(encoding="utf-8").replace("Lizenzen und Formate", title)
        (course / chapter / "fragen" / "probe.yml").write_text(text, encoding="utf-8")
    monkeypatch.setattr(paths, "course_dir", lambda: course)
    assert display.find("probe", course / "02_b")[0]["titel"] == "Zwei"
    (work := tmp_path / "werkstatt" / "02_b").mkdir(parents=True)
    assert display.find("probe", work)[0]["titel"] == "Zwei"
    with pytest.raises(model.QuizError, match="in mehreren Kapiteln: 01_a, 02_b"):
        display.find("probe", tmp_path)
    (course / "02_b" / "fragen" / "probe.yml").unlink()
    assert display.find("probe", tmp_path)[0]["titel"] == "Eins"


@pytest.mark.parametrize("name", ["gibt-es-nicht", "../probe", "", None, 7, "Probe!"])
def test_unknown_quiz_is_told_in_german(workspace, name):
    with pytest.raises(model.QuizError) as error:
        quiz(name)
    assert "nicht gefunden" in str(error.value) or "kein Name eines Quiz" in str(error.value)
    assert error.value._render_traceback_() == [str(error.value)]


def test_damaged_public_file_is_told_in_german(workspace):
    (workspace / "quiz-probe.json").write_text("{", encoding="utf-8")
    with pytest.raises(model.QuizError, match=r"quiz-probe\.json ist beschädigt\. Bitte laden Sie die Aufgabe noch einmal"):
        quiz("probe")


def letters(question: dict, *texts: str) -> list[str]:
    items = [item["text"] for item in question.get("optionen") or question.get("rechts")]
    return [static.letter(next(i for i, item in enumerate(items) if item.startswith(text))) for text in texts]


def test_antwort_reaches_full_points(workspace, full, capsys):
    one, two, three = full["fragen"][:3]
    antwort("probe", 1, *letters(one, "Datenlizenz Deutschland – Namens"))
    assert shown(capsys) == "Gespeichert. Frage 1: Datenlizenz Deutschland – Namensnennung – 2.0"
    antwort("probe", 2, *letters(two, "CSV", "JSON", "GeoJSON"))
    antwort("probe", 3, *letters(three, "Tabelle", "Punkte", "Regeln"))
    antwort("probe", 4, "12,5")
    assert open_questions("probe") == [5]
    antwort("probe", 5, "b")
    assert open_questions("probe") == []
    assert grade_quiz("probe", model.pack(full)) == 10.0


@pytest.mark.parametrize(("value", "points"), [(12.5, 1.0), ("12.5", 1.0), ("12,5 Tausend", 1.0), (12, 0.0)])
def test_antwort_takes_python_numbers(workspace, full, value, points):
    antwort("probe", 4, value)
    assert grade_quiz("probe", model.pack(full)) == points


def test_a_python_float_is_no_thousand(workspace):
    antwort("probe", 4, 1.234)
    assert storage.read("probe").answers == {"einwohner": "1,234"}


@pytest.mark.parametrize(("call", "says"), [
    ((0, "A"), "Die Frage 0 gibt es nicht. Dieses Quiz hat die Fragen 1 bis 6."),
    ((7, "A"), "Die Frage 7 gibt es nicht"),
    (("1", "A"), "Die Frage 1 gibt es nicht"),
    ((1,), "Geben Sie genau einen Buchstaben von A bis C an."),
    ((1, "A", "B"), "Geben Sie genau einen Buchstaben von A bis C an."),
    ((1, "Z"), "„Z“ steht nicht zur Auswahl. Möglich sind die Buchstaben A bis C."),
    ((2,), "Geben Sie mindestens einen Buchstaben von A bis D an."),
    ((3, "A"), "Geben Sie 3 Buchstaben an, für jeden Begriff einen"),
    ((4, "viele"), "Das ließ sich nicht als Zahl lesen."),
    ((4, 12, 5), "Schreiben Sie Kommazahlen in Anführungszeichen"),
    ((4, float("nan")), "nicht als Zahl lesen"),
    ((6, "Text"), "Diese Frage beantworten Sie in der Zelle unter dem Quiz."),
])
def test_antwort_refuses_kindly(workspace, capsys, call, says):
    antwort("probe", *call)
    assert says in shown(capsys)
    assert storage.read("probe").state == "missing"


def test_letters_agree_everywhere(workspace, full):
    """The letter in the reading version, in the form and in `antwort` is the position in the public part."""
    text = re.sub("<[^>]+>", "\n", html.unescape(static.reading_version(model.public_part(full))))
    for question in full["fragen"][:3]:
        for i, item in enumerate(question.get("optionen") or question["rechts"]):
            assert f"{static.letter(i)}: {item['text']}" in text
    assert "${letter(i)}: " in QuizWidget._esm and "String.fromCharCode(65 + index)" in QuizWidget._esm


def test_grade_quiz_returns_a_plain_float_and_shows_the_evaluation(workspace, full, capsys):
    for answers, points in ((perfect(full), 10.0), ({"einwohner": "12,5"}, 1.0), ({}, 0.0)):
        storage.write("probe", answers, model.question_version(full))
        value = grade_quiz("probe", model.pack(full))
        assert value == points and type(value) is float
        out = capsys.readouterr()
        assert out.err == "" and "Auswertung: Lizenzen und Formate" in out.out


def test_grade_quiz_names_what_is_wrong(workspace, full):
    packed, version = model.pack(full), model.question_version(full)
    stored = storage.read("probe")
    assert "fehlen die Antworten" in display._grading_warning(full, stored) and grade_quiz("probe", packed) == 0.0
    (workspace / "antworten-probe.json").write_text("{", encoding="utf-8")
    assert "beschädigt" in display._grading_warning(full, storage.read("probe")) and grade_quiz("probe", packed) == 0.0
    storage.write("probe", perfect(full), "alt")
    assert "nach der Ausgabe geändert" in display._grading_warning(full, storage.read("probe"))
    assert grade_quiz("probe", packed) == 10.0
    storage.write("probe", perfect(full), version)
    assert display._grading_warning(full, storage.read("probe")) == ""


def test_autograde_shows_no_form_and_changes_no_answer(workspace, monkeypatch, capsys):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    assert quiz("probe") is None
    antwort("probe", 1, "A")
    assert shown(capsys) == "" and storage.read("probe").state == "missing"


def test_validate_names_the_open_questions(workspace, monkeypatch, full, capsys):
    antwort("probe", 1, "A")
    antwort("probe", 4, "12,5")
    monkeypatch.setenv("NBGRADER_EXECUTION", "validate")
    with pytest.raises(display.StillOpen) as error:
        quiz("probe")
    sentence = "Quiz „Lizenzen und Formate“: Noch nicht beantwortet: Fragen 2, 3, 5."
    assert error.value._render_traceback_() == [sentence]
    storage.write("probe", perfect(full), model.question_version(full))
    capsys.readouterr()
    assert quiz("probe") is None and shown(capsys) == ""


def test_reading_version_on_request(workspace, monkeypatch, capsys):
    monkeypatch.setenv("OPENDATA_KURS_LESEFASSUNG", "1")
    bundles = []
    monkeypatch.setattr("IPython.display.display", lambda item, **_: bundles.append(item._repr_mimebundle_()))
    quiz("probe")
    quiz("probe-test")
    assert "Lösung zu Frage 1" in bundles[0]["text/html"] and "Lösung" not in bundles[1]["text/html"]


def test_static_html_escapes_and_has_no_script(full):
    answers, full = perfect(full), copy.deepcopy(full)
    evil = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    full["titel"] = full["fragen"][0]["frage"] = full["fragen"][0]["optionen"][0]["text"] = full["fragen"][3]["einheit"] = evil
    full["fragen"][0]["optionen"][0]["weil"] = full["fragen"][2]["links"][0]["text"] = evil
    answers["einwohner"] = evil
    results = scoring.score_all(full, answers)
    pages = [static.reading_version(full, with_solution=True), static.receipt(full, answers), static.evaluation(full, answers, results, evil)]
    for page in pages:
        assert "<script" not in page and "<img" not in page and "http" not in page


def test_evaluation_says_answer_right_answer_and_reason(full):
    answers = {"namensnennung": by_text(full["fragen"][0], "CC0")[0], "einwohner": "12480"}
    page = html.unescape(static.evaluation(full, answers, scoring.score_all(full, answers)))
    for sentence in ("Erreicht: 0 von 10 Punkten", "Ihre Antwort: CC0 1.0", "Richtig ist: Datenlizenz Deutschland – Namensnennung – 2.0",
                     "CC0 1.0: Bei CC0 ist die Quellenangabe freiwillig.", "Gelesen als: 12\u202f480", "○ nicht beantwortet",
                     "Das ist die Zahl selbst.", "Diese Frage bewertet die Kursleitung."):
        assert sentence in page


# --- the form's kernel side -------------------------------------------------------------------------------


def form(name: str, folder: Path) -> QuizWidget:
    return QuizWidget(*display.find(name, folder), folder=folder)


def send(widget: QuizWidget, kind: str, question: str, answer, number: int = 1) -> None:
    widget._receive(widget, {"type": kind, "question": question, "answer": answer, "number": number}, [])


def test_form_saves_and_restores(workspace, full):
    widget = form("probe", workspace)
    assert widget.status == "0 von 5 Fragen beantwortet."
    for own_id, answer in perfect(full).items():
        send(widget, "answer", own_id, answer)
    assert widget.status == "5 von 5 Fragen beantwortet. Gespeichert."
    assert storage.read("probe").answers == perfect(full) == form("probe", workspace).answers
    send(widget, "answer", "formate", None, 2)
    assert "formate" not in form("probe", workspace).answers and widget.seen["formate"] == 2


def test_form_gives_feedback_in_practice_mode_only(workspace, full):
    wrong = by_text(full["fragen"][0], "CC0")[0]
    widget = form("probe", workspace)
    send(widget, "check", "namensnennung", wrong)
    result = widget.feedback["namensnennung"]
    assert (result["level"], result["lines"][0]["text"]) == ("wrong", "Bei CC0 ist die Quellenangabe freiwillig.")
    send(widget, "answer", "namensnennung", perfect(full)["namensnennung"], 2)
    assert "namensnennung" not in widget.feedback, "old feedback must not stand beside a new answer"
    graded = QuizWidget(*display.find("probe-test", workspace), folder=workspace)
    send(graded, "check", "namensnennung", wrong)
    assert graded.feedback == {} and "Rückmeldung gibt es nach der Bewertung." in graded.status
    source = QuizWidget(model.public_part(loaded := model.load(GOOD / "probe-test.yml")), loaded, workspace)
    send(source, "check", "namensnennung", wrong)
    assert source.feedback == {}


def test_form_tells_how_a_number_was_read_in_both_modes(workspace):
    for name in ("probe", "probe-test"):
        widget = form(name, workspace)
        send(widget, "answer", "einwohner", "12.480")
        assert widget.notes["einwohner"] == "Gelesen als: 12\u202f480"
        send(widget, "answer", "einwohner", "viele", 2)
        assert "nicht als Zahl lesen" in widget.notes["einwohner"] and widget.status.startswith("0 von 5")


def test_form_offers_the_criteria_of_an_ungraded_free_text(workspace):
    widget = form("selbsttest", workspace)
    send(widget, "check", "begruendung", "Weil ein Programm die Tabelle nicht lesen kann.")
    assert [line["text"] for line in widget.feedback["begruendung"]["lines"]] == [
        "Prüfen Sie Ihren Text selbst: Maschinenlesbarkeit genannt · Beispiel genannt",
        "So könnte eine Antwort lauten: Ein Programm kann die Spalten nicht lesen."]


@pytest.mark.parametrize("message", [None, [], "x", {}, {"type": "answer"}, {"type": "answer", "question": "?", "answer": 1, "number": 1},
                                     {"type": "answer", "question": "namensnennung", "answer": {"a": []}, "number": "1"},
                                     {"type": "check", "question": "begruendung", "answer": "x", "number": 1}])
def test_form_ignores_odd_messages(workspace, message):
    widget = form("probe", workspace)
    widget._receive(widget, message, [])
    assert widget.answers == {} and storage.read("probe").state == "missing"


def test_form_tells_when_nothing_can_be_saved(workspace, monkeypatch):
    def refuse(*_, **__):
        raise OSError(30, "Read-only file system")

    widget = form("probe", workspace)
    monkeypatch.setattr(storage, "write", refuse)
    send(widget, "answer", "einwohner", "12,5")
    assert widget.failed and "konnten nicht gespeichert werden" in widget.status


def test_form_rescues_answers_from_the_notebook(workspace, full):
    copy_ = storage.bundle("probe", perfect(full), model.question_version(full))
    (workspace / "u.ipynb").write_text(json.dumps(notebook_with(copy_)), encoding="utf-8")
    (workspace / "antworten-probe.json").write_text("{", encoding="utf-8")
    widget = form("probe", workspace)
    assert widget.answers == perfect(full)
    assert "war beschädigt. Ihre Antworten wurden aus dem Notebook wiederhergestellt." in widget.status


def test_form_reports_answers_of_an_older_version(workspace, full):
    storage.write("probe", {**perfect(full), "weg": "x"}, "alt")
    widget = form("probe", workspace)
    assert widget.answers == perfect(full) and "Die Fragen wurden seit Ihrer Antwort geändert." in widget.status


def test_form_is_deterministic_and_has_a_fallback(workspace):
    bundles = []
    for _ in range(2):
        data = form("probe", workspace)._repr_mimebundle_()[0]
        data["application/vnd.jupyter.widget-view+json"].pop("model_id")
        bundles.append(data)
    assert bundles[0] == bundles[1]
    assert bundles[0]["text/plain"] == "Quiz: Lizenzen und Formate"
    assert "Lesefassung" in bundles[0]["text/html"] and "Lösung" not in bundles[0]["text/html"]


def test_form_state_holds_no_key(workspace):
    full = model.load(GOOD / "probe-test.yml")
    state = QuizWidget(model.public_part(full), full, workspace).get_state()
    text = json.dumps({k: v for k, v in state.items() if k not in ("_esm", "_css")}, ensure_ascii=False)
    assert [secret for secret in secrets(full) if secret in text] == []


def test_receipt_carries_the_copy(workspace, full):
    storage.write("probe", perfect(full), model.question_version(full))
    bundle = form("probe", workspace).receipt_html()._repr_mimebundle_()
    assert storage.rescue_from_notebook(notebook_with(bundle[storage.MIME]))["probe"].answers == perfect(full)
    assert "Gespeicherte Antworten: 5 von 5" in bundle["text/html"]


# --- the guide for trainers -------------------------------------------------------------------------------


def test_examples_of_the_guide_work(tmp_path):
    guide = (Path(__file__).parents[1] / "docs" / "fragen.md").read_text(encoding="utf-8")
    examples = re.findall(r"```yaml\n(.*?)```", guide, re.S)
    assert len(examples) == 5
    file = tmp_path / "selbsttest-02-lizenzen.yml"
    file.write_text("".join(examples), encoding="utf-8")
    assert [q["art"] for q in model.load(file)["fragen"]] == list(model.KINDS)
    copied = (FIXTURES.parents[2] / "course").glob("*/fragen/*.yml")
    assert all(model.load(path)["fragen"] for path in copied)


@pytest.mark.parametrize(("text", "line"), [("Das ist offen.", "Das ist offen: Es fehlt nichts."), ("Ist das offen?", "Ist das offen? Es fehlt nichts."),
                                            ("offen", "offen: Es fehlt nichts.")])
def test_an_option_and_its_reason_read_as_one_sentence(text, line):
    assert static._with_reason(text, "Es fehlt nichts.") == line
