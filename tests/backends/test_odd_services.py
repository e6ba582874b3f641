"""Services that are not quite as their protocol says: nothing is passed off as what it is not."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from pathlib import Path
from typing import Any

import pytest
from loopback import Loopback, events, http_head, sse, status
from recorded import DONE, PROTOCOLS, blocks, chat_call, chunk, text_block

from agentlab.backend import Backend, Delta, Reply, Settings, TextDelta, ToolCallDelta, ToolSpec
from agentlab.backends import connect
from agentlab.backends.folded import fold
from agentlab.backends.limiter import Limiter
from agentlab.backends.retry import RetryPolicy
from agentlab.errors import BackendError, ConfigError, StreamBroken
from agentlab.messages import Message, Reasoning, Text, ToolCall, ToolResult

HI = [Message.user("Hi")]
ONCE = RetryPolicy(attempts=1)
ADD = ToolSpec(name="add", description="Add.", parameters={"type": "object", "properties": {}})
CITY = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}


async def ask(server: Loopback, name: str = "", **request: Any) -> tuple[list[Delta], Reply]:
    backend = opened(server, name)
    try:
        *deltas, reply = [item async for item in backend.stream(HI, **request)]
    finally:
        await backend.aclose()
    assert isinstance(reply, Reply)
    return [item for item in deltas if not isinstance(item, Reply)], reply


def opened(server: Loopback, name: str = "", **options: Any) -> Backend:
    options = {"retry": ONCE, "api_key": "k" * 20, **options}
    if not name:
        return connect(f"{server.url}/v1#m", **options)
    url = server.url if name.startswith("anthropic:") else f"{server.url}/v1"
    return connect(name, base_url=url, **options)


async def answer(*bodies: Any, name: str = "", **request: Any) -> tuple[list[Delta], Reply]:
    async with Loopback(sse(events(*bodies) + DONE)) as server:
        return await ask(server, name, **request)


def said(*pieces: str, finish: str = "stop") -> list[dict[str, Any]]:
    return [*(chunk({"content": piece}) for piece in pieces), chunk({}, finish)]


def text_of(deltas: list[Delta]) -> str:
    return "".join(delta.text for delta in deltas if isinstance(delta, TextDelta))


# Why an answer ended


@pytest.mark.parametrize(
    ("word", "stop"),
    [
        ("MAX_TOKENS", "length"),
        ("STOP", "end"),
        ("eos_token", "end"),
        ("SAFETY", "filtered"),
        ("stop_sequence", "stop_sequence"),
    ],
)
async def test_a_word_for_the_end_counts_in_any_case(word: str, stop: str) -> None:
    assert (await answer(*said("So", finish=word)))[1].stop == stop


@pytest.mark.parametrize(
    "word",
    [
        "error",
        "insufficient_system_resource",
        "function_call_filter: MALFORMED_FUNCTION_CALL",
        "cancelled",
    ],
)
@pytest.mark.parametrize("pieces", [(), ("Step 1: back up. Step 2: del",)])
async def test_an_answer_that_failed_is_no_answer(word: str, pieces: tuple[str, ...]) -> None:
    with pytest.raises(StreamBroken, match=re.escape(word)):
        await answer(*said(*pieces, finish=word))


async def test_a_word_nobody_knows_is_no_end_until_the_services_file_says_so(
    tmp_path: Path,
) -> None:
    with pytest.raises(BackendError, match=re.escape('stops = { "voila" = "end" }')):
        await answer(*said("So", finish="voila"))
    file = tmp_path / "services.toml"
    async with Loopback(sse(events(*said("So", finish="voila")) + DONE)) as server:
        file.write_text(f'[services.mine]\nbase_url = "{server.url}/v1"\nstops = {{voila = "end"}}')
        backend = connect("mine:m", services=file)
        *_, reply = [item async for item in backend.stream(HI)]
        await backend.aclose()
    assert isinstance(reply, Reply)
    assert reply.stop == "end"


async def test_a_stop_reason_of_messages_that_nobody_knows_is_no_end() -> None:
    body = blocks(text_block("So"), stop="compacted")
    async with Loopback(sse(body)) as s:
        with pytest.raises(BackendError, match="compacted"):
            await ask(s, "anthropic:claude-x")


# Thoughts and JSON in the text


@pytest.mark.parametrize("size", [1, 3, 7, 100])
async def test_thoughts_in_the_text_of_a_local_server_are_reasoning(size: int) -> None:
    text = "\n<think>The user wants </thin 42.\n</think>\n\n42 </think>"
    deltas, reply = await answer(*said(*(text[i : i + size] for i in range(0, len(text), size))))
    thought = Reasoning(text="The user wants </thin 42.\n")
    assert reply.message.parts == (thought, Text(text="42 </think>"))
    assert text_of(deltas) == "42 </think>"


@pytest.mark.parametrize("size", [1, 5, 1000])
@pytest.mark.parametrize(
    "text",
    [
        "<thinking>Six times seven.</thinking>\n42.",
        "<thought>\nSix times seven.\n</thought>\n\n42.",
        "<reasoning>Six times seven.</reasoning>42.",
        "<seed:think>Six times seven.</seed:think>\n42.",
        "[THINK]Six times seven.[/THINK]42.",
        "◁think▷Six times seven.◁/think▷42.",
        "<|channel|>analysis<|message|>Six times seven.<|end|>"
        "<|start|>assistant<|channel|>final<|message|>42.<|return|>",
        "<|channel|>analysis<|message|>Six times seven.<|end|>"
        "<|start|>assistant<|channel|>final<|message|>42.",
        "<|channel>thought\nSix times seven.\n<channel|>42.",
        "<unused94>thought\nSix times seven.<unused95>42.",
        "<|START_THINKING|>Six times seven.<|END_THINKING|>\n<|START_RESPONSE|>42.<|END_RESPONSE|>",
        "<|inner_prefix|>Six times seven.<|inner_suffix|>42.",
        "<|begin_of_thought|>\n\nSix times seven.<|end_of_thought|>\n\n"
        "<|begin_of_solution|>42.<|end_of_solution|>",
        "[THINK]Six [/THIN times seven.[/THINK]42.",
        "Six times seven.\n[/THINK]\n42.",
    ],
)
async def test_thoughts_stand_in_the_marks_of_many_families(text: str, size: int) -> None:
    pieces = [text[i : i + size] for i in range(0, len(text), size)]
    deltas, reply = await answer(*said(*pieces))
    thought, final = reply.message.parts
    assert isinstance(thought, Reasoning)
    assert thought.text.strip().replace("[/THIN ", "") == "Six times seven."
    assert final == Text(text="42.")
    if "\n[/" not in text:  # what had no opening mark was shown before it could be told
        assert text_of(deltas) == "42."


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("<|channel|>final<|message|>42", (Text(text="42"),)),
        ("<|channel|>final<|message|>a <|retur", (Text(text="a <|retur"),)),
        ("<thought>hm</thought>\n \n", (Reasoning(text="hm"),)),
        ("<answer>42</answer>", (Text(text="<answer>42</answer>"),)),
        ("<thin", (Text(text="<thin"),)),
        ("<think>never closed", (Reasoning(text="never closed"),)),
        ("It is <think>.</think>", (Text(text="It is <think>.</think>"),)),
        ("Let me see.\n</think>\n\n42", (Reasoning(text="Let me see."), Text(text="42"))),
        ("Write </think> to end.", (Text(text="Write </think> to end."),)),
        ("<think>\n\n</think>\n\n42", (Reasoning(text="\n\n"), Text(text="42"))),
    ],
)
async def test_only_marks_where_thoughts_stand_are_marks(text: str, parts: Any) -> None:
    assert (await answer(*said(text)))[1].message.parts == parts


async def test_a_service_that_reads_its_marks_itself_may_talk_about_them() -> None:
    text = "<think> is a mark."
    assert (await answer(*said(text), name="openai:gpt-5"))[1].message.text == text


@pytest.mark.parametrize("name", ["ollama:m", "openai:gpt-5", "groq:m", ""])
@pytest.mark.parametrize(
    "text",
    [
        '```json\n{"name":"Paris"}\n```',
        'Here it is:\n\n```\n{"name":"Paris"}\n```\nDone.',
        '~~~json\n{"name":"Paris"}',
        '  {"name":"Paris"}  ',
    ],
)
async def test_a_fence_around_typed_output_is_taken_off(name: str, text: str) -> None:
    deltas, reply = await answer(*said(text[:4], text[4:]), name=name, output=CITY)
    assert json.loads(reply.message.text) == {"name": "Paris"}
    assert json.loads(text_of(deltas)) == {"name": "Paris"}


async def test_json_streams_on_as_it_comes() -> None:
    deltas, _ = await answer(*said('{"name":', '"Paris"}'), name="ollama:m", output=CITY)
    assert [d.text for d in deltas if isinstance(d, TextDelta)] == ['{"name":', '"Paris"}']


async def test_a_fence_in_free_text_stays() -> None:
    assert (await answer(*said("```\n1\n```")))[1].message.text == "```\n1\n```"


async def test_a_tool_called_final_answer_is_the_users_own() -> None:
    mine = ToolSpec(name="final_answer", description="Mine.", parameters=CITY)
    call = {"id": "c", "function": {"name": "final_answer", "arguments": "{}"}}
    async with Loopback(
        sse(events(chat_call(0, **call), chunk({}, "tool_calls")) + DONE)
    ) as server:
        backend = opened(server, output=("tool",))
        *_, reply = [i async for i in backend.stream(HI, tools=[mine], output=CITY)]
        await backend.aclose()
    names = [tool["function"]["name"] for tool in server.requests[0].json["tools"]]
    assert names == ["final_answer", "final_answer_2"]
    assert isinstance(reply, Reply)
    assert [c.name for c in reply.message.tool_calls] == ["final_answer"]


# How an answer comes


async def test_half_a_character_in_one_event_and_half_in_the_next() -> None:
    raw = [
        rb'data: {"choices":[{"delta":{"content":"\ud83c"}}]}',
        rb'data: {"choices":[{"delta":{"content":"\udf0d!"}}]}',
        rb'data: {"choices":[{"delta":{"reasoning":"\ud83c"}}]}',
        rb'data: {"choices":[{"delta":{"reasoning":"\udf0d"},"finish_reason":"stop"}]}',
    ]
    async with Loopback(sse(b"\n\n".join([*raw, b""]))) as server:
        deltas, reply = await ask(server)
    assert reply.message.parts == (Text(text="🌍!"), Reasoning(text="🌍"))
    assert text_of(deltas) == "🌍!"


def typed(body: bytes, content_type: str) -> Any:
    async def send(connection: Any) -> None:
        await connection.send(http_head(200, content_type, content_length=len(body)) + body)

    return send


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "application/x-ndjson"])
@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_good_stream_counts_whatever_it_is_called(protocol: str, content_type: str) -> None:
    models = {"chat": "", "responses": "openai:gpt-5-codex", "anthropic": "anthropic:claude-x"}
    async with Loopback(typed(PROTOCOLS[protocol]["text"], content_type)) as server:
        _, reply = await ask(server, models[protocol])
    assert reply.message.text == "Grüße from 東京 🗼."
    assert len(server.requests) == 1


CALL = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"x": 1}'}}
WHOLE: dict[str, tuple[str, dict[str, Any]]] = {
    "chat": (
        "",
        {
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": "So:", "tool_calls": [CALL]},
                    "finish_reason": "tool_calls",
                }
            ],
            "usage": {"prompt_tokens": 5, "completion_tokens": 2},
        },
    ),
    "anthropic": (
        "anthropic:claude-x",
        {
            "type": "message",
            "content": [
                {"type": "text", "text": "So:"},
                {"type": "tool_use", "id": "c1", "name": "add", "input": {"x": 1}},
            ],
            "stop_reason": "tool_use",
            "usage": {"input_tokens": 5, "output_tokens": 2},
        },
    ),
    "responses": (
        "openai:gpt-5-codex",
        {
            "object": "response",
            "status": "completed",
            "output": [
                {
                    "type": "message",
                    "id": "m",
                    "content": [{"type": "output_text", "text": "So:"}],
                },
                {
                    "type": "function_call",
                    "id": "f",
                    "call_id": "c1",
                    "name": "add",
                    "arguments": '{"x": 1}',
                },
            ],
            "usage": {"input_tokens": 5, "output_tokens": 2},
        },
    ),
}


@pytest.mark.parametrize("content_type", ["application/json", "text/event-stream"])
@pytest.mark.parametrize("protocol", WHOLE)
async def test_an_answer_in_one_piece_is_read(protocol: str, content_type: str) -> None:
    name, body = WHOLE[protocol]
    async with Loopback(typed(json.dumps(body).encode(), content_type)) as server:
        deltas, reply = await ask(server, name, tools=[ADD])
    assert reply.message.text == text_of(deltas) == "So:"
    ((call_id, called, arguments),) = [
        (call.id, call.name, json.loads(call.arguments)) for call in reply.message.tool_calls
    ]
    assert (call_id, called, arguments) == ("c1", "add", {"x": 1})
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (5, 2)
    assert reply.stop == "tool_calls"
    assert len(server.requests) == 1


@pytest.mark.parametrize("body", [b"<html>Hi</html>", b"{}", b'{"choices": []}', b"[]", b""])
async def test_what_is_neither_is_a_broken_answer(body: bytes) -> None:
    async with Loopback(typed(body, "text/html")) as server:
        with pytest.raises(StreamBroken):
            await ask(server)


async def test_a_tools_name_in_pieces_is_one_name() -> None:
    deltas, reply = await answer(
        chat_call(0, id="c1", function={"name": "get_", "arguments": ""}),
        chat_call(0, function={"name": "weather", "arguments": ""}),
        chat_call(0, function={"arguments": '{"city":'}),
        chat_call(0, function={"arguments": '"Rome"}'}),
        chat_call(1, id="c2", function={"name": "now", "arguments": ""}),
        chat_call(1, function={"name": "now", "arguments": ""}),  # said again
        chunk({}, "tool_calls"),
    )
    assert [(c.name, c.arguments) for c in reply.message.tool_calls] == [
        ("get_weather", '{"city":"Rome"}'),
        ("now", "{}"),
    ]
    names = {(d.id, d.name) for d in deltas if isinstance(d, ToolCallDelta)}
    assert names == {("c1", "get_weather"), ("c2", "now")}


# Settings of services that a user describes


async def test_log_probabilities_that_do_not_come_are_missed() -> None:
    with pytest.raises(ConfigError, match="sent none: leave logprobs out"):
        await answer(*said("So"), settings=Settings(logprobs=2))


@pytest.mark.parametrize(
    ("protocol", "settings"),
    [
        ("anthropic", Settings(logprobs=2)),
        ("responses", Settings(logprobs=2)),
        ("responses", Settings(stop=("END",))),
        ("anthropic", Settings(seed=1)),
    ],
)
async def test_a_service_like_another_over_another_protocol_drops_no_setting(
    tmp_path: Path, protocol: str, settings: Settings
) -> None:
    file = tmp_path / "services.toml"
    file.write_text(
        f'[services.mine]\nlike = "vllm"\nprotocol = "{protocol}"\nbase_url = "http://localhost:1"'
    )
    backend = connect("mine:m", services=file)
    with pytest.raises(ConfigError, match="take"):
        [item async for item in backend.stream(HI, settings=settings)]


async def test_stop_sequences_go_under_the_name_of_the_protocol(tmp_path: Path) -> None:
    file = tmp_path / "services.toml"
    async with Loopback(sse(PROTOCOLS["anthropic"]["text"])) as server:
        file.write_text(
            f'[services.mine]\nlike = "vllm"\nprotocol = "anthropic"\nbase_url = "{server.url}"'
        )
        backend = connect("mine:m", services=file)
        [item async for item in backend.stream(HI, settings=Settings(stop=("END",)))]
        await backend.aclose()
    assert server.requests[0].json["stop_sequences"] == ["END"]
    assert server.requests[0].json["max_tokens"]


# Histories of other services


def history(*ids: str) -> list[Message]:
    messages = [Message.user("go")]
    for id in ids:
        messages.append(Message.assistant(ToolCall(id=id, name="add", arguments="{}")))
        messages.append(Message.results([ToolResult(call_id=id, content=f"result of {id}")]))
    return [*messages, Message.user("and now?")]


ODD = ["functions.add:0", "call_0", "call_0", "", "日本", "x" * 99, "call_Q1JuaH3v7ZNL4Gk8", "a.b"]


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("anthropic:claude-x", "[a-zA-Z0-9_-]{1,64}"),
        ("mistral:m", "[a-zA-Z0-9]{9}"),
        ("openai:gpt-5", ".{1,40}"),
        ("openai:gpt-5-codex", ".{1,64}"),
    ],
)
async def test_ids_of_other_services_become_ones_that_this_one_takes(
    name: str, pattern: str
) -> None:
    kind = "anthropic" if "claude" in name else "responses" if "codex" in name else "chat"
    bodies = []
    async with Loopback(sse(PROTOCOLS[kind]["text"])) as server:
        backend = opened(server, name)
        messages = history(*ODD)
        for _ in range(2):
            [item async for item in backend.stream(messages)]
            messages = [*messages, Message.assistant("So."), Message.user("And?")]
        await backend.aclose()
    bodies = [json.dumps(r.json) for r in server.requests]
    found: list[tuple[str, str]] = []
    for body in map(json.loads, bodies[:1]):
        found = [*pairs(body)]
    calls = [id for what, id in found if what == "call"]
    results = [id for what, id in found if what == "result"]
    assert len(calls) == len(set(calls)) == len(ODD)
    assert calls == results
    assert all(re.fullmatch(pattern, id) for id in calls)
    # what was sent once is sent the same way again
    assert [*pairs(json.loads(bodies[1]))] == found


def pairs(body: Any) -> Any:
    """Ids of calls and results, in the order in which they stand, whatever the protocol."""
    for item in body.get("input", []):
        if "call_id" in item:
            yield ("call" if item["type"] == "function_call" else "result"), item["call_id"]
    for message in body.get("messages", []):
        for call in message.get("tool_calls") or ():
            yield "call", call["id"]
        if "tool_call_id" in message:
            yield "result", message["tool_call_id"]
        for block in message["content"] if isinstance(message.get("content"), list) else ():
            if block["type"] == "tool_use":
                yield "call", block["id"]
            if block["type"] == "tool_result":
                yield "result", block["tool_use_id"]


async def test_ids_that_fit_stay_and_a_name_that_nothing_can_have_is_made_one() -> None:
    messages = [
        Message.user("go"),
        Message.assistant(ToolCall(id="call_1", name="", arguments="add(")),
        Message.results([ToolResult(call_id="call_1", content="?")]),
    ]
    async with Loopback(sse(PROTOCOLS["chat"]["text"])) as server:
        backend = opened(server, "openai:gpt-5")
        [item async for item in backend.stream(messages)]
        await backend.aclose()
    (call,) = server.requests[0].json["messages"][1]["tool_calls"]
    assert (call["id"], call["function"]["name"]) == ("call_1", "malformed")


# Schemas that are refused at the top


UNION = {
    "type": "object",
    "oneOf": [
        {"properties": {"id": {"type": "integer"}, "v": {"type": "string"}}, "required": ["id"]},
        {"properties": {"name": {"type": "string"}, "v": {"type": "null"}}, "required": ["name"]},
    ],
}


def test_forms_of_an_object_become_one_object_with_all_their_properties() -> None:
    folded, words = fold(UNION)
    assert folded == {
        "type": "object",
        "properties": {
            "id": {"type": "integer"},
            "v": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "name": {"type": "string"},
        },
    }
    assert '"oneOf"' in words


def test_parts_that_all_hold_are_joined_and_references_followed() -> None:
    schema = {
        "$ref": "#/$defs/base",
        "allOf": [{"properties": {"b": {}}, "required": ["b"]}],
        "$defs": {"base": {"type": "object", "properties": {"a": {}}, "required": ["a"]}},
    }
    folded, words = fold(schema)
    assert folded["properties"] == {"a": {}, "b": {}}
    assert sorted(folded["required"]) == ["a", "b"]
    assert words == ""
    plain = {"type": "object", "properties": {"a": {}}, "additionalProperties": False}
    assert fold(plain) == (plain, "")


async def test_a_schema_of_many_forms_reaches_a_service_that_takes_one() -> None:
    tool = ToolSpec(name="find", description="Find.", parameters=UNION)
    async with Loopback(sse(PROTOCOLS["anthropic"]["text"])) as server:
        await ask(server, "anthropic:claude-x", tools=[tool])
    (sent,) = server.requests[0].json["tools"]
    assert not {"oneOf", "anyOf", "allOf"} & sent["input_schema"].keys()
    assert "oneOf" in sent["description"]


async def test_an_address_that_refuses_it_is_asked_again_with_the_schema_folded() -> None:
    tool = ToolSpec(name="find", description="Find.", parameters=UNION)
    no = status(400, {"error": {"message": "schema must not have 'oneOf' at the top level"}})
    async with Loopback(no, sse(PROTOCOLS["chat"]["text"])) as server:
        await ask(server, tools=[tool])
    first, second = (r.json["tools"][0]["function"]["parameters"] for r in server.requests)
    assert "oneOf" in first
    assert "oneOf" not in second


# One limiter, several threads


def test_a_limiter_in_several_threads_lets_everybody_through() -> None:
    limiter = Limiter(concurrent=2)
    lock = threading.Lock()
    under_way = most = done = 0

    async def work() -> None:
        nonlocal under_way, most, done
        await limiter.acquire()
        with lock:
            under_way += 1
            most = max(most, under_way)
        await asyncio.sleep(0.001)
        with lock:
            under_way -= 1
            done += 1
        limiter.release()

    async def many() -> None:
        await asyncio.wait_for(asyncio.gather(*(work() for _ in range(20))), 20)

    threads = [threading.Thread(target=asyncio.run, args=(many(),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (done, most) == (80, 2)


def test_a_turn_does_not_go_to_a_loop_that_is_gone() -> None:
    limiter = Limiter(concurrent=1)
    asyncio.run(limiter.acquire())
    gone = asyncio.new_event_loop()
    task = gone.create_task(limiter.acquire())
    gone.call_soon(gone.stop)
    gone.run_forever()
    gone.close()
    assert not task.done()
    limiter.release()
    asyncio.run(asyncio.wait_for(limiter.acquire(), 5))
    task._log_destroy_pending = False  # type: ignore[attr-defined]
