"""Ask the warm parent to run cells in a box, and read what comes back with suspicion: limits on time, size and form."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import box

MAX_BYTES = 64_000_000  # of all events of one process
MAX_PARTS = 4_000_000  # of one event: a short text can become gigabytes of Python objects
UNISOLATED = "KURS_OHNE_ISOLATION"
_KEEP = ("PATH", "LANG", "LC_ALL", "TZ", "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "PYTHONDONTWRITEBYTECODE", "SYSTEMROOT", "PYTHONPATH")

REFUSAL = (
    "Die Abgaben lassen sich auf diesem Rechner nicht abschotten. Der Code von Teilnehmenden hätte hier alle Ihre Rechte:"
    " Er könnte Dateien lesen, ändern und löschen.\nUnter Linux hilft das Paket bubblewrap. Unter Windows und macOS bewerten"
    " Sie am besten in einer Linux-Umgebung.\nVertrauen Sie allen Abgaben? Dann geht es so: kurs grade --ohne-isolation"
)


class BoxLost(RuntimeError):
    """The warm parent died while a hand-in ran; the hand-in is to be graded again."""


class NotIsolated(RuntimeError):
    """This machine cannot build a box and nobody allowed to run without; the message is German."""


@dataclass
class Run:
    """What one process reported. `reason` tells why it ended early: zeit, ausgabe, prozesse, speicher, beendet, or empty."""

    outputs: dict[int, list[dict]] = field(default_factory=dict)
    counts: dict[int, int] = field(default_factory=dict)
    exports: dict[int, dict[str, Any]] = field(default_factory=dict)
    controls: dict[int, bool] = field(default_factory=dict)  # True: the control cell failed, as it must
    own: dict[str, str] = field(default_factory=dict)  # exported name -> the learner's own class
    left: int = 0  # processes that still ran at the end
    reason: str = ""
    last: int | None = None
    seconds: float = 0.0

    @property
    def complete(self) -> bool:
        """Return whether all cells ran."""
        return not self.reason


def minimal_environment(home: str) -> dict[str, str]:
    """Return the only variables that code under test can see."""
    env = {k: os.environ[k] for k in _KEEP if k in os.environ}
    env["PATH"] = "/usr/bin:/bin" if os.name == "posix" else env.get("PATH", "")
    return env | {"HOME": home, "USERPROFILE": home, "TMPDIR": home if os.name != "posix" else "/tmp", "IPYTHONDIR": f"{home}/ipython", "MPLCONFIGDIR": f"{home}/mpl",
                  "MPLBACKEND": "module://matplotlib_inline.backend_inline", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1",
                  "NBGRADER_EXECUTION": "autograde", "PYTHONUTF8": "1", "TERM": "dumb"}


class Zygote:
    """The warm parent as seen from a grader. It loads what every exercise needs at once, the rest when told (`load`)."""

    def __init__(self, folder: str | Path | None = None) -> None:
        """Start it, with its socket in a private folder inside `folder`."""
        self.folder = tempfile.mkdtemp(prefix="kurs-z-", dir=folder)
        self.path = os.path.join(self.folder, "s")
        self._wanted = b""
        self._start()

    def load(self, groups: Iterable[str] = ("geo", "karten", "lizenzen", "veroeffentlichen"), slugs: Iterable[str] = ()) -> None:
        """Tell it which libraries (`zygote.GROUPS`) and datasets to load; without this it never listens."""
        self._wanted = json.dumps({"groups": list(groups), "slugs": list(slugs)}).encode() + b"\n"
        self._tell()

    def _tell(self) -> None:
        with contextlib.suppress(BrokenPipeError):  # it has died: `wait` says so
            self.process.stdin.write(self._wanted)
            self.process.stdin.flush()

    def _start(self) -> None:
        env = minimal_environment(os.path.join(self.folder, "home"))
        os.makedirs(env["HOME"], exist_ok=True)
        Path(self.path).unlink(missing_ok=True)
        self.process = subprocess.Popen([sys.executable, "-P", "-m", "opendata_kurs.grading.zygote", self.path], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env, cwd=self.folder, start_new_session=True)
        self.threads = 0

    def wait(self) -> None:
        """Wait until it listens (about two seconds after the start)."""
        if self.threads:
            return
        ready = self.process.stdout.readline()
        if not ready.startswith(b"bereit"):
            self.stop()
            raise RuntimeError("Der Bewertungsprozess ist nicht gestartet.")
        self.threads = int(ready.split()[1])

    def ensure(self) -> None:
        """Start it again at the same place when it has died."""
        if not self.alive():
            for pipe in (self.process.stdin, self.process.stdout):
                pipe.close()
            self._start()
            self._tell()
            self.wait()

    def alive(self) -> bool:
        """Return whether it still runs."""
        return self.process.poll() is None

    def stop(self) -> None:
        """End it and everything it started."""
        for pipe in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):
                pipe.close()
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(5)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def scratch_folder() -> str:
    """Make the folder of one grading run; its name holds the process id, so that a later run can tell what is left over."""
    return tempfile.mkdtemp(prefix=f"kurs-bewertung-{os.getpid()}-")


_shared: tuple[int, Zygote] | None = None
_lock = threading.Lock()
SOCKET = "KURS_BEWERTUNG_SOCKET"


def socket_path() -> str:
    """Return the socket of the zygote to use: the cohort's, else one of this process, started when first needed."""
    if os.environ.get(SOCKET):
        return os.environ[SOCKET]
    with _lock:
        return _own_socket()


