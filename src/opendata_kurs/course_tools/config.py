"""nbgrader, configured for this course: German markers, own preprocessors, everything in the trainer's folder.

nbgrader is extended through its traits and preprocessor lists only. `configure` serves three callers with one set
of values: `nbgrader_config.py` in the repository, the same file in a trainer's folder (formgrader reads it there),
and `Course`, which runs nbgrader's converters in this process.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import re
import sysconfig
import warnings
from collections.abc import Iterator
from pathlib import Path

from traitlets.config import Config

from opendata_kurs import paths

COURSE_ID = "open-data-kurs"
EXERCISES = "uebung_*"
SOLUTION_BEGIN, SOLUTION_END = "LÖSUNG ANFANG", "LÖSUNG ENDE"
TESTS_BEGIN, TESTS_END = "VERSTECKTE TESTS ANFANG", "VERSTECKTE TESTS ENDE"
RUBRIC_BEGIN, RUBRIC_END = "BEWERTUNGSHINWEISE ANFANG", "BEWERTUNGSHINWEISE ENDE"
# a line of a solution cell that shows learners where to edit
EDIT_LINE = re.compile(r"=\s*\.\.\.|<- hier ändern")
CODE_STUB = "# Schreiben Sie hier Ihre Lösung."
# not "double click": that shows the source but leaves JupyterLab in command mode, where letters are commands
TEXT_STUB = "*Klicken Sie hier, drücken Sie die Eingabetaste und schreiben Sie Ihre Antwort.*"
# never in a release or in a hand-in made by nbgrader itself; lessons and images are added by release.py
IGNORED = [".ipynb_checkpoints", "*.pyc", "__pycache__", "feedback", "fragen", "bilder", "gespraeche", "kapitel.yml", "*.zip", "kurs-hinweise.json"]
TEMPLATES = Path(__file__).parent / "templates"

_CONFIG_FILE = '''"""Konfiguration von nbgrader für diesen Kursordner. Formgrader liest sie beim Start."""

from pathlib import Path

from opendata_kurs.course_tools.config import configure

configure(get_config(), trainer_dir=Path(__file__).parent)  # noqa: F821
'''


def trainer_dir_from_env() -> Path:
    """Return the trainer's folder: environment KURS_KURSORDNER, else `~/Open-Data-Kurs-Leitung`."""
    return Path(os.environ.get("KURS_KURSORDNER") or paths.default_trainer_dir()).expanduser()


def answer_files(source_dir: Path) -> dict[str, list[str]]:
    """Return per chapter the names that nbgrader must not overwrite at autograde (it takes exact names only)."""
    return {
        chapter.name: [f"antworten-{file.stem}.json" for file in sorted((chapter / "fragen").glob("*.yml"))]
        for chapter in sorted(source_dir.glob("*"))
        if chapter.is_dir()
    }


def configure(c: Config, trainer_dir: Path | str | None = None, source_dir: Path | str | None = None) -> Config:
    """Fill nbgrader's configuration `c`.

    `trainer_dir` is nbgrader's course root: release, hand-ins, autograded, feedback, gradebook. `source_dir` holds the
    chapters with solutions; by default the snapshot `source/` which `kurs release` takes, so that a cohort is graded
    by the version it received.
    """
    from . import preprocessors as own
    from . import sanitizers

    trainer_dir = Path(trainer_dir or trainer_dir_from_env()).expanduser().resolve()
    source = Path(source_dir).resolve() if source_dir else trainer_dir / "source"

    c.CourseDirectory.course_id = COURSE_ID
    c.CourseDirectory.root = str(trainer_dir)
    c.CourseDirectory.source_directory = str(source) if source_dir else "source"
    c.CourseDirectory.notebook_id = EXERCISES
    c.CourseDirectory.ignore = list(IGNORED)
    c.NbGrader.logfile = ""
    c.FormgradeExtension.debug = False  # it prints this whole configuration on the first page

    c.ClearSolutions.code_stub = {"python": CODE_STUB}
    c.ClearSolutions.text_stub = TEXT_STUB
    c.ClearSolutions.begin_solution_delimeter, c.ClearSolutions.end_solution_delimeter = SOLUTION_BEGIN, SOLUTION_END
    c.ClearHiddenTests.begin_test_delimeter, c.ClearHiddenTests.end_test_delimeter = TESTS_BEGIN, TESTS_END
    c.Execute.timeout = 60
    c.Execute.extra_arguments = ["--HistoryManager.enabled=False", "--log-level=ERROR"]
    # a warning on stderr would cost all points of a test cell; failed checks are errors, not stderr
    c.IgnorePattern.enabled = True
    c.IgnorePattern.pattern = r"(?s)."
    c.Exporter.optimistic_validation = True  # one look at the notebook's form after all steps, not one after each
    c.LimitOutput.max_lines, c.LimitOutput.max_traceback = 400, 30

    c.GenerateAssignment.preprocessors = own.generate_list()
    c.Autograde.sanitize_preprocessors = sanitizers.sanitize_list()
    c.Autograde.autograde_preprocessors = sanitizers.autograde_list()
    c.Autograde.exclude_overwriting = answer_files(source)
    c.Autograde.permissions = 644  # formgrader regrades as the same user and writes rescued answers again
    c.GenerateFeedback.preprocessors = own.feedback_list()
    c.GenerateFeedback.exporter_class = "opendata_kurs.templates.pages.PageExporter"
    # nested, so that formgrader keeps its own template
    c.GenerateFeedback.HTMLExporter.template_name = "kurs_rueckmeldung"
    c.GenerateFeedback.HTMLExporter.extra_template_basedirs = [str(TEMPLATES)]
    c.GenerateFeedback.HTMLExporter.filters = {"sauber": own.clean_markdown_html}
    return c


