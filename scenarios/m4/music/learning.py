"""Chorales to learn from, others to foretell, what counting comes to; and a net that is lent."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from agentlab_tools.chorales import data, notes
from agentlab_tools.chorales.given import source
from agentlab_tools.execute import Sandbox, SandboxLimits, printed_by
from agentlab_tools.execute.quick_torch import QUICK_TORCH
from agentlab_tools.made_once import made_once

from . import answers_learn
from .counting import Counted

HELD, ASKED = 45, 16
"""Chorales held back, and how many places of each are asked about."""
BETTER = 0.15
"""Nats a number below counting; what works came to 0.3 and more."""
ROUNDS = 400
"""Of training, for the net that composes."""
_HERE = Path(__file__).parent
_LARGEST = 8_000_000


@dataclass(frozen=True)
class Trial:
    """What a net learns from, and what it is asked.

    Attributes:
        learn: pieces as numbers.
        rounds: beginnings of the other pieces, one of each in a round, and longer from round to
            round, so that none ever shows how one asked later goes on.
        then: what came next.
    """

    seed: int
    learn: list[tuple[int, ...]]
    rounds: list[list[list[int]]]
    then: list[list[int]]

    @classmethod
    def drawn(cls, seed: int) -> Trial:
        """No melody is in both."""
        return cls.of(seed, *data.parted(seed, HELD))

    @classmethod
    def of(
        cls,
        seed: int,
        learn: Sequence[int],
        held: Sequence[int],
        pieces: Sequence[Sequence[int]] | None = None,
    ) -> Trial:
        """With these chorales to learn from and those held back, by number."""
        pieces = data.numbered() if pieces is None else pieces
        rng = Random(seed)  # noqa: S311 - the seed is the point
        places = [sorted(rng.sample(range(1, len(pieces[n])), ASKED)) for n in held]
        rounds = [
            [list(pieces[n][: at[r]]) for n, at in zip(held, places, strict=True)]
            for r in range(ASKED)
        ]
        then = [
            [pieces[n][at[r]] for n, at in zip(held, places, strict=True)] for r in range(ASKED)
        ]
        return cls(seed, [tuple(pieces[n]) for n in learn], rounds, then)

    def counted(self) -> float:
        """What counting comes to, in nats a number."""
        counts = Counted(self.learn, notes.SIZE)
        return _mean(
            counts.nats(beginning, then)
            for round, thens in zip(self.rounds, self.then, strict=True)
            for beginning, then in zip(round, thens, strict=True)
        )

    def judged(self, said: Sequence[Any]) -> dict[str, Any]:
        """What is wrong, by check, with log-probabilities for each round: (pieces, SIZE)."""
        import numpy as np

        found: dict[str, Any] = {"chances": None, "better": None}
        nats: list[float] = []
        for rows, thens in zip(said, self.then, strict=True):
            try:
                made = np.array(rows, dtype=float)
            except (TypeError, ValueError):
                made = np.zeros(())
            if made.shape != (len(thens), notes.SIZE):
                shape = f"({len(thens)}, {notes.SIZE})"
                return {"chances": f"foretell returned {made.shape}, not {shape}"}
            sums = np.exp(made).sum(axis=1)
            off = float(np.abs(sums - 1).max())
            if not off < 0.01:
                worst = float(sums[np.abs(sums - 1).argmax()])
                return {"chances": f"the chances of what comes next sum up to {worst:.4g}, not 1"}
            nats += (-made[range(len(thens)), thens]).tolist()
        mean, counted = _mean(nats), self.counted()
        says = f"{mean:.2f} nats a number; counting comes to {counted:.2f}"
        if not mean <= counted - BETTER:
            found["better"] = f"{says}, and {counted - BETTER:.2f} are needed"
        return {**found, "nats": round(mean, 4), "counted": round(counted, 4), "shown": says}


def _mean(numbers: Any) -> float:
    kept = [*numbers]
    return sum(kept) / len(kept)


async def weights() -> bytes:
    """The weights of the reference, trained on all chorales, as an .npz file.

    It is trained once, in half a minute, and kept in `cache` in AGENTLAB_HOME.
    """
    program = answers_learn.LEARN.solution.code
    parts = source("layer.py")
    told = f"{program}{parts}{ROUNDS}{json.dumps(data.numbered())}"
    return await made_once("m4-music.npz", told, lambda: _trained(program, parts))


async def _trained(program: str, parts: str) -> bytes:
    limits = SandboxLimits(timeout=600, threads=1)
    async with Sandbox.open(packages=("torch", "numpy"), limits=limits, spare=False) as opened:
        await opened.write_file("notes.py", source("notes.py"))
        await opened.write_file("parts.py", parts)
        await opened.write_file("given.json", json.dumps(data.numbered()))
        await printed_by(opened, QUICK_TORCH)
        await printed_by(opened, program)
        await printed_by(opened, _KEEP.format(rounds=ROUNDS))
        return await opened.read_file("net.npz", limit=_LARGEST)


_KEEP = """import json, numpy, torch
torch.manual_seed(0)
_net = learn(json.load(open("given.json")), {rounds})
numpy.savez("net.npz", **{{name: part.numpy() for name, part in _net.state_dict().items()}})"""
