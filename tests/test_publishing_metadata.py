"""Metadata: valid RDF, German findings for every typical mistake, the 405 points, publishing without leaking the token."""

from __future__ import annotations

import contextlib
import json
import threading
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
from rdflib import DCAT, DCTERMS, RDF, Graph, Literal, Namespace, URIRef

from opendata_kurs.paths import datasets_dir
from opendata_kurs.publishing import (
    Distribution,
    Metadata,
    PortalError,
    mqa,
    publish,
    static_catalogue,
    validate_metadata,
    withdraw,
)
from opendata_kurs.publishing.ckan import column_types, package_fields
from opendata_kurs.publishing.metadata import form_groups, slugify
from opendata_kurs.publishing.report import load_yaml
from opendata_kurs.publishing.shapes import shape_results

TABLES = Path(__file__).parent / "fixtures" / "tabellen"
DCATDE = Namespace("http://dcat-ap.de/def/dcatde/")
DCATAP = Namespace("http://data.europa.eu/r5r/")
VCARD = Namespace("http://www.w3.org/2006/vcard/ns#")


def complete(**changes) -> Metadata:
    values = {
        "title": "Spielplätze", "description": "Alle städtischen Spielplätze mit Art und Lage.", "publisher": "Stadt Musterstadt",
        "contact_name": "Open-Data-Team", "contact_email": "opendata@musterstadt.example", "contributor": "openNRW", "license": "dl-de-zero-2.0",
        "themes": ["EDUC"], "keywords": ["Spielplatz", "Kinder"], "spatial_name": "Musterstadt", "bbox": [6.69, 51.12, 6.94, 51.35],
        "level": "municipality", "temporal_start": "2024-01-01", "temporal_end": "2024-12-31", "issued": "2025-01-15", "modified": "2025-02-01",
        "frequency": "ANNUAL", "availability": "STABLE"}
    metadata = Metadata(**{**values, **changes})
    if "distributions" not in changes:
        metadata.add_file(TABLES / "sauber.csv", "Spielplätze (CSV)").add_file(TABLES / "sauber.geojson", "Spielplätze (GeoJSON)")
    return metadata


def test_complete_metadata_have_no_finding_and_all_points():
    metadata = complete()
    assert shape_results(metadata.graph()) == []
    report = validate_metadata(metadata)
    assert report.findings == [], report.text()
    score = mqa(metadata, status=lambda url: True)
    assert (score.points, score.maximum, score.rating) == (405, 405, "ausgezeichnet")
    assert [total for _, total in score.dimensions.values()] == [100, 100, 110, 75, 20]


@pytest.mark.parametrize("suffix", [".ttl", ".jsonld", ".json"])
def test_written_files_are_read_back(tmp_path, suffix):
    path = complete().save(tmp_path / f"metadaten{suffix}")
    assert validate_metadata(path).findings == []
    if suffix == ".json":
        assert Metadata.load(path) == complete()
    else:
        graph = Graph().parse(path, format="turtle" if suffix == ".ttl" else "json-ld")
        assert graph.isomorphic(complete().graph()) if hasattr(graph, "isomorphic") else len(graph) == len(complete().graph())


