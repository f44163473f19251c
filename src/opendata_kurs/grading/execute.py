"""Takes the place of nbgrader's Execute step: the learner's code and the tests never share an interpreter.

First process: the learner's cells, without hidden tests, in a box. At each test cell it reports the names that the
cell's metadata lists (`opendata_kurs.exports`), as data. Second process: clean, boxed too, knows just these names and
runs the test cells and the questions. Its outputs go into the notebook, so that nbgrader's scoring, formgrader and
feedback work unchanged.
"""

from __future__ import annotations

import copy
import json
import os
import re
from pathlib import Path
from typing import Any

import nbformat
from nbformat.notebooknode import NotebookNode
from nbgrader import utils
from nbgrader.preprocessors import Execute
from traitlets import Integer

from . import cleaning, incidents, runner, split, values

_HIDDEN = re.compile(r"[^\n]*VERSTECKTE TESTS ANFANG.*?VERSTECKTE TESTS ENDE[^\n]*", re.S)
_SHOW_QUIZ = re.compile(r"^\s*quiz\([^\n]*\)\s*;?\s*$", re.M)
CLUSTER = "KURS_CLUSTER"
UNRELIABLE = "NichtVerlaesslich"

REASONS = {
    "beendet": "Das Notebook hat seinen Kernel beendet (zum Beispiel mit exit()). Bitte entfernen Sie diese Zeile und geben Sie neu ab.",
    "zeit": "Eine Zelle lief ohne Ende und ließ sich nicht anhalten. Bitte prüfen Sie die Schleifen und geben Sie neu ab.",
    "ausgabe": "Eine Zelle hat viel zu viel ausgegeben. Das Notebook wurde dort angehalten. Bitte geben Sie mit weniger Ausgabe neu ab.",
    "prozesse": "Eine Zelle hat sehr viele Programme gestartet. Das Notebook wurde dort angehalten.",
    "speicher": "Eine Zelle hat viel zu viel Arbeitsspeicher belegt. Das Notebook wurde dort angehalten.",
    "platte": "Eine Zelle hat zu viele oder zu große Dateien geschrieben. Das Notebook wurde dort angehalten.",
}


def is_test(cell: NotebookNode) -> bool:
    """Return whether a cell holds checks or questions of the course (and not an answer)."""
    return cell.cell_type == "code" and utils.is_grade(cell) and not utils.is_solution(cell)


def visible(source: str) -> str:
    """Return a test cell's source without hidden tests."""
    return _HIDDEN.sub("", source)


