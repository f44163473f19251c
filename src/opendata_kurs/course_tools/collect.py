"""Put hand-ins into the trainer's folder. Everything inside a hand-in is foreign: names, sizes, links and JSON."""

from __future__ import annotations

import hashlib
import io
import json
import re
import shutil
import stat
import zipfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from opendata_kurs.handin import MANIFEST, MAX_BYTES, TOKEN

from . import config as cfg
from .feedback import NOTES_FILE, write_notes

_NAME = re.compile(r"abgabe_([0-9a-z_]+?)_([a-z0-9-]{2,20})(?: ?\(\d+\))?\.zip$", re.I)
MAX_FILES = 200
MAX_ZIPS = 2000
MAX_CELLS = 1000
_IGNORE = ("__MACOSX", ".DS_Store", "Thumbs.db")


@dataclass
class Collected:
    """What became of one hand-in. `ok` False: refused, and `message` says why and what to do (German)."""

    name: str
    ok: bool
    message: str
    chapter: str = ""
    student: str = ""
    files: list[str] = field(default_factory=list)


class Refused(ValueError):
    """A hand-in is not taken; the message is German."""


@dataclass
class _Packet:
    name: str
    raw: bytes | None
    files: dict[str, bytes]
    newest: datetime


def collect(sources: list[Path | str], course: cfg.Course) -> list[Collected]:
    """Take hand-ins from zips and folders (also a Moodle or ILIAS download: a zip or folder full of zips).

    The newest hand-in of a Kürzel counts; the received zips stay unchanged in `eingang/`.
    """
    found: list[Collected] = []
    packets: list[_Packet] = []
    for source in map(Path, sources):
        if not source.exists():
            found.append(Collected(source.name, False, f"{source.name}: Diese Datei gibt es nicht."))
            continue
        for name, load in _sources(source):
            try:
                packets.extend(load())
            except Refused as error:
                found.append(Collected(name, False, f"{name}: {error}"))
            except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, EOFError, zipfile.zlib.error):
                found.append(Collected(name, False, f"{name}: Die Zip-Datei ist beschädigt. Bitte lassen Sie neu abgeben."))
    for packet in sorted(packets, key=lambda p: p.newest):
        try:
            found.append(_take(packet, course))
        except Refused as error:
            found.append(Collected(packet.name, False, f"{packet.name}: {error}"))
    return found


def _sources(source: Path):
    if source.is_dir():
        zips = sorted(p for p in source.rglob("*.zip") if p.is_file() and not p.is_symlink())[:MAX_ZIPS]
        for file in zips:
            yield file.name, lambda file=file: _read_zip(file.name, file.read_bytes() if file.stat().st_size <= MAX_BYTES else _too_big())
        unpacked = [p.parent for p in sorted(source.rglob(MANIFEST))] or ([source] if not zips else [])
        for folder in unpacked:
            yield folder.name, lambda folder=folder: [_read_folder(folder)]
    else:
        yield source.name, lambda: _read_zip(source.name, source.read_bytes() if source.stat().st_size <= 20 * MAX_BYTES else _too_big())


def _too_big():
    raise Refused("Die Datei ist zu groß (mehr als 50 MB).")


def _safe_name(name: str) -> str:
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or re.match(r"[a-zA-Z]:", name) or any(ord(c) < 32 for c in name):
        raise Refused("Die Zip-Datei enthält einen unerlaubten Pfad. Sie wurde nicht geöffnet.")
    return str(path)


def _read_zip(name: str, raw: bytes, depth: int = 0) -> list[_Packet]:
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        infos = [i for i in archive.infolist() if not i.is_dir() and not any(part in i.filename for part in _IGNORE)]
        inner = [i for i in infos if i.filename.lower().endswith(".zip")]
        limit = MAX_FILES if not inner else MAX_ZIPS
        if len(infos) > limit:
            raise Refused(f"Die Zip-Datei enthält mehr als {limit} Dateien.")
        for info in infos:
            _safe_name(info.filename)
            if stat.S_ISLNK(info.external_attr >> 16):
                raise Refused("Die Zip-Datei enthält einen Verweis (Symlink). Sie wurde nicht geöffnet.")
        if inner and depth == 0:
            packets = []
            for info in inner:
                packets += _read_zip(PurePosixPath(info.filename).name, _read_member(archive, info, MAX_BYTES), 1)
            return packets
        if sum(i.file_size for i in infos) > MAX_BYTES:
            _too_big()
        left, files = MAX_BYTES, {}
        for info in infos:
            # the size in the header may lie: read with a limit
            files[_safe_name(info.filename)] = _read_member(archive, info, left)
            left -= len(files[_safe_name(info.filename)])
        newest = max((datetime(*i.date_time) for i in infos), default=datetime(1980, 1, 1))
    return [_Packet(name, raw, files, _created(files, newest))]


