"""`check_map`: reads a finished map file as a stranger would and says in German what is there and what lacks."""

from __future__ import annotations

import contextlib
import html
import json
import re
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from . import colours
from .credits import BASEMAP_HOST, basemap_source, credit_faults
from .errors import MapError
from .geometry import REGIONS
from .guard import TolerantParser, foreign_requests
from .numbers import format_number

KEYS = ("titel", "legende", "quelle", "textalternative", "tabelle", "kontrast", "abrufe", "daten", "lage", "sprache")
_EMPTY_TITLES = {"titel", "karte", "meine karte", "title", "map", "untitled", "test", "…", "..."}
_LIGHTNESS_STEP = 4.0  # L* between neighbouring classes; the smallest step in ColorBrewer up to 7 classes


@dataclass(frozen=True)
class Finding:
    """One line of the report."""

    key: str
    ok: bool
    text: str

    def __str__(self) -> str:
        return f"{'erfüllt' if self.ok else 'offen  '}  {self.text}"


@dataclass
class MapReport:
    """Result of `check_map`: `ok`, `findings`, `lines` (German), `report["quelle"].ok`."""

    findings: list[Finding] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """True when nothing is open."""
        return all(f.ok for f in self.findings)

    @property
    def lines(self) -> list[str]:
        """The German lines, one per check."""
        return [str(f) for f in self.findings]

    @property
    def open(self) -> list[str]:
        """Keys of what is still open."""
        return [f.key for f in self.findings if not f.ok]

    def __getitem__(self, key: str) -> Finding:
        for finding in self.findings:
            if finding.key == key:
                return finding
        raise KeyError(key)

    def __str__(self) -> str:
        done = sum(f.ok for f in self.findings)
        return "\n".join([f"Prüfliste: {done} von {len(self.findings)} Punkten erfüllt", *self.lines])

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        done = sum(f.ok for f in self.findings)
        rows = "".join(
            f'<li><strong>{"erfüllt" if f.ok else "offen"}:</strong> {html.escape(f.text)}</li>' for f in self.findings
        )
        return f'<div lang="de"><p>Prüfliste: {done} von {len(self.findings)} Punkten erfüllt</p><ul>{rows}</ul></div>'


class _Reader(TolerantParser):
    """Collects the parts of a page that the checks look at."""

    def __init__(self) -> None:
        super().__init__()
        self.stack: list[tuple[str, dict[str, str]]] = []
        self.text: dict[str, str] = {k: "" for k in ("title", "h1", "figcaption", "aside", "style", "beschreibung")}
        self.lang = ""
        self.credit = ""  # the caption, one source a line, each link's address behind its text
        self.links: list[str] = []
        self.legend_items: list[str] = []
        self.rows = 0
        self.scopes = 0
        self.json: dict[str, str] = {}
        self.scripts: list[str] = []
        self.described = False
        self.labelled = False

    def _in(self, tag: str) -> bool:
        return any(t == tag for t, _ in self.stack)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {k: v or "" for k, v in attrs}
        if tag == "html":
            self.lang = values.get("lang", "")
        if tag == "a" and self._in("figcaption"):
            self.links.append(values.get("href", ""))
        if tag in ("p", "li", "br") and self._in("figcaption"):
            self.credit += "\n"
        if tag == "li" and self._in("aside"):
            self.legend_items.append("")
        if tag == "tr" and self._in("tbody"):
            self.rows += 1
        if tag == "th" and values.get("scope"):
            self.scopes += 1
        if "aria-describedby" in values:
            self.described = True
        if "folium-map" in values.get("class", "") and values.get("aria-label"):
            self.labelled = True
        if tag not in ("meta", "link", "br", "img", "input", "hr", "circle", "rect", "path"):
            self.stack.append((tag, values))

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._in("figcaption") and self.links:
            self.credit += f" {self.links[-1]} "
        for i in range(len(self.stack) - 1, -1, -1):
            if self.stack[i][0] == tag:
                del self.stack[i:]
                break

    def handle_data(self, data: str) -> None:
        if not self.stack:
            return
        tag, values = self.stack[-1]
        if tag == "script":
            if "json" in values.get("type", ""):
                self.json[values.get("id", "")] = self.json.get(values.get("id", ""), "") + data
            else:
                self.scripts.append(data)
            return
        for name in ("title", "h1", "figcaption", "aside", "style"):
            if self._in(name):
                self.text[name] += data
        if self._in("figcaption"):
            self.credit += data.replace("\n", " ")
        if values.get("id") == "beschreibung":
            self.text["beschreibung"] += data
        if self.legend_items and self._in("li") and self._in("aside"):
            self.legend_items[-1] += data


