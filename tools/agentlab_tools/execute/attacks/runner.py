"""Run attacks in a sandbox, where they must fail."""

from __future__ import annotations

import asyncio
import os
import resource
import textwrap
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from agentlab_tools.execute.attacks.model import LIMITS, Attack, Evidence, Target
from agentlab_tools.execute.attacks.prelude import prepared
from agentlab_tools.execute.attacks.targets import Range, survivors
from agentlab_tools.execute.files import WorkspaceError
from agentlab_tools.execute.sandbox import Sandbox, open_source
from agentlab_tools.execute.source import LETS_HOSTS_THROUGH, Source
from agentlab_tools.execute.values import MB


@dataclass(frozen=True)
class Verdict:
    """What came of one attack."""

    attack: Attack
    succeeded: bool
    evidence: Evidence


async def run(
    attacks: Sequence[Attack], backend: str = "auto", python: Path | None = None
) -> AsyncGenerator[Verdict]:
    """Each attack against a sandbox of this machine; its verdict as soon as there is one.

    Raises:
        SandboxUnavailable: there is no sandbox to attack.
    """
    async with Range() as range_, AsyncExitStack() as stack:

        async def opened(hosts: tuple[str, ...]) -> Source:
            return await stack.enter_async_context(
                open_source(backend=backend, limits=LIMITS, python=python, allow_hosts=hosts)
            )

        sources: dict[tuple[str, ...], Source] = {(): await opened(())}
        for attack in attacks:
            if sources[()].backend.level not in attack.levels:
                continue
            if attack.hosts and sources[()].backend.name not in LETS_HOSTS_THROUGH:
                continue
            if attack.hosts not in sources:
                sources[attack.hosts] = await opened(attack.hosts)
            target = range_.reset()
            began = time.perf_counter()
            # a sandbox for each, so that none is held by what another one left running
            async with Sandbox.open(source=sources[attack.hosts]) as sandbox:
                evidence = await _attack(sandbox, attack, target)
            evidence = replace(
                evidence,
                changed=range_.changed(),
                survivors=survivors(target.token) - 1,
                seconds=time.perf_counter() - began,
            )
            yield Verdict(attack, attack.succeeded(evidence), evidence)


async def _attack(sandbox: Sandbox, attack: Attack, target: Target) -> Evidence:
    await sandbox.run_python(prepared(target))
    before, peak = _descriptors(), _peak()
    stalls = [0.0]
    pulse = asyncio.create_task(_feel(stalls))
    result = await sandbox.run_python(textwrap.dedent(attack.code).strip("\n"))
    pulse.cancel()
    opened, grown = _descriptors() - before, _peak() - peak
    fetched: bytes | None = None
    if attack.fetch is not None:
        for _ in range(attack.fetches):
            with suppress(WorkspaceError):
                fetched = await sandbox.read_file(attack.fetch, limit=16 * MB)
                if target.text.encode() in fetched:
                    break
    works = False
    for _ in range(3):
        await asyncio.sleep(0)
        after = await sandbox.run_python("print('alive'); 6 * 7", timeout=3)
        # what an earlier cell left running may print in between, and fill what can be kept
        if after.value == "42" and ("alive" in after.stdout or after.stdout_truncated):
            works = True
            break
    await sandbox.list_files()
    return Evidence(result, fetched, works=works, opened=opened, stalled=stalls[0], grown=grown)


async def _feel(stalls: list[float]) -> None:
    """Note how much this process worked between two beats of its event loop, at most.

    A loop that only waits for its turn on a busy machine does not work meanwhile.
    """
    last = time.process_time()
    while True:
        await asyncio.sleep(0.01)
        now = time.process_time()
        stalls[0] = max(stalls[0], now - last)
        last = now


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208
