"""Search inside a real CKAN: what Solr would answer, the SQLite index answers too."""

from __future__ import annotations

import threading

import pytest

ALL = {"baumkataster", "spielplaetze", "haushalt"}


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        ("*:*", ALL),
        ("", ALL),
        ("Baumkataster", {"baumkataster"}),
        ("baum", {"baumkataster", "spielplaetze"}),  # compounds and plurals
        ("Bäume", {"baumkataster", "spielplaetze"}),
        ("baeume", {"baumkataster", "spielplaetze"}),
        ("BÄUME", {"baumkataster", "spielplaetze"}),
        ("Spielplatz", {"spielplaetze"}),
        ("strasse", {"haushalt"}),
        ("große", {"haushalt"}),  # words of the same stem count as one
        ("nichts", set()),
        ("Bäume Pflanzjahr", {"baumkataster"}),  # two words: both
        ("Bäume Pflanzjahr Unsinn", {"baumkataster"}),  # three words: one may miss
        ("Bäume -Kinder", {"baumkataster"}),
        ('"städtischen Bäume"', {"baumkataster"}),
        ('"Bäume städtischen"', set()),
        ("title:Spielplätze", {"spielplaetze"}),
        ("title:(Spielplätze OR Baumkataster)", {"spielplaetze", "baumkataster"}),
        ("tags:Kinder", {"spielplaetze"}),
        ("tags:kinder", set()),  # exact, as in Solr
        ('tags:"Stadtgrün"', {"baumkataster", "spielplaetze"}),
        ("res_format:CSV AND NOT tags:Kinder", {"baumkataster"}),
        ("res_format:CSV OR res_format:XLSX", ALL),
        ("+res_format:CSV -tags:Kinder", {"baumkataster"}),
        ("-tags:Kinder", {"baumkataster", "haushalt"}),
        ("NOT tags:Kinder", {"baumkataster", "haushalt"}),
        ("title:haush*", {"haushalt"}),
        ("name:test-b*", {"baumkataster"}),
        ("title:Baumkatastr~", {"baumkataster"}),
        ("groups:envi", {"baumkataster"}),
        ("organization:musterstadt", ALL),
        ("license_id:cc\\-by\\-4.0", {"haushalt"}),
        ("extras_stichtag:[2025-01-01 TO 2025-12-31]", {"spielplaetze"}),
        ("stichtag:[2025-01-01 TO *]", {"spielplaetze", "haushalt"}),
        ("stichtag:[* TO 2025-06-30]", {"spielplaetze", "baumkataster"}),
        ("stichtag:[* TO 2025-06-30}", {"baumkataster"}),
        ("anzahl:[100 TO 1000]", {"spielplaetze"}),  # as numbers, not as text
        ("metadata_modified:[NOW-1DAY TO NOW]", ALL),
        ("metadata_modified:[* TO NOW-1DAY]", set()),
        ("metadata_created:[2020-01-01T00:00:00Z TO NOW/DAY+1DAY]", ALL),
        ("title:Spielplätze^4 OR tags:Finanzen", {"spielplaetze", "haushalt"}),
    ],
)
def test_query(datasets, q, expected):
    assert set(datasets(q)) == expected


def test_filter_and_query_together(datasets):
    assert datasets("bäume", fq="tags:Kinder") == ["spielplaetze"]
    assert datasets("*:*", fq="+res_format:CSV +tags:Kinder") == ["spielplaetze"]
    assert datasets("*:*", fq_list=["res_format:CSV", "-tags:Kinder"]) == ["baumkataster"]


def test_words_in_the_title_come_first(datasets):
    assert datasets("baum")[0] == "baumkataster"
    assert datasets("tags:Finanzen OR title:Spielplätze^9")[0] == "spielplaetze"


