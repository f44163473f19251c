"""DCAT-AP.de 3.0 on top of ckanext-dcat's profile `euro_dcat_ap_3` (list both, this one last).

Adds what the German profile asks for and what CKAN knows only as an id or a word: file types, media types and
licences as URIs from the official lists, contributor ID, political level, attribution text, a publisher and a
description of the catalogue.
"""

from __future__ import annotations

import json
from functools import lru_cache
from importlib.resources import files
from typing import Any

from ckan.plugins import toolkit
from ckanext.dcat.profiles import RDFProfile
from ckanext.dcat.utils import resource_uri
from rdflib import Literal, Namespace, URIRef
from rdflib.namespace import DCAT, DCTERMS, FOAF, RDF

DCATDE = Namespace("http://dcat-ap.de/def/dcatde/")
DCATAP = Namespace("http://data.europa.eu/r5r/")
VCARD = Namespace("http://www.w3.org/2006/vcard/ns#")
LOCN = Namespace("http://www.w3.org/ns/locn#")
EU = "http://publications.europa.eu/resource/authority/"
IANA = "https://www.iana.org/assignments/media-types/"

# Format as people write it -> code in the EU's list of file types, media type.
FORMATS = {
    "csv": ("CSV", "text/csv"),
    "geojson": ("GEOJSON", "application/geo+json"),
    "json": ("JSON", "application/json"),
    "pdf": ("PDF", "application/pdf"),
    "xlsx": ("XLSX", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "xml": ("XML", "application/xml"),
    "zip": ("ZIP", "application/zip"),
    "gpkg": ("GPKG", "application/geopackage+sqlite3"),
    "html": ("HTML", "text/html"),
    "txt": ("TXT", "text/plain"),
}
# Extra of the dataset -> property that takes a URI (a JSON list is allowed).
URI_EXTRAS = {
    "contributorID": DCATDE.contributorID,
    "politicalGeocodingLevelURI": DCATDE.politicalGeocodingLevelURI,
    "politicalGeocodingURI": DCATDE.politicalGeocodingURI,
    "availability": DCATAP.availability,
}
TEXT_EXTRAS = {
    "geocodingDescription": DCATDE.geocodingDescription,
    "legalBasis": DCATDE.legalBasis,
    "qualityProcessURI": DCATDE.qualityProcessURI,
}


@lru_cache
def licence_uris() -> dict[str, str]:
    """Return the dcat-ap.de URI for each licence id that the portal knows, with its aliases."""
    uris = {}
    for licence in json.loads(files(__package__).joinpath("licences.json").read_text(encoding="utf-8")):
        for name in (licence["id"], *licence["aliases"]):
            uris[name] = licence["dcat_uri"]
    return uris


def _listed(value: Any) -> list[str]:
    if isinstance(value, str) and value.startswith("["):
        return json.loads(value)
    return [value] if isinstance(value, str) else list(value or [])


class DcatApDeProfile(RDFProfile):
    """Completes the graph of each dataset and of the catalogue."""

    def graph_from_dataset(self, dataset_dict: dict[str, Any], dataset_ref: URIRef) -> None:
        """Add the German properties of one dataset and its distributions."""
        graph = self.g
        graph.bind("dcatde", DCATDE)
        graph.bind("dcatap", DCATAP)
        extras = {extra["key"]: extra["value"] for extra in dataset_dict.get("extras", [])}
        for key, predicate in URI_EXTRAS.items():
            for value in _listed(extras.get(key)):
                graph.add((dataset_ref, predicate, URIRef(value)))
        for key, predicate in TEXT_EXTRAS.items():
            if extras.get(key):
                graph.add((dataset_ref, predicate, Literal(extras[key], lang="de")))
        for contact in graph.objects(dataset_ref, DCAT.contactPoint):
            graph.add((contact, RDF.type, VCARD.Kind))
        self._place_geometries(dataset_ref)
        for resource in dataset_dict.get("resources", []):
            self._complete_distribution(resource, dataset_dict, extras)

    def graph_from_catalog(self, catalog_dict: dict[str, Any], catalog_ref: URIRef) -> None:
        """Give the catalogue a description, its language as URI, and a publisher."""
        graph, config = self.g, toolkit.config
        if not graph.value(catalog_ref, DCTERMS.description):
            text = config.get("ckan.site_description") or config["ckan.site_title"]
            graph.add((catalog_ref, DCTERMS.description, Literal(text, lang="de")))
        graph.remove((catalog_ref, DCTERMS.language, None))
        graph.add((catalog_ref, DCTERMS.language, URIRef(EU + "language/DEU")))
        publisher = URIRef(f"{catalog_ref}/herausgeber")
        graph.add((publisher, RDF.type, FOAF.Agent))
        graph.add((publisher, FOAF.name, Literal(config["ckan.site_title"], lang="de")))
        graph.add((catalog_ref, DCTERMS.publisher, publisher))

    def _place_geometries(self, dataset_ref: URIRef) -> None:
        """Use dcat:bbox and dcat:centroid, which DCAT-AP 3 knows, in place of locn:geometry."""
        for place in list(self.g.objects(dataset_ref, DCTERMS.spatial)):
            for geometry in list(self.g.objects(place, LOCN.geometry)):
                self.g.remove((place, LOCN.geometry, geometry))
                point = str(geometry).lstrip().upper().startswith("POINT")
                self.g.add((place, DCAT.centroid if point else DCAT.bbox, geometry))

    def _complete_distribution(
        self, resource: dict[str, Any], dataset: dict[str, Any], extras: dict[str, str]
    ) -> None:
        graph, node = self.g, URIRef(resource_uri(resource))
        known = FORMATS.get((resource.get("format") or "").lower().lstrip("."))
        if known:
            graph.remove((node, DCTERMS.format, None))
            graph.remove((node, DCAT.mediaType, None))
            graph.add((node, DCTERMS.format, URIRef(EU + "file-type/" + known[0])))
            graph.add((node, DCAT.mediaType, URIRef(IANA + known[1])))
        licence = resource.get("license") or dataset.get("license_id")
        uri = licence_uris().get(licence, licence)
        if uri and uri.startswith("http"):
            graph.remove((node, DCTERMS.license, None))
            graph.add((node, DCTERMS.license, URIRef(uri)))
        attribution = resource.get("licenseAttributionByText") or extras.get("licenseAttributionByText")
        if attribution:
            graph.add((node, DCATDE.licenseAttributionByText, Literal(attribution, lang="de")))
        if resource.get("url") and resource.get("url_type") == "upload":
            graph.add((node, DCAT.downloadURL, URIRef(resource["url"])))
