"""Tools that `agentlab mcp` serves ask the person behind the client."""

from __future__ import annotations

import asyncio
import itertools
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Literal

import mcp.types as types
import pytest
from mcp import Client, MCPError, StdioServerParameters
from pydantic import BaseModel

from agentlab.plugins.equipment import Equipment
from agentlab.tooling import ToolContext, tool
from agentlab_tools.mcp.serve import server_of

MODES = pytest.mark.parametrize("mode", ["auto", "legacy"])
done: list[str] = []


class Seat(BaseModel):
    where: Literal["aisle", "window"] = "aisle"
    row: int


class Name(BaseModel):
    name: str


@tool
async def book(context: ToolContext) -> str:
    """Book a seat."""
    try:
        seat = await context.ask("Which seat?", Seat)
        if seat is None:
            return "no seat"
        whose = await context.ask("For whom?", Name)
    except asyncio.CancelledError:
        done.append("cancelled")
        raise
    return f"{seat.where} {seat.row} for {whose.name if whose else 'nobody'}"


@tool
def delete(name: str) -> str:
    """Delete a file."""
    done.append(name)
    return f"deleted {name}"


class Person:
    """Fills in what the SDK's client shows."""

    def __init__(self, *answers: types.ElicitResult) -> None:
        self.answers = list(answers)
        self.asked: list[Any] = []

    async def __call__(self, context: Any, params: Any) -> types.ElicitResult:
        self.asked.append(params)
        return self.answers.pop(0)


def accept(**content: Any) -> types.ElicitResult:
    return types.ElicitResult(action="accept", content=content)


DECLINED = types.ElicitResult(action="decline")


@asynccontextmanager
async def client(
    mode: str, person: Person | None, ask: Sequence[str] = ()
) -> AsyncGenerator[Client]:
    done.clear()
    server = server_of((book, delete), Equipment(), ask=ask)
    async with Client(server, mode=mode, elicitation_callback=person) as opened:
        yield opened


def said(result: types.CallToolResult) -> str:
    return "".join(part.text for part in result.content if isinstance(part, types.TextContent))


@MODES
async def test_a_tool_asks_more_than_once_and_goes_on(mode: str) -> None:
    person = Person(accept(row=7), accept(name="Ada"))
    async with client(mode, person) as opened:
        assert said(await opened.call_tool("book", {})) == "aisle 7 for Ada"
    assert [asked.message for asked in person.asked] == ["Which seat?", "For whom?"]
    fields = person.asked[0].requested_schema
    assert fields["properties"]["where"]["enum"] == ["aisle", "window"]
    assert fields["required"] == ["row"]


@MODES
async def test_a_person_may_rather_not_say(mode: str) -> None:
    async with client(mode, Person(DECLINED)) as opened:
        assert said(await opened.call_tool("book", {})) == "no seat"
    async with client(mode, Person(accept(row=1), DECLINED)) as opened:
        assert said(await opened.call_tool("book", {})) == "aisle 1 for nobody"


@MODES
async def test_what_does_not_fit_is_an_error_that_says_where(mode: str) -> None:
    async with client(mode, Person(accept(row="x"))) as opened:
        result = await opened.call_tool("book", {})
    assert result.is_error
    assert "what was filled in does not fit: row: Input should be a valid integer" in said(result)


@MODES
async def test_where_a_client_shows_no_forms_the_tool_is_told(mode: str) -> None:
    async with client(mode, None) as opened:
        result = await opened.call_tool("book", {})
    assert result.is_error
    assert "nobody is there to ask" in said(result)


@MODES
async def test_a_call_is_made_only_once_it_is_allowed(mode: str) -> None:
    person = Person(accept(), DECLINED)
    async with client(mode, person, ask=["delete"]) as opened:
        assert said(await opened.call_tool("delete", {"name": "a"})) == "deleted a"
        refused = await opened.call_tool("delete", {"name": "b"})
    assert refused.is_error
    assert said(refused) == "the user said no"
    assert done == ["a"]
    assert person.asked[0].message == 'May delete be called with {"name":"a"}?'


@MODES
async def test_nor_where_nobody_can_be_asked(mode: str) -> None:
    async with client(mode, None, ask=["delete"]) as opened:
        refused = await opened.call_tool("delete", {"name": "a"})
    assert refused.is_error
    assert "delete needs a person's consent, and this client can't ask for it" in said(refused)
    assert done == []


async def test_two_calls_get_their_own_answers() -> None:
    async def fill(context: Any, params: Any) -> types.ElicitResult:
        await asyncio.sleep(0.05 if params.message == "For whom?" else 0.01)
        return accept(name="Ada") if params.message == "For whom?" else accept(row=next(rows))

    rows = itertools.count()
    server = server_of((book,), Equipment())
    async with Client(server, elicitation_callback=fill) as opened:
        results = await asyncio.gather(*(opened.call_tool("book", {}) for _ in range(6)))
    booked = {said(result) for result in results}
    assert len(booked) == 6
    assert all(one.endswith("for Ada") for one in booked)


async def test_a_call_goes_on_once_and_for_whom_it_was_asked() -> None:
    server = server_of((book,), Equipment())
    seat: Any = {"form": accept(row=3)}
    async with Client(server, elicitation_callback=Person()) as opened:
        asking: Any = await opened.session.call_tool("book", {}, allow_input_required=True)
        assert isinstance(asking, types.InputRequiredResult)

        async def again(state: str | None) -> Any:
            return await opened.session.call_tool(
                "book", {}, input_responses=seat, request_state=state, allow_input_required=True
            )

        with pytest.raises(MCPError, match="not under way any more"):
            await again("guessed")
        assert isinstance(await again(asking.request_state), types.InputRequiredResult)
        with pytest.raises(MCPError, match="not under way any more"):
            await again(asking.request_state)


async def test_a_call_that_is_cancelled_while_it_asks_is_cancelled_in_the_tool() -> None:
    asked = asyncio.Event()

    async def never(context: Any, params: Any) -> types.ElicitResult:
        asked.set()
        await asyncio.sleep(60)
        return DECLINED

    done.clear()
    server = server_of((book,), Equipment())
    async with Client(server, mode="legacy", elicitation_callback=never) as opened:
        calling = asyncio.create_task(opened.call_tool("book", {}))
        await asked.wait()
        calling.cancel()
        await asyncio.wait({calling})
        for _ in range(100):
            if done:
                break
            await asyncio.sleep(0.05)
    assert done == ["cancelled"]


async def test_the_command_asks_before_a_tool_that_was_named() -> None:
    arguments = ["-m", "agentlab", "mcp", "-t", "calculator", "--ask", "calc*"]
    parameters = StdioServerParameters(command=sys.executable, args=arguments)
    person = Person(accept(), DECLINED)
    async with Client(parameters, elicitation_callback=person) as opened:
        assert said(await opened.call_tool("calculator", {"expression": "6 * 7"})) == "42"
        assert (await opened.call_tool("calculator", {"expression": "1"})).is_error
