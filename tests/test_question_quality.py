"""The right option cannot be recognised by length or position; every documented case of K1 and K2 is asked."""

import itertools
import json
import random
from statistics import mean

import pytest
import yaml
from places import CHAPTERS

from opendata_kurs.questions import model

FILES = [path for chapter in CHAPTERS for path in sorted((chapter / "fragen").glob("*.yml"))]

# The cases of the project's fact collection. The two disputed ones may only be asked as `streitig`.
K1 = [f"K1-{number:02d}" for number in range(1, 11)]
K2 = [f"K2-{number:02d}" for number in range(1, 31)]
DISPUTED = {"K2-03", "K2-25"}
# Mean of a rank scaled to 0 (shortest, first) … 1 (longest, last); chance is 0.5.
CENTRE, TOLERANCE = 0.5, 0.15
# How often the right option may be the single longest or shortest, in units of what chance gives.
LONGEST_FACTOR = 1.8


def single_choice(quiz: dict) -> list[dict]:
    """Return the questions with one right option; where opinions differ there is none to recognise."""
    return [q for q in quiz["fragen"] if q["art"] == "einfach" and not q["streitig"]]


def length_rank(options: list[dict]) -> float:
    """Return where the right option stands among all, by length: 0 shortest, 1 longest; equal lengths share a rank."""
    right = next(len(o["text"]) for o in options if o["richtig"])
    others = [len(o["text"]) for o in options if not o["richtig"]]
    return (sum(length < right for length in others) + sum(length == right for length in others) / 2) / len(others)


def position(options: list[dict]) -> float:
    """Return where the right option is displayed: 0 first, 1 last."""
    return next(i for i, o in enumerate(options) if o["richtig"]) / (len(options) - 1)


def biases(questions: list[dict]) -> list[str]:
    """Return what gives the right option away in a set of single-choice questions (empty: nothing)."""
    found = []
    sets = [q["optionen"] for q in questions]
    for name, measure in (("length", length_rank), ("position", position)):
        average = mean(measure(options) for options in sets)
        if abs(average - CENTRE) > TOLERANCE:
            found.append(f"{name}: the right option's mean rank is {average:.2f}, chance is {CENTRE}")
    by_chance = mean(1 / len(options) for options in sets)
    for name, pick in (("longest", max), ("shortest", min)):
        share = mean(_is_alone(options, pick) for options in sets)
        if share > LONGEST_FACTOR * by_chance:
            found.append(f"the right option is the {name} in {share:.0%} of the questions, chance is {by_chance:.0%}")
    for size, group in itertools.groupby(sorted(sets, key=len), key=len):
        group = list(group)
        for place in range(size):
            share = mean(options[place]["richtig"] for options in group)
            if len(group) >= 20 and share > 2 / size:
                found.append(f"of {len(group)} questions with {size} options {share:.0%} have the right one in place {place + 1}")
    return found


def _is_alone(options: list[dict], pick) -> bool:
    lengths = [len(o["text"]) for o in options]
    best = pick(lengths)
    return lengths.count(best) == 1 and next(len(o["text"]) for o in options if o["richtig"]) == best


def _all_single_choice() -> list[dict]:
    return [question for path in FILES for question in single_choice(model.load(path))]


def test_there_are_questions():
    assert len(_all_single_choice()) >= 20


def test_the_right_option_is_recognised_neither_by_length_nor_by_position(record_property):
    questions = _all_single_choice()
    record_property("length", mean(length_rank(q["optionen"]) for q in questions))
    record_property("position", mean(position(q["optionen"]) for q in questions))
    assert biases(questions) == []


def test_right_boxes_of_multiple_choice_are_not_the_long_ones():
    ranks = []
    for path in FILES:
        for question in (q for q in model.load(path)["fragen"] if q["art"] == "mehrfach"):
            for right in (o for o in question["optionen"] if o["richtig"]):
                ranks.append(length_rank([right, *(o for o in question["optionen"] if not o["richtig"])]))
    assert abs(mean(ranks) - CENTRE) <= 0.25


def _planted(kind: str) -> list[dict]:
    chance = random.Random(1)
    questions = []
    for _ in range(60):
        options = [{"text": "x" * chance.randint(30, 90), "richtig": False} for _ in range(4)]
        right = chance.choice(options)
        if kind == "longest":
            right["text"] = "x" * 95
        elif kind == "shortest":
            right["text"] = "x" * 20
        elif kind == "first":
            right = options[0]
        elif kind == "third":
            right = options[2]
        right["richtig"] = True
        questions.append({"optionen": options})
    return questions


@pytest.mark.parametrize("kind", ["longest", "shortest", "first", "third"])
def test_a_planted_bias_is_found(kind):
    assert biases(_planted(kind)) != []


def test_an_unbiased_set_passes():
    assert biases(_planted("none")) == []


