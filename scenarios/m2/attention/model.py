"""SmolLM2-135M-Instruct (Apache-2.0) in NumPy, from its packaged file, with its heads in reach.

Everything that a layer does is here, so that its attention can be another function, its weights of
attention can be seen, and heads can be switched off. Runs outside of the sandbox.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from agentlab.backends.llamacpp.registry import find
from agentlab_tools.train.bridge.gguf_file import open_gguf

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

MODEL = "local:smollm2"
LAYERS, HEADS, GROUPS, SIZE = 30, 9, 3, 64
VOCABULARY = 49_152
_BASE = 100_000.0
_KEPT = 16
"""Texts whose layers are remembered: switching off a head leaves those below it as they were."""

Head: TypeAlias = tuple[int, int]
"""(layer, head), both from 0."""
Attend: TypeAlias = "Callable[[Array, Array, Array], tuple[Array, Array]]"
"""q (heads, n, size), k and v (groups, n, size) to (heads, n, size) and weights (heads, n, n)."""


@dataclass(frozen=True)
class Reading:
    """What the model made of a text of n tokens.

    Attributes:
        logits: (n, vocabulary).
        weights: of the attention, (layers, heads, n, n): how much each token looks at each.
        losses: -log p of every token but the first, in nats: (n - 1,).
    """

    logits: Array
    weights: Array
    losses: Array


@lru_cache(maxsize=1)
def weights() -> dict[str, Array]:
    """All weights of the model, dequantized, by GGUF's names.

    Raises:
        ModelNotFound: the package is not installed.
        MissingExtra: what reads its file is not.
    """
    import numpy as np

    tensors: Any = open_gguf(find(MODEL).path).tensors
    from gguf import dequantize

    return {
        one.name.removesuffix(".weight"): np.asarray(
            dequantize(one.data, one.tensor_type), np.float32
        )
        for one in tensors
    }


def attend(q: Array, k: Array, v: Array) -> tuple[Array, Array]:
    """Causal attention in which several heads share a key and a value, for any leading axes."""
    import numpy as np

    shared = q.shape[-3] // k.shape[-3]
    k, v = np.repeat(k, shared, axis=-3), np.repeat(v, shared, axis=-3)
    scores = q @ np.swapaxes(k, -1, -2) / np.sqrt(q.shape[-1]).astype(q.dtype)
    n, m = scores.shape[-2:]
    scores = np.where(np.tri(n, m, m - n, dtype=bool), scores, -np.inf)
    found = np.exp(scores - scores.max(axis=-1, keepdims=True))
    found /= found.sum(axis=-1, keepdims=True)
    return found @ v, found


def read(ids: Sequence[int], off: Sequence[Head] = ()) -> Reading:
    """Read a text, some heads switched off: what they found counts as nothing."""
    import numpy as np

    key = tuple(ids)
    if key not in _texts:
        _texts[key] = ([weights()["token_embd"][list(ids)]], [])
        while len(_texts) > _KEPT:
            _whole.pop(_texts.popitem(last=False)[0], None)
    _texts.move_to_end(key)
    states, seen = _texts[key]
    if not off and key in _whole:
        return _whole[key]
    first = min((layer for layer, _ in off), default=LAYERS)
    for layer in range(len(seen), first):
        state, found = through(layer, states[layer])
        states.append(state)
        seen.append(found)
    x, looked = states[first], seen[:first]
    for layer in range(first, LAYERS):
        x, found = through(layer, x, [head for at, head in off if at == layer])
        looked.append(found)
    logits = logits_of(x)
    made = Reading(logits, np.stack(looked), _losses(logits, ids))
    if not off:
        _whole[key] = made
    return made


_texts: OrderedDict[tuple[int, ...], tuple[list[Array], list[Array]]] = OrderedDict()
_whole: dict[tuple[int, ...], Reading] = {}
"""What they came to with every head on."""


def asked(layer: int, x: Array) -> tuple[Array, Array, Array]:
    """What a layer's heads ask, offer and hold: q (9, n, 64), k and v (3, n, 64), turned."""
    w, name = weights(), f"blk.{layer}."
    ready = _normed(x, w[f"{name}attn_norm"])

    def heads(kind: str, count: int) -> Array:
        return (ready @ w[name + kind].T).reshape(len(x), count, SIZE).swapaxes(0, 1)

    return (
        _turned(heads("attn_q", HEADS)),
        _turned(heads("attn_k", GROUPS)),
        heads("attn_v", GROUPS),
    )


def after(layer: int, x: Array, made: Array) -> Array:
    """What a layer hands on: (n, 576), from what it got, and what its heads made of it."""
    import numpy as np

    w, name = weights(), f"blk.{layer}."
    x = x + made.swapaxes(0, 1).reshape(x.shape) @ w[f"{name}attn_output"].T
    ready = _normed(x, w[f"{name}ffn_norm"])
    gate = ready @ w[f"{name}ffn_gate"].T
    gate = gate * (0.5 + 0.5 * np.tanh(0.5 * gate))
    return x + (gate * (ready @ w[f"{name}ffn_up"].T)) @ w[f"{name}ffn_down"].T


def through(layer: int, x: Array, off: Sequence[int] = (), by: Attend = attend) -> Any:
    """(what a layer hands on, its weights of attention)."""
    made, found = by(*asked(layer, x))
    for head in off:
        made[head] = 0
    return after(layer, x, made), found


def logits_of(x: Array) -> Array:
    """What the model expects after each token, from what the last layer handed on."""
    w = weights()
    return _normed(x, w["output_norm"]) @ w["token_embd"].T


def _losses(logits: Array, ids: Sequence[int]) -> Array:
    import numpy as np

    rows = logits[:-1].astype(np.float64)
    top = rows.max(axis=1)
    spread = top + np.log(np.exp(rows - top[:, None]).sum(axis=1))
    return spread - rows[np.arange(len(rows)), list(ids[1:])]


def _normed(x: Array, scale: Array) -> Array:
    import numpy as np

    return x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + 1e-5) * scale


def _turned(x: Array) -> Array:
    """Each pair of neighbours turned by an angle that grows with the position."""
    import numpy as np

    places = list(range(x.shape[-2]))
    angles = np.outer(places, _BASE ** (-np.arange(0, SIZE, 2) / SIZE))
    c, s = np.cos(angles).astype(x.dtype), np.sin(angles).astype(x.dtype)
    made = np.empty_like(x)
    made[..., 0::2] = x[..., 0::2] * c - x[..., 1::2] * s
    made[..., 1::2] = x[..., 0::2] * s + x[..., 1::2] * c
    return made
