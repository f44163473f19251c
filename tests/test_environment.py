"""One set of versions for launcher, conda and Binder; no addresses; nothing misses what the launcher removes."""

import re
import subprocess
import sys
import tomllib

import pytest
import yaml
from places import ROOT

LOCKS = ("requirements.lock", "requirements-test.lock")
ADDRESS = re.compile(r"https?:|git\+|\bfile:|--(extra-)?index-url|--find-links|--trusted-host|(^|\s)-[if]\s", re.MULTILINE)


def pins(text: str) -> dict[str, list[str]]:
    """Return name → [version, hashes…] of a lock; markers may give a name several versions."""
    found: dict[str, list[str]] = {}
    for block in re.split(r"\n(?=\S)", text.replace("\\\n", " ")):
        block = re.sub(r"#.*", "", block).strip()
        if block:
            name, version = re.match(r"([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^\s;]+)", block).groups()
            key = re.sub(r"[-_.]+", "-", name).lower()
            found.setdefault(key, []).append(version)
            found[key] += re.findall(r"--hash=(sha256:[0-9a-f]{64})", block)
    return found


def names(requirements: list[str]) -> set[str]:
    return {re.sub(r"[-_.]+", "-", re.match(r"[A-Za-z0-9._-]+", r)[0]).lower() for r in requirements}


@pytest.fixture(scope="module")
def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_has_hashes_and_no_address(lock):
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert not ADDRESS.search(text)
    found = pins(text)
    assert len(found) > 50
    assert [name for name, values in found.items() if not any(v.startswith("sha256:") for v in values)] == []


@pytest.mark.parametrize("planted", ["--index-url https://spiegel.example/simple", "-i spiegel", "--find-links /rad",
                                     "    # via https://example.org", "paket @ file:///tmp/paket.whl"])
def test_a_planted_address_is_found(planted):
    assert ADDRESS.search((ROOT / LOCKS[0]).read_text(encoding="utf-8") + planted + "\n")


def test_a_pin_without_hash_is_found():
    assert pins("eins==1.0 \\\n    --hash=sha256:" + "0" * 64 + "\nzwei==2\n") == {
        "eins": ["1.0", "sha256:" + "0" * 64], "zwei": ["2"]}


def test_locks_cover_the_project(project):
    lock, test_lock = (pins((ROOT / name).read_text(encoding="utf-8")) for name in LOCKS)
    assert names(project["dependencies"]) - lock.keys() == set()
    assert names(project["optional-dependencies"]["test"]) - test_lock.keys() == set()
    assert {n: v for n, v in lock.items() if test_lock.get(n, [None])[0] != v[0]} == {}, "same versions in both"
    build = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]["requires"]
    assert names(build) - lock.keys() == set(), "the package is built without network"


def test_locked_versions_satisfy_the_project(project):
    from packaging.requirements import Requirement

    lock = pins((ROOT / LOCKS[1]).read_text(encoding="utf-8"))
    wanted = [Requirement(r) for r in project["dependencies"] + project["optional-dependencies"]["test"]]
    wrong = [str(r) for r in wanted
             if not r.specifier.contains(lock[re.sub(r"[-_.]+", "-", r.name).lower()][0], prereleases=True)]
    assert wrong == []


def test_no_lock_file_with_addresses_is_committed():
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if files.returncode:
        pytest.skip("not a git clone")
    unwanted = ("uv.lock", "poetry.lock", "pdm.lock", "package-lock.json", "yarn.lock", "pixi.lock", "conda-lock.yml")
    assert [f for f in files.stdout.split() if f.rsplit("/", 1)[-1] in unwanted] == []


def test_both_environment_files_say_the_same():
    root, binder = (yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))
                    for name in ("environment.yml", "binder/environment.yml"))
    # conda and mamba read `-r` paths from the folder of the file itself
    for env, folder in ((root, ROOT), (binder, ROOT / "binder")):
        pip = env["dependencies"][-1]["pip"]
        assert len(pip) == 1 and (folder / pip[0].removeprefix("-r ")).resolve() == ROOT / "requirements.lock"
        env["dependencies"][-1]["pip"] = ["-r requirements.lock"]
    assert root == binder


def test_python_of_conda_fits(project):
    from packaging.specifiers import SpecifierSet

    env = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    python = next(d for d in env["dependencies"] if isinstance(d, str) and d.startswith("python="))
    assert SpecifierSet(project["requires-python"]).contains(python.split("=")[1] + ".0")


def test_nothing_misses_rfc3987_syntax():
    """The launcher removes this package; jsonschema must go on without it (and faster)."""
    probe = """
import sys
sys.modules["rfc3987_syntax"] = None
import jsonschema, nbformat, jupyter_events.validators, jupyterlab.labapp, nbgrader
nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")])
nbformat.validate(nb)
checker = jsonschema.Draft7Validator.FORMAT_CHECKER
assert not checker.conforms("gestern", "date"), "other formats are still checked"
assert "lark" not in sys.modules
"""
    result = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_lab_settings_are_known_to_the_installed_jupyterlab():
    """A misspelled plug-in or setting would silently do nothing."""
    import json
    from pathlib import Path

    from opendata_kurs.lab_settings import settings

    lab = Path(sys.prefix) / "share" / "jupyter"
    for plugin, values in settings("overrides.json").items():
        package, name = plugin.split(":")
        schema = json.loads((lab / "lab" / "schemas" / package / f"{name}.json").read_text(encoding="utf-8"))
        for key, value in values.items():
            kinds = {"string": str, "boolean": bool, "number": (int, float)}
            assert isinstance(value, kinds[schema["properties"][key]["type"]]), (plugin, key)
    scripts = "".join(p.read_text(encoding="utf-8", errors="replace")
                      for p in (lab / "labextensions/@jupyter/nbgrader/static").glob("*.js"))
    known = set(re.findall(r"@jupyter/nbgrader:[a-z-]+", scripts))
    disabled = settings("page_config.json")["disabledExtensions"]
    assert known and {p for p in disabled if p.startswith("@jupyter/nbgrader")} == known
