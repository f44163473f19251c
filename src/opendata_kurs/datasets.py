"""Load the course's datasets by their short name; the provenance travels with the frame."""

from __future__ import annotations

import copy
import difflib
import hashlib
import json
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .paths import datasets_dir

if TYPE_CHECKING:
    from collections.abc import Iterable

    import geopandas as gpd
    import pandas as pd


class UnknownDatasetError(KeyError):
    """There is no dataset with this short name."""

    def __str__(self) -> str:
        """Return the text itself; KeyError would show it in quotation marks."""
        return str(self.args[0])


class MissingDataFileError(FileNotFoundError):
    """A dataset is known, but one of its files is not there."""


class DamagedDataFileError(ValueError):
    """A file of a dataset differs from the one that was published with the course."""


class DeliveryError(ValueError):
    """A delivery (raw material for exercises) was asked for as if it were a finished dataset."""


@lru_cache(maxsize=8)
def _packages(folder: Path) -> dict[str, dict]:
    found = {}
    for file in sorted(folder.glob("*/datapackage.json")):
        found[file.parent.name] = json.loads(file.read_text("utf-8"))
    return found


def dataset_slugs(deliveries: bool = False) -> list[str]:
    """Return the short names of all datasets in alphabetical order; with deliveries=True those of the deliveries."""
    packages = _packages(datasets_dir())
    return [slug for slug, package in packages.items() if bool(package.get("delivery")) == deliveries]


def metadata(slug: str) -> dict[str, Any]:
    """Return the datapackage of a dataset or delivery as a dictionary (a copy).

    Raises UnknownDatasetError (a KeyError) with the nearest short name when there is none of this name.
    """
    packages = _packages(datasets_dir())
    name = str(slug).strip()
    if name not in packages:
        near = difflib.get_close_matches(name.lower().replace("_", "-").replace(" ", "-"), packages, 1, 0.5)
        hint = f" Meinten Sie „{near[0]}“?" if near else ""
        raise UnknownDatasetError(
            f"Den Datensatz „{name}“ gibt es nicht.{hint} Alle Kurznamen zeigt: load_dataset()"
        ) from None
    return copy.deepcopy(packages[name])


def credit_line(slug: str, changed: str | None = None) -> str:
    """Return the complete credit line of a dataset.

    It names publisher, title, reference, licence with link and what the course changed. `changed` adds what
    you changed yourself (German, for example "auf Stadtbezirke summiert").
    """
    line = metadata(slug)["creditLine"]
    return f"{line}, weiter verändert: {changed.strip()}" if changed and changed.strip() else line


def _restore_hint(name: str) -> str:
    return (
        f"So stellen Sie die Datei wieder her: im Ordner des Kurses „git checkout -- datasets/{name}“ eingeben "
        "oder den Kurs neu herunterladen. Ihre eigenen Ergebnisse bleiben dabei erhalten."
    )


def _checked_bytes(slug: str, resource: dict) -> bytes:
    """Return the file's content after comparing it with the checksum in the datapackage."""
    path = datasets_dir() / slug / resource["path"]
    name = f"{slug}/{resource['path']}"
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise MissingDataFileError(f"Die Datei „{name}“ fehlt. {_restore_hint(name)}") from None
    expected = resource["hash"].removeprefix("sha256:")
    if len(data) != resource["bytes"] or hashlib.sha256(data).hexdigest() != expected:
        raise DamagedDataFileError(
            f"Die Datei „{name}“ ist beschädigt oder wurde verändert (die Prüfsumme passt nicht). "
            f"{_restore_hint(name)}"
        )
    return data


def delivery_path(slug: str) -> Path:
    """Return the path of a delivery's file: real figures with the defects that originals have.

    Raises UnknownDatasetError, MissingDataFileError or DamagedDataFileError with a German text.
    """
    package = metadata(slug)
    if not package.get("delivery"):
        raise DeliveryError(
            f'„{slug}“ ist ein fertiger Datensatz und keine Lieferung. Laden Sie ihn mit load_dataset("{slug}").'
        )
    resource = package["resources"][0]
    _checked_bytes(slug, resource)
    return datasets_dir() / slug / resource["path"]


def resource_path(slug: str, resource: str | None = None) -> Path:
    """Return the path of one file of a dataset or delivery, after comparing it with its checksum.

    `resource` is the file's name or its short name in the datapackage (for example "antwort.json" or "antwort");
    without it, the first file. Raises UnknownDatasetError (a KeyError) for unknown names, MissingDataFileError or
    DamagedDataFileError, all with a German text.
    """
    slug, resources = str(slug).strip(), metadata(slug)["resources"]
    if resource is None:
        entry = resources[0]
    else:
        names = {key: r for r in resources for key in (r["name"], r["path"])}
        wanted = str(resource).strip()
        if wanted not in names:
            files = ", ".join(r["path"] for r in resources)
            raise UnknownDatasetError(f"Zu „{slug}“ gibt es keine Datei „{wanted}“. Vorhanden: {files}.") from None
        entry = names[wanted]
    _checked_bytes(slug, entry)
    return datasets_dir() / slug / entry["path"]


def _provenance(slug: str, package: dict) -> dict[str, Any]:
    licence = (package.get("licenses") or [{}])[0]
    return {
        "slug": slug,
        "title": package["title"],
        "publisher": package["publisher"],
        "licence_id": licence.get("name", "keine-angabe"),
        "licence_title": licence.get("title", "keine Angabe"),
        "licence_url": licence.get("path"),
        "homepage": package["homepage"],
        "credit": package["creditLine"],
        "changes": list(package["changes"]),
        "retrieved": package["retrieved"],
        "temporal": package["temporal"],
        "licence_note": package["licenceNote"],
    }


