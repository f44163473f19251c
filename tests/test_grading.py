"""Every exercise proves itself: hand-ins with hand-written points go through real nbgrader.

Prints a table exercise × hand-in with points. The next exercise adds a file in tests/roundtrips, not code here.
"""

from __future__ import annotations

import ast
import resource
import time
from pathlib import Path

import nbformat
import pytest
from places import notebook_id, notebooks

from opendata_kurs import paths
from opendata_kurs.course_tools.preprocessors import quiz_name, undeclared_names
from opendata_kurs.course_tools.roundtrip import (
    RoundTripError,
    RoundTrips,
    key_mutants,
    load,
    table,
    to_answers,
)
from opendata_kurs.grading import runner, zygote
from opendata_kurs.questions import model, scoring

HERE = Path(__file__).parent
FILES = sorted((HERE / "roundtrips").glob("*.yml"))
FIXTURE = HERE / "fixtures" / "roundtrips" / "01_mini__uebung_01_mini.yml"
EXERCISES = notebooks("uebung_*.ipynb")


@pytest.fixture(scope="session")
def trips(tmp_path_factory) -> RoundTrips:
    if runner.can_fork():
        runner.warm(zygote.GROUPS)  # as `kurs grade` does for what the hand-ins use
    return RoundTrips(paths.course_dir(), tmp_path_factory.mktemp("roundtrips"))


@pytest.fixture(scope="session")
def small(tmp_path_factory) -> RoundTrips:
    return RoundTrips(HERE / "fixtures" / "kurs", tmp_path_factory.mktemp("mini"))


def _cpu() -> float:
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in usage)


def _run(trips: RoundTrips, file: Path, capsys) -> None:
    trips.course(load(file)["kapitel"])  # generated once per chapter, not counted below
    began, cpu = time.monotonic(), _cpu()
    outcomes = trips.run(file)
    with capsys.disabled():
        print(f"\n{table(outcomes)}\n{len(outcomes)} Abgaben in {time.monotonic() - began:.1f} s (Rechenzeit {_cpu() - cpu:.1f} s)")
    assert not any(o.problems for o in outcomes), table([o for o in outcomes if o.problems])


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_exercise_round_trip(trips, file, capsys):
    _run(trips, file, capsys)


def test_fixture_round_trip(small, capsys):
    _run(small, FIXTURE, capsys)


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_broken_check_is_noticed(trips, file):
    what, noticed = trips.run_mutated(file)
    assert noticed is not None, f"{what}, and no hand-in of {file.name} came out differently"


@pytest.mark.parametrize("file", [*FILES, FIXTURE], ids=lambda f: f.stem)
def test_broken_key_is_noticed(file):
    """The perfect hand-in writes its answers out, so each wrong key changes its points (`richtig` would follow the key)."""
    data = load(file)
    folder = (HERE / "fixtures" / "kurs" if file == FIXTURE else paths.course_dir()) / data["kapitel"] / "fragen"
    written = data["abgaben"][0].get("antworten") or {}
    for name in _quizzes(folder.parent / f"{data['uebung']}.ipynb"):
        quiz = model.load(folder / f"{name}.yml")
        wanted = written.get(name) if isinstance(written, dict) else None
        help_ = f"write the answers of {name} out in „perfekt“; python -m opendata_kurs.course_tools.roundtrip {name}.yml prints them"
        assert isinstance(wanted, dict), help_
        answers = to_answers(quiz, wanted)
        best = scoring.total(quiz, scoring.score_all(quiz, answers))
        assert best == model.points(quiz), f"{name}: „perfekt“ gets {best} of {model.points(quiz)}"
        for question, broken in key_mutants(quiz):
            assert scoring.total(broken, scoring.score_all(broken, answers)) < best, f"{name}, {question}: nobody notices a wrong key"


def _quizzes(exercise: Path) -> list[str]:
    return [name for c in nbformat.read(exercise, as_version=4).cells if (name := quiz_name(c))]


@pytest.mark.parametrize("exercise", EXERCISES, ids=notebook_id)
def test_every_exercise_has_a_round_trip(exercise):
    file = HERE / "roundtrips" / f"{exercise.parent.name}__{exercise.stem}.yml"
    assert file.is_file(), f"{file.name} is missing: see docs/uebung_anlegen.md"
    handins = load(file)["abgaben"]
    names = [h["name"] for h in handins]
    assert {"perfekt", "leer"} <= set(names)
    assert len(names) >= 5, "at least three typical mistakes"
    for handin in handins:
        if handin["name"] not in ("perfekt", "leer"):
            assert handin.get("meldungen"), f"{handin['name']}: which German message does the learner read?"


@pytest.mark.parametrize("exercise", EXERCISES, ids=notebook_id)
def test_test_cells_use_only_exported_names(exercise):
    """Later the tests run in a second, clean process that knows just these names."""
    for cell in _test_cells(exercise):
        assert not undeclared_names(cell), f"{cell['id']}: add to opendata_kurs.exports or import: {undeclared_names(cell)}"


@pytest.mark.parametrize("exercise", EXERCISES, ids=notebook_id)
def test_test_cells_end_with_a_check(exercise):
    """A number as last expression counts as partial credit, so a test cell ends with a check or an assert."""
    for cell in _test_cells(exercise):
        last = ast.parse(cell.source).body[-1]
        call = isinstance(last, ast.Expr) and isinstance(last.value, ast.Call) and getattr(last.value.func, "id", "").startswith("check_")
        assert call or not isinstance(last, ast.Expr), f"{cell['id']}: the last line must be a check"


def _test_cells(exercise: Path):
    nb = nbformat.read(exercise, as_version=4)
    return [c for c in nb.cells if c.cell_type == "code" and c.metadata.get("nbgrader", {}).get("grade")
            and not c.metadata["nbgrader"].get("solution") and not quiz_name(c)]


def test_undeclared_name_is_found():
    cell = nbformat.v4.new_code_cell("from opendata_kurs.checks import check_true\ncheck_true(geheim > anzahl, 'x')")
    cell.metadata["opendata_kurs"] = {"exports": ["anzahl"]}
    assert undeclared_names(cell) == {"geheim"}


@pytest.mark.parametrize(("text", "complaint"), [
    ("kapitel: a\nuebung: b\n", "abgaben"),
    ("kapitel: a\nuebung: b\nabgaben: [{name: x1, punkte: {}}]\n", "summe"),
    ("kapitel: a\nuebung: b\nabgaben: [{name: x1, punkte: {}, summe: 0, pnukte: 1}]\n", "pnukte"),
    ("kapitel: a\nuebung: b\nabgaben: [{name: x1, basis: nix, punkte: {}, summe: 0}]\n", "nix"),
])
def test_round_trip_file_is_checked(tmp_path, text, complaint):
    file = tmp_path / "a__b.yml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(RoundTripError, match=complaint):
        load(file)
