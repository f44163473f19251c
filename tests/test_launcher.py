"""The launcher `./kurs`: German sentences instead of tracebacks, no half environment, pip's settings honoured."""

import importlib.machinery
import importlib.util
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from places import ROOT

LAUNCHER = ROOT / "kurs"
ENGLISH = ("Traceback", "Error:", "error:")


def load(folder: Path = ROOT):
    """Import the launcher that lies in FOLDER as a module."""
    loader = importlib.machinery.SourceFileLoader("kurs_starter", str(folder / "kurs"))
    spec = importlib.util.spec_from_loader("kurs_starter", loader)
    module = importlib.util.module_from_spec(spec)
    writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = writes
    return module


@pytest.fixture
def clone(tmp_path):
    """A folder with blank and umlaut that holds what the launcher reads."""
    folder = tmp_path / "Mein Kürs"
    folder.mkdir()
    for name in ("kurs", "pyproject.toml", "requirements.lock", "requirements-test.lock"):
        shutil.copy2(ROOT / name, folder)
    return folder


@pytest.fixture
def launcher(clone, tmp_path, monkeypatch):
    """The launcher in a folder of its own, with the user's folders in tmp_path."""
    monkeypatch.delenv("KURS_ENV", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    module = load(clone)
    monkeypatch.setattr(module.signal, "signal", lambda *_: None)  # these tests share pytest's process
    return module


@pytest.fixture
def fake_uv(tmp_path, monkeypatch):
    """A `uv` that writes down how it was called, makes an empty environment, and fails where FAKE_UV_FAIL says."""
    folder = tmp_path / "bin"
    folder.mkdir()
    script, program = folder / "uv", folder / "uv.py"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{program}" "$@"\n')  # a blank in the path would end a line "#!"
    program.write_text(f"""
import os, sys
arguments = sys.argv[1:]
if arguments == ["--version"]:
    print("uv 0.9.0"); sys.exit()
with open({str(tmp_path / "calls")!r}, "a") as calls:
    print(*arguments, sep="|", file=calls)
if arguments[0] == "venv":
    os.makedirs(os.path.join(arguments[-1], "bin"))
    os.symlink({sys.executable!r}, os.path.join(arguments[-1], "bin", "python"))
word = os.environ.get("FAKE_UV_FAIL")
if word and word in "|".join(arguments):
    if os.environ["FAKE_UV_SAYS"] == "nothing, for a long time":
        import time; open({str(tmp_path / "pid")!r}, "w").write(str(os.getpid())); time.sleep(60)
    print(os.environ["FAKE_UV_SAYS"]); sys.exit(2)
""")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    calls = tmp_path / "calls"
    return lambda: calls.read_text().splitlines() if calls.exists() else []


def test_ruff_has_nothing_to_say():
    result = subprocess.run([sys.executable, "-m", "ruff", "check", "--no-cache", "."], cwd=ROOT,
                            capture_output=True, text=True)
    assert result.returncode == 0, result.stdout


# -- An old Python gets a sentence ---------------------------------------------------------------------------------


def test_syntax_is_readable_for_python_3_6():
    import ast

    ast.parse(LAUNCHER.read_text(encoding="utf-8"), feature_version=(3, 6))
    with pytest.raises(SyntaxError):  # positive control
        ast.parse("if (n := 1): pass", feature_version=(3, 6))


def test_old_python_is_told_what_to_do(launcher, monkeypatch, capsys):
    monkeypatch.setattr(sys, "version_info", (3, 8, 18, "final", 0))
    monkeypatch.setattr(launcher, "newer_python", lambda: None)
    assert launcher.main(["start"]) == 1
    assert "braucht Python 3.11 oder neuer" in capsys.readouterr().err


def _old_pythons():
    folder = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    try:
        return sorted(p for p in folder.glob("3.[6-9].*/bin/python") if p.exists())
    except OSError:
        return []


@pytest.mark.parametrize("python", _old_pythons(), ids=lambda p: p.parts[-3])
def test_real_old_python(python):
    result = subprocess.run([python, "-B", LAUNCHER, "start"], capture_output=True, text=True, encoding="utf-8",
                            env={**os.environ, "KURS_NEUES_PYTHON": "1", "PYTHONIOENCODING": "utf-8"})
    assert result.returncode == 1 and "zu alt" in result.stderr and "Traceback" not in result.stderr


# -- Building: complete or not at all ----------------------------------------------------------------------------------


def test_second_start_builds_nothing(launcher, fake_uv, capsys):
    env = launcher.environment()
    built = len(fake_uv())
    assert built == 4, fake_uv()
    assert "--require-hashes" in fake_uv()[1] and "--compile-bytecode" in fake_uv()[1]
    assert "rfc3987-syntax" in fake_uv()[2]
    assert "--no-deps|--no-build-isolation" in fake_uv()[3] and "--editable" in fake_uv()[3]
    assert launcher.environment() == env and len(fake_uv()) == built


def test_half_an_environment_does_not_count(launcher, fake_uv, monkeypatch, capsys):
    monkeypatch.setenv("FAKE_UV_FAIL", "--require-hashes")
    monkeypatch.setenv("FAKE_UV_SAYS", "something new")
    with pytest.raises(launcher.Problem, match="Einzelheiten stehen in"):
        launcher.environment()
    env, stages = launcher.env_dir(), launcher.wanted(False)
    assert Path(launcher.env_python(env)).exists(), "half of it lies there"
    assert not launcher.ready(env, stages)
    monkeypatch.delenv("FAKE_UV_FAIL")
    launcher.environment()
    assert launcher.ready(env, stages)


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_ending_the_launcher_ends_the_building(launcher, clone, fake_uv, tmp_path):
    env = {**os.environ, "FAKE_UV_FAIL": "--require-hashes", "FAKE_UV_SAYS": "nothing, for a long time"}
    process = subprocess.Popen([sys.executable, clone / "kurs", "start"], env=env, stderr=subprocess.PIPE, text=True,
                               stdout=subprocess.DEVNULL)
    for _ in range(200):
        time.sleep(0.1)
        if (tmp_path / "pid").exists() and (tmp_path / "pid").read_text():
            break
    process.terminate()
    assert "Abgebrochen" in process.communicate(timeout=20)[1] and process.returncode == 130
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
    assert not launcher.ready(launcher.env_dir(), launcher.wanted(False))


@pytest.mark.parametrize("changed, calls", [("requirements.lock", 4), ("pyproject.toml", 1)])
def test_a_change_builds_what_depends_on_it(launcher, clone, fake_uv, capsys, changed, calls):
    launcher.environment()
    before = len(fake_uv())
    with open(clone / changed, "a") as file:
        file.write("\n# changed\n")
    launcher.environment()
    assert len(fake_uv()) - before == calls


def test_test_tools_come_when_asked(launcher, fake_uv, capsys):
    launcher.environment()
    assert not any("requirements-test.lock" in call for call in fake_uv())
    launcher.environment(with_tests=True)
    assert any("requirements-test.lock" in call for call in fake_uv())
    assert fake_uv()[-1].endswith("rfc3987-syntax"), "it came back with the test tools"
    launcher.environment(with_tests=False)


def test_the_whole_environment_is_removed_with_the_marker_first(launcher, fake_uv, clone, capsys):
    env = launcher.environment()
    (clone / "requirements.lock").write_text("")
    stray = Path(env) / "stray"
    stray.write_text("")
    launcher.environment()
    assert not stray.exists()


# -- Sentences ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said, expected", [
    ("error: failed to write: No space left on device (os error 28)", "Festplatte ist voll"),
    ("Permission denied (os error 13)", "nicht schreiben"),
    ("error: Failed to fetch: `https://example.org/simple/`: dns error", "Keine Verbindung"),
    ("invalid peer certificate: UnknownIssuer", "Zertifikat"),
    ("Hash mismatch for `anywidget==0.11.0`", "verändert"),
    ("something new", "nicht kennt"),
])
def test_reasons(launcher, fake_uv, monkeypatch, capsys, said, expected):
    monkeypatch.setenv("FAKE_UV_FAIL", "--require-hashes")
    monkeypatch.setenv("FAKE_UV_SAYS", said)
    assert launcher.main(["start"]) == 1
    shown = capsys.readouterr()
    assert expected in shown.err and not any(word in shown.err + shown.out for word in ENGLISH)
    log = Path(shown.err.split("Einzelheiten stehen in: ")[1].strip())
    assert said in log.read_text(encoding="utf-8")


