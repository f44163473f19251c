"""Every course notebook runs once, with every connection but loopback refused.

Lessons are compared with their kept outputs (strict nbval); exercises just have to run with their solutions.
Two fences cut the network: an audit hook in each Python process, and where Linux allows it a network namespace
without any interface but loopback, which also holds back C libraries.
"""

import os
import shutil
import subprocess
import sys
from xml.etree import ElementTree

import pytest
from nbformat import read, write
from nbformat.v4 import new_code_cell, new_notebook, new_output
from places import ROOT, notebook_id, notebooks

pytestmark = pytest.mark.notebooks


def _namespace() -> list[str]:
    """Return the command that puts a process into an empty network, or nothing where that is not possible."""
    command = ["unshare", "--user", "--map-root-user", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "netcut"]
    if shutil.which("unshare") and shutil.which("ip") and subprocess.run([*command, "true"], capture_output=True).returncode == 0:
        return command
    return []


NAMESPACE = _namespace()


def run_cut(tmp_path, *args, namespace=True) -> tuple[subprocess.CompletedProcess, list[str]]:
    """Run pytest with the network cut; return the result and the addresses that were asked for."""
    log = tmp_path / "asked.txt"
    env = {**os.environ, "PYTHONPATH": str(ROOT / "tests" / "netcut"), "NETCUT_LOG": str(log), "IPYTHONDIR": str(tmp_path / "ipython"),
           "PYTEST_ADDOPTS": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "MPLCONFIGDIR": os.environ.get("MPLCONFIGDIR", str(tmp_path / "mpl"))}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "nbval.plugin", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", str(tmp_path), *args]
    result = subprocess.run([*(NAMESPACE if namespace else []), *command], env=env, cwd=ROOT, capture_output=True, text=True, timeout=420)
    return result, log.read_text().splitlines() if log.exists() else []


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Return a function that runs a chapter's lessons or exercises together, once, and tells each notebook's faults.

    Together, because pytest and its plugins take longer to start than most notebooks to run.
    """
    found: dict = {}

    def of(path):
        pattern = "lektion_*.ipynb" if path.name.startswith("lektion_") else "[!l]*.ipynb"
        if (path.parent, pattern) not in found:
            folder = tmp_path_factory.mktemp("netz")
            # in a copy: exercises save files beside themselves
            chapter = shutil.copytree(path.parent, folder / "course" / path.parent.name)
            mode = "--nbval" if path.name.startswith("lektion_") else "--nbval-lax"
            report = folder / "report.xml"
            result, asked = run_cut(folder, mode, "--nbval-kernel-name=python3", f"--junitxml={report}", *map(str, sorted(chapter.glob(pattern))))
            found[path.parent, pattern] = Results(report, result.stdout, asked)
        return found[path.parent, pattern]

    return of


class Results:
    """What one run found: per notebook the number of cells and the failures, and the addresses asked for."""

    def __init__(self, report, output: str, asked: list[str]):
        self.output, self.asked = output, asked
        self.cells: dict[str, int] = {}
        self.failures: dict[str, list[str]] = {}
        for case in ElementTree.parse(report).iter("testcase"):
            name = case.get("classname").removesuffix(".ipynb").rpartition(".")[2]
            self.cells[name] = self.cells.get(name, 0) + 1
            self.failures.setdefault(name, []).extend(f"{case.get('name')}: {fault.text or fault.get('message')}" for kind in ("failure", "error")
                                                      for fault in case.findall(kind))


@pytest.mark.parametrize("path", notebooks("*.ipynb"), ids=notebook_id)
def test_notebook_runs_without_network(path, results):
    found = results(path)
    assert found.cells.get(path.stem, 0) == sum(1 for cell in read(path, 4).cells if cell.cell_type == "code"), found.output[-3000:]
    assert found.failures[path.stem] == []
    assert found.asked == [], "a notebook of this run asked for addresses outside this machine"


def _notebook(tmp_path, source, expected):
    nb = new_notebook(cells=[new_code_cell(source, id="planted", execution_count=1, outputs=[new_output("stream", text=expected)])])
    nb.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    write(nb, tmp_path / "planted.ipynb")
    return str(tmp_path / "planted.ipynb")


def test_strict_comparison_finds_a_changed_output_in_the_right_notebook(tmp_path):
    """Positive control, also for notebooks that run together."""
    report = tmp_path / "report.xml"
    good, bad = (shutil.move(_notebook(tmp_path, "print(1 + 1)", shown), tmp_path / f"{name}.ipynb") for name, shown in (("gut", "2\n"), ("anders", "3\n")))
    result, asked = run_cut(tmp_path, "--nbval", f"--junitxml={report}", str(good), str(bad))
    found = Results(report, result.stdout, asked)
    assert result.returncode == 1 and asked == []
    assert found.cells == {"gut": 1, "anders": 1} and found.failures["gut"] == [] and len(found.failures["anders"]) == 1


CONNECT = "import socket\nsocket.create_connection(('192.0.2.1', 80), timeout=2)"


def test_the_hook_refuses_and_records(tmp_path):
    result, asked = run_cut(tmp_path, "--nbval-lax", _notebook(tmp_path, CONNECT, ""), namespace=False)
    assert result.returncode == 1 and any("192.0.2.1" in line for line in asked)


@pytest.mark.skipif(not NAMESPACE, reason="no network namespaces here: only the audit hook cuts the network")
def test_the_namespace_has_no_way_out():
    probe = "import socket; s = socket.socket(); s.settimeout(3); print(s.connect_ex(('192.0.2.1', 80)))"
    result = subprocess.run([*NAMESPACE, sys.executable, "-S", "-c", probe], capture_output=True, text=True)
    assert result.stdout.strip() == "101", "network is unreachable"
