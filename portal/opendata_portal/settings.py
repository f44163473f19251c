"""CKAN's configuration for the course."""

from __future__ import annotations

import os
import sys
from importlib.resources import files
from pathlib import Path

from opendata_portal.folder import Folder
from opendata_portal.postgres import Cluster

ORGANISATION = "musterstadt"
USER = "fachamt"


def build(folder: Folder, url: str) -> dict[str, str]:
    """Return the configuration of the portal in `folder`, reachable at `url`. Nothing is written to disk."""
    cluster = Cluster(folder)
    licences = files(__package__).joinpath("licences.json")
    return {
        "__file__": str(folder.path / "ckan.ini"),
        "here": str(folder.path),
        "SECRET_KEY": folder.secrets()["schluessel"],
        "ckan.site_id": "opendata-kurs",
        "ckan.site_url": url,
        "ckan.site_title": "Open Data Musterstadt",
        "ckan.site_description": "Übungsportal des Open-Data-Kurses. Musterstadt ist erfunden.",
        "ckan.site_intro_text": (
            "# Offene Daten der Musterstadt\n\nDas ist das Übungsportal des Open-Data-Kurses. "
            "Es läuft nur auf Ihrem Rechner. Musterstadt ist erfunden."
        ),
        "ckan.site_about": (
            "# Über dieses Portal\n\nDieses Portal ist ein echtes CKAN. Es gehört zum Open-Data-Kurs und läuft nur auf Ihrem Rechner. "
            "Alles, was Sie hier veröffentlichen, sehen nur Sie."
        ),
        "ckan.locale_default": "de",
        "ckan.locales_offered": "de",
        "ckan.locale_order": "de",
        "ckan.display_timezone": "Europe/Berlin",
        "sqlalchemy.url": cluster.uri("ckan", "ckan"),
        "sqlalchemy.pool_pre_ping": "true",
        "ckan.datastore.write_url": cluster.uri("ckan", "datastore"),
        "ckan.datastore.read_url": cluster.uri("leser", "datastore"),
        "ckan.datastore.default_fts_lang": "german",
        # Never asked: `embed` answers in their place.
        "solr_url": "http://127.0.0.1:9/solr",
        "ckan.redis.url": "redis://127.0.0.1:9/0",
        "ckan.storage_path": str(folder.storage),
        "ckan.webassets.path": str(_assets(folder)),
        "ckan.max_resource_size": "100",
        "ckan.plugins": "opendata_portal datastore dcat text_view datatables_view",
        "ckan.views.default_views": "datatables_view text_view",
        "ckan.preview.json_formats": "json geojson",
        "ckanext.dcat.rdf.profiles": "euro_dcat_ap_3 dcat_ap_de",
        "ckanext.dcat.translate_keys": "false",
        "ckanext.dcat.enable_content_negotiation": "true",
        "licenses_group_url": f"file://{licences}",
        # No page may ask anything of a foreign server.
        "ckan.gravatar_default": "disabled",
        "ckan.tracking_enabled": "false",
        # The course's account publishes for its organisation and may do nothing else.
        "ckan.auth.create_user_via_web": "false",
        "ckan.auth.create_user_via_api": "false",
        "ckan.auth.user_create_organizations": "false",
        "ckan.auth.user_create_groups": "false",
        "ckan.auth.user_delete_organizations": "false",
        "ckan.auth.user_delete_groups": "false",
        "ckan.auth.create_unowned_dataset": "false",
        "ckan.auth.anon_create_dataset": "false",
        "ckan.auth.roles_that_cascade_to_sub_groups": "admin",
    }


def _assets(folder: Folder) -> Path:
    """Prepared style sheets are the same for all portals of one environment."""
    shared = Path(sys.prefix) / "webassets"
    return shared if os.access(sys.prefix, os.W_OK) else folder.storage / "webassets"
