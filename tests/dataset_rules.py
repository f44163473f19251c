"""What every dataset of the collection must satisfy; each rule yields complaints for one folder.

The rules take a folder, so that tests can run them on the collection and on copies with planted faults.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import multiprocessing
import re
import runpy
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import geopandas as gpd
import pandas as pd
import shapely

from opendata_kurs.licensing import UnknownLicenceError, check_credit_line, licence

Complaints = Iterator[str]

TEXTS = ("title", "description", "publisher", "portal", "homepage", "licenceNote", "creditLine")
LISTS = ("licenses", "sources", "themes", "keywords", "changes", "limits", "resources")
THEMES = set("AGRI ECON EDUC ENER ENVI GOVE HEAL INTR JUST REGI SOCI TECH TRAN".split())
FORMATS = {".csv": ("csv", "text/csv"), ".geojson": ("geojson", "application/geo+json")}
NAME = re.compile(r"[a-z][a-z0-9_]*")
DATE = re.compile(r"\d{4}-\d\d-\d\d")
ADDRESS = re.compile(r"@|\(at\)|\[at\]")
PHONE = re.compile(r"(?:\+49|\b(?:tel|fon|fax|telefon|telefax|mobil)\b\.?:?)[\s()/\d-]{6,}", re.IGNORECASE)
PERSON_COLUMNS = re.compile(r"(^|_)(e_?mail|mail|telefon|telefax|fax|mobil|ansprechpartner\w*|leitung|vorname|nachname)($|_)")
COUNTRY = (5.8, 47.2, 15.1, 55.1)
LIMIT = 12_000_000


def package(folder: Path) -> dict:
    """Return the folder's datapackage."""
    return json.loads((folder / "datapackage.json").read_text("utf-8"))


def read(folder: Path) -> pd.DataFrame | gpd.GeoDataFrame:
    """Read a dataset independently of the loader: everything text, or features as they are."""
    resource = package(folder)["resources"][0]
    path = folder / resource["path"]
    if path.suffix == ".geojson":
        features = json.loads(path.read_text("utf-8"))["features"]
        return gpd.GeoDataFrame.from_features(features, crs="EPSG:4326")
    return pd.read_csv(path, dtype=str, keep_default_na=False)


# metadata ------------------------------------------------------------------------------------


def metadata_complete(folder: Path) -> Complaints:
    """Everything that people need to know is said, in words and in fixed fields."""
    p = package(folder)
    if p.get("name") != folder.name:
        yield f"name is {p.get('name')!r}"
    yield from (f"{key} is missing" for key in TEXTS if not str(p.get(key) or "").strip())
    yield from (f"{key} is empty" for key in LISTS if not p.get(key))
    yield from (f"unknown theme {t}" for t in p.get("themes", []) if t not in THEMES)
    if not DATE.fullmatch(p.get("retrieved") or ""):
        yield "retrieved is no date"
    temporal, spatial = p.get("temporal") or {}, p.get("spatial") or {}
    if not all(DATE.fullmatch(temporal.get(k) or "") for k in ("start", "end")):
        yield "temporal coverage is missing"
    elif temporal["start"] > temporal["end"]:
        yield "temporal coverage ends before it starts"
    box = spatial.get("bbox") or []
    if not spatial.get("name") or len(box) != 4:
        yield "spatial coverage is missing"
    elif not (COUNTRY[0] <= box[0] <= box[2] <= COUNTRY[2] and COUNTRY[1] <= box[1] <= box[3] <= COUNTRY[3]):
        yield f"bbox lies outside Germany: {box}"
    for source in p.get("sources", []):
        if not re.fullmatch(r"[0-9a-f]{64}", source.get("sha256") or "") or not source.get("bytes"):
            yield f"raw checksum of {source.get('file')} is missing"
        if not (source.get("path") or "").startswith("http"):
            yield f"source of {source.get('file')} has no address"
    geographic = any(r["path"].endswith(".geojson") for r in p.get("resources", [])[:1])
    if "crs" not in p or (geographic and not p["crs"]) or (not p.get("delivery") and geographic != bool(p["crs"])):
        yield "crs does not fit the file"
    if p.get("delivery") and not all(d.get("id") and d.get("text") for d in p.get("defects") or [{}]):
        yield "a delivery must name its defects"


