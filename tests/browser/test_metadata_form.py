"""The metadata form in a real browser: keyboard only, axe, and the values that reach the kernel.

The browser runs form.js on a bare page; its messages go to the real Python widget and the answers come back, so
both halves of the form are tested without the weight of JupyterLab.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from opendata_kurs.publishing import Metadata, validate_metadata
from opendata_kurs.publishing.form import FILES, MetadataForm

TABLES = Path(__file__).parents[1] / "fixtures" / "tabellen"
PAGE = """<!doctype html><html lang="de"><head><meta charset="utf-8"><title>Formular</title><style>%s</style></head><body><main><h1>Formular</h1>
<div id="here"></div></main><script type="module">
const state = %s; const handlers = {};
window.model = { get: (k) => state[k], on: (e, f) => (handlers[e] ??= []).push(f), off: () => {}, send: async (m) => {
  const fresh = await window.kernel(JSON.stringify(m));
  for (const [k, v] of Object.entries(JSON.parse(fresh))) { const old = JSON.stringify(state[k]); state[k] = v;
    if (old !== JSON.stringify(v)) (handlers["change:" + k] ?? []).forEach((f) => f()); } } };
%s
render({ model: window.model, el: document.getElementById("here") }); window.ready = true;
</script></body></html>"""


class Shown:
    """A form on a page together with its kernel half."""

    def __init__(self, chromium, metadata: Metadata, folder: Path, width: int = 1000):
        self.widget = MetadataForm(metadata, folder)
        self.page = chromium.new_page(viewport={"width": width, "height": 900}, locale="de-DE")
        self.foreign, self.errors = [], []
        self.page.on("request", lambda r: self.foreign.append(r.url) if r.url.startswith("http") else None)
        self.page.on("pageerror", lambda e: self.errors.append(str(e)))
        self.page.expose_function("kernel", self.kernel)
        script = self.widget._esm.replace("export default { render };", "")
        page = folder / "seite.html"
        page.write_text(PAGE % (self.widget._css, json.dumps(self.state()), script), "utf-8")
        self.page.goto(page.as_uri())
        self.page.wait_for_function("window.ready")

    def state(self) -> dict:
        return {k: getattr(self.widget, k) for k in ("groups", "values", "findings", "status", "answer", "seen")}

    def kernel(self, message: str) -> str:
        self.widget.receive(json.loads(message))
        return json.dumps({k: v for k, v in self.state().items() if k != "groups"})

    def focused(self) -> str:
        """Label of the focused control."""
        return self.page.evaluate("""() => { const a = document.activeElement; const l = a.labels?.[0];
          return (l ? l.innerText : a.innerText || '').replace(/\\s+/g, ' ').trim(); }""")

    def tab_to(self, label: str) -> None:
        for _ in range(80):
            self.page.keyboard.press("Tab")
            if self.focused().startswith(label):
                return
        raise AssertionError(f"{label} cannot be reached by Tab")

    def choose(self, label: str, option: str) -> None:
        """Choose in a list with the arrow key."""
        self.tab_to(label)
        for _ in range(30):
            self.page.keyboard.press("ArrowDown")
            if self.page.evaluate("document.activeElement.selectedOptions[0].textContent").startswith(option):
                return
        raise AssertionError(f"{option} is no choice of {label}")


@pytest.fixture
def empty(chromium, tmp_path):
    metadata = Metadata()
    metadata.add_file(TABLES / "sauber.csv", url="https://portal.example/sauber.csv")
    shown = Shown(chromium, metadata, tmp_path)
    yield shown
    shown.page.close()


def test_filled_by_keyboard_only(empty, tmp_path):
    keys = empty.page.keyboard
    for label, text in [("Titel", "Spielplätze"), ("Beschreibung", "Alle Spielplätze mit Lage.")]:
        empty.tab_to(label)
        keys.type(text)
    empty.tab_to("Bildung, Kultur und Sport")
    keys.press("Space")
    for label, text in [("Schlagwörter", "Spielplatz, Kinder"), ("Herausgeber", "Stadt Musterstadt"), ("Ansprechstelle", "Open-Data-Team"),
                        ("E-Mail", "opendata@musterstadt.example")]:
        empty.tab_to(label)
        keys.type(text)
    empty.choose("Datenbereitsteller", "Open.NRW")
    empty.choose("Lizenz", "Datenlizenz Deutschland – Zero")
    for label, text in [("Gebiet", "Musterstadt"), ("Rahmen", "6.69, 51.12, 6.94, 51.35"), ("Zeitraum von", "2024-01-01"), ("Zeitraum bis", "2024-12-31"),
                        ("Veröffentlicht am", "2025-01-15"), ("Geändert am", "01.02.2025")]:
        empty.tab_to(label)
        keys.type(text)
    empty.choose("Aktualisierung", "jährlich")
    empty.tab_to("Angaben prüfen")
    keys.press("Enter")
    empty.page.wait_for_function("document.querySelector('.odm-status').textContent.includes('Fehler')")
    # the German date is named beside its field and in the list; the list leads back to the field
    assert "JJJJ-MM-TT, hier: 2025-02-01" in empty.page.locator("[aria-invalid='true'] ~ .odm-note").inner_text()
    empty.tab_to("Angaben speichern")
    empty.tab_to("Geändert am")
    keys.press("Enter")
    assert empty.focused().startswith("Geändert am")
    keys.press("Control+A")
    keys.type("2025-02-01")
    empty.tab_to("Angaben prüfen")
    keys.press("Enter")
    empty.page.wait_for_function("document.querySelector('.odm-status').textContent.startsWith('Alles')")
    empty.tab_to("Angaben speichern")
    keys.press("Space")
    empty.page.wait_for_function("document.querySelector('.odm-status').textContent.startsWith('Gespeichert')")
    metadata = empty.widget.metadata
    assert (metadata.title, metadata.themes, metadata.license, metadata.frequency) == ("Spielplätze", ["EDUC"], "dl-de-zero-2.0", "ANNUAL")
    assert metadata.bbox == [6.69, 51.12, 6.94, 51.35] and metadata.keywords == ["Spielplatz", "Kinder"]
    assert all((tmp_path / name).is_file() for name in FILES)
    assert validate_metadata(tmp_path / "metadaten.ttl").findings == []
    assert empty.errors == [] and empty.foreign == []


def axe_violations(page) -> list:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    result = axe.Axe().run(page, options={"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}})
    return [(v["id"], v["nodes"][0]["html"][:150]) for v in result.response["violations"]]


@pytest.mark.parametrize("width", [1000, 360])
def test_axe_finds_nothing(chromium, tmp_path, width):
    shown = Shown(chromium, Metadata(license="unbekannt"), tmp_path, width)
    assert axe_violations(shown.page) == []
    shown.page.get_by_role("button", name="Angaben prüfen").click()
    shown.page.wait_for_selector(".odm-findings li")
    assert axe_violations(shown.page) == []
    assert shown.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    shown.page.close()


def test_shortcuts_are_suppressed_but_saving_works(empty):
    controls = empty.page.evaluate("""() => [...document.querySelectorAll('.odm input, .odm select, .odm textarea, .odm button')]
      .filter((c) => c.getAttribute('data-lm-suppress-shortcuts') !== 'true').length""")
    assert controls == 0
    empty.tab_to("Titel")
    empty.page.keyboard.down("Control")
    assert empty.page.evaluate("document.activeElement.hasAttribute('data-lm-suppress-shortcuts')") is False
    empty.page.keyboard.up("Control")
    assert empty.page.evaluate("document.activeElement.getAttribute('data-lm-suppress-shortcuts')") == "true"


def test_given_values_are_shown_and_unknown_ones_stay_visible(chromium, tmp_path):
    shown = Shown(chromium, Metadata(title="Bäume", themes=["ENVI"], frequency="manchmal"), tmp_path)
    assert shown.page.get_by_label("Titel").input_value() == "Bäume"
    assert shown.page.get_by_label("Umwelt", exact=True).is_checked()
    assert "nicht in der Liste" in shown.page.get_by_label("Aktualisierung").evaluate("e => e.selectedOptions[0].textContent")
    shown.page.close()


def test_reading_version_without_a_browser(tmp_path):
    html = MetadataForm(Metadata(title="<b>Bäume</b>", themes=["ENVI"]), tmp_path).static_html()
    assert "&lt;b&gt;Bäume" in html and "Umwelt" in html and 'lang="de"' in html
