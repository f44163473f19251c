"""Grading round trips as data: hand-ins with hand-written points, run through real nbgrader.

The format of `tests/roundtrips/<chapter>__<exercise>.yml` is described in docs/uebung_anlegen.md.
"""

from __future__ import annotations

import copy
import html
import re
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import yaml

from opendata_kurs.questions import model, storage
from opendata_kurs.questions.numbers import format_number

from . import config as cfg
from .feedback import results, write_feedback
from .grade import grade_one
from .preprocessors import number
from .release import _generate
from .sanitizers import grade_id

_HANDIN_FIELDS = {"name", "basis", "antworten", "loesungen", "freitext", "punkte", "summe", "wartet", "meldungen", "nicht"}


class RoundTripError(ValueError):
    """A round-trip file is not usable; the message is German and names the place."""


@dataclass
class Outcome:
    """What a hand-in got. `problems` are the differences from the file (empty: as expected)."""

    exercise: str
    name: str
    points: float
    max: float
    cells: dict[str, float | None]
    problems: list[str] = field(default_factory=list)


def load(path: Path) -> dict[str, Any]:
    """Read and check a round-trip file; `basis` is resolved."""
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    for key in ("kapitel", "uebung", "abgaben"):
        if not isinstance(data, dict) or not data.get(key):
            raise RoundTripError(f"{path.name}: „{key}:“ fehlt.")
    if path.stem != f"{data['kapitel']}__{data['uebung']}":
        raise RoundTripError(f"{path.name}: Der Dateiname muss {data['kapitel']}__{data['uebung']}.yml heißen.")
    known: dict[str, dict] = {}
    for handin in data["abgaben"]:
        if unknown := set(handin) - _HANDIN_FIELDS:
            raise RoundTripError(f"{path.name}, {handin.get('name')}: unbekannte Angabe {', '.join(sorted(unknown))}.")
        if not re.fullmatch(r"[a-z0-9-]{2,40}", str(handin.get("name", ""))) or handin["name"] in known:
            raise RoundTripError(f"{path.name}: Jede Abgabe braucht einen eigenen „name:“ aus a-z, 0-9 und Bindestrich.")
        if "punkte" not in handin or "summe" not in handin:
            raise RoundTripError(f"{path.name}, {handin['name']}: „punkte:“ und „summe:“ von Hand eintragen.")
        base = handin.get("basis")
        if base and base not in known:
            raise RoundTripError(f"{path.name}, {handin['name']}: „basis: {base}“ steht nicht weiter oben.")
        merged = copy.deepcopy(known[base]) if base else {}
        for part in ("antworten", "loesungen", "freitext"):
            new, old = handin.get(part), merged.get(part)
            if isinstance(new, dict) and isinstance(old, str):
                new = {"": old, **new}
            elif isinstance(new, dict) and isinstance(old, dict):
                new = {**old, **{k: ({**old[k], **v} if isinstance(v, dict) and isinstance(old.get(k), dict) else v) for k, v in new.items()}}
            if new is not None:
                merged[part] = new
        if base:  # points not repeated stay those of the base
            merged["punkte"] = {**merged.get("punkte", {}), **handin["punkte"]}
        else:
            merged["punkte"] = handin["punkte"]
        merged.update({k: handin[k] for k in ("name", "summe", "wartet", "meldungen", "nicht") if k in handin})
        for k in ("meldungen", "nicht"):
            if k not in handin:
                merged.pop(k, None)
        known[handin["name"]] = merged
    return data | {"abgaben": list(known.values())}


