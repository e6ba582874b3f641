"""What the pages show runs, and prints what they say."""

from __future__ import annotations

import ast
import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from doc_pages import PAGES, ROOT, Block, blocks

PYTHON = [block for page in PAGES for block in blocks(page) if block.language == "python"]
WHOLE = [block for block in PYTHON if block.prints is not None]
"""Programs: what they print stands under them."""


def test_the_readme_and_the_guide_are_made_of_programs():
    names = [block.page.name for block in PYTHON if block not in WHOLE]
    assert "README.md" not in names
    assert "guide.md" not in names
    assert len(WHOLE) >= 12


@pytest.mark.parametrize("block", WHOLE, ids=str)
def test_a_program_prints_what_the_page_says(block: Block, tmp_path: Path):
    program = tmp_path / "example.py"
    program.write_text(block.code, encoding="utf-8")
    env = {**os.environ, "AGENTLAB_HOME": str(tmp_path), "PYTHONWARNINGS": "error::RuntimeWarning"}
    done = subprocess.run(
        [sys.executable, program],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert (done.stdout, done.stderr, done.returncode) == (block.prints, "", 0)


@pytest.mark.parametrize("block", PYTHON, ids=str)
def test_what_a_page_imports_is_there(block: Block):
    tree = compile(
        block.code,
        str(block),
        "exec",
        ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT,
    )
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            module = importlib.import_module(node.module)
            for name in node.names:
                assert hasattr(module, name.name), f"{node.module} has no {name.name}"


_LINK = re.compile(r"\]\(([^)#\s]+)(?:#([^)]*))?\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_links_of_a_page_lead_somewhere(page: Path):
    prose = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.S | re.M)
    links = [found[1] for found in _LINK.finditer(prose) if "://" not in found[1]]
    lost = [link for link in links if not (page.parent / link).exists()]
    assert lost == []
    assert ROOT in page.parents