MISTAKES = [
    ({"title": ""}, "missing-title"), ({"description": " "}, "missing-description"), ({"publisher": ""}, "missing-publisher"),
    ({"license": ""}, "missing-license"), ({"distributions": []}, "missing-distribution"),
    ({"contact_name": "", "contact_email": ""}, "missing-contact"), ({"contact_email": ""}, "contact-empty"),
    ({"contact_email": "opendata(at)stadt"}, "contact-email"), ({"contact_email": "erika.musterfrau@musterstadt.example"}, "contact-personal"),
    ({"contributor": ""}, "missing-contributor"), ({"themes": []}, "missing-theme"), ({"keywords": []}, "missing-keyword"),
    ({"spatial_name": "", "bbox": []}, "missing-spatial"), ({"temporal_start": "", "temporal_end": ""}, "missing-temporal"),
    ({"modified": ""}, "missing-modified"), ({"modified": "01.02.2025"}, "date-german"), ({"temporal_start": "1.1.2024"}, "date-german"),
    ({"issued": "2025-02-30"}, "date-invalid"), ({"issued": "Januar 2025"}, "date-invalid"),
    ({"temporal_start": "2025-01-01", "temporal_end": "2024-01-01"}, "date-order"), ({"issued": "2026-01-01"}, "modified-before-issued"),
    ({"license": "andere-geschlossen"}, "license-closed"), ({"license": "cc-by-nc-4.0", "attribution": "x"}, "license-closed"),
    ({"license": "http://dcat-ap.de/def/licenses/dl-zero-de/2_0"}, "license-old"), ({"license": "https://example.org/unsere-lizenz"}, "license-foreign"),
    ({"license": "https://www.govdata.de/dl-de/zero-2-0"}, "license-foreign"), ({"license": "dl-de-by-2.0"}, "attribution-missing"),
    ({"attribution": "Stadt Musterstadt"}, "attribution-needless"), ({"themes": ["SPIELEN"]}, "not-in-list"), ({"frequency": "jährlich"}, "not-in-list"),
    ({"access_rights": "offen"}, "not-in-list"), ({"availability": "immer"}, "not-in-list"), ({"language": "deutsch"}, "language-list"),
    ({"bbox": [51.12, 6.69, 51.35, 6.94]}, "bbox-range"), ({"hvd_category": "c_ac64a52d", "license": "odbl-1.0", "attribution": "x"}, "hvd-license"),
    ({"distributions": [Distribution("a", url="https://x.example/a.csv", format="CSV"),
                        Distribution("b", url="https://x.example/b.csv", format="CSV", license="cc-by-4.0")]}, "license-two"),
    ({"distributions": [Distribution("a", url="https://x.example/a.csv")]}, "missing-format"),
    ({"distributions": [Distribution("a", url="https://x.example/a.zzz", format="zzz")]}, "format-unknown"),
    ({"distributions": [Distribution("a", format="CSV")]}, "missing-access-url"),
]


@pytest.mark.parametrize(("changes", "id"), MISTAKES, ids=lambda v: v if isinstance(v, str) else "")
def test_every_mistake_is_named(changes, id):
    report = validate_metadata(complete(**changes))
    assert id in report, report.text()
    for finding in report:
        assert "{" not in finding.what + finding.repair and finding.repair
    expected = load_yaml("metadata_rules.yml")[id]["level"]
    assert all(f.level != "error" for f in report) or expected == "error" or id == "contact-empty", report.text()


def test_two_spellings_of_one_licence_are_one_licence():
    graph = complete(license="dl-de-by-2.0", attribution="Stadt Musterstadt").graph()
    distribution = next(graph.objects(None, DCAT.distribution))
    graph.set((distribution, DCTERMS.license, Literal("dl-de/by-2-0")))
    assert "license-two" not in validate_metadata(graph).ids
    graph.set((distribution, DCTERMS.license, URIRef("http://dcat-ap.de/def/licenses/dl-zero-de/2.0")))
    assert "license-two" in validate_metadata(graph).ids


def test_every_rule_has_a_test():
    tested = {id for _, id in MISTAKES} | {"deprecated", "hvd-law", "no-dataset", "unreadable", "shape"}
    assert set(load_yaml("metadata_rules.yml")) - {"tables"} - tested == set()


def test_rules_on_foreign_graphs(tmp_path):
    graph = complete(hvd_category="c_ac64a52d").graph()
    dataset = next(graph.subjects(RDF.type, DCAT.Dataset))
    graph.remove((dataset, DCATAP.applicableLegislation, None))
    graph.add((dataset, DCATDE.plannedAvailability, URIRef("http://dcat-ap.de/def/plannedAvailability/stable")))
    assert {"hvd-law", "deprecated"} <= set(validate_metadata(graph).ids)
    assert validate_metadata(Graph()).ids == ["no-dataset"]
    (tmp_path / "kaputt.ttl").write_text("das ist kein Turtle", "utf-8")
    assert validate_metadata(tmp_path / "kaputt.ttl").ids == ["unreadable"]
    assert "TT.MM" not in validate_metadata(complete(modified="01.02.2025")).text()
    assert "2025-02-01" in validate_metadata(complete(modified="01.02.2025")).text()


