"""A model, tools and a person that say what the log says they said."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel, ConfigDict

from agentlab import errors
from agentlab.agent.generators import owned
from agentlab.agent.profile import AgentProfile
from agentlab.approval import Approver, Decision
from agentlab.backend import (
    Backend,
    BackendIdentity,
    Delta,
    JsonSchema,
    Reply,
    Settings,
    ToolSpec,
)
from agentlab.backends.scripted import deltas_of
from agentlab.errors import BackendError
from agentlab.events import (
    ApprovalAsked,
    ApprovalGiven,
    Event,
    ModelReplied,
    RunFailed,
    ToolFinished,
)
from agentlab.messages import Message, ToolCall, ToolResult
from agentlab.replay.compare import Places, key, plain_arguments
from agentlab.tooling import Tool, ToolContext


class RecordedBackend:
    """Gives the replies of a log, one a request, whatever is asked.

    Where the log's model failed, so does this one, with an error of the same class and words.
    """

    def __init__(self, identity: BackendIdentity, events: Iterable[Event]) -> None:
        self._identity = identity
        outcomes = [e for e in events if isinstance(e, ModelReplied | RunFailed)]
        self._outcomes = iter(outcomes)
        self._count = sum(isinstance(e, ModelReplied) for e in outcomes)

    @property
    def identity(self) -> BackendIdentity:
        """That of the model whose replies these are."""
        return self._identity

    async def stream(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[ToolSpec] = (),
        settings: Settings = Settings(),
        output: JsonSchema | None = None,
    ) -> AsyncIterator[Delta | Reply]:
        """The next reply, with deltas made from it.

        Raises:
            BackendError: the log has no further reply.
        """
        outcome = next(self._outcomes, None)
        if isinstance(outcome, RunFailed):
            raise _failure(outcome)
        if outcome is None:
            raise BackendError(f"the log holds {self._count} replies, and one more was asked for")
        for delta in deltas_of(outcome.reply.message):
            yield delta
        yield outcome.reply

    async def aclose(self) -> None:
        """Nothing is held."""


def _failure(failed: RunFailed) -> BackendError:
    kind = getattr(errors, failed.error, None)
    if isinstance(kind, type) and issubclass(kind, BackendError):
        return kind(failed.message)
    return BackendError(failed.message)


class RecordedResults:
    """The results of a log, for calls that are made again: found by their place in the run.

    Whoever uses it tells it of every event of the new run by `follow`.
    """

    def __init__(self, events: Iterable[Event]) -> None:
        self._results: dict[tuple[int, str], tuple[ToolCall, ToolResult]] = {}
        places, calls = Places(), dict[str, ToolCall]()
        for event in events:
            places.follow(event)
            if isinstance(event, ModelReplied):
                calls = {call.id: call for call in event.reply.message.tool_calls}
            elif isinstance(event, ToolFinished) and event.result.call_id in calls:
                id = event.result.call_id
                self._results[places.replies, places.of(id)] = (calls[id], event.result)
        self._places = Places()

    def follow(self, event: Event) -> None:
        """Take note of the new run's next event."""
        self._places.follow(event)

    def again(self, past: Iterable[Event]) -> None:
        """Begin again, behind these events."""
        self._places = Places()
        for event in past:
            self.follow(event)

    def of(self, call: ToolCall) -> ToolResult:
        """What the call at this place returned, if it was the same call."""
        there = self._results.get((self._places.replies, self._places.of(call.id)))
        if there is None or _asked(there[0]) != _asked(call):
            why = "this call is not in the log, and no tool was run"
            return ToolResult(call_id=call.id, content=why, error="tool_error")
        return there[1].model_copy(update={"call_id": call.id})


def _asked(call: ToolCall) -> bytes:
    return key({"name": call.name, "arguments": plain_arguments(call.arguments)})


class _AnyArguments(BaseModel):
    model_config = ConfigDict(extra="allow")


async def _never(_arguments: BaseModel, _context: ToolContext) -> str:
    raise AssertionError("a recorded tool is never run")


@dataclass(frozen=True)
class RecordedTool(Tool[Any]):
    """A tool that looks like the one of the log, and answers from it."""

    recorded: ToolSpec | None = None
    results: RecordedResults | None = None

    @property
    def spec(self) -> ToolSpec:  # pyright: ignore[reportIncompatibleVariableOverride]
        """As the log has it."""
        assert self.recorded is not None
        return self.recorded

    async def call(self, call: ToolCall, context: ToolContext | None = None) -> ToolResult:
        """The result in the log."""
        assert self.results is not None
        return self.results.of(call)


