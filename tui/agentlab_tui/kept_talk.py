"""The last talk of the playground, found again in the trace of its last turn.

    tui.json      {"talk": {"run": "20261124-…", "turns": [0, 2, 6], "until": 8, "usage": {…}}}

A turn's run begins with all that was said before, so one trace holds the whole talk. Messages are
counted without the system's, which is the agent's and may change from turn to turn.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, NonNegativeInt, ValidationError

from agentlab.agent.transcript import Transcript
from agentlab.backend import TokenInfo
from agentlab.events import ModelReplied, UnknownEvent
from agentlab.messages import Message, Usage, Value
from agentlab.trace import RUN_ID, Trace, trace_path


class KeptTalk(Value):
    """Where a talk is to be found."""

    run: Annotated[str, Field(pattern=RUN_ID.pattern)]
    turns: tuple[NonNegativeInt, ...]
    """Where each turn on the screen begins."""
    until: NonNegativeInt
    """Where the talk ends; what came after was taken back."""
    usage: Usage = Usage()


@dataclass(frozen=True)
class PastTurn:
    """A turn as it was.

    Attributes:
        before: the conversation before it.
        after: what came of the words.
    """

    text: str
    before: tuple[Message, ...]
    after: tuple[Message, ...]


@dataclass(frozen=True)
class PastTalk:
    """A talk as it was left.

    Attributes:
        tokens: those of the last turn, where they are known.
    """

    run: str
    trace: Path
    history: tuple[Message, ...]
    turns: tuple[PastTurn, ...]
    tokens: tuple[TokenInfo, ...]
    usage: Usage


def spoken(messages: Iterable[Message]) -> tuple[Message, ...]:
    """Messages without the system's."""
    return tuple(message for message in messages if message.role != "system")


def kept(
    run: str, history: Sequence[Message], befores: Iterable[Sequence[Message]], usage: Usage
) -> dict[str, Any] | None:
    """What to remember of a talk, as JSON data; None if nothing was said.

    Args:
        befores: what had been said before each turn on the screen. A turn that came to nothing
            left the history as it was, and is not remembered.
    """
    until = len(spoken(history))
    starts = dict.fromkeys(len(spoken(before)) for before in befores)
    turns = tuple(start for start in starts if start < until)
    if not run or not turns:
        return None
    return KeptTalk(run=run, turns=turns, until=until, usage=usage).model_dump(mode="json")


def past_talk(data: Any, runs: Path) -> PastTalk | None:
    """The talk that was remembered; None where there is none, or nothing that makes sense.

    Raises:
        TraceError: its trace is gone, or can't be read.
    """
    try:
        talk = KeptTalk.model_validate(data)
    except ValidationError:
        return None
    trace = Trace.load(trace_path(runs, talk.run))
    events = [event for event in trace.events if not isinstance(event, UnknownEvent)]
    messages = spoken(Transcript.of(events).messages)
    history = messages[: talk.until]
    marks = [*(start for start in talk.turns if start < len(history)), len(history)]
    replies = [event.reply for event in events if isinstance(event, ModelReplied)]
    return PastTalk(
        run=talk.run,
        trace=trace.path,
        history=history,
        turns=tuple(
            PastTurn(history[start].text, history[:start], history[start + 1 : end])
            for start, end in pairwise(marks)
        ),
        tokens=tuple(token for reply in replies for token in reply.tokens)
        if history == messages
        else (),
        usage=talk.usage,
    )
