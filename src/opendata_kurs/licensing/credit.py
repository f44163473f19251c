"""Is a credit line complete?"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .licences import licence

_CHANGE_WORDS = (r"(?:(?:ge|ver|abge)(?:ä|ae)ndert|bearbeitet|umgerechnet|umgewandelt|abgewandelt|zusammengef(?:ü|ue)hrt|zusammengefasst|angepasst"
                 r"|gel(?:ö|oe)scht|gek(?:ü|ue)rzt|gerundet|gefiltert|erg(?:ä|ae)nzt|aggregiert|vereinfacht|summiert|(?:ver)?(?:ä|ae)nderung(?:en)?|bearbeitung(?:en)?)")
_CHANGED = re.compile(rf"\b{_CHANGE_WORDS}\b", re.IGNORECASE)
# „unverändert“ has no word boundary before „verändert“; these are the negations in words, also „nicht wesentlich verändert“
_NOT_CHANGED = re.compile(rf"\b(?:nichts?|nie|niemals|keineswegs|kein|keine[mnrs]?|ohne|weder)(?:\s+\w+){{0,2}}?\s+{_CHANGE_WORDS}\b", re.IGNORECASE)
_LICENCE_HOSTS = r"(?:www\.)?(?:govdata\.de/dl-de|creativecommons\.org|opendatacommons\.org|opendefinition\.org)"
_REFERENCE = re.compile(rf"(?:https?://|\bwww\.)(?!{_LICENCE_HOSTS})[^\s,;)]+", re.IGNORECASE)

# licence id -> (pattern of the licence's name, pattern of the link to its text); the link alone is no licence note
_NOTES = {
    "dl-de-by-2.0": (r"(?<!govdata\.de/)dl-de/by-2-0|Datenlizenz Deutschland\s*[–-]\s*Namensnennung\s*[–-]\s*Version 2\.0", r"govdata\.de/dl-de/by-2-0"),
    "dl-de-by-1.0": (r"(?<!govdata\.de/)dl-de/by-1-0|Datenlizenz Deutschland\s*[–-]\s*Namensnennung\s*[–-]\s*Version 1\.0", r"govdata\.de/dl-de/by-1-0"),
    "cc-by-4.0": (r"CC[ -]BY[ -]4\.0|Creative Commons Namensnennung\s*[–-]?\s*4\.0", r"creativecommons\.org/licenses/by/4\.0"),
    "cc-by-generisch": (r"CC[ -]BY\b(?!-)|Creative Commons Namensnennung", None),
    "cc-by-sa-4.0": (r"CC[ -]BY-SA[ -]4\.0", r"creativecommons\.org/licenses/by-sa/4\.0"),
    "odbl-1.0": (r"ODbL|Open Database License", None),
    "odc-by-1.0": (r"ODC-By", None),
}
_LABELS = {
    "provider": "Bereitsteller: {publisher}",
    "licence": "Lizenz: {short}",
    "licence_link": "Verweis auf den Lizenztext: {text_url}",
    "dataset": "Adresse des Datensatzes: {address}",
    "change": "Hinweis, dass die Daten geändert wurden",
    "voluntary": "keine Pflicht bei {short}; die Nennung ist freiwillig",
}
_WORDS = {
    "provider": "Es fehlt, wer die Daten bereitstellt: „{publisher}“. Der Name muss vollständig sein.",
    "licence": "Es fehlt die Lizenz: „{short}“. Die Adresse allein reicht nicht, und „Zero“ ist keine Namensnennung.",
    "licence_link": "Es fehlt der Verweis auf den Lizenztext: {text_url}",
    "dataset": "Es fehlt der Verweis auf den Datensatz, also seine Adresse im Portal. Sie beginnt mit https:// oder www.",
    "change": "Es fehlt der Hinweis, dass die Daten geändert wurden. „Unverändert“ ist kein Änderungshinweis.",
}


@dataclass(frozen=True)
class Missing:
    """One missing part: `part` is provider, licence, licence_link, dataset or change; `message` is German."""

    dataset: str
    part: str
    message: str

    def __str__(self) -> str:
        return f"{self.dataset}: {self.message}"


@dataclass(frozen=True)
class CreditPart:
    """One part a source asks for: `label` names it, `message` says what to do, `present` whether the text has it.

    `part` is one of Missing's parts, or `voluntary` for a source without a duty (`needed` is False then).
    """

    dataset: str
    part: str
    label: str
    message: str
    needed: bool
    present: bool


def _folded(text: str) -> str:
    """Write umlauts as two letters: „Düsseldorf“ equals „Duesseldorf“."""
    for umlaut, ascii_ in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("Ä", "Ae"), ("Ö", "Oe"), ("Ü", "Ue"), ("ß", "ss")):
        text = text.replace(umlaut, ascii_)
    return text


def _readable(text: str) -> str:
    """Return HTML, odd spaces, hyphens and letters as plain text without umlauts; the address of a link stays."""
    if not isinstance(text, str):
        raise TypeError(f"Der Quellenvermerk ist ein Text in Anführungszeichen. Hier steht: {text!r}.")
    text = re.sub(r"<a\b[^>]*?\bhref\s*=\s*[\"']?([^\s\"'>]+)[^>]*>", r" \1 ", text, flags=re.IGNORECASE)
    text = re.sub(r"</?(?:br|p|li|div)\b[^>]*>", "\n", text, flags=re.IGNORECASE)
    text = re.sub(r"</?[a-z][^>]*>", "", text, flags=re.IGNORECASE)
    text = unicodedata.normalize("NFKC", html.unescape(text))
    text = re.sub("[\u00ad\u200b\u2060\ufeff]", "", text)
    return _folded(re.sub("[\u2010\u2011\u2012]", "-", text).replace("—", "–"))


def _plain(text: str) -> str:
    """Fold case, dashes, commas and umlauts: „Düsseldorf – Amt“ equals „Duesseldorf, Amt“."""
    return " ".join(re.sub(r"[,;:()„“\"–—-]", " ", _folded(text).lower()).split())


def _names(part: str, provider: str) -> bool:
    """Tell whether a part of the text names this provider in whole words: „Stadt Münster“ is not in „Stadt Münstertal“."""
    return bool(re.search(rf"(?<!\w){re.escape(_plain(provider))}(?!\w)", _plain(part)))


def _segments(text: str, providers: Iterable[str]) -> list[str]:
    """Split at semicolons and line breaks, but not inside a provider's name that runs over the end of a line."""
    for provider in providers:
        name = r"[\s,:()–-]+".join(map(re.escape, re.findall(r"\w+", _plain(provider))))
        text = re.sub(name, lambda found: " ".join(found.group().split()), text, flags=re.IGNORECASE)
    return re.split(r"[;\n]", text)


