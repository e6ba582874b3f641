"""Answers as the services send them, in the documented formats of their streams.

Each protocol has the same five: plain text; reasoning and then text; text, two parallel calls and
text between them; an answer cut off by its length; one withheld.
"""

from __future__ import annotations

from typing import Any

from loopback import events

ADD = '{"x": 1, "y": 2}'
CITY = '{"city": "Zürich"}'


# Chat Completions


def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return {
        "id": "chatcmpl-B9MHDbslfkBeAs8l4bebGdFOJ6PeG",
        "object": "chat.completion.chunk",
        "created": 1741570283,
        "model": "gpt-5-2025-08-07",
        "service_tier": "default",
        "system_fingerprint": "fp_44709d6fcb",
        "choices": [choice],
        "usage": None,
        **more,
    }


def chat_usage(cached: int = 64) -> dict[str, Any]:
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 20,
        "total_tokens": 120,
        "prompt_tokens_details": {"cached_tokens": cached, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    }
    return chunk({}, choices=[], usage=usage)


DONE = b"data: [DONE]\n\n"


def chat_call(index: int, **fields: Any) -> dict[str, Any]:
    return chunk({"tool_calls": [{"index": index, **fields}]})


def chat_begin(index: int, id: str, name: str) -> dict[str, Any]:
    return chat_call(index, id=id, type="function", function={"name": name, "arguments": ""})


def chat_more(index: int, arguments: str) -> dict[str, Any]:
    return chat_call(index, function={"arguments": arguments})


CHAT = {
    "text": events(
        chunk({"role": "assistant", "content": "", "refusal": None}),
        chunk({"content": "Grüße"}),
        chunk({"content": " from 東京 🗼."}),
        chunk({}, "stop"),
        chat_usage(),
    )
    + DONE,
    "reasoning": events(
        chunk({"role": "assistant", "reasoning_content": "Let me"}),
        chunk({"reasoning_content": " see."}),
        chunk({"content": "It is 42."}),
        chunk({}, "stop"),
        chat_usage(),
    )
    + DONE,
    "calls": events(
        chunk({"role": "assistant", "content": "First"}),
        chunk({"content": " this. "}),
        chat_begin(0, "call_a", "add"),
        chat_more(0, ADD[:7]),
        chat_more(0, ADD[7:]),
        chunk({"content": "Then that."}),
        chat_begin(1, "call_b", "weather"),
        chat_more(1, CITY[:12]),
        chat_more(1, CITY[12:]),
        chunk({}, "tool_calls"),
        chat_usage(),
    )
    + DONE,
    "length": events(chunk({"content": "It is"}), chunk({}, "length"), chat_usage()) + DONE,
    "filtered": events(chunk({"content": "I"}), chunk({}, "content_filter"), chat_usage()) + DONE,
}


# Responses


def numbered(*bodies: dict[str, Any]) -> bytes:
    return events(
        *({**body, "sequence_number": i} for i, body in enumerate(bodies)),
        named=True,
    )


def response(kind: str, **fields: Any) -> dict[str, Any]:
    usage = {
        "input_tokens": 100,
        "input_tokens_details": {"cached_tokens": 64},
        "output_tokens": 20,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 120,
    }
    status = kind.removeprefix("response.")
    whole = {"id": "resp_67ccd3a9", "object": "response", "status": status, "model": "gpt-5"}
    return {"type": kind, "response": {**whole, "usage": usage, "output": [], **fields}}


def message_item(id: str, place: int, *pieces: str) -> list[dict[str, Any]]:
    text = "".join(pieces)
    where = {"item_id": id, "output_index": place, "content_index": 0}
    part: dict[str, Any] = {"type": "output_text", "annotations": [], "logprobs": []}
    item: dict[str, Any] = {"id": id, "type": "message", "role": "assistant"}
    return [
        {
            "type": "response.output_item.added",
            "output_index": place,
            "item": {**item, "status": "in_progress", "content": []},
        },
        {"type": "response.content_part.added", **where, "part": {**part, "text": ""}},
        *(
            {"type": "response.output_text.delta", **where, "delta": piece, "logprobs": []}
            for piece in pieces
        ),
        {"type": "response.output_text.done", **where, "text": text, "logprobs": []},
        {"type": "response.content_part.done", **where, "part": {**part, "text": text}},
        {
            "type": "response.output_item.done",
            "output_index": place,
            "item": {**item, "status": "completed", "content": [{**part, "text": text}]},
        },
    ]


def call_item(id: str, place: int, name: str, *pieces: str) -> list[dict[str, Any]]:
    arguments = "".join(pieces)
    where = {"item_id": f"fc_{id}", "output_index": place}
    item = {"id": f"fc_{id}", "type": "function_call", "call_id": id, "name": name}
    return [
        {
            "type": "response.output_item.added",
            "output_index": place,
            "item": {**item, "status": "in_progress", "arguments": ""},
        },
        *(
            {"type": "response.function_call_arguments.delta", **where, "delta": piece}
            for piece in pieces
        ),
        {"type": "response.function_call_arguments.done", **where, "arguments": arguments},
        {
            "type": "response.output_item.done",
            "output_index": place,
            "item": {**item, "status": "completed", "arguments": arguments},
        },
    ]