class RoundTrips:
    """Runs round trips; a chapter is generated once per instance."""

    def __init__(self, course_dir: Path, work: Path) -> None:
        """Use the course's source `course_dir` and the scratch folder `work`."""
        self.course_dir, self.work = Path(course_dir), Path(work)
        self._courses: dict[str, cfg.Course] = {}

    def course(self, chapter: str) -> cfg.Course:
        """Return the trainer's folder with `chapter` released."""
        if chapter not in self._courses:
            course = cfg.Course(self.work / chapter)
            _generate(course, self.course_dir / chapter, chapter)
            self._courses[chapter] = course
        return self._courses[chapter]

    def run(self, path: Path) -> list[Outcome]:
        """Run all hand-ins of one file and compare with the written points and messages."""
        data = load(path)
        course = self.course(data["kapitel"])
        return [self._one(course, data, handin) for handin in data["abgaben"]]

    def run_mutated(self, path: Path) -> tuple[str, Outcome | None]:
        """Break one check of the exercise and run the hand-ins that depend on it.

        Returns what was broken, and the first hand-in that no longer came out as written (None: nobody noticed).
        """
        data = load(path)
        course_dir = self.work / f"mutation-{path.stem}"
        shutil.rmtree(course_dir, ignore_errors=True)
        others = [file.name for file in (self.course_dir / data["kapitel"]).glob("*.ipynb") if file.stem != data["uebung"]]
        shutil.copytree(self.course_dir / data["kapitel"], course_dir / data["kapitel"], ignore=shutil.ignore_patterns(*others))
        cell, what = mutate(course_dir / data["kapitel"], data["uebung"], data.get("mutation"))
        course = RoundTrips(course_dir, course_dir / "leitung").course(data["kapitel"])
        best = data["abgaben"][0]["punkte"].get(cell)
        for handin in sorted(data["abgaben"], key=lambda h: h["name"] == "leer"):
            if handin["punkte"].get(cell) != best:
                outcome = self._one(course, data, handin)
                if outcome.problems:
                    return what, outcome
        return what, None

    def _one(self, course: cfg.Course, data: dict, handin: dict) -> Outcome:
        chapter, exercise = data["kapitel"], data["uebung"]
        student = f"{exercise.replace('_', '-')}--{handin['name']}"
        build_handin(course, chapter, exercise, student, handin)
        graded = grade_one(course, chapter, student)
        if graded.error:
            return Outcome(exercise, handin["name"], 0.0, 0.0, {}, [f"{graded.error}\n{graded.log[-1500:]}"])
        write_feedback(course, chapter, student)
        found = next(r for r in results(course, chapter, student) if r.name == exercise)
        page = (course.folder("feedback", student, chapter) / f"{exercise}.html").read_text(encoding="utf-8")
        return Outcome(exercise, handin["name"], found.points, found.max, found.cells, compare(handin, found, page))


def compare(handin: dict, found, page: str) -> list[str]:
    """Return the differences between a hand-in's expectations and what came out."""
    problems = []
    for name, want in handin["punkte"].items():
        if name not in found.cells:
            problems.append(f"{name}: diese Zelle gibt es nicht (es gibt: {', '.join(sorted(found.cells))})")
        elif want is None or want == "wartet":
            if found.cells[name] is not None:
                problems.append(f"{name}: erwartet „wartet“, bekommen {number(found.cells[name])}")
        elif found.cells[name] is None or abs(found.cells[name] - float(want)) > 0.005:
            got = "wartet auf eine Person" if found.cells[name] is None else number(found.cells[name])
            problems.append(f"{name}: erwartet {number(want)}, bekommen {got}")
    if missing := set(found.cells) - set(handin["punkte"]):
        problems.append(f"ohne erwartete Punkte: {', '.join(sorted(missing))}")
    if abs(found.points - float(handin["summe"])) > 0.005:
        problems.append(f"Summe: erwartet {number(handin['summe'])}, bekommen {number(found.points)}")
    if "wartet" in handin and bool(handin["wartet"]) != found.needs_person:
        problems.append(f"wartet: erwartet {handin['wartet']}, bekommen {found.needs_person}")
    text = page_text(page)
    problems += [f"Rückmeldung ohne „{m}“" for m in handin.get("meldungen", []) if " ".join(str(m).split()) not in text]
    problems += [f"Rückmeldung mit „{m}“" for m in handin.get("nicht", []) if " ".join(str(m).split()) in text]
    return problems


def page_text(page: str) -> str:
    """Return a feedback page's text with single spaces."""
    body = re.sub(r"<style.*?</style>", " ", page, flags=re.S)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


