"""What happens to a hand-in before nbgrader grades it, and one guard after its execution.

`RestoreSubmission` runs before nbgrader's own ClearOutput, because the copy of the answers lives in the outputs. Each
repair leaves a German sentence in the notebook's metadata (`opendata_kurs.hinweise`), which the feedback page shows.
"""

from __future__ import annotations

import ast
import copy
from pathlib import Path

import nbformat
from nbconvert.preprocessors import ClearMetadataPreprocessor
from nbformat.notebooknode import NotebookNode
from nbgrader import utils
from nbgrader.api import Gradebook
from nbgrader.preprocessors import (
    AssignLatePenalties,
    CheckCellMetadata,
    ClearOutput,
    DeduplicateIds,
    IgnorePattern,
    LimitOutput,
    NbGraderPreprocessor,
    OverwriteCells,
    OverwriteKernelspec,
)

from opendata_kurs.grading.cleaning import encodable


def grade_id(cell: NotebookNode) -> str | None:
    """Return a cell's nbgrader id, or None."""
    data = cell.metadata.get("nbgrader")
    value = data.get("grade_id") if isinstance(data, dict) else None
    return value if isinstance(value, str) else None


def normal(source: str) -> str:
    """Return a source without the differences that editors make."""
    return "\n".join(line.rstrip() for line in source.strip().splitlines())


