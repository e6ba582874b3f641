"""`local:agent`: the bundled model with the adapter that comes along."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import agentlab.backends.llamacpp as llamacpp
from agentlab.backend import Backend, Reply, ToolSpec
from agentlab.backends import connect
from agentlab.messages import Message, ToolResult

pytest.importorskip("llama_cpp")

FILE = Path(llamacpp.__file__).parent / "adapters" / "agent.gguf"


def _tool(name: str, about: str, **properties: dict[str, object]) -> ToolSpec:
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return ToolSpec(name=name, description=about, parameters=schema)


FERRY = _tool(
    "reserve_berth",
    "Reserve a berth on a ferry.",
    harbor={"type": "string"},
    nights={"type": "integer"},
)
TIDES = _tool("view_tides", "View the tide table of a harbor.", harbor={"type": "string"})


@pytest.fixture
async def agent() -> AsyncIterator[Backend]:
    backend = connect("local:agent", threads=1)
    yield backend
    await backend.aclose()


async def _said(backend: Backend, *messages: Message) -> Message:
    async for item in backend.stream(messages, tools=[TIDES, FERRY]):
        if isinstance(item, Reply):
            return item.message
    raise AssertionError("no reply")


async def test_a_request_it_never_saw_becomes_the_right_call(agent: Backend) -> None:
    said = await _said(agent, Message.user("Please reserve a berth at Lisbon for 3 nights."))
    (call,) = said.tool_calls
    assert call.name == "reserve_berth"
    assert json.loads(call.arguments) == {"harbor": "Lisbon", "nights": 3}


async def test_a_result_becomes_an_answer_in_words(agent: Backend) -> None:
    asked = Message.user("Please view the tide table of Lisbon.")
    called = await _said(agent, asked)
    (call,) = called.tool_calls
    assert call.name == "view_tides"
    result = Message.results([ToolResult(call_id=call.id, content='{"high_water": 417}')])
    said = await _said(agent, asked, called, result)
    assert not said.tool_calls
    assert "417" in said.text


async def test_what_no_tool_serves_is_not_called_for(agent: Backend) -> None:
    said = await _said(agent, Message.user("Convert 300 dollars to euros."))
    assert not said.tool_calls
    assert said.text


async def test_the_trace_knows_which_adapter_answered(agent: Backend) -> None:
    on = json.loads(str(agent.identity.details["adapters"]))
    sha256 = hashlib.sha256(FILE.read_bytes()).hexdigest()
    assert on == {"agent": {"sha256": sha256, "scale": 1.0}}
    assert sha256 in FILE.with_suffix(".md").read_text()


async def test_another_adapter_goes_on_top(agent: Backend, tmp_path: Path) -> None:
    copy = tmp_path / "mine.gguf"
    copy.write_bytes(FILE.read_bytes())
    backend = connect("local:agent", threads=1, adapters={"mine": copy})
    assert set(json.loads(str(backend.identity.details["adapters"]))) == {"agent", "mine"}
    await backend.aclose()


def test_it_is_a_few_megabytes() -> None:
    assert FILE.stat().st_size < 11_000_000
