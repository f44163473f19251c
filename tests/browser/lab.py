"""Helpers for tests in a real browser: Chromium, a JupyterLab server, axe, and a fence around this machine.

Use the fixtures of conftest.py (`page`, `lab`, `only_local`); the functions here do the work behind them.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote, urlsplit

import axe_playwright_python

from opendata_kurs import lab_settings
from opendata_kurs.cli.start import choose_port

# Whatever is not on this machine goes to a proxy that does not exist. Playwright's own routes would do the same, but
# they switch the browser's cache off: JupyterLab would be loaded and compiled anew for every page.
NO_PROXY_THERE = "--proxy-server=http://127.0.0.1:9"
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", NO_PROXY_THERE]
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
TOKEN = "nur-fuer-die-pruefung"
WCAG = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
_IDLE = "() => window.jupyterapp?.shell?.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
_SHOWN = "name => window.jupyterapp?.shell?.currentWidget?.context?.path === name"
# The command's promise resolves a little before the last outputs and counts arrive.
_DONE = """() => {
    const cells = window.jupyterapp.shell.currentWidget.content.model.sharedModel.toJSON().cells
        .filter(cell => cell.cell_type === 'code' && [cell.source].flat().join('').trim())
    const failed = cell => cell.outputs.some(output => output.output_type === 'error')
        && !(cell.metadata.tags || []).includes('raises-exception')
    return cells.some(failed) || cells.every(cell => cell.execution_count) }"""
# ipywidgets takes new forms only once its manager has asked the kernel for those that exist. That comes after "idle";
# a cell that runs earlier shows no form.
_FORMS = """async () => {
    const rendermime = window.jupyterapp.shell.currentWidget.content.rendermime
    const mimeType = 'application/vnd.jupyter.widget-view+json'
    const renderer = rendermime.createRenderer(mimeType, {data: {}})
    const manager = await Promise.race([renderer._manager.promise, new Promise(go => setTimeout(go, 50))])
    return !!manager?.restoredStatus }"""
_OPEN_INSTEAD = """async path => {
    const app = window.jupyterapp
    for (const widget of [...app.shell.widgets('main')]) {
        if (widget.context?.model.dirty) await widget.context.revert()
        widget.dispose() }
    // as a fresh page shows itself: earlier tests fold side panels away, change the theme or make room for axe
    document.body.style.minHeight = ''
    app.shell.expandLeft()
    if (document.body.dataset.jpThemeName !== 'JupyterLab Light') await app.commands.execute('apputils:change-theme', {theme: 'JupyterLab Light'})
    await app.commands.execute('docmanager:open', {path}) }"""
_CELLS = "() => window.jupyterapp.shell.currentWidget.content.model.sharedModel.toJSON().cells"


def is_local(url: str) -> bool:
    """Tell whether a request stays on this machine."""
    parts = urlsplit(url)
    return parts.scheme in ("data", "blob", "about", "file") or parts.hostname in ("127.0.0.1", "localhost", "::1")


@dataclass
class Lab:
    """A running JupyterLab."""

    url: str
    token: str
    root: Path
    seconds: float
    log: Path
    prefix: str = ""

    def at(self, folder: str) -> Lab:
        """Return the same JupyterLab with FOLDER (made if missing) as the place for notebooks: no second server, no second page."""
        (self.root / folder).mkdir(exist_ok=True)
        return replace(self, root=self.root / folder, prefix=f"{self.prefix}{folder}/")

    def open(self, page, notebook: str) -> None:
        """Open NOTEBOOK (relative to `root`) and wait until its kernel is idle and forms can be shown.

        A page that shows this JupyterLab already is not loaded again: what it has open is closed, unsaved.
        """
        path = self.prefix + notebook
        if page.url.startswith(f"{self.url}/lab/"):
            page.evaluate(_OPEN_INSTEAD, path)
        else:
            page.goto(f"{self.url}/lab/tree/{quote(path)}?token={self.token}&reset")
        self.ready(page, notebook)

    def ready(self, page, notebook: str) -> None:
        """Wait until NOTEBOOK (relative to `root`) is the open one, its kernel is idle and forms can be shown."""
        page.wait_for_function(_SHOWN, arg=self.prefix + notebook, timeout=60_000)
        page.wait_for_function(_IDLE, timeout=60_000)
        page.wait_for_function(_FORMS, timeout=60_000)

    def run_all(self, page, timeout: float = 180) -> list[dict]:
        """Run all cells of the open notebook and return its cells with their outputs."""
        page.set_default_timeout(timeout * 1000)
        page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")
        page.wait_for_function(_DONE, timeout=timeout * 1000)
        page.wait_for_function(_IDLE, timeout=timeout * 1000)
        return self.cells(page)

    def cells(self, page) -> list[dict]:
        """Return the open notebook's cells (the page itself holds only the visible ones)."""
        return page.evaluate(_CELLS)

    def save(self, page) -> None:
        """Save the open notebook."""
        page.evaluate("async () => { await window.jupyterapp.shell.currentWidget.context.save() }")

    def close(self, page) -> None:
        """Shut the open notebook's kernel down and forget unsaved changes."""
        page.evaluate("""async () => {
            const widget = window.jupyterapp.shell.currentWidget
            await widget.sessionContext.shutdown(); await widget.context.revert() }""")


