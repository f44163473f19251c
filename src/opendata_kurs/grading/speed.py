"""Spare nbgrader's repeated work in a grading process; its results stay the same.

nbgrader opens the gradebook about ten times per hand-in, each time with a new engine and a new session: SQLAlchemy
compiles every query anew, looks for all tables and reads the same rows again. One engine per address keeps the compiled
queries, `one_gradebook` one session for all steps of a hand-in. nbgrader also commits after every cell;
`SaveAutoGradesAtOnce` writes the points of a notebook in one transaction. `jsonschema.validate` checks the schema
itself at each call; one check per process is enough.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Any

from nbgrader.api import Gradebook
from nbgrader.preprocessors import SaveAutoGrades


class SaveAutoGradesAtOnce(SaveAutoGrades):
    """Save the points of one notebook all together or not at all."""

    def preprocess(self, nb, resources):
        """Save all cells; the last one commits."""
        self._last = len(nb.cells) - 1
        return super().preprocess(nb, resources)

    def preprocess_cell(self, cell, resources, index):
        """Save one cell without its own commit."""
        session = self.gradebook.db
        session.commit = session.flush
        try:
            cell, resources = super().preprocess_cell(cell, resources, index)
        except BaseException:
            session.rollback()
            raise
        finally:
            del session.commit
        if index == self._last:
            session.commit()
        return cell, resources


@contextlib.contextmanager
def one_gradebook() -> Iterator[None]:
    """Within this block every `Gradebook` of the same address shares the session of the first one.

    Only one hand-in is graded at a time in a process, so nothing else waits for the rows that the session remembers.
    nbgrader commits or rolls back whatever it writes, so closing only has to end the transaction.
    """
    opened: dict[str, Gradebook] = {}
    stock_init, stock_close = Gradebook.__init__, Gradebook.close

    def init(self, db_url, course_id="default_course", authenticator=None):
        if db_url in opened:
            self.__dict__.update(opened[db_url].__dict__)
            return
        stock_init(self, db_url, course_id, authenticator)
        self.db().expire_on_commit = False
        opened[db_url] = self

    def close(self):
        if self.db().dirty or self.db().new:
            self.db.rollback()
        else:
            self.db.commit()  # unlike a rollback, it keeps what was read

    Gradebook.__init__, Gradebook.close = init, close
    try:
        yield
    finally:
        Gradebook.__init__, Gradebook.close = stock_init, stock_close
        for gradebook in opened.values():
            gradebook.close()


@cache
def warm() -> None:
    """Do what each grading process would otherwise do for its first hand-in, so that processes forked later share it."""
    import nbgrader.converters  # noqa: F401
    import sqlalchemy.dialects.sqlite
    import sqlalchemy.orm
    from nbformat import current_nbformat, current_nbformat_minor, validator

    import opendata_kurs.course_tools.sanitizers  # noqa: F401

    for relaxed in (False, True):
        validator.get_validator(current_nbformat, current_nbformat_minor, relax_add_props=relaxed)
    sqlalchemy.orm.configure_mappers()


@cache
def reuse() -> None:
    """Switch it on for this process, once."""
    import nbgrader.api
    import sqlalchemy
    from nbgrader.nbgraderformat import common

    @lru_cache(maxsize=16)
    def engine(pid: int, address: str):
        return sqlalchemy.create_engine(address, echo=False, future=True)

    nbgrader.api.create_engine = lambda address, **_: engine(os.getpid(), str(address))
    # for each new gradebook it starts the program alembic, which takes more than a second, to ask for the same number
    nbgrader.api.get_alembic_version = cache(nbgrader.api.get_alembic_version)

    validators: dict[int, Any] = {}

    class _Validate:
        def __getattr__(self, name: str) -> Any:
            return getattr(original, name)

        @staticmethod
        def validate(instance: Any, schema: dict) -> None:
            if id(schema) not in validators:
                cls = original.validators.validator_for(schema)
                cls.check_schema(schema)
                validators[id(schema)] = (cls(schema), schema)
            error = original.exceptions.best_match(validators[id(schema)][0].iter_errors(instance))
            if error is not None:
                raise error

    original = common.jsonschema
    common.jsonschema = _Validate()