@pytest.mark.parametrize("mutation", [
    lambda g, d: g.add((d, DCTERMS.publisher, Literal("nur Text"))), lambda g, d: g.add((d, DCTERMS.temporal, Literal("2024"))),
    lambda g, d: g.add((d, DCTERMS.modified, Literal("gestern"))), lambda g, d: g.add((d, DCAT.contactPoint, URIRef("https://x.example/k"))),
])
def test_shapes_speak_german(mutation):
    graph = complete().graph()
    mutation(graph, next(graph.subjects(RDF.type, DCAT.Dataset)))
    report = validate_metadata(graph)
    assert not report.ok
    assert not any(word in report.text() for word in ("Constraint", "Violation", "must", "value "))


def test_shapes_find_what_is_required():
    """Removing a mandatory property of DCAT-AP is a violation of the shapes themselves, not only of our rules."""
    for predicate in (DCTERMS.title, DCTERMS.description):
        graph = complete().graph()
        graph.remove((next(graph.subjects(RDF.type, DCAT.Dataset)), predicate, None))
        assert shape_results(graph)


def test_catalogue_of_the_course():
    report = validate_metadata(datasets_dir() / "catalog.ttl")
    assert report.errors == [], report.text()


@pytest.mark.parametrize(("changes", "lost"), [
    ({"keywords": []}, 30), ({"themes": []}, 30), ({"spatial_name": "", "bbox": []}, 20), ({"temporal_start": "", "temporal_end": ""}, 20),
    ({"license": "https://example.org/l"}, 10), ({"access_rights": ""}, 15), ({"contact_name": "", "contact_email": ""}, 20),
    ({"publisher": ""}, 10), ({"issued": ""}, 5), ({"modified": ""}, 5),
])
def test_points_lost(changes, lost):
    score = mqa(complete(**changes), status=lambda url: True, conforms=True)
    assert 405 - score.points == lost
    assert sum(i.possible - i.points for i in score.missing) == lost and score.missing[0].raise_it in repr(score)


def test_points_of_formats_and_addresses():
    pdf = complete(distributions=[Distribution("a", url="https://x.example/a.pdf", format="PDF", media_type="application/pdf", bytes=1)])
    assert mqa(pdf, status=lambda url: True).dimensions["Interoperabilität"] == (90, 110)
    assert mqa(complete()).dimensions["Zugänglichkeit"] == (20, 100)
    asked = []
    assert mqa(complete(), status=lambda url: asked.append(url) or url.endswith(".csv")).dimensions["Zugänglichkeit"] == (60, 100)
    assert any(url.endswith("sauber.csv") for url in asked)
    assert sum(m["points"] for ms in load_yaml("mqa.yml").values() for m in ms) == 405
    with pytest.raises(ValueError, match="keinen Datensatz"):
        mqa(Graph())


def test_from_datapackage():
    metadata = Metadata.from_datapackage(datasets_dir() / "muenster-schulen" / "datapackage.json")
    assert metadata.license == "dl-de-by-2.0" and metadata.distributions[0].format == "GEOJSON" and Path(metadata.distributions[0].path).is_file()
    metadata.contact_name, metadata.contact_email = "Open Data", "opendata@stadt-muenster.example"
    assert validate_metadata(metadata).errors == []


def test_small_things(tmp_path):
    assert slugify("Spielplätze & Bolzplätze (Süd)") == "spielplaetze-bolzplaetze-sued"
    with pytest.raises(ValueError, match="gibt es nicht: farbe"):
        Metadata.from_dict({"farbe": 1})
    with pytest.raises(FileNotFoundError, match="gibt es nicht"):
        Metadata().add_file(tmp_path / "nein.csv")
    fields = [f for g in form_groups() for f in g["fields"]]
    assert {f["name"] for f in fields} <= set(Metadata().to_dict()) and all(f["label"] and f["help"] for f in fields)
    assert len(complete().add_file(TABLES / "sauber.csv").distributions) == 2