def _facts(dataset) -> list[dict]:
    """Return name, publisher, licence and whether a reference exists, one entry per publisher.

    Takes a slug, a provenance dict or a datapackage. A dataset made from two sources names both, in the same order, in
    `publisher` (separated by a semicolon) and in `licenses`.
    """
    if isinstance(dataset, str):
        from ..datasets import metadata

        dataset = metadata(dataset)
    if not isinstance(dataset, Mapping):
        raise TypeError("Erwartet wird ein Kurzname oder die Metadaten eines Datensatzes.")
    if "publisher" not in dataset or not {"licenses", "licence_id"} & set(dataset):
        raise ValueError("In den Metadaten des Datensatzes fehlt „publisher“ oder „licence_id“. Ohne diese Angaben lässt sich der Vermerk nicht prüfen.")
    ids = [entry["name"] for entry in dataset["licenses"]] if "licenses" in dataset else [dataset["licence_id"]]
    publishers = dataset["publisher"].split(";") if len(ids) > 1 else [dataset["publisher"]]
    name = dataset.get("title") or dataset.get("slug") or dataset.get("name")
    reference = bool(dataset.get("homepage") or dataset.get("sources") or dataset.get("uri"))
    address = dataset.get("uri") or dataset.get("homepage") or "eine Adresse im Portal"
    return [
        {"name": name, "publisher": publisher.strip(), "licence": licence(id_), "reference": reference, "address": address}
        for publisher, id_ in zip(publishers, ids, strict=False)
    ]


def _wanted(datasets) -> list:
    """Return the datasets as a list, whether one was given or several."""
    if isinstance(datasets, str | Mapping):
        return [datasets]
    if not isinstance(datasets, Iterable):
        raise TypeError(f"Erwartet wird ein Kurzname, zum Beispiel \"muenster-spielplaetze\", oder eine Liste. Hier steht: {datasets!r}.")
    return list(datasets)


