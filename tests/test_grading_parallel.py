"""Grading a cohort: same points as one after another, resume, crashes, a cluster, PostgreSQL, and the box from both users."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from grading_fixtures import CHAPTER, EXERCISE, QUIZ, HandIn, released_course
from places import ROOT

from opendata_kurs.course_tools import gradebook_backup
from opendata_kurs.course_tools.config import Course
from opendata_kurs.course_tools.feedback import results
from opendata_kurs.course_tools.gradebook_backup import backup, backups, restore
from opendata_kurs.grading import box, cleaning, execute, handins, pool, runner, values

FULL = {f"quiz-{QUIZ}": 5.0, "anzahl-test": 3.0, "titel-test": 1.0, f"text-{QUIZ}-nutzen": None}
KURS = [sys.executable, "-c", "from opendata_kurs.cli import main; raise SystemExit(main())"]
needs_box = pytest.mark.skipif(box.backend() == "keine", reason="this machine builds no box")
needs_fork = pytest.mark.skipif(not runner.can_fork(), reason="no fork here")


def _points(course: Course, student: str):
    return results(course, CHAPTER, student)[0].cells


@pytest.fixture
def course(tmp_path):
    return released_course(tmp_path / "leitung")


# --- what crosses the border ------------------------------------------------------------------------------------------


def _tables():
    import geopandas as gpd
    import numpy as np
    import pandas as pd
    from shapely.geometry import Point, Polygon

    plain = pd.DataFrame({"nr": ["054", None], "n": [1, 2], "x": [1.5, float("nan")], "ja": [True, False], "wann": pd.to_datetime(["2020-01-02", None]),
                          "art": pd.Categorical(["a", "b"]), "i": pd.array([1, None], dtype="Int64"), "o": [["a"], {"b": 1}]}, index=pd.Index(["p", "q"], name="k"))
    plain.attrs["quellen"] = [{"slug": "x", "changes": ["y"]}]
    geo = gpd.GeoDataFrame({"name": ["Bilk"]}, geometry=[Polygon([(0, 0), (1, 0), (1, 1)])], crs="EPSG:25832")
    return [plain, geo, geo.geometry, plain["n"], plain.groupby("art", observed=True)["n"].agg(["sum", "max"]), plain.set_index(["nr", "n"]), pd.Timestamp("2020-01-02"),
            np.float64(1.5), np.int32(3), np.array([[1, 2], [3, 4]]), Point(1, 2), pd.Series({"a": 1.0}, name="s").index]


def test_tables_cross_unchanged():
    import json

    import geopandas as gpd
    import geopandas.testing
    import numpy as np
    import pandas as pd

    for value in _tables():
        back = values.decode(json.loads(json.dumps(values.encode(value))))
        assert type(back) is type(value)
        if isinstance(value, gpd.GeoDataFrame):
            gpd.testing.assert_geodataframe_equal(back, value)
        elif isinstance(value, gpd.GeoSeries):
            gpd.testing.assert_geoseries_equal(back, value)
        elif isinstance(value, pd.DataFrame):
            pd.testing.assert_frame_equal(back, value)
            assert back.attrs == value.attrs
        elif isinstance(value, pd.Series):
            pd.testing.assert_series_equal(back, value)
        elif isinstance(value, pd.Index | np.ndarray):
            assert list(back.ravel()) == list(value.ravel())
        else:
            assert back == value


def test_plain_values_cross_unchanged():
    import datetime as dt
    import json
    from decimal import Decimal

    for value in [None, True, 3, 2**80, 1.5, "ä", [1, [2]], (1, "a"), {1, 2}, frozenset({1}), {"a": (1,), 2: None}, b"x", Path("karte.html"), ...,
                  dt.date(2020, 1, 2), dt.datetime(2020, 1, 2, 3), dt.timedelta(1), Decimal("1.10"), 1 + 2j]:
        back = values.decode(json.loads(json.dumps(values.encode(value))))
        assert back == value and type(back) in (type(value), Path, type(Path()))


def test_code_never_crosses():
    class Boese(int):
        def __eq__(self, other):
            return True
        __hash__ = int.__hash__

    class Objekt:
        def __reduce__(self):
            return (os.system, ("echo nein",))

    assert values.encode(Boese(1)) == 1 and type(values.decode(values.encode(Boese(1)))) is int
    assert values.encode(Objekt()) == {"k": "unbekannt", "v": "Objekt"}
    assert type(values.decode(values.encode(Objekt()))).__name__ == "Objekt"
    for forged in [{"k": "kurs", "c": "os:system", "v": []}, {"k": "kurs", "c": "opendata_kurs.paths:Path", "v": []}, {"k": "array", "d": "object; import os", "s": [1], "v": [1]},
                   {"k": "geometrie", "v": "zz"}, {}, {"k": "frame"}, {"k": "np", "d": "O", "v": 1}]:
        with pytest.raises(values.NotExportable):
            values.decode(forged)
    nested: list = []
    nested.append(nested)
    with pytest.raises(values.NotExportable):
        values.encode(nested)


def test_points_stay_between_zero_and_the_maximum():
    import nbformat
    from nbgrader.utils import determine_grade

    for text, want in [("400", 3.0), ("-5", 0.0), ("2.5", 2.5), ("'alles'", 0.0), ("nan", 0.0), ("inf", 0.0)]:
        cell = nbformat.v4.new_code_cell("x", outputs=[nbformat.v4.new_output("execute_result", data={"text/plain": text})])
        cell.metadata["nbgrader"] = {"grade": True, "points": 3, "grade_id": "a", "solution": False, "locked": True}
        execute.clamp(cell)
        assert determine_grade(cell)[0] == want, text


@pytest.mark.parametrize(("text", "kept"), [
    ("a < b und **fett**", "a < b und **fett**"), ("<b>x</b> <br/>", "<b>x</b> <br/>"), ("<https://example.org/a>", "<https://example.org/a>"),
    ("<b onclick=x>", "&lt;b onclick=x>"), ("<SCRIPT>x", "&lt;SCRIPT>x"), ("<!-- x", "&lt;!-- x"), ("[a](JavaScript\\:x)", "[a](Java\u200bScript\\:x)"), ("&#106;", "&\u200b#106;"), ("&amp;#106;", "&\u200bamp;#106;"),
])
def test_markdown_is_cleaned(text, kept):
    assert cleaning.clean_markdown(text) == kept


# --- cohort -------------------------------------------------------------------------------------------------------------


@needs_box
def test_cohort_resumes_and_regrades_only_what_changed(course, capsys):
    names = [f"p-{n}" for n in range(4)]
    for name in names:
        HandIn(course, name)
    graded = pool.grade_cohort(course, [CHAPTER], jobs=2, progress=pool.show)
    assert [g.student for g in graded] == names and all(_points(course, n) == FULL for n in names)
    text = capsys.readouterr().out
    assert "4 Abgaben werden bewertet." in text and "4 von 4 bewertet · 4 warten auf eine Person · 0 gescheitert" in text
    changed = HandIn(course, "p-1")
    changed.change(lambda nb: changed.cell(nb, "anzahl").update(source="anzahl = 3"))
    stamps = {n: (course.folder("autograded", n, CHAPTER) / f"{EXERCISE}.ipynb").stat().st_mtime_ns for n in names}
    graded = pool.grade_cohort(course, [CHAPTER], jobs=2, progress=pool.show)
    assert "3 Abgaben sind unverändert" in capsys.readouterr().out and len(graded) == 4
    again = {n for n in names if (course.folder("autograded", n, CHAPTER) / f"{EXERCISE}.ipynb").stat().st_mtime_ns != stamps[n]}
    assert again == {"p-1"} and _points(course, "p-1") == FULL | {"anzahl-test": 0.0}
    handins.state_file(course, CHAPTER, "p-2").unlink()  # as after a crash between gradebook and note
    assert [i.student for i in pool.plan(course, [CHAPTER], None, False)[0]] == ["p-2"]
    assert [i.student for i in pool.plan(course, [CHAPTER], ["p-3"], True)[0]] == ["p-3"]
    assert backups(course)


def test_refuses_without_a_box(course, monkeypatch, capsys):
    from opendata_kurs.cli import main

    HandIn(course, "eine")
    monkeypatch.setenv("KURS_ABSCHOTTUNG", "keine")
    assert main(["grade", "--kursordner", str(course.dir)]) == 1
    assert "kurs grade --ohne-isolation" in capsys.readouterr().err
    assert not handins.read_state(course, CHAPTER, "eine")
    assert main(["grade", "--kursordner", str(course.dir), "--ohne-isolation", "--jobs", "1"]) == 0
    assert _points(course, "eine") == FULL


@pytest.mark.parametrize("kind", ["bubblewrap", "kalt"])
def test_other_ways_give_the_same_points(course, monkeypatch, kind):
    if kind == "bubblewrap":
        if not shutil.which("bwrap") or not box._works_bubblewrap():
            pytest.skip("no bubblewrap")
        monkeypatch.setenv("KURS_ABSCHOTTUNG", "bubblewrap")
    else:  # as on Windows: no fork, no box, one after another
        monkeypatch.setattr(runner, "can_fork", lambda: False)
    HandIn(course, "eine")
    pool.grade_cohort(course, [CHAPTER], unisolated=kind == "kalt")
    assert _points(course, "eine") == FULL


@needs_box
def test_only_one_run_at_a_time(course):
    HandIn(course, "eine")
    with pool.exclusive(course), pytest.raises(pool.Busy, match="gerade schon eine Bewertung"):
        pool.grade_cohort(course, [CHAPTER])


# --- faults ------------------------------------------------------------------------------------------------------------


def _children(pid: int) -> list[int]:
    return box.descendants(pid)


def _kill(whom: str, run: subprocess.Popen, choice: random.Random) -> str:
    """Kill a process of this kind that belongs to RUN; return what was killed."""
    if whom == "kurs grade":
        run.kill()
        return whom
    wanted = []
    for pid in _children(run.pid):
        with contextlib.suppress(OSError):
            is_zygote = b"opendata_kurs.grading.zygote" in Path(f"/proc/{pid}/cmdline").read_bytes()
            if is_zygote == (whom == "zygote"):
                wanted.append(pid)
    if not wanted:  # not started yet
        run.kill()
        return "kurs grade"
    try:
        os.kill(choice.choice(wanted), signal.SIGKILL)
    except ProcessLookupError:
        return "zu spaet"
    return whom


def _until_free(course) -> None:
    """Wait until the workers of a killed run have finished what they were at: so long they hold the folder's lock."""
    for _ in range(300):
        with contextlib.suppress(pool.Busy), pool.exclusive(course):
            return
        time.sleep(0.1)
    raise AssertionError("the folder stays locked after its run was killed")


