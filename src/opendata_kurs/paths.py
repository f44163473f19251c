"""Where the parts of the course lie: in the repository, or inside the installed wheel."""

from __future__ import annotations

from pathlib import Path

import platformdirs

_PACKAGED = Path(__file__).parent / "_data"
_APP = "open-data-kurs"


def repo_root() -> Path | None:
    """Return the repository's root, or None when the package was installed as a wheel."""
    if _PACKAGED.is_dir():
        return None
    root = Path(__file__).resolve().parents[2]
    return root if (root / "course").is_dir() else None


def _part(name: str) -> Path:
    return (repo_root() or _PACKAGED) / name


def course_dir() -> Path:
    """Return the folder with the four chapters (the source, with solutions)."""
    return _part("course")


def datasets_dir() -> Path:
    """Return the folder with the prepared extracts."""
    return _part("datasets")


def docs_dir() -> Path:
    """Return the folder with glossary, tracks and sources."""
    return _part("docs")


def default_workspace() -> Path:
    """Return the learner's workspace, `~/Open-Data-Kurs`."""
    return Path.home() / "Open-Data-Kurs"


def default_trainer_dir() -> Path:
    """Return the trainer's folder, `~/Open-Data-Kurs-Leitung` (gradebook, hand-ins, feedback, backups)."""
    return Path.home() / "Open-Data-Kurs-Leitung"


def cache_dir() -> Path:
    """Return the user's cache folder for things that can be made again."""
    return Path(platformdirs.user_cache_dir(_APP, appauthor=False))


def data_dir() -> Path:
    """Return the user's data folder for state that must survive (portal, for example)."""
    return Path(platformdirs.user_data_dir(_APP, appauthor=False))
