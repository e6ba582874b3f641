"""Verify: run again, and find the first thing that is not as the log says.

By default everything is real: the model writes each reply again, and the tools work on each call
again. Either can be taken from the log instead, which tests the other alone:

    model     tools     what is tested
    run       run       everything
    run       log       the model: nothing happens outside of it
    log       run       the agent's own code: tools, prompts, limits; a recorded run as a test
    log       log       the loop itself, with nothing installed

What came from outside (a person's word, a stop, the clock's end) is taken from the log.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast

from agentlab.agent import Agent
from agentlab.agent.run import Run
from agentlab.agent.transcript import Transcript
from agentlab.backend import Backend
from agentlab.events import (
    ApprovalGiven,
    HandedOff,
    LiveEvent,
    MessageAdded,
    ModelReplied,
    RunResumed,
    RunStarted,
    StoredEvent,
    ToolFinished,
    UnknownEvent,
)
from agentlab.messages import Message, Value
from agentlab.replay.compare import in_words
from agentlab.replay.expected import Expected, first_token, without_outside_end
from agentlab.replay.rebuild import changes_in, rebuild
from agentlab.replay.recorded import (
    RecordedBackend,
    RecordedResults,
    Rewarmed,
    Warmth,
    recorded_approver,
    recorded_tool,
    standing_in,
)
from agentlab.trace import Trace, TraceHeader

Source: TypeAlias = Literal["run", "log"]


class Difference(Value):
    """The first thing that came out differently."""

    what: str
    """In a few words, e.g. `token 17 of reply 2` or `the result of add`."""
    seq: int | None
    """Of the event in the log; None where the log has no such event."""
    then: tuple[str, ...]
    """What the log says, in lines; empty where it has nothing there."""
    now: tuple[str, ...]
    """What came now."""
    token: int | None = None
    """The first token that differs, counted from 0, where both sides have tokens."""


class Verification(Value):
    """What came of running again."""

    run: str
    checked: int
    """Events of the log that came again."""
    total: int
    difference: Difference | None
    notes: tuple[str, ...] = ()
    """What was not the same around the run, and what could not be checked."""

    @property
    def same(self) -> bool:
        """Whether nothing differed."""
        return self.difference is None


async def verify(
    trace: Trace,
    agent: Agent[Any] | None = None,
    *,
    model: Source = "run",
    tools: Source = "run",
    backend: Backend | None = None,
    deps: Any = None,
    workspace: Path | None = None,
) -> Verification:
    """Run again and compare. Stops at the first difference, and writes no trace.

    Args:
        agent: made from the trace where not given; with `tools="log"` no tool need be installed.
        model, tools: see above.
        backend: instead of the agent's own.
        deps, workspace: handed to the tools.

    Raises:
        ConfigError: the agent can't be made from the trace, or its model can't do what is asked.
    """
    events = _known(trace)
    opened = agent is None and backend is None
    if agent is None:
        specs = trace.header.tools if tools == "log" else ()
        stand_ins = [recorded_tool(spec, RecordedResults(())) for spec in specs]
        there = RecordedBackend(trace.header.backend, ()) if model == "log" else backend
        agent = rebuild(trace, backend=there, tools=stand_ins)
    if backend is not None:
        agent = agent.with_(backend=backend)
    check = _Check(trace, agent, events, model, tools)
    try:
        difference = check.header() or await check.all(deps, workspace)
    finally:
        if opened:
            await agent.backend.aclose()
    notes = check.notes(differs=difference is not None)
    return Verification(
        run=trace.header.run,
        checked=check.checked,
        total=len(trace.records),
        difference=difference,
        notes=tuple(notes),
    )


def _known(trace: Trace) -> list[StoredEvent]:
    events: list[StoredEvent] = []
    for event in trace.events:
        if isinstance(event, UnknownEvent):
            break
        events.append(event)
    return events


class _Check:
    """The events of a log, crossed off as they come again."""

    def __init__(
        self,
        trace: Trace,
        agent: Agent[Any],
        events: list[StoredEvent],
        model: Source,
        tools: Source,
    ) -> None:
        self._trace = trace
        self._events = events
        self._seqs = [record.seq for record in trace.records]
        self.checked = 0
        self._ended: str | None = None
        self._given = _given(trace.header, events, self._seqs)
        later = events[self._given :]
        self._warmth = Warmth(e.reply for e in later if isinstance(e, ModelReplied))
        served = RecordedBackend(trace.header.backend, later)
        self._identity = trace.header.backend if model == "log" else agent.backend.identity

        def stand_in(own: Backend) -> Backend:
            return served if model == "log" else Rewarmed(own, self._warmth)

        self._results = RecordedResults(events) if tools == "log" else None
        self._agent = cast(Agent[Any], standing_in(agent, stand_in, self._results))

    def header(self) -> Difference | None:
        """What the model is shown besides the conversation."""
        header, agent = self._trace.header, self._agent
        then = [f"{t.name}: {t.description} {t.parameters}" for t in header.tools]
        now = [f"{t.name}: {t.description} {t.parameters}" for t in agent.specs]
        if then != now:
            return Difference(what="the tools", seq=None, then=tuple(then), now=tuple(now))
        if header.settings != agent.settings:
            before, after = header.settings.model_dump(), agent.settings.model_dump()
            names = [name for name in before if before[name] != after[name]]
            then, now = ([f"{n}: {side[n]}" for n in names] for side in (before, after))
            return Difference(what="the settings", seq=None, then=tuple(then), now=tuple(now))
        return None

    def notes(self, *, differs: bool) -> list[str]:
        """What one should know besides the difference."""
        notes = list(changes_in(self._trace.header.backend, self._identity))
        if self._ended:
            notes.append(self._ended)
        if len(self._events) < len(self._seqs):
            notes.append("events of a kind this version does not know were not checked")
        notes += [
            f"reply {number} found {then} tokens in the cache then, and {now} now: its numbers "
            "may differ in their last digits"
            for number, then, now in self._warmth.others
        ]
        notes += [
            f"reply {number} found {tokens} tokens that an earlier conversation had read; in which "
            "batches is not in the log, which alone may be why it differs"
            for number, tokens in self._warmth.taken_over
            if differs
        ]
        return notes

    async def all(self, deps: Any, workspace: Path | None) -> Difference | None:
        """Every part of the run: it has several where it was resumed."""
        events, at = self._events, 0
        bounds = [i for i, e in enumerate(events) if isinstance(e, RunResumed)]
        bounds = [i for i in bounds if i >= self._given]
        for end in (*bounds, len(events)):
            if at == end == 0:
                break
            begin, opening = self._opening(at)
            part = events[begin:end]
            approver = recorded_approver(part)
            if begin == 0:
                run = self._anew(approver, deps, workspace)
            else:
                run = Run(
                    self._agent,
                    self._trace.header,
                    opening,
                    past=events[:at] if opening else events[:begin],
                    folder=None,
                    approver=approver,
                    deps=deps,
                    workspace=workspace,
                )
            self.checked = begin
            difference = await self._part(run, len(opening), begin, part)
            if difference is not None:
                return difference
            at = end
        return None

    def _opening(self, at: int) -> tuple[int, list[StoredEvent]]:
        """Where to begin to compare, and what a part of the run starts with."""
        if at == 0:
            return self._given, []
        opening: list[StoredEvent] = [self._events[at]]
        for event in self._events[at + 1 :]:
            if not isinstance(event, ApprovalGiven):
                break
            opening.append(event)
        return at + len(opening), opening

    def _anew(self, approver: Any, deps: Any, workspace: Path | None) -> Run[Any]:
        first = self._events[0]
        asked = first.messages if isinstance(first, RunStarted) else ()
        *before, question = asked or (Message.user(""),)
        # Instructions that stand alone are the agent's own, and it must give them again. With a
        # history they may have come along with it, and an agent that has none keeps those.
        if before and before[0].role == "system" and (*before[1:],) == self._agent.examples:
            del before[0]
        agent = replace(self._agent, runs=None)
        return agent.run(
            question, history=before, approver=approver, deps=deps, workspace=workspace
        )

    async def _part(
        self, run: Run[Any], skip: int, begin: int, part: list[StoredEvent]
    ) -> Difference | None:
        checked, ended = without_outside_end(part, begin)
        self._ended = self._ended or ended
        if self._results:
            self._results.again(self._events[:begin])
        self._warmth.begins = True
        expected = Expected(self._events[:begin], checked, open_end=ended is not None)
        if ended and expected.done:
            return None
        async with aclosing(aiter(run)) as live:
            async for event in live:
                if isinstance(event, LiveEvent):
                    continue
                if skip:
                    skip -= 1
                    continue
                if self._results:
                    self._results.follow(event)
                taken = expected.take(event)
                if isinstance(taken, str):
                    return self._difference(expected, event, taken)
                self.checked += taken
                if ended and expected.done:
                    return None
        if not expected.done:
            return self._difference(expected, None, "the end of the run")
        return None

    def _difference(self, expected: Expected, now: StoredEvent | None, what: str) -> Difference:
        then, index = expected.counterpart(now)
        seq = None if index is None else self._seqs[index]
        token = first_token(then, now)
        lines_then, lines_now = (in_words(e) if e is not None else () for e in (then, now))
        if token is not None and isinstance(then, ModelReplied) and isinstance(now, ModelReplied):
            what = f"token {token + 1} of reply {expected.replies}"
            lines_then += (f"  token {token + 1}: {_at(then.reply.token_ids, token)}",)
            lines_now += (f"  token {token + 1}: {_at(now.reply.token_ids, token)}",)
        return Difference(what=what, seq=seq, then=lines_then, now=lines_now, token=token)


def _at(ids: Sequence[int], index: int) -> str:
    return str(ids[index]) if index < len(ids) else "none, the reply is over"


def _given(header: TraceHeader, events: Sequence[StoredEvent], seqs: Sequence[int]) -> int:
    """How many events at the front were not made by the run itself: a fork's past."""
    parent = header.parent
    if parent is None or parent.seq is None or parent.call_id is not None:
        return 0
    count = sum(seq <= parent.seq for seq in seqs[: len(events)])
    begun = Transcript.of(events[:count]).begun
    while count < len(events):
        event = events[count]
        served = isinstance(event, ToolFinished) and event.result.call_id in begun
        if not (served or isinstance(event, RunResumed | HandedOff | MessageAdded)):
            break
        count += 1
        if isinstance(event, MessageAdded):
            break
    return count
