"""Publish to any CKAN portal, update and withdraw. Errors are German, and the token appears nowhere.

The address comes from `CKAN_URL` and the token from `CKAN_TOKEN`, or from the course's own portal when it runs.
"""

from __future__ import annotations

import csv
import io
import ipaddress
import json
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from . import vocabularies as voc
from .grid import find_separator
from .metadata import Distribution, Metadata, bbox_wkt, slugify
from .report import german_list, german_number
from .values import shape_kind

ORGANISATION = "musterstadt"
_BATCH = 5_000
_TIMEOUT = 60
_TYPES = {"integer": "int", "number": "numeric", "date": "date", "datetime": "timestamp", "boolean": "bool", "year": "int"}


class PortalError(RuntimeError):
    """The portal could not do it; the message is German and names the next step. `reason` is a short code."""

    def __init__(self, reason: str, message: str):
        super().__init__(message)
        self.reason = reason


@dataclass
class PublishResult:
    """What happened on the portal; shows itself in German and never holds the token."""

    name: str
    url: str
    action: str
    resources: list[dict[str, Any]] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    id: str = ""

    @property
    def text(self) -> str:
        """The result in German sentences."""
        lines = [f"{self.action}: {self.url}"]
        for r in self.resources:
            rows = f", Tabelle mit {german_number(r['rows'])} {'Zeile' if r['rows'] == 1 else 'Zeilen'}" if r.get("rows") is not None else ""
            lines.append(f"  {r['name']} – {r['action']}{rows}: {r['url']}")
        return "\n".join(lines + self.messages)

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        def link(url: str) -> str:
            return f'<a href="{escape(url)}">{escape(url)}</a>' if url.startswith(("http://", "https://")) else escape(url)

        items = "".join(f"<li>{escape(r['name'])} ({escape(r['action'])}): {link(r['url'])}</li>" for r in self.resources)
        more = "".join(f"<p>{escape(m)}</p>" for m in self.messages)
        return f'<div lang="de"><p>{escape(self.action)}: {link(self.url)}</p>' + (f"<ul>{items}</ul>" if items else "") + more + "</div>"


def connection(url: str | None = None, token: str | None = None) -> tuple[str, str]:
    """Return address and token: given, from `CKAN_URL` and `CKAN_TOKEN`, or from the running course portal."""
    url, token = url or os.environ.get("CKAN_URL"), token or os.environ.get("CKAN_TOKEN")
    if not url and not token:
        try:
            from .. import portal

            url, token = portal.connection()
        except (ImportError, RuntimeError) as error:
            raise PortalError("kein-portal", f"Es ist kein Portal erreichbar. {error} Ohne Portal hilft `static_catalogue`.") from None
    if not url:
        raise PortalError("kein-portal", "Die Adresse des Portals fehlt. Setzen Sie CKAN_URL, oder starten Sie das Portal mit „kurs portal start“.")
    if not token:
        raise PortalError("token", "Der Zugangsschlüssel fehlt. Setzen Sie CKAN_TOKEN. Den Schlüssel erstellen Sie im Portal unter „API-Token“.")
    return "".join(url).strip().rstrip("/"), "".join(token).strip()


