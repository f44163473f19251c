"""Licences, combinations and credit lines: facts from the course's own tables, expectations written by hand."""

import itertools
import unicodedata

import pytest
import yaml
from places import ROOT

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


@pytest.mark.parametrize(("wrong", "right"), [("dl-de-by-2", "dl-de-by-2.0"), ("dl-de/by-2.0", "dl-de-by-2.0"), ("CC BY 4.0", "cc-by-4.0"), ("odbl", "odbl-1.0"),
                                                ("dl-de-by", "dl-de-by-2.0"), ("DL-DE-BY-2.0", "dl-de-by-2.0"), ("dl-by-de/2.0", "dl-de-by-2.0"),
                                                ("Datenlizenz Deutschland Namensnennung 2.0", "dl-de-by-2.0"), ("zero", "dl-de-zero-2.0"), ("cc-by-sa", "cc-by-sa-4.0")])
def test_unknown_id_suggests_the_nearest(wrong, right):
    with pytest.raises(UnknownLicenceError) as caught:
        licence(wrong)
    assert f"Meinten Sie „{right}“?" in str(caught.value)


@pytest.mark.parametrize("wrong", ["gibtsnicht", "", None, 5, []])
def test_nothing_is_suggested_where_nothing_is_near(wrong):
    with pytest.raises(UnknownLicenceError, match=r"kennt der Kurs nicht. Alle Kennungen"):
        licence(wrong)


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


def test_a_work_cannot_keep_two_promises_that_contradict_each_other():
    result = combine("cc-by-nc-4.0", "cc-by-sa-4.0", "produced_work")
    assert (result.licence, result.licences, result.disputed, result.allowed) == (None, (), True, "erst klären")
    assert "widersprechen sich" in result.reason and "Erlaubnis" in result.note


# Cases of the course's own question files: sources, purpose, words of the right option, what combine says.
K2_COMBINATIONS = {
    "K2-22": ("dl-de-by-2.0", "dl-de-zero-2.0", "derived_database", "dl-de/by-2-0", ("dl-de-by-2.0", "cc-by-4.0"), False),
    "K2-23": ("cc-by-sa-4.0", "odbl-1.0", "derived_database", "Nein", (), False),
    "K2-24": ("dl-de-zero-2.0", "odbl-1.0", "collective_database", "© OpenStreetMap-Mitwirkende", ("dl-de-zero-2.0", "odbl-1.0"), False),
    "K2-26": ("dl-de-by-2.0", "odbl-1.0", "derived_database", "oder sie wählt zero", ("odbl-1.0",), True),
}


def asked(name: str, case: str) -> dict[str, bool]:
    """Return option -> right of the question about a case."""
    questions = yaml.safe_load((ROOT / "course/02_lizenzen/fragen" / f"{name}.yml").read_text(encoding="utf-8"))["fragen"]
    options = next(q["optionen"] for q in questions if q.get("fall") == case)
    return {o.get("richtig") or o["falsch"]: "richtig" in o for o in options}


@pytest.mark.parametrize("case", K2_COMBINATIONS)
def test_the_cases_of_the_question_files_give_the_documented_answer(case):
    a, b, purpose, words, permitted, disputed = K2_COMBINATIONS[case]
    assert words in next(text for text, right in asked("uebung-04-kombinieren", case).items() if right)
    result = combine(a, b, purpose)
    assert (set(result.licences), result.disputed) == (set(permitted), disputed)
    if case == "K2-24":
        assert any("OpenStreetMap-Mitwirkende" in d for d in combine(a, b, "produced_work").duties)


def test_the_licence_table_gives_the_documented_answer_to_the_cases_about_one_licence():
    by_short = {entry.short: entry for entry in licences()}
    assert {text: bool(by_short[text].hvd) for text in asked("uebung-02-welche-lizenz", "K2-18")} == asked("uebung-02-welche-lizenz", "K2-18")
    facts = {"Rechte anderer": "nein", "amtliches Werk": "nein", "nur Fakten": "ja", "Nennung nötig": "nein"}
    assert asked("uebung-02-welche-lizenz", "K2-17")[licence(recommend_licence(facts).licence).short]
    official = {**facts, "amtliches Werk": "ja"}
    assert recommend_licence(official).licence == "amtliches-werk"
    assert "amtliches Werk" in next(text for text, right in asked("uebung-02-welche-lizenz", "K2-10").items() if right)
    assert "je nach Version" in licence("cc-by-generisch").covers["datenbankherstellerrecht"], "K2-27: without a version nobody knows"


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


