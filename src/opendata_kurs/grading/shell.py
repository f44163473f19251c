"""Run notebook cells in this process and report what they show, as JSON lines. No Jupyter kernel, no sockets, no threads.

The shell is IPython's own, so cells behave as in a notebook: rich output, German error help, `await`, magics.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets import Type
from traitlets.config import Config

from . import control

MAX_TEXT = 200_000  # characters of stdout and stderr kept per cell
MAX_OUTPUT = 8_000_000  # characters of one rich output


class CellTimeoutError(BaseException):
    """A cell ran longer than allowed; no `except Exception` catches it."""


class _Stream(io.TextIOBase):
    encoding = "utf-8"

    def __init__(self, name: str, emit: Callable[[dict], None]) -> None:
        self.name, self._emit, self._parts, self._size, self.left = name, emit, [], 0, MAX_TEXT

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return False

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        if self.left > 0 and text:
            self._parts.append(text[: self.left])
            self._size += len(text)
            self.left -= len(text)
            if self.left <= 0:
                self._parts.append("\n… Die Ausgabe ist hier gekürzt. Sie war zu lang.\n")
            if self._size > 20_000:
                self.flush()
        return len(text)

    def flush(self) -> None:
        if self._parts:
            parts, self._parts, self._size = self._parts, [], 0
            self._emit({"output_type": "stream", "name": self.name, "text": "".join(parts)})


def _small(data: dict[str, Any]) -> dict[str, Any]:
    kept = {}
    for mime, content in data.items():
        text = content if isinstance(content, str) else json.dumps(content, default=str)
        if len(text) <= MAX_OUTPUT:
            kept[str(mime)] = text
    return kept or {"text/plain": "(Die Ausgabe war zu groß.)"}


class _Publisher(DisplayPublisher):
    def publish(self, data, metadata=None, *, transient=None, update=False, **_):
        self.shell.emit_output({"output_type": "display_data", "data": _small(_binary(data)), "metadata": {}})

    def clear_output(self, wait=False):
        pass


class _Hook(DisplayHook):
    def start_displayhook(self):
        pass

    def write_output_prompt(self):
        pass

    def write_format_data(self, format_dict, md_dict=None):
        self.shell.emit_output({"output_type": "execute_result", "data": _small(_binary(format_dict)), "metadata": {},
                                "execution_count": self.prompt_count})

    def finish_displayhook(self):
        pass


def _binary(data: dict) -> dict:
    from base64 import b64encode

    return {k: b64encode(v).decode() if isinstance(v, bytes) else v for k, v in data.items()}


class GradingShell(InteractiveShell):
    """IPython's shell whose outputs go to `emit_output`."""

    displayhook_class = Type(_Hook)
    display_pub_class = Type(_Publisher)

    def emit_output(self, output: dict[str, Any]) -> None:
        """Flush what was printed before, then report one output."""
        self.out.flush()
        self.err.flush()
        self.send(output)

    send: Callable[[dict], None] = staticmethod(lambda output: None)

    def _showtraceback(self, etype, evalue, stb):
        self.emit_output({"output_type": "error", "ename": str(getattr(etype, "__name__", etype))[:200], "evalue": str(evalue)[:5000],
                          "traceback": [str(line)[:20_000] for line in stb][:200]})

    def init_io(self):
        """Leave stdin and stdout alone."""

    def init_virtualenv(self):
        """Leave `sys.path` alone."""


def make_shell() -> GradingShell:
    """Create the process's only shell (before the fork: it costs time)."""
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    config.InteractiveShell.autocall = 0
    shell = GradingShell.instance(config=config)
    for name in ("stdout", "stderr"):
        stream = _Stream(name, lambda output: shell.send(output))
        setattr(shell, "out" if name == "stdout" else "err", stream)
    with contextlib.suppress(ImportError):
        from matplotlib_inline.backend_inline import configure_inline_support

        configure_inline_support(shell, "module://matplotlib_inline.backend_inline")
    return shell


