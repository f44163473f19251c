"""The quality score of data.europa.eu (MQA): 405 points in five dimensions, computed offline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import vocabularies as voc
from .metadata import Metadata
from .report import german_number, load_yaml
from .shapes import _uri, as_graph, shape_results

if TYPE_CHECKING:
    from rdflib import Graph
    from rdflib.term import Node

MAXIMUM = 405
_RATINGS = ((351, "ausgezeichnet"), (221, "gut"), (121, "ausreichend"), (0, "schlecht"))


@dataclass(frozen=True)
class Item:
    """One measure: its dimension, what it asks, points reached, points possible, and what would raise it."""

    dimension: str
    title: str
    points: float
    possible: int
    raise_it: str


@dataclass(frozen=True)
class Score:
    """Points of one dataset. `missing` lists what would raise the score, dearest first."""

    title: str
    items: tuple[Item, ...]

    @property
    def points(self) -> float:
        """Points reached, of 405."""
        return round(sum(i.points for i in self.items), 1)

    @property
    def maximum(self) -> int:
        """Points possible."""
        return MAXIMUM

    @property
    def rating(self) -> str:
        """German word for the score: ausgezeichnet, gut, ausreichend, schlecht."""
        return next(word for least, word in _RATINGS if self.points >= least)

    @property
    def dimensions(self) -> dict[str, tuple[float, int]]:
        """Points reached and possible by dimension."""
        result: dict[str, tuple[float, int]] = {}
        for i in self.items:
            have, total = result.get(i.dimension, (0.0, 0))
            result[i.dimension] = (round(have + i.points, 1), total + i.possible)
        return result

    @property
    def missing(self) -> list[Item]:
        """Measures that are not fully reached."""
        return sorted((i for i in self.items if i.points < i.possible), key=lambda i: i.points - i.possible)

    def to_frame(self):
        """Return all measures as a pandas table (German column names)."""
        import pandas as pd

        return pd.DataFrame([(i.dimension, i.title, i.points, i.possible, i.raise_it if i.points < i.possible else "") for i in self.items],
                            columns=["bereich", "kriterium", "punkte", "moeglich", "verbesserung"])

    def __repr__(self) -> str:
        lines = [f"{self.title}: {_n(self.points)} von {MAXIMUM} Punkten ({self.rating})"]
        lines += [f"  {d}: {_n(have)} von {total}" for d, (have, total) in self.dimensions.items()]
        lines += [f"  + {_n(i.possible - i.points)} Punkte: {i.raise_it}" for i in self.missing]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = "".join(f"<tr><th scope='row' style='text-align:left'>{escape(d)}</th><td>{_n(have)}</td><td>{total}</td></tr>"
                       for d, (have, total) in self.dimensions.items())
        more = "".join(f"<li>{_n(i.possible - i.points)} Punkte: {escape(i.raise_it)}</li>" for i in self.missing)
        return (f"<div lang='de' style='color-scheme:light;color:#1b1b1b;background:#fff'><table><caption style='text-align:left'>{escape(self.title)}: "
                f"<strong>{_n(self.points)} von {MAXIMUM} Punkten</strong> ({self.rating})</caption><thead><tr><th scope='col' style='text-align:left'>Bereich</th>"
                f"<th scope='col'>Punkte</th><th scope='col'>möglich</th></tr></thead><tbody>{rows}</tbody></table>"
                + (f"<p>Das bringt mehr Punkte:</p><ul>{more}</ul>" if more else "<p>Mehr Punkte gibt es nicht.</p>") + "</div>")


def _n(value: float) -> str:
    return german_number(int(value) if float(value).is_integer() else round(float(value), 1))


def mqa(source: Graph | Metadata | str | Path, *, status: Callable[[str], bool | None] | None = None, conforms: bool | None = None,
        dataset: Any = None) -> Score:
    """Score a dataset with the 405 points of data.europa.eu.

    `status(url)` says whether an address answers (True/False); without it nothing is fetched and the 80 points for
    reachable addresses are not given. `conforms` – result of the shapes, if already known. `dataset` – its URI when
    the graph holds several. Several files share the points of a measure. Raises ValueError (German) without a dataset.
    """
    from rdflib import RDF, URIRef

    graph = as_graph(source)
    candidates = sorted(graph.subjects(RDF.type, _uri("dcat:Dataset")))
    node = URIRef(str(dataset)) if dataset is not None else candidates[0] if candidates else None
    if node not in candidates:
        raise ValueError("Die Metadaten beschreiben keinen Datensatz.")
    if conforms is None:
        conforms = not shape_results(graph)
    title = next((str(t) for t in graph.objects(node, _uri("dct:title"))), "Datensatz")
    tests = _tests(graph, node, status, conforms)
    items = []
    for dimension, measures in load_yaml("mqa.yml").items():
        for m in measures:
            items.append(Item(dimension, m["title"], round(m["points"] * float(tests[m["test"]]), 2), m["points"], m["raise"]))
    return Score(title, tuple(items))


def _tests(graph: Graph, node: Node, status: Callable[[str], bool | None] | None, conforms: bool) -> dict[str, float]:
    """Share (0 to 1) to which each measure is fulfilled."""
    files = list(graph.objects(node, _uri("dcat:distribution")))
    types, base = voc.entries("file_type"), load_yaml("vocabularies.yml")["file_type"]["base"]

    def has(name: str) -> bool:
        return any(str(v).strip() for v in graph.objects(node, _uri(name)))

    def share(test: Callable[[Node], bool]) -> float:
        return sum(map(bool, map(test, files))) / len(files) if files else 0.0

    def values(file: Node, name: str) -> list[str]:
        return [str(v) for v in graph.objects(file, _uri(name))]

    def alive(file: Node, name: str) -> bool:
        return status is not None and any(status(url) for url in values(file, name))

    def kind(file: Node, key: str) -> bool:
        return any(types.get(v.removeprefix(base), {}).get(key) for v in values(file, "dct:format"))

    def listed(file: Node) -> bool:
        media = {p["media"] for p in types.values()}
        return any(v.removeprefix(base) in types for v in values(file, "dct:format")) and any(
            v.split("/media-types/")[-1] in media for v in values(file, "dcat:mediaType"))

    return {
        "keyword": has("dcat:keyword"), "theme": has("dcat:theme"), "spatial": has("dct:spatial"), "temporal": has("dct:temporal"),
        "access_alive": share(lambda f: alive(f, "dcat:accessURL")), "download": share(lambda f: bool(values(f, "dcat:downloadURL"))),
        "download_alive": share(lambda f: alive(f, "dcat:downloadURL")),
        "format": share(lambda f: bool(values(f, "dct:format"))), "media": share(lambda f: bool(values(f, "dcat:mediaType"))),
        "listed": share(listed), "open": share(lambda f: kind(f, "open")), "machine": share(lambda f: kind(f, "machine")), "conforms": conforms,
        "license": share(lambda f: bool(values(f, "dct:license"))),
        "license_listed": share(lambda f: any(v in voc.uris("license") for v in values(f, "dct:license"))),
        "access": has("dct:accessRights"), "access_listed": any(str(v) in voc.uris("access_rights") for v in graph.objects(node, _uri("dct:accessRights"))),
        "contact": has("dcat:contactPoint"), "publisher": has("dct:publisher"),
        "rights": share(lambda f: bool(values(f, "dct:rights"))), "size": share(lambda f: bool(values(f, "dcat:byteSize"))),
        "issued": has("dct:issued"), "modified": has("dct:modified"),
    }
