"""The inventory form in a real JupyterLab: filled in, corrected, deleted and undone by keyboard alone, without network."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from opendata_kurs.inventory import load_inventory, save_inventory

from .lab import axe, errors

pytestmark = pytest.mark.same_page
FORM = "section.odk-inventory"
ALL_RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
CELL_COUNT = "() => window.jupyterapp.shell.currentWidget.content.widgets.length"
FOCUS = "() => document.activeElement.name || document.activeElement.textContent"


@pytest.fixture(scope="module")
def inventory_lab(lab):
    """The learner's JupyterLab itself: the inventory lies in the workspace, wherever the notebook is."""
    nbformat.write(new_notebook(cells=[
        new_markdown_cell("# Inventar"),
        new_code_cell("from opendata_kurs import dateninventar\ndateninventar()"),
        new_markdown_cell("Ende"),
    ], metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}), lab.root / "inventar.ipynb")
    return lab


@pytest.fixture
def form(inventory_lab, page, only_local):
    (inventory_lab.root / "dateninventar.csv").unlink(missing_ok=True)
    inventory_lab.open(page, "inventar.ipynb")
    assert errors(inventory_lab.run_all(page)) == []
    page.locator(FORM).wait_for()
    page.set_default_timeout(20_000)
    yield page.locator(FORM)
    inventory_lab.close(page)


def _status(form, text):
    form.get_by_role("status").get_by_text(text).wait_for()


def _go_to(page, name):
    """Press Tab until the control with this name or text has the focus."""
    for _ in range(40):
        if page.evaluate(FOCUS).startswith(name):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{name} is not reached by Tab; focus on {page.evaluate(FOCUS)}")


def _choose(page, name, presses):
    _go_to(page, name)
    for _ in range(presses):
        page.keyboard.press("ArrowDown")


def test_an_entry_from_interview_to_file_by_keyboard(form, page, inventory_lab):
    assert form.get_attribute("lang") == "de"
    assert axe(page, FORM, ALL_RULES) == []
    form.locator("[name=titel]").focus()
    page.keyboard.type("Spielplätze")
    _go_to(page, "ansprechstelle")
    page.keyboard.type("Frau Brandt")
    page.keyboard.press("Enter")
    _status(form, "Noch nicht gespeichert: 4 Felder passen noch nicht.")
    page.wait_for_function(f"({FOCUS})() === 'amt'")
    assert form.locator("[aria-invalid=true]").count() == 4
    assert "keine Person" in form.locator("[id$=ansprechstelle-error]").inner_text()
    assert axe(page, FORM, ALL_RULES) == [], "with errors"
    page.keyboard.type("Gartenamt")
    _go_to(page, "ansprechstelle")
    page.keyboard.press("Control+a")
    page.keyboard.type("Gartenamt, Abteilung Spielplätze")
    _choose(page, "personenbezug", 1)
    _choose(page, "rechte_dritter", 1)
    _choose(page, "entscheidung", 1)
    _go_to(page, "Eintrag speichern")
    page.keyboard.press("Enter")
    _status(form, "Gespeichert in dateninventar.csv: „Spielplätze“.")
    row = load_inventory(inventory_lab.root).iloc[0]
    assert row[["titel", "amt", "personenbezug", "rechte_dritter", "entscheidung", "status"]].tolist() == [
        "Spielplätze", "Gartenamt", "nein", "keine", "offen", "erfasst"]
    page.wait_for_function(f"({FOCUS})() === 'titel'")
    assert form.locator("[name=titel]").input_value() == "", "ready for the next entry"
    assert form.locator("[aria-invalid=true]").count() == 0
    assert axe(page, FORM, ALL_RULES) == [], "with an entry"


def test_edit_delete_and_undo_by_keyboard(form, page, inventory_lab):
    save_inventory([{"titel": t, "amt": "Gartenamt", "personenbezug": "nein", "rechte_dritter": "keine"} for t in ("Bäume", "Beete")],
                   inventory_lab.root)
    form.get_by_role("button", name="Neu laden").focus()
    page.keyboard.press("Enter")
    _status(form, "2 Einträge gelesen.")
    form.get_by_role("button", name="Bearbeiten „Beete“").focus()
    page.keyboard.press("Space")
    form.get_by_text("Eintrag bearbeiten: Beete").wait_for()
    assert page.evaluate(FOCUS) == "titel"
    page.keyboard.press("End")
    page.keyboard.type(" und Wiesen")
    page.keyboard.press("Enter")
    _status(form, "Geändert: „Beete und Wiesen“.")
    form.get_by_role("button", name="Löschen „Bäume“").focus()
    page.keyboard.press("Enter")
    _status(form, "„Bäume“ ist gelöscht.")
    assert load_inventory(inventory_lab.root)["titel"].tolist() == ["Beete und Wiesen"]
    page.wait_for_function(f"({FOCUS})() === 'Rückgängig'")
    page.keyboard.press("Enter")
    _status(form, "„Bäume“ ist wieder da.")
    assert load_inventory(inventory_lab.root)["titel"].tolist() == ["Bäume", "Beete und Wiesen"]


def test_one_key_commands_stay_in_the_form(form, page):
    before = page.evaluate(CELL_COUNT)
    form.locator("[name=titel]").focus()
    for key in ("x", "d", "d", "a", "j"):
        page.keyboard.press(key)
    assert form.locator("[name=titel]").input_value() == "xddaj"
    form.get_by_role("button", name="Rückgängig").focus()
    for key in ("x", "d", "d"):
        page.keyboard.press(key)
    assert page.evaluate(CELL_COUNT) == before


def test_it_fits_a_phone_and_survives_a_reload(form, page, inventory_lab):
    save_inventory([{"titel": "Straßenbeleuchtungsanlagenverzeichnis", "amt": "Tiefbauamt", "personenbezug": "nein",
                     "rechte_dritter": "keine"}], inventory_lab.root)
    form.get_by_role("button", name="Neu laden").click()
    _status(form, "1 Eintrag gelesen.")
    inventory_lab.save(page)
    page.reload()
    page.locator(FORM).get_by_role("button", name="Bearbeiten „Straßen").wait_for()
    page.evaluate("f => { document.querySelector(f).parentElement.style.width = '300px' }", FORM)
    assert page.evaluate("f => { const n = document.querySelector(f); return n.scrollWidth <= n.clientWidth }", FORM)
