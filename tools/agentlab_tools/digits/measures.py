"""How good drawn digits are, as a crowd: how far from real ones, and how far from each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from agentlab_tools.digits.judge import features, read

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]


def measured(
    pictures: Array, asked: Array, known: Array, fresh: Array, right: Array
) -> dict[str, float]:
    """How good pictures (n, 196) of the digits asked for are.

    Args:
        known: what they were learnt from.
        fresh: other real digits, and which each of them is: `right`.

    Returns:
        `asked`: the share that the judge reads as asked for; `sure`: how sure it is; `varied`: how
        far those of a digit are apart, of what real ones are, at the least varied digit; `far`: the
        Fréchet distance from real ones in the judge's features; `new`: how far the nearest known
        digit is, in the middle, of how far it is from real ones.
    """
    import numpy as np

    chances = read(pictures)
    near = np.median(apart(pictures, known).min(axis=1))
    real = np.median(apart(fresh, known).min(axis=1))
    return {
        "asked": float((chances.argmax(axis=1) == asked).mean()),
        "sure": float(chances.max(axis=1).mean()),
        "varied": variety(pictures, asked, fresh, right),
        "far": distances(features(pictures), features(fresh))[1],
        "new": float(near / real),
    }


def distances(x: Array, y: Array) -> tuple[float, float, float]:
    """The Fréchet distance of two sets of rows, squared as usual; covariances by n, or by n - 1.

    Heusel et al., 2017, arXiv:1706.08500. The trace of the root of a product of covariances is the
    sum of the singular values of the product of their factors, so no root of a matrix is needed,
    and none has to be regular.

    Returns:
        By n, by n - 1, and what the parts of it add up to, which says how far rounding may go.
    """
    import numpy as np

    gap = float(((x.mean(axis=0) - y.mean(axis=0)) ** 2).sum())
    a, b = x - x.mean(axis=0), y - y.mean(axis=0)
    factors: list[Any] = [np.linalg.qr(rows, mode="r") for rows in (a, b)]
    common = float(np.linalg.svd(factors[0] @ factors[1].T, compute_uv=False).sum())
    one, other = float((a**2).sum()), float((b**2).sum())
    n, m = len(x), len(y)
    far = [
        gap + one / (n - k) + other / (m - k) - 2 * common / ((n - k) * (m - k)) ** 0.5
        for k in (0, 1)
    ]
    return max(far[0], 0.0), max(far[1], 0.0), gap + one / n + other / m


def apart(one: Array, other: Array) -> Array:
    """The distance of each picture from each other one, (n, m)."""
    import numpy as np

    squares = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1) - 2 * one @ other.T
    return np.sqrt(np.maximum(squares, 0))


def variety(made: Array, asked: Array, real: Array, digit: Array) -> float:
    """How far pictures of one digit are from each other, of what real ones are; the least digit."""
    import numpy as np

    shares: list[float] = []
    for one in np.unique(asked):
        mine, theirs = made[asked == one], real[digit == one]
        shares.append(_inner(mine) / _inner(theirs))
    return min(shares)


def _inner(pictures: Array) -> float:
    return float(apart(pictures, pictures).sum()) / max(len(pictures) * (len(pictures) - 1), 1)
