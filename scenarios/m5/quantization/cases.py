"""What answers are tried on; `expect` is known to the checks only."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, cast

from agentlab.labs import Case

BLOCK = 32
ROWS = Path(__file__).with_name("rows.npy")
"""Forty-eight rows of the bundled model's embedding, as it is shipped (eight bits a weight)."""


@cache
def weights() -> Any:
    """The rows, (48, 576), in float32."""
    import numpy as np  # noqa: PLC0415 - only when the lab is run

    return np.load(ROWS).astype(np.float32)


def least_error(rows: Any, bits: int) -> float:
    """How far off weights are with one scale a block, as a share of their own size."""
    import numpy as np  # noqa: PLC0415

    blocks = rows.reshape(-1, BLOCK)
    scales = np.abs(blocks).max(axis=1, keepdims=True) / (2 ** (bits - 1) - 1)
    off = cast(Any, np.round(blocks / scales) * scales - blocks)
    return float(np.linalg.norm(off) / np.linalg.norm(blocks))


def roundings(rng: Random, count: int) -> Sequence[Case]:
    """Some rows of the real model, and how many bits there are for a weight."""
    cases: list[Case] = []
    for bits in rng.sample((3, 4, 5, 6), min(count, 4)):
        numbers = sorted(rng.sample(range(len(weights())), 12))
        # told by the case, which runs after the program and is not seen by it
        code = (
            "import json as _json, numpy as _np\n"
            f"_rows = _np.load('rows.npy').astype(_np.float32)[{numbers}]\n"
            f"_out = _np.asarray(rounded(_rows.copy(), {bits}), dtype=float)\n"
            "assert _out.shape == _rows.shape, f'{_out.shape} is not {_rows.shape}'\n"
            f"_in, _blocks = _rows.reshape(-1, {BLOCK}), _out.reshape(-1, {BLOCK})\n"
            "_most = _np.abs(_in).max(axis=1, keepdims=True)\n"
            "_levels = max(len(_np.unique(_np.round(b, 5))) for b in _blocks / _most)\n"
            "_error = float(_np.sqrt(((_out - _rows) ** 2).mean() / (_rows ** 2).mean()))\n"
            "print(_json.dumps({'levels': _levels, 'error': _error}))"
        )
        error = max(1.05 * least_error(weights()[numbers], bits), 0.008)
        cases.append(Case(code, {"levels": 2**bits, "error": error}))
    return cases


def budgets(_rng: Random, _count: int) -> Sequence[Case]:
    """What the file may weigh, and what it may lose."""
    return [Case("", {"megabytes": MEGABYTES, "loss": LOSS})]


MEGABYTES = 95.0
LOSS = 0.12
"""How much larger the perplexity may be, as a share."""
