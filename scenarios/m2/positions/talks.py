"""Conversations that are longer than the room for them, and what a model knows after forgetting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from agentlab_tools.search import LIBRARY

from .packaged import Memory, Move, remembered

COUNT, SIZE, MORE = 120, 60, 20
"""How many tokens a conversation has, how many there is room for, and how many are to come."""
NAMES = "Walter Peter Alice Mary Sarah Thomas Robert Emma"
COLOURS = "red blue green black white brown"
DRAWN_NAMES = ("Walter", "Mary", "Sarah", "Thomas", "Robert", "Emma")
DRAWN_COLOURS = ("black", "white", "brown")
"""Without those that the model says when it knows nothing."""
_FIRST = "You help a reader in a library. The reader's name is {}.\n\n"
_LAST = "\n\nThe reader wants the {} book."
ASKED = {"\n\nThe reader's name is": NAMES, "\n\nThe reader wants the": COLOURS}


@dataclass(frozen=True)
class Talk:
    """A reader's name, an article of the library, and what the reader wants."""

    name: str
    colour: str
    article: str

    def read(self) -> Memory:
        """The conversation, as the model has read it."""
        text = (Path(str(LIBRARY)) / self.article).read_text(encoding="utf-8")
        body = text.split("\n", 2)[2].strip()
        return remembered(_FIRST.format(self.name), body, _LAST.format(self.colour), COUNT, MORE)

    def tried(self, plan: Sequence[Sequence[int]] | None) -> dict[str, Any]:
        """What the model says of the reader, and what going on costs it, by a plan that fits."""
        memory = self.read()
        moves = None if plan is None else [move_of(one) for one in plan]
        name, colour = memory.answers(moves, ASKED)
        right = [name == self.name, colour == self.colour]
        return {
            "name": name,
            "colour": colour,
            "right": right,
            "nats": memory.cost(moves),
            "whole": _whole(self),
        }


@lru_cache(maxsize=8)
def _whole(talk: Talk) -> float:
    """What going on costs with nothing forgotten, in nats a token."""
    return talk.read().cost(None)


def move_of(one: Sequence[int]) -> Move:
    """A move, from its three numbers."""
    first, end, by = one
    return first, end, by


def unfit(plan: object, count: int, size: int) -> str | None:
    """Why a plan can't be carried out; None if it can."""
    moves = cast(list[list[int]], plan) if isinstance(plan, list) else None
    if moves is None or any(len(one) != 3 for one in moves):
        return "it must return a list of (first, end, by)"
    was, free = 0, 0
    for first, end, by in moves:
        if not was <= first < end <= count:
            return f"({first}, {end}, {by}) is not in order between {was} and {count}"
        if first + by != free:
            return f"({first}, {end}, {by}) begins at place {first + by}; free is place {free}"
        was, free = end, free + end - first
    if not 0 < free <= size:
        return f"{free} tokens are kept, and there is room for {size}"
    return None
