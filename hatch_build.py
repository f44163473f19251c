"""Puts course and datasets into the wheel; an editable install reads them from the repository."""

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PARTS = ("course", "datasets", "docs", "portal", "nbgrader_config.py")


class CourseFiles(BuildHookInterface):
    """Adds the course's own files under opendata_kurs/_data, but only to a real wheel."""

    def initialize(self, version: str, build_data: dict) -> None:
        """Extend the list of included files."""
        if version == "standard":
            build_data["force_include"].update({part: f"opendata_kurs/_data/{part}" for part in PARTS})
