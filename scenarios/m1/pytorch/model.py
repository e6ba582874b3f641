"""The packaged model, layer by layer, in NumPy: its weights, and how it comes to its next token."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from agentlab_tools.train.bridge.score import Scorer

    Array: TypeAlias = NDArray[Any]

FEED_FORWARD = ("ffn_norm", "ffn_gate", "ffn_up", "ffn_down")
"""The weights of the half of a layer that is built here, by their names in the file."""
_EPSILON = 1e-5
_HEADS, _SHARED, _WIDTH = 9, 3, 64
_TURNS = 100_000.0


@dataclass(frozen=True)
class Model:
    """Weights by their names in the file, as float32."""

    weights: dict[str, Array]
    layers: int

    def of(self, layer: int, name: str) -> Array:
        """A weight of a layer; matrices are (out, in)."""
        return self.weights[f"blk.{layer}.{name}.weight"]

    def embedded(self, ids: list[int]) -> Array:
        """Where it begins: (tokens, 576)."""
        return self.weights["token_embd.weight"][ids]

    def between(self, x: Array, first: int, end: int, without: int | None = None) -> Array:
        """What comes out of the layers from `first` to before `end`.

        Args:
            without: a layer whose feed-forward half is left out.
        """
        for n in range(first, end):
            x = self.attended(n, x)
            x = x if n == without else self.fed_forward(n, x)
        return x

    def scored(self, x: Array) -> Array:
        """The scores of the next token, from what came out of the last layer: (49152,)."""
        last = _normed(x[-1], self.weights["output_norm.weight"])
        return self.weights["token_embd.weight"] @ last

    def scores(self, ids: list[int], without: int | None = None) -> Array:
        """The scores of the next token, as the model has them."""
        return self.scored(self.between(self.embedded(ids), 0, self.layers, without))

    def fed_forward(self, layer: int, x: Array) -> Array:
        """The feed-forward half of a layer."""
        import numpy as np

        scale, gate, up, down = (self.of(layer, name) for name in FEED_FORWARD)
        rows = _normed(x, scale)
        gated = rows @ gate.T
        return x + (gated / (1 + np.exp(-gated)) * (rows @ up.T)) @ down.T

    def attended(self, layer: int, x: Array) -> Array:
        """The half before it: every token looks at those before it."""
        import numpy as np

        rows, size = _normed(x, self.of(layer, "attn_norm")), len(x)
        q, k, v = (
            (rows @ self.of(layer, f"attn_{name}").T).reshape(size, -1, _WIDTH) for name in "qkv"
        )
        q, k = _turned(q), _turned(k)
        k, v = (np.repeat(part, _HEADS // _SHARED, axis=1) for part in (k, v))
        looks = np.einsum("qhw,khw->hqk", q, k) * np.float32(_WIDTH**-0.5)
        looks = np.where(np.tri(size, dtype=bool), looks, -np.inf)
        looks = np.exp(looks - looks.max(axis=-1, keepdims=True))
        looks /= looks.sum(axis=-1, keepdims=True)
        seen = np.einsum("hqk,khw->qhw", looks, v).reshape(size, -1)
        return x + seen @ self.of(layer, "attn_output").T


def _normed(x: Array, scale: Array) -> Array:
    import numpy as np

    return x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + _EPSILON) * scale


def _turned(x: Array) -> Array:
    """Rotary positions, in the order of the file: neighbours are pairs."""
    import numpy as np

    at = np.arange(len(x))[:, None] / _TURNS ** (np.arange(_WIDTH // 2) * 2 / _WIDTH)
    turn = np.exp(1j * at)[:, None, :]
    pairs = (x[..., 0::2] + 1j * x[..., 1::2]) * turn
    return np.stack([pairs.real, pairs.imag], axis=-1).reshape(x.shape).astype(np.float32)


@cache
def packaged() -> Model:
    """SmolLM2, as the file has it; what is stored in four bits comes as float32."""
    from gguf import dequantize

    from agentlab.backends.llamacpp import registry
    from agentlab_tools.train.bridge.gguf_file import open_gguf

    reader = open_gguf(registry.find("local:smollm2").path)
    weights = {t.name: dequantize(t.data, t.tensor_type) for t in reader.tensors}
    return Model(weights, sum(name.endswith("ffn_norm.weight") for name in weights))


@cache
def _vocabulary() -> Scorer:
    from agentlab.backends.llamacpp import registry
    from agentlab_tools.train.bridge.score import Scorer

    return Scorer(registry.find("local:smollm2").path, size=64)


def read(text: str) -> list[int]:
    """A text as tokens."""
    return _vocabulary().tokens(text)


def word(token: int) -> str:
    """A token as text."""
    return _vocabulary().text([token])
