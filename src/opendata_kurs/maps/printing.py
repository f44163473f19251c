"""Print version of a choropleth: A4 as PDF or PNG, by matplotlib, with alternative text."""

from __future__ import annotations

import io
import math
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import numpy as np

from . import colours
from .classes import classify
from .credits import collect_sources
from .layers import _cells, _describe, _digits, _field_titles, _name_column, _prepared, _title, _values
from .numbers import MISSING, format_number
from .options import optional_text, output_path, title_text

if TYPE_CHECKING:
    import geopandas as gpd

A4 = (11.69, 8.27)  # inches, landscape


@dataclass(frozen=True)
class PrintedMap:
    """A saved print map. Shows itself in a notebook as an image with alternative text."""

    path: Path
    alt: str
    preview: bytes

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict, dict]:
        import base64

        data = {"image/png": base64.b64encode(self.preview).decode(), "text/plain": f"Druckkarte: {self.path.name}"}
        return data, {"image/png": {"alt": self.alt}}


def print_map(
    data: gpd.GeoDataFrame,
    column: str,
    path: str | Path,
    *,
    title: str = "",
    unit: str | None = None,
    label: str | None = None,
    name: str | None = None,
    scheme: str = "quantiles",
    classes: int = 5,
    bounds: Sequence[float] | None = None,
    palette: str | Sequence[str] = "YlGnBu",
    decimals: int | None = None,
    description: str | None = None,
    sources: Iterable[str | dict[str, Any]] = (),
    credit: str | None = None,
    region: str | None = "nrw",
    portrait: bool = False,
) -> PrintedMap:
    """Save a choropleth as A4 page (PDF or PNG, by the suffix) and return it with its alternative text.

    The page is drawn in EPSG:25832, so that areas compare and the scale bar is true. The alternative text
    stands in the file's metadata (PDF: Subject, PNG: Description) and in `result.alt`. A PDF by matplotlib
    has no tags: the accessible version of the map is the HTML page with its table.

    Args:
        data: Polygons in any CRS.
        column: Column with numbers.
        path: File ending in .pdf or .png.
        title: Title of the map.
        portrait: True for an upright page.
        unit, label, name, scheme, classes, bounds, palette, decimals, description, sources, credit, region:
            As in `choropleth`.

    Raises:
        MapError: Another suffix, a missing folder, or an error as in `choropleth`.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.collections import PatchCollection
    from matplotlib.figure import Figure
    from matplotlib.patches import PathPatch, Rectangle
    from matplotlib.path import Path as Outline

    path = output_path(path, ".pdf", ".png", what="Die Druckkarte wird PDF oder PNG")
    title = title_text(title)
    for option, text in (("description", description), ("credit", credit), ("unit", unit), ("label", label)):
        optional_text(text, option)
    shapes = _prepared(data, "polygon", region).to_crs("EPSG:25832")
    values = _values(data, column)
    used = collect_sources(data, sources)
    titles = _field_titles(used)
    heading = label or _title(column, titles)
    result = classify(values, scheme, classes, bounds=bounds, decimals=decimals)
    fills = colours.palette_colours(palette, result.count)
    name = _name_column(data, name, [column])
    names = _cells(data[name]) if name else [f"Fläche {i + 1}" for i in range(len(data))]
    alt = description or _describe(names, values, heading, unit, _digits(values, result.decimals, decimals))
    line = credit if credit is not None else "; ".join(s["credit"] for s in used)
    line = f"Quelle: {unquote(line)}" if line else "Quelle: nicht angegeben"

    size = A4[::-1] if portrait else A4
    figure = Figure(figsize=size, facecolor="white")
    FigureCanvasAgg(figure)
    wrap = 52 if portrait else 84
    figure.text(0.05, 0.955, textwrap.fill(title.strip(), wrap), fontsize=17, fontweight="bold", va="top",
                color=colours.TEXT)  # fmt: skip
    notes = textwrap.fill(line, 118 if portrait else 172)
    footer = 0.03 + 0.0155 * (notes.count("\n") + 1) * (0.72 if portrait else 1)
    figure.text(0.05, 0.025, notes, fontsize=7.5, va="bottom", color=colours.TEXT, linespacing=1.35)
    top = 0.955 - (0.045 if not portrait else 0.033) * (textwrap.fill(title.strip(), wrap).count("\n") + 1) - 0.015
    step = 0.021 if portrait else 0.036
    head_lines = textwrap.fill(heading, 40 if portrait else 28).count("\n") + 1
    below = step * (head_lines + 0.9 * bool(unit) + result.count + bool(np.isnan(values).any()) + 0.5)  # upright: the legend
    box = [0.05, footer + (below + 0.02 if portrait else 0.02), 0.9 if portrait else 0.68]
    axes = figure.add_axes([box[0], box[1], box[2], top - box[1]])
    axes.set_axis_off()
    axes.set_aspect("equal")

    def outline(geometry: Any) -> Outline:
        rings = []
        for part in getattr(geometry, "geoms", [geometry]):
            rings += [Outline(np.asarray(r.coords)[:, :2], closed=True) for r in (part.exterior, *part.interiors)]
        return Outline.make_compound_path(*rings)

    patches = [PathPatch(outline(g)) for g in shapes.geometry]
    index = np.array(result.indices)
    for k in range(result.count):
        chosen = [p for p, i in zip(patches, index, strict=True) if i == k]
        axes.add_collection(PatchCollection(chosen, facecolor=fills[k], edgecolor=colours.BORDER, linewidth=0.5))
    lacking = [p for p, i in zip(patches, index, strict=True) if i < 0]
    if lacking:
        axes.add_collection(PatchCollection(lacking, facecolor=colours.MISSING_FILL, edgecolor=colours.MISSING_LINE,
                                            linewidth=0.5, hatch="////"))  # fmt: skip
    west, south, east, north = shapes.total_bounds
    wide, tall = east - west, north - south
    axes.set_xlim(west - 0.01 * wide, east + 0.01 * wide)
    axes.set_ylim(south - 0.08 * tall, north + 0.01 * tall)  # room for the scale bar

    # legend by hand: text size and order are ours
    left, height = (0.05, footer + below) if portrait else (0.755, top - 0.02)
    figure.text(left, height, textwrap.fill(heading, 40 if portrait else 28), fontsize=11, fontweight="bold", va="top",
                color=colours.TEXT)  # fmt: skip
    height -= step * head_lines
    if unit:
        figure.text(left, height, f"in {unit}", fontsize=9.5, va="top", color=colours.TEXT)
        height -= step * 0.9
    entries = [(fills[k], text, n, "") for k, (text, n) in enumerate(zip(result.labels(), result.sizes(), strict=True))]
    if lacking:
        entries.append((colours.MISSING_FILL, MISSING, len(lacking), "////"))
    for fill, text, n, hatch in entries:
        height -= step
        figure.add_artist(Rectangle((left, height), 0.03, step * 0.66, facecolor=fill, hatch=hatch, linewidth=0.6,
                                    edgecolor=colours.MISSING_LINE if hatch else colours.BORDER,
                                    transform=figure.transFigure))  # fmt: skip
        figure.text(left + 0.038, height + step * 0.33, f"{text}  ({n})", fontsize=9.5, va="center", color=colours.TEXT)
    small = (f"In Klammern: Anzahl der Flächen. Klassen: {result.scheme_text}. "
             "Norden ist oben. Koordinatensystem: EPSG:25832.")  # fmt: skip
    left_small, top_small = (0.55, footer + below) if portrait else (left, height - 0.03)
    figure.text(left_small, top_small, textwrap.fill(small, 42 if portrait else 38), fontsize=8, va="top",
                color=colours.TEXT, linespacing=1.35)  # fmt: skip

    # scale bar: a round length, about a quarter of the map's width
    metres = wide / 4
    power = 10 ** math.floor(math.log10(metres))
    length = max(m * power for m in (1, 2, 5) if m * power <= metres)
    y = south - tall * 0.035
    axes.plot([west, west + length], [y, y], color=colours.TEXT, linewidth=2, solid_capstyle="butt", clip_on=False)
    shown = f"{format_number(length / 1000, 0 if length >= 1000 else 1)} km"
    axes.text(west + length / 2, y - tall * 0.01, shown, ha="center", va="top", fontsize=8.5,
              color=colours.TEXT, clip_on=False)  # fmt: skip

    if path.suffix.lower() == ".pdf":
        figure.savefig(path, metadata={"Title": title, "Subject": alt, "Keywords": line, "CreationDate": None,
                                       "Creator": "Open-Data-Kurs"})  # fmt: skip
    else:
        figure.savefig(path, dpi=200, metadata={"Title": title, "Description": alt, "Source": line, "Software": None})
    preview = io.BytesIO()
    figure.savefig(preview, format="png", dpi=75, metadata={"Software": None})
    return PrintedMap(path, alt, preview.getvalue())
