"""One A4 page per chapter: current, complete, one page when printed."""

import shutil
import subprocess

import pytest

from opendata_kurs import summary
from opendata_kurs.cli.test import find_chromium


def test_pages_are_current():
    assert summary.stale() == [], "run: ./kurs kurz"


def test_a_stale_page_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(summary, "docs_dir", lambda: tmp_path)
    assert len(summary.stale()) == len(summary.chapters())
    summary.write()
    assert summary.stale() == []
    page = summary.target(summary.chapters()[0])
    page.write_text(page.read_text(encoding="utf-8") + "x", encoding="utf-8")
    assert summary.stale() == [page.name]


@pytest.mark.parametrize("chapter", summary.chapters(), ids=lambda p: p.name)
def test_every_lesson_gives_its_points(chapter):
    html = summary.render(chapter)
    for lesson in chapter.glob("lektion_*.ipynb"):
        points = summary.key_points(lesson)
        assert 2 <= len(points) <= 6, lesson.name
    assert html.count("<h2>") == len(list(chapter.glob("lektion_*.ipynb"))) and 'lang="de"' in html


@pytest.mark.browser
@pytest.mark.skipif(not (find_chromium() and shutil.which("pdfinfo")), reason="needs Chromium and pdfinfo")
@pytest.mark.parametrize("chapter", summary.chapters(), ids=lambda p: p.name)
def test_prints_on_one_page(chapter, tmp_path):
    pdf = summary.to_pdf(summary.target(chapter), tmp_path, find_chromium())
    info = subprocess.run(["pdfinfo", str(pdf)], capture_output=True, text=True).stdout
    assert "Pages:           1\n" in info and "A4" in info