def test_static_catalogue(tmp_path):
    metadata = complete()
    result = static_catalogue(metadata, tmp_path / "katalog")
    assert "kein Portal" in result.text and (tmp_path / "katalog/dataset/spielplaetze/sauber.csv").is_file()
    report = validate_metadata(tmp_path / "katalog" / "katalog.ttl")
    assert report.findings == [], report.text()
    assert metadata.distributions[0].url == ""
    again = (tmp_path / "katalog" / "katalog.jsonld").read_bytes()
    static_catalogue(metadata, tmp_path / "katalog")
    assert len(again) == len((tmp_path / "katalog" / "katalog.jsonld").read_bytes())


# --- the portal: a tiny fake, for errors and for the token; the real CKAN is tested with the portal ---

TOKEN = "geheim-eyJhbGciOiJIUzI1NiJ9.abc"


class FakeCkan(BaseHTTPRequestHandler):
    packages: ClassVar[dict] = {}
    mode = "ok"
    calls: ClassVar[list] = []
    datastore = True

    def log_message(self, *args):
        pass

    def answer(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def fail(self, status, kind, message, **more):
        self.answer(status, {"success": False, "error": {"__type": kind, "message": message, **more}})

    def do_POST(self):
        cls = type(self)
        action = self.path.rsplit("/", 1)[-1]
        body = self.rfile.read(int(self.headers["Content-Length"]))
        cls.calls.append(action)
        upload = not self.headers["Content-Type"].startswith("application/json")
        data = {} if upload else json.loads(body or b"{}")
        if upload:
            for part in body.split(b"\r\n--"):
                head, _, value = part.partition(b"\r\n\r\n")
                name = head.split(b'name="')[-1].split(b'"')[0].decode()
                data[name] = value.decode("utf-8", "replace")
        writes = action not in ("status_show", "organization_show", "package_show")
        if writes and self.headers.get("Authorization") != TOKEN:
            return self.fail(403, "Authorization Error", f"Access denied: Action {action} requires an authenticated user")
        if writes and cls.mode == "rechte":
            return self.fail(403, "Authorization Error", f"Access denied: User fach not authorized to {action} ({TOKEN})")
        if action == "package_create" and cls.mode == "echo":
            return self.answer(500, {"token": self.headers.get("Authorization")})
        if action == "package_create" and cls.mode == "angaben":
            return self.fail(409, "Validation Error", "", name=["That URL is already in use."], foo=[f"bar {TOKEN}"])
        if action == "organization_show" and data["id"] != "musterstadt":
            return self.fail(404, "Not Found Error", "Not found")
        handler = getattr(self, action, None)
        if action.startswith("datastore") and not cls.datastore:
            return self.fail(400, "Bad request", f"Bad request - Action name not known: {action}")
        return handler(data) if handler else self.answer(200, {"success": True, "result": {}})

    def package_show(self, d):
        p = next((p for p in self.packages.values() if d["id"] in (p["name"], p["id"])), None)
        if p is None:
            return self.fail(404, "Not Found Error", "Not found")
        if p.get("hidden"):
            return self.fail(403, "Authorization Error", "Access denied: User not authorized to read package")
        self.answer(200, {"success": True, "result": p})

    def package_create(self, d):
        p = {**d, "id": "id-" + d["name"], "resources": [], "organization": {"name": d["owner_org"]}, "state": "active"}
        self.packages[d["name"]] = p
        self.answer(200, {"success": True, "result": p})

    def package_patch(self, d):
        p = next(p for p in self.packages.values() if p["id"] == d["id"])
        p.update(d)
        self.answer(200, {"success": True, "result": p})

    def package_delete(self, d):
        next(p for p in self.packages.values() if p["id"] == d["id"])["state"] = "deleted"
        self.answer(200, {"success": True, "result": None})

    def resource_create(self, d):
        p = next(p for p in self.packages.values() if p["id"] == d["package_id"])
        r = {"id": f"r{len(p['resources'])}", "name": d["name"], "hash": d.get("hash"), "url": f"http://localhost/r{len(p['resources'])}"}
        p["resources"].append(r)
        self.answer(200, {"success": True, "result": r})

    def resource_patch(self, d):
        r = next(r for p in self.packages.values() for r in p["resources"] if r["id"] == d["id"])
        r["hash"] = d.get("hash")
        self.answer(200, {"success": True, "result": r})

    def resource_delete(self, d):
        for p in self.packages.values():
            p["resources"] = [r for r in p["resources"] if r["id"] != d["id"]]
        self.answer(200, {"success": True, "result": None})


@pytest.fixture
def portal(monkeypatch):
    class Handler(FakeCkan):
        packages, calls = {}, []

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("CKAN_URL", f"http://127.0.0.1:{server.server_port}/")
    monkeypatch.setenv("CKAN_TOKEN", TOKEN)
    yield Handler
    server.shutdown()
    server.server_close()


def test_publish_update_withdraw(portal):
    metadata = complete()
    first = publish(metadata)
    package = portal.packages["spielplaetze"]
    assert first.action == "Veröffentlicht" and package["private"] is False and len(package["resources"]) == 2
    assert first.resources[0]["rows"] == 5 and metadata.distributions[0].url == "http://localhost/r0"
    extras = {e["key"]: e["value"] for e in package["extras"]}
    assert json.loads(extras["theme"]) == ["http://publications.europa.eu/resource/authority/data-theme/EDUC"]
    assert extras["contributorID"].endswith("/openNRW") and json.loads(extras["spatial"])["type"] == "Polygon"
    again = publish(metadata)
    assert again.action == "Aktualisiert" and {r["action"] for r in again.resources} == {"unverändert"} and len(package["resources"]) == 2
    metadata.distributions.pop()
    assert "gelöscht" in publish(metadata).text and len(package["resources"]) == 1
    assert withdraw(metadata).action == "Noch nichts geändert" and package["private"] is False
    assert withdraw(metadata, confirm=True).action == "Zurückgezogen" and package["private"] is True
    assert withdraw(metadata, confirm=True).action == "Schon zurückgezogen"
    assert withdraw(metadata, confirm=True, delete=True).action == "Gelöscht" and package["state"] == "deleted"
    assert withdraw(metadata, confirm=True, delete=True).action == "Schon gelöscht"
    assert publish(metadata).action == "Aktualisiert" and package["state"] == "active"


def test_dataset_goes_into_its_theme_groups(portal):
    portal.group_list = lambda self, d: self.answer(200, {"success": True, "result": ["envi", "soci", "spielen"]})
    metadata = complete(themes=["SOCI", "EDUC"])
    publish(metadata)
    package = portal.packages["spielplaetze"]
    assert package["groups"] == [{"name": "soci"}]  # the portal has no group educ
    package["groups"] = [{"name": "soci"}, {"name": "spielen"}]  # somebody put it into another group, too
    metadata.themes = ["ENVI"]
    publish(metadata)
    assert package["groups"] == [{"name": "envi"}, {"name": "spielen"}]


def test_a_forbidden_group_does_not_stop_publishing(portal):
    def patch(self, d):
        if "groups" in d:
            return self.fail(403, "Authorization Error", "Access denied: User fach not authorized to edit these groups")
        FakeCkan.package_patch(self, d)

    portal.group_list = lambda self, d: self.answer(200, {"success": True, "result": ["educ"]})
    portal.package_patch = patch
    result = publish(complete())
    assert "Themengruppen" in result.text and portal.packages["spielplaetze"]["private"] is False


def test_new_dataset_stays_private_until_its_files_are_there(portal):
    publish(complete())
    assert portal.calls.index("package_create") < portal.calls.index("resource_create") < portal.calls.index("package_patch")


def test_a_changed_file_is_sent_again(portal, tmp_path):
    table = tmp_path / "t.csv"
    table.write_text("nr,wert\n001,1\n", "utf-8")
    metadata = complete(distributions=[])
    assert publish(metadata, [table]).resources[0]["rows"] == 1
    table.write_text("nr,wert\n001,1\n002,2\n", "utf-8")
    assert (publish(metadata).resources[0]["action"], publish(metadata).resources[0]["action"]) == ("erneuert", "unverändert")
    assert metadata.distributions[0].bytes == table.stat().st_size


def test_portal_without_datastore(portal):
    portal.datastore = False
    assert "keinen Datenspeicher" in publish(complete()).text


ERRORS = [
    ("token", {"token": "falsch-" + TOKEN}, "ok", "erkennt den Zugangsschlüssel nicht"), ("rechte", {}, "rechte", "nicht die nötigen Rechte"),
    ("angaben", {}, "angaben", "ist schon vergeben"), ("antwort", {}, "echo", "kein CKAN-Portal"),
    ("organisation", {"organisation": "woanders"}, "ok", "„woanders“ gibt es"), ("kein-portal", {"url": "http://127.0.0.1:9"}, "ok", "antwortet nicht"),
    ("kein-portal", {"url": "ftp://x"}, "ok", "keine Adresse"), ("unverschluesselt", {"url": "http://portal.example"}, "ok", "nicht verschlüsselt"),
    ("antwort", {"token": "umbruch\n" + TOKEN + "\nx"}, "ok", "gescheitert"),
]


@pytest.mark.parametrize(("reason", "arguments", "mode", "text"), ERRORS, ids=[f"{e[0]}-{e[2]}" for e in ERRORS])
def test_errors_are_german_and_hide_the_token(portal, capsys, caplog, reason, arguments, mode, text):
    portal.mode = mode
    with pytest.raises(PortalError, match=text) as caught:
        publish(complete(), **arguments)
    assert caught.value.reason == reason
    everything = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + str(capsys.readouterr()) + caplog.text
    assert TOKEN not in everything and "geheim" not in everything


def test_name_taken(portal):
    portal.packages["spielplaetze"] = {"id": "x", "name": "spielplaetze", "organization": {"name": "andere"}, "resources": []}
    with pytest.raises(PortalError, match="anderen Organisation"):
        publish(complete())
    portal.packages["spielplaetze"]["hidden"] = True
    with pytest.raises(PortalError, match="schon vergeben"):
        publish(complete())


def test_results_never_show_the_token(portal):
    result = publish(complete())
    assert TOKEN not in repr(result) + result._repr_html_() + repr(vars(result))


def test_no_portal(monkeypatch):
    monkeypatch.delenv("CKAN_URL", raising=False)
    monkeypatch.delenv("CKAN_TOKEN", raising=False)
    with contextlib.suppress(ImportError):
        from opendata_kurs import portal

        monkeypatch.setattr(portal, "connection", lambda **k: (_ for _ in ()).throw(portal.PortalUnavailable("Das Portal läuft nicht.")))
    with pytest.raises(PortalError, match="static_catalogue"):
        publish(complete())
    monkeypatch.setenv("CKAN_URL", "https://portal.example")
    with pytest.raises(PortalError, match="CKAN_TOKEN"):
        publish(complete())
    with pytest.raises(PortalError, match="fehlt"):
        withdraw("nichts")


def test_missing_file_is_named_before_anything_is_sent(portal):
    metadata = complete(distributions=[Distribution("a", path="weg.csv", format="CSV")])
    with pytest.raises(PortalError, match=r"weg\.csv"):
        publish(metadata)
    assert portal.calls == []


def test_column_types():
    header = ["nr", "ags", "wert", "anzahl", "datum", "leer", "gross"]
    rows = [["001", "05111000", "1.5", "3", "2024-01-01", "", "12345678901"], ["002", "05112000", "2", "4", "2024-01-02", "", "5"]]
    assert column_types(header, rows) == ["text", "text", "numeric", "int", "date", "text", "numeric"]
    schema = {"fields": [{"name": "nr", "type": "string"}, {"name": "anzahl", "type": "integer"}]}
    assert column_types(["nr", "anzahl", "x"], [], schema) == ["text", "int", "text"]
    assert {t["name"] for t in package_fields(complete(keywords=["Rad & Fuß", "ÖPNV", "x"]))["tags"]} == {"Rad   Fuß", "ÖPNV"}
