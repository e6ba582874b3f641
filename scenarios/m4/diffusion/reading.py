"""What came out of the sandbox, if it is what it should be."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from agentlab.errors import ToolError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]


def numbers(said: Array | None, shape: tuple[int, ...], why: str) -> Array:
    """What was sent out, if it is numbers in that shape.

    Raises:
        ToolError: it is not.
    """
    import numpy as np

    try:
        made = np.asarray(said, dtype=float)
    except (TypeError, ValueError):
        raise ToolError(why) from None
    if made.shape != shape:
        raise ToolError(f"{why}; it returned the shape {made.shape}")
    if not np.isfinite(made).all():
        raise ToolError(f"{why}: some are not finite")
    return made


def listed(said: Array | None, count: int) -> list[Any]:
    """A list that was sent out as JSON.

    Raises:
        ToolError: it is none.
    """
    try:
        made: object = json.loads(bytes(cast(Any, said).astype("uint8")).decode())
    except (ValueError, AttributeError, RecursionError):
        made = None
    if not isinstance(made, list) or len(cast(list[Any], made)) != count:
        raise ToolError("what came out of it can't be read")
    return cast(list[Any], made)
