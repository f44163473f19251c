"""Publish a table the right way: check, protect, describe, upload.

Public names are loaded when first used, so that importing this package costs nothing.
"""

from __future__ import annotations

from importlib import import_module

# public name -> module that holds it
_NAMES = {
    "check_table": "tables",
    "read_table": "tables",
    "Report": "report",
    "Finding": "report",
    "find_personal_data": "personal",
    "k_anonymity": "personal",
    "small_groups": "personal",
    "suppress": "suppression",
    "recalculate": "suppression",
    "round3": "suppression",
    "Metadata": "metadata",
    "Distribution": "metadata",
    "validate_metadata": "shapes",
    "mqa": "quality",
    "publish": "ckan",
    "withdraw": "ckan",
    "PortalError": "ckan",
    "static_catalogue": "catalogue",
    "catalogue_graph": "catalogue",
    "check_final": "final",
    "portal_export": "final",
    "mark_published": "final",
}

__all__ = list(_NAMES)


def __getattr__(name: str):
    if name in _NAMES:
        return getattr(import_module(f".{_NAMES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
