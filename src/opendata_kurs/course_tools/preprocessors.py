"""nbgrader preprocessors for generating exercises and writing feedback."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from nbconvert.preprocessors import CSSHTMLHeaderPreprocessor
from nbformat.notebooknode import NotebookNode
from nbformat.v4 import new_markdown_cell
from nbgrader import utils
from nbgrader.preprocessors import (
    CheckCellMetadata,
    ClearHiddenTests,
    ClearMarkScheme,
    ClearOutput,
    ClearSolutions,
    ComputeChecksums,
    GetGrades,
    LockCells,
    NbGraderPreprocessor,
    SaveCells,
)
from traitlets import Unicode

from . import config as cfg

QUIZ_CALL = re.compile(r"""^\s*quiz\(\s*["']([a-z0-9-]+)["']\s*\)\s*;?\s*$""", re.M)


class CourseFileError(RuntimeError):
    """A file of the course is not fit for release; the message is German and names the place."""


def _nbgrader(grade_id: str, *, grade: bool, solution: bool, locked: bool, cell_type: str, points: float | None = None) -> dict:
    data = {"schema_version": 3, "grade_id": grade_id, "grade": grade, "solution": solution, "locked": locked, "task": False,
            "cell_type": cell_type}
    return data | ({"points": points} if grade else {})


def _cell_id(text: str) -> str:
    return re.sub(r"[^a-zA-Z0-9_-]", "-", text)[:64]


def quiz_name(cell: NotebookNode) -> str | None:
    """Return the question file a cell shows, or None."""
    found = QUIZ_CALL.search(cell.source) if cell.cell_type == "code" else None
    return found[1] if found else None


def number(value: float) -> str:
    """Return points as Germans write them: 2, 2,5."""
    return f"{float(value):.2f}".rstrip("0").rstrip(".").replace(".", ",")


def points_text(value: float) -> str:
    """Return points with the right German word: 1 Punkt, 2,5 Punkte."""
    return f"{number(value)} {'Punkt' if float(value) == 1 else 'Punkte'}"


class InsertQuestions(NbGraderPreprocessor):
    """Turn `quiz("name")` into a locked grade cell with the key in its hidden tests, plus the public question file.

    Free-text questions get two cells below: the question with the rubric (released without it) and an own, manually
    graded answer cell.
    """

    folder = Unicode("fragen", help="folder with the question files, beside the notebook").tag(config=True)

    def preprocess(self, nb, resources):
        """Replace the quiz cells of one exercise."""
        from opendata_kurs.questions import model

        here = Path(resources["metadata"]["path"]).resolve()
        for left in sorted(here.rglob("antworten-*.json")):
            raise CourseFileError(
                f"Die Antwortdatei {left.name} liegt im Kursordner {here.name}. Bitte löschen Sie sie:"
                " Sie würde ausgeteilt und beim Bewerten alle Antworten überschreiben."
            )
        outputs = resources.setdefault("outputs", {})
        cells = []
        for cell in nb.cells:
            name = quiz_name(cell)
            if name is None:
                cells.append(cell)
                continue
            quiz = model.load(here / self.folder / f"{name}.yml")
            outputs[model.public_file_name(name)] = model.public_file(quiz)
            cells.append(self._grade_cell(cell, quiz, name))
            for question in model.manual_questions(quiz):
                cells.extend(self._free_text(name, question))
        nb.cells = cells
        exercise = resources.get("nbgrader", {})
        nb.metadata.setdefault("opendata_kurs", {}).update(uebung=exercise.get("notebook"), kapitel=exercise.get("assignment"))
        return nb, resources

    def _grade_cell(self, cell, quiz, name):
        from opendata_kurs.questions import model

        points = model.points(quiz)
        source = f'# Fragen: Klicken Sie hier und drücken Sie Umschalt + Eingabe.\nfrom opendata_kurs import quiz\n\nquiz("{name}")'
        if points:
            source += (f"\n### {cfg.TESTS_BEGIN}\nfrom opendata_kurs.questions import grade_quiz\n"
                       f'grade_quiz("{name}", """{model.pack(quiz)}""")\n### {cfg.TESTS_END}')
        cell.source = source
        cell.metadata["nbgrader"] = _nbgrader(f"quiz-{name}", grade=bool(points), solution=False, locked=True, cell_type="code",
                                              **({"points": float(points)} if points else {}))
        cell.metadata["opendata_kurs"] = {**cell.metadata.get("opendata_kurs", {}), "quiz": name, "exports": []}
        # never jupyter.source_hidden: JupyterLab's arrow keys skip such cells
        return cell

    def _free_text(self, name, question):
        from opendata_kurs.questions import static

        rubric = "\n".join(f"- {line}" for line in rubric_lines(question))
        text = (f"{static.freetext_prompt(question, question['nr'])}\n\nIhre Antwort liest eine Person.\n"
                f"<!-- {cfg.RUBRIC_BEGIN} -->\n\n**Nur für die Kursleitung: Bewertungshinweise**\n\n{rubric}\n<!-- {cfg.RUBRIC_END} -->")
        ask = new_markdown_cell(text, id=_cell_id(f"frage-{name}-{question['id']}"))
        ask.metadata["nbgrader"] = _nbgrader(f"frage-{name}-{question['id']}", grade=False, solution=False, locked=True, cell_type="markdown")
        answer = new_markdown_cell(cfg.TEXT_STUB, id=_cell_id(f"text-{name}-{question['id']}"))
        answer.metadata["nbgrader"] = _nbgrader(f"text-{name}-{question['id']}", grade=True, solution=True, locked=False,
                                                cell_type="markdown", points=float(question["punkte"]))
        return [ask, answer]

    def preprocess_cell(self, cell, resources, index):
        """Do nothing: the work is per notebook."""
        return cell, resources


def rubric_lines(question: dict) -> list[str]:
    """Return the rubric of a free-text question as lines with points."""
    lines = [f"{points_text(c['punkte'])}: {c['text']}" for c in question.get("kriterien", [])]
    return lines + ([f"So könnte eine Antwort lauten: {question['musterantwort']}"] if question.get("musterantwort") else [])


class GermanClearSolutions(ClearSolutions):
    """Solutions vanish without a stub where a line with `...` or `# <- hier ändern` already shows the place to edit."""

    def preprocess_cell(self, cell, resources, index):
        """Clear one cell."""
        cell, resources = super().preprocess_cell(cell, resources, index)
        if utils.is_solution(cell) and cell.cell_type == "code":
            lines = cell.source.split("\n")
            if any(re.search(r"=\s*\.\.\.|# <- hier ändern", line) for line in lines):
                lines = [line for line in lines if line.strip() != cfg.CODE_STUB]
            cell.source = "\n".join(lines).strip("\n")
        return cell, resources


class ClearRubric(NbGraderPreprocessor):
    """Remove the rubric from released question cells; the gradebook keeps it, so formgrader shows it."""

    pattern = re.compile(rf"\n?[^\n]*{cfg.RUBRIC_BEGIN}.*?{cfg.RUBRIC_END}[^\n]*", re.S)

    def preprocess_cell(self, cell, resources, index):
        """Clear one cell."""
        cell.source = self.pattern.sub("", cell.source)
        return cell, resources


class CheckExports(NbGraderPreprocessor):
    """Refuse a test cell that uses names it does not declare: later the tests run in a process with just these names."""

    def preprocess_cell(self, cell, resources, index):
        """Check one cell."""
        if cell.cell_type == "code" and utils.is_grade(cell) and not utils.is_solution(cell) and not quiz_name(cell):
            if undeclared := undeclared_names(cell):
                raise CourseFileError(
                    f"{resources['nbgrader']['notebook']}, Zelle {cell.metadata.nbgrader['grade_id']}: Die Prüfung benutzt "
                    f"{', '.join(sorted(undeclared))}. Tragen Sie den Namen in die Metadaten ein (opendata_kurs.exports)"
                    " oder importieren Sie ihn in der Zelle."
                )
        return cell, resources


def undeclared_names(cell: NotebookNode) -> set[str]:
    """Return the names a test cell reads without declaring them in `opendata_kurs.exports`, importing or assigning them."""
    import builtins

    tree = ast.parse(cell.source)
    read, bound = set(), set(dir(builtins))
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            (read if isinstance(node.ctx, ast.Load) else bound).add(node.id)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            bound |= {(a.asname or a.name).split(".")[0] for a in node.names}
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            bound.add(node.name)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            bound.add(node.name)
    exports = set(cell.metadata.get("opendata_kurs", {}).get("exports", []))
    return read - bound - exports


def generate_list() -> list[type]:
    """Return the preprocessors of GenerateAssignment in order."""
    return [InsertQuestions, CheckExports, LockCells, GermanClearSolutions, ClearOutput, CheckCellMetadata, ComputeChecksums, SaveCells,
            ClearHiddenTests, ClearRubric, ClearMarkScheme, ComputeChecksums, CheckCellMetadata]


# --- feedback -----------------------------------------------------------------------------------------------------


_SERVICE = re.compile(r"(#[^\n]*\n)*\s*#?\s*(pruefen|abgabe)\([^)\n]*\)\s*(#[^\n]*)?$")


class GetGradesAndState(GetGrades):
    """Also note whether a person still has to grade a cell; nbgrader's own score is 0 until then."""

    def _get_score(self, cell, resources):
        super()._get_score(cell, resources)
        grade = self.gradebook.find_grade(cell.metadata["nbgrader"]["grade_id"], self.notebook_id, self.assignment_id, self.student_id)
        cell.metadata["wartet"] = bool(grade.needs_manual_grade)


class PrepareFeedback(NbGraderPreprocessor):
    """Say in German what each task earned and why; leave out test source, keys, rubric and foreign markup."""

    def preprocess(self, nb, resources):
        """Add `opendata_kurs.rueckmeldung` to every graded cell and collect them for the summary."""
        self.folder = Path(resources["metadata"]["path"])
        self._asked = ""
        nb.cells = [c for c in nb.cells if not _SERVICE.match(c.source)]
        tasks, last_heading = [], ""
        for cell in nb.cells:
            if cell.cell_type == "markdown":
                cell.source = ClearRubric.pattern.sub("", cell.source)
                for line in cell.source.splitlines():
                    if found := re.match(r"#{2,4}\s+(.+)", line):
                        last_heading = found[1].strip()
            if cell.cell_type == "markdown" and not utils.is_solution(cell):
                self._asked = cell.source
            if utils.is_grade(cell):
                task = self._task(cell, last_heading)
                cell.metadata["rueckmeldung"] = task
                tasks.append(task)
            if (utils.is_grade(cell) and not utils.is_solution(cell)) or quiz_name(cell):
                cell.source = ""
                cell.outputs = []
        course = nb.metadata.get("opendata_kurs", {})
        resources["kurs"] = {
            "titel": heading_of(nb) or resources["nbgrader"]["notebook"], "aufgaben": tasks, "hinweise": list(course.get("hinweise", [])),
            "kuerzel": resources["nbgrader"]["student"], "offen": any(t["stand"] == "offen" for t in tasks),
            "punkte": number(sum(t["wert"] for t in tasks)), "von": number(sum(t["max"] for t in tasks)),
        }
        return nb, resources

    def _task(self, cell, heading: str) -> dict:
        meta = cell.metadata.nbgrader
        score, best = meta.get("score"), float(meta["points"])
        manual = utils.is_solution(cell)
        waiting = bool(cell.metadata.get("wartet"))
        value = float(score or 0)
        state = "offen" if waiting else "richtig" if value >= best else "teilweise" if value > 0 else "falsch"
        name = quiz_name(cell)
        task = {"id": meta["grade_id"], "titel": heading or meta["grade_id"], "punkte": number(value), "von": number(best), "wert": value,
                "max": best, "stand": state, "wort": {"offen": "wird noch gelesen", "richtig": "richtig", "teilweise": "teilweise richtig",
                                                     "falsch": "noch nicht richtig"}[state],
                "kommentar": meta.get("comment") or "", "meldungen": [], "html": ""}
        if name:
            task["titel"], task["html"] = self._quiz(cell, name)
        elif manual and (asked := re.search(r"\*\*(Frage \d+)\*\*", self._asked)):
            task["titel"] = f"{asked[1]} (Freitext)"
        elif not manual and cell.cell_type == "code":
            task["meldungen"] = messages(cell)
        return task

    def _quiz(self, cell, name: str) -> tuple[str, str]:
        from opendata_kurs.questions import model, scoring, static, storage

        found = re.search(r'grade_quiz\("[^"]+", """(.*?)"""', cell.source, re.S)
        if not found:
            return f"Fragen {name}", ""
        quiz = model.unpack(found[1].replace("\\\\", "\\"))
        answers = storage.read(name, self.folder).answers
        return f"Fragen: {quiz['titel']}", static.evaluation(quiz, answers, scoring.score_all(quiz, answers))

    def preprocess_cell(self, cell, resources, index):
        """Do nothing: the work is per notebook."""
        return cell, resources


def messages(cell: NotebookNode) -> list[str]:
    """Return the German sentences a test cell ended with, without source or traceback."""
    texts = []
    for output in cell.get("outputs", []):
        if output.output_type == "error":
            if output.ename == "CheckFailed":
                texts.append(output.evalue)
            elif output.ename == "CellTimeoutError":
                texts.append("Die Zelle lief zu lange und wurde angehalten. Gibt es eine Schleife ohne Ende?")
            elif output.ename == "NotRun":
                texts.append(output.evalue)
            elif output.ename == "NameError" and (name := re.search(r"'(\w+)'", output.evalue)):
                texts.append(f"Den Namen `{name[1]}` gibt es nicht. Fehlt die Zeile „{name[1]} = …“, oder wurde die Zelle darüber mit einem Fehler angehalten?")
            else:
                texts.append(f"Die Prüfung wurde mit einem Fehler angehalten ({output.ename}). Prüfen Sie, ob Ihr Ergebnis die erwartete Art hat.")
    return texts


def heading_of(nb: NotebookNode) -> str:
    """Return a notebook's first main heading, or an empty text."""
    for cell in nb.cells:
        if cell.cell_type == "markdown" and (found := re.search(r"^#\s+(.+)$", cell.source, re.M)):
            return found[1].strip()
    return ""


_TAGS = {"p", "br", "em", "strong", "code", "pre", "ul", "ol", "li", "h1", "h2", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr",
         "th", "td", "blockquote", "a", "hr", "del", "sup", "sub", "dl", "dt", "dd", "details", "summary", "div", "span"}


def clean_markdown_html(html: str) -> str:
    """Return rendered markdown without scripts, foreign images, forms or styles: it may come from a hand-in."""
    import bleach

    def allowed(tag: str, name: str, value: str) -> bool:
        return tag == "a" and name == "href" and value.startswith(("#", "https://", "http://", "mailto:"))

    html = re.sub(r'<a class="anchor-link".*?</a>', "", html, flags=re.S)
    html = re.sub(r'<img[^>]*\balt="([^"]*)"[^>]*>', r"<em>[Bild: \1]</em>", html)
    # the page has one h1 of its own
    html = re.sub(r"<(/?)h([1-5])\b", lambda m: f"<{m[1]}h{min(6, int(m[2]) + 2)}", html)
    return bleach.clean(html, tags=_TAGS, attributes=allowed, strip=True)


def feedback_list() -> list[type]:
    """Return the preprocessors of GenerateFeedback in order."""
    return [GetGradesAndState, PrepareFeedback, CSSHTMLHeaderPreprocessor]
