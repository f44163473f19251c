"""Licences, combinations and credit lines: facts from the course's own tables, expectations written by hand."""

import itertools

import pytest

from opendata_kurs.datasets import dataset_slugs, load_dataset, metadata
from opendata_kurs.licensing import (
    PURPOSES,
    UnknownLicenceError,
    canonical,
    check_credit_line,
    combine,
    credit_builder,
    credit_checklist,
    credit_parts,
    decision_path,
    licence,
    licence_table,
    licences,
    recommend_licence,
)

IDS = [entry.id for entry in licences()]
PAIRS = list(itertools.combinations_with_replacement(IDS, 2))


def test_twenty_licences_with_evidence():
    assert len(IDS) == 20
    assert all(entry.evidence and entry.advice and entry.name for entry in licences())


def test_what_the_main_licences_ask_for():
    assert (licence("dl-de-by-2.0").attribution, licence("dl-de-by-2.0").share_alike, licence("dl-de-by-2.0").open) == (True, False, True)
    assert (licence("dl-de-zero-2.0").attribution, licence("dl-de-zero-2.0").hvd) == (False, True)
    assert (licence("odbl-1.0").share_alike, licence("odbl-1.0").open) == (True, True)
    assert (licence("cc-by-nc-4.0").open, licence("cc-by-nc-4.0").commercial) == (False, False)
    assert (licence("cc-by-nd-4.0").open, licence("cc-by-nd-4.0").modification) == (False, False)
    assert licence("destatis-quellenangabe").open is None
    assert licence("dl-de-by-2.0").uri == "http://dcat-ap.de/def/licenses/dl-by-de/2.0"


@pytest.mark.parametrize(("wrong", "right"), [("dl-de-by-2", "dl-de-by-2.0"), ("dl-de/by-2.0", "dl-de-by-2.0"), ("CC BY 4.0", "cc-by-4.0"), ("odbl", "odbl-1.0")])
def test_unknown_id_suggests_the_nearest(wrong, right):
    with pytest.raises(UnknownLicenceError) as caught:
        licence(wrong)
    assert f"Meinten Sie „{right}“?" in str(caught.value)


@pytest.mark.parametrize("purpose", PURPOSES)
def test_every_pair_answers_with_a_reason_and_is_symmetric(purpose):
    for a, b in PAIRS:
        result = combine(a, b, purpose)
        assert len(result.reason) > 10, (a, b)
        assert result == combine(b, a, purpose)
        assert result.licence is None or result.licence in result.licences
        assert set(result.licences) <= set(IDS)


def strictness(id_: str) -> int:
    """0 no duty, 1 attribution, 2 share-alike, 3 not commercial, 4 no modification or closed."""
    entry = licence(id_)
    if entry.modification is False or id_ in ("andere-geschlossen", "keine-angabe", "andere-offen", "destatis-quellenangabe"):
        return 4
    if entry.commercial is False:
        return 3
    return 2 if entry.share_alike else 1 if entry.attribution else 0


def test_a_derived_database_is_never_freer_than_its_strictest_source():
    for a, b in PAIRS:
        for id_ in combine(a, b, "derived_database").licences:
            assert strictness(id_) >= max(strictness(a), strictness(b)), (a, b, id_)


def test_strictness_would_find_a_planted_fault():
    assert strictness("dl-de-zero-2.0") < strictness("dl-de-by-2.0") < strictness("odbl-1.0") < strictness("cc-by-nc-4.0") < strictness("cc-by-nd-4.0")


@pytest.mark.parametrize(("a", "b", "expected", "disputed"), [
    ("dl-de-zero-2.0", "dl-de-by-2.0", "dl-de-by-2.0", False),
    ("dl-de-zero-2.0", "cc0-1.0", "dl-de-zero-2.0", False),
    ("cc-by-4.0", "dl-de-zero-2.0", "cc-by-4.0", False),
    ("dl-de-by-2.0", "cc-by-4.0", "cc-by-4.0", True),
    ("odbl-1.0", "dl-de-zero-2.0", "odbl-1.0", False),
    ("odbl-1.0", "dl-de-by-2.0", "odbl-1.0", True),
    ("odbl-1.0", "cc-by-sa-4.0", None, False),
    ("cc-by-nd-4.0", "dl-de-zero-2.0", None, False),
    ("cc-by-nc-4.0", "odbl-1.0", None, False),
    ("keine-angabe", "dl-de-by-2.0", None, True),
])
def test_derived_database(a, b, expected, disputed):
    result = combine(a, b, "derived_database")
    assert (result.licence, result.disputed) == (expected, disputed)


