"""Small verbs that lessons use: start check, sources, saving and restoring one's work."""

from __future__ import annotations

import zipfile
from datetime import datetime
from html import escape
from pathlib import Path, PurePosixPath

_KEEP = {".ipynb", ".json", ".csv", ".geojson", ".html", ".xlsx", ".ttl", ".md", ".txt", ".pdf", ".png"}
_STAND_MAX_BYTES = 50_000_000


class StandError(ValueError):
    """Saving or restoring the Stand failed; the message is a German sentence."""


class _Output:
    """HTML for the notebook with a plain text of the same content."""

    def __init__(self, html: str, text: str):
        self.html, self.text = html, text

    def _repr_mimebundle_(self, **_):
        return {"text/html": self.html, "text/plain": self.text}


def start_check() -> None:
    """Tell in German whether this notebook can be worked on: Python, packages, data, write access."""
    from . import datasets

    problems = []
    try:
        datasets.load_dataset("duesseldorf-stadtteile")
    except Exception as error:
        problems.append(f"Die Kursdaten lassen sich nicht öffnen: {error}")
    try:
        probe = Path(".schreibprobe.tmp")
        probe.write_text("ok", encoding="utf-8")
        probe.unlink()
    except OSError:
        problems.append("In diesem Ordner können Sie nicht speichern. Kopieren Sie den Kurs in einen eigenen Ordner.")
    if problems:
        print("Noch nicht bereit:")
        for problem in problems:
            print("-", problem)
    else:
        print("Alles bereit. Python läuft, die Kursdaten sind da, und Ihr Ordner lässt sich beschreiben.")


def quellen(*slugs: str) -> _Output:
    """Return the list of sources and licences of the named datasets, made from their metadata.

    Raises the loader's German error when a slug is unknown.
    """
    from . import datasets

    items, lines = [], []
    for slug in slugs:
        data = datasets.metadata(slug)
        names = [
            f'<a href="{escape(entry["path"])}">{escape(entry["title"])}</a>' if entry.get("path") else escape(entry["title"])
            for entry in data["licenses"]
        ]
        licence_titles = "; ".join(entry["title"] for entry in data["licenses"])
        note = f" {escape(data['licenceNote'])}" if data["licenses"][0]["name"] == "keine-angabe" else ""
        changes = " ".join(data["changes"])
        items.append(
            f"<li><strong>{escape(data['title'])}</strong><br>Quellenvermerk: {escape(data['creditLine'])}<br>"
            f"Lizenz: {'; '.join(names)}.{note}<br>Was wir geändert haben: {escape(changes)}</li>"
        )
        lines.append(f"{data['title']}\n  Quellenvermerk: {data['creditLine']}\n  Lizenz: {licence_titles}\n"
                     f"  Was wir geändert haben: {changes}")
    # long addresses break anywhere: else the page scrolls sideways on a phone
    return _Output(f'<ul lang="de" style="overflow-wrap:anywhere">{"".join(items)}</ul>', "\n".join(lines))


def _workspace_root(start: Path) -> Path:
    """Return the workspace that holds `start` (it carries .open-data-kurs), else `start` itself."""
    for folder in (start, *start.parents):
        if (folder / ".open-data-kurs").is_dir():
            return folder
    return start


def stand_sichern(folder: str | Path = ".") -> Path:
    """Write all of one's work into a dated zip in the workspace and return its path.

    Binder sessions end and forget everything: the zip is downloaded and later restored with `stand_laden`.
    """
    root = _workspace_root(Path(folder).resolve())
    target = root / f"mein_stand_{datetime.now():%Y-%m-%d_%H-%M-%S}.zip"
    files = [
        path
        for path in sorted(root.rglob("*"))
        if path.is_file() and not path.is_symlink() and path.suffix in _KEEP
        and not any(part.startswith(".") for part in path.relative_to(root).parts)
    ]
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files:
            archive.write(path, path.relative_to(root).as_posix())
    print(f"Gesichert: {len(files)} Dateien in {target.name}.")
    print("Klicken Sie links im Dateibereich mit der rechten Maustaste auf die Datei und wählen Sie „Herunterladen“.")
    return target


def stand_laden(archive: str | Path, folder: str | Path = ".") -> list[Path]:
    """Restore a zip written by `stand_sichern`; what it replaces is kept beside it as `<name>.vorher`.

    Returns the restored files. Raises StandError for anything that is not such a zip.
    """
    root = _workspace_root(Path(folder).resolve())
    source = Path(archive)
    source = source if source.exists() else root / source
    if not source.exists():
        raise StandError(f"Die Datei „{archive}“ ist nicht da. Laden Sie sie zuerst mit dem Pfeil-Knopf links oben hoch.")
    try:
        zipped = zipfile.ZipFile(source)
    except (zipfile.BadZipFile, OSError):
        raise StandError(f"„{source.name}“ ist keine lesbare Zip-Datei. Haben Sie die richtige Datei gewählt?") from None
    restored = []
    with zipped:
        members = [m for m in zipped.infolist() if not m.is_dir()]
        if sum(m.file_size for m in members) > _STAND_MAX_BYTES:
            raise StandError(f"„{source.name}“ ist ausgepackt größer als {_STAND_MAX_BYTES // 1_000_000} MB. Das ist kein Kursstand.")
        for member in members:
            inside = PurePosixPath(member.filename)
            if inside.is_absolute() or ".." in inside.parts or "\\" in member.filename or inside.suffix not in _KEEP:
                raise StandError(f"„{source.name}“ enthält eine Datei, die nicht zum Kurs gehört: {member.filename}")
        for member in members:
            target = root / member.filename
            content = zipped.read(member)
            if target.exists():
                if target.read_bytes() == content:
                    continue
                target.replace(target.with_name(target.name + ".vorher"))
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
            restored.append(target)
    print(f"Geladen: {len(restored)} Dateien. Was vorher da war, liegt daneben mit der Endung „.vorher“.")
    return restored
