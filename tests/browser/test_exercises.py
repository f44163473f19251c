"""A whole exercise of the chapters, played by keyboard only in a real JupyterLab with the perfect round-trip answers."""

from __future__ import annotations

import re

import pytest
from places import ROOT

from opendata_kurs import paths
from opendata_kurs.course_tools import roundtrip
from opendata_kurs.questions import model, scoring, storage

from .learner import FORM, OUTPUT, Learner


@pytest.mark.slow
@pytest.mark.same_page
@pytest.mark.parametrize(("chapter", "exercise"), [("02_lizenzen", "uebung_03_namensnennung")])
def test_whole_exercise_by_keyboard(page, lab, only_local, chapter, exercise):
    page.set_default_timeout(60_000)
    perfect = next(h for h in roundtrip.load(ROOT / "tests" / "roundtrips" / f"{chapter}__{exercise}.yml")["abgaben"] if h["name"] == "perfekt")
    me = Learner(page, lab, f"{chapter}/{exercise}.ipynb", mouse=False)
    cells = [c for c in lab.cells(page) if c["cell_type"] == "code"]
    source = {c["id"]: c for c in _source_cells(chapter, exercise)}
    passed = []
    for cell in cells:
        grading = cell["metadata"].get("nbgrader", {})
        if "abgabe" in cell["id"] or "pruefen()" in cell["source"]:
            continue
        if grading.get("solution"):
            wanted = re.search(r"### LÖSUNG ANFANG\n(.*?)\n\s*### LÖSUNG ENDE", source[cell["id"]]["source"], re.S)[1]
            me.write(cell["id"], roundtrip._replace_edit_line(me.source(cell["id"]), wanted))
        me.run(cell["id"])
        if found := re.search(r'^quiz\("([a-z0-9-]+)"\)', cell["source"], re.M):
            page.locator(FORM).wait_for()
            quiz = model.load(paths.course_dir() / chapter / "fragen" / f"{found[1]}.yml")
            me.answer_all(quiz, perfect["antworten"][found[1]], lab.root / chapter)
            stored = storage.read(found[1], lab.root / chapter)
            assert scoring.total(quiz, scoring.score_all(quiz, stored.answers)) == model.points(quiz)
            passed.append(found[1])
        elif grading.get("grade"):
            assert "sieht gut aus" in page.evaluate(OUTPUT, cell["id"]), cell["id"]
            passed.append(cell["id"])
    assert len(passed) >= 3
    me.save()
    lab.close(page)


def _source_cells(chapter: str, exercise: str) -> list[dict]:
    import nbformat

    return nbformat.read(paths.course_dir() / chapter / f"{exercise}.ipynb", as_version=4).cells