def test_collective_database_keeps_each_licence():
    result = combine("odbl-1.0", "dl-de-by-2.0", "collective_database")
    assert set(result.licences) == {"odbl-1.0", "dl-de-by-2.0"} and result.licence is None and not result.disputed
    assert "Jeder Teil behält seine Lizenz" in result.reason
    assert combine("andere-geschlossen", "cc-by-4.0", "collective_database").licences == ()


def test_produced_work_owes_the_notes():
    result = combine("odbl-1.0", "dl-de-by-2.0", "produced_work")
    assert result.licence == "cc-by-4.0" and any("OpenStreetMap" in d for d in result.duties) and any("Änderungshinweis" in d for d in result.duties)
    assert combine("cc-by-nd-4.0", "cc-by-4.0", "produced_work").licence is None


def test_unknown_purpose_is_explained():
    with pytest.raises(ValueError, match="derived_database, collective_database, produced_work"):
        combine("cc0-1.0", "cc0-1.0", "karte")


def test_a_pair_without_a_source_is_not_settled(monkeypatch):
    from opendata_kurs.licensing import combining

    monkeypatch.setattr(combining, "_class_of", lambda: {})
    for purpose in PURPOSES:
        result = combine("cc0-1.0", "cc-by-4.0", purpose)
        assert "nicht geklärt" in result.reason and result.disputed and result.licence is None


def test_all_spellings_of_the_catalogue_have_a_licence():
    spellings = load_dataset("musterdatenkatalog-nrw")["lizenz_angabe"]
    counts = spellings.map(canonical, na_action=None).value_counts()
    # counted by hand from the catalogue of February 2020
    assert counts["dl-de-zero-2.0"] == 813 and counts["dl-de-by-2.0"] == 462 and counts["cc-by-generisch"] == 683
    assert counts["cc0-1.0"] == 246 and counts["cc-by-4.0"] == 70 and counts["odbl-1.0"] == 6
    unclear = set(spellings.dropna()) - {s for s in spellings.dropna() if canonical(s)}
    assert unclear == {"cc-by3", "CC BY-NC-SA 4.0"}, "the course has no entry for these two licences and says so"


GOOD = ("Landeshauptstadt Düsseldorf, Amt für Statistik und Wahlen: „Stadtteilgrenzen“, https://opendata.duesseldorf.de/dataset/x, "
        "dl-de/by-2-0 (https://www.govdata.de/dl-de/by-2-0), Daten geändert (vereinfacht)")
DATASET = {"title": "Stadtteile", "publisher": "Landeshauptstadt Düsseldorf, Amt für Statistik und Wahlen", "licence_id": "dl-de-by-2.0", "homepage": "https://opendata.duesseldorf.de"}


@pytest.mark.parametrize(("text", "missing"), [
    (GOOD, []),
    (GOOD.replace("Düsseldorf, Amt", "Duesseldorf – Amt"), []),
    (GOOD.replace("dl-de/by-2-0 (", "Datenlizenz Deutschland – Namensnennung – Version 2.0 ("), []),
    (GOOD.replace(", Amt für Statistik und Wahlen", ""), ["provider"]),
    (GOOD.replace("dl-de/by-2-0 (https://www.govdata.de/dl-de/by-2-0)", "https://www.govdata.de/dl-de/by-2-0"), ["licence"]),
    (GOOD.replace("dl-de/by-2-0 (", "dl-de/zero-2-0 ("), ["licence"]),
    (GOOD.replace(" (https://www.govdata.de/dl-de/by-2-0)", ""), ["licence_link"]),
    (GOOD.replace("https://opendata.duesseldorf.de/dataset/x, ", ""), ["dataset"]),
    (GOOD.replace("Daten geändert (vereinfacht)", "Daten unverändert"), ["change"]),
    (GOOD.replace("Daten geändert (vereinfacht)", "nicht verändert"), ["change"]),
    ("Quelle: Stadt", ["provider", "licence", "licence_link", "dataset", "change"]),
    ("", ["provider", "licence", "licence_link", "dataset", "change"]),
])
def test_credit_line_of_dl_de_by(text, missing):
    assert [m.part for m in check_credit_line(text, DATASET)] == missing


def test_unchanged_data_need_no_change_notice():
    assert check_credit_line(GOOD.replace(", Daten geändert (vereinfacht)", ""), DATASET, changed=False) == []


