"""What hosted backends make of answers in the services' documented formats, byte for byte."""

from __future__ import annotations

import pytest
from loopback import Loopback, pieces_of, sse
from recorded import ADD, CITY, PROTOCOLS

from agentlab.backend import Backend, Delta, ReasoningDelta, Reply, TextDelta, ToolCallDelta
from agentlab.backends import connect
from agentlab.messages import Message, Reasoning, Text, ToolCall, Usage

MODELS = {
    "chat": "openai:gpt-5",
    "responses": "openai:gpt-5",
    "anthropic": "anthropic:claude-sonnet-4-5",
}
protocols = pytest.mark.parametrize("protocol", PROTOCOLS)


def backend_for(protocol: str, server: Loopback) -> Backend:
    url = server.url if protocol == "anthropic" else f"{server.url}/v1"
    return connect(MODELS[protocol], base_url=url, api_key="sk-test", protocol=protocol)


async def ask(protocol: str, *pieces: bytes) -> tuple[list[Delta], Reply]:
    async with Loopback(sse(*pieces)) as server:
        backend = backend_for(protocol, server)
        said = [item async for item in backend.stream([Message.user("Hi")])]
        await backend.aclose()
    *deltas, reply = said
    assert isinstance(reply, Reply)
    assert not any(isinstance(delta, Reply) for delta in deltas)
    return deltas, reply  # type: ignore[return-value]


@protocols
async def test_text_is_streamed_and_adds_up(protocol: str) -> None:
    deltas, reply = await ask(protocol, PROTOCOLS[protocol]["text"])
    assert deltas == [TextDelta(text="Grüße"), TextDelta(text=" from 東京 🗼.")]
    assert reply.message == Message.assistant("Grüße from 東京 🗼.")
    assert reply.stop == "end"


@protocols
@pytest.mark.parametrize("size", [1, 7, 1000])
async def test_it_does_not_matter_where_the_network_cuts(protocol: str, size: int) -> None:
    whole = PROTOCOLS[protocol]["calls"]
    assert await ask(protocol, *pieces_of(whole, size)) == await ask(protocol, whole)


@protocols
async def test_line_ends_and_comments_do_not_matter(protocol: str) -> None:
    whole = PROTOCOLS[protocol]["calls"]
    other = b": keep-alive\r\n\r\n" + whole.replace(b"\n", b"\r\n")
    assert await ask(protocol, other) == await ask(protocol, whole)


@protocols
async def test_parallel_calls_stream_with_the_text_around_them(protocol: str) -> None:
    deltas, reply = await ask(protocol, PROTOCOLS[protocol]["calls"])
    add = ToolCall(id="call_a", name="add", arguments=ADD)
    weather = ToolCall(id="call_b", name="weather", arguments=CITY)
    assert reply.message.parts == (
        Text(text="First this. "),
        add,
        Text(text="Then that."),
        weather,
    )
    assert reply.stop == "tool_calls"
    assert deltas == [
        TextDelta(text="First"),
        TextDelta(text=" this. "),
        ToolCallDelta(id="call_a", name="add"),
        ToolCallDelta(id="call_a", name="add", arguments=ADD[:7]),
        ToolCallDelta(id="call_a", name="add", arguments=ADD[7:]),
        TextDelta(text="Then that."),
        ToolCallDelta(id="call_b", name="weather"),
        ToolCallDelta(id="call_b", name="weather", arguments=CITY[:12]),
        ToolCallDelta(id="call_b", name="weather", arguments=CITY[12:]),
    ]


@protocols
async def test_reasoning_is_streamed_and_kept_apart(protocol: str) -> None:
    deltas, reply = await ask(protocol, PROTOCOLS[protocol]["reasoning"])
    assert deltas[:2] == [ReasoningDelta(text="Let me"), ReasoningDelta(text=" see.")]
    thought, said = reply.message.parts
    assert isinstance(thought, Reasoning)
    assert thought.text == "Let me see."
    assert said == Text(text="It is 42.")


@protocols
async def test_an_answer_cut_by_its_length_says_so(protocol: str) -> None:
    _, reply = await ask(protocol, PROTOCOLS[protocol]["length"])
    assert (reply.message.text, reply.stop) == ("It is", "length")


@protocols
async def test_a_withheld_answer_says_so(protocol: str) -> None:
    _, reply = await ask(protocol, PROTOCOLS[protocol]["filtered"])
    assert reply.stop == "filtered"


@protocols
async def test_tokens_are_counted_the_same_way_everywhere(protocol: str) -> None:
    _, reply = await ask(protocol, PROTOCOLS[protocol]["text"])
    counted = reply.usage.model_copy(update={"cost": None})
    assert counted == Usage(input_tokens=100, cached_tokens=64, output_tokens=20)


# Prices of September 2025, in dollars a million tokens: gpt-5 1.25 in, 0.125 cached, 10 out;
# claude-sonnet-4-5 3 in, 0.3 cached, 3.75 written to the cache, 15 out
@pytest.mark.parametrize(
    ("protocol", "dollars"),
    [
        ("chat", (36 * 1.25 + 64 * 0.125 + 20 * 10) / 1e6),
        ("responses", (36 * 1.25 + 64 * 0.125 + 20 * 10) / 1e6),
        ("anthropic", (26 * 3 + 10 * 3.75 + 64 * 0.3 + 20 * 15) / 1e6),
    ],
)
async def test_an_answer_has_its_price(protocol: str, dollars: float) -> None:
    _, reply = await ask(protocol, PROTOCOLS[protocol]["text"])
    assert reply.usage.cost == pytest.approx(dollars)
