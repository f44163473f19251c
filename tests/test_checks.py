"""The checks speak German, give nothing away and never show a traceback; `pruefen()` tells what is open."""

from __future__ import annotations

import math
import re

import nbformat
import pandas as pd
import pytest
from grading_fixtures import EXERCISE, QUIZ, copy_release, released_course
from nbclient import NotebookClient

from opendata_kurs import _pruefen, checks
from opendata_kurs.checks import (
    CheckFailed,
    check_choice,
    check_column,
    check_file,
    check_items,
    check_number,
    check_table,
    check_text,
    check_true,
)

TABLE = pd.DataFrame({"nr": ["1", "2", "3"], "wert": [1.0, 2.5, None]})


def message(check, *args, **kwargs) -> str:
    with pytest.raises(CheckFailed) as failure:
        check(*args, **kwargs)
    text = str(failure.value)
    assert failure.value._render_traceback_() == text.split("\n")
    assert not re.search(r"Traceback|Error|expected|None, got", text)
    return text


@pytest.mark.parametrize(("check", "args"), [
    (check_number, (5, 5)), (check_number, (2.5000000001, 2.5)), (check_number, (pd.Series([3]).iloc[0], 3)), (check_number, (7,)),
    (check_text, (" köln ", "Köln")), (check_text, ("Quelle: Stadt Köln, dl-de/by",)), (check_choice, ("a", ["a", "b"], "a")),
    (check_items, (["b", "a"], ["a", "b"])), (check_items, (pd.Series(["a"]), ["a"])), (check_table, (TABLE,)), (check_true, (True, "x")),
    (check_column, (TABLE, "wert", [1, 2.5, None])),
])
def test_right_values_pass(check, args, capsys):
    check(*args)
    assert "sieht gut aus" in capsys.readouterr().out


@pytest.mark.parametrize(("value", "words"), [
    (..., "Diese Stelle ist noch leer"), (None, "Es ist kein Wert da"), ("12", "ohne Anführungszeichen"), ((12, 5), "mit Punkt: 12.5"),
    (True, "Wahrheitswert"), ([1], "eine Liste mit 1 Einträgen"), (TABLE, "eine Tabelle mit 3 Zeilen"), (TABLE["wert"], "eine Spalte mit 3 Werten"),
    (math.nan, "NaN"), (1.5, "ganze Zahl"), (len, "runden Klammern"), (-1, "mindestens 0"), (99999, "höchstens 5.000"), (4200, "die Zahl 4.200"),
])
def test_wrong_numbers_are_explained(value, words):
    text = message(check_number, value, 4711, name="anzahl", whole=True, low=0, high=5000)
    assert words in text and "anzahl" in text
    assert "4711" not in text and "4.711" not in text  # the expected value is never given away


def test_typical_mistakes_get_their_hint():
    mistakes = {100: "Das ist die Summe.", (lambda v: v > 1000): "Das sind Meter."}
    assert "Tipp: Das ist die Summe." in message(check_number, 100.0, 5, mistakes=mistakes)
    assert "Tipp: Das sind Meter." in message(check_number, 5000, 5, mistakes=mistakes)
    assert "Tipp: Allgemein." in message(check_number, 7, 5, mistakes=mistakes, hint="Allgemein.")
    assert "Python zählt ab 0." in message(check_text, "haushalt", "Bäume", mistakes={"Haushalt": "Python zählt ab 0."})


def test_tolerance():
    check_number(2.04, 2.0, tolerance=0.05)
    message(check_number, 2.06, 2.0, tolerance=0.05)


