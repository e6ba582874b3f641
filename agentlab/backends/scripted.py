"""A backend that says what it is told to: for lessons, docs, demos and tests.

    backend = Scripted(["Hello!", Message.assistant(ToolCall(id="1", name="add", arguments="{}"))])
    backend = Scripted(lambda messages, tools, settings: messages[-1].text.upper())

It streams like a model does (text word by word, a tool call's name before its arguments), answers
in the same way every time, and keeps the requests it got. It does not judge them: `settings`,
`tools` and `output` are recorded and handed to a function, and change nothing else.
"""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias, cast

from agentlab.backend import (
    BackendIdentity,
    Delta,
    JsonSchema,
    ReasoningDelta,
    Reply,
    Settings,
    TextDelta,
    ToolCallDelta,
    ToolSpec,
)
from agentlab.errors import BackendError, ConfigError
from agentlab.messages import Message, Reasoning, Text, ToolCall, Usage

Said: TypeAlias = Reply | Message | str | Exception
"""What one turn answers: a whole reply, its message, its text, or an exception to raise."""

Script: TypeAlias = Callable[
    [Sequence[Message], Sequence[ToolSpec], Settings], Said | Awaitable[Said]
]
"""Answers a request: (messages, tools, settings) -> what to say. May be async."""


@dataclass(frozen=True)
class Request:
    """What the backend was asked."""

    conversation: Sequence[Message]
    length: int
    tools: tuple[ToolSpec, ...]
    settings: Settings
    output: JsonSchema | None

    @property
    def messages(self) -> tuple[Message, ...]:
        """The conversation as it was at the time of the request."""
        # kept as a length into the shared sequence, so a long run's record stays linear in size
        return tuple(self.conversation[: self.length])


class Scripted:
    """Replies from a list, one a turn, or from a function.

    Args:
        replies: what to say, in order, or one thing alone; or a function asked at every turn.
        name: what the backend calls itself in a trace.
        pace: seconds to wait before each delta; 0 streams as fast as it is read.

    Raises:
        ConfigError: what is in the list can't be said, or a message is not the assistant's.
    """

    def __init__(
        self, replies: Iterable[Said] | Said | Script, *, name: str = "scripted", pace: float = 0.0
    ) -> None:
        self._script = replies if callable(replies) else None
        self._replies = () if callable(replies) else _several(replies)
        for reply in self._replies:
            _check(reply)
        self._next = 0
        self._pace = pace
        self._identity = BackendIdentity(name=name, model="scripted")
        self.requests: list[Request] = []
        """Every request so far, oldest first."""

    @property
    def identity(self) -> BackendIdentity:
        """The name given, and the model `scripted`."""
        return self._identity

    async def stream(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[ToolSpec] = (),
        settings: Settings = Settings(),
        output: JsonSchema | None = None,
    ) -> AsyncIterator[Delta | Reply]:
        """Say the next thing in the script.

        Raises:
            BackendError: the list of replies has been used up.
            Exception: the one the script holds at this turn.
        """
        self.requests.append(Request(messages, len(messages), tuple(tools), settings, output))
        answer = await self._say(messages, tools, settings)
        if isinstance(answer, Exception):
            raise answer
        reply = _reply(answer)
        for delta in deltas_of(reply.message):
            # a model never answers without giving the event loop a turn; neither does its stand-in
            await asyncio.sleep(self._pace)
            yield delta
        yield reply

    async def aclose(self) -> None:
        """Nothing is held, so nothing is freed."""

    async def _say(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec], settings: Settings
    ) -> Said:
        if self._script is not None:
            answer = self._script(messages, tools, settings)
            if inspect.isawaitable(answer):
                answer = await answer
            _check(answer)
            return answer
        if self._next == len(self._replies):
            raise BackendError(
                f"the script holds {len(self._replies)} replies and was asked for one more: "
                "add a reply, or limit the run's steps"
            )
        self._next += 1
        return self._replies[self._next - 1]


def _several(replies: Iterable[Said] | Said) -> tuple[Said, ...]:
    if isinstance(replies, Reply | Message | str | Exception):  # a text is no list of letters
        return (replies,)
    if not isinstance(cast(object, replies), Iterable):
        raise ConfigError(f"a script is a list of replies, or a function; got {replies!r:.60}")
    return tuple(replies)


def _check(answer: Said) -> None:
    if not isinstance(cast(object, answer), Reply | Message | str | Exception):
        raise ConfigError(
            f"a script says texts, messages, replies or exceptions; {answer!r:.60} is "
            f"{type(answer).__name__}"
        )
    message = answer.message if isinstance(answer, Reply) else answer
    if isinstance(message, Message) and message.role != "assistant":
        raise ConfigError(f"a script can only hold the assistant's messages, not {message.role}'s")


def _reply(answer: Reply | Message | str) -> Reply:
    if isinstance(answer, Reply):
        return answer
    message = Message.assistant(answer) if isinstance(answer, str) else answer
    stop = "tool_calls" if message.tool_calls else "end"
    return Reply(message=message, usage=Usage(cost=0.0), stop=stop)


def _words(text: str) -> Iterator[str]:
    return (match[0] for match in re.finditer(r"\s*\S+\s*$|\s*\S+|\s+", text))


def deltas_of(message: Message) -> Iterator[Delta]:
    """The deltas a model could have sent for this message: words, and calls name first."""
    for part in message.parts:
        match part:
            case Text(text=text):
                yield from (TextDelta(text=word) for word in _words(text))
            case Reasoning(text=text):
                yield from (ReasoningDelta(text=word) for word in _words(text))
            case ToolCall(id=id, name=name, arguments=arguments):
                yield ToolCallDelta(id=id, name=name)
                for word in _words(arguments):
                    yield ToolCallDelta(id=id, name=name, arguments=word)
            case _:
                pass
