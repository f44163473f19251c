"""The embedded portal from nothing to its end: start, publish, harvest, restart, crash, recover, stop.

The tests build on each other and share one portal.
"""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import time

import ckanapi
import pytest
import requests
from portal_processes import gone, processes
from rdflib import Graph, Literal
from rdflib.namespace import DCAT, DCTERMS, RDF

from opendata_kurs import portal, portal_env
from opendata_kurs.cli import main
from opendata_kurs.cli.test import find_chromium
from opendata_kurs.portal import PortalUnavailable

pytestmark = [pytest.mark.portal, pytest.mark.slow]

EU = "http://publications.europa.eu/resource/authority/"
DATASET = "spielplaetze-musterstadt"
ROWS = [{"nr": f"{i:03}", "name": f"Spielplatz {i}", "flaeche": i * 1.5} for i in range(1, 501)]


class Quiet(list):
    """Collects progress sentences."""

    def __call__(self, text: str) -> None:
        self.append(text)


def start(folder, **options) -> tuple[str, Quiet]:
    said = Quiet()
    return portal.start(said, folder=folder, **options), said


def api(folder) -> ckanapi.RemoteCKAN:
    url, token = portal.connection(folder=folder)
    return ckanapi.RemoteCKAN(url, apikey=token, user_agent="opendata-kurs-test")


def resource(folder, kind: str) -> dict:
    return next(
        each for each in api(folder).action.package_show(id=DATASET)["resources"] if each["format"] == kind
    )


def upload(name: str, text: str) -> io.BytesIO:
    file = io.BytesIO(text.encode())
    file.name = name
    return file


