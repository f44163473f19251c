"""The learner's workspace: lessons and exercises go in, the learner's work is never overwritten.

A manifest in the workspace (`.open-data-kurs/manifest.json`) remembers what was delivered. When the course
changes, a file the learner left alone is replaced; next to a file with her work lies the new version as
`<name>.neu.ipynb`.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from . import __version__
from .paths import cache_dir, course_dir, data_dir, repo_root

STATE = ".open-data-kurs"
_LESSON = "lektion_*.ipynb"
_EXERCISE = "uebung_*.ipynb"
_DAY = "einfuehrungstag*.ipynb"
# What the released files depend on besides the course folder.
_MAKERS = ("course_tools", "questions", "workspace.py")


class ReleaseProblem(Exception):
    """The exercises could not be made ready; the text is German."""


@dataclass
class Report:
    """What `build_workspace` did; paths are relative to the workspace."""

    target: Path
    added: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    beside: dict[str, str] = field(default_factory=dict)
    problem: str = ""

    def messages(self) -> list[str]:
        """Return German sentences for the learner; none when there is nothing to say."""
        lines = []
        if self.added and len(self.added) == len(self.added + self.replaced + self.kept):
            lines.append(f"Ihr Arbeitsordner ist fertig: {self.target}")
        elif self.added:
            lines.append(f"Neu in Ihrem Arbeitsordner: {_count(self.added)}.")
        if self.replaced:
            lines.append(f"Auf dem neuen Stand: {_count(self.replaced)}. Dort hatten Sie nichts geändert.")
        for old, new in self.beside.items():
            lines.append(f"„{old}“ gibt es in einer neuen Fassung. Ihre Arbeit bleibt, wie sie ist.\n"
                         f"   Die neue Fassung liegt daneben: „{new}“.")
        if self.problem:
            lines.append(self.problem)
        return lines


def _count(names: list[str]) -> str:
    return "1 Datei" if len(names) == 1 else f"{len(names)} Dateien"


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def work_hash(path: Path, content: bytes | None = None) -> str:
    """Return a hash of what a learner can change on purpose.

    Running a lesson changes its outputs, which is not work worth keeping; so for lessons only the cells'
    sources count. In an exercise every byte counts (saved answers may lie in the outputs).
    """
    content = path.read_bytes() if content is None else content
    if path.match(_LESSON) or path.match(_DAY):
        try:
            cells = json.loads(content)["cells"]
            sources = [[cell["cell_type"], "".join(cell["source"])] for cell in cells]
            return _sha256(json.dumps(sources, ensure_ascii=False).encode())
        except (ValueError, KeyError, TypeError):
            pass
    return _sha256(content)


def chapters(source: Path | None = None) -> list[str]:
    """Return the chapters' folder names in order."""
    source = source or course_dir()
    return sorted(d.name for d in source.iterdir() if d.is_dir() and any(d.glob(_LESSON)))


def first_lesson(workspace: Path, chapter: int = 1) -> str | None:
    """Return the first lesson of chapter number CHAPTER, relative to WORKSPACE (None: there is none)."""
    found = sorted(workspace.glob(f"{chapter:02d}_*/{_LESSON}"))
    plain = [p for p in found if ".neu" not in p.name]
    return plain[0].relative_to(workspace).as_posix() if plain else None


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith((".", "__")) for part in path.relative_to(folder).parts)
        if path.is_file() and not hidden:
            yield path


def course_version(source: Path | None = None) -> str:
    """Return a hash that changes when a delivered file can change."""
    source = source or course_dir()
    found = hashlib.sha256(__version__.encode())
    package = Path(__file__).parent
    makers = [package / name for name in _MAKERS]
    for base in (source, *(m for m in makers if m.is_dir())):
        for path in _files(base):
            found.update(path.relative_to(base).as_posix().encode() + b"\0" + path.read_bytes())
    for maker in makers:
        if maker.is_file():
            found.update(maker.read_bytes())
    return found.hexdigest()[:16]


@cache
def _build_dir() -> Path:
    """Return where things lie that can be made again."""
    root = repo_root()
    if root is not None:
        try:
            (root / "build").mkdir(exist_ok=True)
            with tempfile.TemporaryFile(dir=root / "build"):
                return root / "build"
        except OSError:
            pass
    return cache_dir()


def _lessons(source: Path, target: Path) -> None:
    """Copy what needs no preparation: lessons, pictures, the chapter's description."""
    for chapter in chapters(source):
        folder = source / chapter
        for path in [*folder.glob(_LESSON), *folder.glob(_DAY), *folder.glob("kapitel.yml"), *_files(folder / "bilder")]:
            new = target / path.relative_to(source)
            new.parent.mkdir(parents=True, exist_ok=True)
            new.write_bytes(path.read_bytes())


def _exercises(source: Path, target: Path) -> None:
    """Add the released exercises and the public part of the questions."""
    name = f"{__package__}.course_tools.release"
    if source != course_dir() or not find_spec(f"{__package__}.course_tools") or not find_spec(name):
        return
    if not any(source.glob(f"*/{_EXERCISE}")):
        return
    try:
        import_module(name).build_release(target)
    except Exception as error:
        reason = str(error.args[0] if error.args else error).strip() or type(error).__name__
        reason = "\n   ".join(reason.splitlines()[:4])
        raise ReleaseProblem(f"Die Übungen fehlen noch: {reason}\n"
                             "   Die Lektionen können Sie schon bearbeiten.") from error


