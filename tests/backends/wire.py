"""Asking a service of a test's own over a real connection."""

from __future__ import annotations

import json
from typing import Any

from loopback import Answer, Connection, Loopback, http_head
from recorded import blocks, chunk

from agentlab.backend import Delta, Reply, Settings, TextDelta, ToolCallDelta
from agentlab.backends import connect
from agentlab.backends.retry import RetryPolicy
from agentlab.messages import Message, Text, ToolCall

HI = [Message.user("Hi")]
NAMES = {"chat": "", "responses": "openai:gpt-5-codex", "anthropic": "anthropic:claude-x"}
GREETING = "Grüße from 東京 🗼."


async def ask(
    server: Loopback, protocol: str = "chat", settings: Settings = Settings()
) -> tuple[list[Delta], Reply]:
    name = NAMES[protocol]
    options: dict[str, Any] = {"retry": RetryPolicy(attempts=1), "api_key": "k" * 20}
    if name:
        base = server.url if protocol == "anthropic" else f"{server.url}/v1"
        backend = connect(name, base_url=base, **options)
    else:
        backend = connect(f"{server.url}/v1#m", **options)
    try:
        *deltas, reply = [item async for item in backend.stream(HI, settings=settings)]
    finally:
        await backend.aclose()
    assert isinstance(reply, Reply)
    assert len(server.requests) == 1
    return [item for item in deltas if not isinstance(item, Reply)], reply


def adds_up(deltas: list[Delta], reply: Reply) -> None:
    """What was shown while it came is what the reply says."""
    assert "".join(d.text for d in deltas if isinstance(d, TextDelta)) == reply.message.text
    for call in reply.message.tool_calls:
        mine = [d for d in deltas if isinstance(d, ToolCallDelta) and d.id == call.id]
        assert mine, call
        assert {d.name for d in mine} == {call.name}
        assert "".join(d.arguments for d in mine) in (call.arguments, "")


X1 = '{"x": 1}'


def closed(data: bytes, version: str = "1.0", **headers: Any) -> Answer:
    """An answer without a length, ended by closing the connection."""

    async def answer(connection: Connection) -> None:
        head = http_head(connection="close", **headers).replace(b"1.1", version.encode(), 1)
        await connection.send(head + data)
        connection.writer.close()

    return answer


ADD1 = ToolCall(id="c1", name="add", arguments=X1)


def tool(*pieces: Any, finish: str | None = "tool_calls") -> list[dict[str, Any]]:
    return [*(chunk({"tool_calls": piece}) for piece in pieces), chunk({}, finish)]


def call(name: str | None = None, arguments: Any = None, **fields: Any) -> dict[str, Any]:
    given = {"name": name, "arguments": arguments}
    function = {key: value for key, value in given.items() if value is not None}
    return {**fields, "function": function}


SO = (Text(text="So"),)


def said_by_claude(*each: Any, stop: Any = "end_turn", **end: Any) -> list[dict[str, Any]]:
    lines = blocks(*each, stop=stop, **end).split(b"\n")
    return [json.loads(line[6:]) for line in lines if line.startswith(b"data: ")]
