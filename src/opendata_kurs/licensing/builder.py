"""A form in which a credit line lights up part by part; the browser only renders, the kernel checks."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from html import escape

from .credit import credit_checklist, credit_parts, credit_summary, mark

_LONGEST = 5000


def credit_state(text: str, datasets: str | Mapping | Iterable, changed: bool = True) -> dict:
    """Return what the form shows: the parts by source, one sentence, and the finished Python line (else empty)."""
    parts = credit_parts(text, datasets, changed)
    complete = all(part.present for part in parts if part.needed)
    return {
        "parts": [
            {"dataset": part.dataset, "label": part.label, "needed": part.needed, "present": part.present, "mark": mark(part)}
            for part in parts
        ],
        "summary": credit_summary(parts),
        "complete": complete,
        "line": f"quellenvermerk = {json.dumps(text.strip(), ensure_ascii=False)}" if complete and text.strip() else "",
    }


def reading_version(state: dict) -> str:
    """Return the parts as a plain HTML list, for pages without a kernel."""
    items = "".join(
        f"<li>{escape(part['mark'])} – {escape(part['dataset'])}: {escape(part['label'])}</li>" for part in state["parts"]
    )
    return (f'<div lang="de"><p><strong>Was in den Quellenvermerk gehört</strong> (Lesefassung; zum Schreiben führen Sie '
            f'die Zelle aus)</p><ul>{items}</ul><p>{escape(state["summary"])}</p></div>')


def credit_builder(datasets: str | Mapping | Iterable, text: str = "", changed: bool = True) -> None:
    """Show a form for composing a credit line: each part lights up as soon as the text has it.

    Parameters: `datasets` slugs, provenance dicts or datapackages as in `check_credit_line`; `text` what the field holds
    at first; `changed` whether the data were changed. Where widgets do not work, the list is printed instead.
    """
    wanted = [datasets] if isinstance(datasets, str | Mapping) else list(datasets)
    if os.environ.get("NBGRADER_EXECUTION"):
        credit_checklist(text, wanted, changed)
        return
    try:
        from IPython.display import display

        from .credit_widget import CreditWidget
    except ImportError:
        credit_checklist(text, wanted, changed)
        return
    display(CreditWidget(wanted, text[:_LONGEST], changed))
