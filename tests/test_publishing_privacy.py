"""Personal data, k-anonymity, suppression that holds, and the attack that shows it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog

from opendata_kurs.paths import datasets_dir
from opendata_kurs.publishing import (
    find_personal_data,
    k_anonymity,
    recalculate,
    round3,
    small_groups,
    suppress,
)
from opendata_kurs.publishing.personal import is_person, valid_iban
from opendata_kurs.publishing.suppression import TableError, describe_attack

PERSONS = pd.DataFrame({
    "fall": ["a", "b", "c", "d"],
    "name": ["Erika Musterfrau", "Max Mustermann", "Beispiel, Hans", "Yusuf Probe"],
    "mail": ["erika@example.org", "", "hans.b@example.org", ""],
    "telefon": ["0211 8991234", "+49 211 555-0100", "(02 11) 55 50 10", "0157 23456789"],
    "konto": ["DE02 1203 0000 0000 2020 51", "", "DE02500105170137075030", ""],
    "geburtsdatum": ["01.02.1980", "1975-03-04", "5.6.99", "2001-12-24"],
    "plz": ["40210", "40210", "40211", "40212"],
    "ags": ["05111000", "05111000", "05112000", "05113000"],
})


def found(table: pd.DataFrame) -> dict[str, set[str]]:
    result: dict[str, set[str]] = {}
    for f in find_personal_data(table):
        result.setdefault(f.id, set()).add(f.column)
    return result


def test_finds_each_kind_in_its_column():
    hits = found(PERSONS)
    assert hits == {"name": {"name"}, "email": {"mail"}, "phone": {"telefon"}, "iban": {"konto"},
                    "birthdate": {"geburtsdatum"}, "combination": {None}}
    report = find_personal_data(PERSONS)
    assert report.by_id("phone")[0].rows == (1, 2, 3, 4)
    assert "kann nicht beweisen" in report.note and "kann nicht beweisen" in report.text()


def test_report_masks_what_it_found():
    text = find_personal_data(PERSONS).text() + find_personal_data(PERSONS)._repr_html_()
    for secret in ("erika@example.org", "Musterfrau", "8991234", "2020 51", "01.02.1980"):
        assert secret not in text


def test_names_removed_but_birth_date_and_postcode_left():
    report = find_personal_data(PERSONS[["plz", "geburtsdatum"]])
    assert report.ids == ["birthdate", "combination"]
    assert "4 Zeilen sind einmalig" in report.by_id("combination")[0].what


@pytest.mark.parametrize("values", [
    ["05111000", "05112000"], ["05 1 11 000", "05 1 12 000"], ["051110001001", "051110002002"], ["2024-01-01", "2024-02-02"],
    ["01.02.2024", "03.04.2024"], ["07.15 bis 16.30 Uhr", "08.00-12.00"], ["6.7812345", "51.2233445"], ["ee5d0785-2771-4db3-bc15-bd9bd06f1ef7"],
    ["(Stand 01/2020) 29 Anlagen"], ["40210", "40211"], ["0123456789"], ["1.234.567", "12 345 678"], ["2017/2018", "2018/2019"],
    ["Karl-Marx-Allee 12", "Anna-Seghers-Weg"], ["Paul-Gerhardt-Schule", "Maria Montessori Schule"], ["Peter Paul Rubens Platz"],
    ["Evangelische Kita Arche Noah", "St. Martin"], ["Altstadt", "Süd"], ["Winter-Linde", "Rot-Buche"], ["Frau Holle Weg"],
])
@pytest.mark.parametrize("header", ["ags", "wert", "bezeichnung"])
def test_no_false_alarm(header, values):
    assert found(pd.DataFrame({header: values})) == {}


@pytest.mark.parametrize(("value", "kind"), [
    ("Tel. 0211/899-0", "phone"), ("0 21 51 / 31 52 20", "phone"), ("+49 (0) 211 8991", "phone"), ("0049 211 8991234", "phone"),
    ("Bitte an max@example.org schreiben", "email"), ("gemeldet durch Frau Probe", "name-in-text"), ("IBAN: DE02120300000000202051", "iban"),
])
def test_hidden_in_free_text(value, kind):
    assert kind in found(pd.DataFrame({"bemerkung": [value, "alles in Ordnung"]}))


def test_headers_alone_raise_a_hint():
    assert found(pd.DataFrame({"sachbearbeiter": ["17", "23"], "wert": [1, 2]})) == {"header": {"sachbearbeiter"}}
    assert found(pd.DataFrame({"Personalnummer": ["17", "23"]})) == {"identifier": {"Personalnummer"}}
    assert "first-name" in found(pd.DataFrame({"vorname": ["Emma", "Paul"], "anzahl": [12, 9]}))


def test_checksum_and_names():
    assert valid_iban("DE02 1203 0000 0000 2020 51") and not valid_iban("DE02 1203 0000 0000 2020 52")
    assert is_person("Dr. Erika Musterfrau") is True
    assert not is_person("Berg Anna Straße") and not is_person("Anna-Platz") and not is_person("Am Hang")


@pytest.mark.parametrize("path", sorted([*datasets_dir().glob("*/*.csv"), *datasets_dir().glob("*/*.geojson")]), ids=lambda p: p.name)
def test_course_data_raise_no_error(path: Path):
    report = find_personal_data(path)
    assert report.errors == [], report.text()


def test_k_anonymity():
    table = pd.DataFrame({"plz": ["1", "1", "2", "2", None, None], "sex": ["w", "w", "w", "m", "w", "w"]})
    assert k_anonymity(table, ["plz", "sex"]) == 1 and k_anonymity(table, "plz") == 2
    assert small_groups(table, ["plz", "sex"], k=2)["anzahl"].tolist() == [1, 1]
    assert k_anonymity(table.iloc[:0], ["plz"]) == 0
    with pytest.raises(ValueError, match="gibt es nicht: farbe"):
        k_anonymity(table, ["farbe"])


# --- suppression ----------------------------------------------------------------------------------------------------

def independent_ranges(published: pd.DataFrame) -> list[float]:
    """The attacker, written a second time and without any code of the package: widths of all hidden cells."""
    cells = [(i, j) for i in range(published.shape[0]) for j in range(published.shape[1]) if published.iat[i, j] == "."]
    place = {c: k for k, c in enumerate(cells)}
    a, b = [], []
    lines = [[(i, j) for j in range(published.shape[1])] for i in range(published.shape[0])] if published.shape[1] > 1 else []
    lines += [[(i, j) for i in range(published.shape[0])] for j in range(published.shape[1])]
    for line in lines:
        row, rest = np.zeros(len(cells)), 0.0
        for n, c in enumerate(line):
            sign = -1 if n == len(line) - 1 else 1
            if c in place:
                row[place[c]] = sign
            else:
                rest -= sign * published.iat[c]
        a.append(row)
        b.append(rest)
    widths = []
    for k in range(len(cells)):
        ends = []
        for sign in (1, -1):
            cost = np.zeros(len(cells))
            cost[k] = sign
            r = linprog(cost, A_eq=np.array(a), b_eq=b, bounds=(1, None))
            ends.append(sign * r.fun if r.status == 0 else sign * -np.inf)
        widths.append(ends[1] - ends[0])
    return widths


@pytest.mark.parametrize("seed", range(25))
def test_no_cell_can_be_computed_more_exactly_than_documented(seed):
    rng = np.random.default_rng(seed)
    shape = (int(rng.integers(2, 9)), int(rng.integers(1, 6)))
    threshold = int(rng.choice([3, 5]))
    truth = pd.DataFrame(rng.poisson(rng.gamma(1.3, 9, shape)))
    try:
        result = suppress(truth, threshold)
    except TableError as error:
        assert "zu wenige andere Werte" in str(error) and (truth > 0).to_numpy().sum() < 8
        return
    published = result.table
    widths = independent_ranges(published)
    assert all(w >= result.protection - 1e-6 for w in widths), (truth, published)
    # primary cells are hidden, zeros are not, published cells are true, totals stay consistent
    full = pd.concat([truth, truth.sum().to_frame().T], ignore_index=True)
    if shape[1] > 1:
        full["Summe"] = full.sum(axis=1)
    for (i, j), value in np.ndenumerate(full.to_numpy()):
        cell = published.iat[i, j]
        assert cell == "." if 0 < value < threshold else cell in (".", value)
        assert value or cell == 0
    assert len(widths) == result.primary + result.secondary


def test_only_as_much_as_needed():
    result = suppress(pd.DataFrame({"faelle": [12, 1, 9, 1]}, index=list("ABCD")), 3)
    assert result.table["faelle"].tolist() == [12, ".", ".", ".", 23]  # K4-01: the best solution hides B, C, D
    assert (result.primary, result.secondary) == (2, 1)
    assert "gesperrt" in result.explanation.lower() and result.ranges["art"].tolist() == ["primär", "sekundär", "primär"]


def test_nothing_to_hide():
    result = suppress(pd.DataFrame({"n": [12, 0, 30]}), 5)
    assert result.table["n"].tolist() == [12, 0, 30, 42] and "nichts gesperrt" in result.explanation


def test_totals_go_only_when_nothing_else_helps():
    result = suppress(pd.DataFrame({"a": [1, 0], "b": [40, 50]}, index=["x", "y"]), 3)
    assert result.hidden[:, -1].any() or result.hidden[-1].any()
    assert min(independent_ranges(result.table)) >= 3


def test_label_column_and_given_totals():
    table = pd.DataFrame({"stadtteil": ["A", "B", "C", "Insgesamt"], "w": [2, 20, 9, 31], "m": [8, 7, 30, 45], "Summe": [10, 27, 39, 76]})
    result = suppress(table, 5)
    assert list(result.table.columns) == ["stadtteil", "w", "m", "Summe"] and len(result.table) == 4
    assert result.table["w"].tolist()[0] == "."


def test_only_the_small_cell_hidden_is_broken_by_the_attack():
    bad = pd.DataFrame({"n": [15, ".", 31, 48]}, index=["1", "2", "3", "Summe"])
    attack = recalculate(bad)
    assert attack[["kleinster", "groesster", "berechenbar"]].values.tolist() == [[2, 2, True]]
    assert describe_attack(attack) == "1 gesperrter Wert lässt sich genau ausrechnen: 2 / n = 2."
    k401 = recalculate(pd.DataFrame({"n": [12, "•", 9, "•", 23]}, index=[*"ABCD", "Summe"]))
    assert k401["berechenbar"].all() and k401["kleinster"].tolist() == [1, 1]


def test_known_threshold_makes_the_attack_sharper():
    table = pd.DataFrame({"n": [12, ".", 9, ".", 24]}, index=[*"ABCD", "Summe"])
    assert recalculate(table)["groesster"].tolist() == [2, 2] and recalculate(table, below=3)["groesster"].tolist() == [2, 2]
    assert recalculate(table, at_least=0)["groesster"].tolist() == [3, 3]


@pytest.mark.parametrize(("table", "message"), [
    (pd.DataFrame({"n": [1, 2, 4]}, index=["a", "b", "Summe"]), "Die Summe stimmt nicht"),
    (pd.DataFrame({"n": [1, -2]}), "negativ"), (pd.DataFrame({"n": [1, None]}), "fehlt"),
    (pd.DataFrame({"n": [1, "."]}), "Sperrzeichen"), (pd.DataFrame({"ort": ["A", "B"], "n": ["1", "drei"]}), "keine Zahl"),
    (pd.DataFrame({"n": []}), "leer"),
])
def test_bad_tables_are_refused_in_german(table, message):
    with pytest.raises(TableError, match=message):
        suppress(table)


def test_contradiction_is_german():
    with pytest.raises(TableError, match="widerspricht"):
        recalculate(pd.DataFrame({"n": [15, ".", 31, 40]}, index=["1", "2", "3", "Summe"]))


def test_rounding():
    assert round3(pd.DataFrame({"n": [1, 2, 10, 11, 12]}))["n"].tolist() == [0, 3, 9, 12, 12]  # K4-03
    table = pd.DataFrame({"ort": ["A", "B", "Summe"], "n": [1, 1, 2]})
    assert round3(table)["n"].tolist() == [0, 0, 2]
    assert round3(table, totals="additive")["n"].tolist() == [0, 0, 0]
    assert round3(table, totals="rounded")["n"].tolist() == [0, 0, 3]
