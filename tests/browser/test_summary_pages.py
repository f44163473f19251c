"""The one-page summaries in a browser: accessible, readable on a phone, nothing loaded from outside."""

import pytest

from opendata_kurs import summary

from .lab import WCAG, axe

TOO_WIDE = "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"


@pytest.fixture
def show(page, only_local, tmp_path):
    def open_page(chapter, change=lambda html: html):
        file = tmp_path / "seite.html"
        file.write_text(change(summary.render(chapter)), encoding="utf-8")
        page.goto(file.as_uri())
        return page

    return open_page


@pytest.mark.parametrize("chapter", summary.chapters(), ids=lambda p: p.name)
def test_summary_page(show, chapter):
    page = show(chapter)
    assert axe(page, None, (*WCAG, "best-practice")) == []
    assert page.locator("li").count() >= 10
    page.set_viewport_size({"width": 360, "height": 740})
    assert not page.evaluate(TOO_WIDE)


def test_faults_are_found(show):
    """Positive control: grey text, a missing language and a wide element are seen."""
    chapter = summary.chapters()[0]
    page = show(chapter, lambda html: html.replace('lang="de"', "").replace("color: #1b1b1b", "color: #aaa"))
    found = " ".join(axe(page))
    assert "color-contrast" in found and "html-has-lang" in found
    page.set_viewport_size({"width": 360, "height": 740})
    page.evaluate("() => { document.querySelector('h1').style.minWidth = '500px' }")
    assert page.evaluate(TOO_WIDE)
