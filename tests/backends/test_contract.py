"""What holds for every backend, tried on each: the same promises, whoever keeps them.

The hosted backends talk to real servers on loopback that run the packaged model.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from real_servers import llama_cpp_python_server, llama_server

from agentlab.backend import (
    Backend,
    Delta,
    ReasoningDelta,
    Reply,
    Settings,
    TextDelta,
    ToolCallDelta,
    ToolSpec,
)
from agentlab.backends import connect
from agentlab.backends.fallback import Fallback
from agentlab.backends.retry import RetryPolicy
from agentlab.backends.scripted import Scripted
from agentlab.errors import ConfigError
from agentlab.messages import Message, Reasoning, Text, ToolCall, ToolResult

CALCULATOR = ToolSpec(
    name="calculator",
    description="Compute an expression.",
    parameters={
        "type": "object",
        "properties": {"expression": {"type": "string", "maxLength": 12}},
        "required": ["expression"],
    },
)
ANSWER = {
    "title": "Answer",
    "type": "object",
    "properties": {"value": {"type": "integer", "minimum": 0, "maximum": 99}},
    "required": ["value"],
}
SYSTEM = Message.system("You are a helpful assistant.")
QUESTION = Message.user("What is the capital of France?")


@dataclass(frozen=True)
class Case:
    """A backend under test, and what it can do."""

    name: str
    make: Callable[[pytest.FixtureRequest], Backend]
    can: frozenset[str]
    shared: bool = False
    """Whether the backend outlives a test."""


def _scripted(_: pytest.FixtureRequest) -> Backend:
    def say(messages: Any, tools: Any, settings: Settings) -> Message:
        if tools and settings.tool_choice == "required":
            arguments = '{"expression": "6*7"}'
            return Message.assistant(
                "Let me see.",
                ToolCall(id=f"c{len(messages)}", name=tools[0].name, arguments=arguments),
            )
        return Message.assistant(
            Reasoning(text="They ask me."), Text(text="It is Paris, of course.")
        )

    return Scripted(say)


def _hosted(protocol: str, server: str = "llama_server_url") -> Callable[..., Backend]:
    def make(request: pytest.FixtureRequest) -> Backend:
        url = request.getfixturevalue(server)
        base = url if protocol == "anthropic" else f"{url}/v1"
        # greedy, so that a run can be judged; the Messages protocol has no field for it
        extra = {"temperature": 0} if protocol == "anthropic" else {}
        return connect("llama-server:smollm2", base_url=base, protocol=protocol, extra=extra)

    return make


def _fallback(request: pytest.FixtureRequest) -> Backend:
    dead = connect(
        "llama-server:m", base_url="http://127.0.0.1:9/v1", retry=RetryPolicy(attempts=1)
    )
    return Fallback([dead, _hosted("chat")(request)])


@pytest.fixture(scope="session")
def llama_server_url() -> Iterator[str]:
    pytest.importorskip("xllamacpp")
    with llama_server() as url:
        yield url


@pytest.fixture(scope="session")
def llama_cpp_python_url() -> Iterator[str]:
    pytest.importorskip("sse_starlette")
    with llama_cpp_python_server() as url:
        yield url


ALL = frozenset({"counts", "length", "calls", "typed", "seed", "stop", "top_k"})
CASES = [
    Case("scripted", _scripted, frozenset({"calls"})),
    Case("llama.cpp", lambda r: r.getfixturevalue("smollm2"), ALL, shared=True),
    Case("chat", _hosted("chat"), ALL),
    Case("chat, llama-cpp-python", _hosted("chat", "llama_cpp_python_url"),
         frozenset({"length", "seed", "stop", "top_k"})),
    Case("responses", _hosted("responses"), frozenset({"counts", "length", "calls"})),
    Case("anthropic", _hosted("anthropic"), frozenset({"counts", "length", "calls", "stop"})),
    Case("fallback", _fallback, ALL),
]  # fmt: skip


def cases(*needs: str) -> pytest.MarkDecorator:
    able = [case for case in CASES if case.can >= set(needs)]
    return pytest.mark.parametrize("case", able, ids=lambda case: case.name)


@pytest.fixture
async def backend(case: Case, request: pytest.FixtureRequest) -> Any:
    backend = case.make(request)
    yield backend
    if not case.shared:
        await backend.aclose()


async def ask(backend: Backend, *messages: Message, **request: Any) -> tuple[list[Delta], Reply]:
    deltas: list[Delta] = []
    replies: list[Reply] = []
    async for item in backend.stream(messages or (SYSTEM, QUESTION), **request):
        assert not replies, "something came after the reply"
        if isinstance(item, Reply):
            replies.append(item)
        else:
            deltas.append(item)
    (reply,) = replies
    return deltas, reply


def greedy(case: Case, **more: Any) -> Settings:
    if case.name in ("scripted", "anthropic"):
        return Settings(**more)
    return Settings(temperature=0.0, **more)


@cases()
async def test_an_answer_ends_in_one_reply_that_the_deltas_add_up_to(
    case: Case, backend: Backend
) -> None:
    deltas, reply = await ask(backend, settings=greedy(case, max_tokens=16))
    assert len(deltas) > 1
    assert reply.message.role == "assistant"
    said = "".join(delta.text for delta in deltas if isinstance(delta, TextDelta))
    assert said == reply.message.text != ""
    thought = "".join(delta.text for delta in deltas if isinstance(delta, ReasoningDelta))
    thoughts = [part.text for part in reply.message.parts if isinstance(part, Reasoning)]
    assert thought == "".join(thoughts)


@cases("counts")
async def test_tokens_are_counted(case: Case, backend: Backend) -> None:
    _, reply = await ask(backend, settings=greedy(case, max_tokens=8))
    assert reply.usage.output_tokens == 8
    assert 10 < reply.usage.input_tokens < 60
    assert 0 <= reply.usage.cached_tokens < reply.usage.input_tokens
    assert reply.usage.cost == 0.0


@cases("length")
async def test_an_answer_cut_by_max_tokens_says_so(case: Case, backend: Backend) -> None:
    _, reply = await ask(backend, settings=greedy(case, max_tokens=3))
    assert reply.stop == "length"


@cases("stop")
async def test_a_stop_sequence_ends_the_answer_before_itself(case: Case, backend: Backend) -> None:
    _, whole = await ask(backend, settings=greedy(case, max_tokens=16))
    word = whole.message.text.split()[2]
    _, reply = await ask(backend, settings=greedy(case, max_tokens=16, stop=(word,)))
    assert word not in reply.message.text
    assert whole.message.text.startswith(reply.message.text)
    assert reply.stop in ("end", "stop_sequence")


@cases("seed")
async def test_a_seed_gives_the_same_answer_again(case: Case, backend: Backend) -> None:
    def settings(seed: int) -> Settings:
        return Settings(temperature=1.5, top_p=1.0, seed=seed, max_tokens=12)

    one, same = [(await ask(backend, settings=settings(7)))[1].message for _ in range(2)]
    others = [(await ask(backend, settings=settings(seed)))[1].message for seed in (8, 9, 10)]
    assert one == same
    assert any(other != one for other in others)


def example(number: int, expression: str, result: str) -> list[Message]:
    arguments = json.dumps({"expression": expression})
    return [
        Message.user(f"What is {expression}?"),
        Message.assistant(ToolCall(id=f"e{number}", name="calculator", arguments=arguments)),
        Message.results([ToolResult(call_id=f"e{number}", content=result)]),
        Message.assistant(result),
    ]


TO_A_CALL = [
    *example(1, "2+3", "5"),
    *example(2, "10-4", "6"),
    Message.user("What is 6*7?"),
]


@cases("calls")
async def test_a_tool_is_called_and_its_result_taken(case: Case, backend: Backend) -> None:
    settings = greedy(case, max_tokens=80, tool_choice="required")
    deltas, reply = await ask(backend, *TO_A_CALL, tools=[CALCULATOR], settings=settings)
    assert reply.stop == "tool_calls"
    call = reply.message.tool_calls[0]
    assert call.name == "calculator"
    assert call.id
    assert list(json.loads(call.arguments)) == ["expression"]
    pieces = [d for d in deltas if isinstance(d, ToolCallDelta) and d.id == call.id]
    assert pieces[0].name == "calculator"
    assert "".join(piece.arguments for piece in pieces) == call.arguments
    results = Message.results(
        ToolResult(call_id=call.id, content="42") for call in reply.message.tool_calls
    )
    _, after = await ask(
        backend, *TO_A_CALL, reply.message, results, tools=[CALCULATOR],
        settings=greedy(case, max_tokens=8),
    )  # fmt: skip
    assert after.message.parts


@cases("typed")
async def test_typed_output_fits_its_schema(case: Case, backend: Backend) -> None:
    question = Message.user("What is 6*7? Answer in JSON.")
    deltas, reply = await ask(
        backend, question, output=ANSWER, settings=greedy(case, max_tokens=60)
    )
    value = json.loads(reply.message.text)["value"]
    assert isinstance(value, int)
    assert "".join(d.text for d in deltas if isinstance(d, TextDelta)) == reply.message.text


@cases("top_k")
async def test_settings_have_an_effect(case: Case, backend: Backend) -> None:
    hot = Settings(temperature=2.0, top_k=1, max_tokens=12)
    _, one = await ask(backend, settings=hot)
    _, greedily = await ask(backend, settings=greedy(case, max_tokens=12))
    assert one.message.text == greedily.message.text


@pytest.mark.parametrize("case", [c for c in CASES if c.name in ("responses", "anthropic")],
                         ids=lambda case: case.name)  # fmt: skip
async def test_a_setting_it_lacks_is_refused(case: Case, backend: Backend) -> None:
    with pytest.raises(ConfigError, match="min_p"):
        await ask(backend, settings=Settings(min_p=0.1))


@cases()
async def test_the_conversation_is_left_as_it_was(case: Case, backend: Backend) -> None:
    messages = [SYSTEM, QUESTION]
    async for _ in backend.stream(messages, settings=greedy(case, max_tokens=2)):
        pass
    assert messages == [SYSTEM, QUESTION]
    assert messages[0] is SYSTEM


@cases()
async def test_several_can_ask_at_once(case: Case, backend: Backend) -> None:
    settings = greedy(case, max_tokens=6)
    answers = await asyncio.gather(*(ask(backend, settings=settings) for _ in range(4)))
    assert all(reply.message.text for _, reply in answers)


@cases()
async def test_who_stops_reading_can_ask_again(case: Case, backend: Backend) -> None:
    stream = backend.stream([SYSTEM, QUESTION], settings=greedy(case, max_tokens=200))
    await anext(stream)
    await stream.aclose()  # type: ignore[attr-defined]
    _, reply = await ask(backend, settings=greedy(case, max_tokens=4))
    assert reply.message.text


@cases()
async def test_who_is_cancelled_can_ask_again(case: Case, backend: Backend) -> None:
    begun = asyncio.Event()

    async def listen() -> None:
        async for _ in backend.stream([SYSTEM, QUESTION], settings=greedy(case, max_tokens=200)):
            begun.set()
            await asyncio.sleep(0)

    task = asyncio.create_task(listen())
    await begun.wait()
    task.cancel()
    await asyncio.wait([task])
    _, reply = await ask(backend, settings=greedy(case, max_tokens=4))
    assert reply.message.text


@cases()
def test_it_says_who_it_is(case: Case, request: pytest.FixtureRequest) -> None:
    identity = case.make(request).identity
    assert identity.name
    assert identity.model
    assert identity.model_dump_json()


@pytest.mark.parametrize("case", [c for c in CASES if not c.shared], ids=lambda case: case.name)
async def test_closing_twice_does_no_harm(case: Case, request: pytest.FixtureRequest) -> None:
    backend = case.make(request)
    await ask(backend, settings=greedy(case, max_tokens=2))
    await backend.aclose()
    await backend.aclose()
