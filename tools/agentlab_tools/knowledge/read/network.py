"""The reader's network, in NumPy: two attention layers over MiniLM's token states.

It reads a question and a text, each already passed through MiniLM by itself, and says how likely
the text answers. It is trained by scripts/train_reader.py, with what NOTICE.md names; 0.2 M weights
are kept as float16.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

WIDTH = 96
HEADS = 4
LAYERS = 2
FEATURES = 3
LONGEST = 200
"""Tokens of question and text together."""


def matches(states: Floats, ids: NDArray[np.int32], count: int) -> Floats:
    """What tokens of one side find on the other: (tokens, FEATURES).

    The largest cosine to a token over there, whether the very token stands there, and the largest
    cosine beside that of the average token, which tells how much this one stands out.

    Args:
        states: of the question's tokens, then the text's.
        count: how many are the question's.
    """
    import numpy as np

    if not 0 < count < len(ids):
        return np.zeros((len(ids), FEATURES), np.float32)
    unit = states / (np.linalg.norm(states, axis=1, keepdims=True) + 1e-6)
    cosines = unit[:count] @ unit[count:].T
    same = ids[:count, None] == ids[None, count:]
    best = np.concatenate([cosines.max(1, initial=0.0), cosines.max(0, initial=0.0)])
    held = np.concatenate([same.any(1), same.any(0)])
    mean = np.concatenate(
        [np.full(count, best[:count].mean()), np.full(len(best) - count, best[count:].mean())]
    )
    return np.stack([best, held, best - mean], 1).astype(np.float32)


class Network:
    """Weights, and what they make of a question and a text."""

    def __init__(self, weights: Mapping[str, Any]) -> None:
        import numpy as np

        self._w = {name: np.asarray(value, np.float32) for name, value in weights.items()}

    def judge(self, states: Floats, ids: NDArray[np.int32], count: int) -> float:
        """The logit of the text answering the question.

        Args:
            states: of the question's tokens, then of the text's: (tokens, 384).
            ids: of the same tokens.
            count: how many are the question's.
        """
        import numpy as np

        w = self._w
        side = np.repeat([0, 1], [count, len(ids) - count])
        place = np.concatenate([np.arange(count), np.arange(len(ids) - count)])
        x = states @ w["enter.weight"].T + w["enter.bias"]
        x += matches(states, ids, count) @ w["extra.weight"].T + w["place"][place] + w["side"][side]
        for n in range(LAYERS):
            x = x + self._attend(self._norm(x, f"layers.{n}.norm1"), f"layers.{n}.self_attn")
            inner = self._linear(self._norm(x, f"layers.{n}.norm2"), f"layers.{n}.linear1")
            x = x + self._linear(np.maximum(inner, 0), f"layers.{n}.linear2")
        x = self._norm(x, "last")
        return float(self._linear(np.concatenate([x[0], x[count:].max(0)]), "judge")[0])

    def _linear(self, x: Any, name: str) -> Any:
        return x @ self._w[f"{name}.weight"].T + self._w[f"{name}.bias"]

    def _norm(self, x: Any, name: str) -> Any:
        import numpy as np

        x = x - x.mean(-1, keepdims=True)
        x = x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-5)
        return x * self._w[f"{name}.weight"] + self._w[f"{name}.bias"]

    def _attend(self, x: Any, name: str) -> Any:
        import numpy as np

        both = x @ self._w[f"{name}.in_proj_weight"].T + self._w[f"{name}.in_proj_bias"]
        q, k, v = (
            part.reshape(len(x), HEADS, -1).transpose(1, 0, 2) for part in np.split(both, 3, -1)
        )
        scores = q @ k.transpose(0, 2, 1) / np.sqrt(q.shape[-1])
        shares = np.exp(scores - scores.max(-1, keepdims=True))
        shares /= shares.sum(-1, keepdims=True)
        return self._linear((shares @ v).transpose(1, 0, 2).reshape(len(x), -1), f"{name}.out_proj")
