"""What all forms in a notebook share: the helpers of forms.js, put before each form's own script.

A widget's script is one text without imports: the browser loads it from memory and asks no server.
"""

from __future__ import annotations

from pathlib import Path

_SHARED = Path(__file__).with_name("forms.js")


def script(own: Path) -> str:
    """Return the script of a form: the shared helpers, then the file OWN.

    Args:
        own: the form's JavaScript file; it may use `element`, `keepShortcutsAway`, `suppressShortcuts` and `PATIENCE`.
    """
    return _SHARED.read_text(encoding="utf-8") + "\n" + own.read_text(encoding="utf-8")
