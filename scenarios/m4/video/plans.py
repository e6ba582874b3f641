"""Starter, reference solution, other right answers, and wrong ones: plans of long films."""

from __future__ import annotations

from agentlab.labs.declare import programs

from .verdicts import function


def _windows(keep: int, moments: int, doc: str = "", told: str = "[0] * given") -> str:
    """Eight frames at a time, of which so many were there before."""
    return function(
        "plan(frames)",
        doc
        + f"""\
orders, done = [], 1
while done < frames:
    first = min(max(done - {keep}, 0), frames - 8)
    given = done - first
    for n in range({moments}):
        told = {told} + [1 - n / {moments}] * (8 - given)
        after = [0] * given + [1 - (n + 1) / {moments}] * (8 - given)
        orders.append((first, told, after))
    done = first + 8
return orders
""",
    )


def _in_turn(order: str, moments: int = 1) -> str:
    """The frames of a shot one by one, in an order of their own."""
    return function(
        "plan(frames)",
        f"""\
orders = []
for first in range(0, frames - 1, 7):
    levels = [0] + [1] * 7
    for at in {order}:
        for n in range({moments}):
            after = levels.copy()
            after[at] = 1 - (n + 1) / {moments}
            orders.append((first, levels, after))
            levels = after
return orders
""",
    )


LONG = programs(
    starter=_windows(
        4, 8, '"""The orders (first, told, after) of a film whose first frame is given."""\n'
    ),
    solution=_windows(1, 1),
    also={
        "in-one-line": function(
            "plan(frames)",
            "return [(at, [0] + [1] * 7, [0] * 8) for at in range(0, frames - 1, 7)]\n",
        ),
        "the-middle-first": function(
            "plan(frames)",
            """\
orders = []
for first in range(0, frames - 1, 7):
    levels = [0] + [1] * 7
    for group in ([4], [7], [2, 6], [1, 3, 5]):
        after = [0 if n in group else level for n, level in enumerate(levels)]
        orders.append((first, levels, after))
        levels = after
return orders
""",
        ),
        "almost-at-once": function(
            "plan(frames)",
            """\
for first in range(0, frames - 1, 7):
    for now, then in ((1, 0.1), (0.1, 0)):
        yield first, [0] + [now] * 7, [0] + [then] * 7
""",
        ),
    },
    wrong={
        "one-by-one": _in_turn("range(1, 8)"),
        "as-noise-goes": _windows(1, 8),
        "the-last-two": _windows(2, 1),
        "from-the-last-alone": function(
            "plan(frames)",
            """\
orders = []
for at in range(1, frames):
    first = min(at - 1, frames - 8)
    told = [int(n > at - first - 1) for n in range(8)]
    after = [int(n > at - first) for n in range(8)]
    orders.append((first, told, after))
return orders
""",
        ),
        "what-is-given-is-not-told": _windows(1, 1, told="[1] * given"),
        "seventeen-moments": _windows(1, 17),
    },
    mistakes={
        "one-by-one": "kept",
        "as-noise-goes": "kept",
        "the-last-two": "astray",
        "from-the-last-alone": "kept",
        "what-is-given-is-not-told": "kept",
        "seventeen-moments": "68 times",
    },
)
