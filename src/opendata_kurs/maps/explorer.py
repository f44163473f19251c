"""`map_explorer`: choose figure, year and scheme by mouse or keyboard and see the map change.

The chooser is a small anywidget (an ipywidget with its own view), not three ipywidgets.Dropdown: JupyterLab
takes the arrow keys from any control that is not marked with `data-lm-suppress-shortcuts`, and stock
ipywidgets cannot carry that mark.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import anywidget
import pandas as pd
import traitlets

from . import assets
from .errors import MapError, ValueColumnError
from .layers import _need_column, choropleth
from .options import column_list
from .page import Map

if TYPE_CHECKING:
    import geopandas as gpd

_SHORT = {
    "quantiles": "gleich viele Flächen (Quantile)",
    "equal_interval": "gleich breite Klassen",
    "fisher_jenks": "natürliche Klassen (Fisher-Jenks)",
}


class MapExplorer(anywidget.AnyWidget):
    """Chooser with a map; made by `map_explorer`. `karte` is the map that is shown now."""

    _esm = assets.own("explorer.js")
    _css = assets.own("explorer.css")
    figures = traitlets.List().tag(sync=True)
    years = traitlets.List().tag(sync=True)
    schemes = traitlets.List().tag(sync=True)
    figure = traitlets.Unicode().tag(sync=True)
    year = traitlets.Unicode("").tag(sync=True)
    scheme = traitlets.Unicode().tag(sync=True)
    page = traitlets.Unicode().tag(sync=True)
    status = traitlets.Unicode().tag(sync=True)
    height = traitlets.Int(620).tag(sync=True)

    def __init__(self, make: Any, **state: Any) -> None:
        self._make = make
        self.karte: Map | None = None
        super().__init__(**state)
        self._draw()
        self.observe(self._draw, names=["figure", "year", "scheme"])

    def _draw(self, _change: Any = None) -> None:
        try:
            self.karte = self._make(self.figure, self.year, self.scheme)
        except MapError as error:
            self.status = f"Diese Auswahl geht nicht: {error}"
            return
        self.page = self.karte.html(embedded=True)
        self.status = f"Gezeigt wird: {self.karte.title}. {self.karte.description}"


def map_explorer(
    data: gpd.GeoDataFrame,
    columns: Sequence[str] | Mapping[str, str],
    *,
    title: str,
    year: str | None = None,
    units: Mapping[str, str] | None = None,
    schemes: Sequence[str] = ("quantiles", "equal_interval", "fisher_jenks"),
    **options: Any,
) -> MapExplorer:
    """Return a widget to choose figure, year and classes; every control has a label and works by keyboard.

    Args:
        data: Polygons; with `year` one row per area and year.
        columns: Columns to choose from, or {column: German name}.
        title: First part of the title; figure and year are added.
        year: Column with the year; None for data of one date.
        units: {column: unit}.
        schemes: Class schemes to choose from; the first is shown first.
        **options: Passed on to `choropleth` (name, classes, palette, sources, …).

    Raises:
        ValueColumnError: A column is missing.
        MapError: As in `choropleth`.
    """
    names = dict(columns) if isinstance(columns, Mapping) else {c: str(c).replace("_", " ").capitalize() for c in column_list(columns)}
    schemes = column_list(schemes)
    if not names:
        raise ValueColumnError("Nennen Sie mindestens eine Spalte mit Zahlen.")
    for column in [*names, *([year] if year else [])]:
        _need_column(data, column)
    for scheme in schemes or [""]:
        if scheme not in _SHORT:
            raise MapError(f"Die Klassenbildung „{scheme}“ ist nicht bekannt. Wählen Sie: {', '.join(_SHORT)}.")
    years = [str(y) for y in sorted(pd.unique(data[year].dropna()))] if year else []
    units = units or {}

    def make(column: str, chosen: str, scheme: str) -> Map:
        part = data
        if year:
            part = data[data[year].astype(str) == chosen]
            part.attrs = dict(data.attrs)
        heading = f"{title}: {names[column]}{f' {chosen}' if chosen else ''}"
        return choropleth(part, column, title=heading, label=names[column], unit=units.get(column), scheme=scheme,
                          **options)  # fmt: skip

    return MapExplorer(
        make,
        figures=[[c, t] for c, t in names.items()],
        years=[[y, y] for y in reversed(years)],
        schemes=[[s, _SHORT[s]] for s in schemes],
        figure=next(iter(names)),
        year=years[-1] if years else "",
        scheme=schemes[0],
        height=int(options.get("height", 620)),
    )
