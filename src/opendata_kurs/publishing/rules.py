"""Rules as a table schema: a frictionless-like field list becomes a pandera schema with German messages."""

from __future__ import annotations

from typing import Any

from .report import Finding, german_list, german_number, make_finding

_WORDS = {"integer": "ganze Zahlen", "number": "Zahlen", "date": "Datumsangaben (JJJJ-MM-TT)", "boolean": "ja/nein-Werte",
          "datetime": "Zeitpunkte (JJJJ-MM-TTThh:mm:ss)", "year": "Jahreszahlen", "time": "Uhrzeiten (hh:mm:ss)"}
_PATTERNS = {"integer": r"[-+]?\d+", "number": r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?", "year": r"\d{4}", "time": r"\d\d:\d\d(?::\d\d)?",
             "boolean": r"(?i:true|false|0|1)", "date": r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])",
             "datetime": r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?"}


def table_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the table schema inside a datapackage, a resource or a plain schema."""
    if "resources" in schema:
        schema = schema["resources"][0]
    return schema.get("schema", schema) if "fields" not in schema else schema


def build_schema(fields: list[dict[str, Any]]):
    """Return a pandera DataFrameSchema for text columns. Check names carry the defect id, so that messages are German."""
    import pandera.pandas as pa

    def column(field: dict[str, Any]):
        constraints = field.get("constraints", {})
        kind = field.get("type", "string")
        checks = []
        if pattern := _PATTERNS.get(kind):
            checks.append(pa.Check(lambda s, p=pattern: (s == "") | s.str.fullmatch(p), error="schema-type"))
        if constraints.get("required"):
            checks.append(pa.Check(lambda s: s != "", error="schema-required"))
        if constraints.get("unique"):
            checks.append(pa.Check(lambda s: (s == "") | ~s.duplicated(keep=False), error="schema-unique"))
        if wanted := constraints.get("pattern"):
            checks.append(pa.Check(lambda s, p=wanted: (s == "") | s.str.fullmatch(p), error="schema-pattern"))
        if wanted := constraints.get("enum"):
            allowed = {str(v) for v in wanted}
            checks.append(pa.Check(lambda s, a=allowed: (s == "") | s.isin(a), error="schema-enum"))
        if "minimum" in constraints or "maximum" in constraints:
            checks.append(pa.Check(lambda s, c=constraints, k=kind: _in_range(s, c, k), error="schema-range"))
        return pa.Column(checks=checks, required=False, nullable=False, coerce=False)

    return pa.DataFrameSchema({f["name"]: column(f) for f in fields})


def _in_range(values, constraints: dict[str, Any], kind: str):
    import pandas as pd

    low, high = constraints.get("minimum"), constraints.get("maximum")
    if kind in ("date", "datetime"):
        data = values
    else:
        data = pd.to_numeric(values, errors="coerce")
    good = pd.Series(True, index=values.index)
    if low is not None:
        good &= data >= (str(low) if kind in ("date", "datetime") else float(low))
    if high is not None:
        good &= data <= (str(high) if kind in ("date", "datetime") else float(high))
    return good | (values == "") | (data.isna() if hasattr(data, "isna") else False)


def check_rules(columns: dict[str, list[str]], lines: list[int], schema: dict[str, Any], unit: str = "Zeile") -> list[Finding]:
    """Validate text columns against a table schema; `lines` are the row numbers of the file."""
    import pandas as pd
    import pandera.pandas as pa

    schema = table_schema(schema)
    fields = [dict(f) for f in schema.get("fields", []) if f.get("type") not in ("geojson", "geopoint")]
    keys = schema.get("primaryKey") or []
    keys = [keys] if isinstance(keys, str) else keys
    for field in fields:
        if field["name"] in keys:
            extra = {"required": True, **({"unique": True} if len(keys) == 1 else {})}
            field["constraints"] = {**extra, **field.get("constraints", {})}
    known = {f["name"]: f for f in fields}
    found = [make_finding("defects.yml", "schema-missing-column", column=name) for name in known if name not in columns]
    found += [make_finding("defects.yml", "schema-extra-column", column=name) for name in columns if name not in known]
    frame = pd.DataFrame({k: pd.Series(v, dtype="object").map(lambda c: c.strip()) for k, v in columns.items() if k in known})
    try:
        build_schema(fields).validate(frame, lazy=True)
    except pa.errors.SchemaErrors as error:
        for problem in error.schema_errors:
            id = str(getattr(problem.check, "error", "") or "")
            if not id.startswith("schema-"):
                continue
            cases = problem.failure_cases
            positions = sorted(int(i) for i in cases["index"])
            field = known[problem.schema.name]
            found.append(make_finding(
                "defects.yml", id, column=field["name"], rows=[lines[i] for i in positions], unit=unit,
                count=german_number(len(positions)), example=str(frame[field["name"]].iloc[positions[0]])[:40], wanted=_wanted(id, field)))
    if len(keys) > 1 and all(k in frame for k in keys):
        double = frame.index[frame.duplicated(keys, keep=False)]
        if len(double):
            found.append(make_finding("defects.yml", "schema-unique", column=" + ".join(keys), rows=[lines[i] for i in double], unit=unit,
                                      count=german_number(len(double)), example=" / ".join(frame.loc[double[0], keys])))
    return found


def _wanted(id: str, field: dict[str, Any]) -> str:
    constraints = field.get("constraints", {})
    if id == "schema-type":
        return _WORDS.get(field.get("type", ""), field.get("type", ""))
    if id == "schema-pattern":
        return constraints["pattern"]
    if id == "schema-enum":
        return german_list(constraints["enum"], limit=8)
    low, high = constraints.get("minimum"), constraints.get("maximum")
    return f"{low} bis {high}" if None not in (low, high) else f"ab {low}" if high is None else f"bis {high}"
