"""Credit lines of a map: from the datasets' own metadata to visible text with real links, and their check."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from opendata_kurs.licensing import (
    Licence,
    UnknownLicenceError,
    canonical,
    check_credit_line,
    credit_parts,
    licences,
)
from opendata_kurs.licensing import licence as find_licence

from .errors import CreditError

# further addresses that licensors accept as link to the licence
_OTHER_LINKS = {"cc-by-generisch": ("creativecommons.org/licenses/by",), "odbl-1.0": ("openstreetmap.org/copyright",)}
BASEMAP_HOST = "sgx.geodatenzentrum.de"
BASEMAP_URL = (
    f"https://{BASEMAP_HOST}/wmts_basemapde/tile/1.0.0/de_basemapde_web_raster_grau/default/"
    "GLOBAL_WEBMERCATOR/{z}/{y}/{x}.png"
)
_URL = re.compile(r"(?:https?://|www\.)[^\s<>\"“”„]+[^\s<>\"“”„.,;:)\]]")


def _known(id_: str) -> Licence | None:
    try:
        return find_licence(id_)
    except UnknownLicenceError:
        return None


def _bare(url: str | None) -> str:
    """An address without the parts that may differ between two spellings of it."""
    return re.sub(r"^https?://(www\.)?|/(deed\.\w+)?$", "", url or "")


def source(
    publisher: str, title: str, licence: str, reference: str, *, changes: Sequence[str] | str = ()
) -> dict[str, Any]:
    """Describe an own source for `sources=[…]`, so that the map can credit it completely.

    Args:
        publisher: Who provides the data, exactly as they want to be named.
        title: Title of the dataset.
        licence: Id or usual spelling, for example "dl-de-by-2.0", "dl-de/by-2-0", "cc-by-4.0"
            (all of `opendata_kurs.licensing` that have a text to link to).
        reference: Address of the dataset on its portal.
        changes: What you changed (German), one text or several.

    Raises:
        CreditError: A part is missing or the licence is not known.
    """
    for name, value in (("Bereitsteller", publisher), ("Titel", title), ("Lizenz", licence), ("Adresse des Datensatzes", reference)):
        if not isinstance(value, str) or not value.strip() or value.strip() in ("…", "..."):
            raise CreditError(f"Die Angabe „{name}“ ist leer. Für den Quellenvermerk wird sie gebraucht.")
    found = _known(licence) or _known(canonical(licence) or "")
    if found is None or not found.text_url:
        ids = ", ".join(entry.id for entry in licences() if entry.text_url and entry.open)
        raise CreditError(f"Die Lizenz „{licence}“ ist hier nicht bekannt. Offene Lizenzen sind: {ids}.")
    if not _URL.fullmatch(reference.strip()):
        raise CreditError(f"„{reference}“ ist keine Adresse. Kopieren Sie die Adresse des Datensatzes aus dem Portal: https://…")
    changes = [changes] if isinstance(changes, str) else list(changes)
    credit = f"{publisher}: „{title}“, {reference.strip()}, {found.name if found.short.startswith('dl-de') else found.short} ({found.text_url})"
    if changes:
        credit += f", Daten geändert: {'; '.join(c.rstrip('.') for c in changes)}"
    return {
        "slug": None, "title": title, "publisher": publisher, "licence_id": found.id,
        "licence_title": found.name, "licence_url": found.text_url, "homepage": reference.strip(), "credit": credit,
        "changes": changes,
    }  # fmt: skip


def collect_sources(data: Any, sources: Iterable[str | dict[str, Any]] = ()) -> list[dict[str, Any]]:
    """Return the sources of a frame (`attrs["quellen"]`) and of `sources=` without doubles.

    Raises:
        CreditError: An entry is neither the name of a dataset nor made by `source(…)`.
    """
    from opendata_kurs import datasets

    if sources is None:
        sources = ()
    if isinstance(sources, str | dict):
        sources = [sources]
    if not isinstance(sources, Iterable):
        raise CreditError('Die Quellen fehlen noch. Schreiben Sie die Kurznamen in eckige Klammern: sources=["…", "…"].')
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
    url = "https://creativecommons.org/licenses/by/4.0/"
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
        if url and _bare(url).lower() not in entry["credit"].lower():
            line += (f' (<a href="{html.escape(url)}" rel="noopener noreferrer" target="_blank">Lizenztext: '
                     f"{html.escape(entry['licence_title'])}</a>)")  # fmt: skip
        lines.append(line)
    if len(lines) == 1:
        return f"<p>Quelle: {lines[0]}</p>"
    return "<p>Quellen:</p><ul>" + "".join(f"<li>{line}</li>" for line in lines) + "</ul>"


def credit_faults(sources: Sequence[Mapping[str, Any]], credit: str) -> list[str]:
    """Return in German what the visible credit lacks, by the rules of `opendata_kurs.licensing`.

    Beyond the duties, a map names and links the licence of every source, also of those that ask for nothing (Zero, CC0):
    whoever reads the map shall know what is allowed.

    Args:
        sources: Sources (publisher, title, licence_id, licence_url, homepage, credit, changes).
        credit: Visible text of the credit, one source a line, the address of each link behind its text.
    """
    known = [entry for entry in sources if _known(entry["licence_id"])]
    wanted = [{**entry, "publisher": _named(entry, credit)} for entry in known]
    faults, told = [], set()
    for missing in check_credit_line(credit, wanted):
        entry = next(e for e in known if e["title"] == missing.dataset)
        if missing.part != "change" or entry.get("changes"):
            faults.append(f"{missing.dataset}: {missing.message}")
            told.add((missing.dataset, missing.part))
    text = credit.lower()
    for entry in sources:
        rules, title = _known(entry["licence_id"]), entry["title"]
        if rules is None or rules.attribution is None:
            if not _provider_named({**entry, "licence_id": "dl-de-by-2.0"}, credit):
                faults.append(f"{title}: Es fehlt, wer die Daten bereitstellt: „{entry['publisher']}“.")
            continue
        names = [rules.short, rules.name, entry.get("licence_title") or rules.name]
        if not rules.attribution and not any(name.lower() in text for name in names):
            faults.append(f"{title}: Es fehlt die Lizenz: „{rules.short}“.")
        links = [_bare(rules.text_url), _bare(entry.get("licence_url")), *_OTHER_LINKS.get(rules.id, ())]
        if rules.text_url and (title, "licence_link") not in told and not any(link.lower() in text for link in links if link):
            faults.append(f"{title}: Es fehlt der Verweis auf den Lizenztext: {rules.text_url}")
    return faults


def _provider_named(entry: Mapping[str, Any], credit: str) -> bool:
    return any(part.part == "provider" and part.present for part in credit_parts(credit, entry))


def _named(entry: Mapping[str, Any], credit: str) -> str:
    """The provider as the credit names it: the full name, the name without an addition in brackets that only the
    course's metadata carry, or as the dataset's own credit line has it ("Datenquelle: Stadt Münster")."""
    short = re.split(r"\s*\(", entry["publisher"])[0]
    head = re.split(r"[:,„]", re.sub(r"^(Datenquelle|Quelle):\s*", "", entry.get("credit") or ""))[0].strip()
    for name in (entry["publisher"], short, head if len(head) >= 5 else short):
        if _provider_named({**entry, "publisher": name}, credit):
            return name
    return entry["publisher"]
