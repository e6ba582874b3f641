"""A model that owes a typed answer and goes in circles is asked for the answer alone."""

from __future__ import annotations

import itertools
import json

import pytest
from pydantic import BaseModel

from agentlab import Agent, Message, ToolCall, Trace, tool
from agentlab.approval import Verdict
from agentlab.backends.scripted import Scripted

numbers = itertools.count()


@tool
def area(width: float, height: float) -> float:
    """The area of a rectangle."""
    return width * height


class Field(BaseModel):
    square_metres: float


@tool
def progress() -> int:
    """How far it is."""
    return next(numbers)


def call(name: str, text: str) -> Message:
    return Message.assistant(ToolCall(id="c", name=name, arguments=text))


FIELD = call("area", '{"width": 2, "height": 3}')
SPACED = call("area", '{ "height":3,"width":2 }')
OTHER = call("area", '{"width": 3, "height": 3}')
HOW_FAR = call("progress", "{}")


@pytest.mark.parametrize(
    ("turns", "choices"),
    [
        ([FIELD, "6"], ["auto", "auto"]),
        ([FIELD, FIELD, "6"], ["auto", "auto", "none"]),
        ([FIELD, SPACED, "6"], ["auto", "auto", "none"]),
        ([FIELD, OTHER, FIELD, "6"], ["auto", "auto", "auto", "none"]),
        ([FIELD, FIELD, OTHER, "6"], ["auto", "auto", "none", "auto"]),
        ([HOW_FAR, HOW_FAR, HOW_FAR, "6"], ["auto"] * 4),
    ],
)
async def test_the_same_call_with_the_same_answer_is_not_offered_again(turns, choices, runs):
    backend = Scripted(turns)
    agent = Agent(backend=backend, tools=[area, progress], output_type=int, runs=runs)
    result = await agent.run("?")
    assert result.output == 6
    assert [request.settings.tool_choice for request in backend.requests] == choices


async def test_without_a_typed_output_the_model_is_left_alone(runs):
    backend = Scripted([FIELD, FIELD, "6"])
    await Agent(backend=backend, tools=[area], runs=runs).run("?")
    assert [request.settings.tool_choice for request in backend.requests] == ["auto"] * 3


async def test_a_run_that_goes_on_still_knows_its_circles(runs):
    def asking(call: ToolCall) -> Verdict:
        return "ask" if json.loads(call.arguments)["width"] == 9 else "allow"

    last = call("area", '{"width": 9, "height": 3}')
    first = Agent(
        backend=Scripted([last, last]), tools=[area], output_type=int, runs=runs, approval=asking
    )
    paused = await first.run("?")
    again = await first.resume(paused, decisions={paused.pending[0].id: "allow"})
    backend = Scripted(["27"])
    end = await first.with_(backend=backend).resume(again, decisions={again.pending[0].id: "allow"})
    assert end.output == 27
    assert backend.requests[0].settings.tool_choice == "none"
    assert end.path is not None
    assert Trace.load(end.path).torn == 0


async def test_the_packaged_model_answers_after_one_call(runs):
    agent = Agent(
        backend="local:agent",
        tools=[area],
        output_type=Field,
        runs=runs,
        limits={"steps": 8},
    )
    try:
        result = await agent.run("How large is a field of 12 by 30 metres?")
    finally:
        await agent.backend.aclose()
    made = [call.arguments for message in result.messages for call in message.tool_calls]
    assert made == ['{"width": 12, "height": 30}']
    assert result.output == Field(square_metres=360)
