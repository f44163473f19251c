"""JupyterLab as learners see it: German, no update checks, no news, no trainer's tools.

The settings go into a configuration folder of the course's own. A person's other Jupyter settings are neither
used nor changed.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from ..paths import default_workspace
from ..workspace import build_workspace, first_lesson, jupyter_dir, trust

_HERE = Path(__file__).parent
EXTENSIONS = _HERE / "erweiterung"  # the course's own plugin for JupyterLab
# file here -> file in a Jupyter configuration folder
_FILES = {
    "overrides.json": "labconfig/default_setting_overrides.json",
    "page_config.json": "labconfig/page_config.json",
    "jupyter_server_config.json": "jupyter_server_config.json",
}


def settings(name: str) -> dict:
    """Return one of the files overrides.json, page_config.json, jupyter_server_config.json."""
    return json.loads((_HERE / name).read_text(encoding="utf-8"))


def write_settings(config_dir: Path) -> None:
    """Write the learners' settings into the Jupyter configuration folder CONFIG_DIR."""
    for source, name in _FILES.items():
        path, text = config_dir / name, (_HERE / source).read_text(encoding="utf-8")
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")


def server_environment(workspace: Path, token: str) -> dict[str, str]:
    """Return the environment variables for a learner's JupyterLab (and write its settings)."""
    home = jupyter_dir(workspace)
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    config = home / "config"
    write_settings(config)
    variables = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "IPYTHON"))}
    return variables | {
        "JUPYTER_CONFIG_DIR": str(config),
        "JUPYTER_CONFIG_PATH": str(config),  # wins over the settings in the environment
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "lab-settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "lab-workspaces"),
        "JUPYTER_PREFER_ENV_PATH": "1",
        "JUPYTER_TOKEN": token,  # not on the command line, where others on the machine could read it
        "IPYTHONDIR": str(home / "ipython"),
        "PYTHONNOUSERSITE": "1",
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
    }


def server_command(workspace: Path, port: int, default_url: str = "/lab", *extra: str) -> list[str]:
    """Return the command that serves WORKSPACE on PORT of this machine only."""
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0", f"--ServerApp.root_dir={workspace}", f"--LabApp.default_url={default_url}",
        f"--LabApp.extra_labextensions_path={EXTENSIONS}", *extra,
    ]  # fmt: skip
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    return command


def prepare_image(workspace: Path | None = None, config_dir: Path | None = None, jupyter_data: Path | None = None) -> Path:
    """Prepare a container image (Binder, Hub): workspace, German settings, lesson 1 as the first page.

    The settings go into the environment (`<prefix>/etc/jupyter`) unless CONFIG_DIR is given; the workspace becomes
    the server's root folder, so that links read `lab/tree/<chapter>/<lesson>`. Returns the workspace.
    """
    from jupyter_core.paths import jupyter_data_dir

    workspace = workspace or default_workspace()
    config_dir = config_dir or Path(sys.prefix) / "etc" / "jupyter"
    build_workspace(workspace)
    write_settings(config_dir)
    path = config_dir / _FILES["jupyter_server_config.json"]
    config = json.loads(path.read_text(encoding="utf-8"))
    lesson = first_lesson(workspace)
    url = f"/lab/tree/{lesson}" if lesson else "/lab"
    config["ServerApp"] |= {"root_dir": str(workspace), "default_url": url}
    config["LabApp"] |= {"default_url": url, "extra_labextensions_path": [str(EXTENSIONS)]}
    for name in ("notebook", "notebook_shim"):  # hubs may start the server by this name
        config["ServerApp"]["jpserver_extensions"].pop(name)
    path.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    trust(sorted(workspace.glob("*/*.ipynb")), jupyter_data or Path(jupyter_data_dir()))
    return workspace
