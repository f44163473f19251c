"""Fixtures for tests in a real browser. Every test in this folder is marked `browser`.

`page`       a fresh German page in Chromium
`only_local` refuses and records every request that leaves this machine; the test fails if there was one
`lab`        JupyterLab on the learner's workspace, built once
`make_lab`   the same for a folder of your own
"""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from opendata_kurs.cli.test import CHROMIUM_MISSING, browser_required, find_chromium

from . import lab as lab_tools

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items) -> None:
    """Mark what lies in this folder."""
    for item in items:
        if _HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="package")
def chromium():
    """Chromium, driven by Playwright; without it the test is skipped, or fails with KURS_BROWSER=pflicht.

    Ends with this folder: Playwright keeps an event loop running, which later tests would stumble over.
    """
    path = find_chromium()
    if path is None:
        (pytest.fail if browser_required() else pytest.skip)(CHROMIUM_MISSING)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=lab_tools.FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def context(chromium):
    """A browser context of its own: no cookies, German, a laptop's window."""
    context = chromium.new_context(locale="de-DE", viewport={"width": 1400, "height": 1000})
    context.set_default_timeout(30_000)
    yield context
    context.close()


@pytest.fixture
def page(context):
    """A fresh page."""
    return context.new_page()


@pytest.fixture
def outside(context) -> list[str]:
    """Refuse requests to the outside and return the growing list of their addresses."""
    asked: list[str] = []

    def decide(route) -> None:
        if lab_tools.is_local(route.request.url):
            route.continue_()
        else:
            asked.append(route.request.url)
            route.abort()

    context.route("**/*", decide)
    return asked


@pytest.fixture
def only_local(outside):
    """Fail the test when a page asked for something outside this machine."""
    yield outside
    assert outside == [], "the page asked for addresses outside this machine"


@pytest.fixture(scope="package")
def make_lab(tmp_path_factory, chromium):
    """Return a function that serves a folder with JupyterLab until the folder's last test."""
    with contextlib.ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("jupyter")))

        def make(workspace: Path, *extra: str) -> lab_tools.Lab:
            return stack.enter_context(lab_tools.serve(workspace, tmp_path_factory.mktemp("log") / "lab.txt", *extra))

        yield make


@pytest.fixture(scope="package")
def workspace(make_lab, tmp_path_factory) -> Path:
    """A learner's workspace with all lessons and exercises."""
    from opendata_kurs.workspace import build_workspace

    folder = tmp_path_factory.mktemp("kurs") / "Mein Ordner ü"
    build_workspace(folder)
    return folder


@pytest.fixture(scope="package")
def lab(make_lab, workspace) -> lab_tools.Lab:
    """JupyterLab on the learner's workspace, as `kurs start` opens it."""
    return make_lab(workspace)
