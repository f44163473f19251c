"""The portal's own Python environment: built on first use, with hash checking, and kept for later.

CKAN's fixed versions collide with JupyterLab's, so the two live apart.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from . import paths

_STAMP = ".fertig"


class PortalUnavailable(RuntimeError):
    """The portal cannot be used here and now; the text is German and says what to do."""


def source_dir() -> Path:
    """Return the folder `portal/` with the lock and the plugin (in a wheel: below `_data`)."""
    return paths.course_dir().parent / "portal"


def environment_dir() -> Path:
    """Return where the environment lies: `KURS_PORTAL_ENV`, the repository's `build/`, or the user's cache."""
    given = os.environ.get("KURS_PORTAL_ENV")
    if given:
        return Path(given)
    name = f"portal-env-{sys.version_info.major}.{sys.version_info.minor}"
    root = paths.repo_root()
    if root is not None:
        build = root / "build"
        if os.access(build if build.exists() else root, os.W_OK):
            return build / name
    return paths.cache_dir() / name


def python(environment: Path) -> Path:
    """Return the environment's interpreter."""
    return environment / "bin" / "python"


def ready() -> bool:
    """Say whether the environment is complete and fits the lock and the plugin."""
    return _read_stamp(environment_dir()) == _wanted()


def ensure(tell: Callable[[str], None]) -> Path:
    """Return the interpreter of a complete environment, building it first where needed (about a minute).

    Raises PortalUnavailable when it cannot be built, for example without a network.
    """
    environment = environment_dir()
    if ready():
        return python(environment)
    try:
        environment.parent.mkdir(parents=True, exist_ok=True)
        with _alone(environment, tell):
            if not ready():
                _build(environment)
    except OSError as error:
        raise PortalUnavailable(
            f"Der Ordner {environment} lässt sich nicht anlegen ({error.strerror or error}). "
            "Prüfen Sie den freien Platz: Das Portal braucht etwa 500 MB."
        ) from error
    return python(environment)


def _build(environment: Path) -> None:
    source, stamp = source_dir(), _read_stamp(environment)
    lock, plugin = _wanted()
    log = environment.with_name(environment.name + ".log")
    if environment.exists() and any(environment.iterdir()) and not stamp and not log.exists():
        raise PortalUnavailable(
            f"Der Ordner {environment} enthält schon etwas anderes. Nennen Sie einen leeren."
        )
    with log.open("w", encoding="utf-8") as output:
        if stamp[:1] != (lock,):
            shutil.rmtree(environment, ignore_errors=True)
            if not _install(environment, source / "requirements.lock", output):
                shutil.rmtree(environment, ignore_errors=True)
                raise PortalUnavailable(_failure(log))
        (environment / _STAMP).unlink(missing_ok=True)
        if not _install_plugin(environment, source, output):
            raise PortalUnavailable(_failure(log))
    (environment / _STAMP).write_text(f"{lock}\n{plugin}\n", encoding="utf-8")


def _install(environment: Path, lock: Path, output) -> bool:
    uv = _uv()
    if uv and _run(output, uv, "venv", "--quiet", "--python", sys.executable, environment):
        options = ("--quiet", "--python", python(environment), "--require-hashes", "--compile-bytecode")
        if _run(output, uv, "pip", "sync", *options, lock):
            return True
    # pip is slower, but present everywhere, and it knows this machine's own settings.
    shutil.rmtree(environment, ignore_errors=True)
    if not _run(output, sys.executable, "-m", "venv", environment):
        return False
    options = ("--disable-pip-version-check", "--quiet", "--no-deps", "--require-hashes")
    return _run(output, python(environment), "-m", "pip", "install", *options, "-r", lock)


def _install_plugin(environment: Path, source: Path, output) -> bool:
    options = ("--quiet", "--no-deps", "--no-build-isolation", "--no-index")
    uv = _uv()
    if uv and _run(
        output, uv, "pip", "install", *options, "--reinstall", "--python", python(environment), source
    ):
        return True
    command = (python(environment), "-m", "pip", "install", *options, "--force-reinstall", source)
    return _run(output, *command)


def _run(output, *command: object) -> bool:
    environ = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))
    }
    environ["UV_PYTHON_DOWNLOADS"] = "never"
    for uv_name, pip_name in (
        ("UV_DEFAULT_INDEX", "PIP_INDEX_URL"),
        ("UV_INSECURE_HOST", "PIP_TRUSTED_HOST"),
        ("SSL_CERT_FILE", "PIP_CERT"),
    ):
        if pip_name in environ:
            environ.setdefault(uv_name, environ[pip_name])
    output.write(f"$ {' '.join(map(str, command))}\n")
    output.flush()
    done = subprocess.run(
        [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environ
    )
    return done.returncode == 0


def _uv() -> str | None:
    tools = paths.cache_dir() / "werkzeug"
    own = (Path(sys.prefix) / "bin" / "uv", tools / "venv" / "bin" / "uv", tools / "uv" / "bin" / "uv")
    return shutil.which("uv") or next((str(path) for path in own if path.exists()), None)


def _failure(log: Path) -> str:
    return (
        "Die Programme für das Portal ließen sich nicht einrichten. Beim ersten Start braucht das Portal das "
        f"Internet. Was genau fehlte, steht in der Datei {log}."
    )


def _wanted() -> tuple[str, ...]:
    source = source_dir()
    lock = source / "requirements.lock"
    if not lock.exists():
        raise PortalUnavailable(f"Der Ordner {source} mit dem Portal fehlt in dieser Installation.")
    plugin = hashlib.sha256()
    for path in sorted([source / "pyproject.toml", *source.glob("opendata_portal/**/*")]):
        if path.is_file() and "__pycache__" not in path.parts:
            plugin.update(str(path.relative_to(source)).encode() + b"\0" + path.read_bytes())
    base = f"{sys.version_info.major}.{sys.version_info.minor}\n".encode()
    return hashlib.sha256(base + lock.read_bytes()).hexdigest(), plugin.hexdigest()


def _read_stamp(environment: Path) -> tuple[str, ...]:
    try:
        return tuple((environment / _STAMP).read_text(encoding="utf-8").split())
    except OSError:
        return ()


@contextmanager
def _alone(environment: Path, tell: Callable[[str], None]) -> Iterator[None]:
    import fcntl

    with environment.with_name(environment.name + ".sperre").open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            tell("Das Portal wird gerade an anderer Stelle eingerichtet. Ich warte.")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
