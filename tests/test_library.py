"""The demo library keeps the shape that search shows and readers rely on."""

from pathlib import Path

import pytest

LIBRARY = Path(__file__).parent.parent / "tools" / "agentlab_tools" / "library"
ARTICLES = sorted(LIBRARY.glob("*.md"))


def test_the_library_covers_the_course():
    assert len(ARTICLES) >= 32


@pytest.mark.parametrize("path", ARTICLES, ids=lambda path: path.stem)
def test_an_article_is_a_title_a_one_sentence_summary_sections_and_sources(path: Path):
    title, summary, *rest = path.read_text(encoding="utf-8").split("\n\n")
    headings = [line for block in rest for line in block.splitlines() if line.startswith("#")]

    assert title.startswith("# ")
    assert summary.endswith((".", "?"))
    assert summary.count(". ") == 0
    assert "\n" not in summary
    assert all(heading.startswith("## ") for heading in headings)
    assert headings[-1] == "## Sources"
    assert len(headings) >= 3


@pytest.mark.parametrize("path", ARTICLES, ids=lambda path: path.stem)
def test_an_article_can_be_read_in_two_minutes(path: Path):
    text, _, sources = path.read_text(encoding="utf-8").partition("\n## Sources\n")

    assert 250 <= len(text.split()) <= 450
    assert len(sources.splitlines()) >= 1


def test_titles_and_summaries_are_all_different():
    openings = [path.read_text(encoding="utf-8").split("\n\n")[:2] for path in ARTICLES]

    assert len({title for title, _ in openings}) == len(ARTICLES)
    assert len({summary for _, summary in openings}) == len(ARTICLES)