def columns_described(folder: Path) -> Complaints:
    """Each column has an ASCII name, a type, a German title and meaning, and a unit or an explicit null."""
    p = package(folder)
    if p.get("delivery"):
        return
    resource = p["resources"][0]
    fields = resource.get("schema", {}).get("fields", [])
    for field in fields:
        name = field.get("name", "")
        if not NAME.fullmatch(name):
            yield f"column {name!r} is not ASCII snake_case"
        for key in ("type", "title", "description"):
            if not str(field.get(key) or "").strip():
                yield f"column {name} has no {key}"
        if "unit" not in field:
            yield f"column {name} does not say its unit (null when it has none)"
        elif field["type"] == "number" and not field["unit"] and not name.startswith(("laenge", "breite")):
            yield f"column {name} is a measured number without unit"
    columns = [c for c in read(folder).columns if c != "geometry"]
    if columns != [f["name"] for f in fields]:
        yield f"columns of the file differ from the schema: {columns}"


def licence_stated(folder: Path) -> Complaints:
    """Each licence is one the course knows, with the GovData address; no statement needs its reason."""
    p = package(folder)
    for entry in p["licenses"]:
        try:
            known = licence(entry["name"])
        except UnknownLicenceError:
            yield f"unknown licence {entry['name']}"
            continue
        if entry["name"] == "keine-angabe":
            if not re.search(r"§ 5 UrhG|Fakten|Rechte", p["licenceNote"]) or len(p["licenceNote"]) < 120:
                yield "no licence is stated and the note gives no reason"
        elif (entry["uri"], entry["path"]) != (known.uri, known.text_url):
            yield f"licence {entry['name']} has other addresses than the licence table"


def credit_fulfils_licence(folder: Path) -> Complaints:
    """The credit line has what the licence asks for: provider, licence with link, dataset, change notice."""
    p = package(folder)
    yield from (f"credit line: {missing.part}" for missing in check_credit_line(p["creditLine"], p))


# data ----------------------------------------------------------------------------------------


def files_match(folder: Path) -> Complaints:
    """Size, checksum, encoding and format of each file are as written down."""
    p = package(folder)
    for resource in p["resources"]:
        path = folder / resource["path"]
        if not path.is_file():
            yield f"{resource['path']} is missing"
            continue
        data = path.read_bytes()
        if len(data) != resource["bytes"] or f"sha256:{hashlib.sha256(data).hexdigest()}" != resource["hash"]:
            yield f"{resource['path']} has another size or checksum than the datapackage says"
        if p.get("delivery") or path.suffix == ".xlsx":
            continue
        if data.startswith(b"\xef\xbb\xbf") or b"\r" in data:
            yield f"{resource['path']} has a byte order mark or CR line ends"
        try:
            data.decode("utf-8")
        except UnicodeDecodeError:
            yield f"{resource['path']} is not UTF-8"
        if path.suffix in FORMATS and (resource["format"], resource["mediatype"]) != FORMATS[path.suffix]:
            yield f"{resource['path']} has the wrong format or media type"
    if not p.get("delivery") and p["resources"][0]["path"] not in (f"{folder.name}.csv", f"{folder.name}.geojson"):
        yield "the first resource is not named like the dataset"


