"""Asking a person on the screen, while the run waits on the engine.

Whether a call may be made, and what a tool at work wants to know.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeAlias

from agentlab.approval import Decision, Filled, Form
from agentlab.messages import ToolCall


@dataclass(frozen=True)
class Asked:
    """A call waits for a person's word."""

    call: ToolCall
    answer: Callable[[Decision, bool], None]
    """Give a decision, from any thread; with True it holds for every later call of that tool."""


@dataclass(frozen=True)
class FormAsked:
    """A tool waits for what a person fills in."""

    form: Form
    answer: Callable[[Filled], None]
    """Give what was filled in, or None, from any thread."""


Question: TypeAlias = Asked | FormAsked


class Consent:
    """An approver that asks the screen, and has forms filled in there. On the engine's thread.

    Args:
        tell: hands a question to the screen.
    """

    def __init__(self, tell: Callable[[Question], None]) -> None:
        self._tell = tell
        self._always: set[str] = set()
        self._one_at_a_time = asyncio.Lock()

    async def __call__(self, call: ToolCall) -> Decision:
        """Wait for the person's word on a call."""
        async with self._one_at_a_time:  # calls that are made together are asked about in turn
            if call.name in self._always:
                return Decision(verdict="allow")
            return await self._ask(call)

    async def fill(self, form: Form) -> Filled:
        """Wait for what the person fills in."""
        async with self._one_at_a_time:
            word, answer = _promise()
            self._tell(FormAsked(form, answer))
            return await word

    async def _ask(self, call: ToolCall) -> Decision:
        word, answer = _promise()
        self._tell(Asked(call, lambda decision, always: answer((decision, always))))
        decision, always = await word
        if always and decision.verdict == "allow":
            self._always.add(call.name)
        return decision


def _promise() -> tuple[asyncio.Future[Any], Callable[[Any], None]]:
    """A promise, and what keeps it, from any thread; whoever is first."""
    loop = asyncio.get_running_loop()
    word: asyncio.Future[Any] = loop.create_future()

    def settle(answer: object) -> None:
        if not word.done():
            word.set_result(answer)

    def give(answer: object) -> None:
        with suppress(RuntimeError):  # the engine was closed while the question was open
            loop.call_soon_threadsafe(settle, answer)

    return word, give