def delivery(source: Path | None = None) -> Path:
    """Return the folder with everything the learner gets in this version of the course; made once.

    Raises `ReleaseProblem` when the exercises cannot be made ready; nothing is cached then.
    """
    source = source or course_dir()
    folder = _build_dir() / f"lieferung-{course_version(source)}"
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="lieferung-neu-") as temporary:
        fresh = Path(temporary) / "kurs"
        fresh.mkdir()
        _lessons(source, fresh)
        _exercises(source, fresh)
        old = [d for d in folder.parent.glob("lieferung-*") if d.is_dir() and d != Path(temporary)]
        try:
            fresh.rename(folder)
        except OSError:
            if not folder.is_dir():  # another process was faster
                raise
        for superseded in sorted(old, key=lambda d: d.stat().st_mtime)[:-2]:
            shutil.rmtree(superseded, ignore_errors=True)
    return folder


def _read_manifest(workspace: Path) -> dict:
    try:
        found = json.loads((workspace / STATE / "manifest.json").read_text(encoding="utf-8"))
        return found if isinstance(found.get("files"), dict) else {"files": {}}
    except (OSError, ValueError, AttributeError):
        return {"files": {}}


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.neu")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _beside(path: Path, delivered: dict[str, str], workspace: Path) -> Path:
    """Return a free name next to PATH; a copy we put there earlier, and she left alone, may be replaced."""
    for number in range(1, 1000):
        new = path.with_name(f"{path.stem}.neu{'' if number == 1 else f'-{number}'}{path.suffix}")
        if not new.exists() or work_hash(new) == delivered.get(new.relative_to(workspace).as_posix()):
            return new
    raise OSError(f"zu viele Fassungen: {path}")


def build_workspace(target: Path | str, source: Path | None = None) -> Report:
    """Create or update the workspace TARGET from the course folder SOURCE and return what was done.

    Files with the learner's work are never touched. Raises OSError when TARGET cannot be written.
    """
    target, source = Path(target), source or course_dir()
    report = Report(target)
    manifest = _read_manifest(target)
    version = course_version(source)
    delivered: dict[str, str] = manifest["files"]
    if manifest.get("course_version") == version and all((target / name).exists() for name in delivered):
        report.kept = list(delivered)
        return report

    try:
        folder, temporary = delivery(source), None
    except ReleaseProblem as problem:
        report.problem, version = str(problem), ""
        temporary = tempfile.TemporaryDirectory()
        folder = Path(temporary.name)
        _lessons(source, folder)
    try:
        _deliver(folder, target, delivered, report)
    finally:
        if temporary:
            temporary.cleanup()
    state = {"course_version": version, "package": __version__, "files": dict(sorted(delivered.items()))}
    _write(target / STATE / "manifest.json", (json.dumps(state, indent=1, ensure_ascii=False) + "\n").encode())
    changed = [target / n for n in (*report.added, *report.replaced, *report.beside.values())]
    trust([p for p in changed if p.suffix == ".ipynb"], jupyter_dir(target) / "data")
    return report


def _deliver(folder: Path, target: Path, delivered: dict[str, str], report: Report) -> None:
    """Bring the files of FOLDER into TARGET and note them in DELIVERED and REPORT."""
    kept_text = ""
    # Notebooks first: questions that belong to an exercise with answers must stay as they were.
    for path in sorted(_files(folder), key=lambda p: (p.suffix != ".ipynb", p)):
        name = path.relative_to(folder).as_posix()
        content = path.read_bytes()
        mine, new_hash = target / name, work_hash(path, content)
        if not mine.exists():
            _write(mine, content)
            report.added.append(name)
        elif mine.read_bytes() == content:
            report.kept.append(name)
        elif (current := work_hash(mine)) == delivered.get(name):
            if current == new_hash:  # only outputs differ: hers are as good as ours
                report.kept.append(name)
            elif mine.stem.startswith("quiz-") and f'"{mine.stem[5:]}"' in kept_text.replace("'", '"'):
                report.kept.append(name)
                continue
            else:
                _write(mine, content)
                report.replaced.append(name)
        else:
            report.kept.append(name)
            if mine.match(_EXERCISE):
                kept_text += mine.read_text(encoding="utf-8", errors="replace").replace('\\"', '"')
            if new_hash not in (delivered.get(name), current):
                new = _beside(mine, delivered, target)
                _write(new, content)
                beside = new.relative_to(target).as_posix()
                report.beside[name] = beside
                delivered[beside] = new_hash
        delivered[name] = new_hash


def jupyter_dir(workspace: Path) -> Path:
    """Return the folder for Jupyter's own settings and state of this workspace, apart from the person's others."""
    mark = _sha256(str(workspace.resolve()).encode())[:8]
    return data_dir() / f"jupyter-{mark}"


def trust(notebooks: list[Path], folder: Path) -> None:
    """Sign NOTEBOOKS for the Jupyter with the data folder FOLDER, so that maps show without a warning."""
    if not notebooks:
        return
    import nbformat
    from nbformat.sign import NotebookNotary

    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    notary = NotebookNotary(data_dir=str(folder))
    try:
        for path in notebooks:
            notary.sign(nbformat.read(path, as_version=4))
    finally:
        notary.store.close()
