"""The warm parent: imports the course's libraries once, runs no learner code, stays single-threaded, forks per request.

Each connection on its socket is one request: it forks a keeper, and the keeper forks the boxed process. The keeper
holds the connection, so it notices when the grader is gone and ends the box; nothing outlives it.
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import importlib
import json
import os
import select
import signal
import socket
import stat
import sys
import time
from collections.abc import Iterable
from typing import Any

from . import box, figures

BASE = ("numpy", "pandas", "matplotlib_inline.backend_inline", "opendata_kurs.checks", "opendata_kurs.datasets",
        "opendata_kurs.questions", "opendata_kurs.questions.static", "opendata_kurs.lesson", "opendata_kurs.handin", "opendata_kurs._pruefen",
        "opendata_kurs.errorhelp", "opendata_kurs.grading.values")
GROUPS = {
    "geo": ("geopandas", "pyogrio", "pyproj", "shapely", "shapely.wkb", "matplotlib.pyplot", "opendata_kurs.maps"),
    "karten": ("folium", "opendata_kurs.maps.layers", "opendata_kurs.maps.report", "opendata_kurs.maps.files",
               "opendata_kurs.maps.assets:leaflet_js", "opendata_kurs.maps.assets:leaflet_css"),
    "klassen": ("mapclassify",),  # two seconds: only where an exercise asks for natural classes
    "bilder": ("matplotlib.pyplot",),
    "lizenzen": ("opendata_kurs.licensing",),
    "veroeffentlichen": ("geopandas", "opendata_kurs.publishing", "opendata_kurs.inventory"),
    # half a second to a second each, so only where an exercise uses them
    "tabellen": ("opendata_kurs.publishing.tables", "opendata_kurs.publishing.personal", "opendata_kurs.publishing.rules", "pandera.pandas",
                 "pandera.backends.pandas.builtin_checks"),
    "sperren": ("opendata_kurs.publishing.suppression", "scipy.optimize"),
    "metadaten": ("opendata_kurs.publishing.final", "rdflib", "pyshacl", "opendata_kurs.publishing.shapes:load_shapes"),
}
_WATCH_SECONDS = 0.1


def _library_files() -> dict[int, str]:
    """Return the files that the imported libraries keep open for reading (PROJ: its database): number and path."""
    found: dict[int, str] = {}
    with contextlib.suppress(OSError):
        for name in os.listdir("/proc/self/fd"):
            with contextlib.suppress(OSError):
                fd = int(name)
                if fd > 2 and stat.S_ISREG(os.fstat(fd).st_mode) and fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
                    found[fd] = os.readlink(f"/proc/self/fd/{fd}")
    return found


def _open_again(files: dict[int, str]) -> None:
    """Open each file anew, as the box shows it, under its old number.

    Without this the library still holds the number, the next file that a learner opens gets it, and PROJ closes that one.
    """
    for wanted, path in files.items():
        with contextlib.suppress(OSError):
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            if fd != wanted:
                os.dup2(fd, wanted, inheritable=False)
                os.close(fd)


def _boxed(request: dict[str, Any], channel: socket.socket, shell) -> None:
    """Become the boxed process; never returns."""
    from .shell import clean_process, run

    os.setsid()
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    keep, files = channel.fileno(), _library_files()
    os.closerange(3, keep)
    os.closerange(keep + 1, 4096)
    place = request["box"]
    if place["backend"] == "namespaces":
        box.enter(place["work"], place["mountpoint"], place["ro"], place["hidden"])
    elif place["backend"] == "bubblewrap":
        box.limit(request["limits"])
        os.dup2(keep, 0)
        os.dup2(keep, 1)
        command = box.bubblewrap_command(place["work"], place["ro"], place["hidden"], request["env"])
        os.execvp(command[0], [*command, sys.executable, "-P", "-m", "opendata_kurs.grading.shell"])
    else:
        box.die_with_parent()
        os.chdir(place["work"])
    _open_again(files)
    clean_process(request["env"])
    box.limit(request["limits"])
    if request.get("learner"):
        sys.path.insert(0, "")
    gc.enable()

    def write(data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(keep, view):]

    run(shell, request, write)
    with contextlib.suppress(Exception):
        signal.alarm(0)


def _keeper(channel: socket.socket, shell) -> None:
    """Start one boxed process, watch it and end it; never returns."""
    os.setsid()
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    box.die_with_parent()
    box.become_subreaper()
    with channel.makefile("rb") as stream:
        line = stream.readline()
    if not line.endswith(b"\n"):
        os._exit(0)
    request = json.loads(line)
    backend = request["box"]["backend"]
    most = int(request["processes"])
    group = box.PidsGroup(most + 4)
    reason = told = ""
    try:
        if backend == "namespaces":
            box.unshare_and_map()
        if backend == "bubblewrap":  # it reads the request itself, from its stdin
            inner, outer = socket.socketpair()
            inner.sendall(line)
        pid = os.fork()
        if pid == 0:
            try:
                if backend == "bubblewrap":
                    channel.close()
                    outer.close()
                _boxed(request, inner if backend == "bubblewrap" else channel, shell)
                os._exit(0)
            except BaseException as error:
                with contextlib.suppress(BaseException):
                    os.write(channel.fileno(), json.dumps({"t": "kaputt", "v": f"{type(error).__name__}: {error}"[:500]}).encode() + b"\n")
                os._exit(70)
        if backend == "bubblewrap":
            inner.close()
            outer.sendall(line)
            told = _relay(outer, channel, pid, most, int(request["memory"]), request["box"]["work"])
        handle = os.pidfd_open(pid)
        code, reason = _watch(pid, handle, channel, most, int(request["memory"]), request["box"]["work"])
        reason = reason or told
    except BaseException as error:
        code, reason = 71, f"{type(error).__name__}: {error}"
    for _ in range(50):  # orphans of an unboxed process were adopted by this one
        left = box.descendants(os.getpid())
        for other in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(other, signal.SIGKILL)
        try:
            while os.waitpid(-1, 0 if left else os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            break
    group.leave()
    with contextlib.suppress(OSError):
        channel.sendall(b"\n" + json.dumps({"t": "exit", "code": code, "reason": reason}).encode() + b"\n")
    os._exit(0)


def _watch(pid: int, handle: int, channel: socket.socket, most: int, memory: int, work: str) -> tuple[int, str]:
    """Wait for the boxed process; end it when the grader hangs up or the box grows too large."""
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    poll.register(channel, select.POLLRDHUP | select.POLLHUP | select.POLLERR)
    reason, inherited = "", box.private_bytes(os.getpid())  # a fork counts its parent's pages as its own
    free = box.free_space(work)
    while True:
        events = dict(poll.poll(_WATCH_SECONDS * 1000))
        if handle in events:
            status = os.waitpid(pid, 0)[1]
            return os.waitstatus_to_exitcode(status), reason
        if channel.fileno() in events:
            reason = reason or "abgebrochen"
        if not reason:
            alive = box.descendants(pid)
            if len(alive) >= most:
                reason = "prozesse"
            elif sum(max(0, box.private_bytes(p) - inherited) for p in (pid, *alive)) > memory:
                reason = "speicher"
            elif box.disk_full(work, free):
                reason = "platte"
        if reason:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            poll.modify(channel, 0)


def _relay(source: socket.socket, target: socket.socket, pid: int, most: int, memory: int, work: str) -> str:
    """Pass a cold process's lines on until it closes its end, the grader hangs up or the box grows too large."""
    poll = select.poll()
    poll.register(source, select.POLLIN)
    poll.register(target, select.POLLRDHUP | select.POLLHUP)
    free = box.free_space(work)
    while True:
        events = dict(poll.poll(_WATCH_SECONDS * 1000))
        alive = box.descendants(pid)
        reason = ("abgebrochen" if target.fileno() in events else "prozesse" if len(alive) >= most
                  else "speicher" if sum(map(box.private_bytes, alive)) > memory else "platte" if box.disk_full(work, free) else "")
        if reason:
            os.kill(pid, signal.SIGKILL)
            return reason
        if source.fileno() in events:
            data = source.recv(1 << 16)
            if not data:
                return ""
            target.sendall(data)


