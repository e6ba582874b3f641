"""Functions that nobody has seen, drawn from a seed, and what their slopes really are."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TERMS = (
    "np.sin({a} * x[{i}] + x[{j}])",
    "np.exp(-{a} * x[{i}] ** 2)",
    "np.log(1 + {a} * x[{i}] ** 2)",
    "{a} * np.tanh(x[{i}] * x[{j}])",
    "{a} * x[{i}] * x[{j}]",
    "1 / (1 + np.exp(-{a} * x[{i}]))",
    "np.sqrt(1 + {a} * (x[{i}] - x[{j}]) ** 2)",
    "x[{i}] ** 3 / (1 + {a} * x[{i}] ** 2)",
)
_FAR = ("{a} * np.log(1 + x[{i}] ** 2)", "{a} * x[{i}]", "np.sqrt(1 + {a} * x[{i}] * x[{i}])")
_STEP = 1e-30
"""Of a step along i there is no difference to take, and so nothing that could be rounded away."""


def drawn(rng: Random, size: int, *, far: bool = False) -> str:
    """A function of x, a flat array of numbers, as Python; every number counts in it."""
    kinds = _FAR if far else _TERMS
    terms = [
        rng.choice(kinds).format(a=round(rng.uniform(0.4, 1.6), 2), i=i, j=rng.randrange(size))
        for i in range(size)
    ]
    return " + ".join(terms)


def slopes(code: str, x: list[float]) -> list[float]:
    """The gradient, to the last digit: f(x + ih) has h times the slope as its imaginary part."""
    import numpy as np

    found: list[float] = []
    for n in range(len(x)):
        at: NDArray[Any] = np.array(x, dtype=np.complex128)
        at[n] += complex(0, _STEP)
        value = eval(code, {"np": np, "x": at})  # noqa: S307 - it was drawn above
        found.append(float(value.imag) / _STEP)
    return found


def bowl(rng: Random, size: int) -> tuple[list[list[float]], float]:
    """(a matrix that is a bowl's second derivative, its steepest curvature).

    The axes of the bowl are turned, so that no entry of the matrix tells how steep it is.
    """
    import numpy as np

    steepest = 10 ** rng.uniform(-2, 3)
    sizes = [steepest, *(steepest * rng.uniform(0.3, 0.75) for _ in range(size - 1))]
    axes, _ = np.linalg.qr(
        np.random.default_rng(rng.randrange(10**6)).standard_normal((size, size))
    )
    return ((axes * np.array(sizes)) @ axes.T).tolist(), steepest
