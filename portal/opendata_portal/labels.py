"""German labels for what the portal knows of a dataset, for people rather than machines."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from opendata_portal.content import THEMES

LABELS = {
    "theme": "Thema",
    "publisher_name": "Herausgeber",
    "publisher_uri": "Herausgeber (URI)",
    "publisher_email": "E-Mail des Herausgebers",
    "publisher_url": "Webseite des Herausgebers",
    "creator_name": "Urheber",
    "contact_name": "Kontakt",
    "contact_email": "E-Mail des Kontakts",
    "contact_uri": "Kontakt (URI)",
    "issued": "Veröffentlicht am",
    "modified": "Geändert am",
    "temporal_start": "Zeitraum von",
    "temporal_end": "Zeitraum bis",
    "spatial": "Raumbezug",
    "spatial_uri": "Raumbezug (URI)",
    "spatial_text": "Ort",
    "spatial_bbox": "Raumbezug (Rechteck)",
    "spatial_centroid": "Raumbezug (Mittelpunkt)",
    "frequency": "Wird aktualisiert",
    "language": "Sprache",
    "access_rights": "Zugang",
    "availability": "Geplante Verfügbarkeit",
    "identifier": "Kennung",
    "contributorID": "Datenbereitsteller-ID",
    "licenseAttributionByText": "Namensnennung",
    "politicalGeocodingLevelURI": "Verwaltungsebene",
    "politicalGeocodingURI": "Verwaltungsgebiet",
    "geocodingDescription": "Ortsangabe",
    "legalBasis": "Rechtsgrundlage",
    "hvd_category": "Kategorie hochwertiger Daten",
    "applicable_legislation": "Geltendes Recht",
    "conforms_to": "Standard",
    "documentation": "Dokumentation",
    "provenance": "Herkunft",
    "version_notes": "Änderungshinweis",
}
_VALUES = {
    "data-theme": {name.upper(): title for name, title in THEMES.items()},
    "language": {"DEU": "Deutsch", "ENG": "Englisch"},
    "access-right": {"PUBLIC": "öffentlich", "RESTRICTED": "eingeschränkt", "NON_PUBLIC": "nicht öffentlich"},
    "frequency": {
        "CONT": "laufend",
        "UPDATE_CONT": "laufend",
        "DAILY": "täglich",
        "WEEKLY": "wöchentlich",
        "MONTHLY": "monatlich",
        "QUARTERLY": "vierteljährlich",
        "ANNUAL_2": "halbjährlich",
        "ANNUAL": "jährlich",
        "BIENNIAL": "alle zwei Jahre",
        "IRREG": "unregelmäßig",
        "NEVER": "nie",
        "UNKNOWN": "unbekannt",
    },
    "planned-availability": {
        "AVAILABLE": "mehrere Jahre",
        "EXPERIMENTAL": "Versuch, etwa ein Jahr",
        "STABLE": "langfristig",
        "TEMPORARY": "vorübergehend",
    },
    "Level": {
        "municipality": "Gemeinde",
        "administrativeDistrict": "Kreis",
        "state": "Land",
        "federal": "Bund",
    },
}
_SHAPES = {"Point": "Punkt", "Polygon": "Fläche", "MultiPolygon": "Flächen"}


def readable(value: Any) -> list[tuple[str, str | None]]:
    """Return an extra's value as (text, address or None) pairs: "…/frequency/ANNUAL" becomes "jährlich"."""
    if isinstance(value, str) and value[:1] in "[{":
        try:
            value = json.loads(value)
        except ValueError:
            return [(value, None)]
    if isinstance(value, dict):
        return [(f"{_SHAPES.get(value.get('type'), 'Geometrie')} (Koordinaten in den Metadaten)", None)]
    if isinstance(value, list):
        return [pair for each in value for pair in readable(each)]
    text = str(value)
    if text.startswith(("http://", "https://")):
        vocabulary, code = text.rstrip("/").split("/")[-2:]
        return [(_VALUES.get(vocabulary, {}).get(code, text), text)]
    return [(text, None)]


def portal_extras(extras: Iterable[dict[str, Any]] | None) -> list[tuple[str, list[tuple[str, str | None]]]]:
    """Return a dataset's extras with German labels, known ones first, in the order of `LABELS`."""
    order = {name: position for position, name in enumerate(LABELS)}
    known = [extra for extra in extras or [] if extra.get("value") not in (None, "", "[]")]
    known.sort(key=lambda extra: (order.get(extra["key"], len(order)), extra["key"]))
    return [(LABELS.get(extra["key"], extra["key"]), readable(extra["value"])) for extra in known]
