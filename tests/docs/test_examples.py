"""What the pages show runs, and prints what they say."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import os
import re
import shlex
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import click
import pytest
from doc_pages import PAGES, ROOT, Block, blocks

from agentlab.cli.main import Commands

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


def is_module(name: str) -> bool:
    """Which its package need not have imported."""
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


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
                there = hasattr(module, name.name) or is_module(f"{node.module}.{name.name}")
                assert there, f"{node.module} has no {name.name}"


_LINK = re.compile(r"\]\(([^)#\s]+)(?:#([^)]*))?\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_links_of_a_page_lead_somewhere(page: Path):
    prose = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.S | re.M)
    links = [found[1] for found in _LINK.finditer(prose) if "://" not in found[1]]
    lost = [link for link in links if not (page.parent / link).exists()]
    assert lost == []
    assert ROOT in page.parents


def _commands(page: Path) -> list[list[str]]:
    """The `agentlab …` lines of a page, in words."""
    lines = [line for block in blocks(page) for line in block.code.splitlines()]
    told = [line for line in lines if line.startswith("agentlab ") and not set("<→") & set(line)]
    return [shlex.split(line.partition("|")[0], comments=True) for line in told]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_commands_of_a_page_are_there_with_their_options(page: Path):
    group = Commands(name="agentlab")
    for words in _commands(page):
        command: click.Command = group
        known = {"--help"}
        for before, word in pairwise(words):
            context = click.Context(command)
            a_value = before.startswith("-")  # of an option of the group's own
            if isinstance(command, click.Group) and not word.startswith("-") and not a_value:
                found = command.get_command(context, word)
                assert found is not None, f"{' '.join(words)}: no command {word}"
                command = found
            elif word.startswith("-") and not word.lstrip("-")[:1].isdigit():
                known |= {name for option in command.params for name in option.opts}
                known |= {name for option in command.params for name in option.secondary_opts}
                assert word.partition("=")[0] in known, f"{' '.join(words)}: no option {word}"
