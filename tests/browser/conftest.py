"""Fixtures for tests in a real browser. Every test in this folder is marked `browser`.

`page`       a German page in Chromium: fresh, or with the mark `same_page` one that stays open from test to test
`only_local` records every request to another machine (none gets through); the test fails if there was one
`lab`        JupyterLab on the learner's workspace, built once; `lab.at("folder")` for notebooks of your own
"""

from __future__ import annotations

import contextlib
import re
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from opendata_kurs.cli.test import CHROMIUM_MISSING, browser_required, find_chromium

from . import lab as lab_tools

_HERE = Path(__file__).parent
PICTURES = _HERE.parents[1] / "build" / "bilder"
SIZE = {"width": 1400, "height": 1000}  # a laptop's window


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


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Keep what the browser showed and wrote when a test failed: the report alone never tells why."""
    outcome = yield
    report = outcome.get_result()
    seen = item.stash.get(_SEEN, None)
    item.stash[_FAILED] = item.stash.get(_FAILED, False) or report.failed
    if report.failed and seen is not None and call.when in ("setup", "call"):
        report.sections.append(("Browser", "\n".join(seen.console[-40:])))
        for number, page in enumerate(seen.context.pages):
            with contextlib.suppress(Exception):  # the page may be what is broken
                path = PICTURES / f"fehler-{re.sub('[^a-z0-9]+', '-', item.name.lower()).strip('-')}-{number}.png"
                page.screenshot(path=path, timeout=10_000)
                report.sections.append(("Bild", str(path)))


@dataclass
class _Seen:
    context: object
    console: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


_SEEN = pytest.StashKey[_Seen]()
_FAILED = pytest.StashKey[bool]()


def _new_context(chromium) -> _Seen:
    """Return a browser context of its own: no cookies, German, a laptop's window."""
    context = chromium.new_context(locale="de-DE", viewport=SIZE)
    context.set_default_timeout(30_000)
    seen = _Seen(context)
    began = time.monotonic()

    def write(message) -> None:
        if "to activate." not in message.text:  # JupyterLab's own complaints about a slow machine
            seen.console.append(f"{time.monotonic() - began:.1f} {message.type}: {message.text[:600]}")

    context.on("console", write)
    context.on("weberror", lambda e: seen.console.append(f"{time.monotonic() - began:.1f} error: {str(e.error)[:600]}"))
    return seen


def _watch(context) -> list[str]:
    """Return the growing list of addresses outside this machine that CONTEXT's pages asked for (FLAGS let none through).

    What the page's own policy (CSP) stopped never became a request and is taken off the list.
    """
    asked: list[str] = []

    def note(request) -> None:
        if not lab_tools.is_local(request.url):
            asked.append(request.url)

    def stopped(request) -> None:
        if request.failure == "csp" and request.url in asked:
            asked.remove(request.url)

    context.on("request", note)
    context.on("requestfailed", stopped)
    return asked


@pytest.fixture
def context(chromium, request):
    """A fresh browser context."""
    seen = request.node.stash[_SEEN] = _new_context(chromium)
    yield seen.context
    seen.context.close()


@pytest.fixture(scope="package")
def _kept(chromium):
    seen = _new_context(chromium)
    seen.asked = _watch(seen.context)
    yield seen
    seen.context.close()


@pytest.fixture
def _kept_page(_kept, request):
    request.node.stash[_SEEN] = _kept
    _kept.asked.clear()
    page = _kept.context.pages[0] if _kept.context.pages else _kept.context.new_page()
    page.set_viewport_size(SIZE)
    page.set_default_timeout(30_000)
    yield page
    for other in _kept.context.pages[1:]:
        other.close()
    if request.node.stash.get(_FAILED, False):
        page.close()  # the next test gets a fresh one


@pytest.fixture
def page(request):
    """A fresh page, or (mark `same_page`) one that stays open: JupyterLab takes seconds to load, `Lab.open` then does not reload it."""
    if request.node.get_closest_marker("same_page"):
        return request.getfixturevalue("_kept_page")
    return request.getfixturevalue("context").new_page()


@pytest.fixture
def outside(request) -> list[str]:
    """The growing list of addresses outside this machine that the page asked for; none gets through."""
    if request.node.get_closest_marker("same_page"):
        request.getfixturevalue("_kept_page")
        return request.getfixturevalue("_kept").asked
    return _watch(request.getfixturevalue("context"))


@pytest.fixture
def only_local(outside):
    """Fail the test when a page asked for something outside this machine."""
    yield outside
    assert outside == [], "the page asked for addresses outside this machine"


@pytest.fixture(scope="package")
def workspace(tmp_path_factory):
    """A learner's workspace with all lessons and exercises. Its JupyterLab keeps state (and whom it trusts) in a folder of its own."""
    from opendata_kurs.workspace import build_workspace

    folder = tmp_path_factory.mktemp("kurs") / "Mein Ordner ü"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("jupyter")))
        build_workspace(folder)
        yield folder


@pytest.fixture(scope="package")
def lab(workspace, chromium, tmp_path_factory):
    """JupyterLab on the learner's workspace, as `kurs start` opens it."""
    with lab_tools.serve(workspace, tmp_path_factory.mktemp("log") / "lab.txt") as served:
        yield served