def frictionless_valid(folder: Path) -> Complaints:
    """Frictionless finds no fault; the properties of features are validated as a table."""
    import frictionless

    p = package(folder)
    if p.get("delivery"):
        return
    resource = p["resources"][0]
    schema = frictionless.Schema.from_descriptor(json.loads(json.dumps(resource["schema"]).replace('"unit": null, ', "")))
    path = folder / resource["path"]
    if path.suffix == ".csv":
        table = frictionless.Resource(path=path.name, basepath=str(path.parent), schema=schema)
    else:
        features = json.loads(path.read_text("utf-8"))["features"]
        names = [f["name"] for f in resource["schema"]["fields"]]
        rows = [names, *([f["properties"].get(n) for n in names] for f in features)]
        table = frictionless.Resource(data=rows, schema=schema)
    for _, _, note, message in table.validate().flatten(["rowNumber", "fieldNumber", "note", "message"]):
        yield f"frictionless: {message or note}"


def rows_and_keys(folder: Path) -> Complaints:
    """The number of rows is the one written down and the key is unique and never empty."""
    p = package(folder)
    if p.get("delivery"):
        return
    frame, resource = read(folder), p["resources"][0]
    if len(frame) != resource.get("rows"):
        yield f"{len(frame)} rows instead of {resource.get('rows')}"
    key = resource["schema"].get("primaryKey")
    if not key:
        yield "there is no primary key"
        return
    keys = frame[[key] if isinstance(key, str) else key]
    if keys.duplicated().any():
        yield f"key {key} is not unique"
    if keys.isna().any(axis=None) or (keys == "").any(axis=None):
        yield f"key {key} has gaps"


def keys_are_text(folder: Path) -> Complaints:
    """Numbers that name something (…_nr, …_ars, plz) are text; codes of one kind have one length."""
    p = package(folder)
    if p.get("delivery"):
        return
    frame = read(folder)
    for field in p["resources"][0]["schema"]["fields"]:
        name = field["name"]
        if not name.endswith(("_nr", "_ars", "plz")) or name == "satz_nr":
            continue
        values = frame[name].dropna()
        values = values[values != ""]
        if field["type"] == "integer":
            continue  # a running number, not a code of the city
        if not values.map(lambda v: isinstance(v, str)).all():
            yield f"{name} is not text in the file"
        elif name.startswith(("stadtteil", "stadtbezirk", "stimmbezirk", "kreis", "plz")) and values.str.len().nunique() > 1:
            yield f"{name} has codes of different length: a leading zero was lost"


def geometries_valid(folder: Path) -> Complaints:
    """Geometries are valid, not empty, inside the stated box, with six decimals, one feature per line, without crs."""
    p = package(folder)
    path = folder / p["resources"][0]["path"]
    if p.get("delivery") or path.suffix != ".geojson":
        return
    text = path.read_text("utf-8")
    content = json.loads(text)
    if "crs" in content:
        yield "the crs member is obsolete"
    if len(text.splitlines()) != len(content["features"]) + 2:
        yield "not one feature per line"
    frame = read(folder)
    bad = frame.geometry.isna() | frame.geometry.is_empty | ~frame.geometry.is_valid
    if bad.any():
        yield f"{int(bad.sum())} geometries are missing or invalid"
        return
    west, south, east, north = frame.total_bounds
    box = p["spatial"]["bbox"]
    if not (box[0] <= west and box[1] <= south and east <= box[2] and north <= box[3]):
        yield "geometries lie outside the stated box"
    numbers = shapely.get_coordinates(frame.geometry.values)
    if (abs(numbers - numbers.round(6)) > 1e-9).any():
        yield "coordinates have more than six decimals"


def joins_hold(folder: Path) -> Complaints:
    """Promised joins are computed: distinct keys, or points inside polygons with `method: within`."""
    for join in package(folder).get("joins", []):
        own, other = read(folder), read(folder.parent / join["to"])
        if join.get("method") == "within":
            inside = gpd.sjoin(own, other, predicate="within")
            matched, of = inside.index.nunique(), len(own)
        else:
            left = set(own[list(join["on"])].itertuples(index=False, name=None))
            right = set(other[list(join["on"].values())].itertuples(index=False, name=None))
            matched, of = len(left & right), len(left)
        if (matched, of) != (join["matched"], join["of"]):
            yield f"join to {join['to']}: {matched} of {of} instead of {join['matched']} of {join['of']}"