def warm(groups: Iterable[str]) -> None:
    """Start this process's own warm parent with these libraries (`zygote.GROUPS`); else it loads the usual ones when first needed."""
    with _lock:
        _own_socket(groups)


def _own_socket(groups: Iterable[str] | None = None) -> str:
    global _shared
    if _shared is None or _shared[0] != os.getpid() or not _shared[1].alive():
        zygote = Zygote()
        zygote.load(groups) if groups else zygote.load()
        zygote.wait()
        _shared = (os.getpid(), zygote)
        pid = os.getpid()
        atexit.register(lambda: zygote.stop() if os.getpid() == pid else None)
    return _shared[1].path


def can_fork() -> bool:
    """Return whether warm, forked processes work here."""
    return hasattr(os, "fork") and sys.platform == "linux"


def chosen_backend() -> str:
    """Return the box to use, or raise `NotIsolated`."""
    if os.environ.get(UNISOLATED) == "1":
        return "keine"
    found = box.backend()
    if found == "keine":
        raise NotIsolated(REFUSAL)
    return found


class Sandbox:
    """One hand-in's own folder with a place for the box beside it; gone at the end."""

    def __init__(self, base: str | Path | None = None) -> None:
        """Create the folder."""
        self.folder = tempfile.mkdtemp(prefix="kurs-a-", dir=base)
        self.work = Path(self.folder, "arbeit")
        self.mountpoint = Path(self.folder, "wurzel")
        self.work.mkdir()
        self.mountpoint.mkdir()

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *_: Any) -> None:
        box.remove_tree(self.folder)


def run_cells(cells: list[dict], sandbox: Sandbox, *, learner: bool, cell_timeout: float = 60, total_timeout: float = 300,
              max_bytes: int = MAX_BYTES, limits: dict[str, int] | None = None) -> Run:
    """Run cells in a fresh boxed process inside `sandbox.work` and return what they reported."""
    backend = chosen_backend()
    unboxed_home = os.path.join(sandbox.folder, "home")
    home = "/tmp/home" if backend != "keine" else unboxed_home
    os.makedirs(unboxed_home, exist_ok=True)
    request = {"cells": cells, "learner": learner, "timeout": cell_timeout, "env": minimal_environment(home), "limits": {**box.DEFAULT_LIMITS, **(limits or {})},
               "processes": box.MAX_PROCESSES, "memory": box.MAX_MEMORY,
               "box": {"backend": backend, "work": str(sandbox.work), "mountpoint": str(sandbox.mountpoint)}}
    if backend != "keine":
        request["box"] |= {"ro": box.read_only_paths(), "hidden": box.hidden_paths()}
    line = json.dumps(request).encode() + b"\n"
    if can_fork():
        channel = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with channel:
            try:
                channel.connect(socket_path())
                channel.sendall(line)
            except OSError as error:
                raise BoxLost(str(error)) from error
            return _read(_SocketSource(channel), cell_timeout, total_timeout, max_bytes)
    return _cold(line, request, sandbox, cell_timeout, total_timeout, max_bytes)


class _SocketSource:
    def __init__(self, channel: socket.socket) -> None:
        self.channel = channel

    def read(self, seconds: float) -> bytes | None:
        self.channel.settimeout(max(0.01, seconds))
        try:
            return self.channel.recv(1 << 18)
        except TimeoutError:
            return None
        except OSError:
            return b""

    def hang_up(self) -> None:
        with contextlib.suppress(OSError):
            self.channel.shutdown(socket.SHUT_WR)


