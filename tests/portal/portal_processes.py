"""Which processes belong to a portal, and whether they have ended."""

from __future__ import annotations

import os
import time
from pathlib import Path

import psutil


def processes(folder: Path) -> list[psutil.Process]:
    """Return every living process of the portal in `folder`, PostgreSQL's helpers included."""
    found = []
    for process in psutil.process_iter():
        try:
            mine = any(str(folder) in argument for argument in process.cmdline())
            if mine and process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE:
                found += [process, *process.children(recursive=True)]
        except psutil.Error:
            continue
    return list({process.pid: process for process in found}.values())


def gone(these: list[psutil.Process], seconds: float = 15) -> bool:
    """Wait until all of these processes have ended."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not any(
            p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in these if psutil.pid_exists(p.pid)
        ):
            return True
        time.sleep(0.1)
    return False