def build_handin(course: cfg.Course, chapter: str, exercise: str, student: str, handin: dict) -> Path:
    """Write one hand-in into `submitted/`, made from the released exercise."""
    release, source = course.release_dir(chapter), course.source / chapter
    target = course.folder("submitted", student, chapter)
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    nb = nbformat.read(release / f"{exercise}.ipynb", as_version=4)
    solved = {grade_id(c): c.source for c in nbformat.read(source / f"{exercise}.ipynb", as_version=4).cells if grade_id(c)}
    _fill(nb, solved, handin.get("loesungen"), handin.get("freitext"))
    nbformat.write(nb, target / f"{exercise}.ipynb")
    for cell in nb.cells:
        name = cell.metadata.get("opendata_kurs", {}).get("quiz")
        wanted = _answers_for(handin.get("antworten"), name) if name else None
        if wanted:
            quiz = model.load(source / "fragen" / f"{name}.yml")
            answers = to_answers(quiz, wanted)
            (target / storage.file_name(name)).write_bytes(storage.to_bytes(name, answers, model.question_version(quiz)))
    return target


def _answers_for(answers, name):
    if isinstance(answers, dict):
        base = answers.get("")
        own = answers.get(name)
        if isinstance(own, dict) and base:
            return {"": base, **own}
        return own if own is not None else base
    return answers


def _fill(nb, solved: dict[str, str], solutions, texts) -> None:
    base = solutions if isinstance(solutions, str) else (solutions or {}).get("")
    own = solutions if isinstance(solutions, dict) else {}
    texts = texts or {}
    ids = {grade_id(c) for c in nb.cells}
    if unknown := (set(own) | set(texts)) - ids - {""}:
        raise RoundTripError(f"Diese Zellen gibt es nicht: {', '.join(sorted(unknown))}. Vorhanden: {', '.join(sorted(i for i in ids if i))}")
    for cell in nb.cells:
        name, meta = grade_id(cell), cell.metadata.get("nbgrader", {})
        if not meta.get("solution"):
            continue
        if name in texts:
            cell.source = str(texts[name])
        elif name in own:
            cell.source = _replace_edit_line(cell.source, str(own[name]))
        elif base == "musterloesung" and name in solved and cell.cell_type == "code":
            cell.source = "\n".join(line for line in solved[name].split("\n") if cfg.SOLUTION_BEGIN not in line and cfg.SOLUTION_END not in line)


def _replace_edit_line(source: str, text: str) -> str:
    lines = source.split("\n")
    places = [i for i, line in enumerate(lines) if cfg.EDIT_LINE.search(line)]
    if not places:
        return text
    return "\n".join([*lines[: places[0]], text.rstrip("\n"), *(line for i, line in enumerate(lines) if i > places[0] and i not in places)])


def to_answers(quiz: dict, wanted) -> dict[str, Any]:
    """Turn readable answers (`richtig`, or question id → text, list, mapping, number) into the stored form."""
    spec = {"": wanted} if isinstance(wanted, str) else dict(wanted)
    base = spec.pop("", None)
    if base not in (None, "richtig"):
        raise RoundTripError(f"antworten: „{base}“ gibt es nicht. Erlaubt: richtig, oder je Frage eine Antwort.")
    by_id = {q["id"]: q for q in quiz["fragen"]}
    if unknown := set(map(str, spec)) - set(by_id):
        raise RoundTripError(f"{quiz['quiz']}: Diese Fragen gibt es nicht: {', '.join(sorted(unknown))}")
    answers = {}
    for qid, question in by_id.items():
        if qid in spec:
            if spec[qid] is not None:
                answers[qid] = _stored(quiz, question, spec[qid])
        elif base == "richtig" and model.is_automatic(question):
            answers[qid] = _right(question)
    return answers


def _right(question):
    if question["art"] == "einfach":
        return next(o["id"] for o in question["optionen"] if o["richtig"] or question.get("streitig"))
    if question["art"] == "mehrfach":
        return [o["id"] for o in question["optionen"] if o["richtig"]]
    if question["art"] == "zuordnung":
        return {left["id"]: left["ziel"] for left in question["links"]}
    return format_number(question["antwort"])


def _stored(quiz, question, value):
    def one(text, items):
        ids = [i["id"] for i in items]
        if model.digest(str(text)) not in ids:
            raise RoundTripError(f"{quiz['quiz']}, {question['id']}: „{text}“ steht nicht zur Auswahl.")
        return model.digest(str(text))

    if question["art"] == "einfach":
        return one(value, question["optionen"])
    if question["art"] == "mehrfach":
        return [one(v, question["optionen"]) for v in ([value] if isinstance(value, str) else value)]
    if question["art"] == "zuordnung":
        return {one(k, question["links"]): one(v, question["rechts"]) for k, v in value.items()}
    return str(value).replace(".", ",") if isinstance(value, float) else str(value)


