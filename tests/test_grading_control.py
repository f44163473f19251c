"""Control cells: every check proves that it can fail, what cannot be exported is named, and tampering asks for a person."""

from __future__ import annotations

import ast
import json
import re

import nbformat
import pytest
from grading_fixtures import CHAPTER, EXERCISE, QUIZ, HandIn, released_course
from places import notebook_id, notebooks

from opendata_kurs.course_tools.feedback import results
from opendata_kurs.grading import box, control, execute, incidents, pool, runner, split

FULL = {f"quiz-{QUIZ}": 5.0, "anzahl-test": 3.0, "titel-test": 1.0, f"text-{QUIZ}-nutzen": None}
needs_box = pytest.mark.skipif(box.backend() == "keine", reason="this machine builds no box")
TRICK = "import opendata_kurs.checks as k\nk._fail = lambda *a, **b: None\n"


def _test_cells(nb):
    return [(n, c) for n, c in enumerate(nb.cells) if execute.is_test(c) and c.metadata.get("opendata_kurs", {}).get("exports")]


def _task(nb, change=lambda cells: cells):
    """Return the work item of a solved exercise as the source holds it."""
    learner = [{"i": n, "source": execute.visible(c.source)} | ({"exports": c.metadata["opendata_kurs"].get("exports", [])} if execute.is_test(c) else {})
               for n, c in enumerate(nb.cells) if c.cell_type == "code" and not c.source.startswith(("quiz(", "pruefen()", "abgabe()"))]
    tests = [{"i": n, "source": c.source, "exports": c.metadata["opendata_kurs"]["exports"], "always": False, "control": _hidden_part(c.source, c.metadata["opendata_kurs"]["exports"])}
             for n, c in _test_cells(nb)]
    return {"files": {}, "answers": {}, "learner": learner, "tests": change(tests), "cell_timeout": 60, "total_timeout": 300, "test_timeout": 120}


def _hidden_part(cell_source: str, exports) -> str:
    """Return a test cell's source without its visible checks: the imports, the preparations and the hidden tests.

    A cell whose hidden tests do not look at an exported name (but at a file, say), or that does not parse, is its own
    control.
    """
    marks = [(m[1], cell_source.count("\n", 0, m.start()) + 1) for m in re.finditer(r"VERSTECKTE TESTS (ANFANG|ENDE)", cell_source)]
    try:
        tree = ast.parse(cell_source)
    except (SyntaxError, ValueError):
        return cell_source
    begin = next((line for word, line in marks if word == "ANFANG"), 0)
    if not begin:
        return cell_source
    tree.body = [node for node in tree.body if node.lineno > begin or not (isinstance(node, ast.Expr | ast.Assert))]
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return ast.unparse(tree) if used & set(exports) else cell_source


def _unexportable(data) -> bool:
    return any(f'"k": "{kind}"' in json.dumps(data) for kind in ("unbekannt", "funktion", "zu-gross"))


@pytest.mark.slow
@needs_box
@pytest.mark.parametrize("exercise", notebooks("uebung_*.ipynb"), ids=notebook_id)
def test_results_are_data_and_controls_fail(exercise):
    """With the model solution: each exported name arrives as data (or is named), passes its check, and the control fails."""
    nb = nbformat.read(exercise, as_version=4)
    learner, tests = split.run(_task(nb))
    for number, cell in _test_cells(nb):
        meta, exported = cell.metadata["opendata_kurs"], learner.exports[number]
        named = set(meta.get("nicht_uebertragbar", []))
        assert set(exported) == set(meta["exports"]), f"{cell['id']}: not reported"
        found = {name for name, data in exported.items() if _unexportable(data)}
        assert found == named, f"{cell['id']}: opendata_kurs.nicht_uebertragbar must name exactly {sorted(found)}"
        assert not [o for o in tests.outputs.get(number, []) if o["output_type"] == "error"], f"{cell['id']}: the model solution does not pass"
        assert tests.controls[number], f"{cell['id']}: its hidden test accepts a value that is never right"
        assert not execute.tampered(learner, number)


def test_every_exercise_declares_its_results():
    checked = [n for exercise in notebooks("uebung_*.ipynb") for n in _test_cells(nbformat.read(exercise, as_version=4))]
    assert len(checked) >= 60


@needs_box
def test_a_check_that_cannot_fail_is_found():
    source = "x = 1\n### VERSTECKTE TESTS ANFANG\nx == 2\n### VERSTECKTE TESTS ENDE"
    task = {"files": {}, "answers": {}, "learner": [{"i": 0, "source": "anzahl = 3"}, {"i": 1, "source": "", "exports": ["anzahl"]}],
            "tests": [{"i": 1, "source": source, "exports": ["anzahl"], "always": False, "control": source}],
            "cell_timeout": 20, "total_timeout": 60, "test_timeout": 60}
    _, tests = split.run(task)
    assert tests.controls == {1: False}