def credit_parts(text: str, datasets: str | Mapping | Iterable, changed: bool = True) -> list[CreditPart]:
    """Return every part of a credit line the sources ask for, present or not.

    Parameters and rules as in `check_credit_line`.
    """
    text = _NOT_CHANGED.sub(" ", _readable(text))
    everything = [facts for dataset in _wanted(datasets) for facts in _facts(dataset)]
    segments = _segments(text, [facts["publisher"] for facts in everything])
    # a part that names no provider, such as a closing "; Daten geändert", speaks for all sources
    common = " ".join(s for s in segments if not any(_names(s, f["publisher"]) for f in everything))
    parts = []
    for facts in everything:
        entry = facts["licence"]
        name = "OpenStreetMap" if entry.id == "odbl-1.0" and "openstreetmap" in _plain(facts["publisher"]) else facts["publisher"]
        named, belongs = [], False
        for segment in segments:
            # a part that names no provider goes on with the one before
            if any(_names(segment, f["publisher"]) for f in everything) or _names(segment, name):
                belongs = _names(segment, name)
            if belongs:
                named.append(segment)
        own = " ".join(named)
        if not entry.attribution:
            has = {"voluntary": bool(named)}
        else:
            note, link = _NOTES.get(entry.id, (re.escape(entry.short), None))
            # without the provider the rest is sought in the whole text, so that one slip is not reported five times
            has = {"provider": bool(named), "licence": bool(re.search(note, own or text, re.IGNORECASE))}
            if link is not None:
                has["licence_link"] = bool(re.search(link, own or text, re.IGNORECASE))
            if facts["reference"] and entry.id != "odbl-1.0":
                has["dataset"] = bool(_REFERENCE.search(own or text))
            if changed and entry.change_notice:
                has["change"] = bool(_CHANGED.search(f"{own} {common}" if own else text))
        words = {"publisher": facts["publisher"], "short": entry.short, "text_url": entry.text_url, "address": facts["address"]}
        parts += [
            CreditPart(facts["name"], part, _LABELS[part].format(**words), _WORDS.get(part, "").format(**words), part != "voluntary", present)
            for part, present in has.items()
        ]
    return parts


def check_credit_line(text: str, datasets: str | Mapping | Iterable, changed: bool = True) -> list[Missing]:
    """Return what a credit line lacks; an empty list means complete.

    Parameters: `text` the credit line as text or HTML, several sources separated by semicolon or line break; upper and
    lower case, umlauts written as two letters and kinds of dashes make no difference. `datasets` one or more slugs,
    provenance dicts (from `df.attrs["quellen"]`) or datapackages; `changed` whether the data were changed.
    Returns one Missing per lacking part, in the order of the sources. Sources without a duty of attribution
    (dl-de/zero, CC0) lack nothing. „unverändert“ or „nichts geändert“ is no change notice, the address of the licence
    alone is no licence note, „Zero“ is not „Namensnennung“.
    Raises TypeError if `text` is no text or `datasets` no dataset, ValueError if the metadata name no publisher or no
    licence, UnknownDatasetError and UnknownLicenceError for names the course does not know; all messages are German.
    Source of the rules: text of dl-de/by-2-0 paragraphs 2 and 3; CC BY 4.0 section 3.a; ODbL 1.0 sections 4.2 and 4.3.
    """
    parts = credit_parts(text, datasets, changed)
    return [Missing(part.dataset, part.part, part.message) for part in parts if part.needed and not part.present]


def credit_summary(parts: list[CreditPart]) -> str:
    """Say in one German sentence how far a credit line is."""
    needed = [part for part in parts if part.needed]
    done = sum(part.present for part in needed)
    if not needed:
        return "Keine dieser Quellen verlangt eine Nennung. Sie ist trotzdem gute Praxis."
    if done == len(needed):
        return f"Vollständig: Alle {len(needed)} Pflichtangaben sind da."
    return f"{done} von {len(needed)} Pflichtangaben sind da."


def credit_checklist(text: str, datasets: str | Mapping | Iterable, changed: bool = True) -> None:
    """Print the parts of a credit line as a list with ✓ and ✗; parameters as in `check_credit_line`."""
    parts = credit_parts(text, datasets, changed)
    last = None
    for part in parts:
        if part.dataset != last:
            print(part.dataset)
            last = part.dataset
        print(f"  {mark(part)} – {part.label}")
    print(credit_summary(parts))


def mark(part: CreditPart) -> str:
    """Return the sign and the word for one part."""
    if part.present:
        return "✓ da"
    return "✗ fehlt" if part.needed else "○ freiwillig"
