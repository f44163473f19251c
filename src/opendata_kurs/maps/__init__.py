"""Map workshop: readable, credited, accessible maps as one HTML file without requests to third parties.

    karte = choropleth(stadtteile, "dichte", title="…", unit="Einwohner je km²", name="stadtteil")
    save_html(karte, "karte.html")
    check_map("karte.html")

Everything a map needs (Leaflet, data, legend, credit, table) lies inside the file. Errors are German
sentences (`MapError`) that say what is wrong and what to do next.
"""

from __future__ import annotations

from importlib import import_module

# public name -> module that holds it; loaded when first used, so that importing stays fast
_NAMES = {
    "Map": "page",
    "save_html": "page",
    "choropleth": "layers",
    "points": "layers",
    "check_map": "report",
    "check_html": "report",
    "print_map": "printing",
    "map_explorer": "explorer",
    "area_km2": "geometry",
    "check_crs": "geometry",
    "check_geometry": "geometry",
    "count_points": "geometry",
    "join_by_key": "geometry",
    "repair_geometry": "geometry",
    "to_points": "geometry",
    "read_geodata": "files",
    "source": "credits",
    "classify": "classes",
    "format_number": "numbers",
    "MapError": "errors",
    "CrsError": "errors",
    "CreditError": "errors",
    "ForeignRequestError": "errors",
    "GeometryError": "errors",
    "JoinError": "errors",
    "ValueColumnError": "errors",
}

__all__ = [
    "CreditError",
    "CrsError",
    "ForeignRequestError",
    "GeometryError",
    "JoinError",
    "Map",
    "MapError",
    "ValueColumnError",
    "area_km2",
    "check_crs",
    "check_geometry",
    "check_html",
    "check_map",
    "choropleth",
    "classify",
    "count_points",
    "format_number",
    "join_by_key",
    "map_explorer",
    "points",
    "print_map",
    "read_geodata",
    "repair_geometry",
    "save_html",
    "source",
    "to_points",
]


def __getattr__(name: str):
    if name in _NAMES:
        return getattr(import_module(f".{_NAMES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