def _read_member(archive, info, limit: int) -> bytes:
    with archive.open(info) as stream:
        data = stream.read(limit + 1)
    if len(data) > limit:
        _too_big()
    return data


def _read_folder(folder: Path) -> _Packet:
    files, left = {}, MAX_BYTES
    for file in sorted(folder.iterdir()):
        if file.is_symlink():
            raise Refused("Der Ordner enthält einen Verweis (Symlink). Er wurde nicht übernommen.")
        if file.is_file():
            left -= file.stat().st_size
            if left < 0 or len(files) >= MAX_FILES:
                _too_big()
            files[file.name] = file.read_bytes()
    newest = max((f.stat().st_mtime for f in folder.iterdir() if f.is_file()), default=0.0)
    return _Packet(folder.name, None, files, _created(files, datetime.fromtimestamp(newest, UTC).replace(tzinfo=None)))


def _manifest(files: dict[str, bytes]) -> dict:
    try:
        data = json.loads(next((v for k, v in files.items() if PurePosixPath(k).name == MANIFEST), b"{}"))
        return data if isinstance(data, dict) else {}
    except ValueError:
        return {}


def _created(files: dict[str, bytes], fallback: datetime) -> datetime:
    try:
        return datetime.strptime(str(_manifest(files).get("erstellt")), "%Y-%m-%dT%H:%M:%SZ")
    except ValueError:
        return fallback


def _take(packet: _Packet, course: cfg.Course) -> Collected:
    chapter, student = _whose(packet, course)
    flat: dict[str, bytes] = {}
    for name, data in packet.files.items():
        base = PurePosixPath(name).name
        if base not in (MANIFEST, NOTES_FILE) and not base.startswith("."):
            flat.setdefault(base, data)
    target = course.folder("submitted", student, chapter)
    stamp = target / "timestamp.txt"
    when = packet.newest.strftime("%Y-%m-%d %H:%M:%S")
    _keep_original(packet, course, chapter, student)
    if stamp.is_file() and stamp.read_text(encoding="utf-8").strip() > f"{when} UTC":
        return Collected(packet.name, True, f"{student}, {chapter}: Eine neuere Abgabe liegt schon vor. Diese bleibt im Eingang.", chapter, student)
    replaced = target.exists()
    if replaced:
        shutil.rmtree(target)
    target.mkdir(parents=True)
    for name, data in flat.items():
        (target / name).write_bytes(data)
    stamp.write_text(f"{when} UTC\n", encoding="utf-8")
    notes = normalise(target, course.release_dir(chapter))
    message = f"{student}, {chapter}: {len(flat)} Dateien übernommen" + (", ersetzt die ältere Abgabe" if replaced else "")
    trouble = [n for lines in notes.values() for n in lines]
    return Collected(packet.name, True, ". ".join([message, *trouble]).rstrip(".") + ".", chapter, student, sorted(flat))


def _whose(packet: _Packet, course: cfg.Course) -> tuple[str, str]:
    manifest, named = _manifest(packet.files), _NAME.search(packet.name)
    chapter = str(manifest.get("kapitel") or (named[1] if named else ""))
    student = str(manifest.get("kuerzel") or (named[2] if named else "")).lower()
    if not chapter or not student:
        raise Refused("Es ist nicht zu erkennen, zu wem und zu welchem Kapitel das gehört."
                      " Erwartet wird eine Datei abgabe_<Kapitel>_<Kürzel>.zip, wie der Kurs sie schreibt.")
    if not TOKEN.fullmatch(student):
        raise Refused("Das Kürzel enthält unerlaubte Zeichen.")
    if chapter not in course.chapters():
        raise Refused(f"Das Kapitel „{chapter[:40]}“ ist hier nicht ausgegeben. Bitte zuerst: kurs release")
    return chapter, student


