"""The numbers in the lesson, made again: `python scenarios/m0/probability/measure.py`."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

from agentlab.labs import CodeStep
from agentlab.labs.find import load

LAB = load(Path(__file__).parent)
FIRST = 300
"""Tokens, or characters, of each article that is measured on."""


def part(name: str) -> Any:
    """A module of the lab."""
    step = LAB.step("posterior")
    assert isinstance(step, CodeStep)
    return sys.modules[step.cases.__module__.replace("cases", name)]


def defined(step: str) -> Any:
    """What a solution defines."""
    found = LAB.step(step)
    assert isinstance(found, CodeStep)
    names: dict[str, Any] = {}
    exec(found.solution.code, names)  # noqa: S102 - the lab's own answers
    return names


def by_alarms() -> None:
    """How many alarms are true, after one and after two."""
    posterior = defined("posterior")["posterior"]
    table = {"attack": {"alarm": 0.99}, "harmless": {"alarm": 0.01}}
    for rare in (0.001, 0.01, 0.1, 0.5):
        prior = {"attack": rare, "harmless": 1 - rare}
        print(rare, [posterior(prior, table, ["alarm"] * n)["attack"] for n in (1, 2, 3)])


def by_counts() -> None:
    """What unseen text costs, by the length of the context, and by the model."""
    texts = part("texts")
    pieces = [texts.unseen(name)[:FIRST] for name in texts.UNSEEN]
    size = len(texts.symbols())
    for order in range(7):
        counted = texts.counted(order)
        lost = alone = new = 0.0
        for text in pieces:
            for at in range(1, len(text)):
                before = text[max(at - order, 0) : at]
                lost -= math.log2(counted.chance(before, text[at]))
                row = counted.after(before)
                alone -= math.log2((row[text[at]] + 1) / (row.total() + size))
                new += not row[text[at]]
        count = sum(len(text) - 1 for text in pieces)
        print(order, "leaning", lost / count, "one for each", alone / count, "new", new / count)
    costs = [part("model").bits(text) for text in pieces]
    count = sum(len(text) - first for text, (_, first) in zip(pieces, costs, strict=True))
    bits = sum(bits for bits, _ in costs) / count
    print("model", bits, "bits a character: perplexity", 2**bits)


def by_claims() -> None:
    """How sure the model is, of the next token and of sums, and how often it is right."""
    texts, model, tools = part("texts"), part("model"), part("tools")
    doubt = defined("doubt")["doubt"]
    said: list[tuple[float, bool]] = []
    for name in texts.UNSEEN:
        said += model.foreseen(texts.unseen(name)[: 6 * FIRST], FIRST // 2)
    print(
        "tokens",
        len(said),
        sum(r for _, r in said),
        doubt([c for c, _ in said], [r for _, r in said]),
    )
    known, asked = tools.claims_of(0)
    both = [*known, *asked]
    for kind in model.KINDS:
        some = [(claim, right) for k, claim, right in both if k == kind]
        claims, hits = [c for c, _ in some], [r for _, r in some]
        print(kind, len(some), sum(hits), doubt(claims, hits))
    claims, hits = [c for _, c, _ in both], [r for *_, r in both]
    print("all", len(both), sum(hits), doubt(claims, hits))
    for low in (0.0, 0.3, 0.5, 0.7, 0.9):
        some = [(k, c, r) for k, c, r in both if low <= c < low + 0.2]
        print("from", low, len(some), sum(r for *_, r in some))
    mine = defined("honest")["honest"](known, [(k, c) for k, c, _ in asked])
    print("as claimed", tools.judged(asked, [c for _, c, _ in asked]))
    print("honest", tools.judged(asked, mine))


def main() -> None:
    """Print them."""
    by_alarms()
    by_counts()
    by_claims()


if __name__ == "__main__":
    main()
