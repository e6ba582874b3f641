"""The numbers in the lesson, made again, by itself: `python measure.py` in this folder."""

from __future__ import annotations

import asyncio
import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np  # noqa: TID253 - a program of its own

from agentlab.backends import connect

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

_HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(_HERE.parent))
data, measures, agents = (
    importlib.import_module(f"{_HERE.name}.{name}") for name in ("data", "measures", "agents")
)
DRAWS = 40


def nearest(x: Array, y: Array, fresh: Array) -> Array:
    """The group of each one's nearest neighbour."""
    return y[np.argmax(fresh @ x.T, axis=1)]


def share(found: Array, wanted: Array) -> float:
    """How many are the same."""
    return float((np.asarray(found) == np.asarray(wanted)).mean())


def labels() -> None:
    """How much labels are worth, and what those who have them think of themselves."""
    for each in (1, 2, 5, 10, 20, 40):
        right, seen = list[float](), list[float]()
        for seed in range(DRAWS):
            rows = data.drawn(seed, 120)
            x, y = data.emoji().vectors[rows], data.emoji().groups[rows]
            known = np.zeros(len(rows), dtype=bool)
            for group in range(4):
                known[np.flatnonzero(y == group)[:each]] = True
            right.append(share(nearest(x[known], y[known], x[~known]), y[~known]))
            seen.append(share(nearest(x[known], y[known], x[known]), y[known]))
        print(f"{each} a group: fresh {np.mean(right):.1%}, seen {np.mean(seen):.0%}")


def clusters() -> None:
    """Spread against agreement, over starts; and the groups that Unicode made."""
    x, y = data.emoji().vectors, data.emoji().groups
    found = [measures.k_means(x, 4, np.random.default_rng(seed)) for seed in range(60)]
    spreads = np.array([measures.spread(x, one) for one in found])
    agree = np.array([measures.agreement(y, one) for one in found])
    print("correlation", np.corrcoef(spreads, agree)[0, 1].round(2))
    for name, n in (
        ("best", spreads.argmin()),
        ("median", np.argsort(spreads)[30]),
        ("worst", spreads.argmax()),
    ):
        print(name, round(float(spreads[n]), 1), round(float(agree[n]), 2))
    print("agreement from", agree.min().round(2), "to", agree.max().round(2))
    print("Unicode", round(measures.spread(x, y), 1))
    best = found[int(spreads.argmin())]
    named = [np.bincount(y[best == c]).argmax() for c in range(4)]
    print(
        "clusters named",
        [data.GROUPS[n] for n in named],
        round(share(np.array(named)[best], y), 3),
    )
    for c in range(4):
        rows = np.flatnonzero(best == c)
        print(len(rows), {data.GROUPS[g]: int((y[rows] == g).sum()) for g in range(4)})
        strange = [str(data.emoji().names[n]) for n in rows if y[n] != named[c]]
        print("   ", strange[:14])
    for k in (2, 3, 4, 6, 8, 12):
        tries = [measures.k_means(x, k, np.random.default_rng(seed)) for seed in range(40)]
        one = min(tries, key=lambda groups: measures.spread(x, groups))
        print(k, "groups", round(measures.spread(x, one), 1), round(measures.agreement(y, one), 2))


async def prompts() -> None:
    """How often each prompt is right, over all names."""
    model = connect(agents.MODEL, n_ctx=512)
    rows = np.concatenate([data.drawn(seed, 12) for seed in (1, 2, 3)])
    for prompt in agents.PROMPTS:
        hits = [
            agents.right(
                await agents.answer(model, prompt, str(data.emoji().names[n])),
                data.GROUPS[data.emoji().groups[n]],
            )
            for n in sorted(set(rows.tolist()))
        ]
        print(prompt, f"{np.mean(hits):.2f} of {len(hits)}")


if __name__ == "__main__":
    labels()
    clusters()
    asyncio.run(prompts())
