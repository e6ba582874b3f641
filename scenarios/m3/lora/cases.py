"""Orders as guests put them, and the tickets that the kitchen wants; drawn afresh from a seed."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from agentlab.labs import Case

MENU = ("latte", "espresso", "tea", "cocoa", "muffin", "scone", "bagel", "cookie")
EVENING = 24
"""Orders on which a tuned model is tried."""
_NUMBERS = ("one", "two", "three", "four", "five", "six")
_WORDINGS = (
    "Could we get {items} at table {t}?",
    "{Items} for table {t}, please.",
    "Hello! Table {t} here. We'd love {items}.",
    "We are at table {t} and would like {items}. Thank you!",
    "Table {t}: {items}.",
    "Can you bring {items} to table {t}?",
    "I think we'll have {items}. We sit at table {t}.",
    "Please bring us {items}, we're at {t}.",
)


def order(rng: Random) -> tuple[str, str]:
    """(what a guest says, the ticket)."""
    wanted = {item: rng.randint(1, 6) for item in rng.sample(MENU, rng.choice((1, 2, 2, 3)))}
    table = rng.randint(1, 30)
    *first, last = [_said(item, count, rng) for item, count in wanted.items()]
    items = f"{', '.join(first)} and {last}" if first else last
    message = rng.choice(_WORDINGS).format(
        items=items, Items=items[:1].upper() + items[1:], t=table
    )
    return message, f"T{table} | " + ", ".join(f"{n} {item}" for item, n in wanted.items())


def _said(item: str, count: int, rng: Random) -> str:
    if count == 1:
        return f"an {item}" if item[0] in "aeiou" else f"a {item}"
    number = _NUMBERS[count - 1] if rng.random() < 0.7 else str(count)
    return f"{number} {item}{'' if item == 'cocoa' and rng.random() < 0.2 else 's'}"


def evening(seed: int) -> Sequence[tuple[str, str]]:
    """An evening's orders and their tickets."""
    rng = Random(seed)  # noqa: S311 - the seed is the point
    return [order(rng) for _ in range(EVENING)]


def evenings(rng: Random, count: int) -> Sequence[Case]:
    """Evenings of fresh orders, each by the seed that they are drawn from."""
    return [Case(f"orders({rng.randrange(10**6)})", EVENING) for _ in range(count)]


def layers(rng: Random, count: int) -> Sequence[Case]:
    """Small layers with a LoRA; what they should give is worked out beside, from its definition."""
    cases: list[Case] = []
    for _ in range(count):
        out, into, rank = rng.randint(3, 9), rng.randint(10, 16), rng.randint(1, 3)
        alpha = rng.choice((4.0, 8.0, 16.0))
        # told by the case, which runs after the program and is not seen by it
        code = (
            "import json as _json, numpy as _np\n"
            f"_r = _np.random.default_rng({rng.randrange(10**6)})\n"
            f"_W, _B = _r.normal(size=({out}, {into})), _r.normal(size=({out}, {rank}))\n"
            f"_A, _x = _r.normal(size=({rank}, {into})), _r.normal(size={into})\n"
            f"_wanted = _W @ _x + ({alpha} / {rank}) * (_B @ (_A @ _x))\n"
            f"_kept = _W.copy()\n"
            f"_got = _np.asarray(merged(_W, _A, _B, {alpha})) @ _x\n"
            "_same = _got.shape == _wanted.shape and bool(_np.allclose(_got, _wanted))\n"
            f"_count = int(trained({into}, {out}, {rank}))\n"
            "print(_json.dumps({'same': _same, 'kept': bool((_W == _kept).all()), "
            "'count': _count}))"
        )
        cases.append(Case(code, rank * (into + out)))
    return cases
