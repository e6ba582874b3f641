"""The checks: what was foretold of a training, against what it took."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

PARTS = ("weights", "gradients", "optimizer", "activations", "work")
"""What the memory of a training is for."""
COUNTED = 0.01
"""How far off, as a share, what can be counted may be."""
NEAR = 0.2
"""How far off the rest, and the whole, may be."""
_MEGABYTE = 1e6

Complaint = Callable[[Mapping[str, Any], Any], str | None]


def miscounted(part: str, room: float) -> Complaint:
    """A part that is not what was measured."""

    def complaint(found: Mapping[str, Any], _: Any) -> str | None:
        for one in found["found"]:
            if why := _apart(one["said"][part], one["took"][part], room):
                return f"{one['title']}: {part}: {why}"
        return None

    return complaint


def surprised(found: Mapping[str, Any], _: Any) -> str | None:
    """The whole is not what the process took at most."""
    for one in found["found"]:
        if why := _apart(sum(one["said"].values()), one["took"]["peak"], NEAR):
            return f"{one['title']}: in all: {why}"
    return None


def misjudged(found: Mapping[str, Any], _: Any) -> str | None:
    """Questions are called lost that are not, or the other way round."""
    for one in found["pairs"]:
        for text in one["said"]:
            if text not in one["lost"]:
                return f"{one['title']}: not lost, or never known: {text}"
        for text in one["lost"]:
            if text not in one["said"]:
                return f"{one['title']}: lost, and not seen: {text}"
    return None


def no_tickets(found: Mapping[str, Any], _: Any) -> str | None:
    """The agent that is served writes no ticket for an order."""
    return _failed(found, "|", lambda answer: "|" in answer and answer.startswith("T"))


def no_answers(found: Mapping[str, Any], _: Any) -> str | None:
    """The agent that is served answers a plain question with a ticket."""
    return _failed(found, "", lambda answer: "|" not in answer)


def _failed(found: Mapping[str, Any], mark: str, good: Callable[[str], bool]) -> str | None:
    rows = [one for one in found["tried"] if ("|" in one["wanted"]) == bool(mark)]
    bad = next((one for one in rows if not good(one["answer"])), None)
    return None if bad is None else f"{bad['by']}: {bad['asked']} -> {bad['answer']}"


def _apart(said: float, took: float, room: float) -> str | None:
    if abs(said - took) <= room * took:
        return None
    return f"{said / _MEGABYTE:,.1f} MB foretold, {took / _MEGABYTE:,.1f} measured"
