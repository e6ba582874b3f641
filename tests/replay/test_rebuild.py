"""An agent from a trace: the same, or an error that says what a trace does not hold."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from conversation import call, calls, load
from recordings import add, adding, recorded

from agentlab import Agent, Limits, Message, Policy, Settings, tool
from agentlab.backend import BackendIdentity
from agentlab.backends.scripted import Scripted
from agentlab.errors import ConfigError
from agentlab.plugins.equipment import Equipment
from agentlab.plugins.tools import load_tools
from agentlab.replay.rebuild import equipment_of, rebuild, reconnect
from agentlab.trace import Trace


def traced(agent: Agent[Any], **options: Any) -> Any:
    return load(agent.run_sync("Go.", **options).path)


def test_what_the_header_says_is_what_the_agent_is(runs):
    agent = adding(
        runs,
        ["Hi."],
        name="sums",
        tools=load_tools(["calculator"]),
        settings=Settings(temperature=0.5, seed=3),
        limits=Limits(steps=4),
        approval=Policy(deny=("x",)),
    )
    trace = traced(agent)
    again = rebuild(trace, backend=Scripted([]))
    for name in ("name", "instructions", "settings", "limits", "approval", "specs"):
        assert getattr(again, name) == getattr(agent, name), name
    assert again.runs == runs


def test_examples_and_history_are_no_instructions(runs):
    agent = adding(runs, ["Hi."], instructions="", examples=[Message.user("a")])
    assert rebuild(traced(agent), backend=Scripted([]), tools=[add]).instructions == ""


def test_the_form_of_the_answer_is_kept(runs):
    agent = Agent(backend=Scripted(["[1, 2]"]), output_type=list[int], runs=runs)
    again = rebuild(traced(agent), backend=Scripted(["[3]"]))
    assert again.output_schema == agent.output_schema
    assert again.run_sync("?").output == [3]


def test_where_a_function_gave_consent_every_call_is_asked_about(runs):
    trace = traced(adding(runs, ["Hi."], approval=lambda _: "allow"))
    again = rebuild(trace, backend=Scripted([]), tools=[add])
    assert again.approval(call("add", a=1, b=2)) == "ask"


def test_a_trace_from_before_consent_was_recorded_asks_as_well(runs):
    trace = recorded(runs)
    head, rest = trace.path.read_bytes().split(b"\n", 1)
    header = json.loads(head)
    del header["approval"], header["output"]
    trace.path.write_bytes(json.dumps(header).encode() + b"\n" + rest)
    again = rebuild(load(trace.path), backend=Scripted([]), tools=[add])
    assert again.approval(call("add", a=1, b=2)) == "ask"


def test_a_tool_that_is_not_installed_is_named(runs):
    with pytest.raises(ConfigError, match=r"no tool 'add' is installed, which this run had; there"):
        rebuild(recorded(runs), backend=Scripted([]))


def test_a_tool_that_has_changed_is_refused_unless_allowed(runs):
    trace = recorded(runs)
    words = add.with_(description="Sum up.")
    with pytest.raises(ConfigError, match="add has changed since this run: it is described in"):
        rebuild(trace, backend=Scripted([]), tools=[words])
    assert rebuild(trace, backend=Scripted([]), tools=[words], changed_tools=True).tools == (words,)

    @tool(name="add", description=add.description)
    def three(a: int, b: int, c: int) -> int:
        return a + b + c

    with pytest.raises(ConfigError, match="it takes other arguments"):
        rebuild(trace, backend=Scripted([]), tools=[three])


def test_agents_to_hand_over_to_are_not_in_a_trace(runs):
    other = Agent(name="other", backend=Scripted([]))
    trace = recorded(runs, said=["Hi."], handoffs=[other])
    with pytest.raises(ConfigError, match="hands over to other, whom a trace does not hold"):
        rebuild(trace, backend=Scripted([]), tools=[add])


LAB = '''
from contextlib import asynccontextmanager
from pathlib import Path
from agentlab.plugins.equipment import Equipment
from agentlab.labs.values import Lab
from agentlab.tooling import tool

Path(__file__).with_name("was-loaded").touch()

@tool
def lab_tool(n: int) -> int:
    """Of the lab."""
    return n

@asynccontextmanager
async def bench():
    yield Equipment(deps="a bench")

lab = Lab(
    id="x/lab", title="t", teaches=(), minutes=1, steps=(), tools=(lab_tool,), equip=bench
)
'''


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    folder = tmp_path / "labs" / "x" / "lab"
    folder.mkdir(parents=True)
    (folder / "lab.py").write_text(LAB)
    (folder / "lesson.md").write_text("A lab.\n")
    return folder


def of_lab(runs: Path, label: str) -> Trace:
    @tool
    def lab_tool(n: int) -> int:
        """Of the lab."""
        return n

    agent = Agent(
        backend=Scripted([calls(call("lab_tool", n=1)), "1"]), tools=[lab_tool], runs=runs
    )
    return traced(agent, labels={"lab": label})


def test_the_tools_of_a_labs_run_are_the_labs(runs, lab):
    agent = rebuild(of_lab(runs, "x/lab"), backend=Scripted([]), labs=[lab.parent.parent])
    assert [tool.name for tool in agent.tools] == ["lab_tool"]
    assert (lab / "was-loaded").exists()


def test_a_trace_cannot_name_a_folder_whose_code_is_run(runs, lab):
    for label in (str(lab), f"{lab.parent}/../x/lab", "../labs/x/lab"):
        with pytest.raises(ConfigError, match="no tool 'lab_tool' is installed"):
            rebuild(of_lab(runs, label), backend=Scripted([]))
    assert not (lab / "was-loaded").exists()


def test_adapters_are_not_named_by_a_trace():
    details: dict[str, Any] = {"gguf_sha256": "0", "adapters": '{"mine": {}}'}
    with pytest.raises(ConfigError, match="ran with other adapters"):
        reconnect(BackendIdentity(name="local:smollm2", model="m", details=details))


def test_a_backend_that_is_gone_is_named():
    with pytest.raises(ConfigError, match="no backend answers to 'scripted'"):
        reconnect(BackendIdentity(name="scripted", model="scripted"))


async def test_what_a_labs_tools_need_is_opened_again(runs, lab):
    trace = await asyncio.to_thread(of_lab, runs, "x/lab")
    async with equipment_of(trace.header, labs=[lab.parent.parent]) as equipment:
        assert equipment.deps == "a bench"


async def test_what_installed_tools_need_is_opened_by_their_names(runs, monkeypatch):
    @asynccontextmanager
    async def shed() -> AsyncGenerator[Equipment]:
        yield Equipment(deps="a shed")

    entry = EntryPoint("add", "x:shed", "agentlab.equipment")
    trace = recorded(runs)
    monkeypatch.setattr("agentlab.plugins.origins.entry_points", lambda group: [])
    monkeypatch.setattr("agentlab.plugins.equipment.entry_points", lambda group: [entry])
    monkeypatch.setattr(EntryPoint, "load", lambda self: shed)
    async with equipment_of(trace.header) as equipment:
        assert equipment.deps == "a shed"
