"""What answers are tried on; `expect` is known to the checks only."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping, Sequence
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
    import numpy as np

    return np.load(ROWS).astype(np.float32)


def least_error(rows: Any, bits: int) -> float:
    """How far off weights are with one scale a block, as a share of their own size."""
    import numpy as np

    blocks = rows.reshape(-1, BLOCK)
    scales = np.abs(blocks).max(axis=1, keepdims=True) / (2 ** (bits - 1) - 1)
    off = cast(Any, np.round(blocks / scales) * scales - blocks)
    return float(np.linalg.norm(off) / np.linalg.norm(blocks))


def roundings(rng: Random, count: int) -> Sequence[Case]:
    """Some rows of the real model, and how many bits there are for a weight."""
    cases: list[Case] = []
    for bits in rng.sample((3, 4, 5, 6), min(count, 4)):
        numbers = sorted(rng.sample(range(len(weights())), 12))
        # numbers alone come back: what they are worth is worked out where the program is not
        code = (
            "import json as _json, numpy as _np\n"
            "from base64 import b64encode as _encoded\n"
            f"_rows = _np.load('rows.npy').astype(_np.float32)[{numbers}]\n"
            f"_out = _np.asarray(rounded(_rows.copy(), {bits}), dtype='<f4')\n"
            "assert _out.shape == _rows.shape, f'{_out.shape} is not {_rows.shape}'\n"
            "print(_json.dumps({'rows': _encoded(_out.tobytes()).decode()}))"
        )
        error = max(1.05 * least_error(weights()[numbers], bits), 0.008)
        cases.append(
            Case(
                code,
                {"levels": 2**bits, "error": error},
                {"rows": numbers},
                title=f"12 rows of the model, in {bits} bits",
            )
        )
    return cases


def levels_and_error(told: Mapping[str, Any], numbers: Sequence[int]) -> tuple[int, float] | None:
    """The most different numbers in a block of what came back, and how far off it is.

    None where it is not the rows of these numbers.
    """
    import numpy as np

    rows = weights()[numbers]
    try:
        data = b64decode(str(told.get("rows")), validate=True)
        out = np.frombuffer(data, "<f4").reshape(rows.shape).astype(float)
    except ValueError:
        return None
    blocks = out.reshape(-1, BLOCK) / np.abs(rows.reshape(-1, BLOCK)).max(axis=1, keepdims=True)
    rounded = cast(list[list[float]], cast(Any, np.round(blocks, 5)).tolist())
    levels = max(len(set(block)) for block in rounded)
    return levels, float(np.sqrt(((out - rows) ** 2).mean() / (rows**2).mean()))


def budgets(_rng: Random, _count: int) -> Sequence[Case]:
    """What the file may weigh, and what it may lose."""
    return [Case("", {"megabytes": MEGABYTES, "loss": LOSS}, title="the file that you made")]


MEGABYTES = 95.0
LOSS = 0.12
"""How much larger the perplexity may be, as a share."""
