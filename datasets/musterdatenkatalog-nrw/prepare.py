"""Musterdatenkatalog NRW: all records, licence spellings untouched, descriptions as plain short text."""

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from _prepare import Job, german, main, remove_emails, strip_html

LONGEST = 1000
PHONE = re.compile(r"(Telefon|Telefax|Kontakt):?\s*(?:0\d[\d /-]{6,})")
COLUMNS = {
    "dct:title": "titel",
    "MUSTERDATENSATZ": "musterdatensatz",
    "THEMA": "thema",
    "BEZEICHNUNG": "bezeichnung",
    "dct:description": "beschreibung",
    "dct:identifier": "kennung",
    "dcat:Distribution.dct:license": "lizenz_angabe",
    "dcat:theme": "kategorie",
    "updated_at": "aktualisiert",
    "ORG": "kommune",
    "dcat:landingPage": "seite",
}


def shorten(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 2].rsplit(" ", 1)[0] + " …"


def build(job: Job) -> None:
    extract = job.read_csv("nrw/musterdatenkatalog_2.1_nrw.csv").rename(columns=COLUMNS)[
        list(COLUMNS.values())
    ]
    extract.insert(0, "satz_nr", range(1, len(extract) + 1))
    original = extract["beschreibung"]
    text, emails = remove_emails(original)
    phones = int(text.map(lambda t: len(PHONE.findall(t))).sum())
    text = text.map(lambda t: PHONE.sub(r"\1: [Nummer entfernt] ", t)).map(strip_html)
    shortened = int((text.str.len() > LONGEST).sum())
    html = int(original.str.contains(r"<[a-zA-Z/][^>]*>|&[a-z]+;").sum())
    extract["beschreibung"] = text.map(shorten)
    extract["aktualisiert"] = extract["aktualisiert"].str[:19]
    licences = extract["lizenz_angabe"]
    job.changed(f"{german(len(extract))} Einträge übernommen, Spalten umbenannt, Satznummer ergänzt.")
    job.changed(f"HTML in {german(html)} Beschreibungen entfernt.")
    job.changed(f"{shortened} lange Beschreibungen auf höchstens {german(LONGEST)} Zeichen gekürzt.")
    job.changed(f"{emails} E-Mail-Adressen und {phones} Telefonnummern aus Beschreibungen entfernt.")
    job.changed("Zeitpunkte auf Sekunden gekürzt.")
    job.changed(
        f"Lizenzangaben unverändert: {licences[licences != ''].nunique()} Schreibweisen, "
        f"{int((licences == '').sum())} Einträge ohne Angabe."
    )
    job.write_csv(extract)


if __name__ == "__main__":
    main(__file__, build)