def test_full_disk_is_noticed_before(launcher, fake_uv, monkeypatch, capsys):
    monkeypatch.setattr(launcher.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 9, 1))
    assert launcher.main(["start"]) == 1
    assert "2 GB" in capsys.readouterr().err and fake_uv() == []


def test_read_only_clone_builds_in_the_cache(launcher, fake_uv, clone, monkeypatch, tmp_path, capsys):
    real = launcher.writable
    monkeypatch.setattr(launcher, "writable", lambda folder: str(clone) not in folder and real(folder))
    assert launcher.environment().startswith(str(tmp_path / "cache" / "open-data-kurs"))
    monkeypatch.setattr(launcher, "writable", lambda folder: False)
    assert launcher.main(["start"]) == 1
    assert "schreibgeschützt" in capsys.readouterr().err


def test_without_uv_venv_and_pip(launcher, monkeypatch, capsys):
    monkeypatch.setattr(launcher.shutil, "which", lambda name: None)
    monkeypatch.setattr(launcher.Runner, "__call__",
                        lambda *a: (_ for _ in ()).throw(launcher.Problem("No module named pip")))
    assert launcher.main(["start"]) == 1
    assert "sudo apt install python3-venv" in capsys.readouterr().err


def test_uv_comes_by_venv_or_else_by_target(launcher, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(launcher.shutil, "which", lambda name: None)
    calls = []

    def run(command):
        calls.append(command)
        if "venv" in command:
            raise launcher.Problem("ensurepip is not available")

    monkeypatch.setattr(launcher, "works", lambda command: "uv/bin" in command[0] and len(calls) == 2)
    assert launcher.find_uv(run)[0].endswith("werkzeug/uv/bin/uv")
    assert "--target" in calls[1]


def test_first_help_needs_no_environment(launcher, fake_uv, capsys):
    assert launcher.main([]) == 0
    assert "start" in capsys.readouterr().out and fake_uv() == []


def test_windows_starter_says_the_same():
    raw = (ROOT / "kurs.cmd").read_bytes()
    assert b"\r\n" in raw and b"\n" not in raw.replace(b"\r\n", b"")
    text = raw.decode("utf-8")
    assert text.index("py -3") < text.index("\npython ") and "Python 3.11 oder neuer" in text
    assert os.access(LAUNCHER, os.X_OK) and b"\r" not in LAUNCHER.read_bytes()


# -- pip's settings ------------------------------------------------------------------------------------------------------


def test_pip_settings_become_uv_variables(launcher, monkeypatch, tmp_path):
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_", "SSL_"))]:
        monkeypatch.delenv(name)
    file = tmp_path / "pip.conf"
    file.write_text("[global]\nindex-url = https://spiegel.example/simple\nextra-index-url =\n  https://a.example\n"
                    "  https://b.example\ncert = /etc/amt.pem\nproxy = http://proxy.example:8080\n"
                    "[install]\ntrusted-host = spiegel.example\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(file))
    monkeypatch.setenv("PIP_CERT", "/etc/neu.pem")
    found = launcher.uv_variables({}, launcher.pip_settings())
    assert found["UV_DEFAULT_INDEX"] == "https://spiegel.example/simple"
    assert found["UV_INDEX"] == "https://a.example https://b.example"
    assert found["SSL_CERT_FILE"] == "/etc/neu.pem", "the variable wins over the file"
    assert found["HTTPS_PROXY"] == "http://proxy.example:8080"
    assert found["UV_INSECURE_HOST"] == "spiegel.example"
    assert found["UV_PYTHON_DOWNLOADS"] == "never"


def test_settings_for_uv_stay(launcher):
    mine = {"UV_DEFAULT_INDEX": "https://mine.example", "https_proxy": "http://mine", "PYTHONPATH": "/opt/gis"}
    found = launcher.uv_variables(mine, {"index-url": "https://other.example", "proxy": "http://other"})
    assert found["UV_DEFAULT_INDEX"] == "https://mine.example" and "HTTPS_PROXY" not in found
    assert "PYTHONPATH" not in found


# -- `kurs start` with a real JupyterLab, in this environment -----------------------------------------------------------


def _environment(tmp_path) -> dict:
    return {**os.environ, "KURS_ENV": sys.prefix, "XDG_DATA_HOME": str(tmp_path / "data"), "LC_ALL": "C.UTF-8",
            "PYTHONPATH": str(tmp_path / "of other software"), "PYTHONUNBUFFERED": "1"}


def _start(tmp_path, *arguments) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, LAUNCHER, "start", "--kein-browser", *map(str, arguments)], text=True,
                          capture_output=True, env=_environment(tmp_path), timeout=120, stdin=subprocess.DEVNULL)


