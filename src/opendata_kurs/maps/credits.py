"""Credit lines of a map: from the datasets' own metadata to visible text with real links, and their check."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from .errors import CreditError


@dataclass(frozen=True)
class Licence:
    """What a credit line must hold under one licence (facts; sources stand in the licence chapter)."""

    title: str
    url: str
    text: str  # pattern of the licence's name in a credit line
    link: str  # pattern of the link to the licence text
    attribution: bool
    change_note: bool
    reference: bool  # a reference to the dataset is demanded


_CC = r"creativecommons\.org/"
LICENCES = {
    "dl-de-by-2.0": Licence(
        "Datenlizenz Deutschland – Namensnennung – Version 2.0", "https://www.govdata.de/dl-de/by-2-0",
        r"(?<!govdata\.de/)dl-de/by-2-0|Datenlizenz Deutschland\s*[–-]\s*Namensnennung\s*[–-]\s*Version 2\.0",
        r"govdata\.de/dl-de/by-2-0", True, True, True),
    "dl-de-zero-2.0": Licence(
        "Datenlizenz Deutschland – Zero – Version 2.0", "https://www.govdata.de/dl-de/zero-2-0",
        r"(?<!govdata\.de/)dl-de/zero-2-0|Datenlizenz Deutschland\s*[–-]\s*Zero", r"govdata\.de/dl-de/zero-2-0",
        False, False, False),
    "cc-by-4.0": Licence(
        "CC BY 4.0", "https://creativecommons.org/licenses/by/4.0/",
        r"CC[ -]BY[ -]4\.0|Namensnennung 4\.0", _CC + r"licenses/by/4\.0", True, True, False),
    "cc-by-3.0": Licence(
        "CC BY 3.0", "https://creativecommons.org/licenses/by/3.0/de/",
        r"CC[ -]BY[ -]3\.0|Namensnennung 3\.0", _CC + r"licenses/by/3\.0", True, True, False),
    "cc-by-generisch": Licence(
        "CC BY (ohne Version)", "http://www.opendefinition.org/licenses/cc-by",
        r"CC[ -]BY|Creative Commons Namensnennung", r"creativecommons\.org/|opendefinition\.org/licenses/cc-by",
        True, True, False),
    "cc0-1.0": Licence(
        "CC0 1.0", "https://creativecommons.org/publicdomain/zero/1.0/", r"CC0|CC Zero",
        _CC + r"publicdomain/zero/1\.0", False, False, False),
    "odbl-1.0": Licence(
        "Open Database License (ODbL) 1.0", "https://opendatacommons.org/licenses/odbl/1-0/",
        r"ODbL|Open Database License", r"opendatacommons\.org/licenses/odbl|openstreetmap\.org/copyright",
        True, False, False),
}  # fmt: skip

BASEMAP_HOST = "sgx.geodatenzentrum.de"
BASEMAP_URL = (
    f"https://{BASEMAP_HOST}/wmts_basemapde/tile/1.0.0/de_basemapde_web_raster_grau/default/"
    "GLOBAL_WEBMERCATOR/{z}/{y}/{x}.png"
)
_CHANGED = re.compile(
    r"(?<!un)(?<!nicht )(?:ge|ver)(?:ä|ae)ndert|(?<!nicht )bearbeitet|Änderung|(?<!nicht )gekürzt|gelöscht|"
    r"zusammengefasst|umgerechnet|aggregiert|summiert|vereinfacht|verknüpft",
    re.IGNORECASE,
)
_URL = re.compile(r"(?:https?://|www\.)[^\s<>\"“”„]+[^\s<>\"“”„.,;:)\]]")


def source(
    publisher: str, title: str, licence: str, reference: str, *, changes: Sequence[str] | str = ()
) -> dict[str, Any]:
    """Describe an own source for `sources=[…]`, so that the map can credit it completely.

    Args:
        publisher: Who provides the data, exactly as they want to be named.
        title: Title of the dataset.
        licence: Short id, for example "dl-de-by-2.0", "cc-by-4.0".
        reference: Address of the dataset on its portal.
        changes: What you changed (German), one text or several.

    Raises:
        CreditError: A part is missing or the licence id is not known.
    """
    if licence not in LICENCES:
        raise CreditError(f"Die Lizenz „{licence}“ ist hier nicht bekannt. Bekannt sind: {', '.join(LICENCES)}.")
    for name, value in (("Bereitsteller", publisher), ("Titel", title), ("Adresse des Datensatzes", reference)):
        if not str(value).strip():
            raise CreditError(f"Die Angabe „{name}“ ist leer. Für den Quellenvermerk wird sie gebraucht.")
    known = LICENCES[licence]
    changes = [changes] if isinstance(changes, str) else list(changes)
    credit = f"{publisher}: „{title}“, {reference}, {known.title} ({known.url})"
    if changes:
        credit += f", Daten geändert: {'; '.join(c.rstrip('.') for c in changes)}"
    return {
        "slug": None, "title": title, "publisher": publisher, "licence_id": licence,
        "licence_title": known.title, "licence_url": known.url, "homepage": reference, "credit": credit,
        "changes": changes,
    }  # fmt: skip


def collect_sources(data: Any, sources: Iterable[str | dict[str, Any]] = ()) -> list[dict[str, Any]]:
    """Return the sources of a frame (`attrs["quellen"]`) and of `sources=` without doubles.

    Raises:
        CreditError: An entry is neither the name of a dataset nor made by `source(…)`.
    """
    from opendata_kurs import datasets

    if isinstance(sources, str | dict):
        sources = [sources]
    found = list(getattr(data, "attrs", {}).get("quellen", []))
    for entry in sources:
        if isinstance(entry, dict):
            missing = [k for k in ("publisher", "title", "licence_id", "credit") if not entry.get(k)]
            if missing:
                raise CreditError(f"In der Quelle fehlt: {', '.join(missing)}. Bilden Sie sie mit source(…).")
            found.append(entry)
        else:
            try:
                package = datasets.metadata(str(entry))
            except KeyError as error:
                raise CreditError(str(error)) from None
            licence = package["licenses"][0]
            found.append(
                {
                    "slug": str(entry), "title": package["title"], "publisher": package["publisher"],
                    "licence_id": licence["name"], "licence_title": licence["title"],
                    "licence_url": licence.get("path"), "homepage": package["homepage"],
                    "credit": datasets.credit_line(str(entry)), "changes": package.get("changes", []),
                }
            )  # fmt: skip
    out: list[dict[str, Any]] = []
    for entry in found:
        same = [o for o in out if (o.get("slug") or o["title"]) == (entry.get("slug") or entry["title"])]
        if not same:
            out.append(entry)
    return out


def basemap_source(year: int) -> dict[str, Any]:
    """Return the source of the background map basemap.de with BKG's full credit."""
    url = LICENCES["cc-by-4.0"].url
    return {
        "slug": None, "title": "basemap.de Web Raster", "publisher": "basemap.de / BKG",
        "licence_id": "cc-by-4.0", "licence_title": "CC BY 4.0", "licence_url": url,
        "homepage": "https://basemap.de/",
        "credit": f"Kartenhintergrund: © {year} basemap.de / BKG (https://basemap.de/), "
                  f"Datenquellen: © GeoBasis-DE, CC BY 4.0 ({url})",
        "changes": [],
    }  # fmt: skip


