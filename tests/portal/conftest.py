"""One portal for all tests of this folder, built from nothing, and a look at the processes it leaves."""

from __future__ import annotations

from pathlib import Path

import pytest
from portal_processes import gone, processes

from opendata_kurs import portal, portal_env


@pytest.fixture(scope="session")
def portal_environment() -> Path:
    """The portal's interpreter; its environment is built if needed (about a minute, needs the registry)."""
    return portal_env.ensure(print)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, portal_environment):
    folder = tmp_path_factory.mktemp("portal") / "zustand"
    yield folder
    left = processes(folder)
    portal.stop(lambda text: None, folder=folder)
    assert gone(left)


@pytest.fixture(autouse=True)
def no_foreign_portal(monkeypatch):
    monkeypatch.delenv("CKAN_URL", raising=False)
    monkeypatch.delenv("CKAN_TOKEN", raising=False)
