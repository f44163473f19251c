"""Notebooks keep their shape; every rule is shown to find a planted fault."""

import copy
import re

import notebook_rules as rules
import pytest
import yaml
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output
from norms import norms
from places import CHAPTERS, ROOT, notebook_id, notebooks

LESSONS = notebooks("lektion_*.ipynb")
EXERCISES = notebooks("uebung_*.ipynb")
ALL = notebooks("*.ipynb")


def _complaints(path, checks) -> list[str]:
    nb = rules.read(path)
    return [f"{check.__name__}: {text}" for check in checks for text in check(nb)]


def test_there_are_notebooks():
    assert LESSONS, "no lesson found: the rules below would pass on nothing"


@pytest.mark.parametrize("path", ALL, ids=notebook_id)
def test_every_notebook(path):
    assert _complaints(path, rules.EVERY_NOTEBOOK) == []


@pytest.mark.parametrize("path", LESSONS, ids=notebook_id)
def test_lesson(path):
    assert _complaints(path, rules.LESSON) == []


@pytest.mark.parametrize("path", EXERCISES, ids=notebook_id)
def test_exercise(path):
    assert _complaints(path, rules.EXERCISE) == []


@pytest.mark.parametrize("path", LESSONS, ids=notebook_id)
def test_lesson_and_exercise_belong_together(path):
    exercise = path.with_name(path.name.replace("lektion_", "uebung_"))
    assert exercise.exists()
    assert path.name in rules.read(exercise).cells[0].source, "the exercise names the lesson that taught it"
    assert exercise.name in rules.read(path).cells[-1].source + "".join(s for _, s in rules.texts(rules.read(path)))


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda p: p.name)
def test_durations_add_up(chapter):
    lessons = sorted(chapter.glob("lektion_*.ipynb"))
    if not lessons:
        pytest.skip(f"{chapter.name} has no lesson yet")
    declared = yaml.safe_load((chapter / "kapitel.yml").read_text(encoding="utf-8"))
    by_file = {entry["datei"]: entry["minuten"] for entry in declared["lektionen"]}
    assert by_file == {p.name: rules.duration(rules.read(p))[0] for p in lessons}
    core = sum(entry["minuten"] for entry in declared["lektionen"] if not entry.get("vertiefung"))
    assert core == declared["minuten_kern"]


@pytest.mark.parametrize("path", LESSONS, ids=notebook_id)
def test_reading_fits_in_the_declared_minutes(path):
    assert list(rules.reading_too_long(rules.read(path))) == []


# The chapters on ideas and law: about 900 words stand open on the page, and a lesson takes 25 to 30 minutes with its exercise.
SHORT = [path for path in LESSONS if path.parent.name[:2] in ("01", "02")]
CORE_WORDS = 950
LEGAL = [path for path in SHORT if path.parent.name.startswith("02") or path.name.startswith("lektion_04")]


@pytest.mark.parametrize("path", SHORT, ids=notebook_id)
def test_the_core_of_a_lesson_is_short(path):
    nb = rules.read(path)
    assert rules.core_words(nb) <= CORE_WORDS
    assert 25 <= rules.duration(nb)[0] <= 30


def test_the_first_two_chapters_take_as_long_as_promised():
    minutes = {path: rules.duration(rules.read(path))[0] for path in SHORT}
    assert [sum(m for path, m in minutes.items() if path.parent.name.startswith(number)) for number in ("01", "02")] == [120, 150]


def box_faults(nb) -> list[str]:
    """A legal lesson opens with three sentences that name a norm, the state of law and that it is no legal advice."""
    opening = "\n".join(cell.source for cell in nb.cells[:2])
    box = " ".join(line.strip("> ") for line in opening.splitlines() if line.startswith(">"))
    found = [] if box.startswith("**Kurz gesagt:**") else ["no box „Kurz gesagt“"]
    sentences = re.findall(r"[^.!?]+[.!?](?=\s|$)", re.sub(r"\([^)]*\)|\d\.\d", "", box))
    found += [] if len(sentences) == 3 else [f"{len(sentences)} sentences"]
    found += [] if norms(box) else ["no norm"]
    return found + ([] if re.search(r"kein(?:en)? Rechtsrat", opening, re.IGNORECASE) else ["nothing about legal advice"])


@pytest.mark.parametrize("path", LEGAL, ids=notebook_id)
def test_legal_lessons_open_with_the_law_in_short(path):
    assert box_faults(rules.read(path)) == []


