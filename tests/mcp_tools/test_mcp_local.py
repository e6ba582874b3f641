"""The local model calls a stranger's server: its grammar is made of that server's schema."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from agentlab import Agent, Limits, Settings
from agentlab.backends import connect
from agentlab.messages import Message, ToolCall, ToolResult
from agentlab_tools.mcp import McpServer, mcp_tools

pytest.importorskip("llama_cpp")


def shown(zone: str, at: str) -> list[Message]:
    arguments = json.dumps({"timezone": zone})
    told = json.dumps({"timezone": zone, "datetime": at})
    return [
        Message.user(f"What time is it in {zone}?"),
        Message.assistant(ToolCall(id="e", name="get_current_time", arguments=arguments)),
        Message(role="tool", parts=(ToolResult(call_id="e", content=told),)),
        Message.assistant(f"It is {at[11:16]} in {zone}."),
    ]


@pytest.mark.slow
async def test_the_local_model_asks_a_server_of_the_package_index(runs: Path) -> None:
    command = (sys.executable, "-m", "mcp_server_time", "--local-timezone", "UTC")
    examples = [
        *shown("Europe/Paris", "2026-03-01T10:15:00+01:00"),
        *shown("America/New_York", "2026-03-01T04:40:00-05:00"),
    ]
    backend = connect("local:smollm2", threads=1, n_ctx=2048)
    try:
        async with mcp_tools(
            McpServer(name="time", command=command, tools=("get_current_time",))
        ) as tools:
            agent = Agent(
                backend=backend,
                tools=tools,
                examples=examples,
                settings=Settings(temperature=0, max_tokens=60, tool_choice="required"),
                limits=Limits(steps=2),
                runs=runs,
            )
            result = await agent.run("What time is it in Asia/Tokyo?")
    finally:
        await backend.aclose()
    parts = [part for message in result.messages[len(examples) :] for part in message.parts]
    (call,) = (part for part in parts if isinstance(part, ToolCall))
    (answer,) = (part for part in parts if isinstance(part, ToolResult))
    assert set(json.loads(call.arguments)) == {"timezone"}
    assert answer.error is None
    assert json.loads(answer.content)["timezone"] == "Asia/Tokyo"