def test_start_serves_the_lesson_and_ends_cleanly(tmp_path):
    folder = tmp_path / "Mein Ordner ü"
    process = subprocess.Popen([sys.executable, LAUNCHER, "start", "--kein-browser", "--ordner", folder], text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=_environment(tmp_path),
                               stdin=subprocess.DEVNULL)
    try:
        lines = []
        for line in process.stdout:
            lines.append(line)
            if "Strg+C" in line:
                break
        shown = "".join(lines)
        url = next(word for word in shown.split() if word.startswith("http://127.0.0.1:"))
        assert "lektion_01" in url and "token=" in url
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor())
        page = opener.open(url).read().decode()
        assert "@jupyter/nbgrader:validate-assignment" in page, "listed as disabled"
        with pytest.raises(urllib.error.HTTPError):  # the token stays on
            urllib.request.build_opener().open(url.split("/lab")[0] + "/api/contents")
        assert "token" not in Path(f"/proc/{process.pid}/cmdline").read_text() if os.name == "posix" else True
        process.send_signal(signal.SIGINT)
        rest = process.communicate(timeout=40)[0]
        assert process.returncode == 0 and "ist beendet" in rest and "Traceback" not in rest
        # another test's server may get the same port meanwhile: it does not know this token
        token = url.split("token=")[1].split("&")[0]
        with pytest.raises(OSError):
            urllib.request.urlopen(url.split("/lab")[0] + f"/api/contents?token={token}", timeout=5)
    finally:
        process.kill()