def _cold(line, request, sandbox, cell_timeout, total_timeout, max_bytes) -> Run:
    """Without fork (Windows, macOS): a plain process, unboxed, with the limits that work there."""
    import queue

    process = subprocess.Popen([sys.executable, "-P", "-m", "opendata_kurs.grading.shell"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, cwd=sandbox.work, env=request["env"], start_new_session=os.name == "posix")
    lines: queue.Queue[bytes] = queue.Queue(maxsize=100)

    class Source:
        def read(self, seconds):
            try:
                return lines.get(timeout=max(0.01, seconds))
            except queue.Empty:
                return None

        def hang_up(self):
            process.kill()

    def pump():
        while data := process.stdout.read1(1 << 16):
            lines.put(data)
        lines.put(b'\n{"t": "exit", "code": 0, "reason": ""}\n')
        lines.put(b"")

    threading.Thread(target=pump, daemon=True).start()
    try:
        process.stdin.write(line)
        process.stdin.flush()
        return _read(Source(), cell_timeout, total_timeout, max_bytes)
    finally:
        process.kill()
        process.wait()


def _read(source, cell_timeout: float, total_timeout: float, max_bytes: int) -> Run:
    run, buffer, size, done, broken, closed = Run(), bytearray(), 0, False, "", False
    began = cell_began = time.monotonic()
    ended_at = None
    while True:
        now = time.monotonic()
        left = min(began + total_timeout, cell_began + cell_timeout + 5) - now
        if ended_at is not None:
            left = ended_at + 10 - now
            if left <= 0:
                break
        data = source.read(min(left, 5)) if left > 0 else None
        if data is None:
            if ended_at is None and left <= 5 and time.monotonic() - now >= left:
                run.reason, ended_at = "zeit", time.monotonic()
                source.hang_up()
            continue
        if not data:
            break
        size += len(data)
        if size > max_bytes and ended_at is None:
            run.reason, ended_at = "ausgabe", time.monotonic()
            source.hang_up()
        if run.reason == "ausgabe":
            buffer.clear()
            continue
        buffer += data
        while (end := buffer.find(b"\n")) >= 0:
            line = bytes(buffer[:end])
            del buffer[: end + 1]
            event = _event(line)
            if event is None:
                continue
            kind = event.get("t")
            if kind == "cell":
                run.last, cell_began = event["i"], time.monotonic()
            elif kind == "done":
                done = True
                run.left = event["left"] if isinstance(event.get("left"), int) else 0
            elif kind == "exit":
                closed = True
                if event.get("reason") in ("prozesse", "speicher", "platte") and not run.reason:
                    run.reason = event["reason"]
            elif kind == "kaputt":
                broken = str(event.get("v"))[:500]
            else:
                _note(run, event, kind)
    run.seconds = time.monotonic() - began
    if broken and not done and not run.counts:
        raise RuntimeError(f"Der abgeschottete Prozess ist nicht gestartet: {broken}")
    if not closed and run.reason != "ausgabe":  # the keeper always says goodbye, unless it was killed
        raise BoxLost("Der abgeschottete Prozess ist verschwunden.")
    if not done and not run.reason:
        run.reason = "beendet"
    return run


def _event(line: bytes) -> dict | None:
    if not line.strip() or (len(line) > MAX_PARTS and sum(map(line.count, (b",", b"[", b"{"))) > MAX_PARTS):
        return None
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(event, dict) or not isinstance(event.get("i", 0), int) or isinstance(event.get("i", 0), bool):
        return None
    return event if event.get("t") != "cell" or "i" in event else None


def _note(run: Run, event: dict, kind: Any) -> None:
    number = event.get("i")
    if kind == "out" and isinstance(event.get("o"), dict):
        outputs = run.outputs.setdefault(number, [])
        if len(outputs) < 500:
            outputs.append(event["o"])
    elif kind == "end" and isinstance(event.get("n"), int):
        run.counts[number] = event["n"]
    elif kind == "control" and isinstance(event.get("ok"), bool):
        run.controls[number] = event["ok"]
    elif kind == "own" and isinstance(event.get("name"), str) and isinstance(event.get("v"), str) and len(run.own) < 50:
        run.own[event["name"][:100]] = event["v"][:100]
    elif kind == "export" and isinstance(event.get("name"), str):
        run.exports.setdefault(number, {})[event["name"]] = event.get("v")
