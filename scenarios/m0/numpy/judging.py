"""The checks: what came out, what it cost, and whether the caller's arrays are still the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CLOSE = 1e-4
FASTER = 4.0
"""How much faster than the loop a search must be; the solution reached 12 to 70 times."""
MEMORY = 8_000_000
"""Bytes that a search may hold at once, besides what it was given."""


def misshapen(found: Mapping[str, Any], expect: Any) -> str | None:
    """The result has another shape."""
    if found["shape"] == expect["shape"]:
        return None
    return f"its shape is {_shape(found['shape'])}, not {_shape(expect['shape'])}"


def not_probabilities(found: Mapping[str, Any], expect: Any) -> str | None:
    """Some numbers are not the probabilities of the scores."""
    if misshapen(found, expect):
        return None  # that is for the other check to say
    if found["bad"]:
        return f"{found['bad']} of its numbers are nan or infinite"
    got, want = found["at"], expect["at"]
    off = max(abs(one - other) for one, other in zip(got, want, strict=True))
    if off <= CLOSE:
        return None
    return f"a probability is off by {off:.4f}; a row sums to {found['sum']:.4f}"


def changed(found: Mapping[str, Any], _: Any) -> str | None:
    """The caller's arrays are not what they were."""
    return None if found["kept"] else "the scores it was given are others afterwards"


def not_nearest(found: Mapping[str, Any], expect: Any) -> str | None:
    """Some rows are not those nearest by cosine, best first."""
    if misshapen(found, expect):
        return None
    cosines, best = expect["cosines"], expect["best"]
    for query, numbers in enumerate(found["numbers"]):
        if len(set(numbers)) < len(numbers):
            return f"query {query} has a sentence twice"
        got = [cosines[query].get(number, -1.0) for number in numbers]
        for rank, (one, other) in enumerate(zip(got, best[query], strict=True), 1):
            if abs(one - other) > CLOSE:
                return f"query {query}: what stands at rank {rank} is not the nearest left"
    return None


def slow(found: Mapping[str, Any], _: Any) -> str | None:
    """It is not much faster than the loop, which ran beside it."""
    ratio = found["faster"]
    return None if ratio >= FASTER else f"{ratio:.1f} times as fast as the loop, not {FASTER:.0f}"


def greedy(found: Mapping[str, Any], _: Any) -> str | None:
    """It holds too much at once."""
    peak = found["peak"]
    if peak <= MEMORY:
        return None
    return f"it held {peak / 1e6:.0f} MB at once, and may hold {MEMORY / 1e6:.0f}"


def misspoken(found: Mapping[str, Any], _: Any) -> str | None:
    """Some token is not the one that the dice chose."""
    steps = found["steps"]
    for place, step in enumerate(steps, 1):
        if step["refused"]:
            return f"token {place}: {step['refused']}"
        if not step["right"]:
            return f"token {place} is {step['chosen']!r}; the dice chose {step['wanted']!r}"
    return None if steps else "the model said nothing"


def _shape(shape: Any) -> str:
    return f"({', '.join(map(str, shape))})"
