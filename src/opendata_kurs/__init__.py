"""Open-Data-Kurs: the small package that the course notebooks import.

Names are loaded when first used, so that `import opendata_kurs` stays fast on a weak laptop.
"""

from __future__ import annotations

from importlib import import_module

__version__ = "0.1.0"

# public name -> module that holds it
_NAMES = {
    "load_dataset": "datasets",
    "delivery_path": "datasets",
    "resource_path": "datasets",
    "quiz": "questions",
    "antwort": "questions",
    "pruefen": "checks",
    "abgabe": "handin",
    "gespraech": "dialogue",
    "dateninventar": "inventory",
    "fragekarte": "question_card",
    "tageskarte": "introday",
    "start_check": "lesson",
    "quellen": "lesson",
    "stand_sichern": "lesson",
    "stand_laden": "lesson",
}
_MODULES = ("checks", "datasets", "licensing", "maps", "publishing")

__all__ = [*_NAMES, *_MODULES]


def __getattr__(name: str):
    if name in _NAMES:
        return getattr(import_module(f".{_NAMES[name]}", __name__), name)
    if name in _MODULES:
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])


def _switch_on_error_help() -> None:
    """Explain Python errors in German wherever the package is imported in IPython."""
    import sys

    if "IPython" in sys.modules and (shell := sys.modules["IPython"].get_ipython()) is not None:
        from . import errorhelp

        errorhelp.install(shell)


_switch_on_error_help()