class _Portal:
    """CKAN actions with German errors. The token is never part of a message."""

    def __init__(self, url: str | None, token: str | None, unencrypted: bool):
        import ckanapi

        self.url, secret = connection(url, token)
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise PortalError("kein-portal", f"„{self._clean(self.url, secret)}“ ist keine Adresse eines Portals. Sie beginnt mit https://.")
        if parts.scheme == "http" and not _is_local(parts.hostname) and not unencrypted:
            raise PortalError("unverschluesselt", "Die Verbindung ist nicht verschlüsselt (http). Der Zugangsschlüssel wäre mitzulesen. "
                              "Verwenden Sie https. Im eigenen Netz hilft notfalls unencrypted=True.")
        self._secret = secret
        self._api = ckanapi.RemoteCKAN(self.url, apikey=secret, user_agent="opendata-kurs")

    @staticmethod
    def _clean(text: object, secret: str) -> str:
        return str(text).replace(secret, "•••") if secret else str(text)

    def call(self, action: str, files: dict[str, Any] | None = None, **data: Any) -> Any:
        """Call an action. Raises PortalError, or KeyError when the thing does not exist."""
        import ckanapi
        import requests

        secret = self._secret
        try:
            return self._api.call_action(action, data, files=files, requests_kwargs={"timeout": _TIMEOUT})
        except ckanapi.NotFound:
            raise KeyError(action) from None
        except ckanapi.NotAuthorized as error:
            raise self._denied(str(error)) from None
        except ckanapi.ValidationError as error:
            raise PortalError("angaben", f"Das Portal nimmt die Angaben nicht an. {self._clean(_validation(error.error_dict), secret)}") from None
        except ckanapi.SearchError:
            raise PortalError("antwort", "Die Suche des Portals ist gestört. Versuchen Sie es später noch einmal.") from None
        except (ckanapi.CKANAPIError, ckanapi.ServerIncompatibleError) as error:
            text = self._clean(error, secret)
            if "Action name not known" in text or "404" in text[:200]:
                raise KeyError(action) from None
            raise PortalError("antwort", f"Unter {self.url} antwortet kein CKAN-Portal, oder es meldet einen Fehler. Prüfen Sie die Adresse.") from None
        except (requests.exceptions.ConnectionError, requests.exceptions.Timeout):
            raise PortalError("kein-portal", f"Das Portal {self.url} antwortet nicht. Läuft es? Starten Sie es mit „kurs portal start“, "
                              "oder prüfen Sie das Netz.") from None
        except (requests.exceptions.RequestException, ValueError):
            raise PortalError("antwort", f"Die Verbindung zu {self.url} ist gescheitert. Prüfen Sie Adresse und Zugangsschlüssel.") from None

    def _denied(self, message: str) -> PortalError:
        if re.search(r"authenticated user|not logged|anonym", message, re.IGNORECASE):
            return PortalError("token", "Das Portal erkennt den Zugangsschlüssel nicht. Prüfen Sie CKAN_TOKEN. "
                               "Vielleicht ist er abgelaufen; erstellen Sie dann im Portal einen neuen.")
        return PortalError("rechte", "Ihr Zugang hat nicht die nötigen Rechte. Bitten Sie die Portalbetreuung um die Rolle „Redaktion“ in der Organisation.")

    def find(self, name: str) -> dict[str, Any] | None:
        """Return a dataset or None. A dataset that may not be seen raises PortalError („Name vergeben“)."""
        try:
            return self.call("package_show", id=name)
        except KeyError:
            return None
        except PortalError as error:
            if error.reason == "rechte":
                raise PortalError("name", f"Der Name „{name}“ ist schon vergeben. Wählen Sie einen anderen Namen (metadaten.name).") from None
            raise


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _validation(errors: Any) -> str:
    """CKAN's validation errors, in German where they are common."""
    words = {"name": "Name", "title": "Titel", "owner_org": "Organisation", "license_id": "Lizenz", "tags": "Schlagwörter", "url": "Adresse"}
    known = ((r"already in use|already exists", "ist schon vergeben"), (r"Missing value", "fehlt"), (r"must be alphanumeric", "enthält ein verbotenes Zeichen"),
             (r"Organization does not exist", "gibt es nicht"))
    parts = []
    for key, texts in (errors or {}).items():
        if key == "__type":
            continue
        text = json.dumps(texts, ensure_ascii=False) if not isinstance(texts, str) else texts
        german = next((g for pattern, g in known if re.search(pattern, text)), f"({text[:200]})")
        parts.append(f"{words.get(key, key)} {german}")
    return german_list(parts) + "."


