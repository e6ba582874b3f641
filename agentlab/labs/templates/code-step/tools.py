"""What programs run on in this lab: a sandbox, opened anew for every run."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from agentlab.labs import Equipment
from agentlab_tools.execute import Sandbox
from agentlab_tools.execute.tools import run_python

__all__ = ["run_python", "sandbox"]


@asynccontextmanager
async def sandbox() -> AsyncGenerator[Equipment]:
    """An empty sandbox; how strong it is stands in the trace. `packages=("numpy",)` adds some."""
    async with Sandbox.open(packages=(), spare=False) as opened:
        info = opened.describe()
        yield Equipment(deps=opened, labels={"sandbox": f"{info.level} ({info.backend})"})