def assigned_names(source: str) -> set[str]:
    """Return the names a code cell assigns at its top level; empty when it does not parse."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return set()
    return {n.id for node in tree.body if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign)
            for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


def cell_name(cell: NotebookNode) -> str:
    """Return how to call a cell in a German sentence."""
    name = cell.metadata.get("opendata_kurs", {}).get("quiz")
    return f"Die Fragen „{name}“" if name else f"Die Zelle „{grade_id(cell)}“"


def restore(nb: NotebookNode, released: NotebookNode) -> list[str]:
    """Give the hand-in `nb` back the cells of the released notebook (in place); return German notes for the learner."""
    notes: list[str] = []
    reference = {grade_id(c): c for c in released.cells if grade_id(c)}
    by_cell_id = {c.get("id"): c for c in reference.values()}
    for cell in nb.cells:
        if not isinstance(cell.metadata.get("nbgrader", {}), dict):
            del cell.metadata["nbgrader"]
        if grade_id(cell) not in reference and cell.get("id") in by_cell_id:
            cell.metadata["nbgrader"] = copy.deepcopy(by_cell_id[cell["id"]].metadata["nbgrader"])
        elif "nbgrader" in cell.metadata and grade_id(cell) not in reference:
            del cell.metadata["nbgrader"]
    _drop_copies(nb, reference, notes)
    for cell in nb.cells:
        if grade_id(cell):
            _repair(cell, reference[grade_id(cell)], notes)
    _add_missing(nb, released, notes)
    seen: set[str] = set()
    for number, cell in enumerate(nb.cells):
        if cell.get("id") in seen:
            cell["id"] = f"kopie-{number}"
        seen.add(cell.get("id"))
    return notes


def _drop_copies(nb, reference, notes):
    groups: dict[str, list[NotebookNode]] = {}
    for cell in nb.cells:
        if grade_id(cell):
            groups.setdefault(grade_id(cell), []).append(cell)
    gone: list[int] = []
    for name, cells in groups.items():
        if len(cells) < 2:
            continue
        ref = reference[name]
        edited = [c for c in cells if normal(c.source) != normal(ref.source)]
        if utils.is_locked(ref):
            keep = cells[0]
            notes.append(f"{cell_name(ref)} gab es mehrmals. Gezählt wurde sie einmal.")
        else:
            keep = (edited or cells)[-1]
            notes.append(f"{cell_name(ref)} gab es mehrmals. Bewertet wurde der Inhalt der letzten bearbeiteten Zelle.")
        for cell in cells:
            if cell is keep:
                continue
            if utils.is_locked(ref) or normal(cell.source) in (normal(ref.source), normal(keep.source)):
                gone.append(id(cell))
            else:
                cell.metadata.pop("nbgrader")
    nb.cells = [c for c in nb.cells if id(c) not in gone]


def _repair(cell, ref, notes):
    if cell.cell_type != ref.cell_type:
        words = {"code": "eine Code-Zelle", "markdown": "eine Text-Zelle", "raw": "eine Zelle ohne Format"}
        notes.append(f"{cell_name(ref)} war {words.get(cell.cell_type, 'umgewandelt')}. Wir haben das zurückgestellt."
                     " Tipp: Die Tasten Y und M ändern die Art einer Zelle.")
        cell.cell_type = ref.cell_type
        for part in ("outputs", "execution_count", "attachments"):
            cell.pop(part, None)
        if ref.cell_type == "code":
            cell["outputs"], cell["execution_count"] = [], None
    if utils.is_locked(ref) and normal(cell.source) != normal(ref.source):
        notes.append(f"{cell_name(ref)} war verändert. Bewertet wurde mit dem Original.")
    if utils.is_locked(ref):
        cell.source = ref.source
    theirs, ours = cell.metadata["nbgrader"], ref.metadata["nbgrader"]
    if any(key in theirs and theirs[key] != ours.get(key) for key in ("points", "grade", "solution", "locked", "task")):
        notes.append(f"{cell_name(ref)} hatte veränderte Angaben, zum Beispiel zu den Punkten. Es gelten die Angaben aus der Ausgabe.")
    cell.metadata["nbgrader"] = copy.deepcopy(ours)
    if "opendata_kurs" in ref.metadata:
        cell.metadata["opendata_kurs"] = copy.deepcopy(ref.metadata["opendata_kurs"])
    else:
        cell.metadata.pop("opendata_kurs", None)


def _add_missing(nb, released, notes):
    present = {grade_id(c) for c in nb.cells}
    previous = None
    for ref in released.cells:
        name = grade_id(ref)
        if not name:
            continue
        if name not in present:
            plain_solution = utils.is_solution(ref) and not utils.is_grade(ref)
            elsewhere = set().union(*(assigned_names(c.source) for c in nb.cells if c.cell_type == "code"))
            if plain_solution and assigned_names(ref.source) & elsewhere:
                # the learner moved the solution to a cell of their own: adding the stub would undo it
                notes.append(f"{cell_name(ref)} fehlt. Ihre Lösung aus einer anderen Zelle wurde bewertet.")
                continue
            at = next((i + 1 for i, c in enumerate(nb.cells) if grade_id(c) == previous), 0) if previous else 0
            nb.cells.insert(at, copy.deepcopy(ref))
            notes.append(f"{cell_name(ref)} fehlte in Ihrer Abgabe. Wir haben sie wieder eingefügt."
                         + (" Ihre Antwort darin ist leider nicht erhalten." if utils.is_solution(ref) else ""))
        previous = name


def _kernel_note(nb: NotebookNode) -> list[str]:
    spec = nb.metadata.get("kernelspec")
    language = str(spec.get("language", "python")) if isinstance(spec, dict) else "python"
    return [] if language == "python" else [f"Das Notebook war auf eine andere Programmiersprache gestellt ({language[:20]!r}). Bewertet wurde mit Python."]


class RestoreSubmission(NbGraderPreprocessor):
    """Bring a hand-in back to the released shape and rescue its answers. First of the sanitizers."""

    def preprocess(self, nb, resources):
        """Restore one notebook."""
        from opendata_kurs.questions import model

        info = resources["nbgrader"]
        folder = Path(resources["metadata"]["path"])
        release = self._release_dir(folder, info["assignment"])
        file = release / f"{info['notebook']}.ipynb"
        if not file.is_file():
            raise RuntimeError(f"Die ausgegebene Übung {file.name} fehlt. Bitte zuerst: kurs release {info['assignment']}")
        released = nbformat.read(file, as_version=4)
        nb = nbformat.v4.upgrade(nb) if nb.nbformat < 4 else nb
        for cell in nb.cells:  # outputs are cleared later anyway
            cell.update({k: nbformat.from_dict(encodable(v)) for k, v in cell.items() if k != "outputs"})
        notes = restore(nb, released) + _kernel_note(nb)
        outputs = resources.setdefault("outputs", {})
        for cell in released.cells:
            name = cell.metadata.get("opendata_kurs", {}).get("quiz")
            if name:
                public = release / model.public_file_name(name)
                outputs[public.name] = public.read_bytes()
                notes += self._answers(nb, folder, name, model.read_public_file(public)[0], outputs)
        nb.metadata["opendata_kurs"] = {**released.metadata.get("opendata_kurs", {}), "hinweise": notes}
        nb.metadata.pop("widgets", None)
        return nb, resources

    def _release_dir(self, folder: Path, chapter: str) -> Path:
        # .../submitted/<student>/<chapter>, beside .../release/<chapter>
        return folder.resolve().parents[2] / "release" / chapter

    def _answers(self, nb, folder, name, public, outputs) -> list[str]:
        from opendata_kurs.questions import storage

        stored, copied = storage.read(name, folder), storage.rescue_from_notebook(nb).get(name)
        notes = []
        current = public["fassung"]
        use_copy = copied and (stored.state != "ok" or (stored.version != current and copied.version == current))
        if use_copy:
            outputs[storage.file_name(name)] = storage.to_bytes(name, copied.answers, copied.version)
            why = {"missing": "fehlte", "damaged": "war beschädigt"}.get(stored.state, "gehörte zu einer älteren Fassung")
            notes.append(f"Die Antwortdatei zu „{name}“ {why}. Wir haben Ihre Antworten aus dem Notebook geholt.")
            stored = copied
        elif stored.state == "missing":
            notes.append(f"Zu den Fragen „{name}“ gibt es keine gespeicherten Antworten. Haben Sie Fragen beantwortet?"
                         f" Dann geben Sie die Datei antworten-{name}.json mit ab.")
        elif stored.state == "damaged":
            outputs[storage.file_name(name)] = storage.to_bytes(name, {}, current)
            notes.append(f"Die Antwortdatei zu „{name}“ ist beschädigt und war nicht zu retten."
                         " Bitte beantworten Sie die Fragen noch einmal und geben Sie neu ab.")
        if stored.state == "ok" and stored.version and stored.version != current:
            notes.append(f"Die Fragen „{name}“ haben sich seit Ihren Antworten geändert. Gezählt wurde, was noch passt."
                         " Bitte öffnen Sie die neue Fassung und prüfen Sie Ihre Antworten.")
        return notes

    def preprocess_cell(self, cell, resources, index):
        """Do nothing: the work is per notebook."""
        return cell, resources


class RequireExecution(NbGraderPreprocessor):
    """A grade cell that never ran has no output, and nbgrader would give it full points: turn that into a failure."""

    def preprocess_cell(self, cell, resources, index):
        """Check one cell."""
        if cell.cell_type == "code" and utils.is_grade(cell) and not utils.is_solution(cell) and cell.source.strip():
            results = [o for o in cell.outputs if o.output_type == "execute_result"]
            quiz = cell.metadata.get("opendata_kurs", {}).get("quiz")
            failed = any(o.output_type == "error" for o in cell.outputs)
            if cell.execution_count is None or (quiz and not results and not failed):
                text = "Diese Prüfung konnte nicht laufen. Eine Zelle darüber hat das Notebook angehalten."
                cell.outputs = [NotebookNode(output_type="error", ename="NotRun", evalue=text, traceback=[text])]
        return cell, resources


class MarkForPerson(NbGraderPreprocessor):
    """Ask for a person in the gradebook where a control cell showed that a check cannot be trusted. After SaveAutoGrades."""

    def preprocess(self, nb, resources):
        """Mark the cells that the execution named."""
        names = nb.metadata.get("opendata_kurs", {}).get("person", [])
        if names:
            info = resources["nbgrader"]
            with Gradebook(info["db_url"]) as gradebook:
                for name in names:
                    gradebook.find_grade(name, info["notebook"], info["assignment"], info["student"]).needs_manual_grade = True
                gradebook.db.commit()
        return nb, resources

    def preprocess_cell(self, cell, resources, index):
        """Do nothing: the work is per notebook."""
        return cell, resources


def sanitize_list() -> list[type]:
    """Return the sanitizers of Autograde in order."""
    return [RestoreSubmission, ClearOutput, DeduplicateIds, OverwriteKernelspec, OverwriteCells, CheckCellMetadata]


def autograde_list() -> list[type]:
    """Return the preprocessors of Autograde's second pass in order."""
    from opendata_kurs.grading.cleaning import CleanHandIn
    from opendata_kurs.grading.execute import SplitExecute
    from opendata_kurs.grading.speed import SaveAutoGradesAtOnce

    return [CleanHandIn, SplitExecute, IgnorePattern, RequireExecution, ClearMetadataPreprocessor, LimitOutput, SaveAutoGradesAtOnce, MarkForPerson,
            AssignLatePenalties, CheckCellMetadata]
