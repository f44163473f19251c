"""Where the course lies, for tests that need it."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RAW = ROOT.parent / "shared" / "rohdaten"
CHAPTERS = sorted(p for p in (ROOT / "course").iterdir() if p.is_dir() and p.name[:2].isdigit())


def notebooks(pattern: str) -> list[Path]:
    """Return the course notebooks that match, in chapter order."""
    return [p for chapter in CHAPTERS for p in sorted(chapter.glob(pattern))]


def notebook_id(path: Path) -> str:
    """Return a short readable id for parametrised tests."""
    return f"{path.parent.name[:2]}-{path.stem}"