@dataclass
class _Shown:
    """What the page draws: counted from the data in it, not from what it claims."""

    shapes: int = 0
    points: int = 0
    valued: int = 0
    box: tuple[float, float, float, float] | None = None  # west, south, east, north


def _grow(box: tuple | None, ys: list[float], xs: list[float]) -> tuple:
    west, south, east, north = box or (1e9, 1e9, -1e9, -1e9)
    return (min(west, *xs), min(south, *ys), max(east, *xs), max(north, *ys))


def _decode(deltas: list[int]) -> tuple[list[float], list[float]]:
    ys, xs, y, x = [], [], 0, 0
    for i in range(0, len(deltas) - 1, 2):
        y += deltas[i]
        x += deltas[i + 1]
        ys.append(y / 1e5)
        xs.append(x / 1e5)
    return ys, xs


def _add_layer(out: _Shown, data: Any) -> None:
    """Count what one layer draws; raises the usual errors of Python when the layer is damaged."""
    if "formen" in data and not data.get("leer"):
        drawn = [i for i, shape in enumerate(data["formen"]) if any(part and part[0] for part in shape)]
        valued = sum(data["klassen"][i] >= 0 for i in drawn)
        rings = [_decode(part[0]) for shape in data["formen"] for part in shape]
        out.shapes += len(drawn)
        out.valued += valued
    elif "orte" in data:
        rings = [_decode(data["orte"])]
        out.points += len(rings[0][0])
        out.valued += len(rings[0][0])
    else:
        return
    for ys, xs in rings:
        if xs:
            out.box = _grow(out.box, [min(ys), max(ys)], [min(xs), max(xs)])


def _shown(reader: _Reader) -> _Shown:
    out = _Shown()
    for name, text in reader.json.items():
        if name.startswith("daten-"):
            # a browser cannot draw a damaged layer either: nothing of it counts
            with contextlib.suppress(ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError):
                _add_layer(out, json.loads(text))
    # layers that folium itself wrote
    for script in reader.scripts:
        for y, x in re.findall(r"L\.(?:circleMarker|marker|circle)\(\s*\[\s*(-?[\d.]+),\s*(-?[\d.]+)\s*\]", script):
            out.points += 1
            out.valued += 1
            out.box = _grow(out.box, [float(y)], [float(x)])
        features = len(re.findall(r'"type": "Feature"[,}]', script))
        if features:
            out.shapes += features
            out.valued += features
            pairs = re.findall(r"\[(-?\d+\.\d+), (-?\d+\.\d+)\]", script)
            if pairs:
                out.box = _grow(out.box, [float(p[1]) for p in pairs], [float(p[0]) for p in pairs])
    return out


def _inside(box: tuple[float, float, float, float], region: tuple[float, float, float, float]) -> bool:
    return region[0] <= box[0] and region[1] <= box[1] and box[2] <= region[2] and box[3] <= region[3]


def _check_title(reader: _Reader) -> Finding:
    shown, page = reader.text["h1"].strip(), reader.text["title"].strip()
    if not shown or not page:
        return Finding("titel", False, "Der Titel fehlt. Schreiben Sie, was die Karte zeigt, wo und wann.")
    if shown.casefold() in _EMPTY_TITLES or len(shown) < 10:
        return Finding("titel", False, f"Der Titel „{shown}“ sagt zu wenig. Nennen Sie Thema, Ort und Jahr.")
    return Finding("titel", True, f"Der Titel ist da: „{shown}“.")


