"""Backends for the frameworks' tests: one that waits to be told to go on, and what it says."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from typing import Any

from agentlab.backend import BackendIdentity, Delta, Reply, TextDelta, Usage
from agentlab.messages import Message, Reasoning, ToolCall

THOUGHT = Reply(
    message=Message.assistant(
        Reasoning(text="they want a sum, so", signature="sealed"),
        "I will add them.",
        ToolCall(id="c1", name="add", arguments='{"a":1,"b":2}'),
        ToolCall(id="c2", name="add", arguments='{"a":3,"b":4}'),
    ),
    usage=Usage(input_tokens=12, cached_tokens=5, output_tokens=7, cost=0.25),
    stop="tool_calls",
)
"""A reply with all that a reply can hold."""


class Waits:
    """Says one word, and the next only once it is told to (`go`); tells when it is closed."""

    identity = BackendIdentity(name="waits", model="waits")

    def __init__(self) -> None:
        self.go = threading.Event()
        self.closed = threading.Event()
        self.settings: Any = None

    async def stream(
        self, messages: Sequence[Message], **asked: Any
    ) -> AsyncIterator[Delta | Reply]:
        self.settings = asked["settings"]
        try:
            yield TextDelta(text="one ")
            while not self.go.is_set():  # noqa: ASYNC110 - set by another thread
                await asyncio.sleep(0.005)
            yield TextDelta(text="two")
            yield Reply(message=Message.assistant("one two"))
        finally:
            self.closed.set()

    async def aclose(self) -> None:
        """Nothing is held."""
