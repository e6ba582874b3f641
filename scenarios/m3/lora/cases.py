"""Orders as guests put them, and the tickets that the kitchen wants; drawn afresh from a seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

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
    return [
        Case(f"orders({rng.randrange(10**6)})", EVENING, title="an evening of fresh orders")
        for _ in range(count)
    ]


def layers(rng: Random, count: int) -> Sequence[Case]:
    """Small layers with a LoRA; what they should give is worked out beside, from its definition."""
    cases: list[Case] = []
    for _ in range(count):
        out, into, rank = rng.randint(3, 9), rng.randint(10, 16), rng.randint(1, 3)
        alpha = rng.choice((4.0, 8.0, 16.0))
        seed = rng.randrange(10**6)
        # numbers alone come back: what they are worth is worked out where the program is not
        code = (
            _LAYER.format(seed=seed, out=out, into=into, rank=rank)
            + "import json as _json\n"
            + f"_got = _np.asarray(merged(_W, _A, _B, {alpha}), dtype=float).tolist()\n"
            + "print(_json.dumps({'merged': _got, 'layer': _W.tolist(), "
            + f"'count': int(trained({into}, {out}, {rank}))}}))"
        )
        facts = {"seed": seed, "out": out, "into": into, "rank": rank, "alpha": alpha}
        cases.append(
            Case(
                code,
                rank * (into + out),
                facts,
                title=f"a layer of {out} by {into} with a LoRA of rank {rank}",
            )
        )
    return cases


# The same lines make a layer here and in the sandbox
_LAYER = """
import numpy as _np
_r = _np.random.default_rng({seed})
_W, _B = _r.normal(size=({out}, {into})), _r.normal(size=({out}, {rank}))
_A, _x = _r.normal(size=({rank}, {into})), _r.normal(size={into})
"""


def same(found: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
    """Whether a merged matrix does what layer and detour do, with the layer left as it was."""
    import numpy as np

    made: dict[str, Any] = {}
    exec(_LAYER.format(**facts), made)  # noqa: S102 - our own lines, above
    weights, a, b, x = (made[name] for name in ("_W", "_A", "_B", "_x"))
    wanted = weights @ x + (facts["alpha"] / facts["rank"]) * (b @ (a @ x))
    try:
        merged = np.array(found.get("merged"), dtype=float)
        layer = np.array(found.get("layer"), dtype=float)
    except (TypeError, ValueError):
        return False
    if merged.shape != weights.shape or not np.array_equal(layer, weights):
        return False
    return bool(np.allclose(merged @ x, wanted))
