"""The numbers in the lesson, made again, by itself: `python measure.py [leaks|noise|agent]`."""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import sys
from datetime import date
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")  # see `sandbox`

torch: Any = importlib.import_module("torch")
_HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(_HERE.parent))
_NAMES = ("agent", "cases", "dates", "inside", "pieces", "tools")
_modules: Any = tuple(importlib.import_module(f"{_HERE.name}.{name}") for name in _NAMES)
agent, cases, dates, inside, pieces, tools = _modules
KINDS = ("none", "no mask", "one place off", "masked too late", "not shifted")
ROUNDS = 300
QUESTIONS = 6
MISREAD = date(1983, 3, 25)
"""A Friday, on which the agent slips."""
NO_DATES = ("yesterday", "30 February 2031", "31 April 1999", "Frijung 25 March 1983", "3 2 1")


def parts() -> ModuleType:
    """The reference, as a module of its own."""
    made = ModuleType("parts")
    exec((_HERE / "parts.txt").read_text(encoding="utf-8"), made.__dict__)  # noqa: S102
    return made


class Data:
    """Dates to learn from, and others, as ids."""

    def __init__(self, seed: int) -> None:
        some = dates.drawn(seed, cases.KNOWN + cases.FRESH)
        pairs = dates.tossed(some, seed)
        self.english, self.hungarian = dates.vocabularies(some)
        self.source = torch.tensor(pieces.padded([self.english.ids(one) for one, _ in pairs]))
        rows = [[pieces.START, *self.hungarian.ids(one), pieces.END] for _, one in pairs]
        self.target = torch.tensor(pieces.padded(rows))
        self.fresh = some[cases.KNOWN :]

    def trained(self, kind: str, rounds: int = ROUNDS) -> Any:
        """A net of a kind, trained as long as the others."""
        torch.manual_seed(1)
        net = _leaky(kind, len(self.english), len(self.hungarian))
        inside.fit(net, self.source[: cases.KNOWN], self.target[: cases.KNOWN], rounds)
        return net.eval()

    def nats(self, net: Any, *, mixed: bool = False) -> float:
        """What the fresh dates cost it a date; `mixed`, each beside another's English."""
        source, target = self.source[cases.KNOWN :], self.target[cases.KNOWN :]
        source = source.flip(0) if mixed else source
        with torch.no_grad():
            return float(inside.loss(net, source, target)) / len(source)

    def written(self, net: Any, source: Any) -> list[str]:
        """What a net writes for each row by itself."""
        with torch.no_grad():
            rows = inside.written(net, source).tolist()
        return [self.hungarian.text(row) for row in rows]


def _leaky(kind: str, words: int, size: int) -> Any:
    """The reference with a mistake in it."""
    reference: Any = parts()

    class Net(reference.Translator):
        def causal(self, n: int) -> Any:
            ahead = {"no mask": 99, "one place off": 1}.get(kind, 0)
            return torch.ones(n, n, dtype=torch.bool).tril(ahead)

        def forward(self, source: Any, target: Any) -> Any:
            if kind == "not shifted" and self.training | self.shown:
                target = torch.nn.functional.pad(target[:, 1:], (0, 1), value=pieces.START)
            return reference.Translator.forward(self, source, target)

    net: Any = Net(words, size)
    net.shown = False
    if kind == "masked too late":
        net.written.forward = _late(net.written)
    return net


def _late(attention: Any) -> Any:
    """An attention's pass whose mask comes after the softmax."""

    def passed(x: Any, context: Any, mask: Any) -> Any:
        given = ((attention.q, x), (attention.k, context), (attention.v, context))
        q, k, v = (f(y).unflatten(-1, (4, -1)).transpose(1, 2) for f, y in given)
        scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
        weights = scores.softmax(-1) * mask
        return attention.out((weights @ v).transpose(1, 2).flatten(-2))

    return passed


def leaks(*kinds: str) -> None:
    """The first table."""
    data = Data(0)
    for kind in kinds or KINDS:
        net = data.trained(kind)
        texts = data.written(net, data.source[cases.KNOWN :])
        right = tools.compared(data.fresh, texts)["right"]
        net.shown = True
        nats, mixed = data.nats(net), data.nats(net, mixed=True)
        print(f"{kind:16} {nats:7.3f} nats, mixed {mixed:7.2f}, right {right:3}, {texts[:2]}")


def noise() -> None:
    """How far scores move by rounding at the most, and by what is seen at the least."""
    for seed in range(3):
        (case,) = cases.leaking(Random(seed), 1)  # noqa: S311
        for like, expect in zip(json.loads(case.input)["nets"], case.expect, strict=True):
            gap, n = _gaps(like), like["places"]
            of: dict[int, list[float]] = {0: [], 1: []}
            for i in range(n):
                for j in range(n):
                    of[expect["reach"][i][j]].append(gap[i][j])
            print(f"{expect['name']:48} {max(of[0], default=0):.1e} {min(of[1]):.1e}")


def _gaps(like: dict[str, Any]) -> list[list[float]]:
    torch.manual_seed(like["seed"])
    net: Any = inside.Reader({**like, "dropout": 0.0}).train(like["training"])
    n = like["places"]
    source, target = torch.randint(4, 40, (1, n + 2)), torch.randint(4, 40, (1, n))
    rows = target.repeat(n, 1)
    rows[range(n), range(n)] = 4 + (target[0] - 3) % 36
    with torch.no_grad():
        scores = net(source.repeat(n, 1), rows)
        return (scores - net(source, target)).abs().amax(dim=-1).T.tolist()


def asked() -> None:
    """What the agent makes of the translator; what that makes of what is no date."""
    data = Data(0)
    net = data.trained("none")

    async def translate(text: str) -> str | None:
        ids = data.english.ids(text)
        (got,) = data.written(net, torch.tensor([ids]))
        print(f"    {text!r} -> {got!r}{' UNKNOWN' if pieces.UNKNOWN in ids else ''}")
        return None if pieces.UNKNOWN in ids else got

    some = [dates.dated(MISREAD, 1), *data.fresh[:QUESTIONS]]
    for one in asyncio.run(agent.asked(some, translate)):
        print(f"{one['date']}: called with {one['passed']!r}, got {one['got']!r}: {one['says']}")
    for text in NO_DATES:
        asyncio.run(translate(text))


if __name__ == "__main__":
    torch.set_num_threads(1)
    {"leaks": leaks, "noise": noise, "agent": asked}[sys.argv[1]](*sys.argv[2:])