def _check_legend(reader: _Reader, info: dict[str, Any]) -> Finding:
    items = [i.strip() for i in reader.legend_items if i.strip()]
    if not items:
        return Finding("legende", False, "Die Legende fehlt. Ohne Legende sind Farben und Kreise nicht lesbar.")
    wanted = len(info["klassen"]) + bool(info.get("ohne_angabe"))
    if info.get("art") == "flaechen" and len(items) < wanted:
        return Finding("legende", False, f"Die Legende ist unvollständig: {len(items)} von {wanted} Einträgen.")
    if info.get("art") == "flaechen" and info.get("ohne_angabe") and "keine Angabe" not in reader.text["aside"]:
        return Finding("legende", False, "In der Legende fehlt der Eintrag „keine Angabe“.")
    return Finding("legende", True, f"Die Legende ist da und hat {len(items)} Einträge.")


def _check_credit(reader: _Reader, info: dict[str, Any]) -> Finding:
    text = re.sub(r"\s+", " ", reader.text["figcaption"]).strip()
    sources = list(info["quellen"])
    if info.get("hintergrund") and not any("basemap" in s["publisher"] for s in sources):
        sources.append(basemap_source(0))
    data_sources = [s for s in sources if "basemap" not in s["publisher"]]
    if not text or "nicht angegeben" in text:
        return Finding("quelle", False, "Der Quellenvermerk fehlt. Geben Sie die Quelle mit sources=[…] an.")
    if not data_sources:
        return Finding(
            "quelle", False,
            "Zur Karte gehört kein Datensatz mit Lizenz. Geben Sie ihn mit sources=[…] an, "
            "eigene Quellen mit source(…).",
        )  # fmt: skip
    faults = credit_faults(sources, reader.credit)
    if faults:
        return Finding("quelle", False, "Der Quellenvermerk ist unvollständig. " + " ".join(faults))
    count = len(sources)
    return Finding("quelle", True, f"Der Quellenvermerk ist vollständig ({count} {'Quelle' if count == 1 else 'Quellen'}).")


def _check_alternative(reader: _Reader) -> Finding:
    text = re.sub(r"\s+", " ", reader.text["beschreibung"]).strip()
    if len(text) < 40:
        return Finding(
            "textalternative", False,
            "Die Beschreibung in Worten fehlt oder ist zu kurz. Wer die Karte nicht sieht, braucht sie.",
        )  # fmt: skip
    if not (reader.described and reader.labelled):
        return Finding("textalternative", False, "Die Beschreibung ist nicht mit der Karte verbunden.")
    return Finding("textalternative", True, "Die Karte ist in Worten beschrieben.")


def _check_table(reader: _Reader, shown: _Shown) -> Finding:
    wanted = min(max(shown.shapes, shown.points), 1000)
    if not reader.rows or not reader.scopes:
        return Finding("tabelle", False, "Die Tabelle mit den Werten fehlt. Sie ersetzt die Karte für alle, die sie nicht sehen.")
    if reader.rows < wanted:
        return Finding("tabelle", False, f"Die Tabelle hat nur {reader.rows} Zeilen, die Karte zeigt {wanted}.")
    return Finding("tabelle", True, f"Die Werte stehen auch als Tabelle da ({reader.rows} Zeilen).")