@pytest.mark.parametrize(("check", "args", "kwargs", "words"), [
    (check_text, (5, "x"), {}, "ein Text in Anführungszeichen"), (check_text, ("  ", "x"), {}, "ein leerer Text"),
    (check_text, ("Stadt",), {"contains": "dl-de/by"}, "„dl-de/by“ vorkommt"),
    (check_choice, ("c", ["a", "b"]), {}, "eine dieser Angaben: „a“, „b“"), (check_choice, ("b", ["a", "b"], "a"), {}, "andere Angabe"),
    (check_items, (["a", "x"], ["a", "b"]), {}, "es fehlen 1 Einträge; nicht gesucht: „x“"), (check_items, ("abc", ["a"]), {}, "eine Liste"),
    (check_items, (["a", "a"], ["a"]), {}, "doppelt"), (check_items, (["b", "a"], ["a", "b"]), {"ordered": True}, "Reihenfolge"),
    (check_table, ([1],), {}, "eine Tabelle (DataFrame)"), (check_table, (TABLE,), {"columns": ["nr", "name"]}, "ohne „name“"),
    (check_table, (TABLE,), {"rows": 9}, "3 Zeilen"), (check_table, (TABLE,), {"geometry": True}, "ohne Geometrie"),
    (check_table, (TABLE.assign(nr="1"),), {"key": "nr"}, "doppelte oder leere Werte"),
    (check_column, (TABLE, "wert", [1, 9, None]), {}, "1 von 3 Werten"), (check_column, (TABLE, "x", [1]), {}, "Spalte „x“"),
    (check_true, (False, "eine Karte mit Legende", "keine Legende"), {}, "Erwartet: eine Karte mit Legende"),
    (check_file, ("gibt-es-nicht.csv",), {}, "keine Datei"), (check_file, ("x.txt",), {"suffix": ".csv"}, "Endung .csv"),
])
def test_other_checks_explain(check, args, kwargs, words):
    assert words in message(check, *args, **kwargs)


@pytest.mark.parametrize("check", [check_number, check_text, check_items, check_table])
def test_strange_objects_do_not_break_a_check(check):
    class Strange:
        def __eq__(self, other):
            raise RuntimeError

        def __getattr__(self, name):
            raise AttributeError(name)
    message(check, Strange(), *(["x"] if check is check_text else []))


@pytest.mark.parametrize(("value", "text"), [(1234.5, "1.234,5"), (1000000, "1.000.000"), (0.1, "0,1"), (2.0, "2"), (-3, "-3")])
def test_german_numbers(value, text):
    assert checks.german_number(value) == text


# --- pruefen() --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    return released_course(tmp_path_factory.mktemp("leitung"))


def _run(folder, change) -> str:
    """Run the exercise as a learner and return what pruefen() printed."""
    file = folder / f"{EXERCISE}.ipynb"
    nb = nbformat.read(file, as_version=4)
    nb.cells = [c for c in nb.cells if c["id"] != "abgabe"]
    change(nb)
    nbformat.write(nb, file)
    NotebookClient(nb, timeout=90, kernel_name="python3", allow_errors=True, resources={"metadata": {"path": str(folder)}}).execute()
    return "".join(o.text for c in nb.cells if c["id"] == "pruefen" for o in c.outputs if o.output_type == "stream" and o.name == "stdout")


def test_pruefen_on_an_untouched_exercise(released, tmp_path):
    text = _run(copy_release(released, tmp_path), lambda nb: None)
    assert f"Fragen „{QUIZ}“: noch offen: 1, 2, 3." in text
    assert "Eine Textantwort ist noch leer." in text and "Strg + S" in text
    assert "○ „Aufgabe 1: Zählen“: anzahl: Diese Stelle ist noch leer." in text
    assert "Die Bewertung kann genauer hinsehen" in text


def test_pruefen_says_that_grading_may_look_further(released, tmp_path):
    """A value that only the hidden test refuses passes here, and the learner is told so."""
    def change(nb):
        next(c for c in nb.cells if c["id"] == "anzahl").source = "anzahl = 3"
        next(c for c in nb.cells if c["id"].startswith("text-")).source = "Meine Antwort"
    text = _run(copy_release(released, tmp_path), change)
    assert "✓ „Aufgabe 1: Zählen“: Die sichtbare Prüfung ist bestanden." in text
    assert "✓ Eine Textantwort ist da." in text
    assert "Punkte gibt es erst danach." in text


def test_pruefen_asks_to_save(released, tmp_path, monkeypatch):
    """What ran is not what was saved."""
    folder = copy_release(released, tmp_path)
    monkeypatch.setattr("IPython.get_ipython", lambda: type("Shell", (), {"user_ns": {"In": ["anzahl = 2"], "anzahl": 2, "erster": "Bäume"}})())
    text = _pruefen.report(folder / f"{EXERCISE}.ipynb")
    assert "noch nicht ausgeführt oder nicht gespeichert" in text


def test_pruefen_without_a_notebook(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    assert "Speichern Sie mit Strg + S" in _pruefen.report()


def test_pruefen_finds_the_session_notebook(released, tmp_path, monkeypatch):
    folder = copy_release(released, tmp_path)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("JPY_SESSION_NAME", f"/irgendwo/{EXERCISE}.ipynb")
    assert _pruefen.find_notebook().name == f"{EXERCISE}.ipynb"


def test_pruefen_is_silent_about_points_while_grading(monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    assert "läuft nur, wenn Sie selbst" in _pruefen.report()
