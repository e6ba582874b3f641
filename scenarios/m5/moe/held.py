"""A training's texts and those held back, and what a net has to come to on them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from .net import EXPERTS, HIDDEN, STEPS, Read, told
from .texts import FOLDS, LETTERS, Windows, paragraphs, windows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

LEAST, MOST = 0.03, 0.3
"""Of the text held back, what each expert reads at least, and at most. An equal share is 0.125."""
BETTER = 0.05
"""Nats a character below the dense net with as many multiplications."""
SHARP = 0.08
"""Nats a character below the dense net that is eight times as wide."""


@lru_cache(maxsize=1)
def dense() -> dict[str, list[float]]:
    """What dense nets come to, by how wide they are, in each fold."""
    return json.loads(Path(__file__).with_name("dense.json").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Trial:
    """What is learnt from, in an order drawn, and what is asked.

    Attributes:
        rounds: which windows are asked about together. Paragraph by paragraph they come as they
            are read, one of each in a round: a window shows how the one before it goes on.
    """

    seed: int
    known: Windows
    held: Windows
    texts: list[tuple[int, str]]
    rounds: list[Array]

    @classmethod
    def of(cls, seed: int) -> Trial:
        """All that a seed stands for."""
        import numpy as np

        dice, fold = np.random.default_rng(seed), seed % FOLDS
        texts = paragraphs(fold, held=False)
        order: list[int] = dice.permutation(len(texts)).tolist()
        some = [texts[n] for n in order]
        asked = paragraphs(fold, held=True)
        place = np.concatenate([np.arange(len(text) + 1) for _, text in asked])
        rounds = [dice.permutation(np.flatnonzero(place == n)) for n in range(place.max() + 1)]
        return cls(seed, _mixed(windows(texts), dice), windows(asked), some, rounds)

    @property
    def fold(self) -> int:
        """Which articles are held back."""
        return self.seed % FOLDS

    @property
    def settings(self) -> dict[str, Any]:
        """What the training is told."""
        return {
            "seed": self.seed,
            "letters": len(LETTERS),
            "experts": EXPERTS,
            "hidden": HIDDEN,
            "steps": STEPS,
        }

    def found(self, read: Read) -> dict[str, Any]:
        """What a net came to, in numbers."""
        shares = read.shares()
        return {
            "loss": round(read.loss, 4),
            "dense": dense()[str(HIDDEN)][self.fold],
            "wide": dense()[str(HIDDEN * EXPERTS)][self.fold],
            "least": round(float(shares.min()), 4),
            "most": round(float(shares.max()), 4),
            "language": round(told(read.experts, self.held.language), 2),
            "letter": round(told(read.experts, self.held.seen[:, -1]), 2),
        }


def said(found: Mapping[str, Any]) -> str:
    """The numbers in a few lines."""
    return (
        f"{found['loss']:.3f} nats a character on articles held back; a dense net of the same cost "
        f"has {found['dense']:.3f}, one eight times as wide {found['wide']:.3f}\n"
        f"an expert reads {found['least']:.1%} to {found['most']:.1%}; which one tells "
        f"{found['language']:.2f} bits of the language, {found['letter']:.2f} of the last letter"
    )


def short(name: str, found: Mapping[str, Any]) -> str | None:
    """What is said where something is not good enough."""
    if name == "alive":
        why = f"one expert reads {found['least']:.1%} of what is held back, {LEAST:.0%} needed"
        return None if found["least"] >= LEAST else why
    if name == "share":
        why = f"one expert reads {found['most']:.1%} of what is held back, at most {MOST:.0%}"
        return None if found["most"] <= MOST else f"{why} is allowed"
    than, by = ("dense", BETTER) if name == "better" else ("wide", SHARP)
    needed = found[than] - by
    why = f"{found['loss']:.3f} nats a character, {needed:.3f} needed"
    return None if found["loss"] <= needed else why


def _mixed(some: Windows, dice: Any) -> Windows:
    order = dice.permutation(len(some.then))
    return Windows(some.seen[order], some.then[order], some.language[order])
