"""The numbers in the lesson, made again: `python scenarios/m1/model-loss-optimizer/measure.py`."""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np  # noqa: TID253 - a program of its own
from numpy.typing import NDArray  # noqa: TID253

from agentlab.labs import CodeStep
from agentlab.labs.find import load

LAB = load(Path(__file__).parent)
DRAWS = 20
MOVES = 1500
Array = NDArray[Any]
STEPS = {
    "sgd": (1e-5, 1e-4, 1e-3, 0.01, 0.1),
    "momentum": (1e-6, 1e-5, 1e-4, 1e-3, 0.01),
    "adam": (1e-3, 0.01, 0.1, 1.0),
}


def part(name: str) -> Any:
    """A module of the lab."""
    step = LAB.step("fit")
    assert isinstance(step, CodeStep)
    return sys.modules[step.cases.__module__.replace("cases", name)]


def defined(step: str, answer: str = "solution") -> Any:
    """What a right or wrong answer defines."""
    found = LAB.step(step)
    assert isinstance(found, CodeStep)
    known = {"solution": found.solution, **found.also, **found.wrong}
    names: dict[str, Any] = {}
    exec(known[answer].code, names)  # noqa: S102 - the lab's own answers
    return names


def by_timings() -> None:
    """What a late reading costs by each loss, and where it pulls the line."""
    rows = np.array(part("cases").timings())
    late = rows[:, 1] > 1.3 * rows[:, 2]
    print(f"{len(rows)} readings, {late.sum()} took over 1.3 times the work")
    start, each = defined("fit", "squares-weighed-anew")["fit"](rows[:, 0], rows[:, 1])
    gaps = np.abs(start + each * rows[:, 0] - rows[:, 1])
    print("line", start, each, "squared", defined("fit", "least-squares")["fit"](*rows[:, :2].T))
    for n in (np.argsort(gaps)[len(gaps) // 2], gaps.argmax()):
        print("row", rows[n], "gap", gaps[n], "squared", gaps[n] ** 2)
    for name, cost in (("absolute", gaps), ("squared", gaps**2)):
        print(name, "share of the late ones", cost[late].sum() / cost.sum())
    far_off, places = part("judging")._off, range(len(rows))
    for answer in ("least-squares", "solution"):
        fit, lines, offs = defined("fit", answer)["fit"], list[float](), list[float]()
        for seed in range(DRAWS):
            known = Random(seed).sample(places, part("cases").TIMED)  # noqa: S311
            others = [(int(rows[n, 0]), float(rows[n, 2])) for n in places if n not in known]
            line = [float(number) for number in fit(*rows[known, :2].T)]
            lines.append(1000 * line[1])
            offs.append(far_off(line, others))
        print(answer, "ms a token", _spread(lines), "off", _spread(offs))


def _spread(values: Iterable[float]) -> str:
    found = np.array(list(values))
    return f"mean {found.mean():.4g} least {found.min():.4g} most {found.max():.4g}"


def by_log() -> None:
    """What the log loss takes for being sure and wrong, and where the plain formula breaks."""
    for score in (1.0, 4.0, 10.0, 34.0, 36.0, 38.0):
        chance = 1 / (1 + math.exp(-score))
        plain = math.inf if chance == 1.0 else -math.log(1 - chance)
        right = float(np.logaddexp(0, score))
        print(f"sure {chance:.4f} of the wrong: log {right:.4f}, plain {plain:.4f}", end="; ")
        print(f"squared {chance**2:.4f}, absolute {chance:.4f}")


def by_adam() -> None:
    """The length of Adam's first move, with the correction and without."""
    for answer in ("solution", "no-correction"):
        adam = defined("movers", answer)["adam"]
        for slope in (1e-5, 1.0, 1e5):
            move, x, went = adam(0.01), np.zeros(1), list[float]()
            for _ in range(100):
                new = move(x, np.array([slope]))
                went.append(float(np.abs(new - x)[0]))
                x = new
            print(answer, slope, "move 1, 10, 100:", went[0], went[9], went[99])


def by_stars() -> None:
    """What becomes of each loss with each optimizer, on scores as they come and on centred ones."""
    reviews, tools = part("reviews"), part("tools")
    rows = [(reviews.scores(text), stars) for text, stars in reviews.REVIEWS]
    print("it gives", Counter(row.index(max(row)) + 1 for row, _ in rows))
    print("off", tools.as_it_is(rows), "always 3", np.mean([abs(3 - s) for _, s in rows]))
    scores, stars = np.array([row for row, _ in rows]), np.array([s for _, s in rows])
    print("scores: mean", scores.mean(axis=0), "std", scores.std(axis=0))
    for name, given in (("raw", scores), ("centred", _centred(scores)[0])):
        full = np.column_stack([np.ones(len(given)), given])
        print(name, "steepest over flattest", np.linalg.cond(full) ** 2)
    chances = np.exp(scores - scores.max(axis=1, keepdims=True))
    means = chances @ np.arange(1, 6) / chances.sum(axis=1)
    print("correlation of its mean with the stars", np.corrcoef(means, stars)[0, 1])
    rng = Random(7)  # noqa: S311
    draws = [tools.drawn(rng) for _ in range(DRAWS)]
    for answer in ("solution", "no-more-than-five"):
        teach = defined("teach", answer)["teach"]
        print(answer, _spread(_taught(teach, draws)))
    makers = defined("movers")
    for centred in (False, True):
        for kind in ("squared", "absolute", "huber"):
            for name, steps in STEPS.items():
                tried = [(_all(kind, makers[name], step, centred, draws), step) for step in steps]
                (off, cost), step = min(tried, key=lambda one: one[0][1].mean())
                near = min((one[0][0].mean(), one[1]) for one in tried)
                print("centred" if centred else "raw", kind, name, "step", step, end=": ")
                print("cost", round(cost.mean(), 3), "off", _spread(off), "nearest", near)


def _taught(teach: Callable[[Array, Array], Any], draws: Any) -> list[float]:
    offs: list[float] = []
    for known, marked, fresh in draws:
        start, weights = teach(np.array([row for row, _ in known]), np.array(marked, dtype=float))
        offs.append(part("tools").astray([start, *weights], fresh))
    return offs


def _centred(scores: Array) -> tuple[Array, Array, Array]:
    middle, width = scores.mean(axis=0), scores.std(axis=0)
    return (scores - middle) / width, middle, width


def _all(kind: str, maker: Any, step: float, centred: bool, draws: Any) -> tuple[Array, Array]:
    """(stars off, the loss that was reached) of each draw."""
    costs: list[float] = []

    def teach(scores: Array, stars: Array) -> tuple[float, Array]:
        given, middle, width = _centred(scores) if centred else (scores, np.zeros(5), np.ones(5))
        full, move, x = np.column_stack([np.ones(len(given)), given]), maker(step), np.zeros(6)
        if centred:
            x[0] = np.median(stars)
        for _ in range(MOVES):
            x = move(x, full.T @ _slope(kind, full @ x - stars) / len(stars))
        gap = np.abs(full @ x - stars)
        small = np.minimum(gap, 1)
        cost = {"squared": gap**2, "absolute": gap, "huber": small * (gap - small / 2)}[kind]
        costs.append(float(cost.mean()) if np.isfinite(cost).all() else math.inf)
        return float(x[0] - middle @ (x[1:] / width)), x[1:] / width

    with np.errstate(all="ignore"):
        offs = _taught(teach, draws)
    return np.array(offs), np.array(costs)


def _slope(kind: str, gap: Array) -> Array:
    if kind == "squared":
        return 2 * gap
    return np.sign(gap) if kind == "absolute" else np.clip(gap, -1, 1)


def main() -> None:
    """Print them."""
    by_timings()
    by_log()
    by_adam()
    by_stars()


if __name__ == "__main__":
    main()
