"""Binder: repo2docker picks our files (rendered without Docker), and the image starts with lesson 1 in German."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import nbformat
import pytest
from nbformat.sign import NotebookNotary
from places import ROOT

from opendata_kurs.cli import binder, main
from opendata_kurs.lab_settings import prepare_image, write_settings


def render(folder, monkeypatch) -> tuple[str, str]:
    """Return the name of the buildpack that repo2docker picks for FOLDER, and its Dockerfile."""
    from repo2docker.app import Repo2Docker

    monkeypatch.chdir(folder)
    app = Repo2Docker()
    for kind in app.buildpacks:
        pack = kind(base_image=app.base_image)
        if pack.detect():
            pack.platform = "linux/amd64"
            return kind.__name__, pack.render(build_args={})
    return "", ""


@pytest.fixture
def clone(tmp_path):
    folder = tmp_path / "kurs"
    folder.mkdir()
    for name in ("environment.yml", "pyproject.toml", "requirements.lock"):
        shutil.copy2(ROOT / name, folder)
    shutil.copytree(ROOT / "binder", folder / "binder")
    return folder


def test_repo2docker_picks_our_files(clone, monkeypatch):
    name, dockerfile = render(clone, monkeypatch)
    assert name == "CondaBuildPack"
    for part in ('--file "binder/environment.yml"', "./binder/postBuild", "/binder/start"):
        assert part in dockerfile
    # the lock lies outside binder/: the repository must be there before the environment is built
    assert dockerfile.index("COPY --chown=1000:1000 src/") < dockerfile.index("binder/environment.yml")


def test_a_missing_file_is_noticed(clone, monkeypatch):
    (clone / "binder" / "postBuild").unlink()
    assert "postBuild" not in render(clone, monkeypatch)[1].split("Copy stuff")[1]
    shutil.rmtree(clone / "binder")
    assert '--file "environment.yml"' in render(clone, monkeypatch)[1]


def test_scripts_can_run():
    for name in ("postBuild", "start"):
        path = ROOT / "binder" / name
        assert os.access(path, os.X_OK) and path.read_bytes().startswith(b"#!/bin/bash\n")
        assert subprocess.run(["bash", "-n", path]).returncode == 0
    assert (ROOT / "binder" / "start").read_text().strip().endswith('exec "$@"')


@pytest.mark.slow
def test_image_starts_with_lesson_1_in_german(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    workspace = prepare_image(tmp_path / "w", tmp_path / "etc", tmp_path / "jupyter")
    server = json.loads((tmp_path / "etc/jupyter_server_config.json").read_text())["ServerApp"]
    assert server["root_dir"] == str(workspace)
    lesson = workspace / server["default_url"].removeprefix("/lab/tree/")
    assert lesson.name.startswith("lektion_01") and lesson.exists()
    (extensions,) = json.loads((tmp_path / "etc/jupyter_server_config.json").read_text())["LabApp"]["extra_labextensions_path"]
    assert (Path(extensions) / "opendata-kurs" / "static" / "remoteEntry.js").is_file()
    notary = NotebookNotary(data_dir=str(tmp_path / "jupyter"))
    assert notary.check_signature(nbformat.read(lesson, as_version=4))
    overrides = json.loads((tmp_path / "etc/labconfig/default_setting_overrides.json").read_text())
    assert overrides["@jupyterlab/translation-extension:plugin"]["locale"] == "de_DE"
    assert server["jpserver_extensions"]["jupyterlab"] and "notebook" not in server["jpserver_extensions"]


def test_settings_are_written_once(tmp_path):
    write_settings(tmp_path)
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.json")}
    write_settings(tmp_path)
    assert before == {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.json")} and len(before) == 3


@pytest.mark.parametrize(("address", "source"), [
    ("https://github.com/stadt/open-data-kurs.git", "gh/stadt/open-data-kurs"),
    ("git@github.com:stadt/open-data-kurs.git", "gh/stadt/open-data-kurs"),
    ("https://gitlab.com/amt/gruppe/kurs", "gl/amt%2Fgruppe%2Fkurs"),
    ("ssh://git@git.stadt.example:2222/amt/kurs.git", "git/https%3A%2F%2Fgit.stadt.example%2Famt%2Fkurs"),
    ("https://konto:geheim@git.stadt.example/amt/kurs.git", "git/https%3A%2F%2Fgit.stadt.example%2Famt%2Fkurs"),
])
def test_link_for_the_repository(address, source):
    link = binder.binder_link(address, "main", "https://binder.example/")
    assert link == f"https://binder.example/v2/{source}/main?urlpath=lab/tree/01_was_ist_open_data/lektion_01_begriff.ipynb"


def test_links_open_files_of_the_workspace():
    for path in (binder.FIRST_LESSON, binder.INTRODUCTION_DAY):
        assert (ROOT / "course" / path.split("/tree/")[1]).is_file()


@pytest.mark.parametrize("address", ["", "/srv/kurs", "../kurs", "C:\\kurs"])
def test_a_clone_without_public_address_is_told_what_to_do(address, capsys):
    assert main(["binder", "--adresse", address]) == 1
    assert "Nennen Sie sie selbst: kurs binder --adresse" in capsys.readouterr().err


def test_binder_command_names_both_links(capsys):
    assert main(["binder", "--adresse", "https://github.com/stadt/kurs", "--zweig", "binder"]) == 0
    said = capsys.readouterr().out
    assert "/v2/gh/stadt/kurs/binder?urlpath=lab/tree/01_was_ist_open_data/lektion_01_begriff.ipynb" in said
    assert "/v2/gh/stadt/kurs/binder?urlpath=doc/tree/01_was_ist_open_data/einfuehrungstag.ipynb" in said
    assert "fremder Dienst" in said
