"""A stand-in for `pysolr.Solr`: the documents lie in one SQLite file, queries run in Python.

Made for a course portal with hundreds of datasets, not for a city's portal with tens of thousands.
"""

from __future__ import annotations

import json
import re
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pysolr

from opendata_portal.query import Document, Query
from opendata_portal.text import fold

_SORT = re.compile(r"(\w+)\s+(asc|desc)$", re.IGNORECASE)
_cache: dict[str, tuple[int, list[Document]]] = {}
_cache_lock = threading.Lock()


class SqliteSolr:
    """Answers the calls that CKAN makes to `pysolr.Solr`: add, delete, commit, search."""

    path: Path | None = None

    def __init__(self, url: str = "", decoder: Any = None, timeout: Any = None, **_: Any) -> None:
        self.url = url
        self.decoder = decoder or json.JSONDecoder()

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        if self.path is None:
            raise pysolr.SolrError("the search index has no file")
        connection = sqlite3.connect(self.path, timeout=30)
        try:
            with connection:
                connection.execute(
                    "create table if not exists documents (id text primary key, body text not null)"
                )
                connection.execute("create table if not exists revision (number integer not null)")
                yield connection
        except sqlite3.DatabaseError as error:
            raise pysolr.SolrError(f"search index: {error}") from error
        finally:
            connection.close()

    @staticmethod
    def _revision(connection: sqlite3.Connection) -> int:
        row = connection.execute("select number from revision").fetchone()
        return row[0] if row else 0

    def _bump(self, connection: sqlite3.Connection) -> None:
        number = self._revision(connection) + 1
        connection.execute("delete from revision")
        connection.execute("insert into revision values (?)", (number,))

    def documents(self) -> list[Document]:
        """Return all documents; they are parsed again only when the file has changed."""
        with self._database() as connection, _cache_lock:
            revision, key = self._revision(connection), str(self.path)
            if key not in _cache or _cache[key][0] != revision:
                rows = connection.execute("select body from documents order by id")
                _cache[key] = (revision, [Document(json.loads(body)) for (body,) in rows])
            return _cache[key][1]

    def add(self, docs: Iterable[dict[str, Any]], **_: Any) -> None:
        """Store documents; one with the same `index_id` is replaced."""
        with self._database() as connection:
            rows = [(doc["index_id"], json.dumps(doc, default=str, ensure_ascii=False)) for doc in docs]
            connection.executemany("insert or replace into documents values (?, ?)", rows)
            self._bump(connection)

    def delete(self, id: str | None = None, q: str | None = None, **_: Any) -> None:
        """Remove the documents with this index id, or those that match the query."""
        query = Query(q, default_and=False)
        gone = [
            (doc.fields["index_id"],)
            for doc in self.documents()
            if (id is not None and doc.fields["index_id"] == id) or (q is not None and query.matches(doc))
        ]
        with self._database() as connection:
            connection.executemany("delete from documents where id = ?", gone)
            self._bump(connection)

    def commit(self, **_: Any) -> None:
        """Do nothing: every change is committed at once."""

    def search(self, q: str = "*:*", **options: Any) -> pysolr.Results:
        """Return the documents that match `q` and all filters, as Solr would answer.

        Raises `pysolr.SolrError` for syntax that is not supported.
        """
        default_and = str(options.get("q.op", "OR")).upper() == "AND"
        query = Query(q, default_and=default_and, dismax="qf" in options)
        filters = [Query(text, default_and=default_and) for text in _listed(options.get("fq"))]
        found = [
            doc
            for doc in self.documents()
            if query.matches(doc) and all(each.matches(doc) for each in filters)
        ]
        found = _sorted(found, query, options.get("sort") or "score desc, metadata_modified desc")
        facets = _facets(found, options) if str(options.get("facet", "false")).lower() == "true" else {}
        start = int(options.get("start") or 0)
        rows = int(options.get("rows", 10))
        answer = {
            "response": {
                "numFound": len(found),
                "start": start,
                "docs": [_selected(doc, query, options.get("fl")) for doc in found[start : start + rows]],
            },
            "facet_counts": {"facet_fields": facets},
        }
        return pysolr.Results(self.decoder.decode(json.dumps(answer)))


def _listed(value: Any) -> list[str]:
    if not value:
        return []
    if isinstance(value, str):
        return json.loads(value) if value.startswith("[") else [value]
    return list(value)


def _selected(doc: Document, query: Query, fields: Any) -> dict[str, Any]:
    names = re.split(r"[ ,]+", fields) if isinstance(fields, str) else list(fields or ["*"])
    if "*" in names:
        chosen = dict(doc.fields)
    else:
        chosen = {name: doc.fields[name] for name in names if name in doc.fields}
    if "score" in names:
        chosen["score"] = query.score(doc)
    return chosen


def _sorted(docs: list[Document], query: Query, order: str) -> list[Document]:
    for part in reversed(order.split(",")):
        match = _SORT.match(part.strip())
        if not match:
            raise pysolr.SolrError(f"Can't determine a Sort Order (asc or desc) in sort spec '{order}'")
        field, reverse = match[1], match[2].lower() == "desc"
        if field == "score":
            docs = sorted(docs, key=query.score, reverse=reverse)
            continue
        # Datasets without the field stand last in both directions, as in Solr.
        filled = [doc for doc in docs if doc.values(field)]
        empty = [doc for doc in docs if not doc.values(field)]
        docs = sorted(filled, key=lambda doc, field=field: _sort_key(doc, field), reverse=reverse) + empty
    return docs


def _sort_key(doc: Document, field: str) -> tuple[int, float, str]:
    value = doc.values(field)[0]
    try:
        return (0, float(value), "")
    except ValueError:
        return (1, 0.0, fold(value))


def _facets(docs: list[Document], options: dict[str, Any]) -> dict[str, list[Any]]:
    limit = int(options.get("facet.limit", 100))
    least = int(options.get("facet.mincount", 0))
    facets: dict[str, list[Any]] = {}
    for field in _listed(options.get("facet.field")):
        counts = Counter(value for doc in docs for value in doc.values(field))
        pairs = sorted((-count, value) for value, count in counts.items() if count >= least and value != "")
        pairs = pairs if limit < 0 else pairs[:limit]
        facets[field] = [part for count, value in pairs for part in (value, -count)]
    return facets
