"""Two runs side by side: which of their steps are the same, and which are not.

A step is what happens from one reply of the model to the next; what comes before the first reply is
step 0. Steps are aligned like the lines of two files, so that one that was left out or put in does
not make all that follow differ.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Literal, TypeAlias

from agentlab.events import ModelReplied, StoredEvent, ToolFinished, UnknownEvent
from agentlab.messages import Value
from agentlab.replay.compare import Comparable, key
from agentlab.replay.rebuild import changes_in
from agentlab.trace import Trace, TraceHeader

Sameness: TypeAlias = Literal["same", "changed", "only_a", "only_b"]
"""`changed`: an event of the same kind at the same place, with other contents."""

_MOST_COMPARED = 4_000_000
"""Pairs of steps that are tried. Beyond, runs are compared step by step from the front."""


class Row(Value):
    """One event of either run or of both. `seq` is the event's number in its own run."""

    sameness: Sameness
    step: int
    """Of the first run where it has the event, else of the second."""
    seq_a: int | None = None
    seq_b: int | None = None
    a: StoredEvent | UnknownEvent | None = None
    b: StoredEvent | UnknownEvent | None = None


class Diff(Value):
    """Two runs compared.

    `header` holds what differs in model, tools and settings, a line each. It does not make two runs
    differ: what happened does.
    """

    a: str
    b: str
    header: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def same(self) -> bool:
        """Whether every event of one run is in the other, in the same place."""
        return all(row.sameness == "same" for row in self.rows)


@dataclass(frozen=True)
class _Item:
    seq: int
    event: StoredEvent | UnknownEvent
    key: bytes


@dataclass(frozen=True)
class _Step:
    number: int
    items: tuple[_Item, ...]

    @property
    def key(self) -> tuple[bytes, ...]:
        return tuple(item.key for item in self.items)


def diff(a: Trace, b: Trace) -> Diff:
    """Compare two runs, step by step."""
    rows = tuple(_rows(_steps(a), _steps(b)))
    return Diff(
        a=a.header.run, b=b.header.run, header=tuple(_headers(a.header, b.header)), rows=rows
    )


def _steps(trace: Trace) -> list[_Step]:
    comparable = Comparable()
    steps: list[list[_Item]] = [[]]
    for record in trace.records:
        if isinstance(record.event, ModelReplied):
            steps.append([])
        plain = comparable.of(record.event)
        steps[-1].append(_Item(record.seq, record.event, key(plain)))
    return [_Step(number, tuple(_in_call_order(items))) for number, items in enumerate(steps)]


def _in_call_order(items: Sequence[_Item]) -> Iterator[_Item]:
    """Results that stand side by side, in the order of their calls: which is first is chance."""
    results: list[_Item] = []
    for item in items:
        if isinstance(item.event, ToolFinished):
            results.append(item)
            continue
        yield from sorted(results, key=lambda item: item.key)
        results = []
        yield item
    yield from sorted(results, key=lambda item: item.key)


def _rows(a: list[_Step], b: list[_Step]) -> Iterator[Row]:
    front = _shared(a, b)
    back = _shared(a[front:][::-1], b[front:][::-1])
    for left, right in zip(a[:front], b[:front], strict=True):
        yield from _paired(left, right)
    yield from _aligned(a[front : len(a) - back], b[front : len(b) - back])
    for left, right in zip(a[len(a) - back :], b[len(b) - back :], strict=True):
        yield from _paired(left, right)


def _shared(a: Sequence[_Step], b: Sequence[_Step]) -> int:
    count = 0
    for left, right in zip(a, b, strict=False):
        if left.key != right.key:
            break
        count += 1
    return count


def _aligned(a: list[_Step], b: list[_Step]) -> Iterator[Row]:
    if len(a) * len(b) > _MOST_COMPARED:
        for left, right in zip_longest(a, b):
            yield from _paired(left, right)
        return
    matcher = SequenceMatcher(None, [s.key for s in a], [s.key for s in b], autojunk=False)
    for _, from_a, to_a, from_b, to_b in matcher.get_opcodes():
        for left, right in zip_longest(a[from_a:to_a], b[from_b:to_b]):
            yield from _paired(left, right)


def _paired(a: _Step | None, b: _Step | None) -> Iterator[Row]:
    """The events of two steps that stand at the same place."""
    ours, theirs = (a.items if a else ()), (b.items if b else ())
    step = a.number if a else b.number if b else 0
    matcher = SequenceMatcher(
        None, [i.event.kind for i in ours], [i.event.kind for i in theirs], autojunk=False
    )
    for _, from_a, to_a, from_b, to_b in matcher.get_opcodes():
        for left, right in zip_longest(ours[from_a:to_a], theirs[from_b:to_b]):
            yield from _row(step, left, right)


def _row(step: int, a: _Item | None, b: _Item | None) -> Iterator[Row]:
    if a and b and a.event.kind == b.event.kind:
        sameness: Sameness = "same" if a.key == b.key else "changed"
        yield Row(sameness=sameness, step=step, seq_a=a.seq, seq_b=b.seq, a=a.event, b=b.event)
        return
    if a:
        yield Row(sameness="only_a", step=step, seq_a=a.seq, a=a.event)
    if b:
        yield Row(sameness="only_b", step=step, seq_b=b.seq, b=b.event)


def _headers(a: TraceHeader, b: TraceHeader) -> Iterator[str]:
    yield from changes_in(a.backend, b.backend)
    if a.agent != b.agent:
        yield f"agent: {a.agent} / {b.agent}"
    for name, ours in a.settings:
        if ours != (other := getattr(b.settings, name)):
            yield f"{name}: {ours} / {other}"
    for name, ours in a.limits:
        if ours != (other := getattr(b.limits, name)):
            yield f"limit on {name}: {ours} / {other}"
    before, after = ({tool.name: tool for tool in header.tools} for header in (a, b))
    for name in dict.fromkeys((*before, *after)):
        if before.get(name) != after.get(name):
            left, right = ("there" if name in x else "not there" for x in (before, after))
            what = "another schema" if left == right else f"{left} / {right}"
            yield f"tool {name}: {what}"
