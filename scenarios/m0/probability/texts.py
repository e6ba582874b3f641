"""Texts to count in, and texts to be measured on: articles of this course's own library."""

from __future__ import annotations

from collections import Counter, defaultdict
from functools import cache
from pathlib import Path

UNSEEN = ("attention.md", "sampling.md", "tokens.md", "agents.md")
"""Articles that are only used to measure on."""
ORDER = 4


@cache
def seen() -> str:
    """What the learner's program may count in."""
    return "\n".join(
        path.read_text(encoding="utf-8") for path in _files() if path.name not in UNSEEN
    )


@cache
def unseen(name: str) -> str:
    """An article to measure on."""
    return next(path for path in _files() if path.name == name).read_text(encoding="utf-8")


@cache
def symbols() -> str:
    """Every character that occurs in any article, in order."""
    return "".join(sorted(set(seen()).union(*map(unseen, UNSEEN))))


def _files() -> list[Path]:
    from agentlab_tools.search import LIBRARY

    return sorted(Path(str(LIBRARY)).glob("*.md"))


class Counted:
    """Counts after 0 to `order` characters; a longer context leans on the next shorter one.

    After Witten and Bell (1991): as much is left to the shorter context as there were different
    characters after the longer one.
    """

    def __init__(self, text: str, order: int = ORDER) -> None:
        self._order = order
        self._after: list[defaultdict[str, Counter[str]]] = [
            defaultdict(Counter) for _ in range(order + 1)
        ]
        for at, character in enumerate(text):
            for length in range(min(order, at) + 1):
                self._after[length][text[at - length : at]][character] += 1

    def after(self, before: str) -> Counter[str]:
        """How often each character came after these."""
        return self._after[len(before)].get(before, Counter())

    def chance(self, before: str, character: str) -> float:
        """Of a character after others."""
        found = 1 / len(symbols())
        for length in range(min(self._order, len(before)) + 1):
            counts = self._after[length].get(before[len(before) - length :])
            if not counts:
                break
            total, kinds = counts.total(), len(counts)
            found = (counts[character] + kinds * found) / (total + kinds)
        return found


@cache
def counted(order: int = ORDER) -> Counted:
    """What can be had from counts."""
    return Counted(seen(), order)