@pytest.mark.parametrize(("old", "new", "said"), [
    ("**Kurz gesagt:**", "**Vorab:**", "no box"),
    ("Kein Rechtsrat", "", "nothing about legal advice"),
    ("> Bei zero", "> Noch ein Satz. Bei zero", "4 sentences"),
    (" (dl-de/by-2-0 Abs. 2 und 3)", "", "no norm"),
])
def test_planted_faults_in_a_legal_opening_are_found(old, new, said):
    nb = copy.deepcopy(rules.read(next(path for path in LEGAL if path.name.startswith("lektion_03"))))
    for cell in nb.cells[:2]:
        cell.source = cell.source.replace(old, new)
    assert said in " ".join(box_faults(nb))


def test_folded_parts_do_not_count_as_core_but_what_all_read_does():
    nb = copy.deepcopy(_good())
    before = rules.core_words(nb), rules.reading_minutes(nb)
    nb.cells.append(new_markdown_cell("<details><summary>Für Neugierige: mehr</summary>" + "Wort " * 300 + "</details>", id="curious"))
    assert (rules.core_words(nb), rules.reading_minutes(nb)) == before
    nb.cells.append(new_markdown_cell("<details><summary>Eine Karte</summary>" + "Wort " * 298 + "</details>", id="card"))
    assert rules.core_words(nb) == before[0] and rules.reading_minutes(nb) == pytest.approx(before[1] + 2)
    nb.cells.append(new_markdown_cell("Wort " * 300, id="open"))
    assert rules.core_words(nb) == before[0] + 300 and rules.reading_minutes(nb) == pytest.approx(before[1] + 4)


def test_file_names_are_ascii():
    names = [p.relative_to(ROOT) for folder in ("course", "datasets", "docs", "src", "tests") for p in (ROOT / folder).rglob("*")]
    assert len(names) > 20
    assert [str(n) for n in names if not str(n).isascii() or ":" in str(n) or " " in n.name] == []


def _good():
    return rules.read(LESSONS[0])


def _plant(kind):
    nb = copy.deepcopy(_good())
    code = next(c for c in nb.cells if c.cell_type == "code")
    if kind == "parts_missing":
        nb.cells = [c for c in nb.cells if not c.source.startswith("## Stolperstein")]
    elif kind == "head_incomplete":
        nb.cells[0].source = nb.cells[0].source.replace("lesen,", "lesen und 99 warten,")
    elif kind == "goals_untestable":
        cell = next(c for c in nb.cells if c.source.startswith("## Lernziele"))
        cell.source += "\n- Sie verstehen Open Data."
    elif kind == "reading_too_long":
        nb.cells.append(new_markdown_cell("Wort " * 1800, id="planted"))
    elif kind == "outputs_missing":
        for cell in nb.cells:
            if cell.cell_type == "code":
                cell.outputs = []
    elif kind == "outputs_kept":
        pass  # a lesson keeps outputs: the rule for exercises must complain about it
    elif kind == "errors_kept":
        code.outputs.append(new_output("error", ename="NameError", evalue="x", traceback=[]))
    elif kind == "ids_unreadable":
        code["id"] = "3fa9c1d2"
    elif kind == "metadata_too_much":
        code.metadata["execution"] = {"iopub.status.busy": "2026-01-01"}
    elif kind == "alternatives_missing":
        nb.cells.append(new_markdown_cell("![](bild.png)", id="planted"))
    elif kind == "foreign_requests":
        code.outputs.append(new_output("display_data", data={"text/html": '<script src="https://cdn.example/x.js"></script>'}))
    elif kind == "machine_paths":
        code.outputs.append(new_output("stream", text="/home/anna/kurs/x.py"))
    elif kind == "relative_data":
        nb.cells.append(new_code_cell('pd.read_csv("../../datasets/x.csv")', id="planted"))
    return nb


@pytest.mark.parametrize("rule", [*rules.EVERY_NOTEBOOK, *rules.LESSON, *rules.EXERCISE, rules.reading_too_long], ids=lambda r: r.__name__)
def test_rule_finds_a_planted_fault(rule):
    assert list(rule(_plant(rule.__name__))) != []


@pytest.mark.parametrize("html", ['<img src="//x.example/a.png" alt="ein Bild von etwas">', "<style>@import 'https://x.example/a.css'</style>",
                                  '<div style="background:url(https://x.example/a.png)">', "![ein Bild von etwas](https://x.example/a.png)",
                                  '<link rel="stylesheet" href="https://x.example/a.css">'])
def test_every_way_of_loading_from_outside_is_found(html):
    assert rules.LOADED_FROM_OUTSIDE.search(html)
    assert not rules.LOADED_FROM_OUTSIDE.search('<a href="https://www.govdata.de/dl-de/by-2-0">Lizenz</a>')
