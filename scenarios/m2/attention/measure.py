"""Every number in the lesson, made again.

python scenarios/m2/attention/measure.py            four minutes
python scenarios/m2/attention/measure.py --every    each of 207 heads off, three more
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias

from agentlab.labs.course import lab_roots
from agentlab.labs.find import find_folder, load

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

np: Any = import_module("numpy")
HALF = 25


def modules() -> Any:
    """The lab's modules, by name, as the lab loaded them."""
    lab = load(find_folder("m2/attention", lab_roots()))
    home = lab.equip.__module__.removesuffix("tools")
    return {
        name: sys.modules[home + name] for name in ("model", "texts", "agent", "tries", "tools")
    }


def lines(seed: int, count: int) -> list[list[int]]:
    """Drawn tokens, said twice."""
    halves = np.random.default_rng(seed).integers(1000, 49_152, size=(count, HALF))
    return [[int(n) for n in half] * 2 for half in halves]


def lost(parts: Any, off: Sequence[Any], texts: Sequence[Sequence[int]], first: int = 0) -> float:
    """Nats a token, from a place on."""
    read = parts["model"].read
    return float(np.mean([read(ids, off).losses[first:].mean() for ids in texts]))


def heads_found(parts: Any) -> dict[str, list[Any]]:
    """Who looks where, and how much of it all goes to the first token."""
    texts = parts["texts"]
    found = texts.scores(5)
    for name, part in found.items():
        first = [(head, round(float(part[head]), 2)) for head in texts.best(part, 9)]
        print(name, first, f"mean {part.mean():.2f}")
    seen = np.mean([parts["model"].read(ids).weights[:, :, 1:, 0].mean() for ids in texts.plain()])
    print(f"to the first token of ordinary text: {seen:.2f}")
    return {name: texts.best(part, 8) for name, part in found.items()}


def sets(parts: Any, best: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """What switching sets of heads off costs."""
    again, plain = lines(77, 6), parts["texts"].plain()[:8]
    copy = best["copy"]
    others: list[Any] = []
    rng = np.random.default_rng(0)
    for layer, _ in copy:
        free = [n for n in range(9) if (layer, n) not in copy + others]
        others.append((layer, int(rng.choice(free))))
    tried = {"none": [], "copy 1": copy[:1], "copy 4": copy[:4], "copy 8": copy}
    tried |= {"others 8": others, "back 1": best["back"][:1], "back 8": best["back"]}
    print("first half", round(lost(parts, [], [ids[:HALF] for ids in again]), 2))
    for name, off in tried.items():
        print(
            f"{name:10} again {lost(parts, off, again, HALF):6.2f}"
            f"  ordinary {lost(parts, off, plain):6.3f}  {off}",
            flush=True,
        )
    return tried


def slips(parts: Any) -> None:
    """What ordinary text costs the model if its attention has a slip."""
    model, plain = parts["model"], parts["texts"].plain()[:4]

    def dealt(q: Array, k: Array, v: Array) -> Any:
        order = [0, 3, 6, 1, 4, 7, 2, 5, 8]
        made, found = model.attend(q[order], k, v)
        return made[np.argsort(order)], found

    def late(q: Array, k: Array, v: Array, more: int = 1) -> Any:
        k, v = np.repeat(k, 3, axis=0), np.repeat(v, 3, axis=0)
        scores = q @ k.swapaxes(1, 2) / 8
        scores = np.where(np.tri(len(scores[0]), k=more, dtype=bool), scores, -np.inf)
        found = np.exp(scores - scores.max(axis=-1, keepdims=True))
        found /= found.sum(axis=-1, keepdims=True)
        return found @ v, found

    def unscaled(q: Array, k: Array, v: Array) -> Any:
        return model.attend(q * 8, k, v)

    def not_masked(q: Array, k: Array, v: Array) -> Any:
        return late(q, k, v, more=99)

    slipped: dict[str, Any] = {
        "as it is": model.attend,
        "not scaled": unscaled,
        "keys dealt round": dealt,
        "sees the next": late,
        "sees all": not_masked,
    }
    for name, by in slipped.items():
        losses: list[float] = []
        for ids in plain:
            x = model.weights()["token_embd"][ids]
            for layer in range(model.LAYERS):
                x, _ = model.through(layer, x, by=by)
            losses.append(float(model._losses(model.logits_of(x), ids).mean()))
        print(f"{name:18} {np.mean(losses):.2f} nats a token", flush=True)


async def orders(parts: Any, tried: dict[str, list[Any]]) -> None:
    """What the numbers of orders cost the agent, and what it calls by itself."""
    wanted = parts["agent"].numbers(3, 6)
    print("to guess five digits", round(5 * float(np.log(10)), 1))
    for name in ("none", "others 8", "back 1", "copy 4", "copy 8"):
        heard = await parts["agent"].asked_for(wanted, tuple(tried[name]), len(wanted))
        right = sum(order in call for order, call in zip(wanted, heard.calls, strict=True))
        print(
            f"{name:10} {np.mean(heard.nats):.2f} nats a number, {min(heard.nats):.2f} to"
            f" {max(heard.nats):.2f}; {right} of {len(wanted)} by itself",
            flush=True,
        )
        for order, call in zip(wanted, heard.calls, strict=True):
            print("   ", order, call)


def every(parts: Any) -> None:
    """Each head from layer 7 on off by itself, dearest first."""
    again, plain = lines(123, 2), parts["texts"].plain()[:2]
    whole = lost(parts, [], again, HALF), lost(parts, [], plain)
    found: list[Any] = []
    for off in ([(layer, head)] for layer in range(7, 30) for head in range(9)):
        costs = lost(parts, off, again, HALF) - whole[0], lost(parts, off, plain) - whole[1]
        found.append((round(costs[0], 2), round(costs[1], 3), off[0]))
    print(sorted(found, reverse=True)[:12])


if __name__ == "__main__":
    made = modules()
    if "--every" in sys.argv:
        every(made)
    else:
        chosen = sets(made, heads_found(made))
        asyncio.run(orders(made, chosen))
        slips(made)
