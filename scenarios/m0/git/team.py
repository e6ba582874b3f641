"""The repository that the agent is asked about: who added which tool, and who only wrote of it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from random import Random

from .histories import History, asks, files, tools

PEOPLE = ("Ada", "Ben", "Chen", "Dora", "Emil", "Fay")
MAIN = "refs/heads/main"
_MANY = 40


@cache
def made() -> tuple[History, tuple[tuple[str, str], ...]]:
    """The history, and each tool with the one who added it.

    One adds a tool, and says little of it. Another, later, shows it, and names it.
    """
    rng = Random(7)  # noqa: S311 - the same for everybody; what is asked is drawn
    names = tools(rng, _MANY)
    history = History()
    done: list[str] = []
    shown: list[tuple[str, str]] = []
    added: list[tuple[str, str]] = []
    for number, name in enumerate(names):
        # in turns, so that whoever was last is right for a sixth of the tools
        adds = PEOPLE[number % len(PEOPLE)]
        shows = rng.choice([person for person in PEOPLE if person != adds])
        done.append(name)
        history.add(MAIN, f"Work of day {number + 1}", files(done, shown), author=adds)
        shown += asks(rng, [name], 1)
        history.add(MAIN, f"Show {name} in use", files(done, shown), author=shows)
        added.append((name, adds))
    return history, tuple(added)


def asked(rng: Random, count: int) -> Sequence[tuple[str, str]]:
    """Tools to be asked about, and who added each."""
    _, added = made()
    return [pair for _ in range(1 + count // _MANY) for pair in rng.sample(added, _MANY)][:count]
