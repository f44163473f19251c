"""The collection's own catalogue: `datasets/README.md` for people, `datasets/catalog.ttl` (DCAT-AP.de 3.0) for machines.

Both are made from the datapackages only, so that nothing is said twice. Every node has an address and the
output is sorted: the same datapackages give the same bytes.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from .datasets import dataset_slugs, german_period, licence_short, metadata
from .paths import datasets_dir

if TYPE_CHECKING:
    from rdflib import Graph

BASE_URL = "https://open-data-kurs.example/datasets/"
PROJECT_URL = "https://open-data-kurs.example/"
FILES = ("README.md", "catalog.ttl")

_EU = "http://publications.europa.eu/resource/authority/"
_FILE_TYPES = {"csv": "CSV", "geojson": "GEOJSON", "json": "JSON", "xlsx": "XLSX"}
_TYPES = {
    "string": "Text",
    "integer": "ganze Zahl",
    "number": "Zahl",
    "date": "Datum",
    "datetime": "Zeitpunkt",
    "time": "Uhrzeit",
    "boolean": "ja oder nein",
}
# needed where the source states no licence and the datapackage names no reason that has an entry of its own
_NO_LICENCE = "http://dcat-ap.de/def/licenses/other-closed"


def _number(value: int | None) -> str:
    return "–" if value is None else f"{value:,}".replace(",", ".")


def _cell(text: object) -> str:
    return "" if text is None else str(text).replace("|", "\\|").replace("\n", " ")


def _table(head: list[str], rows: list[list[object]]) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    return [*lines, *("| " + " | ".join(_cell(c) for c in row) + " |" for row in rows)]


def _bullets(title: str, items: list[str]) -> list[str]:
    return [f"**{title}**", "", *(f"- {item}" for item in items), ""] if items else []


def _licence_line(package: dict) -> str:
    parts = [
        f"[{entry['title']}]({entry['path']})" if entry["path"] else entry["title"]
        for entry in package["licenses"]
    ]
    return "; ".join(parts)


def _join_line(join: dict) -> str:
    if join.get("method") == "within":
        return (
            f"Lage der Punkte in `{join['to']}`: {_number(join['matched'])} von {_number(join['of'])} Punkten"
        )
    keys = ", ".join(f"`{own}` = `{other}`" for own, other in join["on"].items())
    return (
        f"`{join['to']}` über {keys}: {_number(join['matched'])} von {_number(join['of'])} Schlüsseln passen"
    )


def _marked(text: str, names: set[str]) -> str:
    """Set short names and column names as code, unless they stand in an address or are set already."""
    words = "|".join(sorted(map(re.escape, names), key=len, reverse=True))
    return re.sub(rf"(?<![\w`/#.:=„-])({words})(?![\w`/-]|[.:]\w)", r"`\1`", text)


def _section(slug: str, package: dict) -> list[str]:
    resource = package["resources"][0]
    crs = package["crs"] or "keine"
    crs = f"`{crs}`" if "=" in crs else crs
    facts = [
        ["Herausgeber", package["publisher"]],
        ["Portal", f"[{package['portal']}]({package['homepage']})"],
        ["Lizenz", _licence_line(package)],
        ["Stand der Daten", german_period(package)],
        ["Abruf der Rohdatei", ".".join(reversed(package["retrieved"].split("-")))],
        ["Gebiet", package["spatial"]["name"]],
        ["Koordinaten", crs],
        [
            "Datei",
            f"[`{resource['path']}`]({slug}/{resource['path']}), {_number(resource.get('rows'))} Zeilen",
        ],
    ]
    columns = {f["name"] for f in resource.get("schema", {}).get("fields", []) if not package.get("delivery")}
    names = columns | set(dataset_slugs()) | set(dataset_slugs(deliveries=True))

    def marked(texts: list[str]) -> list[str]:
        return [_marked(text, names) for text in texts]

    description, note = marked([package["description"], package["licenceNote"]])
    lines = [f"### `{slug}`", "", f"**{package['title']}.** {description}", ""]
    lines += [*_table(["Angabe", "Wert"], facts), ""]
    lines += [
        f"**Quellenvermerk:** {package['creditLine']}",
        "",
        f"**Zur Lizenz:** {note}",
        "",
    ]
    lines += _bullets("Was geändert wurde", marked(package["changes"]))
    lines += _bullets("Grenzen der Daten", marked(package["limits"]))
    lines += _bullets("Passt zu", [_join_line(join) for join in package.get("joins", [])])
    lines += _bullets(
        "Absichtliche Mängel", marked([defect["text"] for defect in package.get("defects", [])])
    )
    if not package.get("delivery"):
        fields = resource["schema"]["fields"]
        rows = [
            [f"`{f['name']}`", _TYPES[f["type"]], f.get("unit") or "–", _marked(f["description"], names)]
            for f in fields
        ]
        lines += [*_table(["Spalte", "Typ", "Einheit", "Bedeutung"], rows), ""]
    return lines


def readme() -> str:
    """Return the German overview of all datasets and deliveries as Markdown."""
    packages = {slug: metadata(slug) for slug in dataset_slugs()}
    deliveries = {slug: metadata(slug) for slug in dataset_slugs(deliveries=True)}
    size = sum(r["bytes"] for p in [*packages.values(), *deliveries.values()] for r in p["resources"])
    lines = [
        "# Datensätze des Kurses",
        "",
        "Diese Datei schreibt `kurs daten` aus den Dateien `datapackage.json`. Bitte nicht von Hand ändern.",
        "",
        f"Der Kurs bringt {len(packages)} Datensätze und {len(deliveries)} Lieferungen mit, zusammen "
        + f"{size / 1e6:.1f}".replace(".", ",")
        + " MB. Es sind echte Daten, die meisten von Kommunen in NRW. Kein Datensatz ist die Original-Datei: "
        "Das Skript `prepare.py` im Ordner zeigt jeden Schritt vom Original zum Auszug.",
        "",
        '- Laden: `load_dataset("duesseldorf-stadtteile")`. Ohne Kurznamen zeigt die Funktion die Liste.',
        "- Neu erzeugen: `python datasets/KURZNAME/prepare.py --raw ORDNER`, mit den Original-Dateien im Ordner.",
        "- Für Programme: `catalog.ttl` beschreibt alle Datensätze nach DCAT-AP.de 3.0. Die Lieferungen fehlen "
        "dort mit Absicht. Die Adressen im Katalog sind Beispiele.",
        "- Personenbezogene Daten: Es gibt keine. E-Mail-Adressen und Telefonnummern sind entfernt.",
        "",
        "## Überblick",
        "",
    ]
    rows = [
        [
            f"[`{s}`](#{s})",
            p["title"],
            _number(p["resources"][0].get("rows")),
            licence_short(p),
            german_period(p),
        ]
        for s, p in packages.items()
    ]
    lines += [
        *_table(["Kurzname", "Titel", "Zeilen", "Lizenz", "Stand"], rows),
        "",
        "## Lieferungen für Übungen",
        "",
    ]
    lines += [
        "Eine Lieferung ist eine Datei mit Mängeln, wie sie im Original vorkommen. Die Zahlen sind echt, die Datei "
        'ist nachgebaut. Den Pfad liefert `delivery_path("KURZNAME")`.',
        "",
    ]
    rows = [[f"[`{s}`](#{s})", p["title"], len(p["defects"])] for s, p in deliveries.items()]
    lines += [
        *_table(["Kurzname", "Titel", "Arten von Mängeln"], rows),
        "",
        "## Die Datensätze im Einzelnen",
        "",
    ]
    for slug, package in packages.items():
        lines += _section(slug, package)
    lines += ["## Die Lieferungen im Einzelnen", ""]
    for slug, package in deliveries.items():
        lines += _section(slug, package)
    return "\n".join(lines).rstrip() + "\n"


def _wkt(bbox: list[float]) -> str:
    west, south, east, north = bbox
    ring = [(west, south), (east, south), (east, north), (west, north), (west, south)]
    return "POLYGON((" + ", ".join(f"{x} {y}" for x, y in ring) + "))"


def catalog_graph() -> Graph:
    """Return the catalogue of all datasets (without deliveries) as an RDF graph after DCAT-AP.de 3.0."""
    from rdflib import DCAT, DCTERMS, FOAF, PROV, RDF, SKOS, XSD, Graph, Literal, Namespace, URIRef

    from .licensing import licence

    dcatde = Namespace("http://dcat-ap.de/def/dcatde/")
    dcatap = Namespace("http://data.europa.eu/r5r/")
    vcard = Namespace("http://www.w3.org/2006/vcard/ns#")
    spdx = Namespace("http://spdx.org/rdf/terms#")
    geo = Namespace("http://www.opengis.net/ont/geosparql#")
    graph = Graph()
    prefixes = {
        "dcat": DCAT,
        "dct": DCTERMS,
        "foaf": FOAF,
        "prov": PROV,
        "skos": SKOS,
        "dcatde": dcatde,
        "dcatap": dcatap,
    }
    for prefix, namespace in (prefixes | {"vcard": vcard, "spdx": spdx, "geo": geo}).items():
        graph.bind(prefix, namespace)

    def german(text: str) -> Literal:
        return Literal(text, lang="de")

    def agent(name: str) -> URIRef:
        node = URIRef(f"{PROJECT_URL}stellen#{quote(name.replace(' ', '-'), safe='-')}")
        graph.add((node, RDF.type, FOAF.Agent))
        graph.add((node, FOAF.name, german(name)))
        return node

    catalog = URIRef(f"{BASE_URL}catalog.ttl#katalog")
    contact = URIRef(f"{BASE_URL}catalog.ttl#kontakt")
    language = URIRef(f"{_EU}language/DEU")
    for predicate, value in [
        (RDF.type, DCAT.Catalog),
        (DCTERMS.title, german("Datensätze des Open-Data-Kurses")),
        (
            DCTERMS.description,
            german("Echte kommunale Daten aus NRW, aufbereitet für einen Kurs über offene Daten."),
        ),
        (DCTERMS.publisher, agent("Projekt Open-Data-Kurs")),
        (DCTERMS.language, language),
        (DCAT.themeTaxonomy, URIRef(f"{_EU}data-theme")),
        (FOAF.homepage, URIRef(PROJECT_URL)),
    ]:
        graph.add((catalog, predicate, value))
    for predicate, value in [
        (RDF.type, vcard.Kind),
        (RDF.type, vcard.Organization),
        (vcard.fn, german("Projekt Open-Data-Kurs")),
        (vcard.hasURL, URIRef(PROJECT_URL)),
    ]:
        graph.add((contact, predicate, value))

    for slug in dataset_slugs():
        package = metadata(slug)
        dataset = URIRef(f"{BASE_URL}{slug}")
        place, period = URIRef(f"{dataset}#gebiet"), URIRef(f"{dataset}#zeitraum")
        provenance, rights = URIRef(f"{dataset}#herkunft"), URIRef(f"{dataset}#rechte")
        triples = [
            (catalog, DCAT.dataset, dataset),
            (dataset, RDF.type, DCAT.Dataset),
            (dataset, DCTERMS.identifier, Literal(slug)),
            (dataset, DCTERMS.title, german(package["title"])),
            (dataset, DCTERMS.description, german(package["description"])),
            *(
                (dataset, DCTERMS.publisher, agent(name.strip()))
                for name in package["publisher"].split(";")[:1]
            ),
            *((dataset, DCTERMS.creator, agent(name.strip())) for name in package["publisher"].split(";")),
            (dataset, DCAT.contactPoint, contact),
            (dataset, DCAT.landingPage, URIRef(f"{BASE_URL}README.md#{slug}")),
            (dataset, DCTERMS.language, language),
            (dataset, DCTERMS.accessRights, URIRef(f"{_EU}access-right/PUBLIC")),
            # the extract is a fixed state; nobody promises an update
            (dataset, DCTERMS.accrualPeriodicity, URIRef(f"{_EU}frequency/NEVER")),
            (dataset, DCTERMS.provenance, provenance),
            (provenance, RDF.type, DCTERMS.ProvenanceStatement),
            (provenance, SKOS.prefLabel, german(" ".join(package["changes"]))),
            *(
                (dataset, PROV.wasDerivedFrom, URIRef(quote(s["path"], safe=":/#?&=%")))
                for s in package["sources"]
            ),
            *((dataset, DCAT.theme, URIRef(f"{_EU}data-theme/{theme}")) for theme in package["themes"]),
            *((dataset, DCAT.keyword, german(word)) for word in package["keywords"]),
            (dataset, DCTERMS.spatial, place),
            (place, RDF.type, DCTERMS.Location),
            (place, SKOS.prefLabel, german(package["spatial"]["name"])),
            (place, DCAT.bbox, Literal(_wkt(package["spatial"]["bbox"]), datatype=geo.wktLiteral)),
            (dataset, DCTERMS.temporal, period),
            (period, RDF.type, DCTERMS.PeriodOfTime),
            (period, DCAT.startDate, Literal(package["temporal"]["start"], datatype=XSD.date)),
            (period, DCAT.endDate, Literal(package["temporal"]["end"], datatype=XSD.date)),
            (rights, RDF.type, DCTERMS.RightsStatement),
            (rights, SKOS.prefLabel, german(package["licenceNote"])),
        ]
        if package["crs"]:
            crs = package["crs"].removeprefix("EPSG:")
            triples.append(
                (dataset, DCTERMS.conformsTo, URIRef(f"http://www.opengis.net/def/crs/EPSG/0/{crs}"))
            )
        if len(package["spatial"].get("ags") or "") == 8:
            level = URIRef("http://dcat-ap.de/def/politicalGeocoding/Level/municipality")
            triples.append((dataset, dcatde.politicalGeocodingLevelURI, level))
        first = package["licenses"][0]
        licence_uri = URIRef(first["uri"] or package.get("catalogLicence") or _NO_LICENCE)
        for resource in package["resources"]:
            file = URIRef(f"{BASE_URL}{slug}/{resource['path']}")
            node = URIRef(f"{dataset}#{resource['format']}")
            checksum = URIRef(f"{dataset}#pruefsumme-{resource['format']}")
            title = resource.get("title") or package["title"]
            triples += [
                (dataset, DCAT.distribution, node),
                (node, RDF.type, DCAT.Distribution),
                (node, DCTERMS.title, german(f"{title} ({_FILE_TYPES[resource['format']]})")),
                (node, DCAT.accessURL, file),
                (node, DCAT.downloadURL, file),
                (node, DCTERMS.format, URIRef(f"{_EU}file-type/{_FILE_TYPES[resource['format']]}")),
                (
                    node,
                    DCAT.mediaType,
                    URIRef(f"https://www.iana.org/assignments/media-types/{resource['mediatype']}"),
                ),
                (node, DCAT.byteSize, Literal(resource["bytes"], datatype=XSD.nonNegativeInteger)),
                (node, DCTERMS.license, licence_uri),
                (node, DCTERMS.rights, rights),
                (node, dcatap.availability, URIRef(f"{_EU}planned-availability/STABLE")),
                (node, spdx.checksum, checksum),
                (checksum, RDF.type, spdx.Checksum),
                (checksum, spdx.algorithm, spdx.checksumAlgorithm_sha256),
                (
                    checksum,
                    spdx.checksumValue,
                    Literal(resource["hash"].removeprefix("sha256:"), datatype=XSD.hexBinary),
                ),
            ]
            if any(licence(entry["name"]).attribution for entry in package["licenses"]):
                triples.append((node, dcatde.licenseAttributionByText, german(package["creditLine"])))
        for triple in triples:
            graph.add(triple)
    return graph


def turtle() -> str:
    """Return the catalogue as sorted Turtle."""
    return catalog_graph().serialize(format="turtle").rstrip() + "\n"


def contents() -> dict[str, str]:
    """Return what README.md and catalog.ttl should contain now."""
    return {"README.md": readme(), "catalog.ttl": turtle()}


def stale(folder: Path | None = None) -> list[str]:
    """Return the names of the generated files that are missing or differ from the datapackages."""
    folder = folder or datasets_dir()
    return [
        name
        for name, text in contents().items()
        if not (folder / name).is_file() or (folder / name).read_bytes() != text.encode()
    ]


def write(folder: Path | None = None) -> list[str]:
    """Write both files where they differ and return the names of those that changed."""
    folder = folder or datasets_dir()
    changed = stale(folder)
    fresh = contents() if changed else {}
    for name in changed:
        (folder / name).write_bytes(fresh[name].encode())
    return changed
