"""What a server may ask of us while it works: a form, a model's words, our folders."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mcp.types as types
import pytest
from mcp.server.lowlevel import Server

from agentlab import Agent, Decision, Limits, Message, ToolCall, Usage
from agentlab.approval import Filled, Form
from agentlab.backend import Reply
from agentlab.backends.scripted import Scripted
from agentlab.messages import ToolResult
from agentlab_tools.mcp import McpServer, McpTools, mcp_tools
from agentlab_tools.mcp.serve import serve_http

FIELDS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "seat": {"type": "string", "enum": ["aisle", "window"], "default": "aisle"},
        "nights": {"type": "integer", "minimum": 1},
    },
}
FORM: dict[str, Any] = {"message": "Which seat?", "requestedSchema": FIELDS}
NEEDED: dict[str, Any] = {**FORM, "requestedSchema": {**FIELDS, "required": ["nights"]}}
WRITE: dict[str, Any] = {
    "messages": [{"role": "user", "content": {"type": "text", "text": "Sum it up."}}],
    "systemPrompt": "Be brief.",
    "maxTokens": 9000,
    "stopSequences": ["END"],
}


def asking(**options: Any) -> McpServer:
    program = str(Path(__file__).with_name("asking_server.py"))
    return McpServer(name="asking", command=(sys.executable, program), **options)


class Person:
    """Answers for the person, and remembers what was asked."""

    def __init__(self, filled: Filled = None) -> None:
        self.filled = filled
        self.forms: list[Form] = []

    async def __call__(self, call: ToolCall) -> Decision:
        raise AssertionError(f"nobody was to be asked about {call.name}")

    async def fill(self, form: Form) -> Filled:
        self.forms.append(form)
        return self.filled


def calling(name: str, arguments: Mapping[str, Any]) -> Scripted:
    call = ToolCall(id="c", name=name, arguments=json.dumps(arguments))
    return Scripted([Reply(message=Message.assistant(call), stop="tool_calls"), "done"])


async def answer(
    tools: McpTools, name: str, arguments: Mapping[str, Any], approver: Any = None, **agent: Any
) -> Any:
    """What the server says came back, in a run whose model makes this one call."""
    running = Agent(backend=calling(name, arguments), tools=tools, runs=None, **agent)
    result = await running.run("go", approver=approver)
    (part,) = [p for m in result.messages for p in m.parts if isinstance(p, ToolResult)]
    assert part.error is None, part.content
    return json.loads(part.content)


async def test_a_form_is_filled_in_by_whoever_answers_for_the_person() -> None:
    person = Person({"seat": "window", "nights": 2})
    async with mcp_tools(asking()) as tools:
        came = await answer(tools, "form", FORM, person)
    assert came == {"action": "accept", "content": {"seat": "window", "nights": 2}}
    (form,) = person.forms
    assert (form.asker, form.message, form.fields) == ("asking", "Which seat?", FIELDS)


@pytest.mark.parametrize(
    ("asked", "verdict", "came"),
    [
        (FORM, "allow", {"action": "accept", "content": {"seat": "aisle"}}),
        (FORM, "deny", {"action": "decline"}),
        (NEEDED, "allow", {"action": "decline"}),
    ],
)
async def test_one_who_only_knows_yes_and_no_allows_the_values_it_comes_with(
    asked: dict[str, Any], verdict: Any, came: dict[str, Any]
) -> None:
    calls: list[ToolCall] = []

    def decide(call: ToolCall) -> Any:
        calls.append(call)
        return verdict

    async with mcp_tools(asking()) as tools:
        assert await answer(tools, "form", asked, decide) == came
    if asked is FORM:
        (call,) = calls
        assert call.name == "asking_form"
        assert json.loads(call.arguments) == {
            "message": "Which seat?",
            "values": {"seat": "aisle"},
        }


@pytest.mark.parametrize(
    ("filled", "came"),
    [
        (None, {"action": "decline"}),
        ({"seat": "lap"}, {"action": "cancel"}),
        ({"seat": "aisle", "nights": 0}, {"action": "cancel"}),
    ],
)
async def test_what_is_not_said_or_does_not_fit_is_not_sent(
    filled: Filled, came: dict[str, Any]
) -> None:
    async with mcp_tools(asking()) as tools:
        assert await answer(tools, "form", FORM, Person(filled)) == came


async def test_where_nobody_is_there_a_form_is_cancelled() -> None:
    async with mcp_tools(asking()) as tools:
        assert await answer(tools, "form", FORM) == {"action": "cancel"}
        said = await answer(tools, "form", {**FORM, "requestedSchema": {"type": 7}}, Person({}))
        assert said["code"] in (types.INVALID_PARAMS, types.INTERNAL_ERROR)


async def test_a_program_may_fill_in_what_its_agent_would_be_asked() -> None:
    async def fill(form: Form) -> Filled:
        return form.defaults

    async with mcp_tools(asking(), fill=fill) as tools:
        came = await answer(tools, "form", FORM)
    assert came == {"action": "accept", "content": {"seat": "aisle"}}


async def test_a_question_that_could_be_about_another_runs_call_is_nobodys() -> None:
    """An old server's question does not say which call it is about."""
    seen, free = asyncio.Event(), asyncio.Event()

    class Slow(Person):
        async def fill(self, form: Form) -> Filled:
            seen.set()
            await free.wait()
            return await super().fill(form)

    first, second = Slow({"seat": "aisle"}), Person({"seat": "window"})
    async with mcp_tools(asking()) as tools:
        running = asyncio.create_task(answer(tools, "form", FORM, first))
        await seen.wait()
        assert await answer(tools, "form", FORM, second) == {"action": "cancel"}
        free.set()
        assert await running == {"action": "accept", "content": {"seat": "aisle"}}
    assert second.forms == []


