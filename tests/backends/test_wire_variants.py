"""One answer, in the many forms in which services that mean it well send it.

Each form goes over a real connection, in pieces of several sizes. It is read as what it says, in
one request; nothing of it is lost, doubled or passed off as something else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from loopback import Loopback, events, pieces_of, sse
from recorded import DONE, chunk, response, text_block, tool_block
from wire import ADD1, SO, X1, adds_up, ask, call, closed, said_by_claude, tool

from agentlab.messages import Reasoning, Text, ToolCall

# How an event of Chat Completions says it


WHOLE = {"role": "assistant", "content": "So"}
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