def test_three_sources_one_forgotten():
    osm = {"title": "Stadtteile (OSM)", "publisher": "OpenStreetMap-Mitwirkende", "licence_id": "odbl-1.0", "homepage": "https://www.openstreetmap.org"}
    zero = {"title": "Kitas", "publisher": "Stadt Krefeld", "licence_id": "dl-de-zero-2.0", "homepage": "https://www.offenesdatenportal.de"}
    both = GOOD + "; © OpenStreetMap-Mitwirkende (openstreetmap.org/copyright), ODbL 1.0, bearbeitet"
    assert check_credit_line(both, [DATASET, osm, zero]) == []
    assert {(m.dataset, m.part) for m in check_credit_line(GOOD, [DATASET, osm, zero])} == {("Stadtteile (OSM)", "provider"), ("Stadtteile (OSM)", "licence")}


@pytest.mark.parametrize("slug", dataset_slugs())
def test_the_course_credits_its_own_data_completely(slug):
    assert check_credit_line(metadata(slug)["creditLine"], slug) == []


def test_a_part_without_a_provider_belongs_to_the_one_before():
    other = {"title": "Schulen", "publisher": "Stadt Münster", "licence_id": "dl-de-by-2.0", "homepage": "https://opendata.stadt-muenster.de"}
    split = GOOD.replace(", dl-de", "; dl-de").replace("x, ", "x; ")
    assert check_credit_line(split, DATASET) == []
    assert {m.part for m in check_credit_line(split + "\nStadt Münster", [DATASET, other])} == {"licence", "licence_link", "dataset"}
    assert check_credit_line(split.replace("; ", "\n"), DATASET) == []


def test_credit_parts_name_everything_and_mark_what_is_there():
    zero = {"title": "Kitas", "publisher": "Stadt Krefeld", "licence_id": "dl-de-zero-2.0", "homepage": "https://www.offenesdatenportal.de"}
    parts = credit_parts(GOOD.replace("dl-de/by-2-0 (", "Zero ("), [DATASET, zero])
    assert [(p.part, p.needed, p.present) for p in parts] == [
        ("provider", True, True), ("licence", True, False), ("licence_link", True, True), ("dataset", True, True),
        ("change", True, True), ("voluntary", False, False)]
    assert "Düsseldorf" in parts[0].label and "dl-de/by-2-0" in parts[1].label


def test_credit_checklist_speaks_in_words(capsys):
    credit_checklist("Quelle: Stadt", DATASET)
    shown = capsys.readouterr().out
    assert shown.count("✗ fehlt") == 5 and "0 von 5 Pflichtangaben sind da." in shown
    credit_checklist(GOOD, DATASET)
    assert "Vollständig: Alle 5 Pflichtangaben sind da." in capsys.readouterr().out


def test_the_form_offers_the_line_only_when_it_is_complete():
    from opendata_kurs.licensing.builder import credit_state, reading_version

    assert credit_state("Quelle: Stadt", DATASET)["line"] == ""
    state = credit_state(GOOD + "\n", DATASET)
    assert state["complete"] and state["line"] == f'quellenvermerk = "{GOOD}"'
    assert reading_version(state).count("<li>") == 5


def test_without_a_browser_the_form_prints_the_list(capsys, monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    credit_builder(DATASET, GOOD)
    assert "Vollständig" in capsys.readouterr().out


@pytest.mark.parametrize(("third", "official", "facts", "name", "expected"), [
    ("ja", "nein", "ja", "nein", None),
    ("nein", "ja", "nein", "nein", "amtliches-werk"),
    ("nein", "nein", "ja", "nein", "dl-de-zero-2.0"),
    ("nein", "nein", "ja", "ja", "dl-de-by-2.0"),
    ("nein", "nein", "nein", "ja", "cc-by-4.0"),
    ("Nein ", "nein", "nein", "NEIN", "cc0-1.0"),
])
def test_decision_path(third, official, facts, name, expected, capsys):
    answers = {"Rechte anderer": third, "amtliches Werk": official, "nur Fakten": facts, "Nennung nötig": name}
    found = recommend_licence(answers)
    assert found.licence == expected and all(len(step) > 20 for step in found.steps)
    assert expected is None or licence(expected).open
    decision_path(answers)
    assert "→ " in capsys.readouterr().out


def test_decision_path_asks_for_what_is_missing():
    with pytest.raises(ValueError, match="„nur Fakten“ fehlt"):
        recommend_licence({"Rechte anderer": "nein", "amtliches Werk": "nein", "nur Fakten": "vielleicht", "Nennung nötig": "ja"})
    with pytest.raises(ValueError, match="„Farbe“ gibt es nicht"):
        recommend_licence({"Farbe": "ja"})


def test_licence_table_speaks_german():
    table = licence_table("dl-de-zero-2.0", "cc-by-nc-4.0", "andere-offen")
    assert list(table["offen"]) == ["ja", "nein", "ja"] and list(table["kommerziell"]) == ["ja", "nein", "unklar"]
    assert len(licence_table()) == 20