@pytest.mark.parametrize(("text", "missing"), [
    (GOOD.upper(), []),
    (unicodedata.normalize("NFD", GOOD), []),
    (GOOD.replace(" ", "\u00a0"), []),
    (GOOD.replace("by-2-0", "by\u20112\u20110", 1), []),
    (GOOD.replace("Statistik", "Statis\u00adtik"), []),
    (GOOD.replace(", ", ",\r\n"), []),
    (GOOD.replace("Amt für", "Amt\nfür"), []),
    (GOOD.replace("ü", "&uuml;").replace("ä", "&auml;"), []),
    (GOOD.replace("dl-de/by-2-0 (", "Datenlizenz Deutschland —\nNamensnennung — Version 2.0 ("), []),
    ('<p>' + GOOD.replace("dl-de/by-2-0 (https://www.govdata.de/dl-de/by-2-0)", '<a href="https://www.govdata.de/dl-de/by-2-0">dl-de/by-2-0</a>') + "</p>", []),
    (GOOD.replace("dl-de/by-2-0 (https://www.govdata.de/dl-de/by-2-0)", '<a href="https://www.govdata.de/dl-de/by-2-0">Lizenz</a>'), ["licence"]),
    (GOOD.replace("dl-de/by-2-0 (", "Datenlizenz Deutschland – Zero – Version 2.0 ("), ["licence"]),
    (GOOD.replace("dl-de/by-2-0 (", "dl-de/by-1-0 ("), ["licence"]),
    (GOOD.replace("Wahlen", "Wahlenhausen"), ["provider"]),
], ids=["upper", "decomposed", "no-break space", "no-break hyphen", "soft hyphen", "line breaks", "break in the name", "entities", "long name",
        "html", "html link alone", "zero", "old version", "longer name"])
def test_how_a_credit_line_is_written_makes_no_difference_but_what_it_says(text, missing):
    assert [m.part for m in check_credit_line(text, DATASET)] == missing


@pytest.mark.parametrize("notice", ["Daten unverändert", "UNVERÄNDERT", "nichts geändert", "Daten nicht\ngeändert", "nicht wesentlich verändert", "ohne Änderungen",
                                    "keine Bearbeitung", "keineswegs gekürzt", "unbearbeitet", "Änderungsdatum 2026"])
def test_this_is_no_change_notice(notice):
    assert [m.part for m in check_credit_line(GOOD.replace("Daten geändert (vereinfacht)", notice), DATASET)] == ["change"]


@pytest.mark.parametrize("notice", ["Daten geändert", "DATEN GEÄNDERT", "Daten geaendert", "gerundet", "Änderung: Spalten gelöscht", "eigene Bearbeitung",
                                    "Koordinaten unverändert, Spalten gelöscht", "nicht nur gekürzt, auch verändert"])
def test_this_is_a_change_notice(notice):
    assert check_credit_line(GOOD.replace("Daten geändert (vereinfacht)", notice), DATASET) == []


@pytest.mark.parametrize(("text", "dataset", "error", "words"), [
    (None, DATASET, TypeError, "ist ein Text in Anführungszeichen"),
    (GOOD, None, TypeError, "Erwartet wird ein Kurzname"),
    (GOOD, [5], TypeError, "Erwartet wird ein Kurzname"),
    (GOOD, {"title": "x"}, ValueError, "fehlt „publisher“"),
    (GOOD, {"publisher": "x", "licence_id": "dl-de-by"}, UnknownLicenceError, "Meinten Sie „dl-de-by-2.0“"),
])
def test_wrong_arguments_are_explained(text, dataset, error, words):
    with pytest.raises(error, match=words):
        check_credit_line(text, dataset)


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
