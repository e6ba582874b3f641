"""The logs that the agent is asked about, and what else lies in their folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from zlib import crc32

_HOW = ("night", "second", "cold", "long", "last", "early", "blue", "first", "quiet", "slow")
_WHAT = ("shift", "run", "start", "trial", "batch", "train", "test", "week", "lesson", "round")
_KINDS = ("{how} {what}.log", "{how} {what}'s end.log", "-{how} {what}.log")


def log_names(rng: Random, count: int) -> Sequence[str]:
    """Names of logs: one with a space, one with an apostrophe, one with a dash, and so on."""
    return [
        _KINDS[n % len(_KINDS)].format(how=rng.choice(_HOW), what=rng.choice(_WHAT))
        for n in range(count)
    ]


def errors_in(name: str) -> int:
    """How many lines of that log tell of an error, 2 to 90."""
    return 2 + crc32(name.encode()) % 89


def all_logs() -> Mapping[str, str]:
    """Every log that may be asked for, and logs named like one word of another's name."""
    names = [kind.format(how=how, what=what) for kind in _KINDS for how in _HOW for what in _WHAT]
    pieces = [*_HOW, *(f"{what}.log" for what in _WHAT)]
    return {name: _text(errors_in(name)) for name in (*names, *pieces)}


def _text(errors: int) -> str:
    lines = ["12:00 started", *["12:01 error: no answer", "12:02 trying again"] * errors]
    return "\n".join([*lines, "12:09 done"]) + "\n"
