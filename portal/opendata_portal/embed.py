"""Puts small stand-ins in the place of Solr and Redis, inside the CKAN process.

Must run before the rest of CKAN is imported; `serve` and the tests do so.
"""

from __future__ import annotations

from pathlib import Path

from opendata_portal.index import SqliteSolr


def install(index_file: Path) -> None:
    """Let CKAN search in the SQLite file `index_file` and keep its queue in memory."""
    import fakeredis
    import pylibmagic  # noqa: F401  (makes libmagic findable before python-magic looks for it)
    import pysolr

    SqliteSolr.path = index_file
    pysolr.Solr = SqliteSolr

    import ckan.lib.redis

    server = fakeredis.FakeServer()
    ckan.lib.redis.connect_to_redis = lambda: fakeredis.FakeRedis(server=server)

    import ckan.lib.search

    # It asks Solr over HTTP for its schema; there is none to ask.
    ckan.lib.search.check_solr_schema_version = lambda schema_file=None: True
