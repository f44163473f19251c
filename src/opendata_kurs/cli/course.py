"""Commands for trainers: `kurs leitung|release|collect|grade|feedback|export|restore`. The work is in course_tools."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path


def register(subparsers) -> None:
    """Add the trainers' commands."""
    def add(name: str, text: str, run) -> argparse.ArgumentParser:
        parser = subparsers.add_parser(name, help=text, description=text)
        parser.add_argument("--kursordner", type=Path, help="Ordner der Kursleitung (sonst Open-Data-Kurs-Leitung im Benutzerordner)")
        parser.set_defaults(run=lambda args: _guarded(run, args))
        return parser

    add("leitung", "öffnet Formgrader: Abgaben ansehen und Freitexte bewerten", run_leitung).add_argument("--kein-browser", action="store_true")
    release = add("release", "erzeugt die Ausgabe für Teilnehmende (ohne Lösungen)", run_release)
    release.add_argument("kapitel", nargs="*", help="Nummer oder Name; ohne Angabe alle")
    release.add_argument("--austausch", type=Path, help="zusätzlich in diesen Austauschordner von nbgrader legen")
    collect = add("collect", "übernimmt Abgaben aus Ordnern und Zip-Dateien", run_collect)
    collect.add_argument("quelle", nargs="+", type=Path, help="Zip-Datei oder Ordner, auch ein Download aus Moodle oder ILIAS")
    grade = add("grade", "bewertet neue und geänderte Abgaben", run_grade)
    grade.add_argument("--alle", action="store_true", help="auch schon Bewertetes noch einmal bewerten")
    grade.add_argument("--jobs", type=int, help="so viele Abgaben gleichzeitig (sonst eine mehr als Prozessorkerne)")
    grade.add_argument("--ohne-isolation", action="store_true", help="ohne Abschottung bewerten; nur für Abgaben, denen Sie vertrauen")
    grade.add_argument("--cluster", metavar="ADRESSE", help="auf einem Dask-Cluster ausführen, zum Beispiel tcp://rechner:8786")
    feedback = add("feedback", "schreibt die Rückmeldeseiten", run_feedback)
    for parser in (grade, feedback):
        parser.add_argument("kapitel", nargs="*", help="Nummer oder Name; ohne Angabe alle")
        parser.add_argument("--kuerzel", "--students", dest="kuerzel", nargs="+", action="extend", help="nur diese Kürzel")
    export = add("export", "schreibt die Punkte als CSV", run_export)
    export.add_argument("datei", nargs="?", type=Path, help="Zieldatei (sonst punkte.csv im Kursordner)")
    restore = add("restore", "holt eine Sicherung der Bewertungen zurück", run_restore)
    restore.add_argument("sicherung", nargs="?", help="Name der Sicherung; ohne Angabe die neueste")
    restore.add_argument("--liste", action="store_true", help="nur zeigen, welche Sicherungen es gibt")


def _guarded(run, args: argparse.Namespace) -> int:
    try:
        return run(args) or 0
    except Exception as error:
        # imported here, because nbgrader takes more than a second and `grade` has something to do meanwhile
        from ..course_tools.config import GradingFailed
        from ..course_tools.preprocessors import CourseFileError

        if not isinstance(error, CourseFileError | GradingFailed | FileNotFoundError | PermissionError):
            raise
        print(str(error), file=sys.stderr)
        return 1


def _course(args: argparse.Namespace):
    from ..course_tools.config import Course

    return Course(args.kursordner)


def _released(course, wanted: list[str]) -> list[str]:
    from ..course_tools.preprocessors import CourseFileError
    from ..course_tools.release import resolve_chapter

    if not course.chapters():
        raise CourseFileError("Es ist noch kein Kapitel ausgegeben. Bitte zuerst: kurs release")
    return [resolve_chapter(w, course.chapters()) for w in wanted] or course.chapters()


def run_release(args: argparse.Namespace) -> int:
    """Run `kurs release`."""
    from ..course_tools.release import chapter_names, release, resolve_chapter

    course = _course(args)
    names = chapter_names()
    for path in release(course, [resolve_chapter(k, names) for k in args.kapitel] or None, exchange=args.austausch):
        print(f"Ausgabe geschrieben: {path}")
    if (course.dir / "bewertungsboegen").is_dir():
        print(f"Bewertungsbögen für Freitexte (nur für die Kursleitung): {course.dir / 'bewertungsboegen'}")
    return 0


def run_collect(args: argparse.Namespace) -> int:
    """Run `kurs collect`."""
    from ..course_tools.collect import collect

    course = _course(args)
    found = collect(args.quelle, course)
    for one in found:
        print(f"{'übernommen' if one.ok else 'ABGELEHNT '}  {one.message}")
    print(f"{sum(c.ok for c in found)} übernommen, {sum(not c.ok for c in found)} abgelehnt. Weiter mit: kurs grade")
    return 0 if all(c.ok for c in found) else 1


def run_grade(args: argparse.Namespace) -> int:
    """Run `kurs grade`."""
    from ..grading import box, runner

    if args.jobs is not None and args.jobs < 1:
        print("--jobs braucht eine Zahl ab 1.", file=sys.stderr)
        return 2
    if args.cluster or not runner.can_fork():
        return _grade(args, None)
    folder = runner.scratch_folder()
    early = runner.Zygote(folder)  # loads its libraries while this process imports nbgrader
    try:
        return _grade(args, early)
    finally:
        early.stop()
        box.remove_tree(folder)


