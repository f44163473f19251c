"""The course's side of the portal: everything that needs no running portal."""

from __future__ import annotations

import json
import re

import pytest

from opendata_kurs import portal, portal_env
from opendata_kurs.cli import main
from opendata_kurs.portal import PortalUnavailable, Secret


def test_lock_has_hashes_and_no_addresses():
    lock = (portal_env.source_dir() / "requirements.lock").read_text(encoding="utf-8")
    pins = re.findall(r"^[\w.\[\]-]+==\S+", lock, flags=re.MULTILINE)
    assert len(pins) > 60 and lock.count("--hash=sha256:") > len(pins)
    assert "://" not in lock and "index" not in lock
    assert "ckan==2.12.0" in pins


def test_portal_has_its_own_licence():
    source = portal_env.source_dir()
    assert "GNU AFFERO GENERAL PUBLIC LICENSE" in (source / "LICENSE").read_text(encoding="utf-8")
    assert 'license = "AGPL-3.0-or-later"' in (source / "pyproject.toml").read_text(encoding="utf-8")


def test_environment_variables_win(monkeypatch, tmp_path):
    monkeypatch.setenv("CKAN_URL", "https://ckan.stadt.example/")
    monkeypatch.setenv("CKAN_TOKEN", "geheim-123")
    url, token = portal.connection(folder=tmp_path)
    assert url == "https://ckan.stadt.example" and token == "geheim-123"
    assert "geheim" not in repr(portal.connection(folder=tmp_path))


@pytest.mark.parametrize("given", ["CKAN_URL", "CKAN_TOKEN"])
def test_half_an_access_is_named(monkeypatch, tmp_path, given):
    monkeypatch.setenv(given, "https://x.example")
    with pytest.raises(PortalUnavailable, match=f"{given} ist gesetzt") as error:
        portal.connection(folder=tmp_path)
    assert "https://x.example" not in str(error.value)


def test_secret_is_usable_but_hidden():
    token = Secret("abc")
    assert token == "abc" and json.dumps([token]) == '["abc"]' and token.encode() == b"abc"
    assert "abc" not in repr([token]) and "abc" not in repr({"token": token})


def test_without_portal(tmp_path, capsys):
    folder = tmp_path / "nie"
    assert portal.status(folder=folder).state == "leer"
    with pytest.raises(PortalUnavailable, match="statischen Katalog"):
        portal.connection(folder=folder)
    assert portal.stop(folder=folder) is False
    assert not folder.exists()
    assert main(["portal", "status", "--ordner", str(folder)]) == 3
    assert main(["portal", "status", "--ordner", str(folder), "--kennwort"]) == 1
    assert "kurs portal start" in capsys.readouterr().out


def test_windows_is_told_the_other_way(monkeypatch, tmp_path):
    monkeypatch.setattr("sys.platform", "win32")
    with pytest.raises(PortalUnavailable, match=r"Unter Windows .* statischen Katalog"):
        portal.start(folder=tmp_path / "x")
    assert portal.status(folder=tmp_path / "x").state == "nicht_moeglich"
    assert portal.stop(folder=tmp_path / "x") is False


@pytest.mark.slow
def test_no_network_at_first_start(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("KURS_PORTAL_ENV", str(tmp_path / "env"))
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "leer"))
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    for name in ("NO_PROXY", "no_proxy", "PIP_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)
    assert main(["portal", "start", "--ordner", str(tmp_path / "zustand")]) == 1
    message = capsys.readouterr().err
    assert "braucht das Portal das Internet" in message and "statischen Katalog" in message
    assert not (tmp_path / "zustand").exists() and not (tmp_path / "env").exists()


def test_programs_deleted(monkeypatch, tmp_path):
    monkeypatch.setenv("KURS_PORTAL_ENV", str(tmp_path / "weg"))
    (tmp_path / "portal.json").write_text("{}")
    found = portal.status(folder=tmp_path)
    assert found.state == "gestoppt" and "Programme für das Portal fehlen" in found.text


def test_foreign_environment_is_left_alone(monkeypatch, tmp_path):
    monkeypatch.setenv("KURS_PORTAL_ENV", str(tmp_path))
    (tmp_path / "wichtig.txt").write_text("bleibt")
    with pytest.raises(PortalUnavailable, match="enthält schon etwas anderes"):
        portal_env.ensure(print)
    assert (tmp_path / "wichtig.txt").read_text() == "bleibt"


@pytest.mark.slow
@pytest.mark.portal
def test_foreign_folder_is_left_alone(portal_environment, tmp_path):
    (tmp_path / "wichtig.txt").write_text("bleibt")
    with pytest.raises(PortalUnavailable, match="enthält schon etwas anderes"):
        portal.start(lambda text: None, folder=tmp_path)
    assert portal.reset(lambda text: None, folder=tmp_path) is False
    assert (tmp_path / "wichtig.txt").read_text() == "bleibt"


@pytest.mark.portal
def test_folder_that_cannot_be_made(portal_environment, tmp_path):
    (tmp_path / "datei").write_text("")
    with pytest.raises(PortalUnavailable, match="nicht benutzbar"):
        portal.start(lambda text: None, folder=tmp_path / "datei" / "portal")


def test_windows_hears_once_how_to_go_on(monkeypatch, tmp_path):
    monkeypatch.setattr(portal.sys, "platform", "win32")
    with pytest.raises(portal.PortalUnavailable) as caught:
        portal.connection(folder=tmp_path)
    assert str(caught.value).count("Sie können ohne Portal weiterarbeiten") == 1
