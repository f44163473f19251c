"""Control cells: they must fail. One that passes shows that its interpreter no longer tells right from wrong.

They are the second line of defence. The first is that checks run on exported data in a process of their own. In the
learner's process a control runs after each check: it tells the trainer that somebody rebuilt the checks, and it
decides about results of which only the type can be exported. In the test process each check that passed runs once
more, on values that are never right: a library that a saved file has broken cannot let everything pass unseen. It
stops at the first complaint, so it costs next to nothing; that hidden tests complain by themselves is shown for the
whole course by tests/test_grading_control.py.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from . import values

IN_NOTEBOOK = "from opendata_kurs.checks import check_number as _kurs_kontrolle\n_kurs_kontrolle(1, 2, name='Kontrolle')"
NEVER = "§ Kontrolle: das ist nie richtig §"


class Kontrolle(values.Unknown):
    """Stands for a result that no check may accept."""


def wrong(value: Any) -> Any:
    """Return something of the same kind that is never right, so that a check looks at it and says no."""
    if isinstance(value, bool) or value is None:
        return Kontrolle()
    if isinstance(value, int | float):
        return -987_654_321 if isinstance(value, int) else -math.pi * 1e9
    if isinstance(value, str):
        return NEVER
    if isinstance(value, Path):
        return Path("kontrolle-gibt-es-nicht.html")
    if isinstance(value, list | tuple | set | frozenset):
        return type(value)([NEVER])
    if isinstance(value, dict):
        return {NEVER: NEVER}
    return Kontrolle()


def fails(shell: Any, source: str) -> bool:
    """Run a control cell in `shell` without a trace and return whether it failed, as it must."""
    send, show = shell.send, shell.__dict__.get("showtraceback")
    shell.send = lambda output: None
    shell.showtraceback = lambda *_a, **_k: None  # nobody reads it, and it costs the most
    try:
        result = shell.run_cell(source, store_history=False, silent=True)
        return (result.error_before_exec or result.error_in_exec) is not None
    except Exception:
        return False
    finally:
        shell.send = send
        if show is None:
            del shell.showtraceback
        else:
            shell.showtraceback = show
        shell.user_ns.pop("_kurs_kontrolle", None)
