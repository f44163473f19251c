"""Refuses every connection but loopback in each Python process that has this folder on PYTHONPATH."""

import os
import sys


def _is_local(host) -> bool:
    host = host.decode() if isinstance(host, bytes) else str(host)
    return host in ("", "localhost", "::1", "0.0.0.0", "::", "None") or host.startswith("127.")


def _guard(event, args):
    host = None
    if event == "socket.connect" and isinstance(args[1], tuple):
        host = args[1][0]
    elif event == "socket.getaddrinfo":
        host = args[0]
    if host is not None and not _is_local(host):
        if log := os.environ.get("NETCUT_LOG"):
            with open(log, "a", encoding="utf-8") as handle:
                handle.write(f"{event} {host}\n")
        raise ConnectionRefusedError(f"The network is cut in this test: {host}")


sys.addaudithook(_guard)
