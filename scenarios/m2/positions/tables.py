"""What the learner's sinusoids are tried on; their columns may stand in any order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from .drawn import BEGIN, END, Drawn, array_of
from .places import alike

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

NEAR = 1e-3
"""What a dot product of rows, for each column, or a moved row may be off."""


def drawn(case: Mapping[str, Any]) -> Drawn:
    """Positions, widths and bases; rows for them, and moved rows."""
    import numpy as np

    tries = case["tries"]
    given = {f"p{n}": np.array(one["positions"]) for n, one in enumerate(tries)}

    def measured(made: Mapping[str, Array], said: Mapping[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {"alike": None, "moves": None, "kept": said.get("kept") is True}
        for n, one in enumerate(tries):
            shape = len(given[f"p{n}"]), one["width"]
            rows, far = (array_of(made, f"{name}{n}", shape) for name in ("rows", "far"))
            move = array_of(made, f"move{n}", (one["width"], one["width"]))
            found["alike"] = found["alike"] or misplaced(rows, given[f"p{n}"], one)
            found["moves"] = found["moves"] or unmoved(rows, far, move, one)
        return found

    return Drawn(given, {"tries": tries}, measured)


def misplaced(rows: Array, positions: Array, one: Mapping[str, Any]) -> str | None:
    """Rows are not as much alike as their distance says."""
    import numpy as np

    right, found = alike(positions, one["width"], one["base"]), rows @ rows.T
    off = np.abs(found - right)
    if off.max() <= NEAR * one["width"]:
        return None
    p, q = np.unravel_index(int(off.argmax()), off.shape)
    return (
        f"width {one['width']}, base {one['base']:,.0f}: rows {positions[p]} and {positions[q]} "
        f"have the dot product {found[p, q]:.3f}, not {right[p, q]:.3f}"
    )


def unmoved(rows: Array, far: Array, move: Array, one: Mapping[str, Any]) -> str | None:
    """The matrix does not take every row to the row so many places on."""
    import numpy as np

    off = np.abs(rows @ move - far).max(axis=1)
    if off.max() <= NEAR:
        return None
    at = one["positions"][int(off.argmax())]
    return f"moved by {one['by']}, row {at} is off by {off.max():.3f}"


GLUE = f"""{BEGIN}
for _n, _one in enumerate(_told['tries']):
    _p, _rest = _given[f'p{{_n}}'], (_one['width'], _one['base'])
    _made[f'rows{{_n}}'] = sinusoid(_p, *_rest)
    _made[f'far{{_n}}'] = sinusoid(_p + _one['by'], *_rest)
    _made[f'move{{_n}}'] = shift(_one['by'], *_rest)
{END}"""
"""What runs in the sandbox after the learner's program."""
