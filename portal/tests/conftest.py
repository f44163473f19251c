"""The plugin's tests run inside a real CKAN: `pytest --ordner FOLDER` with a portal's folder whose database runs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def pytest_addoption(parser):
    parser.addoption("--ordner", type=Path, help="folder of a portal whose PostgreSQL is running")


@pytest.fixture(scope="session")
def application(request, tmp_path_factory):
    """CKAN's WSGI application on the portal's database, with a search index of its own."""
    from opendata_portal import embed, settings
    from opendata_portal.folder import Folder
    from opendata_portal.serve import make_application

    folder = Folder(request.config.getoption("--ordner"))
    index = tmp_path_factory.mktemp("index") / "suche.sqlite"
    embed.install(index)
    application = make_application(settings.build(folder, "http://127.0.0.1:5000"))
    os.environ["OPENDATA_PORTAL_TEST_INDEX"] = str(index)
    return application


@pytest.fixture(scope="session")
def action(application):
    """Call CKAN's actions as its site user."""
    from ckan.plugins import toolkit

    with application._wsgi_app.test_request_context():
        user = toolkit.get_action("get_site_user")({"ignore_auth": True}, {})["name"]

        def call(name, /, **values):
            return toolkit.get_action(name)({"user": user, "ignore_auth": True}, values)

        yield call


DATASETS = (
    {
        "name": "test-baumkataster",
        "title": "Baumkataster",
        "notes": "Alle städtischen Bäume mit Standort und Pflanzjahr.",
        "tags": ["Bäume", "Stadtgrün"],
        "groups": ["envi"],
        "license_id": "dl-de-zero-2.0",
        "extras": {"stichtag": "2024-12-31", "anzahl": "68000"},
        "formats": ["CSV", "GeoJSON"],
    },
    {
        "name": "test-spielplaetze",
        "title": "Spielplätze",
        "notes": "Öffentliche Spielplätze. Auf vielen stehen Bäume.",
        "tags": ["Kinder", "Stadtgrün"],
        "groups": ["soci"],
        "license_id": "dl-de-by-2.0",
        "extras": {"stichtag": "2025-06-30", "anzahl": "350"},
        "formats": ["CSV"],
    },
    {
        "name": "test-haushalt",
        "title": "Haushaltsplan 2026",
        "notes": "Erträge und Aufwendungen nach Ämtern; Straße, Größe, Maß.",
        "tags": ["Finanzen"],
        "groups": ["econ"],
        "license_id": "cc-by-4.0",
        "extras": {"stichtag": "2026-01-01", "anzahl": "12"},
        "formats": ["XLSX"],
    },
)


@pytest.fixture(scope="session")
def datasets(action):
    """Three datasets, removed again afterwards; returns a function that searches among them."""
    for dataset in DATASETS:
        action(
            "package_create",
            name=dataset["name"],
            title=dataset["title"],
            notes=dataset["notes"],
            owner_org="musterstadt",
            license_id=dataset["license_id"],
            tags=[{"name": name} for name in dataset["tags"]],
            groups=[{"name": name} for name in dataset["groups"]],
            extras=[{"key": key, "value": value} for key, value in dataset["extras"].items()],
            resources=[
                {"url": f"https://musterstadt.example/{i}", "format": name, "name": f"Datei {i}"}
                for i, name in enumerate(dataset["formats"])
            ],
        )

    def search(q="*:*", **options):
        found = action("package_search", q=q, **options)
        return [each["name"].removeprefix("test-") for each in found["results"]]

    yield search
    for dataset in DATASETS:
        action("dataset_purge", id=dataset["name"])