class SplitExecute(Execute):
    """Run a hand-in in two boxed processes (see the module's text)."""

    total_timeout = Integer(300, help="seconds for all cells of one notebook").tag(config=True)
    test_timeout = Integer(120, help="seconds for all checks of one notebook").tag(config=True)

    def preprocess(self, nb, resources, km=None):
        """Run one notebook and fill in the outputs."""
        folder = Path(resources["metadata"]["path"])
        nb.metadata["language_info"] = NotebookNode(name="python", pygments_lexer="ipython3", file_extension=".py", mimetype="text/x-python")
        task = {"files": self._files(folder, nb, resources["nbgrader"]["notebook"]), "learner": self._learner_cells(nb), "tests": self._test_cells(nb),
                "answers": {f.name: f.read_bytes() for f in _plain_files(folder) if f.suffix == ".json" and f.parent == folder and f.stat().st_size < 5_000_000},
                "cell_timeout": self.timeout or 60, "total_timeout": self.total_timeout, "test_timeout": self.test_timeout}
        cluster = os.environ.get(CLUSTER)
        learner, tests = split.run_on(cluster, task) if cluster else split.run(task)
        self._learner_outputs(nb, learner)
        self._test_outputs(nb, learner, tests)
        self._tell(nb, learner, tests, task["files"])
        return nb, resources

    def _files(self, folder: Path, nb: NotebookNode, notebook: str) -> dict[str, bytes]:
        """Return what the learner's process gets: the hand-in's files, and of the notebook only what the learner may see."""
        files = {str(f.relative_to(folder)): f.read_bytes() for f in _plain_files(folder)
                 if f.suffix != ".ipynb" and f.name not in ("timestamp.txt", "kurs-hinweise.json")}
        shown = copy.deepcopy(nb)
        for cell in shown.cells:
            cell.source = visible(cell.source)
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        return files | {f"{notebook}.ipynb": nbformat.writes(shown).encode()}

    def _learner_cells(self, nb: NotebookNode) -> list[dict[str, Any]]:
        cells = []
        for number, cell in enumerate(nb.cells):
            if cell.cell_type != "code":
                continue
            meta = cell.metadata.get("opendata_kurs", {})
            source = visible(cell.source)
            if is_test(cell) and meta.get("quiz"):
                source = _SHOW_QUIZ.sub("", source)  # shown and scored in the clean process
            cells.append({"i": number, "source": source} | ({"exports": list(meta.get("exports", []))} if is_test(cell) else {}))
        return cells

    def _learner_outputs(self, nb: NotebookNode, run: runner.Run) -> None:
        budget = [cleaning.SECONDS]
        for number, cell in enumerate(nb.cells):
            if cell.cell_type != "code" or is_test(cell):
                continue
            cell.outputs = [o for o in (cleaning.clean_output(o, budget) for o in run.outputs.get(number, [])) if o is not None]
            count = run.counts.get(number)
            cell.execution_count = count if type(count) is int and 0 <= count < 1_000_000 else None
            if run.last == number and number not in run.counts and run.reason:
                cell.outputs.append(_error("Angehalten", REASONS[run.reason]))

    def _tell(self, nb: NotebookNode, learner: runner.Run, tests: runner.Run, files: dict[str, bytes]) -> None:
        """Add the lines on what happened to the notebook's notes, and which cells a person has to look at."""
        course = nb.metadata.setdefault("opendata_kurs", NotebookNode())
        notes = course.setdefault("hinweise", [])
        if learner.reason:
            notes.append(f"{REASONS[learner.reason]} Was davor stand, wurde bewertet.")
        cells = [(n, cell.metadata.get("nbgrader", {}).get("grade_id", ""), utils.is_solution(cell)) for n, cell in enumerate(nb.cells)
                 if cell.cell_type == "code" and not is_test(cell)]
        notes += incidents.lines(learner, cells, files, lambda name: f"Die Zelle „{name}“")
        person = []
        for number, cell in enumerate(nb.cells):
            if not is_test(cell):
                continue
            if tampered(learner, number):
                notes += [incidents.TAMPERED] if incidents.TAMPERED not in notes else []
                person.append(cell.metadata["nbgrader"]["grade_id"])
            elif any(o.output_type == "error" and o.ename == UNRELIABLE for o in cell.outputs):
                notes.append(f"Die Zelle „{cell.metadata['nbgrader']['grade_id']}“: {incidents.UNRELIABLE}")
                person.append(cell.metadata["nbgrader"]["grade_id"])
        course["person"] = person

    def _test_cells(self, nb: NotebookNode) -> list[dict[str, Any]]:
        """Return the test cells; questions are scored even when the learner's code stopped (`always`)."""
        return [{"i": number, "source": cell.source, "exports": list(cell.metadata.get("opendata_kurs", {}).get("exports", [])),
                 "always": bool(cell.metadata.get("opendata_kurs", {}).get("quiz")),
                 "control": cell.source if cell.metadata.get("opendata_kurs", {}).get("exports") else ""}
                for number, cell in enumerate(nb.cells) if is_test(cell) and cell.source.strip()]

    def _test_outputs(self, nb: NotebookNode, learner: runner.Run, tests: runner.Run) -> None:
        for number, cell in enumerate(nb.cells):
            if not is_test(cell):
                continue
            cell.outputs = [o for o in (_trusted(o) for o in tests.outputs.get(number, [])) if o is not None]
            cell.execution_count = tests.counts.get(number)
            if number not in tests.counts and cell.source.strip():
                text = "Diese Prüfung konnte nicht laufen. " + (
                    "Eine Zelle darüber hat das Notebook angehalten." if number not in learner.counts else
                    "Sie hat zu lange gedauert oder zu viel Speicher gebraucht. Bitte von Hand prüfen.")
                cell.outputs = [_error("NotRun", text)]
            meta = cell.metadata.get("opendata_kurs", {})
            passed = not any(o.output_type == "error" for o in cell.outputs)
            if passed and ((meta.get("exports") and tests.controls.get(number) is not True)
                           or (meta.get("nicht_uebertragbar") and tampered(learner, number))):
                cell.outputs = [_error(UNRELIABLE, incidents.UNRELIABLE)]
            clamp(cell)


def tampered(learner: runner.Run, number: int) -> bool:
    """Return whether the control after a test cell did not fail in the learner's process, or was suppressed."""
    if number not in learner.counts or (number == learner.last and not learner.complete):
        return False  # the notebook ended there for another reason, which is told
    return learner.controls.get(number) is not True


def clamp(cell: NotebookNode) -> None:
    """Leave at most one result, a plain number between 0 and the cell's points: nbgrader counts anything else as full points."""
    best = float(cell.metadata["nbgrader"]["points"])
    results = [o for o in cell.outputs if o.output_type == "execute_result"]
    if not results:
        return
    text = results[-1].get("data", {}).get("text/plain", "")
    if values.is_finite_number(text) and len(results) == 1:
        results[0].data["text/plain"] = repr(min(max(float(text), 0.0), best))
    else:
        cell.outputs = [o for o in cell.outputs if o.output_type != "execute_result"]
        cell.outputs.append(_error("KeinePunktzahl", "Die Prüfung hat keine Punktzahl geliefert. Bitte von Hand prüfen."))


def _error(name: str, text: str) -> NotebookNode:
    return NotebookNode(output_type="error", ename=name, evalue=text, traceback=[text])


def _trusted(output: dict) -> NotebookNode | None:
    """Return an output of the course's own checks as it is; its form was checked by the reader."""
    try:
        node = nbformat.from_dict(json.loads(json.dumps(output)))
        nbformat.validate({"cells": [{"id": "a", "cell_type": "code", "metadata": {}, "source": "", "outputs": [node], "execution_count": None}],
                           "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
        return node
    except nbformat.ValidationError:
        return cleaning.clean_output(output)


def _plain_files(folder: Path) -> list[Path]:
    return [p for p in sorted(folder.rglob("*")) if p.is_file() and not p.is_symlink()]