@pytest.mark.slow
@needs_box
def test_faults_lose_nothing(course, capsys):
    """SIGKILL at random moments: nothing is lost, nothing graded twice, the gradebook opens. Long run: KURS_FEHLERLAEUFE=50."""
    kills = int(os.environ.get("KURS_FEHLERLAEUFE", "6"))
    assert kills >= 3, "KURS_FEHLERLAEUFE: at least one for each kind of process"
    kinds = ("worker", "zygote", "kurs grade")
    told = dict.fromkeys([*kinds, "zu spaet", "fertig"], 0)

    def page(name):
        file = course.folder("autograded", name, CHAPTER) / f"{EXERCISE}.ipynb"
        return file.stat().st_mtime_ns if file.is_file() else 0

    names = [f"f-{n:02d}" for n in range(8)]
    for name in names:
        HandIn(course, name)
    choice = random.Random(20261122)
    for _ in range(2 * kills):  # some come too late, when all is done
        if sum(told[kind] for kind in kinds) == kills:
            break
        for name in choice.sample(names, 3):  # always something to do
            handins.state_file(course, CHAPTER, name).unlink(missing_ok=True)
        before = {name: page(name) for name in names if handins.read_state(course, CHAPTER, name).get("stand")}
        open_ = len(names) - len(before)
        run = subprocess.Popen([*KURS, "grade", "--kursordner", str(course.dir), "--jobs", "2"],
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        # in the middle of the work, however busy the machine is: after some lines of progress and a moment more
        for _ in range(choice.randint(1, 1 + min(open_, 3))):
            run.stdout.readline()
        threading.Thread(target=run.stdout.read, daemon=True).start()
        with contextlib.suppress(subprocess.TimeoutExpired):
            run.wait(choice.uniform(0.0, 0.3))
        whom = min(kinds, key=told.get)  # each kind in turn
        told["zu spaet" if run.poll() is not None else _kill(whom, run, choice)] += 1
        with contextlib.suppress(subprocess.TimeoutExpired):
            run.wait(180)
        if run.poll() is None:
            run.kill()
            run.wait()
        _until_free(course)
        assert {name: page(name) for name in before} == before, "what was finished is not graded again"
        told["fertig"] += open_ - sum(not handins.read_state(course, CHAPTER, name).get("stand") for name in names)
        if (course.dir / "gradebook.db").exists():
            with contextlib.closing(sqlite3.connect(course.dir / "gradebook.db")) as db:
                assert db.execute("pragma integrity_check").fetchone()[0] == "ok"
    pool.grade_cohort(course, [CHAPTER], jobs=2)
    pool.grade_cohort(course, [CHAPTER], [n for n in names if handins.read_state(course, CHAPTER, n).get("fehler")] or ["-"], force=True, jobs=2)
    assert {n: _points(course, n) for n in names} == dict.fromkeys(names, FULL)
    with contextlib.closing(sqlite3.connect(course.dir / "gradebook.db")) as db:
        assert db.execute("select count(*) from submitted_assignment").fetchone()[0] == len(names)
        assert db.execute("select count(*) from grade").fetchone()[0] == 4 * len(names), "each cell once"
    with capsys.disabled():
        print(f"\nkilled: {told}")
    assert all(told[kind] for kind in kinds) and sum(told[kind] for kind in kinds) == kills, told
    left = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
    assert str(course.dir) not in left


# --- side by side with stock nbgrader -------------------------------------------------------------------------------------


@pytest.mark.slow
@needs_box
def test_benchmark_in_short_gives_the_points_of_stock_nbgrader():
    """The speed itself is not asserted: this machine is shared. The hand-ins are the first three of the round trip."""
    command = [sys.executable, "-m", "benchmarks.grading", "--n", "3", "--exercise", "light", "--memory-n", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "Punkte gleich: ja (Summe 22 und 22)" in done.stdout, done.stdout  # 12 for the perfect one, 0 for the empty, 10 for „Koeln“
    rows = re.findall(r"^\| (nbgrader autograde|kurs grade) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \| (\d+) \|$", done.stdout, re.M)
    assert [row[0] for row in rows] == ["nbgrader autograde", "kurs grade"] and all(float(value) > 0 for row in rows for value in row[1:])
    assert re.search(r"^ratio light: \d+\.\d$", done.stdout, re.M)


# --- beyond one machine ---------------------------------------------------------------------------------------------------


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@pytest.mark.slow
@needs_box
def test_cluster_grades_each_once_although_a_worker_dies(course):
    distributed = pytest.importorskip("distributed")
    number = int(os.environ.get("KURS_CLUSTER_ABGABEN", "100"))
    names = [f"c-{n:03d}" for n in range(number)]
    first = HandIn(course, names[0])
    for name in names[1:]:
        shutil.copytree(first.dir, course.folder("submitted", name, CHAPTER))
    url = f"tcp://127.0.0.1:{_free_port()}"
    command = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", url, "--no-dashboard"]
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", url, "--nthreads", "1", "--no-nanny", "--no-dashboard"]
    started = [subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)]
    try:
        started += [subprocess.Popen(worker, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(2)]
        with distributed.Client(url, timeout=30) as client:
            client.wait_for_workers(2, timeout=60)
        seen: list[str] = []

        def progress(told, graded):
            if graded is not None:
                seen.append(graded.student)
            if told.done == number // 3:
                started[1].kill()

        pool.grade_cohort(course, [CHAPTER], jobs=2, cluster=url, progress=progress)
    finally:
        for process in started:
            process.kill()
            process.wait()
    assert sorted(seen) == names, "each hand-in exactly once"
    assert all(_points(course, name) == FULL for name in names)


# --- PostgreSQL as gradebook ----------------------------------------------------------------------------------------------


def _postgres_bin() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


@pytest.fixture
def postgres(tmp_path_factory):
    """Start a real server for one test; as the user postgres when the tests run as root."""
    binaries = _postgres_bin()
    if binaries is None:
        pytest.skip("no PostgreSQL here")
    pytest.importorskip("psycopg2")
    import tempfile

    data, port = tempfile.mkdtemp(prefix="kurs-pg-", dir="/tmp"), _free_port()
    user = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
    if user:
        shutil.chown(data, "postgres")
    subprocess.run([*user, str(binaries / "initdb"), "-D", data, "-A", "trust", "-U", "kurs", "-E", "UTF8", "--locale=C"], check=True, capture_output=True, cwd="/tmp")
    server = subprocess.Popen([*user, str(binaries / "postgres"), "-D", data, "-p", str(port), "-k", data, "-c", "listen_addresses=127.0.0.1"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/tmp")
    try:
        for _ in range(100):
            if subprocess.run([str(binaries / "pg_isready"), "-h", "127.0.0.1", "-p", str(port)], capture_output=True).returncode == 0:
                break
            time.sleep(0.1)
        yield f"postgresql+psycopg2://kurs@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run([*user, str(binaries / "pg_ctl"), "-D", data, "stop", "-m", "immediate"], capture_output=True, cwd="/tmp")
        server.wait(20)
        shutil.rmtree(data, ignore_errors=True)


@needs_box
def test_postgresql_holds_the_gradebook(tmp_path, monkeypatch, postgres):
    monkeypatch.setenv("KURS_GRADEBOOK", postgres)
    course = released_course(tmp_path / "leitung")
    for n in range(4):
        HandIn(course, f"pg-{n}")
    graded = pool.grade_cohort(course, [CHAPTER], jobs=2)
    assert not any(g.error for g in graded), graded
    assert all(_points(course, f"pg-{n}") == FULL for n in range(4))
    assert not (course.dir / "gradebook.db").exists()
    # a backup was made before the run and is made again; it brings the points back
    first = backups(course)
    assert [f.suffix for f in first] == [".pgdump"]
    copy = backup(course)
    assert backups(course)[0] == copy and copy.stat().st_mode & 0o077 == 0
    with course.gradebook() as gb:
        for name in ("pg-0", "pg-1"):
            gb.remove_submission(CHAPTER, name)
    assert not results(course, CHAPTER, "pg-0")
    assert restore(course) == copy and all(_points(course, f"pg-{n}") == FULL for n in range(4))
    assert len(backups(course)) == 3, "what was there before the restore is kept, too"
    copy.write_bytes(copy.read_bytes()[:2000])
    with pytest.raises(FileNotFoundError, match="ließ sich nicht zurückholen"):
        restore(course, copy)
    assert _points(course, "pg-0") == FULL, "a damaged copy changes nothing"


def test_postgresql_without_its_programs_warns(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("KURS_GRADEBOOK", "postgresql+psycopg2://kurs:geheim@127.0.0.1:1/postgres")
    course = Course(tmp_path / "leitung")
    assert backup(course) is None
    text = capsys.readouterr().err
    assert "entsteht keine Sicherung" in text and "geheim" not in text
    monkeypatch.setattr(gradebook_backup, "_program", lambda *a, **k: (_ for _ in ()).throw(gradebook_backup.NoBackup("Das Programm pg_dump fehlt.")))
    assert backup(course) is None and "Das Programm pg_dump fehlt." in capsys.readouterr().err
    (course.dir / "sicherungen" / "gradebook-1.db").touch()
    with pytest.raises(FileNotFoundError, match="anderen Art von Datenbank"):
        restore(course, course.dir / "sicherungen" / "gradebook-1.db")


def test_an_error_that_nobody_shows_is_still_an_error():
    """A check whose error message itself fails must not look like a passed check."""
    code = ("import json, os; from opendata_kurs.grading import shell\n"
            "out = os.fdopen(os.dup(1), 'wb', buffering=0); here = shell.make_shell(); here.showtraceback = lambda *a, **k: None\n"
            "shell.run(here, {'cells': [{'i': 0, 'source': 'raise AssertionError(1)', 'names': {}}]}, out.write)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    outputs = [event["o"] for event in map(json.loads, done.stdout.splitlines()) if event["t"] == "out"]
    assert [o["ename"] for o in outputs if o["output_type"] == "error"] == ["AssertionError"]
