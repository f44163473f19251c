"""Ending processes that may not be our own children."""

from __future__ import annotations

import signal
import time

import psutil


def alive(process: psutil.Process) -> bool:
    """Say whether a process still runs; one that only waits to be reaped does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def end(process: psutil.Process, *steps: tuple[signal.Signals, float]) -> bool:
    """Send signals one after another until the process is gone, waiting the given seconds after each."""
    for how, seconds in steps:
        try:
            process.send_signal(how)
        except psutil.NoSuchProcess:
            return True
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if not alive(process):
                return True
            time.sleep(0.05)
    return not alive(process)
