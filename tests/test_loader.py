"""`load_dataset` and its neighbours: types, provenance, German errors, speed."""

import builtins
import json
import re
import shutil
import time

import geopandas as gpd
import pandas as pd
import pytest
from places import ROOT

from opendata_kurs import datasets
from opendata_kurs.datasets import (
    credit_line,
    dataset_slugs,
    delivery_path,
    load_dataset,
    metadata,
    resource_path,
)

DATASETS = ROOT / "datasets"


@pytest.fixture
def collection(tmp_path, monkeypatch):
    """A small writable copy of the collection that the loader uses."""
    for slug in ("duesseldorf-stadtteile", "duesseldorf-ratswahl-2020-stadtteile", "kreise-lieferung"):
        shutil.copytree(DATASETS / slug, tmp_path / slug)
    monkeypatch.setattr(datasets, "datasets_dir", lambda: tmp_path)
    return tmp_path


@pytest.mark.parametrize("slug", dataset_slugs())
def test_types_follow_the_schema(slug):
    frame = load_dataset(slug)
    package = metadata(slug)
    fields = package["resources"][0]["schema"]["fields"]
    assert [c for c in frame.columns if c != "geometry"] == [f["name"] for f in fields]
    assert len(frame) == package["resources"][0]["rows"] and list(frame.index) == list(range(len(frame)))
    for f in fields:
        values = frame[f["name"]]
        match f["type"]:
            case "integer":
                assert str(values.dtype) in ("int64", "Int64") and (str(values.dtype) == "Int64") == values.isna().any()
            case "number":
                assert values.dtype == "float64"
            case "date" | "datetime":
                assert pd.api.types.is_datetime64_any_dtype(values)
            case "boolean":
                assert str(values.dtype) in ("bool", "boolean")
            case _:
                assert pd.api.types.is_string_dtype(values)
    if package["crs"]:
        assert isinstance(frame, gpd.GeoDataFrame) and frame.crs.to_epsg() == 4326
    else:
        assert type(frame) is pd.DataFrame


@pytest.mark.parametrize("slug", dataset_slugs())
def test_provenance_travels_with_the_frame(slug):
    package = metadata(slug)
    (source,) = load_dataset(slug).attrs["quellen"]
    assert list(source) == [
        "slug", "title", "publisher", "licence_id", "licence_title", "licence_url", "homepage", "credit", "changes",
        "retrieved", "temporal", "licence_note",
    ]  # fmt: skip
    assert source["slug"] == slug and source["credit"] == package["creditLine"] and source["changes"]
    assert source["licence_id"] == package["licenses"][0]["name"]


def test_provenance_survives_ordinary_steps():
    areas = load_dataset("duesseldorf-stadtteile")
    part = areas[areas["stadtbezirk_nr"] == "05"].sort_values("flaeche_km2").assign(neu=1)
    assert part.attrs["quellen"][0]["slug"] == "duesseldorf-stadtteile"
    assert part.to_crs("EPSG:25832").attrs["quellen"][0]["slug"] == "duesseldorf-stadtteile"


def test_frames_do_not_share_state():
    first = load_dataset("duesseldorf-stadtteile")
    first.attrs["quellen"][0]["changes"].append("x")
    first["stadtteil"] = "x"
    second = load_dataset("duesseldorf-stadtteile")
    assert "x" not in second.attrs["quellen"][0]["changes"] and second["stadtteil"].nunique() == 50
    metadata("duesseldorf-stadtteile")["title"] = "x"
    assert metadata("duesseldorf-stadtteile")["title"] != "x"


