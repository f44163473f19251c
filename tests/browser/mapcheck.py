"""What the browser tests of maps share: where the pictures go, and axe in two passes."""

from pathlib import Path

from .lab import axe

SHOTS = Path(__file__).resolve().parents[2] / "build" / "screenshots"
READY = "html[data-bereit=ja]"
BEST = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")


def map_faults(page) -> list[str]:
    """Return axe's findings on a map's page.

    Leaflet draws a third more than the map shows. That part is clipped, but axe takes it for an overlap and leaves the
    contrast of title, credit and table undecided. So what depends on overlap is looked at a second time, without what is drawn.
    """
    found = axe(page, tags=BEST)
    page.evaluate("() => { for (const pane of document.querySelectorAll('.leaflet-map-pane')) pane.style.display = 'none' }")
    found += axe(page, rules=("color-contrast", "link-in-text-block", "target-size"))
    page.evaluate("() => { for (const pane of document.querySelectorAll('.leaflet-map-pane')) pane.style.display = '' }")
    return sorted(set(found))