def package_fields(metadata: Metadata, organisation: str = ORGANISATION) -> dict[str, Any]:
    """Map metadata to the fields and extras of a CKAN dataset, as ckanext-dcat reads them."""
    extras: dict[str, Any] = {
        "identifier": metadata.slug, "issued": metadata.issued, "modified": metadata.modified, "publisher_name": metadata.publisher,
        "contact_name": metadata.contact_name, "contact_email": metadata.contact_email, "frequency": voc.uri("frequency", metadata.frequency),
        "access_rights": voc.uri("access_rights", metadata.access_rights), "temporal_start": metadata.temporal_start,
        "temporal_end": metadata.temporal_end, "contributorID": voc.uri("contributor", metadata.contributor),
        "politicalGeocodingLevelURI": voc.uri("level", metadata.level), "availability": voc.uri("availability", metadata.availability),
        "licenseAttributionByText": metadata.attribution, "spatial_text": metadata.spatial_name,
        "theme": json.dumps([voc.uri("theme", t) for t in metadata.themes]) if metadata.themes else "",
        "language": json.dumps([voc.uri("language", metadata.language)]) if metadata.language else "",
        "hvd_category": json.dumps([voc.uri("hvd_category", metadata.hvd_category)]) if metadata.hvd_category else "",
        "applicable_legislation": json.dumps(["http://data.europa.eu/eli/reg_impl/2023/138/oj"]) if metadata.hvd_category else "",
    }
    if len(metadata.bbox) == 4:
        ring = [[float(n) for n in pair.split()] for pair in bbox_wkt(metadata.bbox)[9:-2].split(", ")]
        extras["spatial"] = json.dumps({"type": "Polygon", "coordinates": [ring]})
    tags = [re.sub(r"[^\w .-]", " ", word).strip()[:100] for word in metadata.keywords]
    return {
        "name": metadata.slug, "title": metadata.title, "notes": metadata.description, "owner_org": organisation, "license_id": metadata.license,
        "maintainer": metadata.contact_name, "maintainer_email": metadata.contact_email, "tags": [{"name": t} for t in dict.fromkeys(tags) if len(t) > 1],
        "extras": [{"key": k, "value": v} for k, v in extras.items() if v],
    }


def publish(metadata: Metadata, files: Iterable[str | Path] | None = None, url: str | None = None, token: str | None = None, *,
            organisation: str = ORGANISATION, schema: dict[str, Any] | None = None, private: bool = False, unencrypted: bool = False,
            progress: Callable[[str], None] | None = None) -> PublishResult:
    """Put a dataset with its files on a CKAN portal, or update it; running it twice changes nothing.

    `files` – paths; default: the files of the metadata. CSV files also become a table in the datastore, with types from
    `schema` (a table schema or datapackage; otherwise keys with leading zeros stay text and clear numbers become numbers).
    `url`, `token` – default: CKAN_URL and CKAN_TOKEN, or the running course portal. `organisation` – its short name.
    A new dataset stays private until all files are there. Files that no longer belong to it are removed from the portal.
    Reads size and checksum of the files again and sets the addresses in `metadata.distributions`. Raises PortalError (German, never with the token).
    """
    tell = progress or (lambda text: None)
    for path in files or ():
        if not any(d.path and Path(d.path).name == Path(path).name for d in metadata.distributions):
            metadata.add_file(path)
    missing = [Path(d.path).name for d in metadata.distributions if d.path and not Path(d.path).is_file()]
    if missing:
        raise PortalError("datei", f"Diese Datei gibt es nicht: {german_list(missing)}. Prüfen Sie Ordner und Namen.")
    for file in metadata.distributions:
        if file.path:  # the file may have changed since it was described
            fresh = Distribution.from_file(file.path)
            file.bytes, file.sha256 = fresh.bytes, fresh.sha256
    portal = _Portal(url, token, unencrypted)
    tell("Portal prüfen …")
    portal.call("status_show")
    _check_organisation(portal, organisation)
    wanted = package_fields(metadata, organisation)
    old = portal.find(wanted["name"])
    if old and (old.get("organization") or {}).get("name") not in (None, organisation):
        raise PortalError("name", f"Der Name „{wanted['name']}“ gehört schon einer anderen Organisation. Wählen Sie einen anderen Namen (metadaten.name).")
    tell("Beschreibung schreiben …")
    if old is None:
        package = portal.call("package_create", **wanted, private=True)
    else:
        package = portal.call("package_patch", **wanted, id=old["id"], state="active")
    result = PublishResult(wanted["name"], f"{portal.url}/dataset/{wanted['name']}", "Veröffentlicht" if old is None else "Aktualisiert", id=package["id"])
    have = {r["name"]: r for r in package.get("resources") or []}
    for file in metadata.distributions:
        tell(f"„{file.title}“ hochladen …")
        result.resources.append(_upload(portal, package["id"], file, metadata, have.pop(file.title, None), schema, result.messages))
        file.url = result.resources[-1]["url"]
    for gone in have.values():
        portal.call("resource_delete", id=gone["id"])
        result.messages.append(f"„{gone['name']}“ gehört nicht mehr zum Datensatz und wurde auf dem Portal gelöscht.")
    _finish(portal, package, metadata, private, result.messages)
    metadata.base_url = portal.url
    if private:
        result.messages.append("Der Datensatz ist noch nicht öffentlich (private=True).")
    tell("Fertig.")
    return result


