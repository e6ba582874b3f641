"""Code of a model, run with its tests in a sandbox, for the scorer `code`."""

from __future__ import annotations

from agentlab.errors import MissingExtra
from agentlab.evaluate.scorers import RunCode
from agentlab.trace.results import Score


def sandbox_runner() -> RunCode:
    """Runs each answer in a sandbox of its own, and its tests in another.

    Raises:
        MissingExtra: there is no sandbox.
    """
    try:
        from agentlab_tools.execute import Sandbox, open_source
        from agentlab_tools.execute.apart import judged
    except ModuleNotFoundError as error:
        raise MissingExtra("the sandbox", "tools") from error

    async def run(code: str, tests: str) -> Score:
        # Where code runs it can patch whatever judges it: so its tests run in another sandbox
        async with (
            open_source(spare=False) as source,
            Sandbox.open(source=source) as coder,
            Sandbox.open(source=source) as judge,
        ):
            verdict = await judged(code, tests, coder=coder, judge=judge)
        return Score.of(verdict.passed, verdict.reason)

    return run