def _href(url: str) -> str:
    return url if url.startswith("http") else f"https://{url}"


def linkify(text: str) -> str:
    """Return HTML in which each address of the text is a link; the address stays readable (for print)."""
    out, last = [], 0
    for match in _URL.finditer(text):
        shown = unquote(re.sub(r"^https?://(www\.)?", "", match[0])).rstrip("/")
        out.append(html.escape(text[last : match.start()]))
        out.append(f'<a href="{html.escape(_href(match[0]))}" rel="noopener noreferrer" target="_blank">'
                   f"{html.escape(shown)}</a>")  # fmt: skip
        last = match.end()
    return "".join([*out, html.escape(text[last:])])


def credit_html(sources: Sequence[dict[str, Any]], own: str | None = None) -> str:
    """Return the visible credit as HTML. `own` replaces the lines made from the metadata."""
    if own is not None:
        return f"<p>{linkify(own)}</p>" if own.strip() else "<p>Quelle: nicht angegeben</p>"
    if not sources:
        return "<p>Quelle: nicht angegeben</p>"
    lines = []
    for entry in sources:
        line = linkify(entry["credit"])
        url = entry.get("licence_url")
        rules = LICENCES.get(entry["licence_id"])
        pattern = rules.link if rules else re.escape(re.sub(r"^https?://(www\.)?", "", url or "").rstrip("/"))
        if url and not re.search(pattern, entry["credit"], re.IGNORECASE):
            line += (f' (<a href="{html.escape(url)}" rel="noopener noreferrer" target="_blank">Lizenztext: '
                     f"{html.escape(entry['licence_title'])}</a>)")  # fmt: skip
        lines.append(line)
    if len(lines) == 1:
        return f"<p>Quelle: {lines[0]}</p>"
    return "<p>Quellen:</p><ul>" + "".join(f"<li>{line}</li>" for line in lines) + "</ul>"