def test_sort_and_pages(datasets):
    assert datasets(sort="title_string asc") == ["baumkataster", "haushalt", "spielplaetze"]
    assert datasets(sort="title_string desc") == ["spielplaetze", "haushalt", "baumkataster"]
    assert datasets(sort="anzahl asc") == ["haushalt", "spielplaetze", "baumkataster"]
    assert datasets(sort="license_id asc, title_string desc")[0] == "haushalt"
    assert datasets(sort="title_string asc", rows=1, start=1) == ["haushalt"]
    assert datasets(rows=0) == []


def test_facets(action, datasets):
    found = action(
        "package_search", q="*:*", **{"facet.field": ["tags", "res_format", "groups"], "facet.limit": 2}
    )
    assert found["count"] == 3
    assert found["facets"]["tags"] == {"Stadtgrün": 2, "Bäume": 1}
    assert found["facets"]["res_format"] == {"CSV": 2, "GeoJSON": 1}
    assert found["search_facets"]["groups"]["items"][0]["count"] == 1
    few = action("package_search", q="tags:Kinder", **{"facet.field": ["tags"], "facet.limit": -1})
    assert few["facets"]["tags"] == {"Kinder": 1, "Stadtgrün": 1}


@pytest.mark.parametrize(
    "q",
    ["Was? (und wo", '"offen', "foo:[", "a AND", "))((", "/re.*/", "title:/re/", "~", "^", "tags:", "[1 TO 2]",
     "metadata_modified:[NOW-1QUATSCH TO NOW]", "{!frange l=1}x", "_query_:x", "\\", "*?*", "a && b || c", "\x00"],
)  # fmt: skip
def test_unsupported_syntax_is_no_server_error(application, datasets, q):
    client = application._wsgi_app.test_client()
    page = client.get("/dataset/", query_string={"q": q})
    assert page.status_code in (200, 400), page.status_code
    answer = client.get("/api/3/action/package_search", query_string={"q": q})
    assert answer.status_code in (200, 400, 409), answer.status_code


def test_wrong_sort_is_the_users_mistake(application, datasets):
    client = application._wsgi_app.test_client()
    answer = client.get("/api/3/action/package_search", query_string={"sort": "title sideways"})
    assert answer.status_code == 400


def test_update_and_deletion_reach_the_index(action, datasets):
    created = action("package_create", name="test-kurz", title="Kurzlebig", owner_org="musterstadt")
    assert datasets("Kurzlebig") == ["kurz"]
    action("package_patch", id=created["id"], title="Umbenannt")
    assert datasets("Kurzlebig") == [] and datasets("Umbenannt") == ["kurz"]
    action("package_patch", id=created["id"], private=True)
    assert datasets("Umbenannt") == [] and datasets("Umbenannt", include_private=True) == ["kurz"]
    action("package_delete", id=created["id"])
    assert datasets("Umbenannt", include_private=True) == []
    action("dataset_purge", id=created["id"])


def test_index_repairs_itself(action, datasets):
    from ckan.lib import search

    from opendata_portal.content import repair_index

    search.clear_all()
    assert datasets() == []
    repair_index()
    assert ALL <= set(datasets())


def test_many_writers_at_once(tmp_path, monkeypatch):
    from opendata_portal.index import SqliteSolr

    monkeypatch.setattr(SqliteSolr, "path", tmp_path / "index.sqlite")

    def write(part: int) -> None:
        for i in range(20):
            SqliteSolr().add([{"index_id": f"{part}-{i}", "title": f"Nummer {i}"}])

    threads = [threading.Thread(target=write, args=(part,)) for part in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert SqliteSolr().search("*:*").hits == 80
    assert SqliteSolr().search("title:7").hits == 4


def test_damaged_index_is_a_search_error(tmp_path, monkeypatch):
    import pysolr

    from opendata_portal.index import SqliteSolr

    broken = tmp_path / "index.sqlite"
    broken.write_bytes(b"no database" * 500)
    monkeypatch.setattr(SqliteSolr, "path", broken)
    with pytest.raises(pysolr.SolrError):
        SqliteSolr().search("*:*")
