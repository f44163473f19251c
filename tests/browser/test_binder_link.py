"""The Binder link: the image's server, started by binder/start under a hub's address, opens lesson 1 in German.

What Binder itself does (build the image, start the container) is not here; tests/test_binder.py renders the image.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from places import ROOT

from opendata_kurs.cli import binder
from opendata_kurs.cli.start import choose_port

from .lab import TOKEN, errors, running

BASE = "/user/stadt-open-data-kurs-x1y2z3/"  # a hub gives each session an address of its own


@pytest.fixture
def image(tmp_path) -> dict[str, str]:
    """The environment of a Binder container after postBuild: an own home, the course's settings, the workspace.

    Binder keeps the settings in its Python environment. The one of this test run is not ours to write to, so they lie beside.
    """
    home, settings = tmp_path / "home", tmp_path / "etc"
    home.mkdir()
    variables = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "IPYTHON", "XDG"))}
    variables |= {"HOME": str(home), "JUPYTER_CONFIG_PATH": str(settings), "JUPYTER_TOKEN": TOKEN,
                  "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}
    prepare = "from opendata_kurs.lab_settings import prepare_image; prepare_image()"
    assert f'python -c "{prepare}"' in (ROOT / "binder" / "postBuild").read_text(), "what runs here is what Binder runs"
    own = prepare.replace("prepare_image()", f"from pathlib import Path; prepare_image(config_dir=Path({str(settings)!r}))")
    subprocess.run([sys.executable, "-c", own], env=variables, check=True)
    return variables


@pytest.mark.slow
def test_binder_link_opens_lesson_1_in_german(image, page, only_local, tmp_path):
    (path,) = parse_qs(urlsplit(binder.binder_link("https://github.com/stadt/open-data-kurs", "main", "https://binder.example")).query)["urlpath"]
    port = choose_port(0)
    server = ["python", "-m", "jupyterlab", "--no-browser", "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}", f"--ServerApp.base_url={BASE}",
              "--expose-app-in-browser", *(["--allow-root"] if os.geteuid() == 0 else [])]
    command = ["bash", str(ROOT / "binder" / "start"), *server]
    workspace = Path(image["HOME"]) / "Open-Data-Kurs"
    with running(command, image, workspace, f"http://127.0.0.1:{port}{BASE.rstrip('/')}", tmp_path / "lab.txt") as lab:
        page.goto(f"{lab.url}/{path}?token={TOKEN}")
        lab.ready(page, "01_was_ist_open_data/lektion_01_begriff.ipynb")
        page.get_by_role("menuitem", name="Datei").wait_for()
        page.get_by_role("heading", name="Lektion 1: Was Open Data ist – und was nicht").wait_for()
        assert "Zelle 1 von" in page.locator("#jp-main-statusbar").inner_text(), "the course's own German words came too"
        cells = lab.run_all(page)
        assert errors(cells) == [] and all(c["execution_count"] for c in cells if c["cell_type"] == "code" and "".join(c["source"]).strip())
        assert (workspace / "01_was_ist_open_data" / "uebung_01_begriff.ipynb").is_file()
