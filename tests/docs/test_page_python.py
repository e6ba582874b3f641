"""The Python of the pages that show parts of programs: run block after block, in one namespace.

Whole programs, with what they print under them, are run by `test_examples.py`.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from doc_pages import PAGES, blocks
from page_code import run
from python_worlds import NOT_RUN, WORLDS

_PARTS = {
    page: [block for block in blocks(page) if block.language == "python" and block.prints is None]
    for page in PAGES
}


@pytest.mark.parametrize(
    "page",
    [p for p, parts in _PARTS.items() if parts and p.stem not in NOT_RUN],
    ids=lambda p: p.stem,
)
async def test_the_python_of_a_page_runs(
    page: Path, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AGENTLAB_HOME", str(tmp_path / "home"))
    async with WORLDS[page.stem](tmp_path, monkeypatch, request) as names:
        for block in _PARTS[page]:
            await run(block, names)


def test_a_page_that_is_not_run_has_parts_and_a_reason():
    stems = {page.stem for page, parts in _PARTS.items() if parts}
    assert stems == {*WORLDS, *NOT_RUN}
    assert [lost for other in NOT_RUN.values() for lost in other.lost()] == []
