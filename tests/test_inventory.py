"""The data inventory: file, rules, German errors, and the form's kernel side (save, edit, delete, undo)."""

import pandas as pd
import pytest

from opendata_kurs import inventory
from opendata_kurs.inventory import (
    COLUMNS,
    InventoryError,
    clean_entry,
    entry_problems,
    load_inventory,
    save_inventory,
    set_status,
)
from opendata_kurs.inventory_widget import InventoryWidget

GOOD = {
    "titel": "Spielplätze", "amt": "Gartenamt", "ansprechstelle": "Gartenamt, Abteilung Spielplätze", "format": "Excel",
    "personenbezug": "nein", "rechte_dritter": "keine", "entscheidung": "offen", "grund": "viele Anfragen, nichts steht dagegen",
}  # fmt: skip
LATER = {**GOOD, "titel": "Bäume", "entscheidung": "später", "grund": "Das Fachverfahren hat noch keinen Export."}


def problems(**changes):
    return entry_problems(clean_entry({**GOOD, **changes}))


def test_columns_are_the_agreed_ones():
    assert set(inventory.FIELDS) == set(COLUMNS) and len(COLUMNS) == 15
    assert all(name.isascii() and name == name.lower() for name in COLUMNS)


def test_there_and_back(tmp_path):
    path = save_inventory([GOOD, {**LATER, "nachfrage": 'Rat, Presse; Verein „Grün“ und "andere"\nim Frühjahr'}], tmp_path)
    assert path == tmp_path / "dateninventar.csv"
    text = path.read_bytes().decode("utf-8")
    assert text.splitlines()[0] == ",".join(COLUMNS) and "\r" not in text and not text.startswith("\ufeff")
    table = load_inventory(tmp_path)
    assert list(table.columns) == list(COLUMNS) and list(table["titel"]) == ["Spielplätze", "Bäume"]
    assert table["nachfrage"].iloc[1] == 'Rat, Presse; Verein „Grün“ und "andere" im Frühjahr'
    assert table["status"].tolist() == ["erfasst", "erfasst"] and table["fachverfahren"].iloc[0] == ""
    save_inventory(table, tmp_path)
    assert path.read_bytes().decode("utf-8") == text
    assert [p.name for p in tmp_path.iterdir()] == ["dateninventar.csv"]


def test_no_file_is_an_empty_table(tmp_path):
    table = load_inventory(tmp_path)
    assert table.empty and list(table.columns) == list(COLUMNS)


def test_the_workspace_is_found_from_a_chapter(tmp_path, monkeypatch):
    (tmp_path / ".open-data-kurs").mkdir()
    (tmp_path / "01_was_ist_open_data").mkdir()
    monkeypatch.chdir(tmp_path / "01_was_ist_open_data")
    save_inventory([GOOD])
    assert (tmp_path / "dateninventar.csv").is_file()
    monkeypatch.chdir(tmp_path)
    assert len(load_inventory()) == 1


def test_what_excel_makes_of_it_is_read(tmp_path):
    text = "\ufefftitel;amt;personenbezug;rechte_dritter;entscheidung;grund\r\nBäume;Gartenamt;nein;keine;offen;gefragt, oft\r\n;;;;;\r\n"
    (tmp_path / "dateninventar.csv").write_bytes(text.encode("utf-8"))
    table = load_inventory(tmp_path)
    assert table["titel"].tolist() == ["Bäume"] and table["grund"].iloc[0] == "gefragt, oft"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("titel,amt\nBäume,Gartenämter".encode("cp1252"), "nicht in UTF-8"),
        (b"titel,ammt\nx,y", "„ammt“. Meinten Sie „amt“"),
        (b"amt\ny", "fehlt die Spalte „titel“"),
        (b"titel,titel\nx,y", "zweimal"),
        (b"titel,amt\nx,y\na,b,c", "Zeile 3: Hier stehen mehr Werte"),
        (b"titel\n" + b"x\n" * 501, "höchstens 500"),
    ],
)
def test_a_damaged_file_is_explained_in_german(tmp_path, content, words):
    (tmp_path / "dateninventar.csv").write_bytes(content)
    with pytest.raises(ValueError, match=words):
        load_inventory(tmp_path)


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"titel": " "}, "titel", "füllen Sie dieses Feld aus"),
        ({"personenbezug": ""}, "personenbezug", "wählen Sie"),
        ({"personenbezug": "vielleicht"}, "personenbezug", "Möglich sind: nein, ja, aggregierbar."),
        ({"ansprechstelle": "Frau Brandt"}, "ansprechstelle", "keine Person"),
        ({"ansprechstelle": "petra.brandt@musterstadt.example"}, "ansprechstelle", "keine Person"),
        ({"entscheidung": "nein", "grund": ""}, "grund", "Bei „nein“ gehört ein Grund dazu"),
        ({"personenbezug": "ja"}, "entscheidung", "Personenbezogene Daten sind kein Open Data"),
        ({"rechte_dritter": "ungeklärt"}, "entscheidung", "passt „später“"),
        ({"status": "veröffentlicht", "entscheidung": "nein"}, "status", "passt nur zur Entscheidung „offen“"),
    ],
)
def test_contradictions_are_named_at_their_field(changes, field, words):
    found = problems(**changes)
    assert list(found) == [field] and words in found[field]