def run(shell: GradingShell, request: dict[str, Any], write: Callable[[bytes], Any]) -> None:
    """Run the cells of one request and write one JSON line per event.

    Events: `cell` (begins), `out`, `end`, `control` (did it fail, as it must?), `export`, `done`. A learner's code shares this interpreter, so the reader
    must treat every line as foreign.
    """
    from . import values

    def tell(**event: Any) -> None:
        write(json.dumps(event).encode() + b"\n")

    sys.stdout, sys.stderr = shell.out, shell.err
    sys.stdin = io.StringIO()
    timeout = float(request.get("timeout") or 60)

    fresh = dict(shell.user_ns)

    def too_long(*_: Any) -> None:
        raise CellTimeoutError(f"Die Zelle lief länger als {timeout:.0f} Sekunden.")

    for cell in request["cells"]:
        number = cell["i"]
        tell(t="cell", i=number)
        if "names" in cell:  # the test process: each check sees just its own names
            shell.user_ns.clear()
            shell.user_ns.update(fresh)
            try:
                given = {name: values.decode(data) for name, data in cell["names"].items()}
                shell.user_ns.update(given)
            except values.NotExportable as error:
                tell(t="out", i=number, o={"output_type": "error", "ename": "CheckFailed", "evalue": str(error), "traceback": [str(error)]})
                tell(t="end", i=number, n=shell.execution_count)
                continue
        count, error = shell.execution_count, None
        if cell["source"].strip():
            failures: list[str] = []

            def send(output: dict[str, Any], i: int = number, failures: list[str] = failures) -> None:
                if output["output_type"] == "error":
                    failures.append(output["ename"])
                tell(t="out", i=i, o=output)

            shell.send = send
            shell.out.left = shell.err.left = MAX_TEXT
            if hasattr(signal, "setitimer"):
                signal.signal(signal.SIGALRM, too_long)
                signal.setitimer(signal.ITIMER_REAL, timeout)
            try:
                result = shell.run_cell(cell["source"], store_history=True)
                error = result.error_before_exec or result.error_in_exec
                if error is not None and not failures:  # an error that nobody showed must not look like a passed check
                    shell._showtraceback(type(error), error, [f"{type(error).__name__}: {error}"])
            except CellTimeoutError as late:
                error = late
                shell._showtraceback(CellTimeoutError, late, [str(late)])
            finally:
                if hasattr(signal, "setitimer"):
                    signal.setitimer(signal.ITIMER_REAL, 0)
            shell.out.flush()
            shell.err.flush()
        tell(t="end", i=number, n=count)
        if "exports" in cell:
            tell(t="control", i=number, ok=control.fails(shell, control.IN_NOTEBOOK))
        elif cell.get("control") and error is None:  # only a check that passed has to prove itself
            shell.user_ns.clear()
            shell.user_ns.update(fresh)
            shell.user_ns.update({name: control.wrong(value) for name, value in given.items()})
            tell(t="control", i=number, ok=control.fails(shell, cell["control"]))
        for name in cell.get("exports", ()):
            if name in shell.user_ns:
                try:
                    data = values.encode(shell.user_ns[name])
                    own = type(shell.user_ns[name])
                    if own.__module__ == "__main__" and not (isinstance(data, dict) and data.get("k") == "unbekannt"):
                        tell(t="own", i=number, name=name, v=own.__name__)
                except values.NotExportable as error:
                    data = {"k": "zu-gross", "v": str(error)}
                except BaseException:
                    data = {"k": "unbekannt", "v": "Objekt"}
                tell(t="export", i=number, name=name, v=data)
    tell(t="done", left=_others())


def _others() -> int:
    """Return how many other processes live in the box (0 outside a process space of one's own)."""
    if os.getpid() > 2:
        return 0
    try:
        return len({int(n) for n in os.listdir("/proc") if n.isdigit()} - {1, os.getpid()})
    except OSError:
        return 0


def clean_process(env: dict[str, str]) -> None:
    """Forget the parent's surroundings: environment, arguments, random state."""
    import random

    os.environ.clear()
    os.environ.update(env)
    sys.argv = ["notebook"]
    random.seed()
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()


def main() -> None:
    """Run one request cold (no fork): bubblewrap and Windows. Reads a line from stdin, writes lines to stdout."""
    request = json.loads(sys.stdin.buffer.readline())
    channel = os.fdopen(os.dup(1), "wb", buffering=0)
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    shell = make_shell()
    import opendata_kurs

    opendata_kurs._switch_on_error_help()
    if request.get("learner"):
        sys.path.insert(0, "")
    if request.get("limits") and os.name == "posix":
        from . import box

        box.limit(request["limits"])
        if request["box"]["backend"] == "bubblewrap":
            box.deny_calls()
    run(shell, request, channel.write)


if __name__ == "__main__":
    main()
