"""The requests that hosted backends send, field by field."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from loopback import Loopback, sse, status
from recorded import PROTOCOLS, blocks, chunk, events, text_block, thinking_block

from agentlab.backend import Backend, Reply, Settings, ToolSpec
from agentlab.backends import connect
from agentlab.errors import ConfigError
from agentlab.messages import (
    Audio,
    Blob,
    Image,
    Message,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
)

MODELS = {"chat": "openai:gpt-5", "responses": "openai:gpt-5", "anthropic": "anthropic:claude-x"}
PATHS = {"chat": "/v1/chat/completions", "responses": "/v1/responses", "anthropic": "/v1/messages"}
PARAMETERS = {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]}
ADD = ToolSpec(name="add", description="Add.", parameters=PARAMETERS)
SUB = ToolSpec(name="sub", description="Subtract.", parameters=PARAMETERS)
PIXEL = Image(media_type="image/png", blob=Blob.of(b"\x89PNG"))
BEEP = Audio(media_type="audio/wav", blob=Blob.of(b"RIFF"))
EPHEMERAL = {"type": "ephemeral"}
CITY = {
    "title": "City of the answer",
    "type": "object",
    "properties": {"name": {"type": "string"}, "people": {"type": "integer"}},
    "required": ["name", "people"],
}
protocols = pytest.mark.parametrize("protocol", PROTOCOLS)


def backend_for(protocol: str, server: Loopback, name: str = "", **options: Any) -> Backend:
    url = server.url if protocol == "anthropic" else f"{server.url}/v1"
    return connect(
        name or MODELS[protocol], base_url=url, api_key="sk-test", protocol=protocol, **options
    )


async def sent(
    protocol: str, *messages: Message, name: str = "", options: Any = None, **request: Any
) -> Any:
    async with Loopback(sse(PROTOCOLS[protocol]["text"])) as server:
        backend = backend_for(protocol, server, name, **(options or {}))
        async for _ in backend.stream(messages or [Message.user("Hi")], **request):
            pass
        await backend.aclose()
    (asked,) = server.requests
    assert asked.method == "POST"
    assert asked.path == PATHS[protocol]
    assert asked.headers["content-type"] == "application/json"
    assert asked.headers["authorization"] == "Bearer sk-test"
    return asked.json


async def test_a_chat_request_is_no_more_than_it_needs_to_be() -> None:
    assert await sent("chat", Message.system("Be brief."), Message.user("Hi")) == {
        "model": "gpt-5",
        "stream": True,
        "stream_options": {"include_usage": True},
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hi"},
        ],
    }


async def test_a_responses_request_stores_nothing_and_asks_for_the_reasoning() -> None:
    assert await sent("responses", Message.system("Be brief."), Message.user("Hi")) == {
        "model": "gpt-5",
        "stream": True,
        "store": False,
        "include": ["reasoning.encrypted_content"],
        "input": [
            {"type": "message", "role": "system", "content": "Be brief."},
            {"type": "message", "role": "user", "content": "Hi"},
        ],
    }


async def test_a_messages_request_has_a_bound_and_its_instructions_apart() -> None:
    assert await sent("anthropic", Message.system("Be brief."), Message.user("Hi")) == {
        "model": "claude-x",
        "stream": True,
        "max_tokens": 16_384,
        "system": [{"type": "text", "text": "Be brief.", "cache_control": EPHEMERAL}],
        "messages": [
            {
                "role": "user",
                "content": [{"type": "text", "text": "Hi", "cache_control": EPHEMERAL}],
            }
        ],
    }


HISTORY = (
    Message.user("Add 1 and 2, and 3."),
    Message.assistant(
        "Both.",
        ToolCall(id="a", name="add", arguments='{"x":1}'),
        "And:",
        ToolCall(id="b", name="add", arguments='{"x":'),
    ),
    Message.results(
        [
            ToolResult(call_id="a", content="3"),
            ToolResult(call_id="b", content="bad JSON", error="bad_arguments"),
        ]
    ),
)


async def test_calls_and_results_go_back_over_chat() -> None:
    body = await sent("chat", *HISTORY, tools=[ADD])
    assert body["tools"] == [
        {
            "type": "function",
            "function": {"name": "add", "description": "Add.", "parameters": PARAMETERS},
        }
    ]
    assert body["messages"][1:] == [
        {
            "role": "assistant",
            "content": "Both.And:",
            "tool_calls": [
                {
                    "id": "a",
                    "type": "function",
                    "function": {"name": "add", "arguments": '{"x":1}'},
                },
                {
                    "id": "b",
                    "type": "function",
                    "function": {"name": "add", "arguments": '{"malformed":"{\\"x\\":"}'},
                },
            ],
        },
        {"role": "tool", "tool_call_id": "a", "content": "3"},
        {"role": "tool", "tool_call_id": "b", "content": "bad JSON"},
    ]


async def test_calls_and_results_go_back_over_responses() -> None:
    body = await sent("responses", *HISTORY, tools=[ADD])
    assert body["tools"] == [
        {
            "type": "function",
            "name": "add",
            "description": "Add.",
            "parameters": PARAMETERS,
            "strict": False,
        }
    ]

    def said(text: str) -> dict[str, Any]:
        content = [{"type": "output_text", "text": text, "annotations": []}]
        return {"type": "message", "role": "assistant", "content": content}

    assert body["input"][1:] == [
        said("Both."),
        {"type": "function_call", "call_id": "a", "name": "add", "arguments": '{"x":1}'},
        said("And:"),
        {
            "type": "function_call",
            "call_id": "b",
            "name": "add",
            "arguments": '{"malformed":"{\\"x\\":"}',
        },
        {"type": "function_call_output", "call_id": "a", "output": "3"},
        {"type": "function_call_output", "call_id": "b", "output": "bad JSON"},
    ]


async def test_calls_and_results_go_back_over_messages() -> None:
    body = await sent("anthropic", *HISTORY, tools=[ADD])
    assert body["tools"] == [
        {
            "name": "add",
            "description": "Add.",
            "input_schema": PARAMETERS,
            "cache_control": EPHEMERAL,
        }
    ]
    assert body["messages"][1:] == [
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "Both."},
                {"type": "tool_use", "id": "a", "name": "add", "input": {"x": 1}},
                {"type": "text", "text": "And:"},
                {"type": "tool_use", "id": "b", "name": "add", "input": {"malformed": '{"x":'}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "a", "content": "3"},
                {
                    "type": "tool_result",
                    "tool_use_id": "b",
                    "content": "bad JSON",
                    "is_error": True,
                    "cache_control": EPHEMERAL,
                },
            ],
        },
    ]


def marks(body: Any) -> list[int]:
    """Which messages end in a cache mark."""
    return [
        place
        for place, message in enumerate(body["messages"])
        if "cache_control" in message["content"][-1]
    ]


async def test_each_step_marks_the_place_the_step_before_wrote_to_the_cache() -> None:
    messages = [Message.system("Be brief."), Message.user("Go.")]
    async with Loopback(sse(PROTOCOLS["anthropic"]["text"])) as server:
        backend = backend_for("anthropic", server)
        for step in range(4):
            async for _ in backend.stream(messages, tools=[ADD, SUB]):
                pass
            calls = [ToolCall(id=f"{step}.{n}", name="add", arguments='{"x":1}') for n in range(15)]
            messages += [
                Message.assistant(*calls),
                Message.results(ToolResult(call_id=call.id, content="1") for call in calls),
            ]
        await backend.aclose()
    bodies = [request.json for request in server.requests]
    assert [marks(body) for body in bodies] == [[0], [0, 2], [2, 4], [4, 6]]
    for body in bodies:
        # the service allows four marks, and takes tools, instructions and turns in this order
        assert json.dumps(body).count("cache_control") == 2 + len(marks(body))
        assert "cache_control" in body["tools"][-1]
        assert "cache_control" in body["system"][-1]
    before, after = bodies[-2]["messages"], bodies[-1]["messages"]

    def plain(messages: Any) -> Any:
        return json.loads(
            json.dumps(messages).replace(', "cache_control": {"type": "ephemeral"}', "")
        )

    assert plain(after[: len(before)]) == plain(before)


async def test_pictures_go_along_in_each_protocols_way() -> None:
    data = base64.b64encode(b"\x89PNG").decode()
    message = Message.user("What is this?", PIXEL)
    chat = await sent("chat", message)
    assert chat["messages"][0]["content"] == [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}},
    ]
    responses = await sent("responses", message)
    assert responses["input"][0]["content"] == [
        {"type": "input_text", "text": "What is this?"},
        {"type": "input_image", "image_url": f"data:image/png;base64,{data}", "detail": "auto"},
    ]
    messages = await sent("anthropic", message)
    assert messages["messages"][0]["content"][1] == {
        "type": "image",
        "source": {"type": "base64", "media_type": "image/png", "data": data},
        "cache_control": EPHEMERAL,
    }


async def test_sound_goes_along_where_the_protocol_takes_it() -> None:
    body = await sent("chat", Message.user("Listen.", BEEP))
    assert body["messages"][0]["content"][1] == {
        "type": "input_audio",
        "input_audio": {"data": base64.b64encode(b"RIFF").decode(), "format": "wav"},
    }
    for protocol in ("responses", "anthropic"):
        with pytest.raises(ConfigError, match="takes no audio"):
            await sent(protocol, Message.user("Listen.", BEEP))


SAMPLERS = Settings(
    temperature=0.5, top_p=0.9, max_tokens=99, stop=("END",), seed=7, parallel_tool_calls=False
)


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("openai:m", {"temperature": 0.5, "max_completion_tokens": 99, "seed": 7, "stop": ["END"]}),
        ("mistral:m", {"temperature": 0.5, "max_tokens": 99, "random_seed": 7, "stop": ["END"]}),
        ("vllm:m", {"top_p": 0.9, "max_tokens": 99, "seed": 7, "parallel_tool_calls": False}),
    ],
)
async def test_settings_are_called_what_the_service_calls_them(
    name: str, fields: dict[str, Any]
) -> None:
    body = await sent("chat", name=name, settings=SAMPLERS, tools=[ADD])
    assert {key: body.get(key) for key in fields} == fields


@pytest.mark.parametrize(
    ("protocol", "setting"),
    [
        ("chat", {"top_k": 5}),
        ("chat", {"min_p": 0.1}),
        ("chat", {"repeat_penalty": 1.1}),
        ("responses", {"seed": 1}),
        ("responses", {"stop": ("END",)}),
        ("responses", {"logprobs": 3}),
        ("anthropic", {"temperature": 0.0}),
        ("anthropic", {"seed": 1}),
        ("anthropic", {"logprobs": 3}),
    ],
)
async def test_a_setting_the_service_lacks_is_refused_by_name(
    protocol: str, setting: dict[str, Any]
) -> None:
    with pytest.raises(ConfigError, match=next(iter(setting))):
        await sent(protocol, settings=Settings(**setting))


@pytest.mark.parametrize(
    ("choice", "chat", "responses", "anthropic"),
    [
        ("auto", None, None, None),
        ("none", "none", "none", {"type": "none"}),
        ("required", "required", "required", {"type": "any"}),
        (
            "add",
            {"type": "function", "function": {"name": "add"}},
            {"type": "function", "name": "add"},
            {"type": "tool", "name": "add"},
        ),
    ],
)
async def test_tool_choice(choice: str, chat: Any, responses: Any, anthropic: Any) -> None:
    expected = {"chat": chat, "responses": responses, "anthropic": anthropic}
    for protocol, field in expected.items():
        body = await sent(protocol, tools=[ADD], settings=Settings(tool_choice=choice))
        assert body.get("tool_choice") == field


@protocols
async def test_a_tool_choice_that_cannot_be_met_is_refused(protocol: str) -> None:
    for tools, choice in (([], "required"), ([ADD], "sub")):
        with pytest.raises(ConfigError, match="can't be met"):
            await sent(protocol, tools=tools, settings=Settings(tool_choice=choice))


async def test_one_call_at_a_time_is_asked_for_in_messages_own_way() -> None:
    body = await sent("anthropic", tools=[ADD], settings=Settings(parallel_tool_calls=False))
    assert body["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}


async def test_more_fields_and_headers_go_along() -> None:
    async with Loopback(sse(PROTOCOLS["chat"]["text"])) as server:
        backend = backend_for(
            "chat", server, extra={"reasoning_effort": "low"}, headers={"X-Team": "blue"}
        )
        async for _ in backend.stream([Message.user("Hi")]):
            pass
        await backend.aclose()
    assert server.requests[0].json["reasoning_effort"] == "low"
    assert server.requests[0].headers["x-team"] == "blue"


# Typed output


async def test_typed_output_is_asked_of_the_service_itself() -> None:
    closed = {**CITY, "additionalProperties": False}
    chat = await sent("chat", output=CITY)
    assert chat["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "City_of_the_answer", "schema": closed, "strict": True},
    }
    responses = await sent("responses", output=CITY)
    assert responses["text"]["format"] == {
        "type": "json_schema",
        "name": "City_of_the_answer",
        "schema": closed,
        "strict": True,
    }
    messages = await sent("anthropic", output=CITY)
    form = messages["output_config"]["format"]
    assert form["type"] == "json_schema"
    assert form["schema"]["additionalProperties"] is False


async def test_a_schema_too_open_to_be_strict_is_still_sent() -> None:
    loose = {"type": "object", "properties": {"x": {"type": "integer"}}}
    body = await sent("chat", output=loose)
    assert body["response_format"]["json_schema"]["strict"] is False
    assert body["response_format"]["json_schema"]["schema"] == loose


REFUSED = status(400, {"error": {"message": "response_format json_schema is not supported"}})


def answered_by_tool(protocol: str) -> bytes:
    if protocol == "anthropic":
        start = {"type": "tool_use", "id": "t", "name": "final_answer", "input": {}}
        more = {"type": "input_json_delta", "partial_json": '{"name": "Bern"}'}
        return blocks([start, more], stop="tool_use")
    function = {"name": "final_answer", "arguments": '{"name": "Bern"}'}
    call = {"index": 0, "id": "t", "type": "function", "function": function}
    return events(chunk({"tool_calls": [call]}), chunk({}, "tool_calls"))


@pytest.mark.parametrize("protocol", ["chat", "anthropic"])
async def test_a_service_without_typed_output_gives_it_by_way_of_a_tool(protocol: str) -> None:
    async with Loopback(REFUSED, sse(answered_by_tool(protocol))) as server:
        backend = backend_for(protocol, server)
        for _ in range(2):
            said = [item async for item in backend.stream([Message.user("Hi")], output=CITY)]
            reply = said[-1]
            assert isinstance(reply, Reply)
            assert reply.message == Message.assistant('{"name": "Bern"}')
            assert reply.stop == "end"
            assert "".join(delta.text for delta in said[:-1]) == '{"name": "Bern"}'  # type: ignore[union-attr]
        await backend.aclose()
    refused, taken, remembered = (request.json for request in server.requests)
    assert taken == remembered
    assert json.dumps(refused) != json.dumps(taken)
    assert "final_answer" in json.dumps(taken["tools"])
    name = taken["tool_choice"].get("name") or taken["tool_choice"]["function"]["name"]
    assert name == "final_answer"


async def test_without_tools_either_the_schema_stands_in_the_instructions() -> None:
    fenced = events(chunk({"content": "```json\n"}), chunk({"content": '{"name": "Bern"}\n```'}))
    answer = sse(fenced + events(chunk({}, "stop")))
    async with Loopback(REFUSED, REFUSED, answer) as server:
        backend = backend_for("chat", server)
        messages = [Message.system("Be brief."), Message.user("Hi")]
        said = [item async for item in backend.stream(messages, output=CITY)]
        await backend.aclose()
    assert isinstance(said[-1], Reply)
    assert said[-1].message.text == '{"name": "Bern"}'
    assert "".join(delta.text for delta in said[:-1]) == '{"name": "Bern"}'  # type: ignore[union-attr]
    system, user = server.requests[-1].json["messages"]
    assert system["content"].startswith("Be brief.\n\n")
    assert json.dumps(CITY) in system["content"]
    assert user == {"role": "user", "content": "Hi"}


# Reasoning goes back to who made it


async def echoed(protocol: str, answer: bytes, name: str = "", other: str = "") -> tuple[Any, Any]:
    """What is sent after an answer: to the same service, and to another."""
    async with Loopback(sse(answer)) as server:
        same = backend_for(protocol, server, name)
        said = [item async for item in same.stream([Message.user("Hi")])]
        assert isinstance(said[-1], Reply)
        messages = [Message.user("Hi"), said[-1].message, Message.user("Go on.")]
        async for _ in same.stream(messages):
            pass
        stranger = backend_for(protocol, server, other or "vllm:m")
        async for _ in stranger.stream(messages):
            pass
        await same.aclose()
        await stranger.aclose()
    return server.requests[1].json, server.requests[2].json


async def test_signed_and_hidden_thoughts_go_back_to_anthropic_only() -> None:
    answer = blocks(
        thinking_block("SIG", "Let me see."),
        [{"type": "redacted_thinking", "data": "HIDDEN"}],
        text_block("It is 42."),
        stop="end_turn",
    )
    same, other = await echoed("anthropic", answer, other="llama-server:m")
    assert same["messages"][1]["content"] == [
        {"type": "thinking", "thinking": "Let me see.", "signature": "SIG"},
        {"type": "redacted_thinking", "data": "HIDDEN"},
        {"type": "text", "text": "It is 42."},
    ]
    assert other["messages"][1]["content"] == [{"type": "text", "text": "It is 42."}]


async def test_thoughts_that_come_without_words_still_go_back() -> None:
    answer = blocks(thinking_block("SIG"), text_block("It is 42."), stop="end_turn")
    same, _ = await echoed("anthropic", answer)
    first = same["messages"][1]["content"][0]
    assert first == {"type": "thinking", "thinking": "", "signature": "SIG"}


async def test_encrypted_reasoning_goes_back_over_responses() -> None:
    same, other = await echoed("responses", PROTOCOLS["responses"]["reasoning"])
    assert same["input"][1] == {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [{"type": "summary_text", "text": "Let me see."}],
        "encrypted_content": "gAAAAABo=",
    }
    assert [item["type"] for item in other["input"]] == ["message"] * 3


async def test_geminis_thought_signatures_go_back_with_their_calls() -> None:
    extra = {"google": {"thought_signature": "SIG"}}
    function = {"name": "add", "arguments": '{"x":1}'}
    call = {"index": 0, "id": "a", "type": "function", "function": function}
    answer = events(
        chunk({"tool_calls": [{**call, "extra_content": extra}]}), chunk({}, "tool_calls")
    )
    same, other = await echoed("chat", answer, name="gemini:m")
    assert same["messages"][1]["tool_calls"][0]["extra_content"] == extra
    assert "extra_content" not in json.dumps(other)


async def test_openrouters_reasoning_details_go_back_in_one_piece() -> None:
    def detail(**fields: Any) -> dict[str, Any]:
        return chunk({"reasoning_details": [{"index": 0, "type": "reasoning.text", **fields}]})

    answer = events(
        detail(text="Let "), detail(text="me."), detail(signature="SIG"),
        chunk({"content": "42"}), chunk({}, "stop"),
    )  # fmt: skip
    same, _ = await echoed("chat", answer, name="openrouter:m")
    assert same["messages"][1]["reasoning_details"] == [
        {"index": 0, "type": "reasoning.text", "text": "Let me.", "signature": "SIG"}
    ]


async def test_plain_reasoning_goes_back_where_the_server_wants_it() -> None:
    said = Message.assistant(Reasoning(text="Hm."), Text(text="42"))
    messages = (Message.user("Hi"), said, Message.user("Go on."))
    body = await sent("chat", *messages, name="llama-server:m")
    assert body["messages"][1] == {"role": "assistant", "content": "42", "reasoning_content": "Hm."}
    body = await sent("chat", *messages)
    assert body["messages"][1] == {"role": "assistant", "content": "42"}


async def test_a_model_that_does_not_reason_is_asked_again_without() -> None:
    refusal = {"error": {"message": "Encrypted content is not supported with this model."}}
    async with Loopback(status(400, refusal), sse(PROTOCOLS["responses"]["text"])) as server:
        backend = backend_for("responses", server)
        for _ in range(2):
            async for _ in backend.stream([Message.user("Hi")]):
                pass
        await backend.aclose()
    assert ["include" in request.json for request in server.requests] == [True, False, False]


async def test_an_older_server_is_asked_again_without_the_count_of_tokens() -> None:
    refusal = {"error": {"message": "Unknown field: stream_options"}}
    async with Loopback(status(400, refusal), sse(PROTOCOLS["chat"]["text"])) as server:
        backend = backend_for("chat", server)
        for _ in range(2):
            async for _ in backend.stream([Message.user("Hi")]):
                pass
        await backend.aclose()
    assert ["stream_options" in request.json for request in server.requests] == [True, False, False]


async def test_with_tools_an_answer_by_way_of_a_tool_leaves_the_choice_between_them() -> None:
    for choice, sent_choice in (("auto", "required"), ("none", "final_answer")):
        body = await sent(
            "chat",
            tools=[ADD],
            output=CITY,
            options={"output": ("tool",)},
            settings=Settings(tool_choice=choice),
        )
        assert [tool["function"]["name"] for tool in body["tools"]] == ["add", "final_answer"]
        wanted = body["tool_choice"]
        assert (wanted if isinstance(wanted, str) else wanted["function"]["name"]) == sent_choice


async def test_objects_with_unknown_names_are_not_asked_of_messages_itself() -> None:
    counts = {"type": "object", "additionalProperties": {"type": "integer"}}
    body = await sent("anthropic", output=counts)
    assert "output_config" not in body
    assert body["tool_choice"] == {"type": "tool", "name": "final_answer"}
    # the next one goes the best way again
    assert "output_config" in await sent("anthropic", output=CITY)


@protocols
async def test_the_bytes_of_the_past_are_the_same_in_every_step(protocol: str) -> None:
    messages = [Message.system("Be brief."), Message.user("Grüße 🗼")]
    async with Loopback(sse(PROTOCOLS[protocol]["text"])) as server:
        backend = backend_for(protocol, server)
        for _ in range(3):
            async for item in backend.stream(messages, tools=[ADD]):
                if isinstance(item, Reply):
                    messages += [item.message, Message.user("Go on.")]
        await backend.aclose()
    marked = ',"cache_control":{"type":"ephemeral"}'
    bodies = [request.body.decode().replace(marked, "") for request in server.requests]
    # a service's cache works on prefixes: what was sent before is sent again, byte for byte
    assert bodies[1].startswith(bodies[0].removesuffix("]}"))
    assert bodies[2].startswith(bodies[1].removesuffix("]}"))
