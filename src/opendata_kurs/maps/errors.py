"""Errors of the map workshop: each message is a German sentence and says what to do next."""

from __future__ import annotations


class MapError(ValueError):
    """Base of all errors of the map workshop. `str(error)` is German and complete."""


class CrsError(MapError):
    """No coordinate reference system, a wrong one, or coordinates far away from the region."""


class GeometryError(MapError):
    """Geometries are missing, invalid or of the wrong kind."""


class JoinError(MapError):
    """A join found no partner or would multiply rows."""


class ValueColumnError(MapError):
    """The column to be drawn is missing, is no number, or is empty."""


class CreditError(MapError):
    """A source is unknown or its description is incomplete."""


class ForeignRequestError(MapError):
    """The finished page would load something from a third party."""