def _grade(args: argparse.Namespace, early) -> int:
    from ..course_tools.grade import table
    from ..grading.pool import Busy, grade_cohort, show
    from ..grading.runner import NotIsolated

    course = _course(args)
    try:
        graded = grade_cohort(course, _released(course, args.kapitel), args.kuerzel, force=args.alle, jobs=args.jobs,
                              unisolated=args.ohne_isolation, cluster=args.cluster, progress=show, early=early)
    except (NotIsolated, Busy) as error:
        print(str(error), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nUnterbrochen. Was bewertet ist, bleibt. Weiter geht es mit: kurs grade", file=sys.stderr)
        return 130
    print("\n" + table(graded))
    if any(e.needs_person for g in graded for e in g.exercises):
        print("\nFreitexte bewerten Sie mit: kurs leitung. Danach: kurs feedback und kurs export")
    return 1 if any(g.error for g in graded) else 0


def run_feedback(args: argparse.Namespace) -> int:
    """Run `kurs feedback`."""
    from ..course_tools.feedback import write_feedback

    course = _course(args)
    for chapter in _released(course, args.kapitel):
        for student in course.students(chapter):
            if not args.kuerzel or student in args.kuerzel:
                print(write_feedback(course, chapter, student))
    return 0


def run_export(args: argparse.Namespace) -> int:
    """Run `kurs export`."""
    from ..course_tools.export import export_csv

    course = _course(args)
    target = args.datei or course.dir / "punkte.csv"
    print(f"{export_csv(course, target)} Zeilen geschrieben: {target}")
    return 0


def run_restore(args: argparse.Namespace) -> int:
    """Run `kurs restore`."""
    from ..course_tools.gradebook_backup import backups, restore

    course = _course(args)
    if args.liste:
        print("\n".join(p.name for p in backups(course)) or "Es gibt noch keine Sicherung.")
        return 0
    chosen = course.dir / "sicherungen" / Path(args.sicherung).name if args.sicherung else None
    print(f"Zurückgeholt: {restore(course, chosen).name}")
    return 0


def leitung_environment(folder: Path, token: str) -> dict[str, str]:
    """Return the environment for a trainer's server: the learners' settings, with nbgrader's tools switched on."""
    from .. import lab_settings

    env = lab_settings.server_environment(folder, token)
    config = Path(env["JUPYTER_CONFIG_DIR"])
    server = lab_settings.settings("jupyter_server_config.json")
    extensions = server["ServerApp"]["jpserver_extensions"]
    extensions["nbgrader"] = True
    extensions["nbgrader.server_extensions.formgrader"] = True
    # learners' work is shown here: nothing of it may reach another machine, and MathJax is not fetched from a CDN
    policy = "default-src 'self' data: blob: 'unsafe-inline' 'unsafe-eval'; connect-src 'self' ws: wss:; frame-ancestors 'self'"
    server["ServerApp"]["tornado_settings"] = {"headers": {"Content-Security-Policy": policy}}
    (config / "jupyter_server_config.json").write_text(json.dumps(server, indent=1), encoding="utf-8")
    page = lab_settings.settings("page_config.json")
    page["disabledExtensions"] = {k: v for k, v in page["disabledExtensions"].items() if not k.startswith("@jupyter/nbgrader")}
    (config / "labconfig" / "page_config.json").write_text(json.dumps(page, indent=1), encoding="utf-8")
    return env


def run_leitung(args: argparse.Namespace) -> int:
    """Run `kurs leitung`: formgrader on the trainer's folder, until Ctrl+C."""
    import secrets
    import signal
    import subprocess
    import webbrowser

    from .. import lab_settings
    from .start import _interrupt, _redirect_page, _stop, _wait, choose_port

    for name in ("SIGTERM", "SIGHUP"):  # also then the server must not stay behind
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), _interrupt)
    course = _course(args)
    with course.gradebook():
        pass  # makes an empty gradebook, so that formgrader has something to show
    token, port = secrets.token_hex(24), choose_port(None)
    env = leitung_environment(course.dir, token) | {"KURS_KURSORDNER": str(course.dir)}
    log = course.dir / "formgrader-protokoll.txt"
    with log.open("wb") as output:
        server = subprocess.Popen(lab_settings.server_command(course.dir, port, "/formgrader/manage_assignments"), env=env, cwd=course.dir,
                                  stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
    try:
        _wait(server, f"http://127.0.0.1:{port}/lab?token={token}", log)
        url = f"http://127.0.0.1:{port}/formgrader/manage_assignments?token={token}"
        print(f"Formgrader läuft (englische Oberfläche von nbgrader). Kursordner: {course.dir}\n\n  {url}\n\nZum Beenden: Strg + C.", flush=True)
        if not args.kein_browser:
            page = _redirect_page(course.dir, url)
            webbrowser.open(page.as_uri())
        return server.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        _stop(server)
        (course.dir / "kurs-oeffnen.html").unlink(missing_ok=True)


