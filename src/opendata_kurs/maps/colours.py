"""Colours: ColorBrewer's sequential schemes (colour-blind safe) from the tables that branca ships."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from .errors import MapError

# all sequential schemes of ColorBrewer are marked colour-blind safe there
SEQUENTIAL = (
    "YlGnBu", "Blues", "BuGn", "BuPu", "GnBu", "Greens", "Greys", "OrRd", "Oranges", "PuBu", "PuBuGn",
    "PuRd", "Purples", "RdPu", "Reds", "YlGn", "YlOrBr", "YlOrRd",
)  # fmt: skip
TEXT = "#1b1f24"
PAGE = "#ffffff"
MAP_BACKGROUND = "#f3f4f5"
BORDER = "#565c64"
MISSING_FILL = "#d4d4d4"
MISSING_LINE = "#6b6b6b"
MARKER = "#0b5c8f"


@cache
def _tables() -> dict[str, list[str]]:
    import branca

    return json.loads((Path(branca.__file__).parent / "_schemes.json").read_text(encoding="utf-8"))


def palette_colours(palette: str | Sequence[str], classes: int) -> list[str]:
    """Return one colour per class, light to dark.

    Args:
        palette: Name of a sequential ColorBrewer scheme, or own colours as "#rrggbb" (one per class).
        classes: One to seven.

    Raises:
        MapError: Unknown name, wrong number of colours or a colour that is not "#rrggbb".
    """
    if not isinstance(palette, str):
        colours = [str(c).lower() for c in palette] if isinstance(palette, Sequence) else []
        if len(colours) < classes or not all(re.fullmatch(r"#[0-9a-f]{6}", c) for c in colours):
            raise MapError(f"Nötig sind {classes} Farben in der Form „#1a2b3c“, von hell nach dunkel.")
        return colours[:classes]
    palette = {name.lower(): name for name in SEQUENTIAL}.get(palette.lower(), palette)
    if palette not in SEQUENTIAL:
        raise MapError(
            f"Die Farbreihe „{palette}“ ist nicht bekannt. Wählen Sie zum Beispiel: {', '.join(SEQUENTIAL[:5])}."
        )
    if classes < 3:  # ColorBrewer starts at three colours
        return [c.lower() for c in _tables()[f"{palette}_03"]][3 - classes :]
    return [c.lower() for c in _tables()[f"{palette}_{classes:02d}"]]


def _linear(colour: str) -> list[float]:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    return [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]


def luminance(colour: str) -> float:
    """Return the relative luminance of "#rrggbb" (WCAG 2.2)."""
    r, g, b = _linear(colour)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours (1 to 21, WCAG 2.2)."""
    a, b = sorted((luminance(one), luminance(other)))
    return (b + 0.05) / (a + 0.05)


def lightness(colour: str) -> float:
    """Return the lightness L* (0 black to 100 white): what remains without colour vision."""
    y = luminance(colour)
    return 116 * y ** (1 / 3) - 16 if y > 0.008856 else 903.3 * y