def mutate(source: Path, exercise: str, cell: str | None = None) -> tuple[str, str]:
    """Break one check (or, without hidden tests, one key) of an exercise, in place; return the cell and what was broken."""
    file = source / f"{exercise}.ipynb"
    nb = nbformat.read(file, as_version=4)
    pattern = re.compile(rf"[^\n]*{cfg.TESTS_BEGIN}.*?{cfg.TESTS_END}[^\n]*", re.S)
    for c in nb.cells:
        if c.cell_type == "code" and cfg.TESTS_BEGIN in c.source and (cell is None or grade_id(c) == cell):
            c.source = pattern.sub("", c.source)
            nbformat.write(nb, file)
            return str(grade_id(c)), f"versteckte Prüfung in {grade_id(c)} entfernt"
    for c in nb.cells:
        found = re.search(r"""^quiz\(["']([a-z0-9-]+)["']\)""", c.source, re.M)
        if found:
            path = source / "fragen" / f"{found[1]}.yml"
            text = path.read_text(encoding="utf-8")
            broken = text.replace("- richtig:", "- FALSCH:", 1).replace("- falsch:", "- richtig:", 1).replace("- FALSCH:", "- falsch:", 1)
            path.write_text(broken, encoding="utf-8")
            return f"quiz-{found[1]}", f"Schlüssel in {path.name} vertauscht"
    raise RoundTripError(f"{exercise}: keine Prüfung gefunden, die sich beschädigen lässt.")


def answers_in_words(quiz: dict) -> dict[str, Any]:
    """Return the right answers as a round-trip file writes them."""
    words: dict[str, Any] = {}
    for question in filter(model.is_automatic, quiz["fragen"]):
        right = _right(question)
        texts = {i["id"]: i["text"] for part in ("optionen", "links", "rechts") for i in question.get(part, [])}
        if isinstance(right, dict):
            words[question["id"]] = {texts[k]: texts[v] for k, v in right.items()}
        else:
            words[question["id"]] = [texts[r] for r in right] if isinstance(right, list) else texts.get(right, right)
    return words


def key_mutants(quiz: dict) -> list[tuple[str, dict]]:
    """Return copies of a quiz, each with the key of one question broken, and the question's id."""
    mutants = []
    for nr, question in enumerate(quiz["fragen"]):
        if not model.is_automatic(question) or question.get("streitig"):
            continue
        broken = copy.deepcopy(quiz)
        q = broken["fragen"][nr]
        if question["art"] == "zahl":
            q["antwort"] += 1 + 2 * q["toleranz"]
        elif question["art"] == "zuordnung":
            q["links"][0]["ziel"] = next(r["id"] for r in q["rechts"] if r["id"] != q["links"][0]["ziel"])
        elif question["art"] == "mehrfach":
            q["optionen"][0]["richtig"] = not q["optionen"][0]["richtig"]
        else:
            flags = [o["richtig"] for o in q["optionen"]]
            for option, flag in zip(q["optionen"], flags[1:] + flags[:1], strict=True):
                option["richtig"] = flag
        mutants.append((question["id"], broken))
    return mutants


def table(outcomes: list[Outcome]) -> str:
    """Return exercise × hand-in with points as a text table."""
    lines = [f"{'Übung':<34} {'Abgabe':<30} {'Punkte':>8} {'von':>6}  Ergebnis"]
    for o in outcomes:
        lines.append(f"{o.exercise:<34} {o.name:<30} {number(o.points):>8} {number(o.max):>6}  {'wie erwartet' if not o.problems else '; '.join(o.problems)}")
    return "\n".join(lines)


def main(files: list[str]) -> None:
    """Print the right answers of question files for a round-trip file."""
    for file in files:
        quiz = model.load(file)
        print(yaml.safe_dump({quiz["quiz"]: answers_in_words(quiz)}, allow_unicode=True, sort_keys=False, width=10_000))


if __name__ == "__main__":
    main(sys.argv[1:])
