"""One answer, in the many forms in which services that mean it well send it.

Each form goes over a real connection, in pieces of several sizes. It is read as what it says, in
one request; nothing of it is lost, doubled or passed off as something else.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from loopback import Answer, Connection, Loopback, chunked, events, http_head, pieces_of, sse
from recorded import CHAT, DONE, PROTOCOLS, blocks, chunk, response, text_block, tool_block

from agentlab.backend import Delta, Reply, Settings, TextDelta, ToolCallDelta
from agentlab.backends import connect
from agentlab.backends.retry import RetryPolicy
from agentlab.errors import AgentLabError, BadRequest, RateLimited, ServiceUnavailable, StreamBroken
from agentlab.messages import Message, Reasoning, Text, ToolCall

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


# How the bytes of a stream come


def closed(data: bytes, version: str = "1.0", **headers: Any) -> Answer:
    """An answer without a length, ended by closing the connection."""

    async def answer(connection: Connection) -> None:
        head = http_head(connection="close", **headers).replace(b"1.1", version.encode(), 1)
        await connection.send(head + data)
        connection.writer.close()

    return answer


def with_trailers(data: bytes) -> Answer:
    async def answer(connection: Connection) -> None:
        head = http_head(transfer_encoding="chunked", trailer="x-checksum, x-cost")
        extended = f"{len(data):X};name=value\r\n".encode() + data + b"\r\n"
        await connection.send(head + extended + b"0\r\nx-checksum: 1\r\nx-cost: 2\r\n\r\n")

    return answer


def compressed(data: bytes, encoding: str) -> Answer:
    """A stream compressed as a whole, handed out event by event."""
    window = {"gzip": 31, "deflate": 15}[encoding]
    packer = zlib.compressobj(wbits=window)

    async def answer(connection: Connection) -> None:
        await connection.send(http_head(transfer_encoding="chunked", content_encoding=encoding))
        for event in data.split(b"\n\n"):
            packed = packer.compress(event + b"\n\n") + packer.flush(zlib.Z_SYNC_FLUSH)
            await connection.send(chunked(packed))
        await connection.send(chunked(packer.flush()) + b"0\r\n\r\n")

    return answer


WAYS: Mapping[str, Callable[[bytes], Answer]] = {
    "every byte alone": lambda data: sse(*pieces_of(data, 1)),
    "CRLF, every byte alone": lambda data: sse(*pieces_of(data.replace(b"\n", b"\r\n"), 1)),
    "CR": lambda data: sse(data.replace(b"\n", b"\r")),
    "CRLF and LF mixed": lambda data: sse(data.replace(b"\n", b"\r\n", 3)),
    "a comment before every line": lambda data: sse(b": hi\n" + data.replace(b"\n", b"\n: hi\n")),
    "comments for seconds before it": lambda data: sse(b": PROCESSING\n\n" * 50 + data),
    "a mark of byte order": lambda data: sse(b"\xef\xbb\xbf" + data),
    "a mark of byte order, byte by byte": lambda data: sse(*pieces_of(b"\xef\xbb\xbf" + data, 1)),
    "blank lines before it": lambda data: sse(b"\r\n\r\n\n" + data),
    "an id and a time to wait for": lambda data: sse(b"id: 7\nretry: 500\n" + data),
    "a field of its own first": lambda data: sse(b"version: 2\n" + data),
    "no space after the colon": lambda data: sse(data.replace(b"data: ", b"data:")),
    "no [DONE]": lambda data: sse(data.removesuffix(DONE)),
    "no blank line at the end": lambda data: sse(data.removesuffix(DONE).rstrip(b"\n")),
    "one line end at the end": lambda data: sse(data.removesuffix(DONE).rstrip(b"\n") + b"\n"),
    "no blank line between events": lambda data: sse(data.replace(b"\n\n", b"\n")),
    "[DONE] twice": lambda data: sse(data + DONE + DONE),
    "[DONE] with spaces": lambda data: sse(data.removesuffix(DONE) + b"data:  [DONE] \n\n"),
    "a stream in a stream": lambda data: sse(data.replace(b"data: ", b"data: data: ")),
    "empty events between": lambda data: sse(data.replace(b"\n\n", b"\n\ndata:\n\n")),
    "null between": lambda data: sse(data.replace(b"\n\n", b"\n\ndata: null\n\n")),
    "empty objects between": lambda data: sse(b"data: {}\n\n" + data),
    "pings between": lambda data: sse(
        data.replace(b"\n\n", b'\n\nevent: ping\ndata: {"type": "ping"}\n\n')
    ),
    "HTTP/1.0": closed,
    "closed without a length": lambda data: closed(data, "1.1"),
    "trailers": with_trailers,
    "gzip": lambda data: compressed(data, "gzip"),
    "deflate": lambda data: compressed(data, "deflate"),
    "gzip, closed without a length": lambda data: closed(
        gzip.compress(data), "1.1", content_encoding="gzip"
    ),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_stream_is_read_however_its_bytes_come(protocol: str, way: str) -> None:
    plain = PROTOCOLS[protocol]["text"]
    async with Loopback(WAYS[way](plain)) as server:
        deltas, reply = await ask(server, protocol)
    adds_up(deltas, reply)
    assert reply.message.parts == (Text(text=GREETING),)
    assert (reply.stop, reply.usage.input_tokens) == ("end", 100)
    async with Loopback(WAYS[way](PROTOCOLS[protocol]["calls"])) as server:
        deltas, reply = await ask(server, protocol)
    adds_up(deltas, reply)
    assert [(c.id, c.name) for c in reply.message.tool_calls] == [
        ("call_a", "add"),
        ("call_b", "weather"),
    ]
    assert reply.message.text == "First this. Then that."


async def test_lines_of_json_without_a_stream_around_them_are_read() -> None:
    lines = CHAT["text"].removesuffix(DONE).replace(b"data: ", b"").replace(b"\n\n", b"\n")
    async with Loopback(closed(lines)) as server:
        deltas, reply = await ask(server)
    adds_up(deltas, reply)
    assert (reply.message.text, reply.usage.input_tokens) == (GREETING, 100)


# How an event of Chat Completions says it

X1 = '{"x": 1}'
ADD1 = ToolCall(id="c1", name="add", arguments=X1)


def tool(*pieces: Any, finish: str | None = "tool_calls") -> list[dict[str, Any]]:
    return [*(chunk({"tool_calls": piece}) for piece in pieces), chunk({}, finish)]


def call(name: str | None = None, arguments: Any = None, **fields: Any) -> dict[str, Any]:
    given = {"name": name, "arguments": arguments}
    function = {key: value for key, value in given.items() if value is not None}
    return {**fields, "function": function}


WHOLE = {"role": "assistant", "content": "So"}
SO = (Text(text="So"),)
CHATS: Mapping[str, tuple[list[dict[str, Any]], tuple[Any, ...], str]] = {
    "nothing in the first deltas": (
        [
            {"choices": [{"index": 0, "delta": None}]},
            chunk({"content": None}),
            *[chunk({}, "")],
            chunk({"content": "So", "tool_calls": None, "reasoning": None}),
            chunk({}, "stop"),
        ],
        SO,
        "end",
    ),
    "no choices now and then": (
        [{"choices": []}, {"choices": None}, {"id": "x"}, chunk({"content": "So"}, "stop")],
        SO,
        "end",
    ),
    "a filter's findings first": (
        [
            {"choices": [], "id": "", "prompt_filter_results": [{"prompt_index": 0}]},
            chunk({"content": "So"}),
            chunk({}, "stop"),
        ],
        SO,
        "end",
    ),
    "the word null for no reason": (
        [chunk({"content": "S"}, "null"), chunk({"content": "o"}, "None"), chunk({}, "stop")],
        SO,
        "end",
    ),
    "the reason with every piece": (
        [chunk({"content": "S"}, "stop"), chunk({"content": "o"}, "stop")],
        SO,
        "end",
    ),
    "the reason before the last piece": (
        [chunk({"content": "S"}), chunk({}, "length"), chunk({"content": "o"})],
        SO,
        "length",
    ),
    "a call after the reason": (
        [chunk({}, "tool_calls"), *tool([call("add", X1, index=0, id="c1")])],
        (ADD1,),
        "tool_calls",
    ),
    "a message instead of deltas": (
        [{"choices": [{"index": 0, "message": WHOLE, "finish_reason": "stop"}]}],
        SO,
        "end",
    ),
    "the message once more at the end": (
        [
            chunk({"content": "So"}),
            {"choices": [{"index": 0, "delta": {}, "message": WHOLE, "finish_reason": "stop"}]},
        ],
        SO,
        "end",
    ),
    "the message once more after the end": (
        [
            chunk({"content": "So"}, "stop"),
            {"choices": [{"index": 0, "message": WHOLE, "finish_reason": "stop"}]},
        ],
        SO,
        "end",
    ),
    "text where completions have it": (
        [{"choices": [{"index": 0, "text": "So", "finish_reason": "stop"}]}],
        SO,
        "end",
    ),
    "a list of strings": ([chunk({"content": ["S", "o"]}), chunk({}, "stop")], SO, "end"),
    "one part, not in a list": (
        [chunk({"content": {"type": "text", "text": "So"}}), chunk({}, "stop")],
        SO,
        "end",
    ),
    "choices counted from one": (
        [{"choices": [{"index": 1, "delta": {"content": "So"}, "finish_reason": "stop"}]}],
        SO,
        "end",
    ),
    "choices counted in strings": (
        [{"choices": [{"index": "0", "delta": {"content": "So"}, "finish_reason": "stop"}]}],
        SO,
        "end",
    ),
    "a second choice beside the first": (
        [{"choices": [{"index": 0, "delta": {"content": "So"}}]}]
        + [{"choices": [{"index": 1, "delta": {"content": "B"}}]}]
        + [{"choices": [{"index": i, "delta": {}, "finish_reason": "stop"}]} for i in (1, 0)],
        SO,
        "end",
    ),
    "two choices in one event": (
        [
            {
                "choices": [
                    {"index": 1, "delta": {"content": "B"}},
                    {"index": 0, "delta": {"content": "So"}, "finish_reason": "stop"},
                ]
            }
        ],
        SO,
        "end",
    ),
    "thoughts under two names": (
        [chunk({"reasoning": "hm", "reasoning_content": "hm"}), chunk({"content": "So"}, "stop")],
        (Reasoning(text="hm"), *SO),
        "end",
    ),
    "thoughts in parts": (
        [
            chunk({"reasoning_content": [{"type": "text", "text": "hm"}]}),
            chunk({"content": "So"}, "stop"),
        ],
        (Reasoning(text="hm"), *SO),
        "end",
    ),
    "gaps between the calls' numbers": (
        tool([call("add", X1, index=2, id="c1")], [call("add", X1, index=7, id="c2")]),
        (ADD1, ToolCall(id="c2", name="add", arguments=X1)),
        "tool_calls",
    ),
    "the calls' numbers in strings": (
        tool([call("add", '{"x"', index="0", id="c1")], [call(None, ": 1}", index="0")]),
        (ADD1,),
        "tool_calls",
    ),
    "arguments as an object": (
        tool([call("add", {"x": 1}, index=0, id="c1")]),
        (ToolCall(id="c1", name="add", arguments='{"x":1}'),),
        "tool_calls",
    ),
    "no arguments in four ways": (
        tool(
            [call("a", "", index=0, id="c1")],
            [call("b", None, index=1, id="c2")],
            [call("c", {}, index=2, id="c3")],
            [{"index": 3, "id": "c4", "function": {"name": "d", "arguments": None}}],
        ),
        tuple(ToolCall(id=f"c{i}", name=n, arguments="{}") for i, n in enumerate("abcd", 1)),
        "tool_calls",
    ),
    "one call, not in a list": (
        tool(call("add", X1, index=0, id="c1")),
        (ADD1,),
        "tool_calls",
    ),
    "the id before the name": (
        tool([{"index": 0, "id": "c1", "type": "function"}], [call("add", X1, index=0)]),
        (ADD1,),
        "tool_calls",
    ),
    "another id with every piece": (
        tool(
            [call("add", '{"x"', index=0, id="c1")],
            [call(None, ": 1}", index=0, id="chatcmpl-tool-2")],
            [call(None, "", index=0, id="chatcmpl-tool-3")],
        ),
        (ADD1,),
        "tool_calls",
    ),
    "empty ids and names with every piece": (
        tool(
            [call("add", '{"x"', index=0, id="c1")],
            [call("", ": 1}", index=0, id="")],
        ),
        (ADD1,),
        "tool_calls",
    ),
    "whole calls under one number, without ids": (
        tool([call("add", X1, index=0)], [call("add", '{"x": 2}', index=0)]),
        (
            ToolCall(id="call_1_0", name="add", arguments=X1),
            ToolCall(id="call_1_1", name="add", arguments='{"x": 2}'),
        ),
        "tool_calls",
    ),
    "two calls with one id": (
        tool([call("add", X1, index=0, id="c1")], [call("add", '{"x": 2}', index=1, id="c1")]),
        (ADD1, ToolCall(id="c1_2", name="add", arguments='{"x": 2}')),
        "tool_calls",
    ),
    "a function call of old": (
        [
            chunk({"role": "assistant", "function_call": {"name": "add", "arguments": ""}}),
            chunk({"function_call": {"arguments": '{"x"'}}),
            chunk({"function_call": {"arguments": ": 1}"}}),
            chunk({}, "function_call"),
        ],
        (ToolCall(id="call_1_0", name="add", arguments=X1),),
        "tool_calls",
    ),
    "calls that are said to stop": (
        tool([call("add", X1, index=0, id="c1")], finish="stop"),
        (ADD1,),
        "tool_calls",
    ),
    "a call that its service runs itself": (
        [chunk({"content": "So", "executed_tools": [{"name": "search"}]}), chunk({}, "stop")],
        SO,
        "end",
    ),
    "a warning": (
        [{"error": None, "warning": "slow"}, chunk({"content": "So"}, "stop")],
        SO,
        "end",
    ),
}


@pytest.mark.parametrize("size", [1, 10_000])
@pytest.mark.parametrize("form", CHATS)
async def test_chat_is_read_in_every_form(form: str, size: int) -> None:
    bodies, parts, stop = CHATS[form]
    async with Loopback(sse(*pieces_of(events(*bodies) + DONE, size))) as server:
        deltas, reply = await ask(server)
    adds_up(deltas, reply)
    assert reply.message.parts == parts
    assert reply.stop == stop


USED = {"prompt_tokens": 5, "completion_tokens": 2}
NONE_USED = {"prompt_tokens": 0, "completion_tokens": 0}


@pytest.mark.parametrize(
    "bodies",
    [
        [chunk({"content": "So"}), chunk({}, "stop"), {"choices": [], "usage": USED}],
        [chunk({"content": "So"}), chunk({}, "stop"), {"usage": USED}],
        [chunk({"content": "So"}, usage=NONE_USED), chunk({}, "stop", usage=USED)],
        [chunk({"content": "So"}), {"choices": [], "usage": USED}, chunk({}, "stop")],
        [
            chunk({"content": "So"}),
            {"choices": [{**chunk({}, "stop")["choices"][0], "usage": USED}]},
        ],
        [chunk({"content": "So"}), chunk({}, "stop", x_groq={"id": "r", "usage": USED})],
    ],
    ids=["alone", "without choices", "so far", "before the end", "in the choice", "x_groq"],
)
async def test_the_count_of_tokens_is_found_where_services_put_it(bodies: Any) -> None:
    async with Loopback(sse(events(*bodies) + DONE)) as server:
        _, reply = await ask(server)
    assert (reply.message.text, reply.stop) == ("So", "end")
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (5, 2)


@pytest.mark.parametrize(
    "message",
    [
        {"content": None, "tool_calls": [{**call("add", X1), "id": "c1"}]},
        {"content": "", "tool_calls": {**call("add", X1), "id": "c1"}},
        {"content": [], "tool_calls": [{**call("add", json.loads(X1)), "id": "c1"}]},
        {"function_call": {"name": "add", "arguments": X1}},
    ],
)
async def test_a_call_in_one_piece_is_read_in_every_form(message: Any) -> None:
    body = {"choices": [{"message": message, "finish_reason": "tool_calls"}], "usage": USED}
    async with Loopback(closed(json.dumps(body).encode())) as server:
        deltas, reply = await ask(server)
    adds_up(deltas, reply)
    assert [(c.name, json.loads(c.arguments)) for c in reply.message.tool_calls] == [
        ("add", {"x": 1})
    ]
    assert (reply.stop, reply.usage.input_tokens) == ("tool_calls", 5)


# Responses


def item(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": f"response.{kind}", **fields}


SAID = {"type": "message", "content": [{"type": "output_text", "text": "So"}]}
CALLED = {"type": "function_call", "call_id": "c1", "name": "add", "arguments": X1}
END = response("response.completed")
RESPONSES: Mapping[str, tuple[list[dict[str, Any]], tuple[Any, ...], str]] = {
    "all of it at the end": (
        [response("response.completed", output=[SAID, CALLED])],
        (*SO, ADD1),
        "tool_calls",
    ),
    "all of it once more at the end": (
        [
            item("output_item.done", item={"id": "m", **SAID}),
            response("response.completed", output=[{"id": "m2", **SAID}]),
        ],
        SO,
        "end",
    ),
    "items that only end": (
        [item("output_item.done", item=SAID), item("output_item.done", item=CALLED), END],
        (*SO, ADD1),
        "tool_calls",
    ),
    "no ids of items": (
        [
            item("output_item.added", output_index=0, item={**SAID, "content": []}),
            item("output_text.delta", output_index=0, delta="So"),
            item("output_item.done", output_index=0, item=SAID),
            item("output_item.added", output_index=1, item={**CALLED, "arguments": ""}),
            item("function_call_arguments.delta", output_index=1, delta=X1[:4]),
            item("function_call_arguments.delta", output_index=1, delta=X1[4:]),
            item("output_item.done", output_index=1, item=CALLED),
            END,
        ],
        (*SO, ADD1),
        "tool_calls",
    ),
    "another id of an item with every event": (
        [
            item("output_item.added", output_index=0, item={"id": "a", **CALLED, "arguments": ""}),
            item("function_call_arguments.delta", item_id="b", output_index=0, delta=X1[:4]),
            item("function_call_arguments.delta", item_id="c", output_index=0, delta=X1[4:]),
            item("output_item.done", output_index=0, item={"id": "d", **CALLED}),
            END,
        ],
        (ADD1,),
        "tool_calls",
    ),
    "every event numbered nought": (
        [
            {**event, "sequence_number": 0}
            for event in (
                item("output_text.delta", item_id="m", delta="S"),
                item("output_text.delta", item_id="m", delta="o"),
                item("output_item.done", item={"id": "m", **SAID}),
                END,
            )
        ],
        SO,
        "end",
    ),
    "a refusal that comes whole": (
        [
            item(
                "output_item.done",
                item={"type": "message", "content": [{"type": "refusal", "refusal": "No."}]},
            ),
            END,
        ],
        (Text(text="No."),),
        "filtered",
    ),
    "a refusal in pieces and whole": (
        [
            item("refusal.delta", item_id="m", delta="No."),
            item(
                "output_item.done",
                item={"id": "m", "type": "message"}
                | {"content": [{"type": "refusal", "refusal": "No."}]},
            ),
            END,
        ],
        (Text(text="No."),),
        "filtered",
    ),
    "arguments as an object": (
        [item("output_item.done", item={**CALLED, "arguments": {"x": 1}}), END],
        (ToolCall(id="c1", name="add", arguments='{"x":1}'),),
        "tool_calls",
    ),
    "text that is said to be null": (
        [
            item("output_text.delta", item_id="m", delta=None),
            item("output_item.done", item={"id": "m", **SAID}),
            END,
        ],
        SO,
        "end",
    ),
    "kinds of events and items that are not known": (
        [
            item("web_search_call.searching", item_id="w"),
            item("output_item.done", item={"id": "w", "type": "web_search_call"}),
            item("output_item.done", item={"id": "m", **SAID}),
            {"kind": "heartbeat"},
            END,
        ],
        SO,
        "end",
    ),
    "thoughts that only come whole": (
        [
            item(
                "output_item.done",
                item={"type": "reasoning", "id": "r", "content": [{"text": "hm"}], "summary": []},
            ),
            item("output_item.done", item={"id": "m", **SAID}),
            END,
        ],
        (Reasoning(text="hm"), *SO),
        "end",
    ),
}


@pytest.mark.parametrize("form", RESPONSES)
async def test_responses_are_read_in_every_form(form: str) -> None:
    bodies, parts, stop = RESPONSES[form]
    async with Loopback(sse(events(*bodies, named=False))) as server:
        deltas, reply = await ask(server, "responses")
    adds_up(deltas, reply)
    assert reply.message.parts == parts
    assert (reply.stop, reply.usage.input_tokens) == (stop, 100)


async def test_a_refusal_in_one_piece_is_one() -> None:
    refusal = {"type": "message", "content": [{"type": "refusal", "refusal": "No."}]}
    body = {"status": "completed", "output": [refusal], "usage": {"input_tokens": 1}}
    async with Loopback(closed(json.dumps(body).encode())) as server:
        deltas, reply = await ask(server, "responses")
    adds_up(deltas, reply)
    assert (reply.message.text, reply.stop) == ("No.", "filtered")


# Messages


def said_by_claude(*each: Any, stop: Any = "end_turn", **end: Any) -> list[dict[str, Any]]:
    lines = blocks(*each, stop=stop, **end).split(b"\n")
    return [json.loads(line[6:]) for line in lines if line.startswith(b"data: ")]


def without_nothing(bodies: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """As some send it: what the service itself would say as empty is null."""
    for body in bodies:
        if body["type"] == "content_block_start":
            body["content_block"] = {
                k: v if v not in ("", {}) else None for k, v in body["content_block"].items()
            }
    return bodies


CLAUDES: Mapping[str, tuple[list[dict[str, Any]], tuple[Any, ...], str]] = {
    "null where nothing is": (
        without_nothing(said_by_claude(text_block("So"), tool_block("c1", "add", X1))),
        (*SO, ADD1),
        "tool_calls",
    ),
    "null in a delta": (
        said_by_claude(
            [*text_block("So"), {"type": "text_delta", "text": None}],
            [*tool_block("c1", "add", X1), {"type": "input_json_delta", "partial_json": None}],
        ),
        (*SO, ADD1),
        "tool_calls",
    ),
    "whole blocks that only begin": (
        said_by_claude(
            [{"type": "text", "text": "So"}],
            [{"type": "tool_use", "id": "c1", "name": "add", "input": {"x": 1}}],
        ),
        (*SO, ToolCall(id="c1", name="add", arguments='{"x":1}')),
        "tool_calls",
    ),
    "arguments as a text": (
        said_by_claude([{"type": "tool_use", "id": "c1", "name": "add", "input": X1}]),
        (ADD1,),
        "tool_calls",
    ),
    "no id of a call": (
        said_by_claude([{"type": "tool_use", "name": "add", "input": {}}]),
        (ToolCall(id="call_1_0", name="add", arguments="{}"),),
        "tool_calls",
    ),
    "two calls with one id": (
        said_by_claude(tool_block("c1", "add", X1), tool_block("c1", "add", X1)),
        (ADD1, ToolCall(id="c1_2", name="add", arguments=X1)),
        "tool_calls",
    ),
    "the reason after an end without one": (
        [
            *said_by_claude(text_block("So"), stop=None)[:-1],
            {"type": "message_delta", "delta": None, "usage": None},
            {"type": "message_delta", "delta": {"stop_reason": "max_tokens"}},
        ],
        SO,
        "length",
    ),
    "no end but the reason": (said_by_claude(text_block("So"))[:-1], SO, "end"),
    "kinds of blocks and deltas that are not known": (
        said_by_claude(
            [{"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}],
            [*text_block("So"), {"type": "citations_delta", "citation": {}}],
        ),
        SO,
        "end",
    ),
    "an event without a type": ([{"ok": True}, *said_by_claude(text_block("So"))], SO, "end"),
}


@pytest.mark.parametrize("form", CLAUDES)
async def test_messages_are_read_in_every_form(form: str) -> None:
    bodies, parts, stop = CLAUDES[form]
    async with Loopback(sse(events(*bodies))) as server:
        deltas, reply = await ask(server, "anthropic")
    adds_up(deltas, reply)
    assert reply.message.parts == parts
    assert (reply.stop, reply.usage.input_tokens) == (stop, 100)


# What fails in the middle of a stream is told as what it is

SORRY = "The engine ran out of steam."
FAILURES: Mapping[str, tuple[Any, type[AgentLabError]]] = {
    "an error": ({"error": {"message": SORRY, "type": "server_error"}}, ServiceUnavailable),
    "an error in a list": ([{"error": {"message": SORRY, "code": 503}}], ServiceUnavailable),
    "a text": ({"error": SORRY}, ServiceUnavailable),
    "a text and a code": ({"error": SORRY, "code": 429}, RateLimited),
    "an object called error": ({"object": "error", "message": SORRY, "code": 400}, BadRequest),
    "a message alone": ({"message": SORRY, "code": "429"}, RateLimited),
    "a detail": ({"detail": SORRY}, ServiceUnavailable),
    "a status and a message": ({"statusCode": 429, "message": SORRY}, RateLimited),
    "a choice that failed": (
        {"choices": [{"error": {"code": 429, "message": SORRY}, "finish_reason": "error"}]},
        RateLimited,
    ),
    "a choice that failed, and says so above": (
        {"error": {"code": 502, "message": SORRY}, "choices": [{"finish_reason": "error"}]},
        ServiceUnavailable,
    ),
}


@pytest.mark.parametrize("before", [[], [chunk({"content": "So"})]], ids=["first", "later"])
@pytest.mark.parametrize("form", FAILURES)
async def test_a_failure_in_a_stream_says_what_the_service_says(form: str, before: Any) -> None:
    body, kind = FAILURES[form]
    async with Loopback(sse(events(*before, body) + DONE)) as server:
        with pytest.raises(kind, match=SORRY):
            await ask(server)


@pytest.mark.parametrize("form", FAILURES)
async def test_a_failure_in_one_piece_says_what_the_service_says(form: str) -> None:
    body, kind = FAILURES[form]
    async with Loopback(closed(json.dumps(body).encode())) as server:
        with pytest.raises(kind, match=SORRY):
            await ask(server)


@pytest.mark.parametrize("content_type", ["text/plain", "text/event-stream"])
async def test_a_failure_without_json_says_what_the_service_says(content_type: str) -> None:
    body = events(chunk({"content": "So"})) + b"event: error\ndata: " + SORRY.encode() + b"\n\n"
    async with Loopback(sse(body)) as server:
        with pytest.raises(StreamBroken, match=SORRY):
            await ask(server)


@pytest.mark.parametrize(
    ("protocol", "bodies"),
    [
        ("chat", [chunk({"content": "So"})]),
        ("anthropic", said_by_claude(text_block("So"), stop=None)),
    ],
)
async def test_an_end_without_a_reason_counts_where_the_services_file_says_so(
    protocol: str, bodies: Any, tmp_path: Any
) -> None:
    async with Loopback(sse(events(*bodies) + DONE)) as server:
        with pytest.raises(StreamBroken, match=re.escape('stops = { "" = "end" }')):
            await ask(server, protocol)
        path = "" if protocol == "anthropic" else "/v1"
        file = tmp_path / "services.toml"
        file.write_text(
            f'[services.mine]\nprotocol = "{protocol}"\nbase_url = "{server.url}{path}"\n'
            'stops = { "" = "end" }'
        )
        backend = connect("mine:m", services=file)
        *_, reply = [item async for item in backend.stream(HI)]
        await backend.aclose()
    assert isinstance(reply, Reply)
    assert (reply.message.text, reply.stop) == ("So", "end")


@pytest.mark.parametrize("cut", [1, 9, 30])
async def test_a_stream_without_its_end_mark_is_still_a_stream_that_broke(cut: int) -> None:
    async with Loopback(sse(events(chunk({"content": "So"}), chunk({}, "stop"))[:-cut])) as server:
        if cut == 1:  # only a line end is gone
            assert (await ask(server))[1].message.text == "So"
        else:
            with pytest.raises(StreamBroken, match="broke off"):
                await ask(server)


@pytest.mark.parametrize("lost", [1, 9, 40])
async def test_a_compressed_stream_that_is_cut_is_no_answer(lost: int) -> None:
    body = gzip.compress(events(chunk({"content": "So"}), chunk({"content": "!" * 99}, "stop")))
    async with Loopback(closed(body[:-lost], "1.1", content_encoding="gzip")) as server:
        try:
            _, reply = await ask(server)
        except StreamBroken:
            return
        assert reply.message.text == "So" + "!" * 99  # only the check sum was cut


async def test_a_compression_nobody_asked_for_is_named() -> None:
    async with Loopback(closed(b"\x8b\x02\x80data", "1.1", content_encoding="x-snappy")) as server:
        with pytest.raises(StreamBroken, match="x-snappy"):
            await ask(server)


# Settings that are passed over


@pytest.mark.parametrize("size", [1, 2, 100])
@pytest.mark.parametrize(
    ("said", "kept", "stop"),
    [
        ("One two END three", "One two ", "stop_sequence"),
        ("One two\n\nEN", "One two\n\nEN", "end"),
        ("One two STOP", "One two ", "stop_sequence"),
        ("ENDless", "", "stop_sequence"),
        ("EEND", "E", "stop_sequence"),
        ("One two", "One two", "end"),
    ],
)
@pytest.mark.parametrize("protocol", ["chat", "anthropic"])
async def test_a_stop_sequence_holds_where_a_service_passes_over_it(
    protocol: str, said: str, kept: str, stop: str, size: int
) -> None:
    pieces = [said[i : i + size] for i in range(0, len(said), size)]
    spoken = {
        "chat": events(*(chunk({"content": p}) for p in pieces), chunk({}, "stop")) + DONE,
        "anthropic": events(*said_by_claude(text_block(*pieces))),
    }
    async with Loopback(sse(spoken[protocol])) as server:
        deltas, reply = await ask(server, protocol, Settings(stop=("END", "STOP")))
        body = server.requests[0].json
    assert body.get("stop", body.get("stop_sequences")) == ["END", "STOP"]
    adds_up(deltas, reply)
    assert (reply.message.text, reply.stop) == (kept, stop)


async def test_what_comes_after_a_stop_sequence_is_left_out_whole() -> None:
    more = [chunk({"reasoning": "hm"}), *tool([call("add", X1, index=0, id="c1")])]
    async with Loopback(sse(events(chunk({"content": "a END b"}), *more) + DONE)) as server:
        deltas, reply = await ask(server, settings=Settings(stop=("END",)))
    adds_up(deltas, reply)
    assert not [d for d in deltas if isinstance(d, ToolCallDelta)]
    assert (reply.message.parts, reply.stop) == ((Text(text="a "),), "stop_sequence")


async def test_text_that_may_be_a_stop_is_kept_in_its_place_before_a_call() -> None:
    more = tool([call("add", X1, index=0, id="c1")])
    async with Loopback(sse(events(chunk({"content": "a EN"}), *more) + DONE)) as server:
        deltas, reply = await ask(server, settings=Settings(stop=("END",)))
    adds_up(deltas, reply)
    assert reply.message.parts == (Text(text="a EN"), ADD1)


@pytest.mark.parametrize(
    "told",
    [
        {"content": [{"token": "So", "logprob": -0.5, "top_logprobs": []}]},
        {"tokens": ["So"], "token_logprobs": [-0.5], "top_logprobs": [{"So": -0.5}]},
        {"tokens": ["So"], "token_logprobs": [-0.5]},
    ],
)
async def test_log_probabilities_are_read_in_both_shapes(told: Any) -> None:
    choice = {"index": 0, "delta": {"content": "So"}, "logprobs": told, "finish_reason": "stop"}
    async with Loopback(sse(events({"choices": [choice]}) + DONE)) as server:
        _, reply = await ask(server, settings=Settings(logprobs=1))
    assert [(t.text, t.logprob) for t in reply.tokens] == [("So", -0.5)]
