"""LangChain's messages as ours, and our replies as theirs."""

from __future__ import annotations

import base64
from typing import Any

import pytest

pytest.importorskip("langchain_core", reason="langchain-core is not installed")

from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from said import THOUGHT

from agentlab.backend import Reply
from agentlab.backends.scripted import Scripted
from agentlab.errors import ConfigError
from agentlab.frameworks.langchain import chat_model
from agentlab.frameworks.langchain.messages import to_ours
from agentlab.messages import Audio, Blob, Image, Message, Reasoning, ToolCall, ToolResult

PNG = b"\x89PNG\r\n\x1a\n"
B64 = base64.b64encode(PNG).decode()


def test_a_conversation_with_calls_and_results_becomes_ours():
    ours = to_ours(
        [
            SystemMessage("Be brief."),
            SystemMessage("Be kind."),
            HumanMessage("1 + 2, and 3 + 4?"),
            AIMessage(
                "Let me see.",
                tool_calls=[
                    {"name": "add", "args": {"a": 1, "b": 2}, "id": "x"},
                    {"name": "add", "args": {"a": 3, "b": 4}, "id": None},
                ],
                invalid_tool_calls=[{"name": "add", "args": '{"a": 5', "id": "z", "error": "cut"}],
            ),
            ToolMessage("3", tool_call_id="x"),
            ToolMessage([{"type": "text", "text": "no "}, "b"], tool_call_id="z", status="error"),
            HumanMessage("Go on.", name="ada"),
        ]
    )
    assert ours == (
        Message.system("Be brief.\n\nBe kind."),
        Message.user("1 + 2, and 3 + 4?"),
        Message.assistant(
            "Let me see.",
            ToolCall(id="x", name="add", arguments='{"a":1,"b":2}'),
            ToolCall(id="call_2", name="add", arguments='{"a":3,"b":4}'),
            ToolCall(id="z", name="add", arguments='{"a": 5'),
        ),
        Message.results(
            [
                ToolResult(call_id="x", content="3"),
                ToolResult(call_id="z", content="no b", error="tool_error"),
            ]
        ),
        Message.user("Go on."),
    )


@pytest.mark.parametrize(
    "block",
    [
        {"type": "image", "base64": B64, "mime_type": "image/png"},
        {"type": "image", "source_type": "base64", "data": B64, "mime_type": "image/png"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{B64}"}},
        {
            "type": "image",
            "source": {"type": "base64", "media_type": "image/png", "data": B64},
        },
    ],
    ids=["standard", "older", "as OpenAI has it", "as Anthropic has it"],
)
def test_a_picture_arrives_as_its_bytes_however_it_is_written(block: dict[str, Any]):
    (ours,) = to_ours([HumanMessage([{"type": "text", "text": "What is it?"}, block])])
    assert ours.parts[1] == Image(media_type="image/png", blob=Blob.of(PNG))


def test_a_sound_arrives_as_its_bytes():
    (ours,) = to_ours([HumanMessage([{"type": "audio", "base64": B64, "mime_type": "audio/mp3"}])])
    assert ours.parts == (Audio(media_type="audio/mp3", blob=Blob.of(PNG)),)


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (HumanMessage([{"type": "image", "url": "https://x.org/a.png"}]), "https://x.org/a.png"),
        (HumanMessage([{"type": "image", "file_id": "f1"}]), "service's own store"),
        (HumanMessage([{"type": "image", "base64": "?", "mime_type": "image/png"}]), "image/png"),
        (HumanMessage([{"type": "file", "base64": B64, "mime_type": "application/pdf"}]), "'file'"),
        (ToolMessage([{"type": "image", "base64": B64}], tool_call_id="x"), "tool's result"),
        (FunctionMessage(content="3", name="add"), "FunctionMessage"),
        (ChatMessage(content="hi", role="narrator"), "ChatMessage"),
    ],
)
def test_what_has_no_place_is_refused_in_one_line(message: BaseMessage, why: str):
    with pytest.raises(ConfigError, match=why) as refused:
        to_ours([message])
    assert "\n" not in str(refused.value)


def test_roles_by_name_are_known():
    ours = to_ours(
        [ChatMessage(content="Be brief.", role="system"), ChatMessage(content="hi", role="user")]
    )
    assert ours == (Message.system("Be brief."), Message.user("hi"))


def whole(reply: Reply) -> AIMessage:
    return chat_model(Scripted([reply])).invoke("?")


def streamed(reply: Reply) -> AIMessage:
    full: AIMessageChunk | None = None
    for chunk in chat_model(Scripted([reply])).stream("?"):
        full = chunk if full is None else full + chunk
    assert full is not None
    return full


@pytest.mark.parametrize("answer", [whole, streamed])
@pytest.mark.parametrize(
    "said",
    [
        Message.assistant("Two words."),
        THOUGHT.message,
        Message.assistant(Reasoning(text="hm"), "yes"),
        Message.assistant(ToolCall(id="c", name="add", arguments="[1]")),
        Message.assistant("No thought", Reasoning(text="then one", signature="s"), "and words"),
    ],
    ids=lambda said: "+".join(part.kind for part in said.parts),
)
def test_what_a_model_said_comes_back_as_it_was(answer: Any, said: Message):
    message = answer(Reply(message=said))
    (back,) = to_ours([message])
    assert back.text == said.text
    assert [p for p in back.parts if p.kind == "reasoning"] == [
        p for p in said.parts if p.kind == "reasoning"
    ]
    wanted = [(c.id, c.name, c.arguments.replace(" ", "")) for c in said.tool_calls]
    assert [(c.id, c.name, c.arguments.replace(" ", "")) for c in back.tool_calls] == wanted


def test_a_call_that_was_cut_off_is_invalid_in_a_whole_reply_and_told_by_a_streamed_one():
    call = ToolCall(id="c", name="add", arguments='{"a": 1, "b"')
    cut = Reply(message=Message.assistant(call), stop="length")
    assert to_ours([whole(cut)]) == (cut.message,)
    # LangChain mends what it is streamed: {"a": 1}
    assert streamed(cut).response_metadata["finish_reason"] == "length"


@pytest.mark.parametrize("answer", [whole, streamed])
def test_a_reply_says_what_it_cost_and_how_it_ended(answer: Any):
    message = answer(THOUGHT)
    assert message.usage_metadata == {
        "input_tokens": 12,
        "output_tokens": 7,
        "total_tokens": 19,
        "input_token_details": {"cache_read": 5},
    }
    assert message.response_metadata["model_name"] == "scripted"
    assert message.response_metadata["finish_reason"] == "tool_calls"
    assert message.response_metadata["cost"] == 0.25
    assert [call["args"] for call in message.tool_calls] == [{"a": 1, "b": 2}, {"a": 3, "b": 4}]
    assert [block["type"] for block in message.content_blocks][:2] == ["reasoning", "text"]


@pytest.mark.parametrize("answer", [whole, streamed])
def test_arguments_that_are_no_json_are_an_invalid_call(answer: Any):
    call = ToolCall(id="c", name="add", arguments='[1, "x"')
    message = answer(Reply(message=Message.assistant(call)))
    assert message.tool_calls == []
    assert message.invalid_tool_calls[0]["args"] == '[1, "x"'
