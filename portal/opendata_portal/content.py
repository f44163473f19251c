"""What a new portal holds: tables, the organisation, groups for the themes, one account with its token."""

from __future__ import annotations

from typing import Any

from opendata_portal.folder import Folder
from opendata_portal.settings import ORGANISATION, USER

# The data themes of the EU's vocabulary, in lower case as CKAN wants names.
THEMES = {
    "agri": "Landwirtschaft, Fischerei, Forstwirtschaft und Nahrungsmittel",
    "econ": "Wirtschaft und Finanzen",
    "educ": "Bildung, Kultur und Sport",
    "ener": "Energie",
    "envi": "Umwelt",
    "gove": "Regierung und öffentlicher Sektor",
    "heal": "Gesundheit",
    "intr": "Internationale Themen",
    "just": "Justiz, Rechtssystem und öffentliche Sicherheit",
    "regi": "Regionen und Städte",
    "soci": "Bevölkerung und Gesellschaft",
    "tech": "Wissenschaft und Technologie",
    "tran": "Verkehr",
}


def create_tables() -> None:
    """Create CKAN's tables from its model, which is faster than running all migrations one by one."""
    from ckan import model
    from ckan.cli.db import _get_pending_plugins, _repo_for_plugin

    model.repo.create_db()
    model.repo.stamp_alembic_head()
    for plugin in sorted(_get_pending_plugins()):
        with _repo_for_plugin(plugin) as repo:
            repo.stamp_alembic_head()


def create_content(folder: Folder) -> str:
    """Create account, organisation and groups; return the account's API token."""
    from ckan.plugins import toolkit

    site_user = toolkit.get_action("get_site_user")({"ignore_auth": True}, {})["name"]

    def act(action: str, /, **values: Any) -> dict[str, Any]:
        return toolkit.get_action(action)({"user": site_user, "ignore_auth": True}, values)

    act(
        "user_create",
        name=USER,
        fullname="Fachamt Musterstadt",
        email="fachamt@musterstadt.example",
        password=folder.secrets()["kennwort"],
    )
    act(
        "organization_create",
        name=ORGANISATION,
        title="Musterstadt",
        description="Die erfundene Stadt des Open-Data-Kurses. Hier veröffentlichen Sie Ihre Daten.",
        users=[{"name": USER, "capacity": "editor"}],
    )
    for name, title in THEMES.items():
        # Members of a group may put datasets into it, and no more.
        act("group_create", name=name, title=title, users=[{"name": USER, "capacity": "member"}])
    return act("api_token_create", user=USER, name="Notebook")["token"]


def repair_index() -> None:
    """Build the search index anew when it does not fit the database, as after a crash."""
    from ckan import model
    from ckan.lib import search

    active = model.Session.query(model.Package.id, model.Package.metadata_modified).filter_by(state="active")
    wanted = {id: modified.isoformat(timespec="seconds") for id, modified in active}
    indexed = {
        document["id"]: document["metadata_modified"][:19]
        for document in search.make_connection(decode_dates=False).search("*:*", rows=1_000_000)
    }
    if wanted != indexed:
        search.rebuild(clear=True, force=True, quiet=True)
