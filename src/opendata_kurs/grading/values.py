"""The data-only form in which results travel from the learner's process to the test process. Never pickle.

`encode` runs beside the learner's code and may be lied to; it can only ever produce JSON. `decode` runs in the clean
process and builds values of known types from that JSON, nothing else: no code, no attribute of a learner's class.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
import re
import sys
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PurePath
from typing import Any

MAX_ITEMS = 2_000_000
MAX_DEPTH = 12
_NUMERIC = re.compile(r"(u?int(8|16|32|64)|float(16|32|64)|bool)$")
_NULLABLE = re.compile(r"(U?Int(8|16|32|64)|Float(32|64)|boolean)$")
_WORD = re.compile(r"\w{1,60}$")


class NotExportable(ValueError):
    """A value is too large, too deep or not what it says it is; the message is German."""


class Unknown:
    """Stands in the test process for a value that is not data (a map object, a learner's own class)."""

    def __init_subclass__(cls) -> None:
        cls.__module__ = "notebook"


class _Budget:
    def __init__(self) -> None:
        self.left = MAX_ITEMS

    def take(self, n: int, depth: int) -> None:
        self.left -= n
        if self.left < 0 or depth > MAX_DEPTH:
            raise NotExportable("Das Ergebnis ist zu groß für die Prüfung.")


def encode(value: Any) -> Any:
    """Return `value` as JSON-ready data; what is not data becomes a marker with the name of its type."""
    return _encode(value, _Budget(), 0)


def _encode(value: Any, budget: _Budget, depth: int) -> Any:
    budget.take(1, depth)
    kind = type(value)
    if value is None or kind in (bool, float):
        return value
    if kind is int:
        return value if abs(value) < 2**63 else {"k": "int", "v": str(value)[:5000]}
    if kind is str:
        budget.take(len(value) // 50, depth)
        return value
    if value is Ellipsis:
        return {"k": "leer"}
    if kind is list:
        return [_encode(v, budget, depth + 1) for v in value]
    if kind in (tuple, set, frozenset):
        return {"k": kind.__name__, "v": [_encode(v, budget, depth + 1) for v in value]}
    if "numpy" in sys.modules and (found := _from_numpy(value, budget, depth)) is not None:
        return found  # before int and float: NumPy's numbers are subclasses of these
    for plain in (int, float, str):
        if isinstance(value, plain):  # a learner's subclass counts as what it is based on
            return _encode(plain.__add__(value, plain()), budget, depth + 1)
    if isinstance(value, dict):
        return {"k": "dict", "v": [[_encode(k, budget, depth + 1), _encode(v, budget, depth + 1)] for k, v in dict.items(value)]}
    if isinstance(value, PurePath):
        return {"k": "path", "v": str(value)}
    if kind in (bytes, bytearray):
        budget.take(len(value) // 50, depth)
        return {"k": "bytes", "v": bytes(value).hex()}
    if kind in (dt.datetime, dt.date, dt.time):
        return {"k": kind.__name__, "v": value.isoformat()}
    if kind is dt.timedelta:
        return {"k": "timedelta", "v": value.total_seconds()}
    if kind in (Decimal, Fraction, complex):
        return {"k": kind.__name__, "v": str(value)}
    for name, work in (("pandas", _from_pandas), ("shapely", _from_shapely)):
        if name in sys.modules:
            found = work(value, budget, depth)
            if found is not None:
                return found
    if dataclasses.is_dataclass(kind) and kind.__module__.startswith("opendata_kurs."):
        return {"k": "kurs", "c": f"{kind.__module__}:{kind.__qualname__}",
                "v": [[f.name, _encode(getattr(value, f.name), budget, depth + 1)] for f in dataclasses.fields(value)]}
    if isinstance(value, tuple):
        return {"k": "tuple", "v": [_encode(v, budget, depth + 1) for v in tuple.__iter__(value)]}
    if isinstance(value, list):
        return [_encode(v, budget, depth + 1) for v in list.__iter__(value)]
    if kind.__name__ in ("function", "builtin_function_or_method", "method", "type"):
        return {"k": "funktion"}
    name = kind.__name__ if isinstance(kind.__name__, str) and _WORD.match(kind.__name__) else "Objekt"
    return {"k": "unbekannt", "v": name}


def _from_numpy(value, budget, depth):
    import numpy as np

    kind = type(value)
    if isinstance(value, np.generic):
        if value.dtype.kind in "biuf":
            return {"k": "np", "d": str(value.dtype), "v": value.item()}
        if value.dtype.kind in "mM":
            return {"k": "npzeit", "d": str(value.dtype), "v": str(value.astype("int64"))}
        return str(value) if value.dtype.kind == "U" else {"k": "unbekannt", "v": kind.__name__}
    if kind is np.ndarray:
        budget.take(value.size, depth)
        if value.dtype.kind in "biuf":
            return {"k": "array", "d": str(value.dtype), "s": list(value.shape), "v": value.ravel().tolist()}
        return {"k": "array", "d": "object", "s": list(value.shape), "v": [_encode(v, budget, depth + 1) for v in value.ravel().tolist()]}
    return None


def _from_shapely(value, budget, depth):
    from shapely import wkb
    from shapely.geometry.base import BaseGeometry

    if isinstance(value, BaseGeometry):
        raw = wkb.dumps(value, hex=True)
        budget.take(len(raw) // 50, depth)
        return {"k": "geometrie", "v": raw}
    return None


def _from_pandas(value, budget, depth):
    import pandas as pd

    if value is pd.NA or value is pd.NaT:
        return {"k": "NA" if value is pd.NA else "NaT"}
    if isinstance(value, pd.Timestamp | pd.Timedelta):
        return {"k": "Timestamp" if isinstance(value, pd.Timestamp) else "Timedelta", "v": value.isoformat()}
    if isinstance(value, pd.Series):
        return {"k": "series", "v": _column(value, budget, depth), "i": _index(value.index, budget, depth),
                "n": _encode(value.name, budget, depth + 1), "crs": _crs(value)}
    if isinstance(value, pd.DataFrame):
        budget.take(value.shape[0] * value.shape[1], depth)
        return {"k": "frame", "c": _index(value.columns, budget, depth), "i": _index(value.index, budget, depth),
                "v": [_column(value.iloc[:, n], budget, depth) for n in range(value.shape[1])],
                "a": _encode(dict(value.attrs), budget, depth + 1), "geo": _geometry_column(value), "crs": _crs(value)}
    if isinstance(value, pd.Index):
        return _index(value, budget, depth)
    return None


def _geometry_column(frame) -> str | None:
    name = getattr(frame, "_geometry_column_name", None)
    return name if isinstance(name, str) else None


def _crs(value) -> str | None:
    if "geopandas" not in sys.modules:
        return None
    import geopandas as gpd

    if not isinstance(value, gpd.GeoDataFrame | gpd.GeoSeries):
        return None
    try:
        crs = value.crs
    except AttributeError:  # a GeoDataFrame without geometry column
        return None
    if crs is None:
        return None
    epsg = crs.to_epsg()
    return f"EPSG:{epsg}" if epsg else crs.to_wkt()


def _column(column, budget, depth):
    dtype = str(column.dtype)
    if _NUMERIC.match(dtype):
        return {"d": dtype, "v": column.tolist()}
    if _NULLABLE.match(dtype):
        return {"d": dtype, "v": [None if bad else v for v, bad in zip(column.tolist(), column.isna().tolist(), strict=True)]}
    if dtype.startswith("datetime64[") and dtype.endswith("]"):
        unit = dtype[11:-1].split(",")[0]
        zone = str(column.dt.tz) if "," in dtype else None
        plain = column.dt.tz_convert("UTC").dt.tz_localize(None) if zone else column
        return {"d": "zeit", "u": unit, "z": zone, "v": plain.to_numpy().astype("int64").tolist()}
    if dtype == "category":
        return {"d": "category", "c": _index(column.cat.categories, budget, depth), "o": bool(column.cat.ordered), "v": column.cat.codes.tolist()}
    if dtype == "geometry":
        raw = [None if g is None else _from_shapely(g, budget, depth)["v"] for g in column]
        return {"d": "geometry", "v": raw}
    if dtype in ("str", "string"):
        return {"d": dtype, "v": [v if isinstance(v, str) else None for v in column.tolist()]}
    return {"d": "object", "v": [_encode(v, budget, depth + 1) for v in column.tolist()]}


def _index(index, budget, depth):
    import pandas as pd

    budget.take(len(index), depth)
    if isinstance(index, pd.RangeIndex):
        return {"k": "range", "v": [index.start, index.stop, index.step], "n": _encode(index.name, budget, depth + 1)}
    if isinstance(index, pd.MultiIndex):
        return {"k": "multi", "v": [[_encode(x, budget, depth + 2) for x in row] for row in index.tolist()],
                "n": [_encode(n, budget, depth + 1) for n in index.names]}
    return {"k": "index", "v": _column(index.to_series(), budget, depth), "n": _encode(index.name, budget, depth + 1)}


# --- the clean side -------------------------------------------------------------------------------------------------


def decode(data: Any, depth: int = 0) -> Any:
    """Build the value again from what `encode` wrote. Raises `NotExportable` for anything else."""
    if depth > MAX_DEPTH * 2:
        raise NotExportable("Das Ergebnis ist zu tief verschachtelt.")
    if data is None or isinstance(data, bool | int | float | str):
        return data
    if isinstance(data, list):
        return [decode(v, depth + 1) for v in data]
    if not isinstance(data, dict):
        raise NotExportable("Das Ergebnis hat eine unbekannte Form.")
    try:
        return _decode(data, depth)
    except NotExportable:
        raise
    except Exception as error:  # whatever a forged value breaks
        raise NotExportable("Das Ergebnis ließ sich nicht übergeben.") from error


def _decode(data: dict, depth: int) -> Any:
    kind, value = data["k"], data.get("v")
    if kind == "leer":
        return Ellipsis
    if kind == "zu-gross":
        raise NotExportable(str(value)[:300])
    if kind == "int":
        return int(value)
    if kind in ("tuple", "set", "frozenset"):
        return {"tuple": tuple, "set": set, "frozenset": frozenset}[kind](decode(v, depth + 1) for v in value)
    if kind == "dict":
        return {decode(k, depth + 1): decode(v, depth + 1) for k, v in value}
    if kind == "path":
        return Path(str(value))
    if kind == "bytes":
        return bytes.fromhex(value)
    if kind in ("datetime", "date", "time"):
        return getattr(dt, kind).fromisoformat(value)
    if kind == "timedelta":
        return dt.timedelta(seconds=float(value))
    if kind in ("Decimal", "Fraction", "complex"):
        return {"Decimal": Decimal, "Fraction": Fraction, "complex": complex}[kind](str(value)[:200])
    if kind == "geometrie":
        from shapely import wkb

        return wkb.loads(bytes.fromhex(value))
    if kind == "funktion":
        def funktion(*_a: Any, **_k: Any) -> None:
            raise TypeError("Funktionen werden nicht übergeben.")
        return funktion
    if kind == "unbekannt":
        return type(value if isinstance(value, str) and _WORD.match(value) else "Objekt", (Unknown,), {})()
    if kind == "kurs":
        return _course_object(data["c"], value, depth)
    if kind in ("np", "npzeit", "array"):
        return _to_numpy(data, depth)
    return _to_pandas(data, depth)


def _course_object(name: str, fields: list, depth: int) -> Any:
    from importlib import import_module

    module, _, qualified = name.partition(":")
    if not re.fullmatch(r"opendata_kurs(\.\w+)+", module) or not re.fullmatch(r"\w+", qualified):
        raise NotExportable("Das Ergebnis hat eine unbekannte Form.")
    cls = getattr(import_module(module), qualified)
    if not (isinstance(cls, type) and dataclasses.is_dataclass(cls)):
        raise NotExportable("Das Ergebnis hat eine unbekannte Form.")
    known = {f.name for f in dataclasses.fields(cls)}
    made = object.__new__(cls)
    for key, value in fields:
        if key in known:
            object.__setattr__(made, key, decode(value, depth + 1))
    return made


def _to_numpy(data, depth):
    import numpy as np

    if data["k"] == "npzeit":
        if not re.fullmatch(r"(datetime64|timedelta64)\[\w{1,2}\]", data["d"]):
            raise NotExportable("Unbekannte Zeitangabe.")
        return np.dtype(data["d"]).type(int(data["v"]), data["d"][data["d"].index("[") + 1:-1])
    if data["k"] == "np":
        if not _NUMERIC.match(data["d"]):
            raise NotExportable("Unbekannte Zahl.")
        return np.dtype(data["d"]).type(data["v"])
    if data["d"] == "object":
        array = np.empty(len(data["v"]), dtype=object)
        for n, v in enumerate(data["v"]):
            array[n] = decode(v, depth + 1)
    else:
        if not _NUMERIC.match(data["d"]):
            raise NotExportable("Unbekannte Zahlen.")
        array = np.array(data["v"], dtype=data["d"])
    return array.reshape([int(n) for n in data["s"]])


def _to_pandas(data, depth):
    import pandas as pd

    kind, value = data["k"], data.get("v")
    if kind == "NA":
        return pd.NA
    if kind == "NaT":
        return pd.NaT
    if kind in ("Timestamp", "Timedelta"):
        return getattr(pd, kind)(str(value)[:80])
    if kind in ("range", "multi", "index"):
        return _to_index(data, depth)
    if kind == "series":
        index, name = _to_index(data["i"], depth), decode(data.get("n"), depth + 1)
        return _to_column(value, index, depth, data.get("crs"), name)
    if kind == "frame":
        index, columns = _to_index(data["i"], depth), _to_index(data["c"], depth)
        parts = [_to_column(c, index, depth) for c in value]
        frame = pd.concat(parts, axis=1) if parts else pd.DataFrame(index=index)
        frame.columns = columns
        if isinstance(data.get("geo"), str) and data["geo"] in list(columns):
            import geopandas as gpd

            frame = gpd.GeoDataFrame(frame, geometry=data["geo"], crs=data.get("crs"))
        frame.attrs.update(decode(data.get("a") or {"k": "dict", "v": []}, depth + 1))
        return frame
    raise NotExportable("Das Ergebnis hat eine unbekannte Form.")


def _to_index(data, depth):
    import pandas as pd

    if data["k"] == "range":
        start, stop, step = (int(n) for n in data["v"])
        return pd.RangeIndex(start, stop, step, name=decode(data["n"], depth + 1))
    if data["k"] == "multi":
        return pd.MultiIndex.from_tuples([tuple(decode(x, depth + 1) for x in row) for row in data["v"]], names=[decode(n, depth + 1) for n in data["n"]])
    return pd.Index(_to_column(data["v"], None, depth), name=decode(data["n"], depth + 1))


def _to_column(data, index, depth, crs=None, name=None):
    import pandas as pd

    dtype, value = data["d"], data["v"]
    if _NUMERIC.match(dtype) or _NULLABLE.match(dtype) or dtype in ("str", "string"):
        return pd.Series(value, index=index, dtype=dtype, name=name)
    if dtype == "zeit":
        if data["u"] not in ("s", "ms", "us", "ns"):
            raise NotExportable("Unbekannte Zeitangabe.")
        import numpy as np

        column = pd.Series(np.array(value, dtype="int64").view(f"M8[{data['u']}]"), index=index, name=name)
        return column.dt.tz_localize("UTC").dt.tz_convert(str(data["z"])) if data.get("z") else column
    if dtype == "category":
        codes = pd.Categorical.from_codes(value, categories=_to_index(data["c"], depth), ordered=bool(data["o"]))
        return pd.Series(codes, index=index, name=name)
    if dtype == "geometry":
        import geopandas as gpd
        from shapely import wkb

        shapes = [None if v is None else wkb.loads(bytes.fromhex(v)) for v in value]
        return gpd.GeoSeries(shapes, index=index, crs=crs, name=name)
    if dtype == "object":
        return pd.Series([decode(v, depth + 1) for v in value], index=index, dtype=object, name=name)
    raise NotExportable("Unbekannte Spalte.")


def is_finite_number(text: str) -> bool:
    """Return whether a printed result is a plain finite number."""
    try:
        return math.isfinite(float(text))
    except (TypeError, ValueError):
        return False
