"""Code of a model, run with its tests in a sandbox, for the scorer `code`.

The sandbox is a part of the tools, which this package does not import by itself: it is looked for
only when code is to be run.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from agentlab.errors import MissingExtra
from agentlab.evaluate.scorers import RunCode
from agentlab.results import Score


def sandbox_runner() -> RunCode:
    """Runs each answer in a sandbox of its own, and its tests in another.

    Raises:
        MissingExtra: there is no sandbox.
    """
    try:
        execute: Any = import_module("agentlab_tools.execute")
        apart: Any = import_module("agentlab_tools.execute.apart")
    except ModuleNotFoundError as error:
        raise MissingExtra("the sandbox", "tools") from error

    async def run(code: str, tests: str) -> Score:
        # Where code runs it can patch whatever judges it: so its tests run in another sandbox
        async with (
            execute.open_source(spare=False) as source,
            execute.Sandbox.open(source=source) as coder,
            execute.Sandbox.open(source=source) as judge,
        ):
            found = await apart.judged(code, tests, coder=coder, judge=judge)
        return Score.of(found.passed, found.reason)

    return run
