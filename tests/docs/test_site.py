"""The documentation as a site: built by one command, whole, and read without a network."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from doc_pages import PAGES, ROOT

import agentlab

_LINK = re.compile(r'(?:href|src)="([^"]+)"')


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site") / "docs"
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "docs.py", out],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"the documentation is in {out / 'index.html'}\n"
    return out


def test_every_page_is_there_and_every_link_inside_leads_to_one(site: Path):
    assert len(list(site.glob("*.html"))) == len(PAGES) + 1  # and the changelog
    lost = [
        (page.name, link)
        for page in site.glob("*.html")
        for link in _LINK.findall(page.read_text("utf-8"))
        if not re.match(r"[a-z]+:|#", link) and not (page.parent / link.partition("#")[0]).exists()
    ]
    assert lost == []


def test_nothing_is_loaded_from_elsewhere(site: Path):
    for page in site.rglob("*.html"):
        loaded = re.findall(
            r'<(?:script|img|link)[^>]+(?:src|href)="(https?:[^"]+)"', page.read_text("utf-8")
        )
        assert loaded == [], page


@pytest.mark.parametrize(
    ("page", "holds"),
    [
        ("agentlab.html", ["Agent", "Policy", "Pending", "connect", "live"]),
        ("agentlab/events.html", ["ToolFinished"]),
        ("agentlab/backends/scripted.html", ["Scripted"]),
    ],
)
def test_the_reference_holds_what_a_program_imports(site: Path, page: str, holds: list[str]):
    text = (site / "reference" / page).read_text("utf-8")
    for name in holds:
        assert f'id="{name}"' in text, name
    if page == "agentlab.html":
        assert "Start a run: iterate it for events, or await it for the result." in text


def test_every_public_name_is_in_the_reference_with_words(site: Path):
    text = (site / "reference" / "agentlab.html").read_text("utf-8")
    for name in agentlab.__all__:
        assert f'id="{name}"' in text, name
        assert (getattr(agentlab, name).__doc__ or "").strip(), name


def test_the_build_leaves_the_site_where_it_is_said():
    build = (ROOT / ".ci" / "run").read_text("utf-8")
    assert "tar -czf build/docs.tar.gz -C build docs" in build
    assert "`build/docs.tar.gz`" in (ROOT / "CONTRIBUTING.md").read_text("utf-8")