def test_geojson_opens_without_pyogrio(monkeypatch):
    original = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name.split(".")[0] in ("pyogrio", "fiona", "osgeo"):
            raise ImportError(name)
        return original(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    assert len(load_dataset("duesseldorf-stadtteile")) == 50


def test_list_is_a_german_table_that_fits():
    table = load_dataset()
    assert list(table.columns) == ["Kurzname", "Titel", "Zeilen", "Lizenz", "Herausgeber", "Stand"]
    assert list(table["Kurzname"]) == dataset_slugs() and table.index[0] == 1
    row = table.set_index("Kurzname").loc["duesseldorf-stadtteile"]
    assert row.tolist() == ["Stadtteile Düsseldorf", 50, "dl-de/by-2-0", "Landeshauptstadt Düsseldorf", "31.12.2017"]
    # pandas cuts cells at 50 characters; nothing may be cut there without a sign
    assert table.astype(str).map(len).max(axis=None) <= 50 and not table.isna().any(axis=None)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("duesseldorf-stadteile", "duesseldorf-stadtteile"),
        ("Duesseldorf_Stadtteile", "duesseldorf-stadtteile"),
        ("muenster schulen", "muenster-schulen"),
        ("koeln-bevölkerung", "koeln-bevoelkerung"),
    ],
)
def test_misspelled_slug_suggests_the_nearest(typed, meant):
    with pytest.raises(KeyError) as caught:
        load_dataset(typed)
    assert f"Meinten Sie „{meant}“?" in str(caught.value)
    assert not str(caught.value).startswith("'") and caught.value.__suppress_context__


def test_unknown_slug_without_neighbour_only_points_to_the_list():
    with pytest.raises(KeyError) as caught:
        metadata("xyz123")
    assert "Meinten" not in str(caught.value) and "load_dataset()" in str(caught.value)


@pytest.mark.parametrize("slug", ["../course", "", "/etc", "duesseldorf-stadtteile/../x"])
def test_only_known_names_are_opened(slug):
    with pytest.raises(KeyError):
        load_dataset(slug)


def test_missing_file_says_which_and_how_to_restore_it(collection):
    (collection / "duesseldorf-stadtteile" / "duesseldorf-stadtteile.geojson").unlink()
    with pytest.raises(FileNotFoundError) as caught:
        load_dataset("duesseldorf-stadtteile")
    text = str(caught.value)
    assert "„duesseldorf-stadtteile/duesseldorf-stadtteile.geojson“ fehlt" in text
    assert "git checkout -- datasets/duesseldorf-stadtteile/duesseldorf-stadtteile.geojson" in text
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("slug", ["duesseldorf-stadtteile", "duesseldorf-ratswahl-2020-stadtteile"])
@pytest.mark.parametrize("damage", [lambda d: d[:-10], lambda d: d.replace(b"Altstadt", b"Altstatt"), lambda d: b""])
def test_damaged_file_says_which_and_how_to_restore_it(collection, slug, damage):
    file = collection / slug / metadata(slug)["resources"][0]["path"]
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(ValueError, match="beschädigt") as caught:
        load_dataset(slug)
    assert file.name in str(caught.value) and "git checkout" in str(caught.value)


def test_delivery_is_opened_by_its_path_only(collection):
    with pytest.raises(ValueError, match=re.escape('delivery_path("kreise-lieferung")')):
        load_dataset("kreise-lieferung")
    with pytest.raises(ValueError, match=re.escape('load_dataset("duesseldorf-stadtteile")')):
        delivery_path("duesseldorf-stadtteile")
    assert delivery_path("kreise-lieferung").suffix == ".xlsx"
    delivery_path("kreise-lieferung").write_bytes(b"x")
    with pytest.raises(ValueError, match="beschädigt"):
        delivery_path("kreise-lieferung")
    (collection / "kreise-lieferung" / "kreise-lieferung.xlsx").unlink()
    with pytest.raises(FileNotFoundError):
        delivery_path("kreise-lieferung")