@pytest.mark.parametrize(
    "changes",
    [{}, {"entscheidung": "", "grund": ""}, {"personenbezug": "aggregierbar"}, {"personenbezug": "ja", "entscheidung": "nein"},
     {"ansprechstelle": "spielplatz@musterstadt.example"}, {"ansprechstelle": "Amt 67, Frauenbüro"}, {"status": "veröffentlicht"}],
)
def test_honest_entries_pass(changes):
    assert problems(**changes) == {}


def test_nothing_is_written_when_an_entry_is_wrong(tmp_path):
    with pytest.raises(InventoryError, match=r"Eintrag 2 .„Bäume“., Feld „Grund“") as caught:
        save_inventory([GOOD, {**LATER, "grund": ""}], tmp_path)
    assert list(caught.value.fields) == ["grund"]
    with pytest.raises(InventoryError, match="Diesen Titel gibt es"):
        save_inventory([GOOD, {**GOOD, "titel": "SPIELPLÄTZE"}], tmp_path)
    with pytest.raises(InventoryError, match="gehören nicht zum Dateninventar: notiz"):
        save_inventory(pd.DataFrame([GOOD]).assign(notiz="x"), tmp_path)
    with pytest.raises(InventoryError, match="konnte nicht gespeichert werden"):
        save_inventory([GOOD], tmp_path / "fehlt")
    assert not list(tmp_path.iterdir())


def test_checking_saves_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert [e["titel"] for e in inventory.check_inventory([GOOD, LATER])] == ["Spielplätze", "Bäume"]
    with pytest.raises(InventoryError, match="keine Person"):
        inventory.check_inventory([{**GOOD, "ansprechstelle": "Frau Brandt"}])
    assert not list(tmp_path.iterdir())


def test_chapter_four_sets_the_status(tmp_path):
    save_inventory([GOOD, LATER], tmp_path)
    set_status("spielplätze", folder=tmp_path)
    assert load_inventory(tmp_path)["status"].tolist() == ["veröffentlicht", "erfasst"]
    with pytest.raises(InventoryError, match="Meinten Sie „Spielplätze“"):
        set_status("Spielplaetze", folder=tmp_path)
    with pytest.raises(InventoryError, match="passt nur"):
        set_status("Bäume", folder=tmp_path)


def test_gaps_of_a_table_become_empty(tmp_path):
    save_inventory(pd.DataFrame([GOOD]).assign(nachfrage=None, raumbezug=float("nan")), tmp_path)
    assert load_inventory(tmp_path).loc[0, ["nachfrage", "raumbezug"]].tolist() == ["", ""]


# the form ------------------------------------------------------------------------------------


class Form:
    """The browser's side: sends numbered messages."""

    def __init__(self, folder):
        self.widget, self.number = InventoryWidget(folder), 0

    def send(self, kind, **message):
        self.number += 1
        self.widget._receive(None, {"type": kind, "number": self.number, **message}, None)
        assert self.widget.seen == self.number
        return self.widget.state

    def titles(self):
        return [row["titel"] for row in self.widget.state["rows"]]


@pytest.fixture
def form(tmp_path):
    return Form(tmp_path)


def test_add_edit_delete_and_undo_reach_the_file(form, tmp_path):
    assert "Noch kein Eintrag" in form.widget.state["status"] and not list(tmp_path.iterdir())
    assert form.send("save", row=None, entry=GOOD)["status"] == "Gespeichert in dateninventar.csv: „Spielplätze“."
    form.send("save", row=None, entry=LATER)
    form.send("save", row=0, entry={**GOOD, "titel": "Spielplätze und Bolzplätze"})
    assert load_inventory(tmp_path)["titel"].tolist() == ["Spielplätze und Bolzplätze", "Bäume"]
    assert "„Rückgängig“ holt den Eintrag zurück" in form.send("delete", row=0)["status"]
    assert load_inventory(tmp_path)["titel"].tolist() == ["Bäume"]
    assert form.send("undo")["status"] == "„Spielplätze und Bolzplätze“ ist wieder da."
    assert form.send("undo")["status"] == "Die Änderung an „Spielplätze und Bolzplätze“ ist zurückgenommen."
    form.send("undo")
    assert load_inventory(tmp_path)["titel"].tolist() == form.titles() == ["Spielplätze"]
    form.send("undo")
    assert form.send("undo")["status"] == "Es gibt nichts rückgängig zu machen."
    assert load_inventory(tmp_path).empty


