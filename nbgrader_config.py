"""nbgrader in the repository: source is `course/`, everything else lies in the trainer's folder.

`KURS_KURSORDNER` names another trainer's folder. Trainers use `kurs release`, `kurs grade` and so on; this file is for
calling nbgrader's own commands from here.
"""

from pathlib import Path

from opendata_kurs.course_tools.config import configure

configure(get_config(), source_dir=Path(__file__).parent / "course")  # noqa: F821