def _plain(text: str) -> str:
    text = text.casefold().replace("–", "-").replace("—", "-")
    for umlaut, pair in (("ä", "ae"), ("ö", "oe"), ("ü", "ue")):
        text = text.replace(umlaut, pair)
    return re.sub(r"\s+", " ", text)


def credit_faults(entry: dict[str, Any], text: str, links: Sequence[str]) -> list[str]:
    """Return in German what the visible credit lacks for one source under its licence.

    Args:
        entry: Source (publisher, title, licence_id, licence_url, homepage, changes).
        text: Visible text of the credit.
        links: Addresses of the links in the credit.
    """
    rules = LICENCES.get(entry["licence_id"])
    name = f"„{entry['title']}“"
    faults = []
    # the publisher's own name without the addition that only the course's metadata carry
    publisher = re.split(r"\s*\(", entry["publisher"])[0]
    named = _plain(publisher) in _plain(text) or _plain(entry["publisher"]) in _plain(text)
    if rules is None:
        if not named:
            faults.append(f"Für {name} fehlt der Bereitsteller „{entry['publisher']}“.")
        return faults
    if rules.attribution and not named and _credited_as(entry) not in _plain(text):
        faults.append(f"Für {name} fehlt der Bereitsteller „{entry['publisher']}“.")
    if not re.search(rules.text, text, re.IGNORECASE):
        faults.append(f"Für {name} fehlt der Name der Lizenz „{entry['licence_title']}“.")
    if not any(re.search(rules.link, link, re.IGNORECASE) for link in links):
        faults.append(f"Für {name} fehlt der Link zur Lizenz ({entry.get('licence_url') or rules.url}).")
    if rules.reference and not any(not re.search(rules.link, link, re.IGNORECASE) for link in links):
        faults.append(f"Für {name} fehlt der Verweis auf den Datensatz ({entry.get('homepage')}).")
    if rules.change_note and entry.get("changes") and not _CHANGED.search(text):
        faults.append(f"Für {name} fehlt der Hinweis, dass die Daten geändert wurden.")
    return faults


def _credited_as(entry: dict[str, Any]) -> str:
    """The provider as the dataset's own credit line names it ("Datenquelle: Stadt Münster")."""
    head = re.split(r"[:,„]", re.sub(r"^(Datenquelle|Quelle):\s*", "", entry.get("credit", "")))[0].strip()
    return _plain(head) if len(head) >= 5 else "\0"
