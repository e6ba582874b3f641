"""The attack suite, in every sandbox of this machine; and that its attacks are attacks."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from execute.holds import bubblewrap_command, can_hold, skip_if_it_cannot
from execute.users import as_root, linux, run_as_plain_user

from agentlab_tools.execute import Sandbox, SandboxUnavailable, attacks
from agentlab_tools.execute.attacks import channel, host, kept, limits, processes

GROUPS = {
    "files": host.FILES,
    "network": host.NETWORK,
    "processes": processes.PROCESSES,
    "resources": limits.RESOURCES,
    "kept by the kernel": kept.KEPT,
    "output": limits.OUTPUT,
    "endings": limits.ENDINGS,
    "channel": channel.CHANNEL,
}
LONG = {"resources", "kept by the kernel", "endings", "channel", "output", "files"}
REPO = Path(__file__).resolve().parents[2]

groups = pytest.mark.parametrize(
    "group",
    [pytest.param(name, marks=pytest.mark.slow if name in LONG else ()) for name in GROUPS],
)
pytestmark = linux


@groups
@pytest.mark.parametrize("backend", ["bubblewrap", "landlock"])
async def test_no_attack_escapes(group: str, backend: str) -> None:
    await _needs(backend)
    escaped = [v async for v in attacks.run(GROUPS[group], backend) if v.succeeded]
    assert not escaped, "\n".join(f"{v.attack.name}: {v.evidence}" for v in escaped)


@groups
async def test_each_attack_succeeds_without_a_sandbox(group: str) -> None:
    """The positive control: an attack that fails on an open machine proves nothing."""
    failed: list[str] = []
    async with attacks.Range() as range_:
        for attack in GROUPS[group]:
            if attack.control == "none" or (attack.control == "root" and os.geteuid() != 0):
                continue
            if not await attacks.control(attack, range_):
                failed.append(attack.name)
    assert not failed


@as_root
@pytest.mark.slow
@pytest.mark.parametrize("backend", ["bubblewrap", "landlock"])
def test_no_attack_escapes_from_a_plain_user(backend: str) -> None:
    script = f"""
import asyncio, json
from agentlab_tools.execute import attacks
async def main():
    return [(v.attack.name, v.succeeded) async for v in attacks.run(attacks.ATTACKS, {backend!r})]
print(json.dumps(asyncio.run(main())))
"""
    done = run_as_plain_user(
        [sys.executable, "-c", script], timeout=280, python_path=[REPO, REPO / "tools"]
    )
    if "SandboxUnavailable" in done.stderr:
        skip_if_it_cannot(backend, done.stderr.splitlines()[-1], here=_plain_user_can(backend))
    verdicts = json.loads(done.stdout or "[]")
    assert len(verdicts) > 100, done.stderr
    assert [name for name, succeeded in verdicts if succeeded] == []


def test_every_attack_has_a_name_of_its_own() -> None:
    names = [attack.name for attack in attacks.ATTACKS]
    assert len(names) == len(set(names))
    assert sum(map(len, GROUPS.values())) == len(names)


async def _needs(backend: str) -> None:
    try:
        async with Sandbox.open(backend=backend, spare=False):
            return
    except SandboxUnavailable as error:
        skip_if_it_cannot(backend, error)


def _plain_user_can(backend: str) -> bool:
    if backend == "landlock":
        return can_hold(backend)
    command = bubblewrap_command()
    return command is not None and run_as_plain_user(command, timeout=30).returncode == 0