REASONING_ITEM = {
    "type": "reasoning",
    "id": "rs_1",
    "summary": [{"type": "summary_text", "text": "Let me see."}],
    "encrypted_content": "gAAAAABo=",
}
_THOUGHT = {"item_id": "rs_1", "output_index": 0, "summary_index": 0}
_BEGIN = (response("response.created", usage=None), response("response.in_progress", usage=None))

RESPONSES = {
    "text": numbered(
        *_BEGIN,
        *message_item("msg_1", 0, "Grüße", " from 東京 🗼."),
        response("response.completed"),
    ),
    "reasoning": numbered(
        *_BEGIN,
        {
            "type": "response.output_item.added",
            "output_index": 0,
            "item": {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": ""},
        },
        {
            "type": "response.reasoning_summary_part.added",
            **_THOUGHT,
            "part": {"type": "summary_text", "text": ""},
        },
        {"type": "response.reasoning_summary_text.delta", **_THOUGHT, "delta": "Let me"},
        {"type": "response.reasoning_summary_text.delta", **_THOUGHT, "delta": " see."},
        {"type": "response.reasoning_summary_text.done", **_THOUGHT, "text": "Let me see."},
        {"type": "response.output_item.done", "output_index": 0, "item": REASONING_ITEM},
        *message_item("msg_1", 1, "It is 42."),
        response("response.completed"),
    ),
    "calls": numbered(
        *_BEGIN,
        *message_item("msg_1", 0, "First", " this. "),
        *call_item("call_a", 1, "add", ADD[:7], ADD[7:]),
        *message_item("msg_2", 2, "Then that."),
        *call_item("call_b", 3, "weather", CITY[:12], CITY[12:]),
        response("response.completed"),
    ),
    "length": numbered(
        *_BEGIN,
        *message_item("msg_1", 0, "It is"),
        response("response.incomplete", incomplete_details={"reason": "max_output_tokens"}),
    ),
    "filtered": numbered(
        *_BEGIN,
        *message_item("msg_1", 0, "I"),
        response("response.incomplete", incomplete_details={"reason": "content_filter"}),
    ),
}


# Messages


def blocks(*each: list[dict[str, Any]], stop: str, **delta: Any) -> bytes:
    usage = {
        "input_tokens": 26,
        "cache_creation_input_tokens": 10,
        "cache_read_input_tokens": 64,
        "output_tokens": 1,
        "service_tier": "standard",
    }
    message = {
        "id": "msg_014p7gG3wDgGV9EUtLvnow3U",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5-20250929",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage,
    }
    body: list[dict[str, Any]] = [{"type": "message_start", "message": message}]
    for index, (start, *deltas) in enumerate(each):
        body.append({"type": "content_block_start", "index": index, "content_block": start})
        if index == 0:
            body.append({"type": "ping"})
        body += [{"type": "content_block_delta", "index": index, "delta": d} for d in deltas]
        body.append({"type": "content_block_stop", "index": index})
    end = {"stop_reason": stop, "stop_sequence": None, **delta}
    body.append({"type": "message_delta", "delta": end, "usage": {"output_tokens": 20}})
    body.append({"type": "message_stop"})
    return events(*body, named=True)


def text_block(*pieces: str) -> list[dict[str, Any]]:
    return [{"type": "text", "text": ""}, *({"type": "text_delta", "text": p} for p in pieces)]


def tool_block(id: str, name: str, *pieces: str) -> list[dict[str, Any]]:
    start = {"type": "tool_use", "id": id, "name": name, "input": {}}
    return [start, *({"type": "input_json_delta", "partial_json": p} for p in ("", *pieces))]


def thinking_block(signature: str, *pieces: str) -> list[dict[str, Any]]:
    return [
        {"type": "thinking", "thinking": "", "signature": ""},
        *({"type": "thinking_delta", "thinking": p} for p in pieces),
        {"type": "signature_delta", "signature": signature},
    ]


MESSAGES = {
    "text": blocks(text_block("Grüße", " from 東京 🗼."), stop="end_turn"),
    "reasoning": blocks(
        thinking_block("EqQBCgIYAhIM==", "Let me", " see."),
        text_block("It is 42."),
        stop="end_turn",
    ),
    "calls": blocks(
        text_block("First", " this. "),
        tool_block("call_a", "add", ADD[:7], ADD[7:]),
        text_block("Then that."),
        tool_block("call_b", "weather", CITY[:12], CITY[12:]),
        stop="tool_use",
    ),
    "length": blocks(text_block("It is"), stop="max_tokens"),
    "filtered": blocks(text_block("I"), stop="refusal"),
}

PROTOCOLS = {"chat": CHAT, "responses": RESPONSES, "anthropic": MESSAGES}
