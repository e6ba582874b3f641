"""A tool asks the person for something, on the screen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widgets import Button, Input, Select, Static

from agentlab.approval import Filled, Form
from agentlab_tui.consent import Consent, FormAsked, Question
from agentlab_tui.widgets.flow import Flow
from agentlab_tui.widgets.form import FormField, FormView

FIELDS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "description": "Whose [bold]flight[/] it is"},
        "seats": {"type": "integer", "default": 2},
        "price": {"type": "number"},
        "window": {"type": "boolean"},
        "meal": {"enum": ["meat", "fish"], "enumNames": ["With meat", "With fish"]},
        "stops": {"type": "array", "items": {"enum": ["Graz", "Linz"]}},
    },
    "required": ["name", "meal"],
}


class Shows(App[None]):
    def compose(self) -> ComposeResult:
        yield Flow()


async def asking(pilot: Pilot[None], fields: dict[str, Any] = FIELDS) -> list[Filled]:
    """Show a form; what is answered comes in the list."""
    answers: list[Filled] = []
    form = Form(message="Which flight?\nSay all.", fields=fields, asker="travel")
    await pilot.app.query_one(Flow).ask(FormAsked(form, answers.append))
    await pilot.pause(0.6)
    return answers


def field(pilot: Pilot[None], name: str) -> FormField:
    (one,) = [one for one in pilot.app.query(FormField) if one.field.name == name]
    return one


async def test_fields_are_filled_in_from_the_first_on_by_keys_alone() -> None:
    app = Shows()
    async with app.run_test(size=(80, 50)) as pilot:
        answers = await asking(pilot)
        await pilot.press(*"Ada", "enter")  # the first field has the keys
        await pilot.press("enter")  # seats stay 2
        await pilot.press(*"99.5", "enter")
        await pilot.press("space", "tab")  # the window
        await pilot.press("enter", "down", "down", "enter", "tab")  # the list, its second: fish
        await pilot.press(*"linz, Graz", "enter")
        assert isinstance(app.focused, Button)
        await pilot.press("enter")
        await pilot.pause()
        assert answers == [
            {
                "name": "Ada",
                "seats": 2,
                "price": 99.5,
                "window": True,
                "meal": "fish",
                "stops": ["Linz", "Graz"],
            }
        ]
        assert "travel: sent" in str(app.query_one("#asker", Static).render())
        assert not app.query(Input)


async def test_what_does_not_fit_or_is_missing_is_said_at_its_field_and_nothing_is_sent() -> None:
    app = Shows()
    async with app.run_test(size=(80, 50)) as pilot:
        answers = await asking(pilot)
        field(pilot, "price").query_one(Input).value = "cheap"
        field(pilot, "stops").query_one(Input).value = "Rome"
        await pilot.press("ctrl+s")
        await pilot.pause()
        said = {
            one.field.name: str(one.query_one(".amiss", Static).render())
            for one in app.query(FormField)
        }
        assert said == {
            "name": "this is needed",
            "seats": "",
            "price": "say a number",
            "window": "",
            "meal": "this is needed",
            "stops": "say one of Graz, Linz",
        }
        assert app.focused is field(pilot, "name").query_one(Input)
        assert answers == []


async def test_what_may_stay_empty_is_left_out() -> None:
    app = Shows()
    async with app.run_test(size=(80, 50)) as pilot:
        answers = await asking(pilot)
        field(pilot, "name").query_one(Input).value = "Ada"
        field(pilot, "meal").query_one(Select).value = 0
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert answers == [{"name": "Ada", "seats": 2, "window": False, "meal": "meat"}]


async def test_it_can_be_declined() -> None:
    app = Shows()
    async with app.run_test(size=(80, 50)) as pilot:
        answers = await asking(pilot)
        await pilot.press("ctrl+n")
        await pilot.pause()
        assert answers == [None]
        assert "declined" in str(app.query_one("#asker", Static).render())


async def test_a_run_that_ends_asks_no_more() -> None:
    app = Shows()
    async with app.run_test(size=(80, 50)) as pilot:
        answers = await asking(pilot)
        app.query_one(Flow).cut_off()
        await pilot.pause()
        assert "no longer asked" in str(app.query_one("#asker", Static).render())
        app.query_one(FormView).action_send()
        assert answers == []


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"properties": None},
        {"properties": {"a": None, "b": {"type": ["x"]}, "c": {"enum": "no"}, "": {}}},
        {"properties": {"a": {"oneOf": [{"const": None}, {"const": {"b": 1}}]}}, "required": "a"},
        {"properties": {"a": {"type": "array", "items": [1], "default": "x"}}},
        {"properties": {"[red]" * 40: {"description": "\x1b[31m" * 99, "default": ["\x1b"]}}},
    ],
)
async def test_a_strangers_schema_breaks_nothing(fields: dict[str, Any]) -> None:
    app = Shows()
    async with app.run_test(size=(60, 40)) as pilot:
        answers = await asking(pilot, fields)
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert answers


async def test_consent_waits_for_the_form_and_one_question_comes_at_a_time() -> None:
    told: list[Question] = []
    consent = Consent(told.append)
    form = Form(message="?", fields={})
    first, second = (asyncio.create_task(consent.fill(form)) for _ in range(2))
    await asyncio.sleep(0.01)
    (asked,) = told
    assert isinstance(asked, FormAsked)
    await asyncio.to_thread(asked.answer, {"a": 1})
    assert await first == {"a": 1}
    await asyncio.sleep(0.01)
    answer: Callable[[Filled], None] = told[1].answer  # type: ignore[assignment]
    answer(None)
    assert await second is None