def test_control_keeps_only_the_hidden_part():
    source = ("from opendata_kurs.checks import check_number\n\ncheck_number(anzahl, low=0)\nmeist = 2\n"
              "### VERSTECKTE TESTS ANFANG\ncheck_number(anzahl, meist)\n### VERSTECKTE TESTS ENDE\ncheck_number(anzahl)")
    assert _hidden_part(source, ["anzahl"]) == "from opendata_kurs.checks import check_number\nmeist = 2\ncheck_number(anzahl, meist)\ncheck_number(anzahl)"
    for unparsable in ("check_number(", "check_number(anzahl)", "check_file(a)\n### VERSTECKTE TESTS ANFANG\ncheck_number(2, 2)\n### VERSTECKTE TESTS ENDE"):
        assert _hidden_part(unparsable, ["anzahl"]) == unparsable


@needs_box
def test_tampered_test_process_gives_no_points(tmp_path, monkeypatch):
    """As if a saved file had taken over the libraries of the test process: from then on every check would pass."""
    course = released_course(tmp_path / "leitung")
    HandIn(course, "eine")
    cells = execute.SplitExecute._test_cells
    monkeypatch.setattr(execute.SplitExecute, "_test_cells", lambda self, nb: [c | {"source": TRICK + c["source"]} if c["control"] else c for c in cells(self, nb)])
    pool.grade_cohort(course, [CHAPTER], jobs=1)
    found = results(course, CHAPTER, "eine")[0]
    assert found.cells["anzahl-test"] is None and found.needs_person and found.points == 5.0, found
    assert any(incidents.UNRELIABLE in n for n in found.notes)
    # control: where nobody asks whether the control failed, the trick gives full points
    monkeypatch.setattr(execute.SplitExecute, "_test_cells", lambda self, nb: [c | {"source": TRICK + "check_true = check_number = check_text = lambda *a, **b: None"} if c["exports"] else c for c in cells(self, nb)])
    monkeypatch.setattr(execute, "tampered", lambda *a: False)
    plain = execute.SplitExecute._test_outputs

    def without(self, nb, learner, tests):
        tests.controls = dict.fromkeys(range(len(nb.cells)), True)
        plain(self, nb, learner, tests)
    monkeypatch.setattr(execute.SplitExecute, "_test_outputs", without)
    other = HandIn(course, "andere")
    other.change(lambda nb: other.cell(nb, "anzahl").update(source="anzahl = 0"))
    pool.grade_cohort(course, [CHAPTER], ["andere"], jobs=1)
    assert results(course, CHAPTER, "andere")[0].cells["anzahl-test"] == 3.0


@needs_box
def test_tampered_notebook_asks_for_a_person(tmp_path):
    """Points come from the second process alone; a named result that only crosses as a type gets none after tampering."""
    course = released_course(tmp_path / "leitung")
    honest, trick = HandIn(course, "ehrlich"), HandIn(course, "trick")
    trick.change(lambda nb: trick.cell(nb, "anzahl").update(source=TRICK + trick.cell(nb, "anzahl").source))
    pool.grade_cohort(course, [CHAPTER], jobs=1)
    assert results(course, CHAPTER, "ehrlich")[0].cells == FULL and not [n for n in results(course, CHAPTER, "ehrlich")[0].notes]
    found = results(course, CHAPTER, "trick")[0]
    assert found.needs_person and found.points == 9.0 and incidents.TAMPERED in found.notes
    assert found.cells["anzahl-test"] is None, "waits for a person in formgrader, too"
    for file in (course.release_dir(CHAPTER) / f"{EXERCISE}.ipynb", course.source / CHAPTER / f"{EXERCISE}.ipynb"):
        nb = nbformat.read(file, as_version=4)
        honest.cell(nb, "anzahl-test").metadata["opendata_kurs"]["nicht_uebertragbar"] = ["anzahl"]
        nbformat.write(nb, file)
    pool.grade_cohort(course, [CHAPTER], jobs=1)
    assert results(course, CHAPTER, "trick")[0].points == 6.0, "the named result counts only where its control fails"
    assert results(course, CHAPTER, "ehrlich")[0].cells == FULL


def test_wrong_values_are_never_right():
    from pathlib import Path

    for value in [True, None, 3, 2.5, "Bilk", Path("karte.html"), [1], (1,), {1}, {"a": 1}, object()]:
        assert control.wrong(value) != value


def test_a_process_that_reports_no_control_is_not_believed():
    run = runner.Run(counts={1: 1, 2: 2}, controls={1: True}, last=2)
    assert not execute.tampered(run, 1) and execute.tampered(run, 2) and not execute.tampered(run, 3)
    stopped = runner.Run(counts={2: 2}, last=2, reason="zeit")
    assert not execute.tampered(stopped, 2), "that the notebook was stopped is told elsewhere"
