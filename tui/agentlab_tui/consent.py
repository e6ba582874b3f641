"""Asking a person on the screen whether a call may be made, while the run waits on the engine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from agentlab.approval import Decision
from agentlab.messages import ToolCall


@dataclass(frozen=True)
class Asked:
    """A call waits for a person's word."""

    call: ToolCall
    answer: Callable[[Decision, bool], None]
    """Give a decision, from any thread; with True it holds for every later call of that tool."""


class Consent:
    """An approver that asks the screen. It lives on the engine's thread.

    Args:
        tell: hands a question to the screen.
    """

    def __init__(self, tell: Callable[[Asked], None]) -> None:
        self._tell = tell
        self._always: set[str] = set()
        self._one_at_a_time = asyncio.Lock()

    async def __call__(self, call: ToolCall) -> Decision:
        """Wait for the person's word on a call."""
        async with self._one_at_a_time:  # calls that are made together are asked about in turn
            if call.name in self._always:
                return Decision(verdict="allow")
            return await self._ask(call)

    async def _ask(self, call: ToolCall) -> Decision:
        loop = asyncio.get_running_loop()
        word: asyncio.Future[tuple[Decision, bool]] = loop.create_future()

        def settle(decision: Decision, always: bool) -> None:
            if not word.done():
                word.set_result((decision, always))

        def answer(decision: Decision, always: bool) -> None:
            with suppress(RuntimeError):  # the engine was closed while the question was open
                loop.call_soon_threadsafe(settle, decision, always)

        self._tell(Asked(call, answer))
        decision, always = await word
        if always and decision.verdict == "allow":
            self._always.add(call.name)
        return decision