def errors(cells: list[dict]) -> list[str]:
    """Return the error outputs of CELLS as text, but not those a lesson shows on purpose."""
    return [f"{out['ename']}: {out['evalue']}" for cell in cells for out in cell.get("outputs", [])
            if out["output_type"] == "error" and "raises-exception" not in cell["metadata"].get("tags", [])]


def serve(workspace: Path, log: Path) -> contextlib.AbstractContextManager[Lab]:
    """Serve WORKSPACE with the learners' settings, as `kurs start` does."""
    port = choose_port(0)
    command = lab_settings.server_command(workspace, port, "/lab", "--expose-app-in-browser")
    return running(command, lab_settings.server_environment(workspace, TOKEN), workspace, f"http://127.0.0.1:{port}", log)


@contextlib.contextmanager
def running(command: list[str], environment: dict[str, str], root: Path, url: str, log: Path) -> Iterator[Lab]:
    """Start a Jupyter server in the folder ROOT, wait until it answers at URL (with TOKEN), and end it afterwards."""
    began = time.monotonic()
    with open(log, "wb") as output:
        server = subprocess.Popen(command, env=environment, cwd=root, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        while True:
            try:
                opener.open(f"{url}/api/status?token={TOKEN}", timeout=2).read()
                break
            except OSError:
                if server.poll() is not None or time.monotonic() - began > 90:
                    raise AssertionError(log.read_text(errors="replace")[-3000:]) from None
                time.sleep(0.1)
        yield Lab(url, TOKEN, root, time.monotonic() - began, log)
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()


def axe(page, include: str | None = None, tags: tuple[str, ...] = WCAG, rules: tuple[str, ...] = ()) -> list[str]:
    """Return the accessibility rules that PAGE (or the part INCLUDE selects) violates, with one place each; RULES instead of TAGS checks only these."""
    for frame in page.frames:
        with contextlib.suppress(Exception):  # a frame may be sandboxed
            frame.evaluate(AXE)
    found = page.evaluate(
        # JupyterLab's body is 0 high with overflow hidden: axe takes all cells for invisible and checks no colour there
        """async ([include, type, values]) => {
            if (!document.body.offsetHeight) document.body.style.minHeight = '100vh'
            const result = await axe.run(include ? {include: [[include]]} : document,
                {runOnly: {type, values}, resultTypes: ['violations']})
            return result.violations.map(v => [v.id, v.help, v.nodes.length, v.nodes[0].target.flat().join(' > '),
                                               v.nodes[0].html.slice(0, 200)]) }""",
        [include, "rule" if rules else "tag", list(rules or tags)],
    )
    return [f"{rule}: {text} ({count}×, {place}: {json.dumps(source)})" for rule, text, count, place, source in found]