def _check_contrast(reader: _Reader, info: dict[str, Any]) -> Finding:
    css = dict(re.findall(r"--(text|leise|link|papier|grund):\s*(#[0-9a-f]{6})", reader.text["style"], re.I))
    if not {"text", "leise", "link", "papier", "grund"} <= set(css):
        return Finding("kontrast", False, "Die Farben der Schrift sind nicht erkennbar. Der Kontrast ist nicht geprüft.")
    for name, german in (("text", "Schrift"), ("leise", "kleine Schrift"), ("link", "Links")):
        ratio = colours.contrast(css[name], css["papier"])
        if ratio < 4.5:
            return Finding("kontrast", False, f"{german}: Kontrast {format_number(ratio, 1)}, nötig ist 4,5.")
    fills = [f.lower() for f in info["farben"] if isinstance(f, str) and re.fullmatch(r"#[0-9a-fA-F]{6}", f)]
    if info.get("art") == "flaechen" and len(fills) > 1:
        light = [colours.lightness(f) for f in fills]
        steps = [a - b for a, b in pairwise(light)]
        if not (all(s >= _LIGHTNESS_STEP for s in steps) or all(-s >= _LIGHTNESS_STEP for s in steps)):
            return Finding(
                "kontrast", False,
                "Die Farben der Klassen sind zu ähnlich oder nicht nach Helligkeit geordnet. "
                "Nehmen Sie eine Farbreihe von ColorBrewer.",
            )  # fmt: skip
    if info.get("art") == "punkte" and fills:
        ratio = min(colours.contrast(fills[0], css["grund"]), colours.contrast(fills[0], css["papier"]))
        if ratio < 3:
            return Finding("kontrast", False, f"Punkte: Kontrast zum Grund {format_number(ratio, 1)}, nötig ist 3.")
    return Finding("kontrast", True, "Schrift und Farben heben sich genug ab.")


def _check_requests(page: str, info: dict[str, Any], allow_basemap: bool) -> Finding:
    foreign = foreign_requests(page)
    tiles = [a for a in foreign if f"//{BASEMAP_HOST}/" in a]
    if info.get("hintergrund") == "basemap.de":
        tiles = tiles or [BASEMAP_HOST]
    others = [a for a in foreign if a not in tiles]
    if others:
        return Finding(
            "abrufe", False,
            f"Die Karte lädt beim Öffnen {len(others)} Dateien von Dritten, zum Beispiel {others[0]}. "
            "So erfahren andere, wer die Karte ansieht.",
        )  # fmt: skip
    if tiles and not allow_basemap:
        return Finding("abrufe", False, "Die Karte lädt den Hintergrund von basemap.de. Gefragt ist eine Karte ohne Abrufe.")
    if tiles:
        return Finding("abrufe", True, "Die Karte lädt nur den Hintergrund von basemap.de (BKG), wie gewählt.")
    return Finding("abrufe", True, "Die Karte lädt nichts von Dritten.")


def _check_data(shown: _Shown, info: dict[str, Any]) -> Finding:
    count = shown.shapes + shown.points
    if not count:
        return Finding("daten", False, "Die Karte zeigt keine Daten: keine Fläche und keinen Punkt.")
    if not shown.valued:
        return Finding("daten", False, "Alle Flächen haben „keine Angabe“. Prüfen Sie die Verknüpfung.")
    share = shown.valued / count
    if share < 0.5:
        return Finding("daten", False, f"Nur {shown.valued} von {count} Flächen haben einen Wert. Prüfen Sie die Verknüpfung.")
    parts = []
    if shown.shapes:
        parts.append(f"{format_number(shown.shapes)} Flächen")
    if shown.points:
        parts.append(f"{format_number(shown.points)} Punkte")
    gap = f" {info['ohne_angabe']} ohne Angabe." if info.get("ohne_angabe") else ""
    return Finding("daten", True, f"Die Karte zeigt {' und '.join(parts)}.{gap}")


