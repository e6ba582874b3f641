"""A tool at work asks the person for whom the agent works."""

from __future__ import annotations

from typing import Any

import pytest
from conversation import call, calls, results_in
from pydantic import BaseModel

from agentlab import Agent, Decision, ToolContext, tool
from agentlab.approval import Form
from agentlab.backends.scripted import Scripted


class Seat(BaseModel):
    row: int = 4
    window: bool = False


@tool
async def book(context: ToolContext) -> str:
    """Book a seat."""
    seat = await context.ask("Which seat?", Seat)
    return "no seat" if seat is None else f"row {seat.row}, window {seat.window}"


class Plain:
    """Answers for the person without ever awaiting anything, as `input()` does."""

    def __init__(self, filled):
        self.filled = filled
        self.forms: list[Form] = []

    def __call__(self, _call):
        raise AssertionError("only the form was to be asked about")

    def fill(self, form) -> Any:
        self.forms.append(form)
        return self.filled


class Later(Plain):
    async def fill(self, form) -> Any:
        return super().fill(form)


def agent(runs, *tools) -> Agent:
    return Agent(backend=Scripted([calls(call("book", id="b")), "ok"]), tools=tools, runs=runs)


async def said(runs, approver) -> str:
    result = await agent(runs, book).run("?", approver=approver)
    (answer,) = results_in(result.messages)
    return answer.content


@pytest.mark.parametrize("kind", [Plain, Later])
async def test_who_answers_for_the_person_fills_in_the_form(runs, kind):
    person = kind({"row": 9})
    assert await said(runs, person) == "row 9, window False"
    (form,) = person.forms
    assert form.message == "Which seat?"
    assert set(form.fields["properties"]) == {"row", "window"}
    assert await said(runs, kind(None)) == "no seat"


async def test_one_who_only_says_yes_or_no_is_shown_the_values(runs):
    asked = []

    def decide(one):
        asked.append((one.name, one.arguments))
        return "allow"

    assert await said(runs, decide) == "row 4, window False"
    assert asked == [("form", '{"message": "Which seat?", "values": {"row": 4, "window": false}}')]
    assert await said(runs, lambda _: Decision(verdict="deny")) == "no seat"


async def test_without_anybody_the_model_is_told(runs):
    assert "nobody is there to ask" in await said(runs, None)


async def test_what_does_not_fit_is_told_to_the_model(runs):
    answer = await said(runs, Plain({"row": "the last"}))
    assert "what was filled in does not fit: row: Input should be a valid integer" in answer


async def test_an_agent_that_is_a_tool_asks_the_same_person(runs):
    inner = agent(runs, book).as_tool("helper", "Helps.")
    outer = Agent(
        backend=Scripted([calls(call("helper", id="h", request="book")), "ok"]),
        tools=[inner],
        runs=runs,
    )
    person = Plain({"row": 2})
    await outer.run("?", approver=person)
    assert len(person.forms) == 1
