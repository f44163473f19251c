"""Find what a page would load from elsewhere, before it is shown or saved.

Counted as a request: everything the browser fetches on its own – `src`, `srcset`, `poster`, `data` of
`object`, `href` of `link`, `base`, `image` and `use`, `url(…)` and `@import` in styles, a refresh, and in
scripts the usual ways to load (tile layers, fetch, import, `.src = …`). Plain links (`a href`) are not
counted: nothing happens until a person follows them. Beside this check, each page carries a content
security policy, so that the browser itself refuses what a check of the text could miss.
"""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

_FOREIGN = re.compile(r"^\s*(?:(?:https?|wss?|ftp):)?//", re.IGNORECASE)
_CSS_URL = re.compile(r"url\(\s*['\"]?\s*((?:https?:)?//[^'\")\s]+)|@import\s+['\"]((?:https?:)?//[^'\"]+)", re.I)
_ADDRESS = r"\s*[\"'`]\s*((?:(?:https?|wss?):)?//[^\"'`\s]+)"
_SCRIPT = re.compile(
    r"(?:tileLayer(?:\.wms)?|imageOverlay|videoOverlay|fetch|import|importScripts|EventSource|WebSocket|"
    r"Worker|sendBeacon)\s*\(" + _ADDRESS
    + r"|\bopen\(\s*[\"'](?:GET|POST|HEAD)[\"']\s*," + _ADDRESS
    + r"|\.(?:src|href)\s*=(?!=)" + _ADDRESS
    + r"|\bfrom" + _ADDRESS
    + r"|[\"'`]((?:https?:)?//[^\"'`\s]*\{[zxy]\}[^\"'`\s]*)",
    re.IGNORECASE,
)  # fmt: skip
_LOADING = {
    "script": ("src",), "img": ("src", "srcset"), "iframe": ("src",), "frame": ("src",), "embed": ("src",),
    "audio": ("src",), "video": ("src", "poster"), "source": ("src", "srcset"), "track": ("src",),
    "input": ("src",), "object": ("data",), "link": ("href",), "base": ("href",), "image": ("href", "xlink:href"),
    "use": ("href", "xlink:href"), "body": ("background",), "form": ("action",),
}  # fmt: skip
_HARMLESS_LINKS = {"license", "canonical", "author", "help", "alternate"}


class TolerantParser(HTMLParser):
    """A parser that reads broken and hostile pages as a browser does, and never fails."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def parse_marked_section(self, i: int, report: int = 1) -> int:
        """Read `<![…` as a comment up to the next `>`: so do browsers, even when it says CDATA."""
        return self.parse_bogus_comment(i, report)


def _decoded(address: str) -> str | None:
    """Return the text of a `data:` address that a browser could run or show, or None."""
    match = re.match(r"\s*data:([^,]*),(.*)", address, re.S | re.IGNORECASE)
    if not match or re.match(r"\s*(?:image/(?!svg)|font/|audio/|video/)", match[1], re.IGNORECASE):
        return None
    text = unquote(match[2])
    if not re.search(r";\s*base64\s*$", match[1], re.IGNORECASE):
        return text
    code = re.sub(r"[^A-Za-z0-9+/]", "", text)  # browsers forgive spaces and missing padding
    code = code[: len(code) - (len(code) % 4 == 1)]
    return base64.b64decode(code + "=" * (-len(code) % 4)).decode("utf-8", "replace")


def _host(address: str) -> str:
    try:
        return (urlsplit(address).hostname or "").lower()
    except ValueError:  # no valid address: then it is of no allowed host
        return ""


class _Finder(TolerantParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.inside = ""
        self.data_script = False

    def _text(self, kind: str, text: str) -> None:
        if kind == "style":
            self.found += [a or b for a, b in _CSS_URL.findall(text)]
        elif kind == "script":
            self.found += [next(g for g in m if g) for m in _SCRIPT.findall(text)]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {k: v or "" for k, v in attrs}
        self.inside = tag if tag in ("script", "style") else ""
        self.data_script = "json" in values.get("type", "")
        if tag == "link" and set(values.get("rel", "").lower().split()) & _HARMLESS_LINKS:
            return
        for name in _LOADING.get(tag, ()):
            value = values.get(name, "")
            for part in value.split(",") if name == "srcset" else [value]:
                if _FOREIGN.match(part):
                    self.found.append(part.strip().split()[0])
            if (code := _decoded(value)) is not None:
                if tag in ("iframe", "frame", "object", "embed"):
                    self.found += foreign_requests(code)
                else:
                    self._text("style" if tag == "link" else "script", code)
        if "style" in values:
            self._text("style", values["style"])
        if tag == "iframe" and "srcdoc" in values:
            self.found += foreign_requests(values["srcdoc"])
        if tag == "meta" and values.get("http-equiv", "").lower() == "refresh":
            self.found += re.findall(r"(?:https?:)?//[^\s'\"]+", values.get("content", ""))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.inside = ""

    def handle_endtag(self, tag: str) -> None:
        if tag == self.inside:
            self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside and not self.data_script:
            self._text(self.inside, data)


def foreign_requests(page: str, allowed_hosts: tuple[str, ...] = ()) -> list[str]:
    """Return the addresses that the page would load on opening, sorted, without those of `allowed_hosts`."""
    finder = _Finder()
    finder.feed(page)
    finder.close()
    hosts = {h.lower() for h in allowed_hosts}
    return sorted({a for a in finder.found if _host(a) not in hosts})
