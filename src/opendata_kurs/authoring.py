"""For authors: finish a lesson, so that it can be committed."""

from __future__ import annotations

from pathlib import Path

import nbformat

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


class AuthoringError(ValueError):
    """A notebook cannot be finished; the message is a German sentence."""


def finish(path: Path, timeout: int = 180) -> nbformat.NotebookNode:
    """Run a lesson top to bottom, keep its outputs, strip what differs from run to run; clear an exercise's outputs.

    A cell's alternative text (metadata `opendata_kurs.alt`) is copied to its PNG outputs. Widget views are removed:
    they point into a kernel that is gone, and JupyterLab would show an error instead of the static version.
    Raises AuthoringError when a cell fails that is not tagged `raises-exception`.
    """
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    nb = nbformat.read(path, as_version=4)
    lesson = not path.name.startswith("uebung_")
    if lesson:
        try:
            NotebookClient(nb, timeout=timeout, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}}).execute()
        except CellExecutionError as error:
            raise AuthoringError(f"{path.name}: Eine Zelle scheitert ({error.ename}: {error.evalue}).") from None
    for cell in nb.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type != "code":
            continue
        if not lesson:
            cell.outputs, cell.execution_count = [], None
        alt = cell.metadata.get("opendata_kurs", {}).get("alt")
        for output in cell.outputs:
            output.get("data", {}).pop(WIDGET_VIEW, None)
            if alt and "image/png" in output.get("data", {}):
                output.setdefault("metadata", {})["image/png"] = {"alt": alt}
    nb.metadata.pop("widgets", None)
    nb.metadata["language_info"] = {"name": "python"}
    path.write_text(nbformat.writes(nb) + "\n", encoding="utf-8")
    return nb
