"""The scripted backend says what it is told to, streams like a model, keeps what it was asked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.backend import (
    Delta,
    ReasoningDelta,
    Reply,
    Settings,
    TextDelta,
    ToolCallDelta,
    ToolSpec,
)
from agentlab.backends.scripted import Scripted
from agentlab.errors import BackendError, ConfigError
from agentlab.messages import Message, Reasoning, Text, ToolCall, ToolResult, Usage

ADD = ToolSpec(name="add", description="Adds.", parameters={"type": "object"})


async def said(
    backend: Scripted, *messages: Message, **options
) -> tuple[list[Delta | Reply], Reply]:
    *deltas, reply = [item async for item in backend.stream(messages, **options)]
    assert isinstance(reply, Reply)
    assert not any(isinstance(delta, Reply) for delta in deltas)
    return deltas, reply


async def test_replies_come_in_the_order_of_the_list():
    backend = Scripted(["one", Message.assistant("two"), Reply(message=Message.assistant("three"))])
    texts = [(await said(backend, Message.user("?")))[1].message.text for _ in range(3)]
    assert texts == ["one", "two", "three"]


async def test_text_streams_word_by_word_and_joins_to_the_reply():
    deltas, reply = await said(Scripted([" Good  morning,\nworld "]), Message.user("?"))
    assert [d.text for d in deltas if isinstance(d, TextDelta)] == [
        " Good",
        "  morning,",
        "\nworld ",
    ]
    assert reply == Reply(
        message=Message.assistant(" Good  morning,\nworld "), usage=Usage(cost=0.0), stop="end"
    )


async def test_a_tool_call_streams_its_name_first_and_stops_for_tools():
    call = ToolCall(id="a", name="add", arguments='{"x": 1, "y": 2}')
    deltas, reply = await said(Scripted([Message.assistant("So:", call)]), Message.user("?"))
    assert deltas[:2] == [TextDelta(text="So:"), ToolCallDelta(id="a", name="add")]
    assert "".join(d.arguments for d in deltas if isinstance(d, ToolCallDelta)) == call.arguments
    assert len(deltas) > 3
    assert reply.stop == "tool_calls"


@given(st.lists(st.one_of(st.builds(Text, text=st.text()), st.builds(Reasoning, text=st.text()))))
async def test_deltas_join_to_the_message_whatever_it_says(parts):
    deltas, reply = await said(Scripted([Message.assistant(*parts)]), Message.user("?"))
    assert "".join(d.text for d in deltas if isinstance(d, TextDelta)) == reply.message.text
    thought = "".join(d.text for d in deltas if isinstance(d, ReasoningDelta))
    assert thought == "".join(p.text for p in parts if isinstance(p, Reasoning))


async def test_a_reply_is_given_as_it_is():
    reply = Reply(message=Message.assistant("x"), usage=Usage(output_tokens=7), stop="length")
    assert (await said(Scripted([reply]), Message.user("?")))[1] is reply


async def test_an_exception_in_the_list_is_raised_and_the_script_goes_on():
    backend = Scripted([BackendError("down"), "up"])
    with pytest.raises(BackendError, match="down"):
        await said(backend, Message.user("?"))
    assert (await said(backend, Message.user("?")))[1].message.text == "up"


async def test_a_used_up_list_says_so():
    backend = Scripted(["only"])
    await said(backend, Message.user("?"))
    with pytest.raises(BackendError, match="holds 1 replies"):
        await said(backend, Message.user("?"))


async def test_a_function_sees_the_request():
    def script(messages, tools, settings):
        return f"{messages[-1].text} {tools[0].name} {settings.seed}"

    _, reply = await said(
        Scripted(script), Message.user("hi"), tools=[ADD], settings=Settings(seed=3)
    )
    assert reply.message.text == "hi add 3"


async def test_a_function_may_be_async():
    async def script(messages, tools, settings):
        return "later"

    assert (await said(Scripted(script), Message.user("?")))[1].message.text == "later"


async def test_requests_are_kept_as_they_were_when_the_conversation_grows():
    backend = Scripted(["one", "two"])
    conversation = [Message.user("a")]
    first = Message.user("a")
    async for _ in backend.stream(conversation, tools=[ADD], output={"type": "object"}):
        pass
    conversation.append(Message.results([ToolResult(call_id="a", content="b")]))
    async for _ in backend.stream(conversation, settings=Settings(temperature=0)):
        pass
    assert [len(request.messages) for request in backend.requests] == [1, 2]
    assert backend.requests[0].messages == (first,)
    assert backend.requests[0].tools == (ADD,)
    assert backend.requests[0].output == {"type": "object"}
    assert backend.requests[1].settings.temperature == 0


def test_a_script_cannot_speak_for_the_user():
    with pytest.raises(ConfigError, match="not user's"):
        Scripted([Message.user("me")])


async def test_leaving_early_does_not_use_up_more_than_one_reply():
    backend = Scripted(["one two three", "next"])
    async for _ in backend.stream([Message.user("?")]):
        break
    assert (await said(backend, Message.user("?")))[1].message.text == "next"
