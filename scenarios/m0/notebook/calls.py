"""Days of tool calls, and what is true of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

TOOLS = ("weather", "search", "calendar", "price", "translate", "mail")
NO_TOOLS = ("teleport", "telephone", "compass")


@dataclass(frozen=True)
class Call:
    """A call of a tool: what it took, and the error it ended with, if any."""

    tool: str
    seconds: float
    error: str = ""


def day(rng: Random) -> tuple[Call, ...]:
    """A day's calls, of every tool; some failed."""
    return tuple(
        Call(
            rng.choice(TOOLS) if number >= len(TOOLS) else TOOLS[number],
            round(rng.lognormvariate(0.0, 1.0) + 0.05, 2),
            rng.choice(("timeout", "no answer")) if rng.random() < 0.3 else "",
        )
        for number in range(rng.randint(50, 70))
    )


def as_csv(calls: Sequence[Call]) -> str:
    """The file `calls.csv`."""
    lines = [f"{call.tool},{call.seconds},{call.error}" for call in calls]
    return "\n".join(["tool,seconds,error", *lines, ""])


def limit_of(calls: Sequence[Call]) -> float:
    """Twice what a call that went well takes on average."""
    good = [call.seconds for call in calls if not call.error]
    return 2 * sum(good) / len(good)


def slow(calls: Sequence[Call], limit: float) -> tuple[int, int]:
    """How many of the calls that went well took longer, and how many went well."""
    good = [call.seconds for call in calls if not call.error]
    return sum(seconds > limit for seconds in good), len(good)


def milliseconds(calls: Sequence[Call]) -> dict[str, float]:
    """What each tool's calls that went well took in all."""
    total: dict[str, float] = {}
    for call in calls:
        if not call.error:
            total[call.tool] = total.get(call.tool, 0.0) + call.seconds * 1000
    return total


def failed(calls: Sequence[Call], tool: str) -> int:
    """How many calls of a tool failed."""
    return sum(call.tool == tool and bool(call.error) for call in calls)