def _keep_original(packet: _Packet, course: cfg.Course, chapter: str, student: str) -> None:
    inbox = course.dir / "eingang" / chapter / student
    inbox.mkdir(parents=True, exist_ok=True)
    raw = packet.raw
    if raw is None:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in sorted(packet.files.items()):
                archive.writestr(zipfile.ZipInfo(name), data)
        raw = buffer.getvalue()
    file = inbox / f"{packet.newest:%Y%m%d-%H%M%S}_{hashlib.sha256(raw).hexdigest()[:8]}.zip"
    if not file.exists():
        file.write_bytes(raw)


def normalise(folder: Path, release: Path) -> dict[str, list[str]]:
    """Make a hand-in readable for nbgrader and return German notes by exercise (kept beside it, too).

    Renamed exercises get their name back, a broken notebook is put aside so that the others can be graded, files that
    do not belong to a hand-in of this chapter are left alone. Running it twice changes nothing.
    """
    from .feedback import read_notes

    notes = read_notes(folder)
    exercises = {p.stem: _ids(json.loads(p.read_text(encoding="utf-8"))) for p in sorted(release.glob(f"{cfg.EXERCISES}.ipynb"))}
    for file in sorted(folder.glob("*.ipynb")):
        nb = _notebook(file)
        if nb is None:
            name = file.stem if file.stem in exercises else ""
            _add(notes, name, f"Das Notebook {file.name} ist beschädigt und lässt sich nicht öffnen."
                              " Bitte öffnen Sie es im Kurs, speichern Sie es neu und geben Sie noch einmal ab.")
            file.replace(file.with_name(file.name + ".beschaedigt"))
            continue
        if len(nb["cells"]) > MAX_CELLS:
            _add(notes, file.stem if file.stem in exercises else "", f"Das Notebook {file.name} hat mehr als {MAX_CELLS} Zellen. Es wurde nicht geöffnet."
                                                                     " Bitte löschen Sie überzählige Zellen und geben Sie neu ab.")
            file.replace(file.with_name(file.name + ".nicht-bewertet"))
            continue
        if file.stem in exercises:
            continue
        meant = _meant(nb, exercises)
        if meant is None:
            continue
        target = folder / f"{meant}.ipynb"
        if target.exists():
            _add(notes, meant, f"Zu dieser Übung gibt es zwei Notebooks. Bewertet wurde {target.name}, nicht {file.name}.")
            file.replace(file.with_name(file.name + ".nicht-bewertet"))
        else:
            file.replace(target)
            _add(notes, meant, f"Das Notebook hieß {file.name}. Wir haben es als {target.name} erkannt.")
    if not any((folder / f"{name}.ipynb").exists() for name in exercises) and not any(w in n for v in notes.values() for n in v for w in ("beschädigt", "mehr als")):
        _add(notes, "", "Die Abgabe enthält keine Übung dieses Kapitels. Bitte geben Sie mit abgabe() im Übungs-Notebook neu ab.")
    if notes:
        write_notes(folder, notes)
    return notes


def _add(notes: dict[str, list[str]], name: str, line: str) -> None:
    if line not in notes.setdefault(name, []):
        notes[name].append(line)


def _notebook(file: Path) -> dict | None:
    import nbformat

    try:
        nb = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(nb, dict) or not isinstance(nb.get("cells"), list) or not isinstance(nb.get("metadata"), dict):
            return None
        nbformat.reads(json.dumps(nb), as_version=4)
        return nb
    except Exception:  # whatever nbformat dislikes, nbgrader cannot read either
        return None


def _ids(nb: dict) -> set[str]:
    found = set()
    for cell in nb["cells"]:
        meta = cell.get("metadata") if isinstance(cell, dict) else None
        data = meta.get("nbgrader") if isinstance(meta, dict) else None
        if isinstance(data, dict) and isinstance(data.get("grade_id"), str):
            found.add(data["grade_id"])
    return found


def _meant(nb: dict, exercises: dict[str, set[str]]) -> str | None:
    told = nb["metadata"].get("opendata_kurs", {})
    told = told.get("uebung") if isinstance(told, dict) else None
    if told in exercises:
        return told
    ids = _ids(nb)
    best = max(exercises, key=lambda name: len(ids & exercises[name]), default=None)
    return best if best and ids and len(ids & exercises[best]) * 2 >= len(exercises[best]) else None


__all__ = ["NOTES_FILE", "Collected", "Refused", "collect", "normalise"]
