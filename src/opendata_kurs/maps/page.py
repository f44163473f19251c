"""The map page: a `folium.Map` that renders as one self-contained, accessible HTML file."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import folium
from branca.element import Element, Figure
from folium.template import Template

from . import assets, colours
from .credits import BASEMAP_HOST, BASEMAP_URL, basemap_source, collect_sources, credit_html
from .errors import ForeignRequestError, MapError
from .guard import foreign_requests
from .options import optional_text, output_path, title_text, whole_number

HEIGHT = 620  # of the frame in a notebook, in CSS pixels


def script_json(value: Any) -> str:
    """Return compact JSON that may stand inside a script element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=float)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


class Page(Figure):
    """The HTML document around the map: German, with title, policy and without requests."""

    _template = Template(
        '<!DOCTYPE html>\n<html lang="de">\n<head>\n'
        '<meta charset="utf-8"/>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>\n'
        '<meta http-equiv="Content-Security-Policy" content="{{ this.policy }}"/>\n'
        "<title>{{ this.title|e }}</title>\n"
        "{{ this.header.render(**kwargs) }}\n</head>\n"
        "<body{% if this.embedded %} class=\"eingebettet\"{% endif %}>\n"
        "{{ this.html.render(**kwargs) }}\n"
        "<script>\n{{ this.script.render(**kwargs) }}\n</script>\n</body>\n</html>\n"
    )

    def __init__(self, title: str, image_hosts: Sequence[str] = ()) -> None:
        super().__init__(title=title)
        self.header._children.clear()  # folium's own meta tag: the template has it
        self.image_hosts = tuple(image_hosts)
        self.embedded = False
        images = " ".join(["data:", "blob:", *(f"https://{h}" for h in self.image_hosts)])
        self.policy = (
            "default-src 'none'; script-src 'unsafe-inline' data:; style-src 'unsafe-inline' data:; "
            f"font-src data:; img-src {images}; form-action 'none'; base-uri 'none'"
        )

    def render(self, **kwargs: Any) -> str:
        """Return the whole page as HTML.

        Raises:
            ForeignRequestError: Something in the page would be loaded from a third party.
            MapError: Something needs libraries that only third parties serve.
        """
        _number(self)
        page = super().render(**kwargs)
        if foreign := foreign_requests(page, self.image_hosts):
            raise ForeignRequestError(
                "Die Karte würde beim Öffnen Dateien bei Dritten laden: "
                + ", ".join(foreign[:3]) + (f" und {len(foreign) - 3} weitere" if len(foreign) > 3 else "")
                + ". Entfernen Sie dieses Element oder nehmen Sie choropleth(…) und points(…)."
            )  # fmt: skip
        if "L.AwesomeMarkers" in page:
            raise MapError(
                "folium.Icon braucht Schriften von Dritten und geht hier nicht. "
                "Nehmen Sie folium.CircleMarker oder points(…)."
            )
        return page


def _number(root: Element) -> None:
    """Give all elements ids by their order: the same map gives the same bytes."""
    seen: dict[int, Element] = {}

    def walk(element: Element) -> None:
        if id(element) in seen:
            return
        seen[id(element)] = element
        element._id = str(len(seen))
        parts = (getattr(element, name, None) for name in ("html", "header", "script"))
        for child in [*element._children.values(), *parts]:
            if isinstance(child, Element):
                walk(child)

    for child in list(root._children.values()):
        walk(child)