async def test_a_question_out_of_turn_is_nobodys() -> None:
    async with mcp_tools(asking()) as tools:
        person = Person({"seat": "window"})
        assert await answer(tools, "unasked", FORM, person) == "done"
        await answer(tools, "able", {})  # the question has been answered before this is
        assert person.forms == []


async def test_a_model_writes_for_a_server_that_was_given_one() -> None:
    used = Usage(input_tokens=7, output_tokens=3)
    written = Reply(message=Message.assistant("In short."), usage=used, stop="length")
    model = Scripted([written], name="scribe")
    async with mcp_tools(asking(), model=model) as tools:
        assert await answer(tools, "able", {}) == ["elicitation", "sampling"]
        agent = Agent(backend=calling("write", WRITE), tools=tools, runs=None)
        result = await agent.run("go")
    (part,) = [p for m in result.messages for p in m.parts if isinstance(p, ToolResult)]
    assert json.loads(part.content) == {
        "role": "assistant",
        "content": {"type": "text", "text": "In short."},
        "model": model.identity.model,
        "stopReason": "maxTokens",
    }
    assert result.usage.total_tokens == 10  # on the account of the run
    (request,) = model.requests
    assert [(m.role, m.text) for m in request.messages] == [
        ("system", "Be brief."),
        ("user", "Sum it up."),
    ]
    assert request.settings.max_tokens == 4096
    assert request.settings.stop == ("END",)


async def test_without_one_a_server_is_not_told_that_it_could_ask() -> None:
    async with mcp_tools(asking()) as tools:
        assert await answer(tools, "able", {}) == ["elicitation"]
        assert "not supported" in (await answer(tools, "write", WRITE))["message"]


async def test_what_a_server_has_written_counts_towards_the_runs_budget() -> None:
    dear = Reply(message=Message.assistant("x"), usage=Usage(input_tokens=600, output_tokens=1))
    model = Scripted([dear, dear])
    call = ToolCall(id="c", name="write", arguments=json.dumps(WRITE))
    calls = Reply(message=Message.assistant(call), stop="tool_calls")
    async with mcp_tools(asking(), model=model) as tools:
        agent = Agent(
            backend=Scripted([calls, calls, "done"]),
            tools=tools,
            limits=Limits(tokens=500),
            runs=None,
        )
        result = await agent.run("go")
    assert result.limit is not None
    assert result.limit.limit == "tokens"
    assert len(model.requests) == 1


async def test_a_server_is_told_the_folders_of_its_description(tmp_path: Path) -> None:
    async with mcp_tools(asking(roots=(tmp_path,))) as tools:
        assert await answer(tools, "able", {}) == ["elicitation", "roots"]
        came = await answer(tools, "roots", {})
    assert came == {"roots": [{"uri": tmp_path.as_uri(), "name": tmp_path.name}]}


async def test_a_server_of_the_new_protocol_asks_in_its_answer(tmp_path: Path) -> None:
    """Made with the SDK, by HTTP: the call comes again with the answers."""

    async def listed(_context: Any, _page: Any) -> types.ListToolsResult:
        return types.ListToolsResult(
            tools=[types.Tool(name="book", input_schema={"type": "object"})]
        )

    async def called(_context: Any, asked: types.CallToolRequestParams) -> Any:
        if asked.input_responses is None:
            form = types.ElicitRequestFormParams(message="Which seat?", requested_schema=FIELDS)
            text = types.TextContent(type="text", text="Sum it up.")
            wanted = types.CreateMessageRequestParams(
                messages=[types.SamplingMessage(role="user", content=text)], max_tokens=9
            )
            return types.InputRequiredResult(
                input_requests={
                    "seat": types.ElicitRequest(params=form),
                    "words": types.CreateMessageRequest(params=wanted),
                    "where": types.ListRootsRequest(),
                },
                request_state="half-way",
            )
        came = {
            key: one.model_dump(mode="json", exclude_none=True, by_alias=True)
            for key, one in asked.input_responses.items()
        }
        said = json.dumps([asked.request_state, came])
        return types.CallToolResult(content=[types.TextContent(type="text", text=said)])

    server: Server[Any] = Server("new", on_list_tools=listed, on_call_tool=called)
    address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve_http(server, port=0, token=None, told=address.set_result))
    try:
        described = McpServer(name="new", url=await address, roots=(tmp_path,))
        person, model = Person({"seat": "window"}), Scripted(["In short."])
        async with mcp_tools(described, model=model) as tools:
            state, came = await answer(tools, "book", {}, person)
    finally:
        serving.cancel()
        await asyncio.wait({serving})
    assert state == "half-way"
    assert came["seat"] == {"action": "accept", "content": {"seat": "window"}}
    assert came["words"]["content"]["text"] == "In short."
    assert came["where"]["roots"] == [{"uri": tmp_path.as_uri(), "name": tmp_path.name}]
    assert [form.message for form in person.forms] == ["Which seat?"]
