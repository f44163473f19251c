"""Look up codes, labels and URIs of the controlled vocabularies."""

from __future__ import annotations

from functools import cache
from typing import Any

from ..licensing import Licence, licences
from .report import load_yaml


def entries(vocabulary: str) -> dict[str, Any]:
    """Return code → German label (or properties) of a vocabulary; `license` lists the licences with a URI."""
    if vocabulary == "license":
        return {entry.id: entry.name for entry in licences() if entry.uri}
    return load_yaml("vocabularies.yml")[vocabulary]["values"]


def uri(vocabulary: str, code: str) -> str:
    """Return the URI of a code; a URI or an unknown code stays as it is."""
    if vocabulary == "license":
        return next((entry.uri for entry in licences() if entry.id == code and entry.uri), code)
    return load_yaml("vocabularies.yml")[vocabulary]["base"] + code if code in entries(vocabulary) else code


@cache
def uris(vocabulary: str) -> frozenset[str]:
    """Return all URIs of a vocabulary."""
    return frozenset(uri(vocabulary, code) for code in entries(vocabulary))


def label(vocabulary: str, code: str) -> str:
    """Return the German label of a code, or the code itself."""
    return str(entries(vocabulary).get(code, code))


def licence_of(uri_or_id: str) -> Licence | None:
    """Return the course's licence for a GovData URI, an id or the address of the licence text."""
    text = str(uri_or_id).rstrip("/")
    return next((e for e in licences() if text and text in (e.id, (e.uri or "").rstrip("/"), (e.text_url or "").rstrip("/"))), None)


def file_type(name: str) -> tuple[str, dict[str, Any]] | None:
    """Return the EU file type (code and properties) for a suffix or a code; None if it is not in the list."""
    wanted = name.lower().lstrip(".")
    return next(((code, props) for code, props in entries("file_type").items() if wanted in (props["suffix"], code.lower())), None)
