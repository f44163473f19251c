"""A static DCAT catalogue: what can be harvested when there is no portal."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING

from .ckan import PublishResult
from .metadata import PORTAL, Metadata

if TYPE_CHECKING:
    from rdflib import Graph


def catalogue_graph(datasets: Iterable[Metadata], *, title: str = "Offene Daten Musterstadt", publisher: str = "Stadt Musterstadt",
                    base_url: str = PORTAL) -> Graph:
    """Return a DCAT-AP.de catalogue of several datasets as an RDF graph."""
    from rdflib import DCAT, DCTERMS, FOAF, RDF, Graph, Literal, URIRef

    graph = Graph()
    catalogue, agent = URIRef(f"{base_url.rstrip('/')}/katalog"), URIRef(f"{base_url.rstrip('/')}/katalog#herausgeber")
    for triple in ((catalogue, RDF.type, DCAT.Catalog), (catalogue, DCTERMS.title, Literal(title, lang="de")),
                   (catalogue, DCTERMS.description, Literal(f"Datensätze von {publisher}", lang="de")), (catalogue, DCTERMS.publisher, agent),
                   (agent, RDF.type, FOAF.Agent), (agent, FOAF.name, Literal(publisher, lang="de")),
                   (catalogue, DCTERMS.language, URIRef("http://publications.europa.eu/resource/authority/language/DEU"))):
        graph.add(triple)
    for metadata in datasets:
        part = metadata.graph()
        for prefix, space in part.namespaces():
            graph.bind(prefix, space)
        for triple in part:
            graph.add(triple)
        graph.add((catalogue, DCAT.dataset, URIRef(metadata.uri)))
    return graph


def static_catalogue(datasets: Iterable[Metadata] | Metadata, folder: str | Path, *, base_url: str = PORTAL,
                     title: str = "Offene Daten Musterstadt", publisher: str = "Stadt Musterstadt") -> PublishResult:
    """Write a catalogue (katalog.ttl, katalog.jsonld) and copies of the files into a folder that any web server can offer.

    This is no portal: there is no search, no table preview and no query. `base_url` – where the folder will be online.
    Existing copies are replaced; the metadata themselves stay unchanged.
    """
    datasets = [datasets] if isinstance(datasets, Metadata) else list(datasets)
    folder = Path(folder)
    copies, shown = [], []
    for metadata in datasets:
        copy = deepcopy(metadata)
        copy.base_url = base_url
        target = folder / "dataset" / copy.slug
        for file in copy.distributions:
            if file.path and Path(file.path).is_file():
                target.mkdir(parents=True, exist_ok=True)
                new = target / Path(file.path).name
                if new.resolve() != Path(file.path).resolve():
                    shutil.copyfile(file.path, new)
                file.url = f"{copy.uri}/{new.name}"
                shown.append({"name": file.title, "action": "kopiert", "url": str(new.relative_to(folder)), "rows": None, "id": ""})
        copies.append(copy)
    graph = catalogue_graph(copies, title=title, publisher=publisher, base_url=base_url)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "katalog.ttl").write_text(graph.serialize(format="turtle"), encoding="utf-8")
    (folder / "katalog.jsonld").write_text(graph.serialize(format="json-ld", indent=1, ensure_ascii=False), encoding="utf-8")
    return PublishResult("katalog", "katalog.ttl", "Katalog geschrieben", shown, [
        "Das ist ein statischer Katalog, kein Portal. Suche, Vorschau und Abfragen gibt es hier nicht.",
        "Liegt der Ordner auf einem Webserver, können Portale die Beschreibungen einsammeln."])
