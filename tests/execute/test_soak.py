"""Many cells in a row: nothing grows, neither here nor inside."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from agentlab_tools.execute import Sandbox, SandboxLimits

CELLS = (
    "x = {n}\nx + 1",
    "print('line', {n})",
    "undefined_{n}",
    "def f{n}(): return 1\ndel f{n}",
    "[i for i in range(50)]",
)


@pytest.mark.parametrize(
    "count", [500, pytest.param(10_000, marks=pytest.mark.slow)], ids=["short", "long"]
)
async def test_descriptors_and_memory_stay_flat(sandbox: Sandbox, count: int) -> None:
    for n in range(200):
        await sandbox.run_python(CELLS[n % len(CELLS)].format(n=n))
    before, inside_before = await _quiet(), await _inside(sandbox)
    for n in range(200, 200 + count):
        result = await sandbox.run_python(CELLS[n % len(CELLS)].format(n=n))
        assert result.state_lost is False
    after, inside_after = await _quiet(), await _inside(sandbox)
    assert after[0] == before[0], "descriptors here"
    assert inside_after[0] == inside_before[0], "descriptors inside"
    assert after[1] - before[1] < 12_000, "KiB of memory here"
    # the sources of 500 cells are kept for tracebacks
    assert inside_after[1] - inside_before[1] < 12_000, "KiB of memory inside"


@pytest.mark.parametrize("count", [10, pytest.param(200, marks=pytest.mark.slow)])
async def test_interpreters_lost_by_the_dozen_leave_nothing(count: int) -> None:
    limits = SandboxLimits(grace=0.2)
    async with Sandbox.open(limits=limits, spare=False) as sandbox:
        await sandbox.run_python("import os; os._exit(1)")
        before, children = (await _quiet())[0], _children()
        for _ in range(count):
            result = await sandbox.run_python("import os; os._exit(1)")
            assert result.state_lost
        assert (await _quiet())[0] == before
        assert _children() <= children


async def _quiet() -> tuple[int, int]:
    """As `_own`, at a moment when the watchdog holds nothing open to measure a disk by."""
    seen = [_own()]
    for _ in range(20):
        await asyncio.sleep(0.01)
        seen.append(_own())
    return min(descriptors for descriptors, _ in seen), seen[-1][1]


def _children() -> int:
    return len(Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split())


def _own() -> tuple[int, int]:
    """Open descriptors, and resident memory in KiB."""
    status = Path("/proc/self/status").read_text()
    resident = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return len(list(Path("/proc/self/fd").iterdir())), int(resident.split()[1])


async def _inside(sandbox: Sandbox) -> tuple[int, int]:
    code = """
import os, resource
def is_open(d):
    try: os.fstat(d); return True
    except OSError: return False
(sum(map(is_open, range(256))), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
    value = (await sandbox.run_python(code)).value or "(0, 0)"
    count, memory = value.strip("()").split(",")
    return int(count), int(memory)
