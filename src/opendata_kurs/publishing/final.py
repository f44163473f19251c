"""The course's final piece: check a folder ready for publication, export it, and note it in the data inventory.

The five files have fixed names and lie side by side, because a hand-in is flat.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .catalogue import static_catalogue
from .ckan import PublishResult, connection, publish
from .metadata import Metadata
from .personal import find_personal_data
from .quality import mqa
from .report import Finding, Report, german_list, german_number, make_finding
from .rules import table_schema
from .shapes import as_graph, validate_metadata
from .tables import check_table, read_table

if TYPE_CHECKING:
    from collections.abc import Iterable

TABLE, SCHEMA, METADATA = "abschluss_tabelle", "abschluss_schema.json", "abschluss_metadaten.json"
NOTE, EXPORT = "abschluss_datenschutz.txt", "abschluss_portal.ttl"
_TABLE_TYPES = (".csv", ".geojson", ".xlsx")
_WORDS = 12
_GOOD = 221  # from here the MQA says "gut"


def check_final(folder: str | Path = ".") -> Report:
    """Check the hand-in folder of the final piece against everything of chapter 04 and return one German report.

    The folder holds `abschluss_tabelle.csv` (or .geojson, .xlsx), `abschluss_schema.json`, `abschluss_metadaten.json`,
    `abschluss_datenschutz.txt` and `abschluss_portal.ttl`. The title of each finding begins with the part it concerns.
    Needs no portal and no network; whether the privacy note convinces is for a person to read. Never raises for bad files.
    """
    folder = Path(folder)
    report = Report("Prüfung der Abschlussmappe", note="Die Form ist geprüft. Ob der Vermerk zum Datenschutz überzeugt, liest die Kursleitung.")
    table = next((p for s in _TABLE_TYPES if (p := folder / f"{TABLE}{s}").is_file()), None)
    schema = _schema(folder / SCHEMA, report)
    if table is None:
        report.findings.append(_own("missing-table", "Tabelle"))
    else:
        _check_table(table, schema, report)
    metadata = _metadata(folder / METADATA, table, report)
    _note(folder / NOTE, report)
    _export(folder / EXPORT, metadata, report)
    there = sum(p.is_file() for p in (folder / SCHEMA, folder / METADATA, folder / NOTE, folder / EXPORT)) + (table is not None)
    report.facts = {"Dateien": f"{there} von 5", **report.facts}
    return report.sort()


def _own(id: str, part: str, **values: Any) -> Finding:
    return _named(make_finding("final.yml", id, unit="Datei", **values), part)


def _named(finding: Finding, part: str) -> Finding:
    return replace(finding, title=f"{part}: {finding.title}")


def _take(report: Report, part: str, findings: Iterable[Finding]) -> None:
    report.findings += [_named(f, part) for f in findings]


def _schema(path: Path, report: Report) -> dict[str, Any] | None:
    if not path.is_file():
        report.findings.append(_own("missing-schema", "Schema"))
        return None
    try:
        fields = table_schema(json.loads(path.read_text(encoding="utf-8"))).get("fields")
        fields = [f for f in fields or [] if f["name"]]
    except (ValueError, TypeError, KeyError, AttributeError, LookupError):
        report.findings.append(_own("broken-file", "Schema", name=path.name))
        return None
    if not fields:
        report.findings.append(_own("schema-empty", "Schema"))
        return None
    if bare := [f["name"] for f in fields if not str(f.get("description") or "").strip()]:
        report.findings.append(_own("schema-description", "Schema", value=german_list(bare)))
    return {"fields": fields}


def _check_table(path: Path, schema: dict[str, Any] | None, report: Report) -> None:
    found = check_table(path, schema, progress=False)
    report.facts |= {k: v for k, v in found.facts.items() if k in ("Zeilen", "Objekte", "Spalten")}
    _take(report, "Tabelle", [f for f in found if f.id != "schema-extra-column"])  # here it is an error, see below
    if {"unreadable", "empty-file"} & set(found.ids):
        return
    _take(report, "Datenschutz", find_personal_data(path))
    if schema:
        named = {f["name"] for f in schema["fields"]}
        if missing := [c for c in read_table(path).columns if c not in named]:
            report.findings.append(_own("schema-column", "Schema", value=german_list(missing)))


def _metadata(path: Path, table: Path | None, report: Report) -> Metadata | None:
    if not path.is_file():
        report.findings.append(_own("missing-metadata", "Metadaten"))
        return None
    try:
        metadata = Metadata.load(path)
        _take(report, "Metadaten", validate_metadata(metadata))
        score = mqa(metadata)
    except (ValueError, TypeError, AttributeError):
        report.findings.append(_own("broken-file", "Metadaten", name=path.name))
        return None
    report.facts["Qualität"] = f"{german_number(float(score.points))} von 405 Punkten ({score.rating})"
    if score.points < _GOOD:
        report.findings.append(_own("quality-low", "Metadaten", points=german_number(float(score.points))))
    if table is not None:
        file = next((d for d in metadata.distributions if Path(d.path).name == table.name), None)
        if file is None:
            report.findings.append(_own("metadata-table", "Metadaten", name=table.name))
        elif file.sha256 != hashlib.sha256(table.read_bytes()).hexdigest():
            report.findings.append(_own("table-changed", "Metadaten", name=table.name))
    return metadata


def _note(path: Path, report: Report) -> None:
    if not path.is_file():
        report.findings.append(_own("missing-note", "Datenschutz"))
        return
    count = len(path.read_text(encoding="utf-8", errors="replace").split())
    if count < _WORDS:
        report.findings.append(_own("note-short", "Datenschutz", count=count))


def _export(path: Path, metadata: Metadata | None, report: Report) -> None:
    if not path.is_file():
        report.findings.append(_own("missing-export", "Export"))
        return
    found = validate_metadata(path)
    _take(report, "Export", found.errors)
    if metadata is None or "unreadable" in found:
        return
    from rdflib import DCAT, DCTERMS, RDF

    graph = as_graph(path)
    titles = {str(t) for d in graph.subjects(RDF.type, DCAT.Dataset) for t in graph.objects(d, DCTERMS.title)}
    if metadata.title not in titles:
        report.findings.append(_own("export-other", "Export", title=metadata.title))


def portal_export(metadata: Metadata, folder: str | Path = ".", *, schema: dict[str, Any] | None = None) -> PublishResult:
    """Publish on the portal that is running and save its description as `abschluss_portal.ttl`; without one, write a catalogue.

    Uses `CKAN_URL` and `CKAN_TOKEN` or the course portal. While a hand-in is graded nothing is published: a trainer's
    portal must not fill up with the datasets of others. `metadata` stays unchanged. Raises PortalError (German) when
    a portal is there but refuses.
    """
    folder = Path(folder)
    copy = Metadata.from_dict(metadata.to_dict())
    if not os.environ.get("NBGRADER_EXECUTION") and _portal_there():
        import requests

        result = publish(copy, schema=schema)
        page = requests.get(f"{result.url}.ttl", timeout=60)
        page.raise_for_status()
        (folder / EXPORT).write_bytes(page.content)
        return result
    with tempfile.TemporaryDirectory() as scratch:
        static_catalogue(copy, scratch)
        (folder / EXPORT).write_bytes((Path(scratch) / "katalog.ttl").read_bytes())
    return PublishResult(copy.slug, EXPORT, "Katalog geschrieben", messages=[
        "Es läuft kein Portal. Die Beschreibung liegt trotzdem in der Mappe. Für die Bewertung genügt das."])


def _portal_there() -> bool:
    try:
        connection()
    except RuntimeError:
        return False
    return True


def mark_published(title: str, *, department: str = "Gartenamt", contact: str = "", folder: str | Path | None = None) -> str:
    """Set the entry `title` of the learner's data inventory to „veröffentlicht“, or add it; return a German sentence.

    `folder` – where `dateninventar.csv` lies; default: the workspace. Raises InventoryError (German) when the entry
    contradicts publication, for example because it holds personal data.
    """
    from ..inventory import PUBLISHED, load_inventory, save_inventory

    rows = load_inventory(folder).to_dict("records")
    wanted = " ".join(title.split())
    entry = next((row for row in rows if str(row["titel"]).casefold() == wanted.casefold()), None)
    if entry is None:
        entry = {"titel": wanted, "amt": department, "ansprechstelle": contact, "personenbezug": "nein", "rechte_dritter": "geklärt"}
        rows.append(entry)
    entry |= {"entscheidung": "offen", "status": PUBLISHED}
    save_inventory(rows, folder)
    return f"„{entry['titel']}“ steht in Ihrem Dateninventar jetzt als „{PUBLISHED}“."
