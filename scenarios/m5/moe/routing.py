"""Tokens, gates and experts for `route`, and what a program made of them, judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, TypeAlias

from .lender import Expert

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

_CLOSE = 1e-5


@dataclass(frozen=True)
class Task:
    """One batch of tokens.

    Attributes:
        x: (n, width).
        gate: (experts, width); a token's scores are its products with the rows.
        k: experts for each token.
    """

    name: str
    x: Array
    gate: Array
    k: int
    experts: list[Expert]

    @property
    def scores(self) -> Array:
        """(n, experts)."""
        return self.x @ self.gate.T


def tasks(seed: int) -> list[Task]:
    """Batches of several kinds; in one of them a token finds all experts equally good."""
    import numpy as np

    dice = np.random.default_rng(seed)

    def task(name: str, n: int, width: int, experts: int, k: int, scale: float = 1.0) -> Task:
        x = dice.normal(size=(n, width))
        gate = dice.normal(size=(experts, width)) * scale
        return Task(name, x, gate, k, [_expert(dice, width) for _ in range(experts)])

    tie = task("a token of nothing but 0", 7, 5, 4, 2)
    tie.x[dice.integers(7)] = 0
    return [
        task("two of eight, as in Mixtral", int(dice.integers(14, 20)), 6, 8, 2),
        task("one of four", int(dice.integers(5, 9)), 4, 4, 1),
        task("one token alone, six of sixteen", 1, 5, 16, 6),
        tie,
        task("scores of 900", 8, 6, 6, 3, 400.0),
        task("every expert for every token", 4, 4, 3, 3),
    ]


def _expert(dice: Any, width: int) -> Expert:
    import numpy as np

    up, down = dice.normal(size=(width, 9)), dice.normal(size=(9, width))
    shift = dice.normal(size=9)
    return lambda rows: np.maximum(rows @ up + shift, 0) @ down


def chosen(scores: Array, k: int) -> list[tuple[int, ...]]:
    """All sets of k experts, none of which scores lower than one left out."""
    least = sorted(scores.tolist(), reverse=True)[k - 1]
    sure = [n for n, score in enumerate(scores) if score > least]
    tied = [n for n, score in enumerate(scores) if score == least]
    return [tuple(sorted([*sure, *some])) for some in combinations(tied, k - len(sure))]


def mixed(task: Task, row: int, experts: Sequence[int]) -> Array:
    """What these experts make of a token, weighted by a softmax over their scores alone."""
    import numpy as np

    scores = task.scores[row, list(experts)]
    weights = np.exp(scores - scores.max())
    weights /= weights.sum()
    outs = np.stack([task.experts[n](task.x[row : row + 1])[0] for n in experts])
    return weights @ outs


def judged(task: Task, y: Array, calls: Sequence[tuple[int, Array]]) -> dict[str, str | None]:
    """What is wrong with an answer, by check."""
    return {
        "mixed": _unmixed(task, y),
        "chosen": _unchosen(task, calls),
        "once": _again(task, calls),
    }


def _unmixed(task: Task, y: Array) -> str | None:
    import numpy as np

    if y.shape != task.x.shape:
        return f"{task.name}: y is {y.shape}, and x is {task.x.shape}"
    for row, said in enumerate(y):
        due = [mixed(task, row, some) for some in chosen(task.scores[row], task.k)]
        if not any(np.allclose(said, one, rtol=_CLOSE, atol=_CLOSE) for one in due):
            return (
                f"{task.name}: row {row} begins with {said[0]:.4g}, and it should with "
                f"{due[0][0]:.4g}"
            )
    return None


def _unchosen(task: Task, calls: Sequence[tuple[int, Array]]) -> str | None:
    """An expert read a token that did not choose it, or did not read one that did."""
    import numpy as np

    count = sum(len(rows) for _, rows in calls)
    due = len(task.x) * task.k
    if count != due:
        return f"{task.name}: experts were given {count} rows, and {due} are needed"
    readers: list[list[int]] = [[] for _ in task.x]
    for number, rows in calls:
        for row in rows:
            near = [n for n, x in enumerate(task.x) if row.shape == x.shape]
            near = [n for n in near if np.allclose(row, task.x[n], atol=_CLOSE)]
            if not near:
                return f"{task.name}: expert {number} was given a row that is none of x"
            readers[near[0]].append(number)
    for row, who in enumerate(readers):
        if tuple(sorted(who)) not in chosen(task.scores[row], task.k):
            return f"{task.name}: token {row} was read by experts {sorted(who)}"
    return None


def _again(task: Task, calls: Sequence[tuple[int, Array]]) -> str | None:
    who = [number for number, _ in calls]
    most = max(who, key=who.count, default=0)
    if who.count(most) < 2:
        return None
    return f"{task.name}: expert {most} was asked {who.count(most)} times, for {len(task.x)} tokens"
