"""The agent that is asked about pictures, and has the learner's reader as its tool."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from agentlab.agent import Agent
from agentlab.backend import Backend, Settings
from agentlab.backends import connect
from agentlab.limits import Limits
from agentlab.tooling import tool

MODEL = "local:agent"
NAMES = ("A", "B", "C", "D")
"""No numbers: it would take the number of a picture for the digit in it."""
_STEADY = Settings(temperature=0, max_tokens=30)
_answered: dict[tuple[str, int | None], str] = {}
"""What is said of a picture that was read so. It always says the same, and is asked once."""


async def asked(pictures: Sequence[tuple[str, int | None]]) -> list[dict[str, Any]]:
    """Ask about four of them: what is in each, "7" or "no digit", and what the reader makes of it.

    Returns:
        What was asked, what is in the picture, what the agent said, and whether that is right.
    """
    found: list[dict[str, Any]] = []
    model: Backend | None = None
    try:
        for name, (there, read) in zip(NAMES, pictures, strict=True):
            if (name, read) not in _answered:
                model = model or connect(MODEL, threads=1, n_ctx=1024)
                _answered[name, read] = await _answer(model, name, read)
            said = _answered[name, read]
            one = {"asked": _question(name), "picture": f"which is {_named(there)}"}
            found.append({**one, "said": said, "right": _says(said) == there})
    finally:
        if model is not None:
            await model.aclose()
    return found


def _named(there: str) -> str:
    return there if there == "no digit" else f"a {there}"


def _question(name: str) -> str:
    return f"Which digit is in picture {name}?"


def _says(answer: str) -> str:
    """The one digit that is named, or that it is none."""
    digits = set(re.findall(r"\d", answer))
    if not digits:
        return "no digit" if re.search(r"\b(no|not|none)\b", answer) else answer
    return digits.pop() if len(digits) == 1 else answer


async def _answer(model: Backend, name: str, read: int | None) -> str:
    @tool
    def read_digit(picture: str) -> str:
        """Read the digit in a picture."""
        if picture != name:
            return f"there is no picture {picture}"
        return "no digit" if read is None else f"It is a {read}"

    agent = Agent(backend=model, tools=[read_digit], settings=_STEADY, limits=Limits(steps=3))
    return (await agent.run(_question(name))).text
