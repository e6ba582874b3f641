"""The numbers in the lesson, made again: `python scenarios/m0/calculus/measure.py`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import numpy as np  # noqa: TID253 - a program of its own
from numpy.typing import NDArray  # noqa: TID253

from agentlab.backends.llamacpp.registry import find as model_called
from agentlab.labs import CodeAnswer, CodeStep
from agentlab.labs.find import load
from agentlab_tools.train.bridge.score import Scorer

LAB = load(Path(__file__).parent)
TEXT = "The sea was calm that morning, and the boats lay still in the harbour."
DRAWS = range(10)
Array = NDArray[Any]


def part(name: str) -> Any:
    """A module of the lab."""
    step = LAB.step("gradient")
    assert isinstance(step, CodeStep)
    return sys.modules[step.cases.__module__.replace("cases", name)]


def defined(step: str, answer: str = "solution") -> Any:
    """What a right or wrong answer defines."""
    found = LAB.step(step)
    assert isinstance(found, CodeStep)
    chosen: CodeAnswer = found.solution if answer == "solution" else found.wrong[answer]
    names: dict[str, Any] = {}
    exec(chosen.code, names)  # noqa: S102 - the lab's own answers
    return names


def by_the_model() -> None:
    """The slope of what a text costs, by the scale of the adapter that is put on the model."""
    model = model_called("local:agent")
    (adapter,) = model.adapters.values()
    with Scorer(model.path, size=64) as scorer:
        handle = scorer._model.adapter("agent", adapter)  # pyright: ignore[reportPrivateUsage]
        ids = scorer.tokens(TEXT)

        def cost(scale: float) -> float:
            scorer._context.use({"agent": (handle, scale)})  # pyright: ignore[reportPrivateUsage]
            lost, count = scorer.loss(ids)
            return lost / count

        print("the model: h, slope at 0.50, 0.51, 0.52")
        for h in (0.2, 0.1, 0.05, 0.01, 0.002, 0.0005):
            print(h, [round(slope_of(cost, at, h), 3) for at in (0.50, 0.51, 0.52)])


def slope_of(f: Callable[[float], float], x: float, h: float) -> float:
    """Between a step up and a step down."""
    return (f(x + h) - f(x - h)) / (2 * h)


def by_arithmetic() -> None:
    """How far off the slope of the logarithm is, by h, near by and far out."""
    print("log: h, off at 3, off at 3 million; one-sided at 3")
    for power in range(1, 17):
        h = 10.0**-power
        near, far = (abs(slope_of(np.log, x, h) * x - 1) for x in (3.0, 3e6))
        side = abs((np.log(3 + h) - np.log(3)) / h * 3 - 1)
        print(f"1e-{power}: {near:.1e} {far:.1e} {side:.1e}")


def drawn(seed: int) -> tuple[Array, Array, list[list[float]], list[int]]:
    """Reviews to learn from and others, as the model scores them."""
    reviews, cases = part("reviews"), part("cases")
    rng = Random(seed)  # noqa: S311 - reviews to practise on are no secret
    known = reviews.drawn(rng, cases.KNOWN)
    fresh = reviews.drawn(rng, cases.ASKED, less=tuple(text for text, _ in known))
    given = np.array(reviews.scores([text for text, _ in known]))
    asked = reviews.scores([text for text, _ in fresh])
    return given, np.array([label for _, label in known]), asked, [label for _, label in fresh]


def by_reviews() -> None:
    """What a correction does to the model's labels, over ten draws."""
    judged = part("tools").judged
    rows = [drawn(seed) for seed in DRAWS]
    plain = [judged(asked, wanted, 1.0, [0.0, 0.0]) for _, _, asked, wanted in rows]
    print("as it is", sum(r for r, _ in plain), np.mean([n for _, n in plain]))
    scores = np.concatenate([np.array(asked) for _, _, asked, _ in rows])
    labels = np.concatenate([wanted for *_, wanted in rows])
    gaps = scores[:, 0] - scores[:, 1]
    print(
        "gap of the scores, good and bad reviews",
        gaps[labels == 0].mean(),
        gaps[labels == 1].mean(),
    )
    for answer in ("solution", "bias-alone", "scale-alone", "ten-steps"):
        correct = defined("correct", answer)["correct"]
        ends = [judged(asked, wanted, *correct(g, y)) for g, y, asked, wanted in rows]
        print(
            answer, sum(r for r, _ in ends), min(r for r, _ in ends), np.mean([n for _, n in ends])
        )
    _at_the_edge(*rows[0][:2])


def _at_the_edge(scores: Array, labels: Array) -> None:
    """The longest step at the start, and what a descent does with others."""
    slopes, longest = defined("chain")["loss_and_slopes"], defined("edge")["longest_step"]

    def gradient(at: Array) -> Array:
        _, by_scale, by_bias = slopes(scores, labels, at[0], at[1:])
        return np.array([by_scale, *by_bias])

    start = np.array([1.0, 0.0, 0.0])
    small = longest(_near(gradient, start), start)
    end = start.copy()
    for _ in range(1000):
        end = end - 0.3 * gradient(end)
    late = longest(_near(gradient, end), end)
    print("longest step at the start", small, "after 1000 steps", late, "where", end)
    for step in (0.03, 0.3, 3.0, 30.0):
        at, costs = start.copy(), list[float]()
        for _ in range(1000):
            costs.append(float(slopes(scores, labels, at[0], at[1:])[0]))
            at = at - step * gradient(at)
        print(
            step,
            "nats at 0 1 2 3 10 100 999:",
            [round(costs[n], 3) for n in (0, 1, 2, 3, 10, 100, 999)],
            "highest",
            round(max(costs), 1),
            "rises",
            sum(b > a for a, b in pairwise(costs)),
        )


def _near(gradient: Callable[[Array], Array], at: Array) -> Callable[[Array], Array]:
    """How the slope changes close by, as in the bowl that fits the loss there."""
    here = gradient(at)

    def around(x: Array) -> Array:
        return (gradient(at + 1e-4 * (x - at)) - here) * 1e4

    return around


def main() -> None:
    """Print them."""
    by_arithmetic()
    by_the_model()
    by_reviews()


if __name__ == "__main__":
    main()
