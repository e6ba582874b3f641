"""A form that a tool shows, filled in at the terminal."""

from __future__ import annotations

from typing import Any

import pytest

from agentlab.approval import Form
from agentlab.cli.forms import fill_in

FIELDS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "description": "Whose\x1b[31m seat?"},
        "row": {"type": "integer"},
        "price": {"type": "number", "default": 9.5},
        "window": {"type": "boolean"},
        "meal": {"type": "string", "oneOf": [{"const": "v", "title": "vegan"}, {"const": "f"}]},
        "extras": {"type": "array", "items": {"enum": ["bag", "wifi"]}},
    },
    "required": ["name", "row"],
}
FORM = Form(message="Which\x1b[2J seat?", fields=FIELDS, asker="airline")


def filled(*said: str) -> tuple[Any, list[str]]:
    left, told = list(said), list[str]()

    def read(question: str) -> str:
        told.append(question)
        if not left:
            raise EOFError
        return left.pop(0)

    return fill_in(FORM, read, told.append), told


def test_every_field_is_asked_for_and_becomes_what_it_should_be() -> None:
    values, told = filled("y", "Ada", "7", "8.5", "yes", "V", "wifi, bag")
    assert values == {
        "name": "Ada",
        "row": 7,
        "price": 8.5,
        "window": True,
        "meal": "v",
        "extras": ["wifi", "bag"],
    }
    shown = "\n".join(told)
    assert "airline asks: Which" in shown
    assert "price [9.5]: " in shown
    assert "v  vegan" in shown
    assert "\x1b" not in shown


def test_nothing_said_is_the_default_or_left_out() -> None:
    values, _ = filled("y", "Ada", "7", "", "", "", "")
    assert values == {"name": "Ada", "row": 7, "price": 9.5}


def test_what_does_not_fit_is_asked_for_again() -> None:
    values, told = filled("y", "Ada", "seven", "7", "", "perhaps", "no", "beef", "f", "")
    assert values == {"name": "Ada", "row": 7, "price": 9.5, "window": False, "meal": "f"}
    assert "  say a whole number" in told
    assert "  say yes or no" in told
    assert "  say one of v, f" in told


@pytest.mark.parametrize(
    "said", [("n",), ("",), (), ("y", "Ada"), ("y", "", "", ""), ("y", "Ada", "x", "y", "z")]
)
def test_who_would_not_or_cannot_say_sends_nothing(said: tuple[str, ...]) -> None:
    values, _ = filled(*said)
    assert values is None
