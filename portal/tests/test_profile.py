"""The DCAT-AP.de profile, with a dataset as CKAN gives it."""

from __future__ import annotations

import json

import pytest
from rdflib import Literal, URIRef
from rdflib.namespace import DCAT, DCTERMS, FOAF

from opendata_portal.profile import DCATDE, EU, licence_uris


@pytest.fixture
def graph(action, datasets):
    from ckanext.dcat.processors import RDFSerializer

    dataset = action("package_show", id="test-baumkataster")
    dataset["extras"] += [
        {"key": "contributorID", "value": json.dumps(["http://dcat-ap.de/def/contributors/musterstadt"])},
        {"key": "licenseAttributionByText", "value": "Musterstadt"},
        {"key": "spatial", "value": json.dumps({"type": "Point", "coordinates": [6.8, 51.2]})},
    ]
    serializer = RDFSerializer(profiles=["euro_dcat_ap_3", "dcat_ap_de"])
    serializer.graph_from_catalog()
    serializer.graph_from_dataset(dataset)
    return serializer.g


def test_words_become_uris(graph):
    formats = set(graph.objects(None, DCTERMS.format))
    assert formats == {URIRef(EU + "file-type/CSV"), URIRef(EU + "file-type/GEOJSON")}
    assert URIRef("https://www.iana.org/assignments/media-types/text/csv") in set(
        graph.objects(None, DCAT.mediaType)
    )
    assert set(graph.objects(None, DCTERMS.license)) == {
        URIRef("http://dcat-ap.de/def/licenses/dl-zero-de/2.0")
    }


def test_german_properties(graph):
    dataset = next(graph.subjects(DCATDE.contributorID))
    assert graph.value(dataset, DCATDE.contributorID) == URIRef(
        "http://dcat-ap.de/def/contributors/musterstadt"
    )
    assert Literal("Musterstadt", lang="de") in set(graph.objects(None, DCATDE.licenseAttributionByText))
    place = graph.value(dataset, DCTERMS.spatial)
    assert str(graph.value(place, DCAT.centroid)).startswith("POINT")


def test_catalogue_has_publisher_and_language(graph):
    catalogue = URIRef("http://127.0.0.1:5000")
    assert graph.value(graph.value(catalogue, DCTERMS.publisher), FOAF.name) == Literal(
        "Open Data Musterstadt", "de"
    )
    assert list(graph.objects(catalogue, DCTERMS.language)) == [URIRef(EU + "language/DEU")]


def test_licences_are_unique():
    uris = licence_uris()
    assert uris["dl-de-by-2.0"] == uris["dl-by-de-2.0"] == "http://dcat-ap.de/def/licenses/dl-by-de/2.0"
    assert all(uri.startswith("http://dcat-ap.de/def/licenses/") for uri in uris.values())
