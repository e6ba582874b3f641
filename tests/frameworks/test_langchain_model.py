"""AgentLab's backends as LangChain chat models: streams, typed output, errors, services."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from typing import Any, cast

import pytest
from backends.loopback import Loopback, sse, status

pytest.importorskip("langchain_core", reason="langchain-core is not installed")

from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import BaseCallbackHandler, get_usage_metadata_callback
from langchain_core.exceptions import OutputParserException
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.tools import tool as their_tool
from pydantic import BaseModel
from said import Waits

from agentlab import Message, ToolCall, tool
from agentlab.backends.llamacpp.backend import LlamaCpp
from agentlab.backends.scripted import Scripted
from agentlab.errors import AuthError, ConfigError, MissingExtra, RateLimited
from agentlab.frameworks.langchain import as_tool, chat_model, retriever


class Person(BaseModel):
    """Somebody."""

    name: str
    age: int


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def test_words_come_while_the_model_still_writes():
    backend = Waits()
    chunks = chat_model(backend).stream("?")
    assert next(chunks).content == "one "
    backend.go.set()
    assert [chunk.content for chunk in chunks] == ["two", ""]


async def test_words_come_while_the_model_still_writes_async():
    backend = Waits()
    chunks = chat_model(backend).astream("?")
    assert (await anext(chunks)).content == "one "
    backend.go.set()
    assert [chunk.content async for chunk in chunks] == ["two", ""]


def test_leaving_a_stream_stops_the_model():
    backend = Waits()
    chunks: Any = chat_model(backend).stream("?")
    next(chunks)
    chunks.close()
    assert backend.closed.wait(10)


async def test_leaving_a_stream_stops_the_model_async():
    backend = Waits()
    chunks: Any = chat_model(backend).astream("?")
    await anext(chunks)
    await chunks.aclose()
    assert backend.closed.is_set()


async def test_a_plain_call_works_inside_a_running_loop():
    assert chat_model(Scripted(["yes"])).invoke("?").content == "yes"


def test_many_threads_may_ask_at_once():
    model = chat_model(Scripted(lambda messages, *_: messages[-1].text.upper()))
    answers = model.batch([f"word {n}" for n in range(30)], {"max_concurrency": 10})
    assert [answer.content for answer in answers] == [f"WORD {n}" for n in range(30)]


def test_a_forked_child_has_a_loop_of_its_own():
    model = chat_model(Scripted(["before", "after"]))
    model.invoke("?")
    child = os.fork()
    if child == 0:
        signal.alarm(60)  # one that waits for ever ends as well
        try:
            os._exit(0 if model.invoke("?").content == "after" else 1)
        finally:
            os._exit(2)
    assert os.waitpid(child, 0)[1] == 0


def test_what_is_said_of_sampling_reaches_the_model_and_a_reply_may_say_it_again():
    backend = Scripted(["a", "b"])
    model = chat_model(backend, temperature=0.5, stop=["\n"], seed=3)
    model.invoke("?")
    model.bind(temperature=0.1, max_tokens=9).invoke("?", stop=["END"])
    first, second = (request.settings for request in backend.requests)
    assert (first.temperature, first.stop, first.seed, first.max_tokens) == (0.5, ("\n",), 3, None)
    assert (second.temperature, second.stop, second.seed) == (0.1, ("END",), 3)
    assert second.max_tokens == 9


def test_tools_of_every_kind_can_be_bound():
    @their_tool
    def multiply(a: int, b: int) -> int:
        """Multiply two numbers."""
        return a * b

    backend = Scripted(["done"])
    schema = {"title": "look", "description": "Look.", "type": "object", "properties": {}}
    bound = chat_model(backend).bind_tools(
        [multiply, add, Person, schema, tool(name="ours")(add)],
        tool_choice="any",
        parallel_tool_calls=False,
    )
    bound.invoke("?")
    (request,) = backend.requests
    assert [spec.name for spec in request.tools] == ["multiply", "add", "Person", "look", "ours"]
    assert request.tools[0].description == "Multiply two numbers."
    assert request.tools[0].parameters["properties"] == {
        "a": {"type": "integer"},
        "b": {"type": "integer"},
    }
    assert (request.settings.tool_choice, request.settings.parallel_tool_calls) == (
        "required",
        False,
    )


@pytest.mark.parametrize(
    ("choice", "ours"),
    [
        ("add", "add"),
        ("auto", "auto"),
        ("none", "none"),
        (True, "required"),
        ({"type": "function", "function": {"name": "add"}}, "add"),
        ({"type": "any"}, "required"),
        ({"type": "tool", "name": "add"}, "add"),
    ],
)
def test_a_tool_choice_may_be_said_as_any_service_says_it(choice: Any, ours: str):
    backend = Scripted(["done"])
    chat_model(backend).bind_tools([add], tool_choice=choice).invoke("?")
    assert backend.requests[0].settings.tool_choice == ours


def test_typed_output_is_asked_of_the_backend_and_read():
    backend = Scripted(['{"name": "Ada", "age": 36}'] * 3)
    model = chat_model(backend)
    assert model.with_structured_output(Person).invoke("?") == Person(name="Ada", age=36)
    schema = Person.model_json_schema()
    assert model.with_structured_output(schema).invoke("?") == {"name": "Ada", "age": 36}
    both: Any = model.with_structured_output(Person, include_raw=True).invoke("?")
    assert both["parsed"] == Person(name="Ada", age=36)
    assert isinstance(both["raw"], AIMessage)
    asked = backend.requests[0].output
    assert asked is not None
    assert asked["required"] == ["name", "age"]


def test_an_answer_that_was_cut_off_does_not_pass_for_a_shorter_one():
    cut = '{"name": "Ada", "colours": ["red"'
    model = chat_model(Scripted([cut] * 3)).with_structured_output({"title": "x", "type": "object"})
    with pytest.raises(OutputParserException, match="raise max_tokens"):
        model.invoke("?")
    with pytest.raises(OutputParserException, match="raise max_tokens"):
        list(model.stream("?"))

    async def streamed() -> list[Any]:
        return [item async for item in model.astream("?")]

    with pytest.raises(OutputParserException, match="raise max_tokens"):
        asyncio.run(streamed())


def test_an_answer_that_does_not_fit_is_told_beside_the_raw_one():
    model = chat_model(Scripted(['{"name": "Ada"}']))
    both: Any = model.with_structured_output(Person, include_raw=True).invoke("?")
    assert both["parsed"] is None
    assert isinstance(both["parsing_error"], OutputParserException)


@pytest.mark.parametrize("how", ["invoke", "stream", "ainvoke", "astream"])
def test_an_error_of_the_model_arrives_as_it_is(how: str):
    model = chat_model(Scripted([RateLimited("slow down", retry_after=3.0)]))

    async def asked() -> None:
        if how == "ainvoke":
            await model.ainvoke("?")
        async for _ in model.astream("?"):
            pass

    with pytest.raises(RateLimited) as limited:
        asyncio.run(asked()) if how[0] == "a" else list(getattr(model, how)("?"))
    assert limited.value.retry_after == 3.0


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: chat_model("nobody:x"), "no backend answers to"),
        (lambda: chat_model(Scripted("a"), temprature=1), "did you mean 'temperature'"),
        (lambda: chat_model(Scripted("a"), temperature=-1), "temperature"),
        (lambda: chat_model(Scripted("a"), timeout=3), "open already"),
        (lambda: chat_model(Scripted("a"), options={"n_ctx": 3}), "open already"),
        (lambda: chat_model("local:agent", max_retries=3), "runs in this process"),
        (lambda: chat_model(Scripted("a")).invoke("?", temprature=1), "no 'temprature'"),
        (lambda: chat_model(Scripted("a")).bind_tools([add], tool_choice="sub"), "'sub'"),
        (
            lambda: chat_model(Scripted("a")).bind_tools([add], tool_choice=cast(Any, [1])),
            "tool_choice",
        ),
        (
            lambda: chat_model(Scripted("a")).bind_tools([{"type": "web_search"}]).invoke("?"),
            "'web_search'",
        ),
        (lambda: chat_model(Scripted("a")).with_structured_output(Person, method="x"), "'x'"),
        (lambda: chat_model(Scripted("a")).with_structured_output(Person, metod="x"), "'metod'"),
        (lambda: chat_model(Scripted("a")).invoke("?", response_format=3), "response_format"),
        (lambda: chat_model(Scripted("a")).get_num_tokens("a"), "get_num_tokens_from_messages"),
        (
            lambda: chat_model(Scripted("a")).get_num_tokens_from_messages([HumanMessage("a")]),
            "can't count",
        ),
    ],
)
def test_a_mistake_is_told_in_one_line(make: Any, why: str):
    with pytest.raises(ConfigError, match=why) as told:
        make()
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    "use",
    [
        lambda: chat_model(Scripted("a")),
        lambda: as_tool(cast(Any, None)),
        lambda: retriever("index"),
    ],
)
def test_without_langchain_the_extra_is_named(use: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("agentlab.frameworks.needed.find_spec", lambda _: None)
    with pytest.raises(MissingExtra, match=r"langchain-core is not installed: .*langchain"):
        use()


def test_callbacks_hear_every_word_and_count_the_tokens():
    heard: list[str] = []

    class Hears(BaseCallbackHandler):
        def on_llm_new_token(self, token: Any, **_: Any) -> None:
            heard.append(token)

    model = chat_model(Scripted(["one two three"] * 2), name="mine")
    with get_usage_metadata_callback() as usage:
        list(model.stream("?", {"callbacks": [Hears()]}))
        model.invoke("?")
    assert "".join(heard) == "one two three"
    assert len([word for word in heard if word]) == 3
    assert usage.usage_metadata == {
        "scripted": {
            "input_tokens": 0,
            "output_tokens": 0,
            "total_tokens": 0,
            "input_token_details": {"cache_read": 0},
        }
    }


def test_a_cache_keeps_apart_what_is_asked_in_different_ways():
    backend = Scripted(["first", "second", "third"])
    cache = InMemoryCache()
    cold, warm = (chat_model(backend, cache=cache, temperature=t) for t in (0.0, 1.0))
    said = [m.invoke("?").content for m in (cold, cold, warm, cold, warm)]
    assert said == ["first", "first", "second", "first", "second"]
    assert cold.bind_tools([add]).invoke("?").content == "third"


def test_it_takes_its_place_in_a_chain():
    prompt = ChatPromptTemplate.from_messages([("system", "Be brief."), ("human", "{question}")])
    backend = Scripted(["42"])
    chain = prompt | chat_model(backend) | (lambda message: int(message.content))
    assert chain.invoke({"question": "6 * 7?"}) == 42
    assert backend.requests[0].messages == (Message.system("Be brief."), Message.user("6 * 7?"))


def read_by(message: AIMessage) -> int:
    assert message.usage_metadata is not None
    return message.usage_metadata["input_tokens"]


def test_the_tokens_of_a_conversation_are_those_the_model_reads(local: LlamaCpp):
    model = chat_model(local, temperature=0, max_tokens=1)
    messages: list[BaseMessage] = [SystemMessage("Be brief."), HumanMessage("What is tea?")]
    counted = model.get_num_tokens_from_messages(messages)
    assert read_by(model.invoke(messages)) == counted
    with_tools = model.get_num_tokens_from_messages(messages, tools=[add])
    assert read_by(model.bind_tools([add]).invoke(messages)) == with_tools > counted


CHUNKS = [
    {"choices": [{"index": 0, "delta": {"role": "assistant", "content": "Hel"}}]},
    {"choices": [{"index": 0, "delta": {"content": "lo"}}]},
    {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
    {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}},
]
HELLO = [f"data: {json.dumps(chunk)}\n\n".encode() for chunk in CHUNKS] + [b"data: [DONE]\n\n"]


async def test_a_hosted_model_is_asked_over_http_plainly_and_async_by_turns():
    async with Loopback(sse(*HELLO)) as server:
        model = chat_model(f"{server.url}/v1#m", api_key="k", timeout=30, max_retries=0)
        for _ in range(2):
            plain = await asyncio.to_thread(model.invoke, "Hi")
            awaited = await model.ainvoke("Hi")
            assert plain.content == awaited.content == "Hello"
            assert read_by(plain) == 9
            streamed = await asyncio.to_thread(lambda: list(model.stream("Hi")))
            assert [chunk.content for chunk in streamed] == ["Hel", "lo", ""]
        # one connection for the loop of plain calls, and one for this one
        assert server.connections == 2
        assert server.requests[0].json["messages"] == [{"role": "user", "content": "Hi"}]
        await model.backend.aclose()


async def test_a_service_that_refuses_is_told_by_our_errors_and_asked_as_often_as_said():
    async with Loopback(status(429)) as server:
        model = chat_model(f"{server.url}/v1#m", api_key="k", max_retries=0)
        with pytest.raises(RateLimited):
            await asyncio.to_thread(model.invoke, "Hi")
        assert len(server.requests) == 1
        await model.backend.aclose()
    async with Loopback(status(401)) as server:
        model = chat_model(f"{server.url}/v1#m", api_key="k")
        with pytest.raises(AuthError):
            await model.ainvoke("Hi")
        await model.backend.aclose()


AUDITED = """
import sys
tries = []
sys.addaudithook(lambda name, of: tries.append(name) if name in
    ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto") else None)
from agentlab import Message, ToolCall
from agentlab.backends.scripted import Scripted
from agentlab.frameworks.langchain import chat_model, as_tool
from langchain_core.tools import tool
import asyncio

@tool
def add(a: int, b: int) -> int:
    "Add."
    return a + b

call = Message.assistant(ToolCall(id="c", name="add", arguments='{"a": 1, "b": 2}'))
model = chat_model(Scripted([call, "3", "4", '{"a": 1}']))
message = model.bind_tools([add]).invoke("1 + 2?")
message = model.invoke([("human", "1 + 2?"), message, add.invoke(message.tool_calls[0])])
asyncio.run(model.ainvoke("2 + 2?"))
list(model.with_structured_output({"title": "x", "type": "object"}).stream("?"))
as_tool(add)
print(message.content, tries)
"""


def test_nothing_tries_to_reach_the_network():
    done = subprocess.run(
        [sys.executable, "-c", AUDITED], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.split("\n")[0] == "3 []"


def test_importing_the_door_loads_nothing_of_the_framework():
    code = (
        "import sys, agentlab.frameworks.langchain;"
        "print({'langchain_core', 'langsmith', 'httpx'} & {n.split('.')[0] for n in sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.strip() == "set()"


def test_a_reply_in_the_middle_of_a_call_can_be_left_by_its_thread():
    """Nothing of what was left behind keeps the loop of plain calls from answering others."""
    stuck, model = Waits(), chat_model(Scripted(["yes"]))
    threading.Thread(target=chat_model(stuck).invoke, args=("?",), daemon=True).start()
    assert model.invoke("?").content == "yes"
    stuck.go.set()
    assert stuck.closed.wait(10)


def test_calls_stream_name_first_then_arguments_piece_by_piece():
    call = ToolCall(id="c", name="add", arguments='{"a": 1, "b": 2}')
    model = chat_model(Scripted([Message.assistant("So:", call)]))
    chunks = [c for chunk in model.stream("?") for c in chunk.tool_call_chunks]
    assert [(c["name"], c["args"], c["index"]) for c in chunks][:2] == [
        ("add", "", 0),
        (None, '{"a":', 0),
    ]
    assert json.loads("".join(c["args"] or "" for c in chunks)) == {"a": 1, "b": 2}
