"""The rules for arrays: what is blamed for what, and how much."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]


def fitted(grad: Array, shape: tuple[int, ...]) -> Array:
    """A slope brought to the shape of what was stretched: summed over the stretched axes."""
    extra = grad.ndim - len(shape)
    grad = grad.sum(axis=tuple(range(extra)))
    ones = tuple(axis for axis, size in enumerate(shape) if size == 1 and grad.shape[axis] != 1)
    return grad.sum(axis=ones, keepdims=True)


def matmul_back(grad: Array, a: Array, b: Array) -> tuple[Array, Array]:
    """The slopes by a and by b, where `grad` is that by a @ b. Leading axes may be stretched."""
    return fitted(grad @ b.swapaxes(-1, -2), a.shape), fitted(a.swapaxes(-1, -2) @ grad, b.shape)


def add_back(grad: Array, a: Array, b: Array) -> tuple[Array, Array]:
    """The slopes by a and by b, where `grad` is that by a + b."""
    return fitted(grad, a.shape), fitted(grad, b.shape)


def surprise(scores: Array, right: Array) -> tuple[Array, Array]:
    """The mean of -log p of the right ones, and its slope by the scores, (rows, k)."""
    import numpy as np

    rows = np.arange(len(right))
    shifted = scores - scores.max(axis=1, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    slope = np.exp(logs)
    slope[rows, right] -= 1
    return np.asarray(-logs[rows, right].mean()), slope / len(right)
