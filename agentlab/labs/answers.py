"""What a learner hands in, one kind for each kind of step. All of it is plain TOML.

# first-call.toml
instructions = "Use the calculator for every sum."
tools = ["calculator"]

[[examples]]
user = "What is 3 + 4?"
tool = "calculator"
arguments = { expression = "3 + 4" }
result = "7"
answer = "3 + 4 = 7"
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeVar

from pydantic import ValidationError, model_validator

from agentlab.backend import Settings
from agentlab.errors import LabError
from agentlab.labs.slips import broken, misplaced
from agentlab.limits import Limits
from agentlab.messages import Message, ToolCall, ToolResult, Value
from agentlab.values import first_fault


class Try(Value):
    """A call that failed, and what the tool said."""

    arguments: dict[str, Any]
    error: str


class Then(Value):
    """A call made after another, and what came back."""

    arguments: dict[str, Any]
    result: str
    tool: str | None = None
    """Another tool than the example's own."""


class Example(Value):
    """One exchange shown to the model before the real one (few-shot), with or without calls."""

    user: str
    tool: str | None = None
    tried: tuple[Try, ...] = ()
    """Calls that failed first, to show how one mends them."""
    arguments: dict[str, Any] = {}
    result: str = ""
    then: tuple[Then, ...] = ()
    """Calls that this one led to, one after the other."""
    answer: str

    def messages(self, number: int) -> tuple[Message, ...]:
        """The exchange as the turns it would have been."""
        turns = [Message.user(self.user)]
        for n, (name, arguments, content, failed) in enumerate(self._calls(), 1):
            text = json.dumps(arguments, ensure_ascii=False)
            call = ToolCall(id=f"example_{number}_{n}", name=name, arguments=text)
            error = "tool_error" if failed else None
            result = ToolResult(call_id=call.id, content=content, error=error)
            turns += [Message.assistant(call), Message.results([result])]
        return (*turns, Message.assistant(self.answer))

    def _calls(self) -> Iterator[tuple[str, dict[str, Any], str, bool]]:
        if self.tool is not None:
            for attempt in self.tried:
                yield self.tool, attempt.arguments, attempt.error, True
            yield self.tool, self.arguments, self.result, False
            for call in self.then:
                yield call.tool or self.tool, call.arguments, call.result, False


class AgentAnswer(Value):
    """An agent, put together: what it is told, shown and given, and how far it may go."""

    kind: Literal["agent"] = "agent"
    instructions: str = ""
    tools: tuple[str, ...] = ()
    examples: tuple[Example, ...] = ()
    settings: Settings = Settings()
    limits: Limits = Limits(steps=6)

    def but(self, **changes: Any) -> AgentAnswer:
        """This answer with some things changed, which is how most wrong answers differ."""
        return AgentAnswer(
            **{**{name: getattr(self, name) for name in self.model_fields_set}, **changes}
        )

    def shown(self) -> tuple[Message, ...]:
        """The examples as messages."""
        return tuple(m for n, e in enumerate(self.examples, 1) for m in e.messages(n))


class CodeAnswer(Value):
    """A program. On disk it is a file of its own, such as `STEP.py`."""

    kind: Literal["code"] = "code"
    code: str = ""


class Call(Value):
    """A call, in place of what the model did."""

    name: str
    arguments: dict[str, Any] = {}


class ForkAnswer(Value):
    """A run taken up at one of its events, with at most one change there."""

    kind: Literal["fork"] = "fork"
    at: int = 0
    """The number of the last event to keep, itself changed where something is to be changed."""
    call: Call | None = None
    """At a reply: the call that the model should have made."""
    tool_result: str | None = None
    """At a result: what the tool should have said."""
    prompt: str | None = None
    """At the start: what the user says instead; where no call waits: what the user says next."""

    @model_validator(mode="after")
    def _one_change(self) -> ForkAnswer:
        changes = [n for n in ("call", "tool_result", "prompt") if getattr(self, n) is not None]
        if len(changes) > 1:
            raise ValueError(f"change one thing at a time, so not both {' and '.join(changes)}")
        return self


class QuizAnswer(Value):
    """The options chosen, by letter."""

    kind: Literal["quiz"] = "quiz"
    chosen: tuple[str, ...] = ()


class ReadAnswer(Value):
    """Nothing to hand in."""

    kind: Literal["read"] = "read"


Answer: TypeAlias = AgentAnswer | CodeAnswer | ForkAnswer | QuizAnswer | ReadAnswer
A = TypeVar("A", bound=Value)


def read_answer(path: Path, kind: type[A]) -> A:
    """A learner's answer from its file.

    Raises:
        LabError: the file can't be read, is not TOML, or has fields an answer does not have.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LabError(f"{path}: {getattr(error, 'strerror', None) or error}") from error
    return parse_answer(text, kind, str(path))


def parse_answer(text: str, kind: type[A], name: str) -> A:
    """An answer from its text; `name` says in an error where the text came from.

    Raises:
        LabError: it is not TOML, or has fields an answer does not have.
    """
    try:
        raw = {"code": text} if kind is CodeAnswer else tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise LabError(f"{name} is not valid TOML, {broken(text, str(error))}") from error
    try:
        return kind.model_validate(raw, extra="forbid")
    except ValidationError as error:
        raise LabError(f"{name}, {misplaced(text, first_fault(error), kind)}") from error
