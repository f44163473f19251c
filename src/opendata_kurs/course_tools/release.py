"""Make the learners' material: exercises without solutions, lessons, images, public question parts.

`build_release` needs no gradebook and serves the learner's workspace; `release` fills a trainer's folder through
nbgrader's own generate and writes one zip per chapter. Both end with `leaks`, which refuses to hand out a secret.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import zipfile
from pathlib import Path

import nbformat

from opendata_kurs import paths

from . import config as cfg
from .preprocessors import CourseFileError, quiz_name, rubric_lines

_IMAGES = (".png", ".jpg", ".jpeg", ".svg", ".webp", ".gif")
_MARKERS = (cfg.SOLUTION_BEGIN, cfg.SOLUTION_END, cfg.TESTS_BEGIN, cfg.TESTS_END, cfg.RUBRIC_BEGIN, cfg.RUBRIC_END,
            "BEGIN SOLUTION", "BEGIN HIDDEN TESTS", "BEGIN MARK SCHEME")


def chapter_names(course_dir: Path | None = None) -> list[str]:
    """Return the chapters of the course in order."""
    base = course_dir or paths.course_dir()
    return sorted(p.name for p in base.iterdir() if re.match(r"\d\d_", p.name) and any(p.glob("*.ipynb")))


def resolve_chapter(name: str, names: list[str]) -> str:
    """Return the chapter meant by `03`, `3` or `03_kartenworkshop`; raise `CourseFileError` in German otherwise."""
    hits = [n for n in names if n == name or (name.isdigit() and n.startswith(f"{int(name):02d}_"))]
    if len(hits) != 1:
        raise CourseFileError(f"Das Kapitel „{name}“ gibt es nicht. Vorhanden: {', '.join(names) or 'noch keines'}.")
    return hits[0]


def _copy_chapter_source(source: Path, target: Path) -> None:
    """Copy what a release is made of; whatever else lies in the chapter (trainers' notes) cannot leak."""
    target.mkdir(parents=True)
    for pattern in ("*.ipynb", "kapitel.yml", "fragen/*.yml", "bilder/*", "antworten-*.json"):
        for file in source.glob(pattern):
            (target / file.relative_to(source)).parent.mkdir(exist_ok=True)
            shutil.copyfile(file, target / file.relative_to(source))


def add_lessons(source: Path, release: Path) -> None:
    """Copy lessons, images and the public part of the lessons' questions; nbgrader leaves every notebook but exercises out."""
    from opendata_kurs.questions import model

    glossary = paths.docs_dir() / "glossar.md"
    for lesson in sorted(p for p in source.glob("*.ipynb") if not p.name.startswith("uebung_")):
        # a fetched chapter stands alone, so the glossary lies beside its lessons
        text = lesson.read_text(encoding="utf-8").replace("](../../docs/glossar.md", "](glossar.md")
        (release / lesson.name).write_text(text, encoding="utf-8")
        if "](glossar.md" in text:
            shutil.copyfile(glossary, release / glossary.name)
        for cell in nbformat.read(lesson, as_version=4).cells:
            if name := quiz_name(cell):
                quiz = model.load(source / "fragen" / f"{name}.yml")
                (release / model.public_file_name(name)).write_bytes(model.public_file(quiz))
    for image in sorted((source / "bilder").glob("*")) if (source / "bilder").is_dir() else []:
        if image.suffix.lower() in _IMAGES:
            (release / "bilder").mkdir(exist_ok=True)
            shutil.copyfile(image, release / "bilder" / image.name)


def build_release(target_dir: Path | str, chapters: list[str] | None = None, course_dir: Path | None = None) -> list[Path]:
    """Write the learners' version of the chapters below `target_dir` and return the chapter folders.

    Existing files are replaced, other files (a learner's answers) stay. Works from a wheel: the source is
    `paths.course_dir()` unless `course_dir` is given.
    """
    source = Path(course_dir or paths.course_dir())
    target = Path(target_dir)
    made = []
    with tempfile.TemporaryDirectory(prefix="kurs-ausgabe-") as tmp:
        course = cfg.Course(tmp)
        for chapter in chapters or chapter_names(source):
            _generate(course, source / chapter, chapter)
            shutil.copytree(course.release_dir(chapter), target / chapter, dirs_exist_ok=True)
            made.append(target / chapter)
    return made


def _generate(course: cfg.Course, source: Path, chapter: str) -> None:
    snapshot = course.source / chapter
    if snapshot.exists():
        shutil.rmtree(snapshot)
    _copy_chapter_source(source, snapshot)
    release = course.release_dir(chapter)
    if any(snapshot.glob(f"{cfg.EXERCISES}.ipynb")):
        try:
            course.generate(chapter)
        except cfg.GradingFailed as error:
            raise CourseFileError(_german_reason(chapter, error)) from error
    release.mkdir(parents=True, exist_ok=True)
    add_lessons(snapshot, release)
    if found := leaks(snapshot, release):
        shutil.rmtree(release)
        raise CourseFileError("Die Ausgabe wurde angehalten. Sie enthielte Geheimes:\n- " + "\n- ".join(found))


def _german_reason(chapter: str, error: cfg.GradingFailed) -> str:
    text = f"{error.log}\n{error}"
    own = re.findall(r"(?:CourseFileError|QuizError): ([^\n]+)", text)
    if own:
        return own[-1]
    if "there are submissions associated" in text:
        return (f"{chapter}: Es gibt schon Abgaben zu diesem Kapitel. Aufgaben lassen sich nicht mehr hinzufügen oder entfernen."
                " Legen Sie für die neue Fassung einen neuen Kursordner an (--kursordner).")
    return f"{chapter}: nbgrader hat die Aufgabe nicht erzeugt. Letzte Meldung: {text.strip().splitlines()[-1][:300]}"


def secrets(source: Path) -> dict[str, str]:
    """Return the secret lines of a chapter's source and where each comes from."""
    from opendata_kurs.questions import model

    found: dict[str, str] = {}
    for file in sorted(source.glob(f"{cfg.EXERCISES}.ipynb")):
        for cell in nbformat.read(file, as_version=4).cells:
            secret = False
            for line in cell.source.splitlines():
                if cfg.SOLUTION_BEGIN in line or cfg.TESTS_BEGIN in line:
                    secret = True
                elif cfg.SOLUTION_END in line or cfg.TESTS_END in line:
                    secret = False
                elif secret and len(line.strip()) >= 12 and not line.strip().startswith(("from ", "import ", "#")):
                    found[line.strip()] = f"{file.name}: Lösung oder versteckte Prüfung"
    for file in sorted((source / "fragen").glob("*.yml")):
        quiz = model.load(file)
        found[model.pack(quiz)] = f"{file.name}: Schlüssel"
        for question in quiz["fragen"]:
            for line in rubric_lines(question) if quiz["benotet"] else []:
                found[line] = f"{file.name}: Bewertungshinweise"
            if quiz["modus"] == "test":
                reasons = [o.get("weil", "") for o in question.get("optionen", []) + question.get("links", [])]
                for text in [*reasons, question.get("erklaerung", "")]:
                    if len(text) >= 20:
                        found[text] = f"{file.name}: Begründung"
    return found


def leaks(source: Path, release: Path) -> list[str]:
    """Return what a release would give away: solutions, hidden tests, keys, rubric, trainer files. Empty is good."""
    problems = []
    known = secrets(source)
    for file in sorted(p for p in release.rglob("*") if p.is_file()):
        name = file.relative_to(release).as_posix()
        if file.suffix not in (".ipynb", ".json", *_IMAGES, ".csv", ".geojson", ".txt") and name != "glossar.md":
            problems.append(f"{name}: Diese Art Datei gehört nicht in die Ausgabe")
        if file.name.startswith("antworten-"):
            problems.append(f"{name}: eine Antwortdatei")
        if file.suffix not in (".ipynb", ".json", ".csv", ".txt"):
            continue
        text = file.read_text(encoding="utf-8", errors="replace")
        if file.suffix == ".ipynb":
            text = "\n".join(_notebook_texts(json.loads(text)))
        elif file.suffix == ".json" and (file.name.startswith("quiz-")):
            content = json.loads(text)
            if content.get("fragen", {}).get("modus") == "test" and "schluessel" in content:
                problems.append(f"{name}: Schlüssel in einer Datei mit Modus test")
            text = "\n".join(_strings({k: v for k, v in content.items() if k != "schluessel"}))
        is_lesson = file.suffix == ".ipynb" and not file.name.startswith("uebung_")
        if not is_lesson:
            problems += [f"{name}: Marke „{m}“" for m in _MARKERS if m in text]
            problems += [f"{name}: {where}" for secret, where in known.items() if secret in text]
    return sorted(set(problems))


def _notebook_texts(nb: dict) -> list[str]:
    return [s for cell in nb.get("cells", []) for s in ("".join(cell.get("source", "")), *_strings(cell.get("outputs", [])), *_strings(cell.get("metadata", {})))]


def _strings(value) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [s for k, v in value.items() for s in (str(k), *_strings(v))]
    return [s for v in value for s in _strings(v)] if isinstance(value, list) else []


def write_zip(folder: Path, target: Path) -> Path:
    """Pack a folder into a zip whose first level is the folder's name."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(p for p in folder.rglob("*") if p.is_file()):
            archive.write(file, f"{folder.name}/{file.relative_to(folder).as_posix()}")
    return target


def release(course: cfg.Course, chapters: list[str] | None = None, course_dir: Path | None = None, exchange: Path | None = None) -> list[Path]:
    """Release chapters from a trainer's folder: snapshot of the source, nbgrader's generate, lessons, zip, rubric sheet.

    With `exchange` the chapter is also put into nbgrader's exchange folder. Returns the zips (`ausgabe/<chapter>.zip`).
    """
    source = Path(course_dir or paths.course_dir())
    zips = []
    for chapter in chapters or chapter_names(source):
        _generate(course, source / chapter, chapter)
        write_rubric_sheet(course.source / chapter, course.dir / "bewertungsboegen" / f"{chapter}.md")
        zips.append(write_zip(course.release_dir(chapter), course.dir / "ausgabe" / f"{chapter}.zip"))
        if exchange is not None:
            to_exchange(course, chapter, exchange)
    return zips


def to_exchange(course: cfg.Course, chapter: str, exchange: Path) -> None:
    """Put a released chapter into nbgrader's exchange folder (file system; not on Windows)."""
    from nbgrader.coursedir import CourseDirectory
    from nbgrader.exchange.default import ExchangeReleaseAssignment

    config = course.config()
    config.Exchange.root = str(exchange)
    # nbgrader's ignore list keeps folders of the source out of hand-ins; the release's images must pass
    config.CourseDirectory.ignore = [".ipynb_checkpoints", "*.pyc", "__pycache__", "feedback"]
    coursedir = CourseDirectory(config=config)
    coursedir.assignment_id = chapter
    with cfg.quiet():
        ExchangeReleaseAssignment(coursedir=coursedir, config=config, force=True).start()


def write_rubric_sheet(source: Path, target: Path) -> Path | None:
    """Write the rubric of all free texts of a chapter for the trainer (Markdown); None when there is none."""
    from opendata_kurs.questions import model

    parts = []
    for file in sorted((source / "fragen").glob("*.yml")):
        quiz = model.load(file)
        for q in model.manual_questions(quiz):
            lines = "\n".join(f"- {line}" for line in rubric_lines(q))
            parts.append(f"## {quiz['titel']}, Frage {q['nr']}\n\n{q['frage']}\n\n{lines}\n")
    if not parts:
        return None
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(f"# Bewertungsbogen {source.name}\n\nNur für die Kursleitung.\n\n" + "\n".join(parts), encoding="utf-8")
    return target