def test_first_start(folder):
    before = time.monotonic()
    url, said = start(folder)
    print(f"first start: {time.monotonic() - before:.1f} s")
    assert url.startswith("http://127.0.0.1:")
    assert any(text.startswith("Schritt 1 von 4: Datenbank anlegen (etwa") for text in said)
    assert said[-1] == f"Das Portal ist bereit: {url}"
    found = portal.status(folder=folder)
    assert found.running and found.url == url
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for name in ("zugang.json", "geheim.json", "portal.json", "web.json"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600, name


def test_secrets_stay_secret(folder, capfd):
    access = json.loads((folder / "zugang.json").read_text(encoding="utf-8"))
    known = json.loads((folder / "geheim.json").read_text(encoding="utf-8"))
    assert len(access["token"]) > 40 and len(set(known.values())) == len(known)
    main(["portal", "start", "--ordner", str(folder)])
    main(["portal", "status", "--ordner", str(folder)])
    print(portal.connection(folder=folder), portal.status(folder=folder))
    shown = capfd.readouterr()
    logs = "".join(path.read_text(errors="replace") for path in (folder / "protokoll").iterdir())
    lines = " ".join(" ".join(process.cmdline()) for process in processes(folder))
    for secret in (access["token"], *known.values()):
        assert secret not in shown.out + shown.err + logs + lines


def test_database_refuses_without_password(folder):
    psycopg2 = pytest.importorskip("psycopg2")
    lines = (folder / "postgres" / "postmaster.pid").read_text().splitlines()
    with pytest.raises(psycopg2.OperationalError):
        psycopg2.connect(host=lines[4], user="postgres", dbname="ckan", password="")
    assert lines[5].strip() == ""  # no TCP


def test_second_start_says_so(folder):
    before = processes(folder)
    url, said = start(folder)
    assert said == [f"Das Portal läuft schon: {url}"]
    assert {p.pid for p in before} & {p.pid for p in processes(folder)}


def test_account_may_publish_and_no_more(folder):
    action = api(folder).action
    me = action.user_show(id="fachamt")
    assert me["sysadmin"] is False
    found = action.organization_list_for_user(permission="create_dataset")
    assert [(each["name"], each["capacity"]) for each in found] == [("musterstadt", "editor")]
    assert {"envi", "soci", "tran"} <= set(action.group_list())
    with pytest.raises(ckanapi.NotAuthorized):
        action.organization_create(name="eigene")
    with pytest.raises(ckanapi.NotAuthorized):
        action.user_create(name="zweites", email="x@musterstadt.example", password="1234567890")
    with pytest.raises((ckanapi.NotAuthorized, ckanapi.ValidationError)):
        action.package_create(name="ohne-organisation")


def test_publish(folder):
    action = api(folder).action
    extras = {
        "theme": json.dumps([EU + "data-theme/SOCI"]),
        "issued": "2026-01-15",
        "modified": "2026-02-01",
        "publisher_name": "Musterstadt",
        "publisher_uri": "https://musterstadt.example",
        "contact_name": "Open-Data-Team",
        "contact_email": "opendata@musterstadt.example",
        "frequency": EU + "frequency/ANNUAL",
        "language": json.dumps([EU + "language/DEU"]),
        "spatial": json.dumps({"type": "Point", "coordinates": [6.78, 51.22]}),
        "temporal_start": "2025-01-01",
        "temporal_end": "2025-12-31",
        "access_rights": EU + "access-right/PUBLIC",
        "contributorID": json.dumps(["http://dcat-ap.de/def/contributors/musterstadt"]),
        "licenseAttributionByText": "Musterstadt, Grünflächenamt",
    }
    before = time.monotonic()
    dataset = action.package_create(
        name=DATASET,
        title="Spielplätze in Musterstadt",
        notes="Alle öffentlichen Spielplätze mit Größe.",
        owner_org="musterstadt",
        license_id="dl-de-by-2.0",
        tags=[{"name": "Spielplätze"}, {"name": "Kinder"}],
        groups=[{"name": "soci"}],
        extras=[{"key": key, "value": value} for key, value in extras.items()],
    )
    text = io.StringIO()
    writer = csv.DictWriter(text, ["nr", "name", "flaeche"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(ROWS)
    table = action.resource_create(
        package_id=dataset["id"],
        name="Tabelle",
        format="CSV",
        mimetype="text/csv",
        upload=upload("spielplaetze.csv", text.getvalue()),
    )
    action.datastore_create(
        resource_id=table["id"],
        force=True,
        fields=[
            {"id": "nr", "type": "text"},
            {"id": "name", "type": "text"},
            {"id": "flaeche", "type": "numeric"},
        ],
        records=ROWS,
        primary_key="nr",
    )
    point = {
        "type": "Feature",
        "properties": {"nr": "001"},
        "geometry": {"type": "Point", "coordinates": [6.8, 51.2]},
    }
    action.resource_create(
        package_id=dataset["id"],
        name="Karte",
        format="GeoJSON",
        mimetype="application/geo+json",
        upload=upload("spielplaetze.geojson", json.dumps({"type": "FeatureCollection", "features": [point]})),
    )
    print(f"publish: {time.monotonic() - before:.1f} s")


def test_look_at_it(folder):
    url, _ = portal.connection(folder=folder)
    table = resource(folder, "CSV")
    views = {view["view_type"]: view for view in api(folder).action.resource_view_list(id=table["id"])}
    preview = f"/dataset/{DATASET}/resource/{table['id']}"
    pages = [
        "/",
        "/dataset/",
        f"/dataset/{DATASET}",
        preview,
        "/organization/musterstadt",
        "/group/soci",
        "/about",
    ]
    pages.append(f"{preview}/view/{views['datatables_view']['id']}")
    pages.append(f"/dataset/{DATASET}/resource/{resource(folder, 'GeoJSON')['id']}")
    for page in pages:
        answer = requests.get(url + page, timeout=60)
        assert answer.status_code == 200, page
        assert 'lang="de"' in answer.text, page
    assert "Spielplätze in Musterstadt" in requests.get(url + f"/dataset/{DATASET}", timeout=60).text
    assert requests.get(table["url"], timeout=60).text.splitlines()[1] == "001,Spielplatz 1,1.5"


def test_query_the_datastore(folder):
    action, table = api(folder).action, resource(folder, "CSV")["id"]
    found = action.datastore_search(resource_id=table, filters={"nr": "007"})
    assert found["total"] == 1 and found["records"][0]["flaeche"] == 10.5
    assert (
        action.datastore_search(resource_id=table, sort="flaeche desc", limit=1)["records"][0]["nr"] == "500"
    )
    assert action.datastore_search(resource_id=table, q="Spielplätze 12", limit=0)["total"] >= 1


def test_search(folder):
    action = api(folder).action
    for q in ("spielplatz", "Spielplaetze", "title:Spielplätze", "res_format:GeoJSON", "tags:Kinder"):
        assert action.package_search(q=q)["count"] == 1, q
    assert action.package_search(q="gibtsnicht")["count"] == 0


def test_update(folder):
    action, table = api(folder).action, resource(folder, "CSV")["id"]
    action.package_patch(id=DATASET, title="Spielplätze und Bolzplätze")
    assert action.package_search(q="Bolzplätze")["count"] == 1
    action.datastore_upsert(
        resource_id=table, force=True, method="upsert", records=[{"nr": "501", "name": "Neu", "flaeche": 7}]
    )
    assert action.datastore_search(resource_id=table, filters={"nr": "501"})["records"][0]["name"] == "Neu"


def test_harvest_is_valid(folder):
    from dcat_check import violations

    url, _ = portal.connection(folder=folder)
    for ending in ("ttl", "jsonld"):
        answer = requests.get(f"{url}/catalog.{ending}", timeout=60)
        assert answer.status_code == 200
        graph = Graph().parse(data=answer.text, format="turtle" if ending == "ttl" else "json-ld")
        assert len(set(graph.subjects(RDF.type, DCAT.Distribution))) == 2
        assert violations(graph) == [], ending

    # The check itself must be able to fail.
    dataset = next(graph.subjects(RDF.type, DCAT.Dataset))
    for predicate, value in (
        (DCTERMS.title, None),
        (DCTERMS.issued, Literal("15.01.2026")),
        (DCAT.theme, None),
    ):
        broken = Graph()
        broken += graph
        broken.remove((dataset, predicate, None))
        if value is not None:
            broken.add((dataset, predicate, value))
        assert bool(violations(broken)) is (predicate != DCTERMS.issued)  # the shapes let a German date pass


def test_the_courses_own_way(folder, tmp_path, monkeypatch, capsys):
    """`opendata_kurs.publishing` on this portal: publish, harvest, update, withdraw; its validator finds nothing."""
    from opendata_kurs.publishing import Metadata, publish, validate_metadata, withdraw

    url, token = portal.connection(folder=folder)
    monkeypatch.setenv("CKAN_URL", url)
    monkeypatch.setenv("CKAN_TOKEN", "".join(token))
    table = tmp_path / "baeume.csv"
    table.write_text("baum_nr,art,hoehe_m\n001,Linde,12.5\n002,Ahorn,9\n", encoding="utf-8")
    metadata = Metadata(
        title="Bäume in Musterstadt",
        description="Alle städtischen Bäume mit Art und Höhe. Erhoben vom Grünflächenamt.",
        themes=["ENVI"],
        keywords=["Bäume", "Stadtgrün"],
        publisher="Musterstadt",
        contact_name="Grünflächenamt",
        contact_email="gruen@musterstadt.example",
        contributor="http://dcat-ap.de/def/contributors/musterstadt",
        license="dl-de-by-2.0",
        attribution="Musterstadt, Grünflächenamt",
        spatial_name="Musterstadt",
        bbox=[6.7, 51.1, 6.9, 51.3],
        level="municipality",
        temporal_start="2025-01-01",
        temporal_end="2025-12-31",
        issued="2026-01-15",
        modified="2026-02-01",
        frequency="ANNUAL",
        availability="STABLE",
        name="baeume-musterstadt",
    )
    result = publish(metadata, [table])
    assert "baeume-musterstadt" in result.url and result.resources[0]["rows"] == 2
    found = api(folder).action.datastore_search(resource_id=result.resources[0]["id"], filters={"baum_nr": "001"})
    assert found["records"][0]["art"] == "Linde"
    views = api(folder).action.resource_view_list(id=result.resources[0]["id"])
    assert [view["view_type"] for view in views] == ["datatables_view"]
    shown = api(folder).action.package_show(id="baeume-musterstadt")
    assert [group["name"] for group in shown["groups"]] == ["envi"]
    harvested = Graph().parse(data=requests.get(f"{result.url}.ttl", timeout=60).text, format="turtle")
    from dcat_check import violations

    assert violations(harvested) == []
    report = validate_metadata(harvested)
    assert report.findings == [], str(report)

    table.write_text("baum_nr,art,hoehe_m\n001,Linde,13\n", encoding="utf-8")
    metadata.add_file(table)
    assert publish(metadata).resources[0]["rows"] == 1
    assert "Noch nichts geändert" in repr(withdraw(metadata))
    withdraw(metadata, confirm=True)
    assert requests.get(result.url, timeout=60).status_code == 404
    assert api(folder).action.package_search(q="name:baeume-musterstadt")["count"] == 0
    withdraw(metadata, confirm=True, delete=True)
    shown = capsys.readouterr()
    assert "".join(token) not in shown.out + shown.err


def test_inside_ckan(folder, portal_environment):
    """The plugin's own tests, inside a real CKAN on this portal's database."""
    source = portal_env.source_dir()
    command = [str(portal_environment), "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "ignore"]
    command += ["-c", str(source / "pyproject.toml"), "--rootdir", str(source), str(source / "tests")]
    done = subprocess.run(
        [*command, "--ordner", str(folder)],
        capture_output=True,
        text=True,
        timeout=180,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    assert " passed" in done.stdout


@pytest.mark.browser
def test_no_outside_requests(folder, tmp_path):
    """A real browser sees German pages that ask nothing of any other server."""
    chromium = find_chromium()
    playwright = pytest.importorskip("playwright.sync_api")
    if not chromium:
        pytest.skip("Chromium is missing")
    url, _ = portal.connection(folder=folder)
    user, password = portal.login(folder=folder)
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    flags += ["--disable-component-update", "--disable-sync"]
    table = f"/dataset/{DATASET}/resource/{resource(folder, 'CSV')['id']}"
    outside, failed = [], []
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=flags)
        page = browser.new_page(viewport={"width": 1200, "height": 900}, locale="de-DE")
        page.on("request", lambda r: r.url.startswith((url, "data:", "blob:")) or outside.append(r.url))
        page.on("response", lambda r: r.status >= 400 and failed.append((r.status, r.url)))
        page.goto(url)
        assert page.locator("html").get_attribute("lang") == "de"
        page.goto(url + f"/dataset/{DATASET}")
        assert page.get_by_role("heading", name="Spielplätze und Bolzplätze").first.is_visible()
        page.goto(url + table)
        frame = page.frame_locator("iframe")
        frame.get_by_text("Spielplatz 7", exact=True).wait_for(timeout=30_000)
        page.goto(url + "/dataset/?q=spielplatz")
        assert page.get_by_role("link", name="Spielplätze und Bolzplätze").is_visible()
        page.goto(url + "/user/login")
        page.fill("input[name=login]", user)
        page.fill("input[name=password]", password)
        page.press("input[name=password]", "Enter")
        page.wait_for_load_state()
        page.goto(url + "/user/fachamt")
        assert page.get_by_text("Fachamt Musterstadt").first.is_visible()
        page.goto(url + "/dataset/new")
        assert page.locator("input[name=title]").is_visible()
        browser.close()
    assert outside == []
    # CKAN's table preview asks for an icon that its package does not hold.
    assert [each for each in failed if not each[1].endswith("times-circle-solid.svg")] == []


def test_stop_ends_everything_and_only_this(folder):
    mine = processes(folder)
    assert len(mine) >= 2
    bystander = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(60)", "opendata_portal", "serve"]
    )
    assert portal.stop(Quiet(), folder=folder) is True
    assert gone(mine) and processes(folder) == []
    assert bystander.poll() is None
    bystander.kill()
    bystander.wait()
    assert portal.status(folder=folder).state == "gestoppt"
    said = Quiet()
    assert portal.stop(said, folder=folder) is False and said == ["Das Portal lief nicht."]
    with pytest.raises(PortalUnavailable, match="läuft nicht"):
        portal.connection(folder=folder)


def test_restart_in_the_background_finds_the_data(folder):
    said = Quiet()
    before = time.monotonic()
    assert portal.start(said, folder=folder, background=True) is None
    assert "im Hintergrund" in said[0]
    start(folder)  # waits for the other start, or does the work itself
    print(f"restart: {time.monotonic() - before:.1f} s")
    assert api(folder).action.package_search(q="Bolzplätze")["count"] == 1
    assert (
        api(folder).action.datastore_search(resource_id=resource(folder, "CSV")["id"], limit=0)["total"]
        == 501
    )
    assert len([p for p in processes(folder) if "serve" in p.cmdline()]) == 1


def test_killed_web(folder):
    web = next(p for p in processes(folder) if "serve" in p.cmdline())
    web.kill()
    gone([web])
    found = portal.status(folder=folder)
    assert found.state == "gestoert" and "Webseite" in found.text and "kurs portal start" in found.text
    _, said = start(folder)
    assert "Ihre Daten bleiben" in said[0]
    assert api(folder).action.package_show(id=DATASET)["title"] == "Spielplätze und Bolzplätze"


def test_killed_postgres(folder):
    server = next(p for p in processes(folder) if "-D" in p.cmdline())
    helpers = server.children(recursive=True)
    server.kill()
    assert gone([server, *helpers])
    found = portal.status(folder=folder)
    assert found.state == "gestoert" and "Datenbank" in found.text
    with pytest.raises(PortalUnavailable, match="gespeichert"):
        portal.connection(folder=folder)
    start(folder)
    assert (
        api(folder).action.datastore_search(resource_id=resource(folder, "CSV")["id"], limit=0)["total"]
        == 501
    )


def test_everything_killed_and_pids_reused(folder):
    """After a power cut, the noted numbers belong to other programs: those must live, and the portal must start."""
    for process in processes(folder):
        process.kill()
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"])
    for name in ("web.json", "postgres/postmaster.pid"):
        file = folder / name
        text = file.read_text()
        old = str(json.loads(text)["pid"]) if name == "web.json" else text.splitlines()[0]
        file.write_text(text.replace(old, str(stranger.pid), 1))
    (folder / "suche.sqlite").write_bytes(b"")
    start(folder)
    assert stranger.poll() is None
    assert api(folder).action.package_search(q="Bolzplätze")["count"] == 1
    portal.stop(Quiet(), folder=folder)
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


def test_full_port(folder):
    number = json.loads((folder / "portal.json").read_text())["port"]
    with socket.socket() as blocker:
        blocker.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        blocker.bind(("127.0.0.1", number))
        blocker.listen()
        with pytest.raises(PortalUnavailable, match=f"Der Anschluss {number} ist schon belegt"):
            start(folder, port=number)
        assert processes(folder) == []
        url, _ = start(folder)
        assert not url.endswith(f":{number}")
        found = api(folder).action.package_search(q="Bolzplätze")["results"][0]
        assert all(each["url"].startswith(url) for each in found["resources"])
        assert requests.get(found["resources"][0]["url"], timeout=60).status_code == 200


def test_withdraw(folder):
    action = api(folder).action
    action.package_delete(id=DATASET)
    url, _ = portal.connection(folder=folder)
    assert action.package_search(q="Bolzplätze")["count"] == 0
    assert requests.get(f"{url}/dataset/{DATASET}", timeout=60).status_code == 404
    assert DATASET not in requests.get(f"{url}/catalog.ttl", timeout=60).text


def test_reset(folder, monkeypatch, capsys):
    mine = processes(folder)
    monkeypatch.setattr("builtins.input", lambda question: "nein")
    assert main(["portal", "reset", "--ordner", str(folder)]) == 1 and portal.status(folder=folder).running
    assert main(["portal", "reset", "--ordner", str(folder), "--ja"]) == 0
    assert gone(mine) and processes(folder) == []
    assert portal.status(folder=folder).state == "leer"
    assert [entry.name for entry in folder.iterdir()] == [".sperre"]


def test_interrupted_first_start_and_an_ordinary_user(tmp_path, portal_environment):
    """A first start is killed half way; the next one clears up and works, also without root's rights."""
    folder = tmp_path / ("langer-name-" * 8) / "zustand"  # too long for PostgreSQL's socket
    folder.parent.mkdir()
    command = [str(portal_environment), "-I", "-m", "opendata_portal", "start", "--ordner", str(folder)]
    if os.geteuid() == 0 and shutil.which("unshare"):
        command = ["unshare", "--user", "--map-user=1000", "--map-group=1000", *command]
    try:
        first = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        for line in first.stdout:
            if json.loads(line).get("step") == 3:
                break
        first.kill()
        first.wait()
        for process in processes(folder):
            if "serve" in process.cmdline():
                process.kill()
        assert json.loads((folder / "portal.json").read_text())["fertig"] is False
        done = subprocess.run(command, capture_output=True, text=True, timeout=180)
        assert done.returncode == 0, done.stdout + done.stderr
        url = json.loads(done.stdout.splitlines()[-1])["ergebnis"]["url"]
        assert "agri" in requests.get(f"{url}/api/3/action/group_list", timeout=60).json()["result"]
    finally:
        mine = processes(folder)
        stopped = portal.stop(Quiet(), folder=folder)
    assert stopped is True
    assert gone(mine) and processes(folder) == []
