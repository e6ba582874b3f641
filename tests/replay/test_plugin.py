"""The pytest plugin: a recorded run as a test, passing and failing."""

from __future__ import annotations

from importlib.metadata import entry_points

import pytest
from recordings import recorded

pytest_plugins = ("pytester",)
PLUGIN = "agentlab.pytest_plugin"

TEST = """
import asyncio
from agentlab import Agent, tool
from agentlab.backends.scripted import Scripted

@tool
async def add(a: int, b: int) -> int:
    '''Add two numbers.'''
    return a + b{bug}

agent = Agent(backend=Scripted([]), instructions="{instructions}", tools=[add])

def test_plain(agentlab_trace):
    assert agentlab_trace("runs/adds.jsonl", agent=agent).checked == 11

async def test_on_an_event_loop(agentlab_trace):
    await asyncio.sleep(0)
    agentlab_trace("runs/adds.jsonl", agent=agent)
"""


def test_recorded_runs_as_tests(pytester: pytest.Pytester, monkeypatch, runs):
    monkeypatch.delenv("CI", raising=False)  # pytest says everything twice where it is set
    folder = pytester.mkdir("runs")
    recorded(runs).path.rename(folder / "adds.jsonl")
    pytester.makepyfile(
        test_same=TEST.format(bug="", instructions="Add."),
        test_bug=TEST.format(bug=" + 1", instructions="Add."),
        test_words=TEST.format(bug="", instructions="Multiply."),
        test_gone="def test_it(agentlab_trace): agentlab_trace('runs/gone.jsonl')",
    )
    installed = any(entry.value == PLUGIN for entry in entry_points(group="pytest11"))
    options = () if installed else ("-p", PLUGIN)  # a checkout may be older than its plugin
    more = ("-p", "no:cacheprovider", "--asyncio-mode=auto")
    done = pytester.runpytest_subprocess(*options, *more, timeout=280)
    done.assert_outcomes(passed=2, failed=5)
    said = done.stdout.str()
    assert said.count("came out differently at event 4: the result of a call") == 2
    assert said.count("-   content: 3\n+   content: 4") == 2
    assert said.count("came out differently at event 0: what the run starts from") == 2
    assert said.count("-   system: Add.\n+   system: Multiply.") == 2
    assert "gone.jsonl: No such file" in said
