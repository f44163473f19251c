"""Describe a dataset after DCAT-AP.de 3.0: a plain object, a form for people, Turtle and JSON-LD for machines."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import vocabularies as voc
from .report import german_list, load_yaml

if TYPE_CHECKING:
    from rdflib import Graph

PORTAL = "https://opendata.musterstadt.example/"
HVD_LAW = "http://data.europa.eu/eli/reg_impl/2023/138/oj"
_ISO = re.compile(r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d)?(?:Z|[+-]\d\d:\d\d)?)?")


@dataclass
class Distribution:
    """One file of a dataset. `license` is only needed when it differs from the dataset's."""

    title: str = ""
    path: str = ""
    url: str = ""
    format: str = ""
    media_type: str = ""
    bytes: int | None = None
    sha256: str = ""
    license: str = ""

    @classmethod
    def from_file(cls, path: str | Path, title: str = "", url: str = "") -> Distribution:
        """Describe a file: format, media type, size and checksum are read from it. Raises FileNotFoundError (German)."""
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(f"Die Datei „{path.name}“ gibt es nicht. Prüfen Sie Ordner und Namen.")
        found = voc.file_type(path.suffix)
        code, media = (found[0], found[1]["media"]) if found else (path.suffix.lstrip(".").upper(), "")
        data = path.read_bytes()
        return cls(title or f"{path.stem} ({code})", str(path), url, code, media, len(data), hashlib.sha256(data).hexdigest())