def unexplained(question: dict) -> list[str]:
    """Return the options that do not say why they are right or what the mistake is."""
    return [option["text"] for option in question.get("optionen", []) if len(option["weil"]) < 15 or option["weil"] == option["text"]]


@pytest.mark.parametrize("path", FILES, ids=lambda p: f"{p.parent.parent.name[:2]}-{p.stem}")
def test_every_option_says_why(path):
    assert [(q["id"], text) for q in model.load(path)["fragen"] for text in unexplained(q)] == []


def test_an_option_without_a_reason_is_found():
    options = [{"text": "Ja, immer.", "weil": "Das gilt nur für das Land."}, {"text": "Nein.", "weil": "Falsch."}]
    assert unexplained({"optionen": options}) == ["Nein."]


def cases_asked() -> dict[str, list[tuple[str, bool]]]:
    """Return case -> (place, disputed) over all question files and the test cells of all exercises."""
    found: dict[str, list[tuple[str, bool]]] = {}

    def note(case, place: str, disputed: bool) -> None:
        for each in [case] if isinstance(case, str) else case or []:
            found.setdefault(each.strip(), []).append((place, disputed))

    for path in FILES:
        for question in yaml.safe_load(path.read_text(encoding="utf-8"))["fragen"]:
            disputed = question.get("streitig") is True
            note((question.get("fall") or "").split(",") if question.get("fall") else None, f"{path.name}#{question['id']}", disputed)
    for chapter in CHAPTERS:
        for path in sorted(chapter.glob("*.ipynb")):
            for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
                case = cell["metadata"].get("opendata_kurs", {}).get("fall")
                note(case.split(",") if isinstance(case, str) else case, f"{path.name}#{cell['id']}", False)
    return found


def missing_cases(asked: dict) -> set[str]:
    """Return the undisputed cases of K1 and K2 that no question and no task asks."""
    return set(K1 + K2) - DISPUTED - set(asked)


def test_all_undisputed_cases_are_asked():
    assert missing_cases(cases_asked()) == set()


@pytest.mark.parametrize("case", ["K1-07", "K2-06", "K2-20"])
def test_a_case_that_nobody_asks_is_found(case):
    asked = cases_asked()
    del asked[case]
    assert missing_cases(asked) == {case}


def test_disputed_cases_are_never_graded_hard():
    wrong = [place for case, places in cases_asked().items() if case in DISPUTED for place, disputed in places if not disputed]
    assert wrong == []


def test_cases_named_in_the_course_exist():
    known = set(K1 + K2) | {f"K{chapter}-{number:02d}" for chapter, last in ((3, 7), (4, 20)) for number in range(1, last + 1)}
    assert set(cases_asked()) <= known


def points(chapter) -> tuple[float, float]:
    """Return the points of a chapter for choosing and for doing: compute, sort, match, write, repair."""
    choosing = doing = 0.0
    for path in sorted(chapter.glob("uebung_*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["metadata"].get("nbgrader", {}).get("grade"):
                doing += cell["metadata"]["nbgrader"]["points"]
    for path in sorted((chapter / "fragen").glob("*.yml")):
        quiz = model.load(path)
        for question in quiz["fragen"] if quiz["benotet"] else []:
            if question["art"] in ("einfach", "mehrfach"):
                choosing += question["punkte"]
            else:
                doing += question["punkte"]
    return choosing, doing


def enough_doing(choosing: float, doing: float) -> bool:
    """Tell whether at least a third of the points is for doing."""
    return choosing + doing > 0 and doing / (doing + choosing) >= 1 / 3


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda p: p.name)
def test_at_least_a_third_of_the_points_by_doing(chapter, record_property):
    choosing, doing = points(chapter)
    record_property("share", doing / (doing + choosing))
    assert enough_doing(choosing, doing)


def test_too_little_doing_is_found():
    assert not enough_doing(21, 10) and not enough_doing(0, 0) and enough_doing(20, 10)


def test_points_are_told_apart(tmp_path):
    chapter = tmp_path / "09_probe"
    (chapter / "fragen").mkdir(parents=True)
    (chapter / "fragen" / "uebung-01-probe.yml").write_text(
        "quiz: uebung-01-probe\ntitel: Probe\nmodus: ueben\nfragen:\n"
        "  - {id: waehlen, art: einfach, punkte: 2, frage: 'Was gilt?', optionen: [{richtig: 'Ja', weil: So steht es im Gesetz.}, {falsch: 'Nein', weil: Das wäre ein Irrtum.}]}\n"
        "  - {id: rechnen, art: zahl, punkte: 3, frage: 'Wie viel?', antwort: '4'}\n", encoding="utf-8")
    task = {"cell_type": "code", "source": "", "metadata": {"nbgrader": {"grade": True, "points": 4}}}
    (chapter / "uebung_01_probe.ipynb").write_text(json.dumps({"cells": [task]}), encoding="utf-8")
    assert points(chapter) == (2, 7)
