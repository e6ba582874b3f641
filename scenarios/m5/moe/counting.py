"""What models with experts weigh, what a token uses of that, and what a batch has to read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

Shape = Mapping[str, int]

PUBLISHED: dict[str, Shape] = {
    "Mixtral-8x7B": {
        "layers": 32,
        "width": 4096,
        "hidden": 14336,
        "experts": 8,
        "chosen": 2,
        "shared": 0,
        "heads": 32,
        "kv_heads": 8,
        "head": 128,
        "vocabulary": 32000,
    },
    "Mixtral-8x22B": {
        "layers": 56,
        "width": 6144,
        "hidden": 16384,
        "experts": 8,
        "chosen": 2,
        "shared": 0,
        "heads": 48,
        "kv_heads": 8,
        "head": 128,
        "vocabulary": 32768,
    },
    "OLMoE-1B-7B": {
        "layers": 16,
        "width": 2048,
        "hidden": 1024,
        "experts": 64,
        "chosen": 8,
        "shared": 0,
        "heads": 16,
        "kv_heads": 16,
        "head": 128,
        "vocabulary": 50304,
    },
    "Qwen3-30B-A3B": {
        "layers": 48,
        "width": 2048,
        "hidden": 768,
        "experts": 128,
        "chosen": 8,
        "shared": 0,
        "heads": 32,
        "kv_heads": 4,
        "head": 128,
        "vocabulary": 151936,
    },
}
"""As their makers published them. Norms of single heads, where there are any, are left out."""
MACHINES = (8, 16, 32, 64, 128)
"""Gigabytes of memory."""
SPARE = 1.1
"""Times the weights: room for what is being read."""


def expert(shape: Shape) -> int:
    """Weights of one expert: up, gate and down, as in Llama."""
    return 3 * shape["width"] * shape["hidden"]


def besides(shape: Shape) -> int:
    """Weights that every token uses: all but the experts that are chosen among."""
    width = shape["width"]
    queries = 2 * width * shape["heads"] * shape["head"]
    keys = 2 * width * shape["kv_heads"] * shape["head"]
    router = shape["experts"] * width
    layer = queries + keys + router + shape["shared"] * expert(shape) + 2 * width
    return shape["layers"] * layer + 2 * shape["vocabulary"] * width + width


def counted(shape: Shape, tokens: int) -> tuple[float, float, float]:
    """Weights in all, weights that a token uses, and weights that so many tokens have to read.

    The last is what is to be expected if each token chooses by chance, in each layer.
    """
    one = shape["layers"] * expert(shape)
    share = 1 - (1 - shape["chosen"] / shape["experts"]) ** tokens
    base = besides(shape)
    return (
        base + shape["experts"] * one,
        base + shape["chosen"] * one,
        base + shape["experts"] * share * one,
    )


def machine(weights: float) -> int | None:
    """The smallest machine that holds so many weights at four bits each; None if there is none."""
    needed = weights / 2 * SPARE / 1e9
    return next((size for size in MACHINES if size >= needed), None)


def drawn(rng: Random, count: int) -> Sequence[tuple[Shape, int]]:
    """Mixtral first, then shapes of nobody's, some with shared experts; and numbers of tokens."""
    made: list[tuple[Shape, int]] = [(PUBLISHED["Mixtral-8x7B"], rng.choice((1, 8, 32)))]
    while len(made) < count:
        experts = rng.choice((4, 8, 16, 60, 64, 128))
        shape = {
            "layers": rng.randint(6, 60),
            "width": 128 * rng.randint(6, 48),
            "hidden": 128 * rng.randint(4, 80),
            "experts": experts,
            "chosen": rng.randint(1, min(8, experts - 1)),
            "shared": len(made) % 3,
            "heads": 8 * rng.randint(1, 6),
            "kv_heads": rng.choice((2, 4, 8)),
            "head": rng.choice((64, 80, 128)),
            "vocabulary": rng.randrange(30_000, 200_000),
        }
        made.append((shape, rng.choice((1, 2, 4, 16, 64, 256))))
    return made
