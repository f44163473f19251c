"""German explanations for the Python errors that beginners meet first."""

from __future__ import annotations


def install(shell) -> None:
    """Show German help above the folded original traceback in the given IPython shell."""