@contextlib.contextmanager
def quiet(log: io.StringIO | None = None) -> Iterator[io.StringIO]:
    """Collect nbgrader's English log in a buffer instead of showing it to trainers and learners."""
    buffer = log or io.StringIO()
    logger = logging.getLogger("traitlets")
    handler, level, propagate = logging.StreamHandler(buffer), logger.level, logger.propagate
    others, logger.handlers = logger.handlers, [handler]
    logger.setLevel(logging.WARNING)
    logger.propagate = False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield buffer
    finally:
        logger.handlers, logger.propagate = others, propagate
        logger.setLevel(level)


def _find_scripts() -> None:
    """Put this environment's scripts on PATH: nbgrader calls `alembic` by name when it makes a gradebook."""
    scripts = sysconfig.get_path("scripts")
    if scripts not in os.environ.get("PATH", "").split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join(p for p in (scripts, os.environ.get("PATH", "")) if p)


class GradingFailed(RuntimeError):
    """nbgrader could not process one assignment or hand-in; `log` holds its own words."""

    def __init__(self, message: str, log: str = "") -> None:
        super().__init__(message)
        self.log = log


class Course:
    """One trainer's folder, with nbgrader's converters as plain methods that run in this process."""

    def __init__(self, trainer_dir: Path | str | None = None, source_dir: Path | str | None = None) -> None:
        """Open (or create) the trainer's folder."""
        self.dir = Path(trainer_dir or trainer_dir_from_env()).expanduser().resolve()
        self.source = Path(source_dir).resolve() if source_dir else self.dir / "source"
        self._given_source = source_dir
        _find_scripts()
        if set("[]*?{}") & set(str(self.dir)):  # nbgrader searches with glob patterns and format strings
            raise GradingFailed(f"Der Kursordner {self.dir} enthält eines der Zeichen [ ] * ? {{ }}. Bitte wählen Sie einen anderen: --kursordner")
        self.dir.mkdir(parents=True, exist_ok=True)
        if not (self.dir / "nbgrader_config.py").exists():
            (self.dir / "nbgrader_config.py").write_text(_CONFIG_FILE, encoding="utf-8")

    @property
    def db_url(self) -> str:
        """Return the gradebook's address: environment KURS_GRADEBOOK, else a SQLite file in the folder."""
        return os.environ.get("KURS_GRADEBOOK") or f"sqlite:///{self.dir / 'gradebook.db'}"

    def gradebook(self):
        """Return nbgrader's gradebook (a context manager)."""
        from nbgrader.api import Gradebook

        from opendata_kurs.grading import speed

        speed.reuse()
        return Gradebook(self.db_url, COURSE_ID)

    def folder(self, step: str, student: str, chapter: str) -> Path:
        """Return the folder of one nbgrader step (`submitted`, `autograded`, `feedback`)."""
        return self.dir / step / student / chapter

    def release_dir(self, chapter: str) -> Path:
        """Return the released chapter."""
        return self.dir / "release" / chapter

    def chapters(self) -> list[str]:
        """Return the released chapters."""
        return sorted(p.name for p in (self.dir / "release").glob("*") if p.is_dir())

    def students(self, chapter: str, step: str = "submitted") -> list[str]:
        """Return who handed in `chapter` (or is in another step)."""
        return sorted(p.parent.name for p in (self.dir / step).glob(f"*/{chapter}") if p.is_dir())

    def generate(self, chapter: str, force: bool = True) -> None:
        """Run GenerateAssignment for one chapter."""
        from nbgrader.converters import GenerateAssignment

        self._run(GenerateAssignment, chapter, ".", force, create_assignment=True)

    def autograde(self, chapter: str, student: str, force: bool = True) -> None:
        """Run Autograde for one hand-in; raises `GradingFailed` when nbgrader gave up."""
        from nbgrader.converters import Autograde

        self._run(Autograde, chapter, student, force, create_student=True)

    def feedback(self, chapter: str, student: str, force: bool = True) -> None:
        """Write the German feedback pages of one hand-in."""
        from nbgrader.converters import GenerateFeedback

        self._run(GenerateFeedback, chapter, student, force)

    def config(self) -> Config:
        """Return a fresh nbgrader configuration for this folder."""
        c = configure(Config(), self.dir, self._given_source)
        c.CourseDirectory.db_url = self.db_url
        return c

    def _run(self, converter, chapter: str, student: str, force: bool, **traits) -> None:
        from nbgrader.coursedir import CourseDirectory

        from opendata_kurs.grading import speed

        speed.reuse()
        config, before = self.config(), os.environ.get("NBGRADER_EXECUTION")
        with quiet() as log:
            coursedir = CourseDirectory(config=config)
            coursedir.assignment_id, coursedir.student_id = chapter, student
            try:
                converter(coursedir=coursedir, config=config, force=force, **traits).start()
            except SystemExit as error:
                raise GradingFailed(str(error), log.getvalue()) from error
            except Exception as error:
                raise GradingFailed(f"{type(error).__name__}: {error}", log.getvalue()) from error
            finally:
                # nbgrader leaves it behind when a step fails; every notebook that this process starts later would then
                # show its forms as plain text
                if before is None:
                    os.environ.pop("NBGRADER_EXECUTION", None)
                else:
                    os.environ["NBGRADER_EXECUTION"] = before