def test_further_files_of_a_dataset_by_name():
    slug = "duesseldorf-parkhaeuser"
    assert resource_path(slug).name == f"{slug}.geojson"
    assert resource_path(slug, "antwort") == resource_path(slug, "antwort.json")
    table = pd.read_csv(resource_path(slug, f"{slug}.csv"), dtype={"plz": str})
    frame = load_dataset(slug)
    assert table["parkhaus"].tolist() == frame["parkhaus"].tolist()
    assert (table[["laenge", "breite"]].to_numpy() == frame.get_coordinates().to_numpy()).all()
    sheet = pd.read_excel(resource_path(slug, "excel"), header=4)
    assert sheet["Name"].tolist()[:10] == table["parkhaus"].tolist() and sheet["Nr."].iloc[-1] == "Anzahl"
    with pytest.raises(KeyError, match=r"keine Datei „x.pdf“. Vorhanden: .*antwort.json"):
        resource_path(slug, "x.pdf")


@pytest.mark.parametrize("name", ["../kreise-lieferung/kreise-lieferung.xlsx", "", "/etc/passwd"])
def test_only_listed_files_are_opened(name):
    with pytest.raises(KeyError):
        resource_path("duesseldorf-parkhaeuser", name)


def test_credit_line_takes_the_learners_own_change():
    line = credit_line("duesseldorf-stadtteile")
    assert line == metadata("duesseldorf-stadtteile")["creditLine"]
    assert credit_line("duesseldorf-stadtteile", " ") == line
    more = credit_line("duesseldorf-stadtteile", changed="auf Stadtbezirke summiert")
    assert more == f"{line}, weiter verändert: auf Stadtbezirke summiert"


def test_periods_read_german():
    def period(start, end):
        return datasets.german_period({"temporal": {"start": start, "end": end}})

    assert period("2017-12-31", "2017-12-31") == "31.12.2017"
    assert period("2020-01-01", "2020-12-31") == "2020"
    assert period("2005-01-01", "2012-12-31") == "2005 bis 2012"
    assert period("2025-07-01", "2025-07-31") == "01.07.2025 bis 31.07.2025"
    assert datasets.german_period({"temporal": {}, "retrieved": "2022-07-18"}) == "Abruf 18.07.2022"


def test_gaps_and_leading_zeros_in_a_table(collection):
    frame = load_dataset("duesseldorf-ratswahl-2020-stadtteile")
    assert frame["stadtteil_nr"].iloc[0] == "011" and frame["waehler_brief"].dtype == "Int64"
    assert frame["waehler_brief"].isna().sum() == 1 and frame["waehler"].dtype == "int64"


def test_words_like_na_stay_text(tmp_path, monkeypatch):
    import hashlib

    folder = tmp_path / "probe"
    folder.mkdir()
    data = b"name,nr,menge,tag,ja\nNA,007,,2024-02-29,true\nnull,08,1.5,,\n"
    (folder / "probe.csv").write_bytes(data)
    types = {"name": "string", "nr": "string", "menge": "number", "tag": "date", "ja": "boolean"}
    package = json.loads((DATASETS / "musterdatenkatalog-nrw" / "datapackage.json").read_text("utf-8"))
    package["resources"] = [
        {
            "path": "probe.csv",
            "format": "csv",
            "bytes": len(data),
            "hash": "sha256:" + hashlib.sha256(data).hexdigest(),
            "schema": {"fields": [{"name": n, "type": t} for n, t in types.items()]},
        }
    ]
    (folder / "datapackage.json").write_text(json.dumps(package), "utf-8")
    monkeypatch.setattr(datasets, "datasets_dir", lambda: tmp_path)
    frame = load_dataset("probe")
    assert frame["name"].tolist() == ["NA", "null"] and frame["nr"].tolist() == ["007", "08"]
    assert frame["tag"].iloc[0] == pd.Timestamp(2024, 2, 29) and pd.isna(frame["tag"].iloc[1])
    assert frame["ja"].tolist() == [True, pd.NA]


def test_largest_dataset_loads_quickly():
    sizes = {slug: sum(r["bytes"] for r in metadata(slug)["resources"]) for slug in dataset_slugs()}
    slowest = 0.0
    for slug in sorted(sizes, key=sizes.get)[-4:]:
        best = 9.0
        for _ in range(3):
            start = time.perf_counter()
            load_dataset(slug)
            best = min(best, time.perf_counter() - start)
        slowest = max(slowest, best)
    assert slowest < 0.3
