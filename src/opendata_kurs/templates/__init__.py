"""Lessons as web pages: German, accessible, nothing loaded from elsewhere."""

from __future__ import annotations

import re
from pathlib import Path

_HERE = Path(__file__).parent


def lesson_html(notebook: Path | str) -> str:
    """Return the notebook at this path, with its kept outputs, as one self-contained HTML page."""
    import nbformat

    from .pages import PageExporter

    notebook = Path(notebook)
    nb = nbformat.read(notebook, as_version=4)
    text = next((cell.source for cell in nb.cells if cell.cell_type == "markdown"), "")
    heading = re.search(r"^# +(.+)$", text, re.MULTILINE)
    nb.metadata["title"] = f"{heading[1].strip() if heading else notebook.stem} – Open-Data-Kurs"
    # Widgets need scripts from elsewhere; the template shows their text instead.
    nb.metadata.pop("widgets", None)
    exporter = PageExporter(template_name="lektion", extra_template_basedirs=[str(_HERE)], language_code="de",
                            embed_images=True, anchor_link_text="")
    page, _ = exporter.from_notebook_node(nb, resources={"metadata": {"path": str(notebook.parent)}})
    return page
