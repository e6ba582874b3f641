"""What a log leads one to expect of the same run, crossed off as it comes."""

from __future__ import annotations

from collections.abc import Sequence

from agentlab.events import (
    Event,
    LimitReached,
    ModelReplied,
    RunFailed,
    RunFinished,
    RunStarted,
    StoredEvent,
    ToolFinished,
)
from agentlab.replay.compare import Comparable, key


class Expected:
    """What a part of the log holds, crossed off. Results may come in any order among themselves."""

    def __init__(
        self, past: list[StoredEvent], part: list[tuple[int, StoredEvent]], *, open_end: bool
    ) -> None:
        self._open_end = open_end
        theirs, self._ours = Comparable(), Comparable()
        for event in past:
            theirs.of(event)
            self._ours.of(event)
        self.replies = sum(isinstance(event, ModelReplied) for event in past)
        self._order: list[tuple[int, StoredEvent, bytes]] = []
        self._results: dict[tuple[int, str], tuple[int, StoredEvent, bytes]] = {}
        self._next = 0
        step = self.replies
        for index, event in part:
            step += isinstance(event, ModelReplied)
            plain = theirs.of(event)
            entry = (index, event, key(plain))
            if isinstance(event, ToolFinished):
                self._results[step, plain["result"]["call_id"]] = entry
            else:
                self._order.append(entry)
        self._last: tuple[int, StoredEvent, bytes] | None = None

    @property
    def done(self) -> bool:
        """Whether everything has come."""
        return self._next == len(self._order) and not self._results

    def take(self, event: StoredEvent) -> bool | str:
        """Cross an event off: whether it is in the log; or what is different about it, in words."""
        self.replies += isinstance(event, ModelReplied)
        plain = self._ours.of(event)
        if isinstance(event, ToolFinished):
            self._last = self._results.pop((self.replies, plain["result"]["call_id"]), None)
            if self._last is None and self._open_end:
                return False  # the log broke off before this one came
            what = "the result of a call"
        else:
            self._last = self._order[self._next] if self._next < len(self._order) else None
            self._next += self._last is not None
            what = _named(event, self._last and self._last[1], self.replies)
        if self._last is None or self._last[2] != key(plain):
            return what
        if first_token(self._last[1], event) is not None:
            return what
        return True

    def counterpart(self, now: StoredEvent | None) -> tuple[StoredEvent | None, int | None]:
        """What the log has where a difference was found, and its place."""
        if now is None:
            left = sorted((*self._order[self._next :], *self._results.values()), key=_place)
            return (left[0][1], left[0][0]) if left else (None, None)
        return (None, None) if self._last is None else (self._last[1], self._last[0])


def _place(entry: tuple[int, StoredEvent, bytes]) -> int:
    return entry[0]


def _named(now: StoredEvent, then: StoredEvent | None, replies: int) -> str:
    if then is None or then.kind != now.kind:
        return "what happened"
    match now:
        case ModelReplied():
            return f"reply {replies}"
        case RunStarted():
            return "what the run starts from"
        case RunFinished() | RunFailed():
            return "the end of the run"
        case _:
            return f"a {now.kind} event"


def _ends_calls(event: StoredEvent) -> bool:
    return isinstance(event, ToolFinished) or _forced(event)


def _forced(event: StoredEvent) -> bool:
    """Whether it may have been written because the run was made to end."""
    if isinstance(event, ToolFinished):
        return event.result.error == "cancelled"
    return isinstance(event, LimitReached) and event.limit == "seconds"


def first_token(then: Event | None, now: Event | None) -> int | None:
    """Where the tokens of two replies part; None where they don't, or either has none."""
    if not (isinstance(then, ModelReplied) and isinstance(now, ModelReplied)):
        return None
    before, after = then.reply.token_ids, now.reply.token_ids
    if not before or not after or before == after:
        return None
    same = 0
    while same < min(len(before), len(after)) and before[same] == after[same]:
        same += 1
    return same


def without_outside_end(
    part: Sequence[StoredEvent], begin: int
) -> tuple[list[tuple[int, StoredEvent]], str | None]:
    """The events, with their places, that the run came to by itself.

    Left out is what a stop, a crash or the clock did to it; what that was, in words, or None.
    """
    whole = list(enumerate(part, begin))
    last = part[-1] if part else None
    count = len(part)
    if isinstance(last, RunFinished | RunFailed):
        by_clock = any(isinstance(e, LimitReached) and e.limit == "seconds" for e in part)
        stopped = isinstance(last, RunFinished) and last.outcome == "cancelled"
        if not stopped and not (by_clock and isinstance(last, RunFinished)):
            return whole, None
        why = "was stopped" if stopped else "ran out of time"
        ended = f"the run {why} from outside; what came before was checked"
        count -= 1
    else:
        ended = "the log breaks off; what it holds was checked"
    # the results that were there by then stand among those that were made up for the rest
    tail = count
    while tail and _ends_calls(part[tail - 1]):
        tail -= 1
    kept = [entry for entry in whole[tail:count] if not _forced(entry[1])]
    return whole[:tail] + kept, ended
