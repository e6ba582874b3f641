"""The worked examples that the reference solutions and the usual mistakes show to the model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise

from agentlab.backend import Settings
from agentlab.labs import Example

from .cases import as_orders, as_sum

STEADY = Settings(temperature=0, max_tokens=60, repeat_penalty=1.0)
"""Greedy, so that a run can be repeated; short, so that a model gone astray is soon stopped; and no
penalty on repeating, since a worked sum repeats its numbers."""

Numbers = tuple[int, int, int]
_Worked = Callable[[Numbers], str]

NUMBERS: tuple[Numbers, ...] = (
    (3, 2, 4),
    (1, 1, 5),
    (1, 3, 5),
    (1, 5, 2),
    (1, 1, 4),
    (4, 1, 2),
    (1, 5, 4),
    (1, 5, 1),
)
MORE_NUMBERS: tuple[Numbers, ...] = (*NUMBERS, (2, 2, 5), (4, 3, 3), (5, 2, 2), (5, 5, 3))


def answer(numbers: Numbers) -> str:
    """The answer at once."""
    return f"The answer is {sum(numbers)}."


def steps(numbers: Numbers) -> str:
    """One small sum after the other; each is like thousands that the model has read."""
    return " ".join(
        f"{before} + {number} = {after}."
        for (before, after), number in zip(pairwise(accumulate(numbers)), numbers[1:], strict=True)
    )


def steps_then_answer(numbers: Numbers) -> str:
    """The working, and then the answer."""
    return f"{steps(numbers)} {answer(numbers)}"


def answer_then_steps(numbers: Numbers) -> str:
    """The working where it comes too late."""
    return f"{answer(numbers)} {steps(numbers)}"


def in_one_step(numbers: Numbers) -> str:
    """Working that only says the sum once more."""
    return f"{' + '.join(map(str, numbers))} = {sum(numbers)}. {answer(numbers)}"


def first_step_only(numbers: Numbers) -> str:
    """Working that stops half-way, and leaves the rest to the answer."""
    return f"{numbers[0]} + {numbers[1]} = {numbers[0] + numbers[1]}. {answer(numbers)}"


def orders_then_answer(numbers: Numbers) -> str:
    """Each order said again, and the whole sum it asks for; then the answer."""
    totals = pairwise(accumulate(numbers))
    sums = zip(totals, numbers[1:], strict=True)
    done = [f"Add {number}: {before} + {number} = {after}." for (before, after), number in sums]
    return f"{' '.join(done)} {answer(numbers)}"


def told_after(numbers: Numbers) -> str:
    """Working in words of our own: what is done, and where that leads, but no sum."""
    totals = accumulate(numbers)
    done = [f"Start with {next(totals)}."]
    done += [f"Add {number}: {total}." for number, total in zip(numbers[1:], totals, strict=True)]
    return f"{' '.join(done)} {answer(numbers)}"


def of_sums(worked: _Worked, numbers: Sequence[Numbers] = NUMBERS) -> tuple[Example, ...]:
    """Examples of plain sums, worked out in one of these ways."""
    return tuple(Example(user=as_sum(n), answer=worked(n)) for n in numbers)


def of_orders(worked: _Worked, numbers: Sequence[Numbers] = NUMBERS) -> tuple[Example, ...]:
    """Examples of sums told as orders, worked out in one of these ways."""
    return tuple(Example(user=as_orders(n), answer=worked(n)) for n in numbers)
