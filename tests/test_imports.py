"""The core is light: importing it brings in no SDK, no model runtime and no screen."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import agentlab

HEAVY = (
    "rich", "click", "openai", "anthropic", "httpx", "llama_cpp", "duckdb", "textual", "numpy",
    "jinja2", "llguidance",
)  # fmt: skip


def loaded_by(code: str) -> set[str]:
    """The packages in memory after this code, in a fresh interpreter."""
    script = f"{code}\nimport sys; print(' '.join({{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120
    )
    return set(done.stdout.split())


def test_importing_the_package_loads_not_even_pydantic():
    assert loaded_by("import agentlab").isdisjoint({*HEAVY, "pydantic", "asyncio"})


@pytest.mark.parametrize(
    "code",
    [
        "from agentlab import *",
        "import agentlab.agent, agentlab.trace.writing, agentlab.backends.scripted",
        "from agentlab import connect\ntry: connect('nobody:x')\nexcept Exception: pass",
    ],
)
def test_everything_public_loads_nothing_heavy(code):
    assert loaded_by(code).isdisjoint(HEAVY)


def test_every_public_name_is_there():
    for name in agentlab.__all__:
        assert getattr(agentlab, name).__module__.startswith("agentlab.")
    assert dir(agentlab) == agentlab.__all__
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = agentlab.nothing


def test_names_their_homes_and_what_type_checkers_see_agree():
    assert sorted(agentlab._HOMES) == agentlab.__all__
    tree = ast.parse(Path(agentlab.__file__).read_text())
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.name: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == {name: f"agentlab.{home}" for name, home in agentlab._HOMES.items()}