def test_an_existing_file_is_read_back(form, tmp_path):
    form.send("save", row=None, entry=GOOD)
    again = Form(tmp_path)
    assert again.titles() == ["Spielplätze"] and again.widget.state["status"] == "1 Eintrag gelesen."
    assert again.widget.state["rows"][0]["entscheidung_text"] == "offen"


def test_errors_stay_at_their_fields_and_nothing_is_saved(form, tmp_path):
    state = form.send("save", row=None, entry={**GOOD, "titel": "", "entscheidung": "nein", "grund": ""})
    assert state["outcome"] == "invalid" and set(state["errors"]) == {"titel", "grund"}
    assert state["status"] == "Noch nicht gespeichert: 2 Felder passen noch nicht." and not list(tmp_path.iterdir())
    form.send("save", row=None, entry=GOOD)
    assert "titel" in form.send("save", row=None, entry=GOOD)["errors"], "the same title again"
    assert form.send("save", row=0, entry=GOOD)["outcome"] == "ok", "an entry does not collide with itself"


def test_a_damaged_file_is_never_overwritten(tmp_path):
    file = tmp_path / "dateninventar.csv"
    file.write_bytes("titel\nGärten".encode("cp1252"))
    form = Form(tmp_path)
    assert form.widget.state["outcome"] == "damaged" and "Neu laden" in form.widget.state["status"]
    for kind in ("save", "delete", "undo"):
        form.send(kind, row=0, entry=GOOD)
    assert file.read_bytes() == "titel\nGärten".encode("cp1252")
    file.write_bytes("titel\nGärten".encode())
    assert form.send("reload")["outcome"] == "ok" and form.titles() == ["Gärten"]


def test_a_change_from_elsewhere_is_not_lost(form, tmp_path):
    form.send("save", row=None, entry=GOOD)
    set_status("Spielplätze", folder=tmp_path)
    state = form.send("save", row=None, entry=LATER)
    assert state["outcome"] == "failed" and "an anderer Stelle geändert" in state["status"]
    assert state["rows"][0]["status"] == "veröffentlicht" and form.titles() == ["Spielplätze"]
    form.send("save", row=None, entry=LATER)
    assert load_inventory(tmp_path)["titel"].tolist() == ["Spielplätze", "Bäume"]


@pytest.mark.parametrize("message", [None, {}, {"type": "save"}, {"type": "delete", "row": "0", "number": 1},
                                     {"type": "delete", "row": True, "number": 1}, {"type": "delete", "row": 9, "number": 1},
                                     {"type": "save", "entry": "x", "number": 1}, {"type": "x", "number": 1}])
def test_nonsense_changes_nothing(form, tmp_path, message):
    form.send("save", row=None, entry=GOOD)
    before = (tmp_path / "dateninventar.csv").read_bytes()
    form.widget._receive(None, message, None)
    assert (tmp_path / "dateninventar.csv").read_bytes() == before and form.titles() == ["Spielplätze"]


def test_odd_values_become_text(form, tmp_path):
    form.send("save", row=None, entry={**GOOD, "nachfrage": ["a", 1], "fachverfahren": None, "grund": "x" * 900 + "\ud800"})
    row = load_inventory(tmp_path).iloc[0]
    assert row["nachfrage"] == "['a', 1]" and row["fachverfahren"] == "" and len(row["grund"]) == 500


def test_pages_without_kernel_show_the_guide(form):
    form.send("save", row=None, entry={**GOOD, "titel": "<b>Bäume</b>"})
    html = form.widget._repr_mimebundle_()["text/html"] if isinstance(form.widget._repr_mimebundle_(), dict) else \
        form.widget._repr_mimebundle_()[0]["text/html"]
    assert "Wer fragt wie oft wonach?" in html and "&lt;b&gt;Bäume" in html and "<script" not in html


def test_while_grading_there_is_no_widget(monkeypatch, tmp_path):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    bundle = inventory.dateninventar(tmp_path)._repr_mimebundle_()
    assert "Leitfaden" in bundle["text/html"]