def test_port_taken(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = _start(tmp_path, "--ordner", tmp_path / "w", "--port", taken.getsockname()[1])
    assert result.returncode == 1 and "ist schon belegt" in result.stderr and "Traceback" not in result.stderr


@pytest.mark.parametrize("arguments, expected", [
    (("--port", "99999999"), "1024 bis 65535"),
    (("--kapitel", "17"), "Kapitel 17 gibt es nicht"),
    (("--gibt-es-nicht",), "nicht verständlich"),
])
def test_wrong_arguments(tmp_path, arguments, expected):
    result = _start(tmp_path, "--ordner", tmp_path / "w", *arguments)
    assert result.returncode and expected in result.stderr and "Traceback" not in result.stderr


def test_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "datei").write_text("")
    result = _start(tmp_path, "--ordner", tmp_path / "datei")
    assert result.returncode == 1 and "keine" not in result.stdout
    assert "kein Ordner" in result.stderr and "Traceback" not in result.stderr


def test_explanations():
    import errno

    from opendata_kurs.cli import start

    for number, expected in [(errno.EACCES, "--ordner"), (errno.EROFS, "--ordner"), (errno.ENOSPC, "voll"),
                             (errno.EIO, "konnte nicht starten")]:
        assert expected in start._explain(OSError(number, "english", "/a/path"))


def test_page_with_the_token_is_private(tmp_path):
    from opendata_kurs.cli import start

    page = start._redirect_page(tmp_path, "http://127.0.0.1:1/lab?token=x&y")
    assert page.stat().st_mode & 0o077 == 0 and "token=x&amp;y" in page.read_text(encoding="utf-8")


# -- `kurs test` ----------------------------------------------------------------------------------------------------------


def test_kurs_test_passes_arguments_on():
    from opendata_kurs.cli import build_parser
    from opendata_kurs.cli import test as command

    args = build_parser().parse_args(["test", "--schnell", "-k", "manifest", "tests/test_workspace.py"])
    assert args.rest == ["--schnell", "-k", "manifest", "tests/test_workspace.py"]
    found = command.arguments(args.rest, 2)
    assert found[-3:] == ["-k", "manifest", "tests/test_workspace.py"] and "not slow" in " ".join(found)
    assert found[found.index("-n") + 1] == "2" and "-n" not in command.arguments(["-n0"], 2) and "-n" not in command.arguments([], 1)


