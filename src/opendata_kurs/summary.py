"""„Open Data kurz und knapp“: one A4 page per chapter, made from the lessons' key points."""

from __future__ import annotations

import re
import subprocess
from html import escape
from pathlib import Path

from .paths import course_dir, docs_dir

_PAGE = """<!DOCTYPE html>
<html lang="de">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Open Data kurz und knapp: {title}</title>
<style>
@page {{ size: A4; margin: 12mm 15mm; }}
body {{ font: 10pt/1.36 "DejaVu Sans", Arial, sans-serif; color: #1b1b1b; background: #fff; max-width: 50rem; margin: 0 auto; padding: 0 1rem; overflow-wrap: anywhere; }}
h1 {{ font-size: 18pt; margin: .4em 0 .1em; }}
h2 {{ font-size: 11.5pt; margin: .75em 0 .2em; border-bottom: 1px solid #767676; }}
ul {{ margin: .2em 0 .4em; padding-left: 1.2em; }}
li {{ margin: .15em 0; }}
footer {{ margin-top: 1em; font-size: 9pt; color: #4a4a4a; }}
@media print {{ body {{ padding: 0; max-width: none; }} }}
</style>
</head>
<body>
<main>
<h1>Open Data kurz und knapp</h1>
<p>Kapitel {number}: {title}</p>
{sections}
</main>
<footer>Aus dem Open-Data-Kurs, Stand {stand}. Lernangebot, kein Rechtsrat. Text: CC BY 4.0.</footer>
</body>
</html>
"""


class SummaryError(RuntimeError):
    """A summary cannot be made; the message is German."""


def chapters() -> list[Path]:
    """Return the chapters that have lessons."""
    return [p for p in sorted(course_dir().iterdir()) if p.is_dir() and any(p.glob("lektion_*.ipynb"))]


def _inline(text: str) -> str:
    text = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", text)
    text = escape(text, quote=False)
    text = re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", text)
    text = re.sub(r"(?<!\*)\*([^*]+)\*(?!\*)", r"<em>\1</em>", text)
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", text)


def key_points(lesson: Path) -> list[str]:
    """Return the points under „Das Wichtigste“ of a lesson."""
    import nbformat

    for cell in nbformat.read(lesson, as_version=4).cells:
        if cell.cell_type == "markdown" and cell.source.startswith("## Das Wichtigste"):
            return re.findall(r"^- (.+)$", cell.source, flags=re.M)
    return []


def render(chapter: Path) -> str:
    """Return the page of a chapter as HTML."""
    import yaml

    info = yaml.safe_load((chapter / "kapitel.yml").read_text(encoding="utf-8"))
    sections = "\n".join(
        f"<h2>{escape(lesson['titel'])}</h2>\n<ul>\n"
        + "\n".join(f"<li>{_inline(point)}</li>" for point in key_points(chapter / lesson["datei"]))
        + "\n</ul>"
        for lesson in info["lektionen"]
    )
    return _PAGE.format(title=escape(info["titel"]), number=int(chapter.name[:2]), sections=sections, stand="November 2026")


def target(chapter: Path) -> Path:
    """Return where a chapter's page lies."""
    return docs_dir() / "kurz_und_knapp" / f"kapitel_{chapter.name[:2]}.html"


def stale() -> list[str]:
    """Return the names of pages that differ from what the lessons say now."""
    return [
        target(c).name for c in chapters()
        if not target(c).exists() or target(c).read_text(encoding="utf-8") != render(c)
    ]


def write() -> list[Path]:
    """Write all pages and return them."""
    pages = []
    for chapter in chapters():
        page = target(chapter)
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(render(chapter), encoding="utf-8")
        pages.append(page)
    return pages


def to_pdf(page: Path, folder: Path, chromium: str) -> Path:
    """Print a page to PDF with Chromium and return the file; raises SummaryError when Chromium fails."""
    folder.mkdir(parents=True, exist_ok=True)
    pdf = folder / page.with_suffix(".pdf").name
    command = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
               "--disable-sync", "--no-pdf-header-footer", f"--print-to-pdf={pdf}", page.resolve().as_uri()]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if result.returncode or not pdf.exists():
        raise SummaryError(f"Chromium konnte {pdf.name} nicht schreiben. Die HTML-Datei lässt sich im Browser drucken.")
    return pdf