class Map(folium.Map):
    """A Leaflet map in a German page with title, description, legend, credit and table.

    Used by `choropleth` and `points`; usable on its own with folium's layers, as long as they load nothing
    from third parties. In a notebook it shows itself in a frame.

    Args:
        title: Title of map and page.
        description: Text alternative; one to three sentences.
        sources: Names of datasets or results of `source(…)`; rendered as the credit line.
        credit: Own credit line instead of the one made from the sources.
        basemap: None (no background, works offline) or "basemap.de" (tiles from BKG when online).
        height: Height of the frame in a notebook, in pixels.
        **kwargs: Options of `folium.Map` (location, zoom_start, …).

    Raises:
        MapError: Empty title or unknown basemap.
    """

    _template = Template(
        """
        {% macro header(this, kwargs) %}
        <style>{{ this.css }}</style>
        <script>L_NO_TOUCH = false; L_DISABLE_3D = false;{{ this.js }}</script>
        {% endmacro %}
        {% macro html(this, kwargs) %}{{ this.body() }}{% endmacro %}
        {% macro script(this, kwargs) %}
        var {{ this.get_name() }} = kursKarte.start({{ this.get_name()|tojson }}, {
            center: {{ this.location|tojson }}, ...{{ this.options|tojavascript }} }, {{ this.extra|tojson }});
        {% endmacro %}
        """
    )

    def __init__(
        self,
        *,
        title: str = "",
        description: str = "",
        sources: Iterable[str | dict[str, Any]] = (),
        credit: str | None = None,
        basemap: str | None = None,
        height: int = HEIGHT,
        **kwargs: Any,
    ) -> None:
        title = title_text(title)
        description = optional_text(description, "description") or ""
        optional_text(credit, "credit")
        height = whole_number(height, "height", 200, 4000)
        if basemap not in (None, "basemap.de"):
            raise MapError(f"Der Hintergrund „{basemap}“ ist nicht bekannt. Möglich sind None und \"basemap.de\".")
        kwargs.setdefault("location", [51.45, 7.3])
        kwargs.setdefault("zoom_start", 8)
        super().__init__(
            tiles=None, zoom_control=False, attribution_control=False, zoom_snap=0.25,
            scroll_wheel_zoom=False, **kwargs,
        )  # fmt: skip
        self.options["max_zoom"] = 19  # folium gives it to tile layers only; groups of points need it
        self._parent = None
        self.default_js = [("leaflet", assets.leaflet_js())]
        self.default_css = [("leaflet_css", assets.leaflet_css())]
        self.title = title
        self.description = description.strip()
        self.own_credit = credit
        self.sources = collect_sources(None, sources)
        self.basemap = basemap
        if basemap:
            self.sources.append(basemap_source(date.today().year))
        self.height_px = height
        self.legend = ""
        self.table = ""
        self.hint = ""
        self.bounds: list[list[float]] | None = None
        self.info: dict[str, Any] = {"art": "karte"}
        self.css, self.js = assets.own("karte.css"), assets.own("karte.js")
        Page(self.title, (BASEMAP_HOST,) if basemap else ()).add_child(self)

    @property
    def extra(self) -> dict[str, Any]:
        """Options for our own script: where to look and whether to load a background."""
        return {"ausschnitt": self.bounds, "hintergrund": BASEMAP_URL if self.basemap else None}

    def body(self) -> str:
        """Return the content of the page: title, description, map, legend, credit, table."""
        e = html.escape
        name = self.get_name()
        sources = [
            {k: s.get(k) for k in ("slug", "title", "publisher", "licence_id", "licence_title", "licence_url",
                                   "homepage", "credit")} | {"changes": bool(s.get("changes"))}
            for s in self.sources
        ]  # fmt: skip
        info = {"titel": self.title, "hintergrund": self.basemap, "quellen": sources, **self.info}
        parts = [
            "<main>",
            f"<h1>{e(self.title)}</h1>",
            f'<p class="beschreibung" id="beschreibung">{e(self.description)}</p>' if self.description else "",
            '<figure aria-label="Karte mit Legende und Quelle">',
            '<div class="karte-und-legende">',
            f'<div class="folium-map" id="{name}" role="region" tabindex="0" '
            f'aria-label="{e("Karte: " + self.title)}. Pfeiltasten verschieben, Plus und Minus ändern den Maßstab."'
            f'{" aria-describedby=beschreibung" if self.description else ""}></div>',
            f'<aside class="legende" aria-label="Legende">{self.legend}</aside>' if self.legend else "",
            "</div>",
            '<p class="hinweis" id="hinweis" role="status"></p>' if self.basemap else "",
            f"<figcaption>{credit_html(self.sources, self.own_credit)}{self._basemap_credit()}"
            f"{f'<p>{e(self.hint)}</p>' if self.hint else ''}</figcaption>",
            "</figure>",
            self.table,
            "</main>",
            '<svg width="0" height="0" aria-hidden="true" style="position:absolute"><defs>'
            '<pattern id="schraffur" width="7" height="7" patternUnits="userSpaceOnUse" '
            f'patternTransform="rotate(45)"><rect width="7" height="7" fill="{colours.MISSING_FILL}"/>'
            f'<rect width="2" height="7" fill="{colours.MISSING_LINE}"/></pattern></defs></svg>',
            f'<script type="application/json" id="karte-angaben">{script_json(info)}</script>',
        ]
        return "\n".join(p for p in parts if p)

    def _basemap_credit(self) -> str:
        """An own credit line never removes the credit of the background map."""
        if self.own_credit is None or not self.basemap:
            return ""
        return credit_html([s for s in self.sources if s["publisher"] == "basemap.de / BKG"])

    def html(self, *, embedded: bool = False) -> str:
        """Return the page as HTML; `embedded` hides the title's description, which the notebook shows itself."""
        page = self.get_root()
        page.embedded = embedded
        return page.render()

    def _repr_html_(self, **kwargs: Any) -> str:
        e = html.escape
        return (
            f'<figure lang="de" style="margin:0"><iframe title="{e("Karte: " + self.title)}" '
            f'srcdoc="{e(self.html(embedded=True))}" '
            f'style="display:block;width:100%;height:{self.height_px}px;border:1px solid #8a8f96;'
            'box-sizing:border-box"></iframe>'
            f"<figcaption>{e(self.description or self.title)}</figcaption></figure>"
        )

    def save(self, outfile: Any, close_file: bool = True, **kwargs: Any) -> None:
        """Save the page; a path or an open binary file (same as folium)."""
        if isinstance(outfile, str | Path):
            save_html(self, outfile)
        else:
            outfile.write(self.html().encode("utf-8"))
            if close_file:
                outfile.close()


def save_html(karte: Map, path: str | Path) -> Path:
    """Save the map as one HTML file that works offline; return the path.

    Raises:
        MapError: Not a map of this course, another suffix than .html, or a folder that does not exist.
        ForeignRequestError: The page would load something from a third party.
    """
    if not isinstance(karte, Map):
        raise MapError("Das ist keine Karte dieses Kurses. Bilden Sie sie mit choropleth(…) oder points(…).")
    path = output_path(path, ".html", ".htm", what="Die Karte wird eine HTML-Datei")
    page = karte.html()
    try:
        path.write_text(page, encoding="utf-8", newline="\n")
    except OSError:
        raise MapError(f"Die Datei „{path.name}“ lässt sich hier nicht speichern. Wählen Sie einen anderen Ordner.") from None
    return path
