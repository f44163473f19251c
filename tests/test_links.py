"""Links between the project's own files lead somewhere; lychee checks fragments too."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import notebook_rules as rules
import pytest
from places import ROOT, notebook_id, notebooks

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)|(?:href|src)=\"([^\"]+)\"")


def dead_links(folder: Path, text: str) -> list[str]:
    """Return the relative links of a text that lead nowhere, seen from `folder`."""
    found = [next(x for x in groups if x) for groups in LINK.findall(text)]
    local = [x.partition("#")[0] for x in found if not re.match(r"(?:[a-z]+:|//|#)", x)]
    return sorted({x for x in local if x and not (folder / x).exists()})


@pytest.mark.parametrize("path", notebooks("*.ipynb"), ids=notebook_id)
def test_notebook_links(path):
    text = "\n".join(source for _, source in rules.texts(rules.read(path)))
    assert dead_links(path.parent, text) == []


def test_a_dead_link_is_found(tmp_path):
    assert dead_links(tmp_path, "Siehe [Glossar](glossar.md), ![Bild von etwas](bilder/x.png) und [Amt](https://example.org).") == ["bilder/x.png", "glossar.md"]


def _lychee(*files) -> subprocess.CompletedProcess:
    command = shutil.which("lychee", path=str(Path(sys.executable).parent)) or shutil.which("lychee")
    assert command, "lychee is part of the test environment"
    return subprocess.run([command, "--offline", "--include-fragments", "--no-progress", *map(str, files)], capture_output=True, text=True)


def test_markdown_links_and_fragments():
    files = [p for p in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "datasets").glob("*.md"), *(ROOT / "portal").glob("*.md")]]
    assert files
    result = _lychee(*files)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-2000:]


def test_a_dead_fragment_is_found(tmp_path):
    (tmp_path / "a.md").write_text("# Titel\n\n[hier](#gibt-es-nicht)\n", encoding="utf-8")
    assert _lychee(tmp_path / "a.md").returncode != 0