@pytest.mark.parametrize(("processors", "gigabytes", "number"), [(1, 16, 1), (2, 8, 2), (4, 16, 4), (4, 8, 4), (4, 4, 2), (8, 3, 1), (32, 64, 4)])
def test_processes_by_the_size_of_the_machine(processors, gigabytes, number):
    from opendata_kurs.cli.test import processes

    assert processes(processors, gigabytes * 1024**3) == number


def test_missing_chromium_is_said_or_fails(tmp_path):
    probe = ["-q", "-p", "opendata_kurs.cli.test", "-p", "no:cacheprovider", "tests/browser/test_lab.py",
             "-k", "test_jupyterlab_is_german"]
    env = {**os.environ, "KURS_CHROMIUM": str(tmp_path / "gibt-es-nicht"), "PYTEST_ADDOPTS": ""}
    results = [subprocess.run([sys.executable, "-m", "pytest", *probe], cwd=ROOT, text=True, capture_output=True,
                              env={**env, "KURS_BROWSER": value}) for value in ("", "pflicht")]
    assert results[0].returncode == 0 and "liefen NICHT" in results[0].stdout
    assert "1 skipped" in results[0].stdout.splitlines()[-1], "pytest has the last word"
    assert results[1].returncode == 1 and "1 error" in results[1].stdout.splitlines()[-1]


def test_ending_by_signal_stops_the_server(tmp_path):
    process = subprocess.Popen([sys.executable, LAUNCHER, "start", "--kein-browser", "--ordner", tmp_path / "w"],
                               stdout=subprocess.PIPE, text=True, env=_environment(tmp_path))
    try:
        url = next(w for line in process.stdout for w in line.split() if w.startswith("http://127.0.0.1:"))
        process.terminate()
        assert process.wait(40) == 0
        time.sleep(0.2)
        # another test's server may get the same port meanwhile: it does not know this token
        token = url.split("token=")[1].split("&")[0]
        with pytest.raises(OSError):
            urllib.request.urlopen(url.split("/lab")[0] + f"/api/contents?token={token}", timeout=5)
    finally:
        process.kill()


def test_each_group_of_tests_stays_in_one_process():
    """Two processes share the files; without the plugin's scheduler the tests of one file are dealt out one by one."""
    pytest.importorskip("xdist")
    command = [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", "-n", "2", "tests/test_glossary.py", "tests/test_dialogue.py"]

    def files_by_process(*extra: str) -> set[tuple[str, str]]:
        done = subprocess.run([*command, *extra], cwd=ROOT, capture_output=True, text=True, timeout=240)
        return set(re.findall(r"^\[(gw\d)\] .*?PASSED (tests/\w+\.py)", done.stdout, re.M))

    grouped = files_by_process("-p", "opendata_kurs.cli.test", "--dist", "loadscope", "--no-loadscope-reorder")
    assert len(grouped) == 2 and len({file for _, file in grouped}) == 2
    assert len(files_by_process("--dist", "load")) > 2, "control: dealt out one by one"


@pytest.mark.parametrize(("nodeid", "group"), [
    ("tests/browser/test_lab.py::test_a", "browser lessons"), ("tests/browser/test_maps.py::test_a", "browser pages"),
    ("tests/browser/test_inventory.py::test_a", "browser"), ("tests/portal/test_portal.py::test_b[x]", "portal"),
    ("tests/attacks/test_attacks.py::test_c", "attacks"), ("tests/test_maps.py::test_d", "tests/test_maps.py"),
    ("tests/test_notebooks.py::test_n[01-lektion_02_x]", "tests/test_notebooks.py 01 lektion"),
    ("tests/test_notebooks.py::test_n[03-uebung_01_x]", "tests/test_notebooks.py 03 uebung"),
    ("tests/test_notebooks.py::test_n[01-einfuehrungstag]", "tests/test_notebooks.py 01 uebung"),
])
def test_group_of(nodeid, group):
    from opendata_kurs.cli.test import group_of

    assert group_of(nodeid) == group
