"""What people read on a dataset's page."""

from __future__ import annotations

import json

from opendata_portal.labels import portal_extras, readable

EU = "http://publications.europa.eu/resource/authority/"


def test_codes_become_words():
    assert readable(EU + "frequency/ANNUAL") == [("jährlich", EU + "frequency/ANNUAL")]
    assert [text for text, _ in readable(json.dumps([EU + "data-theme/ENVI", EU + "data-theme/TRAN"]))] == [
        "Umwelt",
        "Verkehr",
    ]
    assert readable(json.dumps({"type": "Point", "coordinates": [6.8, 51.2]}))[0][0].startswith("Punkt")
    assert readable("https://stadt.example/x") == [("https://stadt.example/x", "https://stadt.example/x")]
    assert readable("[kein JSON") == [("[kein JSON", None)]


def test_order_and_unknown_keys():
    extras = [
        {"key": "zusatz", "value": "1"},
        {"key": "frequency", "value": "x"},
        {"key": "theme", "value": "y"},
    ]
    extras.append({"key": "language", "value": ""})
    assert [label for label, _ in portal_extras(extras)] == ["Thema", "Wird aktualisiert", "zusatz"]
    assert portal_extras(None) == []


def test_page_is_german(application, datasets):
    page = application._wsgi_app.test_client().get("/dataset/test-baumkataster").text
    assert "stichtag" in page and "facebook" not in page.lower()
