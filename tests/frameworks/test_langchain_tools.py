"""LangChain's tools as tools of AgentLab's agents."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
from typing import Annotated, Any, cast

import pytest

pytest.importorskip("langchain_core", reason="langchain-core is not installed")

from langchain_core.documents import Document
from langchain_core.tools import (
    BaseTool,
    InjectedToolCallId,
    StructuredTool,
    ToolException,
    tool,
)
from pydantic import BaseModel, Field

from agentlab import Agent, Message, ToolCall, ToolContext, ToolResult
from agentlab.backends.llamacpp.backend import LlamaCpp
from agentlab.backends.scripted import Scripted
from agentlab.errors import ConfigError
from agentlab.frameworks.langchain import as_tool


class Place(BaseModel):
    town: str
    lines: list[int] = Field(default_factory=list)


@tool
def add(a: Annotated[int, "the first"], b: int = 1) -> int:
    """Add two numbers."""
    return a + b


async def called(theirs: BaseTool, arguments: Any, **context: Any) -> ToolResult:
    call = ToolCall(id="call_7", name=theirs.name, arguments=json.dumps(arguments))
    return await as_tool(theirs).call(call, ToolContext(call_id="call_7", **context))


def test_a_model_sees_the_name_the_description_and_the_schema():
    spec = as_tool(add).spec
    assert (spec.name, spec.description) == ("add", "Add two numbers.")
    assert spec.parameters["properties"] == {
        "a": {"description": "the first", "type": "integer"},
        "b": {"default": 1, "type": "integer"},
    }
    assert spec.parameters["required"] == ["a"]


async def test_an_agent_calls_it_and_reads_what_it_answers():
    call = ToolCall(id="c", name="add", arguments='{"a": 2, "b": 3}')
    backend = Scripted([Message.assistant(call), "5"])
    result = await Agent(backend=backend, tools=[as_tool(add)], runs=None).run("2 + 3?")
    assert result.text == "5"
    assert backend.requests[1].messages[-1].parts == (ToolResult(call_id="c", content="5"),)


async def test_the_packaged_model_calls_it(local: LlamaCpp):
    agent = Agent(
        backend=local,
        tools=[as_tool(add)],
        runs=None,
        settings={"temperature": 0},
        limits={"steps": 3},
    )
    result = await agent.run("What is 17 plus 23? Use the tool.")
    results = [part for message in result.messages for part in message.parts]
    assert any(isinstance(part, ToolResult) and part.content == "40" for part in results)


async def test_a_plain_tool_runs_on_a_thread_and_an_async_one_in_the_loop():
    where: dict[str, int] = {}

    @tool
    def plain() -> str:
        """Plain."""
        print("at work")
        where["plain"] = threading.get_ident()
        return "ok"

    @tool
    async def later() -> str:
        """Async."""
        await asyncio.sleep(0)
        where["later"] = threading.get_ident()
        return "ok"

    class Own(BaseTool):
        name: str = "own"
        description: str = "A class of its own."

        def _run(self) -> str:
            where["own"] = threading.get_ident()
            return "ok"

    said: list[str] = []
    results = [await called(one, {}, emit=said.append) for one in (plain, later, Own())]
    assert [one.content for one in results] == ["ok"] * 3
    here = threading.get_ident()
    assert (where["later"], where["plain"] == here, where["own"] == here) == (here, False, False)
    assert "".join(said) == "at work\n"


@pytest.mark.parametrize(
    "arguments", [{"b": 2}, {"a": "many"}], ids=["one is missing", "one does not fit"]
)
async def test_arguments_that_do_not_fit_go_back_to_the_model(arguments: Any):
    result = await called(add, arguments)
    assert result.error == "bad_arguments"
    assert "a: " in result.content


async def test_failures_are_told_in_the_tools_own_words():
    def fails() -> str:
        """Fails."""
        raise ToolException("the shop is closed")

    def breaks() -> str:
        """Breaks."""
        raise KeyError("x")

    def make(function: Any, **options: Any) -> BaseTool:
        return StructuredTool.from_function(function, **options)

    told = await called(make(fails), {})
    assert (told.error, told.content) == ("tool_error", "the shop is closed")
    handled = await called(make(fails, handle_tool_error="try tomorrow"), {})
    assert (handled.error, handled.content) == ("tool_error", "try tomorrow")
    broken = await called(make(breaks), {})
    assert (broken.error, broken.content) == ("tool_error", "KeyError: 'x'")


async def test_a_tool_that_hangs_is_left_behind_in_time():
    @tool
    def hangs() -> str:
        """Hangs."""
        threading.Event().wait(60)
        return "late"

    made = as_tool(hangs, timeout=0.1)
    result = await made.call(ToolCall(id="c", name="hangs", arguments="{}"))
    assert result.error == "timeout"


@pytest.mark.parametrize(
    ("artifact", "name", "kept"),
    [
        (b"\x00\x01", "artifact.bin", b"\x00\x01"),
        ("long", "artifact.txt", b"long"),
        ([Document("page", metadata={"n": 1})], "artifact.json", None),
        ({"thing": {1, 2}.__class__}, "artifact.json", None),
    ],
)
async def test_what_it_hands_on_beside_its_text_is_attached(
    artifact: Any, name: str, kept: bytes | None
):
    @tool(response_format="content_and_artifact")
    def look() -> tuple[str, Any]:
        """Look."""
        return "seen", artifact

    result = await called(look, {})
    (attached,) = result.artifacts
    assert (result.content, attached.name) == ("seen", name)
    data = attached.blob.read()
    assert data == kept if kept is not None else json.loads(data)


async def test_a_picture_among_its_content_is_attached():
    @tool
    def draw() -> list[dict[str, Any]]:
        """Draw."""
        encoded = base64.b64encode(b"png").decode()
        return [
            {"type": "text", "text": "a cat"},
            {"type": "image", "base64": encoded, "mime_type": "image/png"},
        ]

    result = await called(draw, {})
    assert result.content == "a cat\n[image-2.png attached]"
    assert result.artifacts[0].blob.read() == b"png"


async def test_what_langchain_fills_in_is_hidden_from_the_model_and_filled_in():
    @tool
    def which(word: str, call: Annotated[str, InjectedToolCallId]) -> str:
        """Say which call."""
        return f"{word} {call}"

    assert list(as_tool(which).spec.parameters["properties"]) == ["word"]
    assert (await called(which, {"word": "it is"})).content == "it is call_7"


async def test_nested_arguments_arrive_as_the_tool_declares_them():
    @tool
    def go(place: Place, by: str = "foot") -> str:
        """Go."""
        return f"{type(place).__name__} {place.town} {place.lines} {by}"

    result = await called(go, {"place": {"town": "Rome", "lines": [1]}})
    assert result.content == "Place Rome [1] foot"


async def test_a_tool_described_by_a_json_schema_is_held_to_it():
    theirs = StructuredTool.from_function(
        func=lambda **given: json.dumps(given),
        name="look",
        description="Look.",
        args_schema={
            "type": "object",
            "properties": {"n": {"type": "integer", "minimum": 1}},
            "required": ["n"],
        },
    )
    assert as_tool(theirs).spec.parameters["properties"]["n"]["minimum"] == 1
    assert (await called(theirs, {"n": 2})).content == '{"n": 2}'
    assert (await called(theirs, {"n": 0})).error == "bad_arguments"


def test_what_cannot_be_a_tool_is_refused_in_one_line():
    spaced = StructuredTool.from_function(lambda: "x", name="Search Tool", description="Search.")
    with pytest.raises(ConfigError, match="can't name a tool"):
        as_tool(spaced)
    assert as_tool(spaced, name="search").name == "search"
    with pytest.raises(ConfigError, match="as_tool takes a LangChain tool"):
        as_tool(cast(Any, print))


async def test_a_langgraph_command_is_told_to_be_none_of_ours():
    from langchain_core.messages.tool import ToolOutputMixin

    class Command(ToolOutputMixin):
        pass

    @tool
    def hand_over() -> Any:
        """Hand over."""
        return Command()

    result = await called(hand_over, {})
    assert result.error == "tool_error"
    assert "LangGraph" in result.content


async def test_a_person_can_be_asked_before_each_call():
    backend = Scripted([Message.assistant(ToolCall(id="c", name="add", arguments='{"a": 1}'))])
    agent = Agent(backend=backend, tools=[as_tool(add, ask=True)], runs=None)
    result = await agent.run("?")
    assert [call.name for call in result.pending] == ["add"]
