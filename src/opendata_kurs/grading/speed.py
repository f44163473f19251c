"""Spare nbgrader's repeated work in a grading process; its results stay the same.

nbgrader opens the gradebook about ten times per hand-in, each time with a new engine, so SQLAlchemy compiles every
query anew. One engine per address keeps the compiled queries. `jsonschema.validate` checks the schema itself at each
call; one check per process is enough.
"""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Any


def reuse() -> None:
    """Switch it on for this process (a worker)."""
    import nbgrader.api
    import sqlalchemy
    from nbgrader.nbgraderformat import common

    @lru_cache(maxsize=4)
    def engine(pid: int, address: str):
        return sqlalchemy.create_engine(address, echo=False, future=True)

    nbgrader.api.create_engine = lambda address, **_: engine(os.getpid(), str(address))

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
    if not isinstance(original, _Validate):
        common.jsonschema = _Validate()