def _finish(portal: _Portal, package: dict[str, Any], metadata: Metadata, private: bool, messages: list[str]) -> None:
    """Make the dataset visible, and put it into the portal's groups of the same name as its themes (`envi`, `soci`, …)."""
    try:
        there = set(portal.call("group_list") or ())
    except (KeyError, PortalError):
        there = set()
    before = {g["name"] for g in package.get("groups") or ()}
    known = {code.lower() for code in voc.entries("theme")}
    groups = (before - known) | ({code.lower() for code in metadata.themes} & there)
    if groups != before:
        try:
            portal.call("package_patch", id=package["id"], private=private, groups=[{"name": name} for name in sorted(groups)])
            return
        except PortalError as error:
            if error.reason not in ("rechte", "angaben"):
                raise
            messages.append("In die Themengruppen des Portals durfte der Datensatz nicht. Er ist trotzdem vollständig.")
    portal.call("package_patch", id=package["id"], private=private)


def _check_organisation(portal: _Portal, organisation: str) -> None:
    try:
        portal.call("organization_show", id=organisation, include_datasets=False)
    except KeyError:
        raise PortalError("organisation", f"Die Organisation „{organisation}“ gibt es auf diesem Portal nicht. Geben Sie organisation=\"…\" an.") from None


def _upload(portal: _Portal, package: str, file: Distribution, metadata: Metadata, old: dict[str, Any] | None, schema: dict[str, Any] | None,
            messages: list[str]) -> dict[str, Any]:
    data: dict[str, Any] = {"name": file.title, "format": file.format, "mimetype": file.media_type, "license": voc.uri("license", file.license or metadata.license)}
    if file.bytes is not None:
        data |= {"size": file.bytes, "hash": file.sha256, "hash_algorithm": "http://spdx.org/rdf/terms#checksumAlgorithm_sha256"}
    if old and file.path and old.get("hash") == file.sha256:
        same = portal.call("resource_patch", id=old["id"], **data)
        rows = None
        if file.format == "CSV" and old.get("datastore_active") is False:  # an earlier run broke off before the table
            rows = _datastore(portal, old["id"], Path(file.path), schema, messages)
        return {"name": file.title, "id": same["id"], "url": same["url"], "action": "unverändert", "rows": rows}
    action = ("resource_patch", {"id": old["id"]}) if old else ("resource_create", {"package_id": package})
    if file.path:
        with open(file.path, "rb") as stream:
            done = portal.call(action[0], files={"upload": (Path(file.path).name, stream)}, **action[1], **data)
    else:
        done = portal.call(action[0], **action[1], **data, url=file.url)
    rows = None
    if file.path and file.format == "CSV":
        rows = _datastore(portal, done["id"], Path(file.path), schema, messages)
    return {"name": file.title, "id": done["id"], "url": done["url"], "action": "erneuert" if old else "neu", "rows": rows}


