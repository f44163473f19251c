"""The CKAN plugin of the course's portal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ckan.plugins as plugins
from ckan.plugins import toolkit

from opendata_portal.labels import portal_extras


@toolkit.chained_action
def datastore_create(
    next_action: Callable[..., Any], context: Any, data_dict: dict[str, Any]
) -> dict[str, Any]:
    """Show every table that enters the datastore as a table at once.

    CKAN leaves this to its background importers, which the course's portal does not run.
    """
    result = next_action(context, data_dict)
    resource = toolkit.get_action("resource_show")({"user": context["user"]}, {"id": result["resource_id"]})
    toolkit.get_action("resource_create_default_resource_views")(
        {"user": context["user"]}, {"resource": resource, "create_datastore_views": True}
    )
    return result


class OpenDataPortalPlugin(plugins.SingletonPlugin):
    """Adds the table preview and German pages; search and profile are set up in `embed` and `settings`."""

    plugins.implements(plugins.IActions)
    plugins.implements(plugins.IConfigurer)
    plugins.implements(plugins.ITemplateHelpers)

    def get_actions(self) -> dict[str, Callable[..., Any]]:
        """Return the actions this plugin changes."""
        return {"datastore_create": datastore_create}

    def update_config(self, config: Any) -> None:
        """Put this package's templates before CKAN's."""
        toolkit.add_template_directory(config, "templates")

    def get_helpers(self) -> dict[str, Callable[..., Any]]:
        """Return what the templates call."""
        return {"portal_extras": portal_extras}
