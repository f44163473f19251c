"""One portal for all tests of this folder, built from nothing, and a look at the processes it leaves."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import psutil
import pytest

from opendata_kurs import portal, portal_env

sys.path.insert(0, str(Path(__file__).parent))


def processes(folder: Path) -> list[psutil.Process]:
    """Return every living process of the portal in `folder`, PostgreSQL's helpers included."""
    found = []
    for process in psutil.process_iter():
        try:
            mine = any(str(folder) in argument for argument in process.cmdline())
            if mine and process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE:
                found += [process, *process.children(recursive=True)]
        except psutil.Error:
            continue
    return list({process.pid: process for process in found}.values())


def gone(these: list[psutil.Process], seconds: float = 15) -> bool:
    """Wait until all of these processes have ended."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not any(
            p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in these if psutil.pid_exists(p.pid)
        ):
            return True
        time.sleep(0.1)
    return False


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
