"""Leaflet and its cluster plug-in from the installed packages, as `data:` addresses: no request anywhere."""

from __future__ import annotations

import base64
import re
from functools import cache
from pathlib import Path

_HERE = Path(__file__).parent / "static"


def _data_uri(content: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _leaflet_dir() -> Path:
    import xstatic.pkg.leaflet as package

    return Path(package.BASE_DIR)


def _cluster_dir() -> Path:
    import xstatic.pkg.leaflet_markercluster as package

    return Path(package.BASE_DIR)


@cache
def leaflet_js() -> str:
    """Return Leaflet (with its default marker icon built in) as a data: address."""
    folder = _leaflet_dir()
    code = (folder / "leaflet.js").read_text(encoding="utf-8")
    code = re.sub(r"//# sourceMappingURL=.*", "", code)
    icon, shadow = (
        _data_uri((folder / "images" / name).read_bytes(), "image/png")
        for name in ("marker-icon.png", "marker-shadow.png")
    )
    code += (
        "\n;delete L.Icon.Default.prototype._getIconUrl;"
        f"L.Icon.Default.mergeOptions({{iconUrl:'{icon}',iconRetinaUrl:'{icon}',shadowUrl:'{shadow}'}});"
    )
    return _data_uri(code.encode(), "text/javascript")


@cache
def leaflet_css() -> str:
    """Return Leaflet's style sheet with its images built in as a data: address."""
    folder = _leaflet_dir()

    def built_in(match: re.Match[str]) -> str:
        return f"url({_data_uri((folder / 'images' / match[1]).read_bytes(), 'image/png')})"

    css = (folder / "leaflet.css").read_text(encoding="utf-8")
    return _data_uri(re.sub(r"url\(images/([\w-]+\.png)\)", built_in, css).encode(), "text/css")


@cache
def cluster_js() -> str:
    """Return Leaflet.markercluster as a data: address."""
    code = (_cluster_dir() / "leaflet.markercluster.js").read_text(encoding="utf-8")
    return _data_uri(re.sub(r"//# sourceMappingURL=.*", "", code).encode(), "text/javascript")


@cache
def cluster_css() -> str:
    """Return the movement styles of Leaflet.markercluster as a data: address."""
    return _data_uri((_cluster_dir() / "MarkerCluster.css").read_bytes(), "text/css")


@cache
def own(name: str) -> str:
    """Return the text of one of our own static files."""
    return (_HERE / name).read_text(encoding="utf-8")
