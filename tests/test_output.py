"""Typed output: valid, or mended by the model, or an error; never something of another type."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any, Literal, assert_type

import pytest
from conversation import call, calls, whole
from pydantic import BaseModel, ConfigDict, Field, field_serializer

from agentlab import Agent, Limits, tool
from agentlab.backends.scripted import Scripted
from agentlab.errors import ConfigError, OutputInvalid, RunError
from agentlab.events import MessageAdded, RunFailed, RunFinished


class City(BaseModel):
    name: str
    people: int = Field(ge=0)


class Colour(Enum):
    RED = "red"


class Odd(BaseModel):
    model_config = ConfigDict(strict=True)
    since: date = Field(alias="founded in")
    price: Decimal

    @field_serializer("price")
    def _with_sign(self, price: Decimal) -> str:
        return f"{price} $"


async def test_a_union_of_models_is_known_to_type_checkers(runs):
    said = Scripted(['{"name": "Rome", "people": 3}'])
    result = await Agent(backend=said, output_type=City | Odd, runs=runs).run("?")
    output = assert_type(result.output, City | Odd)
    assert output == City(name="Rome", people=3)


def agent(output_type: Any, replies: list[Any], runs, **options) -> Any:
    return Agent(backend=Scripted(replies), output_type=output_type, runs=runs, **options)


@pytest.mark.parametrize(
    ("output_type", "said", "output"),
    [
        (City, '{"name": "Rome", "people": 3}', City(name="Rome", people=3)),
        (list[int], "[1, 2]", [1, 2]),
        (int, " 7 ", 7),
        (int | None, "null", None),
        (City | int, '{"name": "Rome", "people": 3}', City(name="Rome", people=3)),
        (Literal["yes", "no"], '"yes"', "yes"),
        (bool, "true", True),
        (dict[int, set[str]], '{"1": ["a"]}', {1: {"a"}}),
        (tuple[date, bytes], '["2026-11-24", "x"]', (date(2026, 11, 24), b"x")),
        (Any, '{"a": [1.5, "\\u00e9"]}', {"a": [1.5, "é"]}),
    ],
)
async def test_the_answer_becomes_a_value_of_the_type(runs, output_type, said, output):
    result = await agent(output_type, [said], runs).run("?")
    assert result.output == output
    assert type(result.output) is type(output)
    assert isinstance(whole(result.path).events[-1], RunFinished)


async def test_a_type_that_writes_itself_in_another_way_than_it_reads(runs):
    said = '{"founded in": "2026-11-24", "price": "1.10"}'
    result = await agent(Odd, [said], runs).run("?")
    assert (result.output.since, result.output.price) == (date(2026, 11, 24), Decimal("1.10"))
    assert whole(result.path).events[-1].output == {"founded in": "2026-11-24", "price": "1.10 $"}


async def test_the_backend_is_given_the_schema_and_plain_text_has_none(runs):
    typed, plain = agent(City, ['{"name": "a", "people": 1}'], runs), agent(str, ["a"], runs)
    await typed.run("?")
    await plain.run("?")
    assert typed.backend.requests[0].output == {
        "type": "object",
        "properties": {"name": {"type": "string"}, "people": {"type": "integer", "minimum": 0}},
        "required": ["name", "people"],
    }
    assert plain.backend.requests[0].output is None


async def test_an_answer_that_does_not_fit_is_asked_for_again_with_the_reason(runs):
    replies = ["not json", '{"name": "Rome", "people": -1}', '{"name": "Rome", "people": 3}']
    result = await agent(City, replies, runs).run("?")
    assert result.output.people == 3
    asked = [e.message.text for e in whole(result.path).events if isinstance(e, MessageAdded)]
    assert len(asked) == 2
    assert "Invalid JSON" in asked[0]
    assert "people: Input should be greater than or equal to 0" in asked[1]


@pytest.mark.parametrize("repairs", [0, 1, 2])
async def test_it_is_asked_for_a_bounded_number_of_times(runs, repairs):
    backend = Scripted(lambda *_: "no")
    run = Agent(backend=backend, output_type=City, runs=runs, repairs=repairs).run("?")
    with pytest.raises(OutputInvalid, match=f"mended {repairs} times: Invalid JSON"):
        await run
    assert len(backend.requests) == repairs + 1
    assert isinstance(whole(run.path).events[-1], RunFailed)


@pytest.mark.parametrize(
    "said", ["", "[" * 10_000, "9" * 5000, "\x00", "\ud800", '"\\ud800"', "NaN"]
)
async def test_whatever_the_model_says_it_is_asked_again(runs, said):
    assert (await agent(int, [said, "1"], runs).run("?")).output == 1


async def test_tools_and_repairs_mix(runs):
    @tool
    def add(a: int, b: int) -> int:
        return a + b

    replies = [calls(call("add", a=1, b=2)), "three", calls(call("add", a=1, b=2)), "3"]
    result = await agent(int, replies, runs, tools=[add]).run("?")
    assert result.output == 3
    whole(result.path)


async def test_a_limit_ends_the_mending(runs):
    result = await agent(int, ["one"], runs, limits=Limits(steps=1)).run("?")
    assert (result.outcome, result.text) == ("limit", "one")
    with pytest.raises(RunError, match="reached its limit on steps"):
        _ = result.output
    whole(result.path)


@pytest.mark.parametrize(
    ("kind", "said", "output"),
    [
        (Literal["yes", "no"], "yes", "yes"),
        (Literal["yes", "no"], " no\n", "no"),
        (date, "2024-01-02", date(2024, 1, 2)),
        (Colour, "red", Colour.RED),
    ],
)
async def test_one_text_may_stand_without_its_quotes(runs, kind, said, output):
    result = await agent(kind, [said], runs).run("?")
    assert result.output == output
    whole(result.path)


@pytest.mark.parametrize("said", ["maybe", '"yes', "Yes, of course"])
async def test_a_text_that_does_not_fit_is_asked_for_again_and_then_told(runs, said):
    kind: Any = Literal["yes", "no"]
    with pytest.raises(OutputInvalid, match=f"it was '{said}'$"):
        await Agent(backend=Scripted([said] * 3), output_type=kind, runs=runs).run("?")


def test_a_type_that_no_schema_describes_is_refused_at_once(runs):
    class Thing:
        pass

    for impossible in (Thing, list[Thing]):
        with pytest.raises(
            ConfigError, match=r"output_type: no JSON Schema for .*Thing.*: use text"
        ):
            agent(impossible, [], runs)


def test_a_decimal_is_a_number_or_its_digits_and_not_just_any_text():
    agent = Agent(backend=Scripted([]), output_type=Decimal)
    assert agent.output_schema is not None
    number, digits = agent.output_schema["anyOf"]
    assert number == {"type": "number"}
    fits = [
        text
        for text in ("2.75", "-3", "12345678901234567890.5")
        if re.search(digits["pattern"], text)
    ]
    assert fits == ["2.75", "-3", "12345678901234567890.5"]
    assert not any(re.search(digits["pattern"], text) for text in ("cheap", "1.", "1,5", ""))
