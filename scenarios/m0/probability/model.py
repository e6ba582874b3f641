"""The packaged model as a witness: what a text costs it, and how sure it is of a sum.

SmolLM2-135M-Instruct (Apache-2.0).
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING, Any

from agentlab.backends.llamacpp.context import Context
from agentlab.backends.llamacpp.model import Model
from agentlab.backends.llamacpp.registry import find

if TYPE_CHECKING:
    from numpy.typing import NDArray

KINDS = ("plus", "minus", "borrow")
"""Sums up to nine, differences below ten, and differences that begin beyond ten."""
_SHOWN = "6 + 1 = 7\n12 - 8 = 4\n5 - 3 = 2\n"
_SIZE = 256


def questions(kind: str) -> list[tuple[str, int]]:
    """All questions of a kind, each with its answer, which has one digit."""
    if kind == "plus":
        return [(f"{a} + {b}", a + b) for a in range(1, 9) for b in range(1, 10 - a)]
    if kind == "minus":
        return [(f"{a} - {b}", a - b) for a in range(2, 10) for b in range(a + 1)]
    return [(f"{a + b} - {b}", a) for b in range(2, 10) for a in range(10 - b, 10)]


@cache
def answered(question: str) -> tuple[int, float]:
    """(the digit that the model finds likeliest, how likely it finds it among the ten)."""
    row = _after(f"{_SHOWN}{question} = ")
    model, _ = _reader()
    scores = [float(row[model.tokens(str(digit))[0]]) for digit in range(10)]
    powers = [math.exp(score - max(scores)) for score in scores]
    best = max(range(10), key=powers.__getitem__)
    return best, powers[best] / sum(powers)


@cache
def bits(text: str) -> tuple[float, int]:
    """(what a text costs, how many characters of it its first token is): the first is not counted.

    In bits for the rest of the text as a whole, by which model and counts can be compared: what a
    token costs can't be compared with what a character costs.
    """
    model, _ = _reader()
    ids = model.tokens(text)
    lost = 0.0
    for end in range(1, len(ids)):
        scores = _row(_read(ids[:end]), model.size)
        top = float(scores.max())
        import numpy as np

        lost += top + math.log(float(np.exp(scores - top).sum())) - float(scores[ids[end]])
    return lost / math.log(2), len(model.piece(ids[0]).decode("utf-8", "replace"))


def foreseen(text: str, most: int) -> list[tuple[float, bool]]:
    """For each of a text's first tokens: how sure the model is of the likeliest, if it came."""
    import numpy as np

    model, _ = _reader()
    ids = model.tokens(text)[: most + 1]
    found: list[tuple[float, bool]] = []
    for end in range(1, len(ids)):
        scores = _row(_read(ids[:end]), model.size)
        powers = np.exp(scores - scores.max())
        best = int(powers.argmax())
        found.append((float(powers[best] / powers.sum()), best == ids[end]))
    return found


def _after(text: str) -> Any:
    return _read(_reader()[0].tokens(text))


def _read(ids: list[int]) -> Any:
    model, context = _reader()
    context.read(ids, lambda: False)
    return model.lib.llama_get_logits_ith(context.handle, -1)


def _row(scores: Any, size: int) -> NDArray[Any]:
    import ctypes

    import numpy as np

    floats: Any = ctypes.cast(scores, ctypes.POINTER(ctypes.c_float * size)).contents
    return np.array(floats, dtype=np.float64)


@cache
def _reader() -> tuple[Model, Context]:
    """One for the whole process: what texts begin with alike is read once."""
    model = Model(find("local:smollm2").path)
    return model, Context(model, size=_SIZE, batch=_SIZE, threads=1)
