"""The credit line form in a real JupyterLab: it lights up part by part, by keyboard alone, without network."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from .lab import axe, errors

pytestmark = pytest.mark.same_page
FORM = "form.odk-credit"
ALL_RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
CELL_COUNT = "() => window.jupyterapp.shell.currentWidget.content.widgets.length"
PARTS = [
    ("Landeshauptstadt Düsseldorf, Amt für Statistik und Wahlen: ", 1),
    ("„Stadtteilgrenzen“, https://opendata.duesseldorf.de, ", 2),
    ("dl-de/by-2-0 ", 3),
    ("(https://www.govdata.de/dl-de/by-2-0), ", 4),
    ("Daten geändert", 5),
]


@pytest.fixture(scope="module")
def credit_lab(lab):
    lab = lab.at("vermerk")
    nbformat.write(new_notebook(cells=[
        new_markdown_cell("# Vermerk"),
        new_code_cell('from opendata_kurs.licensing import credit_builder\n'
                      'credit_builder(["duesseldorf-stadtteile", "duesseldorf-parkhaeuser"])'),
        new_markdown_cell("Ende"),
    ], metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}), lab.root / "vermerk.ipynb")
    return lab


@pytest.fixture
def form(credit_lab, page, only_local):
    credit_lab.open(page, "vermerk.ipynb")
    assert errors(credit_lab.run_all(page)) == []
    page.locator(FORM).wait_for()
    yield page.locator(FORM)
    credit_lab.close(page)


def test_it_lights_up_part_by_part_by_keyboard(form, page):
    assert form.get_attribute("lang") == "de"
    assert form.locator("li.there").count() == 0 and form.locator("li.missing").count() == 5
    assert form.locator("li.voluntary").count() == 1, "zero asks for nothing"
    assert axe(page, FORM, ALL_RULES) == []
    form.locator("textarea").first.focus()
    for text, done in PARTS:
        page.keyboard.type(text)
        form.locator("li.there:not(.voluntary)", has_text="da").nth(done - 1).wait_for()
        form.get_by_role("status").get_by_text("Vollständig" if done == 5 else f"{done} von 5").wait_for()
    assert form.locator("li.missing").count() == 0
    page.keyboard.press("Tab")
    line = page.evaluate("() => document.activeElement.value")
    assert line.startswith('quellenvermerk = "Landeshauptstadt') and line.endswith('geändert"')
    assert axe(page, FORM, ALL_RULES) == []
    page.keyboard.press("Tab")
    assert not page.evaluate("f => !!document.activeElement.closest(f)", FORM), "Tab leaves the form"


def test_one_key_commands_stay_in_the_field(form, page):
    before = page.evaluate(CELL_COUNT)
    field = form.locator("textarea").first
    field.focus()
    for key in ("x", "d", "d", "a", "j", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    assert field.input_value().startswith("xddaj")
    assert page.evaluate(CELL_COUNT) == before


def test_unchanged_is_no_change_notice_and_a_part_can_go_out_again(form, page):
    field = form.locator("textarea").first
    whole = "".join(text for text, _ in PARTS)
    field.fill(whole)
    form.get_by_role("status").get_by_text("Vollständig").wait_for()
    field.fill(whole.replace("Daten geändert", "Daten unverändert"))
    form.get_by_role("status").get_by_text("4 von 5").wait_for()
    assert "Hinweis, dass die Daten geändert wurden" in form.locator("li.missing").inner_text()


def test_the_text_survives_a_reload_and_the_form_fits_a_phone(form, credit_lab, page):
    form.locator("textarea").first.fill(PARTS[0][0])
    form.get_by_role("status").get_by_text("1 von 5").wait_for()
    credit_lab.save(page)
    page.reload()  # the kernel lives on
    page.locator(FORM).wait_for(timeout=40_000)
    assert page.locator(FORM).locator("textarea").first.input_value() == PARTS[0][0]
    page.evaluate("f => { document.querySelector(f).parentElement.style.width = '300px' }", FORM)
    assert page.evaluate("f => { const n = document.querySelector(f); return n.scrollWidth <= n.clientWidth }", FORM)