def _check_place(shown: _Shown) -> Finding:
    if shown.box is None:
        return Finding("lage", False, "Die Lage ist nicht prüfbar: Es gibt keine Koordinaten.")
    if _inside(shown.box, REGIONS["nrw"][1]):
        return Finding("lage", True, "Die Daten liegen in Nordrhein-Westfalen. Das Koordinatensystem passt.")
    if _inside(shown.box, REGIONS["deutschland"][1]):
        return Finding("lage", True, "Die Daten liegen in Deutschland. Das Koordinatensystem passt.")
    west, south, east, north = (format_number(v, 2) for v in shown.box)
    return Finding(
        "lage", False,
        f"Die Daten liegen nicht in Deutschland (Länge {west} bis {east}, Breite {south} bis {north}). "
        "Prüfen Sie das Koordinatensystem und ob Breite und Länge vertauscht sind.",
    )  # fmt: skip


def _info(reader: _Reader) -> dict[str, Any]:
    """What the page says of itself; what has a wrong form is left out, so that the checks find it missing."""
    try:
        info = json.loads(reader.json.get("karte-angaben", "{}"))
    except (ValueError, RecursionError):
        info = {}
    info = info if isinstance(info, dict) else {}
    for key in ("klassen", "farben", "quellen"):
        info[key] = info[key] if isinstance(info.get(key), list) else []
    needed = ("title", "publisher", "licence_id")
    info["quellen"] = [s for s in info["quellen"] if isinstance(s, dict) and all(isinstance(s.get(k), str) and s[k] for k in needed)
                       and all(isinstance(s.get(k), str | None) for k in ("licence_title", "licence_url", "homepage", "credit"))]  # fmt: skip
    return info


def check_html(page: str, *, allow_basemap: bool = True) -> MapReport:
    """Check the text of a map page; see `check_map`."""
    return MapReport(list(_findings(page, allow_basemap)))


@lru_cache(maxsize=4)  # an exercise asks for one point of the same map after the other
def _findings(page: str, allow_basemap: bool) -> tuple[Finding, ...]:
    reader = _Reader()
    reader.feed(page)
    reader.close()
    info = _info(reader)
    shown = _shown(reader)
    language = reader.lang.lower().startswith("de")
    return (
        _check_title(reader),
        _check_legend(reader, info),
        _check_credit(reader, info),
        _check_alternative(reader),
        _check_table(reader, shown),
        _check_contrast(reader, info),
        _check_requests(page, info, allow_basemap),
        _check_data(shown, info),
        _check_place(shown),
        Finding("sprache", language, "Die Sprache der Seite ist Deutsch." if language else
                "Die Seite nennt ihre Sprache nicht. Vorleseprogramme sprechen sie dann falsch aus."),
    )  # fmt: skip


def check_map(path: str | Path, *, allow_basemap: bool = True) -> MapReport:
    """Check a saved map and return a report with one German line per point.

    Points: title, legend, credit complete for each licence, text alternative, table, contrast, nothing
    loaded from third parties, data really drawn, place plausible, language. What is drawn is counted from
    the data in the file. Maps made with plain folium can be checked too (they fail most points).

    Args:
        path: HTML file.
        allow_basemap: Whether the chosen background basemap.de counts as fine.

    Raises:
        MapError: The file does not exist or is no HTML page.
    """
    if not isinstance(path, str | Path):
        raise MapError('check_map prüft eine gespeicherte Datei. Speichern Sie die Karte: save_html(karte, "meine_karte.html"). '
                       'Dann schreiben Sie: check_map("meine_karte.html").')  # fmt: skip
    path = Path(path)
    try:
        page = path.read_bytes().decode("utf-8", errors="replace")
    except IsADirectoryError:
        raise MapError(f"„{path}“ ist ein Ordner. Nennen Sie die Datei mit der Karte, sie endet auf .html.") from None
    except (OSError, ValueError):
        name = path.name[:60]
        raise MapError(f"Die Datei „{name}“ gibt es nicht. Speichern Sie die Karte zuerst: save_html(karte, \"{name}\").") from None
    if "<html" not in page.lower():
        raise MapError(f"Die Datei „{path.name}“ ist keine HTML-Seite. Speichern Sie die Karte mit save_html(…).")
    return check_html(page, allow_basemap=allow_basemap)
