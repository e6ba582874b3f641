"""Serve: play a run back. No model, no tool, no agent: every event comes from the log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator

from agentlab.backends.scripted import deltas_of
from agentlab.errors import ConfigError
from agentlab.events import LiveEvent, ModelReplied, StoredEvent, UnknownEvent
from agentlab.trace import Record, Trace

LONGEST_PAUSE = 10.0
"""Seconds, at any speed: nobody wants to sit through a night between a question and its answer."""


def between(trace: Trace, from_: int | None, to: int | None) -> tuple[Record, ...]:
    """The records with these numbers, both ends included; None is the run's own end."""
    return tuple(
        record
        for record in trace.records
        if (from_ is None or record.seq >= from_) and (to is None or record.seq <= to)
    )


async def replay(
    trace: Trace,
    *,
    speed: float | None = None,
    from_: int | None = None,
    to: int | None = None,
    deltas: bool = False,
) -> AsyncGenerator[StoredEvent | UnknownEvent | LiveEvent]:
    """The events of a run, in order, each equal to the one in the log.

    Args:
        speed: 1 takes as long as the run did, 2 half as long; None does not wait at all. No pause
            is longer than `LONGEST_PAUSE`.
        from_, to: numbers of the first and the last event to play.
        deltas: also play a reply word by word before its event, as it may have come. The words add
            up to the reply; how the model had cut them is not in a log.

    Raises:
        ConfigError: the speed is not above 0.
    """
    if speed is not None and not speed > 0:
        raise ConfigError(f"speed {speed:g} is not above 0: use 1 for as it was, 2 for twice that")
    before: float | None = None
    for record in between(trace, from_, to):
        pause = _pause(before, record.at, speed)
        before = record.at
        live = list(_deltas(record)) if deltas else []
        for delta in live:
            if pause:
                await asyncio.sleep(pause / len(live))
            yield delta
        if pause and not live:
            await asyncio.sleep(pause)
        yield record.event


def _pause(before: float | None, at: float, speed: float | None) -> float:
    if speed is None or before is None:
        return 0.0
    return min(max((at - before) / speed, 0.0), LONGEST_PAUSE)


def _deltas(record: Record) -> Iterator[LiveEvent]:
    if isinstance(record.event, ModelReplied):
        yield from deltas_of(record.event.reply.message)