def _import(names: Iterable[str]) -> None:
    for name in names:
        module, _, function = name.partition(":")
        with contextlib.suppress(ImportError):
            loaded = importlib.import_module(module)
            if function:  # what it returns is kept by the module
                getattr(loaded, function)()


def serve(path: str) -> None:
    """Import the base, read from stdin which groups and datasets to add, listen and fork until stdin closes or SIGTERM comes.

    stdin closes when the grader has gone. It is read without a buffer, because it is watched below.
    """
    box.die_with_parent()
    from .shell import make_shell

    shell = make_shell()
    _import(BASE)
    stdin, line = sys.stdin.fileno(), b""
    while not line.endswith(b"\n"):
        if not (byte := os.read(stdin, 1)):
            return
        line += byte
    wanted = json.loads(line)
    _import(name for group in wanted["groups"] for name in GROUPS.get(group, ()))
    import opendata_kurs
    from opendata_kurs import datasets

    with contextlib.suppress(OSError, ValueError, KeyError):  # a damaged file is the error message of the cell that loads it
        datasets.keep_parsed(wanted["slugs"])
    figures.prepare(shell)
    opendata_kurs._switch_on_error_help()
    gc.collect()
    gc.freeze()
    gc.disable()  # collecting in each child would copy the shared memory
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    old = os.umask(0o077)
    server.bind(path)
    os.umask(old)
    server.listen(128)
    stop: list[int] = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    read, write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    threads = len(os.listdir("/proc/self/task")) if os.path.isdir("/proc/self/task") else 1
    print(f"bereit {threads}", flush=True)
    while not stop:
        try:
            ready, _, _ = select.select([server, read, stdin], [], [])
        except InterruptedError:
            continue
        if stdin in ready and not os.read(stdin, 1):
            break
        if server in ready:
            channel, _ = server.accept()
            if os.fork() == 0:
                with contextlib.suppress(BaseException):
                    server.close()
                    os.close(read)
                    os.close(write)
                    _keeper(channel, shell)
                os._exit(72)
            channel.close()
        with contextlib.suppress(BlockingIOError):
            os.read(read, 4096)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
    with contextlib.suppress(OSError):
        os.unlink(path)
    # keepers end with this process (die_with_parent), and their boxes with them
    time.sleep(0)


if __name__ == "__main__":
    serve(sys.argv[1])