def no_personal_data(folder: Path) -> Complaints:
    """No e-mail address, no telephone number and no column for contact persons."""
    p = package(folder)
    for resource in p["resources"]:
        path = folder / resource["path"]
        if path.suffix == ".xlsx":
            from openpyxl import load_workbook

            cells = (c for s in load_workbook(path) for row in s.iter_rows(values_only=True) for c in row)
            text = "\n".join(str(c) for c in cells if c is not None)
        else:
            text = path.read_bytes().decode(resource.get("encoding") or "utf-8", errors="replace")
        if ADDRESS.search(text):
            yield f"{path.name} contains an e-mail address"
        if found := PHONE.search(text):
            yield f"{path.name} contains a telephone number: {found.group()!r}"
        for field in resource.get("schema", {}).get("fields", []):
            if PERSON_COLUMNS.search(field["name"].lower()):
                yield f"column {field['name']} is for personal data"


RULES: list[Callable[[Path], Complaints]] = [
    metadata_complete,
    columns_described,
    licence_stated,
    credit_fulfils_licence,
    files_match,
    frictionless_valid,
    rows_and_keys,
    keys_are_text,
    geometries_valid,
    joins_hold,
    no_personal_data,
]


# the collection as a whole -------------------------------------------------------------------


def too_large(datasets: Path, limit: int = LIMIT) -> Complaints:
    """The collection stays small (everything in the folder counts)."""
    size = sum(f.stat().st_size for f in datasets.rglob("*") if f.is_file() and "__pycache__" not in f.parts)
    if size >= limit:
        yield f"{size} bytes"


def raw_files_inside(datasets: Path, raw: Path | None = None) -> Complaints:
    """No file is a raw file: by the checksums that the datapackages name, and by the raw folder where it is at hand."""
    sums = {s["sha256"] for f in datasets.glob("*/datapackage.json") for s in package(f.parent)["sources"]}
    if raw and raw.is_dir():
        sums |= {hashlib.sha256(f.read_bytes()).hexdigest() for f in raw.rglob("*") if f.is_file()}
    for file in datasets.rglob("*"):
        if file.is_file() and hashlib.sha256(file.read_bytes()).hexdigest() in sums:
            yield f"{file.relative_to(datasets)} is a raw file"


# Scripts run in processes of their own. These are forked from one that has loaded the libraries: loading them again
# would take longer than most scripts.
_PROCESSES = multiprocessing.get_context("forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn")
_PROCESSES.set_forkserver_preload(["geopandas", "openpyxl"])


def _run_script(script: str, arguments: list[str], log: str) -> None:
    """Run a script like `python script arguments`, with what it prints in LOG."""
    sys.argv = [script, *arguments]
    with open(log, "w", encoding="utf-8") as output, contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        try:
            runpy.run_path(script, run_name="__main__")
        except Exception:
            traceback.print_exc()
            sys.exit(1)


def not_reproduced(folder: Path, raw: Path, out: Path) -> Complaints:
    """`prepare.py` makes the same bytes again, data and datapackage."""
    out.mkdir(parents=True, exist_ok=True)
    log = out / "ausgabe.txt"
    run = _PROCESSES.Process(target=_run_script, args=(str(folder / "prepare.py"), ["--raw", str(raw), "--out", str(out)], str(log)))
    run.start()
    run.join(120)
    run.kill()  # nothing happens when it has ended
    run.join()
    if run.exitcode:
        said = log.read_text(encoding="utf-8").strip().splitlines() if log.is_file() else []
        yield f"prepare.py failed: {said[-1] if said else f'nothing was said, exit code {run.exitcode} (-9: stopped after 120 s)'}"
        return
    for name in ["datapackage.json", *(r["path"] for r in package(folder)["resources"])]:
        if not (out / name).is_file() or (out / name).read_bytes() != (folder / name).read_bytes():
            yield f"{name} differs from what prepare.py makes"