def recorded_tool(spec: ToolSpec, results: RecordedResults) -> RecordedTool:
    """A stand-in for the tool of that schema."""
    return RecordedTool(
        name=spec.name,
        description=spec.description,
        arguments=_AnyArguments,
        run=_never,
        timeout=None,
        recorded=spec,
        results=results,
    )


def standing_in(
    agent: AgentProfile[Any],
    backend: Callable[[Backend], Backend],
    results: RecordedResults | None,
    seen: set[str] | None = None,
) -> AgentProfile[Any]:
    """An agent and its whole team on other backends and, where there are any, recorded results."""
    seen = {agent.name} if seen is None else seen
    seen.add(agent.name)
    handoffs = tuple(
        other
        if isinstance(other, str)
        else other.name
        if other.name in seen
        else standing_in(other, backend, results, seen)
        for other in agent.handoffs
    )
    tools = (
        agent.tools
        if results is None
        else tuple(recorded_tool(tool.spec, results) for tool in agent.tools)
    )
    return replace(agent, backend=backend(agent.backend), tools=tools, handoffs=handoffs)


def recorded_approver(events: Sequence[Event]) -> Approver | None:
    """A person who decides as in these events; None where they hold no decision after a question.

    The n-th question gets the n-th answer.
    """
    asked: set[str] = set()
    answers: deque[Decision] = deque()
    for event in events:
        if isinstance(event, ApprovalAsked):
            asked.add(event.call.id)
        elif isinstance(event, ApprovalGiven) and event.call_id in asked:
            answers.append(Decision(verdict=event.verdict, reason=event.reason))
    if not answers:
        return None

    async def decide(_call: ToolCall) -> Decision:
        if not answers:
            return Decision(verdict="deny", reason="nobody was asked about this in the log")
        return answers.popleft()

    return decide


class Warmth:
    """How much of the conversation each reply of a log found in its model's cache."""

    def __init__(self, replies: Iterable[Reply]) -> None:
        self._found = deque(reply.usage.cached_tokens for reply in replies)
        self._number = 0
        self.begins = True
        """Whether the next reply is the first of a process, or of a conversation taken up."""
        self.others: list[tuple[int, int, int]] = []
        """Replies that now found more or less: their number, tokens then, tokens now."""
        self.taken_over: list[tuple[int, int]] = []
        """Replies that found what an earlier conversation had read: their number, tokens."""

    def next(self) -> tuple[int, int | None]:
        """The next reply's number, from 1, and the tokens it found; None where there is none."""
        self._number += 1
        return self._number, self._found.popleft() if self._found else None


class Rewarmed:
    """A backend that starts as cold or warm as the log's model did, so that it computes the same.

    A local model that finds the beginning of a conversation in its cache gets numbers that differ
    in their last digits from those of one that reads it all; see `docs/replay.md`.
    """

    def __init__(self, backend: Backend, log: Warmth) -> None:
        self._backend = backend
        self._log = log

    @property
    def identity(self) -> BackendIdentity:
        """The backend's own."""
        return self._backend.identity

    async def stream(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[ToolSpec] = (),
        settings: Settings = Settings(),
        output: JsonSchema | None = None,
    ) -> AsyncIterator[Delta | Reply]:
        """What the backend answers."""
        begins, self._log.begins = self._log.begins, False
        number, kept = self._log.next()
        forget = getattr(self._backend, "forget", None)
        rewarm = getattr(self._backend, "rewarm", None)
        if kept == 0 and forget is not None:
            forget()
        elif kept and begins and rewarm is not None:
            await rewarm(messages, tools=tools, tokens=kept)
            self._log.taken_over.append((number, kept))
        stream = self._backend.stream(messages, tools=tools, settings=settings, output=output)
        async with owned(stream) as items:
            async for item in items:
                if isinstance(item, Reply) and kept is not None and forget is not None:
                    finds = item.usage.cached_tokens
                    if finds != kept:
                        self._log.others.append((number, kept, finds))
                yield item

    async def aclose(self) -> None:
        """The backend belongs to whoever made it."""