def _datastore(portal: _Portal, resource: str, path: Path, schema: dict[str, Any] | None, messages: list[str]) -> int | None:
    """Put a CSV into the datastore, so that the portal shows a table and answers queries."""
    text = path.read_text(encoding="utf-8-sig")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=find_separator(text))
    header = [slugify(h).replace("-", "_") or f"spalte_{i}" for i, h in enumerate(next(reader, []), 1)]
    rows = [row for row in reader if any(row)]
    types = column_types(header, rows, schema)
    fields = [{"id": h, "type": t} for h, t in zip(header, types, strict=True)]
    records = [{h: v if v != "" else None for h, v in zip(header, row, strict=False)} for row in rows]
    try:
        try:
            portal.call("datastore_delete", resource_id=resource, force=True)
        except KeyError:
            pass  # there was no table yet
        portal.call("datastore_create", resource_id=resource, force=True, fields=fields, records=records[:_BATCH])
        for start in range(_BATCH, len(records), _BATCH):
            portal.call("datastore_upsert", resource_id=resource, force=True, method="insert", records=records[start:start + _BATCH])
    except KeyError:
        messages.append("Das Portal hat keinen Datenspeicher für Tabellen. Die Datei selbst ist hochgeladen.")
        return None
    except PortalError as error:
        if error.reason != "angaben":
            raise
        messages.append(f"Die Tabelle „{path.name}“ passt nicht in den Datenspeicher. Die Datei selbst ist hochgeladen. {error}")
        return None
    return len(records)


def column_types(header: list[str], rows: list[list[str]], schema: dict[str, Any] | None = None) -> list[str]:
    """Return datastore types: from the schema, else numbers only where no value has a leading zero."""
    if schema:
        from .rules import table_schema

        given = {slugify(f["name"]).replace("-", "_"): _TYPES.get(f.get("type", ""), "text") for f in table_schema(schema).get("fields", [])}
        return [given.get(h, "text") for h in header]
    types = []
    for j in range(len(header)):
        values = {row[j] for row in rows if j < len(row) and row[j]}
        kinds = {shape_kind(v) for v in values}
        zero = any(len(v) > 1 and v[0] == "0" and v[1].isdigit() for v in values)
        big = any(len(v) > 9 for v in values)
        iso = kinds == {"date-iso"} and all(len(v) == 10 for v in values)
        types.append("text" if not values or zero else "int" if kinds == {"int"} and not big else
                     "numeric" if kinds <= {"int", "decimal"} else "date" if iso else "text")
    return types


def withdraw(dataset: Metadata | str, *, confirm: bool = False, delete: bool = False, url: str | None = None, token: str | None = None,
             unencrypted: bool = False) -> PublishResult:
    """Take a dataset off the portal. Nothing happens until `confirm=True`; without it the result says what would happen.

    By default the dataset becomes private: the public no longer sees it, the organisation does, and `publish` brings it
    back. `delete=True` moves it to the portal's bin, from which only the portal's administrators free the name for good.
    Withdrawing twice changes nothing. Raises PortalError (German).
    """
    name = dataset.slug if isinstance(dataset, Metadata) else dataset
    portal = _Portal(url, token, unencrypted)
    address = f"{portal.url}/dataset/{name}"
    found = portal.find(name)
    if found is None or found.get("state") == "deleted":
        if found:
            return PublishResult(name, address, "Schon gelöscht", id=found["id"])
        raise PortalError("name", f"Einen Datensatz „{name}“ gibt es auf dem Portal nicht.")
    if not confirm:
        what = "gelöscht" if delete else "zurückgezogen (nicht mehr öffentlich)"
        return PublishResult(name, address, "Noch nichts geändert", id=found["id"], messages=[
            f"„{found.get('title') or name}“ würde {what}. Wenn Sie das wollen, rufen Sie withdraw(…, confirm=True) auf.",
            "Wer die Daten nutzt, verlässt sich darauf. Nennen Sie den Grund in der Beschreibung."])
    if delete:
        portal.call("package_delete", id=found["id"])
        return PublishResult(name, address, "Gelöscht", id=found["id"])
    if found.get("private"):
        return PublishResult(name, address, "Schon zurückgezogen", id=found["id"])
    portal.call("package_patch", id=found["id"], private=True)
    return PublishResult(name, address, "Zurückgezogen", id=found["id"], messages=["Der Datensatz ist nicht mehr öffentlich. `publish` stellt ihn wieder online."])
