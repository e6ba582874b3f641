"""Small differences between the services that speak Chat Completions."""

from __future__ import annotations

from typing import Any

import pytest
from loopback import Loopback, sse
from recorded import DONE, chunk, events

from agentlab.backend import Reply, Settings
from agentlab.backends import connect
from agentlab.messages import Message

HI = [Message.user("Hi")]


async def reply_to(*bodies: Any, settings: Settings = Settings()) -> Reply:
    async with Loopback(sse(events(*bodies) + DONE)) as server:
        backend = connect("openai:gpt-5", base_url=f"{server.url}/v1", api_key="sk-test")
        said = [item async for item in backend.stream(HI, settings=settings)]
        await backend.aclose()
    assert isinstance(said[-1], Reply)
    return said[-1]


def call(name: str | None, arguments: str, **fields: Any) -> dict[str, Any]:
    function = {"arguments": arguments, **({"name": name} if name else {})}
    return {"type": "function", "function": function, **fields}


@pytest.mark.parametrize(
    "calls",
    [
        # whole calls, each with the same index
        [[call("a", "{}", index=0, id="1")], [call("b", "{}", index=0, id="2")]],
        # no index
        [[call("a", "{}", id="1"), call("b", "{}", id="2")]],
        # the id and the name again with every piece
        [
            [call("a", "{", index=0, id="1")],
            [call("a", "}", index=0, id="1")],
            [call("b", "{}", index=1, id="2")],
        ],
        # pieces of two calls mixed
        [
            [call("a", "", index=0, id="1"), call("b", "", index=1, id="2")],
            [call(None, "{", index=1), call(None, "{", index=0)],
            [call(None, "}", index=0), call(None, "}", index=1)],
        ],
    ],
)
async def test_calls_are_told_apart_however_they_are_numbered(calls: Any) -> None:
    reply = await reply_to(*(chunk({"tool_calls": c}) for c in calls), chunk({}, "tool_calls"))
    assert [(c.id, c.name, c.arguments) for c in reply.message.tool_calls] == [
        ("1", "a", "{}"),
        ("2", "b", "{}"),
    ]


async def test_calls_without_ids_get_ids_no_other_call_has() -> None:
    said = events(
        chunk({"tool_calls": [call("a", "{}"), call("b", "{}")]}), chunk({}, "tool_calls")
    )
    async with Loopback(sse(said + DONE)) as server:
        backend = connect("openai:gpt-5", base_url=f"{server.url}/v1", api_key="sk-test")
        messages = list(HI)
        for _ in range(2):
            async for item in backend.stream(messages):
                if isinstance(item, Reply):
                    messages.append(item.message)
        await backend.aclose()
    ids = [call.id for message in messages for call in message.tool_calls]
    assert len(ids) == len(set(ids)) == 4


async def test_calls_end_in_tool_calls_whatever_the_service_says() -> None:
    reply = await reply_to(chunk({"tool_calls": [call("a", "{}", index=0, id="1")]}, "stop"))
    assert reply.stop == "tool_calls"


async def test_a_refusal_is_shown_and_marked() -> None:
    reply = await reply_to(chunk({"refusal": "I won't."}), chunk({}, "stop"))
    assert (reply.message.text, reply.stop) == ("I won't.", "filtered")


async def test_reasoning_in_lists_of_content() -> None:
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}
    text = {"type": "text", "text": "42"}
    reply = await reply_to(chunk({"content": [thinking]}), chunk({"content": [text]}, "stop"))
    assert [part.kind for part in reply.message.parts] == ["reasoning", "text"]


async def test_a_stop_sequence_is_told_from_the_end_where_the_server_tells() -> None:
    end = {"index": 0, "delta": {}, "finish_reason": "stop", "stop_reason": "END"}
    said = [chunk({"content": "a"}), chunk({}, choices=[end])]
    assert (await reply_to(*said, settings=Settings(stop=("END",)))).stop == "stop_sequence"
    assert (await reply_to(*said)).stop == "end"


async def test_log_probabilities_come_as_tokens() -> None:
    token = {"token": "4", "logprob": -0.5, "bytes": [52]}
    told = {"content": [{**token, "top_logprobs": [token]}]}
    body = {"choices": [{"index": 0, "delta": {"content": "4"}, "logprobs": told}]}
    reply = await reply_to(body, chunk({}, "stop"), settings=Settings(logprobs=1))
    (seen,) = reply.tokens
    assert (seen.text, seen.logprob, seen.top) == ("4", -0.5, (("4", -0.5),))


async def test_a_padded_event_that_comes_twice_counts_once() -> None:
    padded = [chunk({"content": text}, obfuscation=text * 3) for text in ("a", "b", "b", "c")]
    reply = await reply_to(*padded, chunk({}, "stop"))
    assert reply.message.text == "abc"
