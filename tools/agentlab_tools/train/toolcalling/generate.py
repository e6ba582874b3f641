"""The synthetic set, from a seed: conversations of every sort, as JSON lines that recipes read.

    python -m agentlab_tools.train.toolcalling.generate train.jsonl --toolsets 800 --seed 7

Conversations about one set of tools stand side by side, so that training reads the tools once.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from random import Random

from agentlab.messages import Message
from agentlab_tools.train.recipes.data import Chat
from agentlab_tools.train.toolcalling.dialogues import (
    Category,
    Dialogue,
    as_row,
    chat_of,
    dialogue,
    toolset,
)
from agentlab_tools.train.toolcalling.plain import plain, talk
from agentlab_tools.train.toolcalling.pools import Split, wording

MIX: Mapping[Category, int] = {
    "several": 44,
    "parallel": 17,
    "multi_turn": 14,
    "irrelevant": 12,
    "missing": 6,
    "no_tool": 4,
    "repair": 3,
}
"""How often each sort occurs among conversations with tools; `one` stands in for `several`."""

_SIZES = (1, 2, 3, 4, 5, 6, 8)
_SIZE_WEIGHTS = (30, 22, 18, 12, 8, 6, 4)
_EACH = 5
"""Conversations about one set of tools."""


def dialogues(split: Split, toolsets: int, seed: int) -> Iterator[Dialogue]:
    """Conversations about so many sets of tools.

    The first ones do not depend on how many are asked for.
    """
    rng = Random(f"{split}-{seed}")  # noqa: S311 - the seed is the point
    answers = plain(split)
    for _ in range(toolsets):
        size = rng.choices(_SIZES, _SIZE_WEIGHTS)[0]
        offers = toolset(rng, split, size)
        system = rng.choice(wording(split, "system")) if rng.random() < 0.3 else None
        count = 0
        while count < _EACH:
            category = rng.choices(list(MIX), list(MIX.values()))[0]
            if category == "several" and len(offers) == 1:
                category = "one"
            drawn = dialogue(category, offers, rng, split, answers)
            if drawn is not None:
                count += 1
                yield _told(drawn, system)


def talks(split: Split) -> Iterator[Dialogue]:
    """Plain talk without tools, as the untuned model drew it."""
    for one in talk(split):
        turns = [Message.user(one.text), Message.assistant(one.answer)]
        yield Dialogue("no_tool", chat_of(turns, ()))


def balanced(split: Split, each: int, seed: int) -> dict[Category, list[Dialogue]]:
    """So many conversations of every sort, each about tools of its own."""
    by_category: dict[Category, list[Dialogue]] = {"one": [], **{name: [] for name in MIX}}
    rng = Random(f"{split}-balanced-{seed}")  # noqa: S311 - the seed is the point
    for category, chosen in by_category.items():
        while len(chosen) < each:
            low = 1 if category in ("one", "missing", "irrelevant", "no_tool") else 2
            size = 1 if category == "one" else rng.choices((low, 3, 5), (4, 4, 2))[0]
            candidate = dialogue(category, toolset(rng, split, size), rng, split, plain(split))
            if candidate is not None:
                chosen.append(candidate)
    return by_category


def _told(made: Dialogue, system: str | None) -> Dialogue:
    if system is None:
        return made
    chat = made.chat
    turns = (Message.system(system), *chat.messages)
    learnt = frozenset(n + 1 for n in chat.learnt)
    return Dialogue(made.category, Chat(turns, chat.tools, learnt), made.offers)


def write(path: Path, made: Sequence[Dialogue] | Iterator[Dialogue]) -> int:
    """Write conversations as JSON lines; returns how many."""
    count = 0
    with path.open("w", encoding="utf-8") as file:
        for count, one in enumerate(made, 1):  # noqa: B007 counted by what is written
            file.write(json.dumps(as_row(one.chat), ensure_ascii=False) + "\n")
    return count


def main() -> None:
    """Write a set to a file."""
    parser = argparse.ArgumentParser(description="Write the synthetic tool-calling set.")
    parser.add_argument("path", type=Path)
    parser.add_argument("--split", choices=("train", "heldout"), default="train")
    parser.add_argument("--toolsets", type=int, default=800)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    count = write(options.path, dialogues(options.split, options.toolsets, options.seed))
    print(f"{count} conversations in {options.path}")


if __name__ == "__main__":
    main()
