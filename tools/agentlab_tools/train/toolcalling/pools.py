"""The words that the synthetic set is made of, read from `data/`, each for one side only.

What trains and what is held out share no value of a pool, no sentence around a request, no wording
of a parameter and no domain of tools.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Literal, TypeAlias

Split: TypeAlias = Literal["train", "heldout"]

_EVERY = 4
"""Every so many-th value of a pool is held out."""


def lines(name: str) -> Iterator[str]:
    """The lines of a data file, without comments and blanks; `# domain` lines are kept there."""
    folder = files("agentlab_tools.train.toolcalling") / "data"
    for line in (folder / name).read_text(encoding="utf-8").splitlines():
        if line.strip():
            yield line.rstrip()


@cache
def pools(split: Split) -> Mapping[str, Sequence[str]]:
    """Values by the name of their pool."""
    by_name: dict[str, Sequence[str]] = {}
    for line in lines("pools.txt"):
        if line.startswith("#"):
            continue
        name, _, values = line.partition(": ")
        every = [value.strip() for value in values.split("; ")]
        by_name[name] = tuple(_side(every, split))
    return by_name


def _side(values: Sequence[str], split: Split) -> Iterable[str]:
    if len(values) < 2 * _EVERY:  # such as the days of the week, which everybody shares
        return values
    return [v for n, v in enumerate(values) if (n % _EVERY == _EVERY - 1) == (split == "heldout")]


@cache
def wording(split: Split, section: str) -> Sequence[str]:
    """The sentences of a section."""
    wordings: list[str] = []
    here = False
    for line in lines("wording.txt"):
        if line.startswith("["):
            here = line == f"[{split} {section}]"
        elif here and not line.startswith("#"):
            wordings.append(line)
    return tuple(wordings)