@dataclass
class Metadata:
    """The description of one dataset. Fields that are vocabularies take the code (`ENVI`, `ANNUAL`) or the full URI.

    Dates are texts JJJJ-MM-TT; `bbox` is west, south, east, north in degrees (EPSG:4326). `form()` shows the form.
    """

    title: str = ""
    description: str = ""
    themes: list[str] = field(default_factory=list)
    keywords: list[str] = field(default_factory=list)
    publisher: str = ""
    contact_name: str = ""
    contact_email: str = ""
    contributor: str = ""
    license: str = ""
    attribution: str = ""
    access_rights: str = "PUBLIC"
    spatial_name: str = ""
    bbox: list[float] = field(default_factory=list)
    level: str = ""
    temporal_start: str = ""
    temporal_end: str = ""
    issued: str = ""
    modified: str = ""
    frequency: str = ""
    availability: str = ""
    language: str = "DEU"
    hvd_category: str = ""
    name: str = ""
    distributions: list[Distribution] = field(default_factory=list)
    base_url: str = PORTAL

    def __post_init__(self) -> None:
        """Accept single words where lists are meant, and dicts for distributions."""
        self.themes = [self.themes] if isinstance(self.themes, str) else list(self.themes)
        self.keywords = [w.strip() for w in self.keywords.split(",") if w.strip()] if isinstance(self.keywords, str) else list(self.keywords)
        self.distributions = [Distribution(**d) if isinstance(d, dict) else d for d in self.distributions]

    @property
    def slug(self) -> str:
        """Name in addresses: given, or made from the title."""
        return self.name or slugify(self.title) or "datensatz"

    @property
    def uri(self) -> str:
        """Address of the dataset."""
        return f"{self.base_url.rstrip('/')}/dataset/{self.slug}"

    def add_file(self, path: str | Path, title: str = "", url: str = "") -> Metadata:
        """Add a file; returns the metadata itself. A file of the same name is replaced."""
        new = Distribution.from_file(path, title, url)
        self.distributions = [d for d in self.distributions if not d.path or Path(d.path).name != Path(new.path).name] + [new]
        return self

    # --- reading and writing ---

    def to_dict(self) -> dict[str, Any]:
        """Return all fields as plain values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Metadata:
        """Build from plain values. Raises ValueError (German) for unknown fields."""
        unknown = set(values) - {f.name for f in fields(cls)}
        if unknown:
            raise ValueError(f"Diese Felder gibt es nicht: {german_list(sorted(unknown))}.")
        return cls(**values)

    @classmethod
    def from_datapackage(cls, package: dict[str, Any] | str | Path) -> Metadata:
        """Build from a datapackage.json of the course (dict or path); files are found beside it."""
        folder = None
        if not isinstance(package, dict):
            folder = Path(package).parent
            package = json.loads(Path(package).read_text(encoding="utf-8"))
        licence = (package.get("licenses") or [{}])[0]
        place, time = package.get("spatial") or {}, package.get("temporal") or {}
        result = cls(
            title=package.get("title", ""), description=package.get("description", ""), publisher=package.get("publisher", ""),
            themes=package.get("themes", []), keywords=package.get("keywords", []), name=package.get("name", ""),
            license=licence.get("name", ""), attribution=package.get("creditLine", ""), spatial_name=place.get("name", ""),
            bbox=list(place.get("bbox") or []), level="municipality" if len(place.get("ags") or "") == 8 else "",
            temporal_start=time.get("start", ""), temporal_end=time.get("end", ""), modified=package.get("retrieved", ""), frequency="NEVER")
        for resource in package.get("resources", []):
            found = voc.file_type(resource.get("format", ""))
            result.distributions.append(Distribution(
                resource.get("title") or resource["name"], str(folder / resource["path"]) if folder else resource["path"], "",
                found[0] if found else resource.get("format", "").upper(), resource.get("mediatype", ""), resource.get("bytes"),
                str(resource.get("hash", "")).removeprefix("sha256:")))
        return result

    def save(self, path: str | Path) -> Path:
        """Write the metadata: `.json` (to go on working), `.ttl` (Turtle) or `.jsonld`. Returns the path."""
        path = Path(path)
        text = {".ttl": self.to_turtle, ".jsonld": self.to_jsonld}.get(
            path.suffix, lambda: json.dumps(self.to_dict(), ensure_ascii=False, indent=1) + "\n")()
        path.write_text(text, encoding="utf-8")
        return path

    @classmethod
    def load(cls, path: str | Path) -> Metadata:
        """Read metadata saved as `.json`."""
        return cls.from_dict(json.loads(Path(path).read_text(encoding="utf-8")))

    def to_turtle(self) -> str:
        """Return the description as RDF Turtle."""
        return self.graph().serialize(format="turtle")

    def to_jsonld(self) -> str:
        """Return the description as JSON-LD."""
        return self.graph().serialize(format="json-ld", indent=1, ensure_ascii=False)

    def form(self, folder: str | Path = "."):
        """Show the form. Saving writes metadaten.json, metadaten.ttl and metadaten.jsonld into `folder`."""
        from .form import MetadataForm

        return MetadataForm(self, folder)

    # --- RDF ---

    def graph(self) -> Graph:
        """Return the description as an RDF graph. Wrong values stay visible in it, so that validation can name them."""
        from rdflib import DCAT, DCTERMS, FOAF, RDF, SKOS, XSD, Graph, Literal, Namespace, URIRef

        dcatde, dcatap = Namespace("http://dcat-ap.de/def/dcatde/"), Namespace("http://data.europa.eu/r5r/")
        vcard, spdx = Namespace("http://www.w3.org/2006/vcard/ns#"), Namespace("http://spdx.org/rdf/terms#")
        geo = Namespace("http://www.opengis.net/ont/geosparql#")
        graph = Graph()
        for prefix, space in {"dcat": DCAT, "dct": DCTERMS, "foaf": FOAF, "dcatde": dcatde, "dcatap": dcatap, "vcard": vcard,
                              "spdx": spdx, "geo": geo, "skos": SKOS}.items():
            graph.bind(prefix, space)
        dataset = URIRef(self.uri)

        def part(name: str) -> URIRef:
            return URIRef(f"{self.uri}#{name}")

        def add(node: URIRef, predicate: URIRef, value: Any) -> None:
            if value not in (None, ""):
                graph.add((node, predicate, value))

        def text(value: str) -> Literal | None:
            return Literal(value, lang="de") if value.strip() else None

        def choice(vocabulary: str, code: str) -> URIRef | Literal | None:
            target = voc.uri(vocabulary, code)
            return None if not code else URIRef(target) if re.fullmatch(r"https?://[^\s<>\"{}|\\^`]+", target) else Literal(code)

        def day(value: str) -> Literal | None:
            value = value.strip()
            if not _ISO.fullmatch(value):
                return Literal(value) if value else None
            kind = XSD.dateTime if "T" in value else XSD.date
            return Literal(value, datatype=kind, normalize=False) if _exists(value) else Literal(value)

        add(dataset, RDF.type, DCAT.Dataset)
        add(dataset, DCTERMS.identifier, Literal(self.slug))
        add(dataset, DCTERMS.title, text(self.title))
        add(dataset, DCTERMS.description, text(self.description))
        for code in self.themes:
            add(dataset, DCAT.theme, choice("theme", code))
        for word in self.keywords:
            add(dataset, DCAT.keyword, text(word))
        if self.publisher.strip():
            add(dataset, DCTERMS.publisher, part("herausgeber"))
            add(part("herausgeber"), RDF.type, FOAF.Agent)
            add(part("herausgeber"), FOAF.name, text(self.publisher))
        if self.contact_name.strip() or self.contact_email.strip():
            contact = part("kontakt")
            add(dataset, DCAT.contactPoint, contact)
            add(contact, RDF.type, vcard.Kind)
            add(contact, RDF.type, vcard.Organization)
            add(contact, vcard.fn, text(self.contact_name or self.publisher))
            if self.contact_email.strip():
                address = re.sub(r"\s", "", self.contact_email)
                add(contact, vcard.hasEmail, URIRef(f"mailto:{address}"))
        add(dataset, dcatde.contributorID, choice("contributor", self.contributor))
        add(dataset, DCTERMS.accessRights, choice("access_rights", self.access_rights))
        add(dataset, DCTERMS.accrualPeriodicity, choice("frequency", self.frequency))
        add(dataset, DCTERMS.language, choice("language", self.language))
        add(dataset, dcatde.politicalGeocodingLevelURI, choice("level", self.level))
        add(dataset, DCTERMS.issued, day(self.issued))
        add(dataset, DCTERMS.modified, day(self.modified))
        if self.hvd_category:
            add(dataset, dcatap.hvdCategory, choice("hvd_category", self.hvd_category))
            add(dataset, dcatap.applicableLegislation, URIRef(HVD_LAW))
        if self.spatial_name.strip() or len(self.bbox) == 4:
            add(dataset, DCTERMS.spatial, part("gebiet"))
            add(part("gebiet"), RDF.type, DCTERMS.Location)
            add(part("gebiet"), SKOS.prefLabel, text(self.spatial_name))
            if len(self.bbox) == 4:
                add(part("gebiet"), DCAT.bbox, Literal(bbox_wkt(self.bbox), datatype=geo.wktLiteral))
        if self.temporal_start or self.temporal_end:
            add(dataset, DCTERMS.temporal, part("zeitraum"))
            add(part("zeitraum"), RDF.type, DCTERMS.PeriodOfTime)
            add(part("zeitraum"), DCAT.startDate, day(self.temporal_start))
            add(part("zeitraum"), DCAT.endDate, day(self.temporal_end))
        for number, file in enumerate(self.distributions, 1):
            node = part(f"datei-{number}")
            add(dataset, DCAT.distribution, node)
            add(node, RDF.type, DCAT.Distribution)
            add(node, DCTERMS.title, text(file.title))
            address = file.url or (f"{self.uri}/{Path(file.path).name.replace(' ', '%20')}" if file.path else "")
            if address:
                add(node, DCAT.accessURL, URIRef(address))
                add(node, DCAT.downloadURL, URIRef(address))
            add(node, DCTERMS.license, choice("license", file.license or self.license))
            add(node, dcatde.licenseAttributionByText, text(self.attribution))
            if file.license or self.license:
                add(node, DCTERMS.rights, part("rechte"))
                add(part("rechte"), RDF.type, DCTERMS.RightsStatement)
                add(part("rechte"), SKOS.prefLabel, text(self.attribution or "Es gelten die Bedingungen der Lizenz."))
            add(node, DCTERMS.format, choice("file_type", file.format))
            if file.media_type:
                add(node, DCAT.mediaType, URIRef(load_yaml("vocabularies.yml")["media_base"] + file.media_type))
            if file.bytes is not None:
                add(node, DCAT.byteSize, Literal(file.bytes, datatype=XSD.nonNegativeInteger))
            add(node, dcatap.availability, choice("availability", self.availability))
            if file.sha256:
                check = part(f"pruefsumme-{number}")
                add(node, spdx.checksum, check)
                add(check, RDF.type, spdx.Checksum)
                add(check, spdx.algorithm, spdx.checksumAlgorithm_sha256)
                add(check, spdx.checksumValue, Literal(file.sha256, datatype=XSD.hexBinary))
        return graph

    def __repr__(self) -> str:
        return f"Metadaten „{self.title or 'ohne Titel'}“, {len(self.distributions)} {'Datei' if len(self.distributions) == 1 else 'Dateien'}"


def _exists(value: str) -> bool:
    import datetime as dt

    try:
        dt.date.fromisoformat(value[:10])
    except ValueError:
        return False
    return True


def slugify(text: str) -> str:
    """Return a name for addresses: lower case, ASCII, words joined by hyphens."""
    text = text.lower()
    for a, b in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss")):
        text = text.replace(a, b)
    return re.sub(r"[^a-z0-9]+", "-", text).strip("-")[:90]


def bbox_wkt(bbox: list[float]) -> str:
    """Return a bounding box (west, south, east, north; EPSG:4326) as WKT polygon."""
    west, south, east, north = bbox
    return f"POLYGON(({west} {south}, {east} {south}, {east} {north}, {west} {north}, {west} {south}))"


def form_groups() -> list[dict[str, Any]]:
    """Return groups and fields of the form with their choices (code, label)."""
    groups = []
    for group in load_yaml("fields.yml"):
        shown = []
        for spec in group["fields"]:
            spec = {"kind": "text", **spec}
            if "vocabulary" in spec:
                spec["choices"] = [[code, label] for code, label in voc.entries(spec["vocabulary"]).items()]
            shown.append(spec)
        groups.append({"group": group["group"], "fields": shown})
    return groups


def field_label(name: str) -> str:
    """Return the German label of a field."""
    return next((f["label"] for g in load_yaml("fields.yml") for f in g["fields"] if f["name"] == name), name)
