"""Code of a model, run with its tests in a sandbox, for the scorer `code`.

The sandbox is a part of the tools, which this package does not import by itself: it is looked for
only when code is to be run.
"""

from __future__ import annotations

import secrets
from importlib import import_module
from typing import Any

from agentlab.errors import MissingExtra
from agentlab.evaluate.scorers import RunCode
from agentlab.trace.results import Score


def sandbox_runner() -> RunCode:
    """Runs each answer in a sandbox of its own.

    Raises:
        MissingExtra: there is no sandbox.
    """
    try:
        sandbox: Any = import_module("agentlab_tools.execute").Sandbox
    except ModuleNotFoundError as error:
        raise MissingExtra("the sandbox", "tools") from error

    async def run(code: str, tests: str) -> Score:
        async with sandbox.open(spare=False) as opened:
            first = await opened.run_python(code)
            if first.outcome != "ok":
                return Score.of(False, f"the code fails: {_last_line(first)}")
            # What the code can't know before it has run, it can't pretend to have come to
            token = secrets.token_hex(8)
            second = await opened.run_python(f"{tests}\n{token!r}")
        if second.outcome != "ok":
            return Score.of(False, f"a test fails: {_last_line(second)}")
        return Score.of(second.value == repr(token), "all tests ran to their end")

    return run


def _last_line(result: Any) -> str:
    lines = str(result.error or result.outcome).strip().splitlines()
    return lines[-1][:200] if lines else str(result.outcome)
