"""NF4 in NumPy, as the judge has it, and the matrices that a learner's rounding is tried on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, TypeAlias, cast

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

BLOCK, GROUP = 64, 256
"""Weights that share a scale, and scales that share one."""
SPARE = 256
"""Bytes beside codes and scales: for a table of levels, a mean."""
LEEWAY = 1.02
"""How much further off than NF4 with exact scales a rounding may be."""
_EDGE = 0.9677083
"""The outermost quantile, as in the paper's code: the mean of 1 - 1/30 and 1 - 1/32."""


@cache
def levels() -> tuple[float, ...]:
    """The sixteen numbers of NF4, from -1 to 1, zero among them."""
    quantile = NormalDist().inv_cdf
    above = [quantile(0.5 + (_EDGE - 0.5) * n / 8) for n in range(9)]
    below = [-quantile(0.5 + (_EDGE - 0.5) * n / 7) for n in range(1, 8)]
    return tuple(sorted(value / above[-1] for value in (*below, *above)))


def rounded(weights: Array) -> Array:
    """What weights are after NF4 with exact scales."""
    import numpy as np

    blocks = weights.astype(float).reshape(-1, BLOCK)
    scales = np.abs(blocks).max(axis=1, keepdims=True)
    scales[scales == 0] = 1
    known = np.array(levels())
    codes: Any = cast(Any, np).searchsorted((known[1:] + known[:-1]) / 2, blocks / scales)
    return (known[codes] * scales).reshape(weights.shape)


def error(made: Array, weights: Array) -> float:
    """How far off a block is, of its own length: the root of the mean square over all blocks.

    Each block counts alike, so that one that holds an outlier can't hide the others.
    """
    import numpy as np

    blocks = weights.astype(float).reshape(-1, BLOCK)
    lengths = np.square(blocks).sum(axis=1)
    off = np.square(made.astype(float).reshape(-1, BLOCK) - blocks).sum(axis=1)
    there = lengths > 0
    return float(np.sqrt((off[there] / lengths[there]).mean()))


def budget(count: int) -> int:
    """Bytes that so many weights may take: four bits each, a byte a block, four a group."""
    blocks = count // BLOCK
    return count // 2 + blocks + 4 * -(-blocks // GROUP) + SPARE


@dataclass(frozen=True)
class Try:
    """A matrix to be kept in four bits."""

    title: str
    weights: Array


def tries(seed: int) -> Sequence[Try]:
    """A matrix of the packaged model, and drawn ones."""
    import numpy as np

    rng, dice = Random(seed), np.random.default_rng(seed)  # noqa: S311 - the seed is the point
    kind = rng.choice(("attn_q", "attn_output", "ffn_gate", "ffn_up"))
    layer, first = rng.randrange(30), 64 * rng.randrange(6)
    real = matrix(f"blk.{layer}.{kind}.weight")[first : first + 192]
    outliers = dice.normal(size=(160, 576)).astype(np.float32) * np.float32(0.02)
    outliers.flat[dice.choice(outliers.size, 24, replace=False)] *= 60
    empty = dice.normal(size=(48, 320)).astype(np.float32) * np.float32(1e-4)
    empty[rng.randrange(20)] = 0
    empty[rng.randrange(20, 48), :64] = 0
    return (
        Try(f"layer {layer}, {kind}", real),
        Try("a drawn matrix with outliers", outliers),
        Try("small weights, some blocks all zero", empty),
    )


def locate_base() -> Path:
    """The packaged model's file."""
    from agentlab.backends.llamacpp import registry

    return registry.locate("smollm2")


@cache
def _packaged() -> Mapping[str, Any]:
    from agentlab_tools.train.bridge.gguf_file import open_gguf

    reader: Any = open_gguf(locate_base())
    return {tensor.name: tensor for tensor in reader.tensors}


def matrix(name: str) -> Array:
    """A matrix of the packaged model in float32, (out, in)."""
    from gguf import dequantize

    tensor = _packaged()[name]
    return dequantize(tensor.data, tensor.tensor_type)