def _typed(frame: pd.DataFrame, fields: list[dict]) -> pd.DataFrame:
    """Give every column the type of the schema; whole numbers with gaps become Int64."""
    import pandas as pd

    for field in fields:
        name, values = field["name"], frame[field["name"]]
        match field["type"]:
            case "integer":
                values = pd.to_numeric(values)
                frame[name] = values.astype("Int64" if values.isna().any() else "int64")
            case "number":
                frame[name] = pd.to_numeric(values).astype("float64")
            case "date" | "datetime":
                frame[name] = pd.to_datetime(values, format="ISO8601")
            case "boolean":
                truth = values.map(
                    {"True": True, "true": True, "False": False, "false": False, True: True, False: False}
                )
                frame[name] = truth.astype("boolean" if truth.isna().any() else "bool")
            case _:
                frame[name] = values.astype("str")
    return frame


def _read_geojson(data: bytes, fields: list[dict]) -> gpd.GeoDataFrame:
    import geopandas as gpd

    names = [field["name"] for field in fields]
    features = json.loads(data)["features"]
    frame = gpd.GeoDataFrame.from_features(features, columns=[*names, "geometry"], crs="EPSG:4326")
    return _typed(frame, fields)


def _read_csv(data: bytes, fields: list[dict]) -> pd.DataFrame:
    import io

    import pandas as pd

    text = [f["name"] for f in fields if f["type"] not in ("integer", "number")]
    frame = pd.read_csv(
        io.BytesIO(data), dtype=dict.fromkeys(text, "str"), keep_default_na=False, na_values=[""]
    )
    return _typed(frame, fields)


def _read(data: bytes, resource: dict) -> pd.DataFrame | gpd.GeoDataFrame:
    read = _read_geojson if resource["format"] == "geojson" else _read_csv
    return read(data, resource["schema"]["fields"])


_kept: dict[str, pd.DataFrame | gpd.GeoDataFrame] = {}


def keep_parsed(slugs: Iterable[str]) -> None:
    """Parse these datasets once, so that `load_dataset` only copies them: for the grader, whose processes are forks.

    Raises what `load_dataset` raises. The files are still compared with their checksums at every load.
    """
    for slug in slugs:
        resource = metadata(slug)["resources"][0]
        _kept[slug] = _read(_checked_bytes(slug, resource), resource)


def load_dataset(slug: str | None = None) -> pd.DataFrame | gpd.GeoDataFrame:
    """Load a dataset by its short name; without a name, list all datasets.

    Returns a DataFrame, or a GeoDataFrame in EPSG:4326 when the dataset has geometries. Keys are text with
    their leading zeros. `attrs["quellen"]` holds publisher, licence and credit line; units and the meaning
    of each column stand in `metadata(slug)`.

    Raises (all with a German text): UnknownDatasetError, MissingDataFileError, DamagedDataFileError, and
    DeliveryError for the deliveries, which open by `delivery_path(slug)`.
    """
    if slug is None:
        return _overview()
    package = metadata(slug)
    slug = str(slug).strip()
    if package.get("delivery"):
        raise DeliveryError(
            f"„{slug}“ ist eine Lieferung mit Fehlern, wie sie im Original vorkommen. Öffnen Sie die Datei selbst: "
            f'Den Pfad liefert delivery_path("{slug}").'
        )
    resource = package["resources"][0]
    data = _checked_bytes(slug, resource)
    frame = _kept[slug].copy() if slug in _kept else _read(data, resource)
    frame.attrs["quellen"] = [_provenance(slug, package)]
    return frame


def german_period(package: dict) -> str:
    """Return the time that the data speak of, the German way: a day, a year or a span."""

    def day(text: str) -> str:
        return ".".join(reversed(text.split("-")))

    temporal = package.get("temporal") or {}
    start, end = temporal.get("start"), temporal.get("end")
    if not end:
        return f"Abruf {day(package['retrieved'])}"
    if not start or start == end:
        return day(end)
    if start[5:] in ("", "01-01") and end[5:] in ("", "12-31"):
        return start[:4] if start[:4] == end[:4] else f"{start[:4]} bis {end[:4]}"
    return f"{day(start)} bis {day(end)}"


def licence_short(package: dict) -> str:
    """Return the short names of the licences as people write them, or "keine Angabe"."""
    from .licensing import licence

    names = [entry["name"] for entry in package.get("licenses") or [{"name": "keine-angabe"}]]
    return ", ".join("keine Angabe" if name == "keine-angabe" else licence(name).short for name in names)


def _overview() -> pd.DataFrame:
    import textwrap

    import pandas as pd

    rows = []
    for slug in dataset_slugs():
        package = metadata(slug)
        rows.append(
            {
                "Kurzname": slug,
                "Titel": textwrap.shorten(package["title"], 50, placeholder=" …"),
                "Zeilen": package["resources"][0].get("rows"),
                "Lizenz": licence_short(package),
                "Herausgeber": textwrap.shorten(package["publisher"].split(",")[0], 45, placeholder=" …"),
                "Stand": german_period(package),
            }
        )
    columns = ["Kurzname", "Titel", "Zeilen", "Lizenz", "Herausgeber", "Stand"]
    table = pd.DataFrame(rows, columns=columns)
    table.index = range(1, len(table) + 1)
    return table
