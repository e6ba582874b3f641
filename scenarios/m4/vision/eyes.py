"""The lab's own eyes: what stands for a picture, and how the language model is asked about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from . import seen
from .mind import mind
from .seen import Picture, Question

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

TEMPERATURE = 0.06
BEFORE = (
    "The picture of a dog shows a dog. The picture of a police car shows a police car. "
    "The picture of a"
)
AFTER = " shows a"
Soft: TypeAlias = Callable[["Array"], "Array"]


def learn(x: Array, y: Array, z: Array, words: Array, tokens: Array, names: Array) -> Soft:
    """What stands for a picture: two mixtures of words, (n, 2, 576).

    The first is of all known words, by how well they fit the picture; the second of the names of
    known pictures, by how like they are.
    """
    import numpy as np

    from .space import agree, unit

    see, read = agree(np.concatenate([x, x]), np.concatenate([y, z]))
    told, known = unit(read(words)), unit(see(x))

    def soft(pictures: Array) -> Array:
        looks = unit(see(pictures))
        return np.stack([mixed(looks @ told.T, tokens), mixed(looks @ known.T, names)], axis=1)

    return soft


def mixed(scores: Array, rows: Array, temperature: float = TEMPERATURE) -> Array:
    """Rows, mixed by a softmax of scores."""
    import numpy as np

    made = np.exp((scores - scores.max(axis=1, keepdims=True)) / temperature)
    return made / made.sum(axis=1, keepdims=True) @ rows


@lru_cache(maxsize=4)
def learnt(seed: int) -> Soft:
    """The lab's own, learnt from what may be learnt from."""
    return learn(**seen.split(seed).given())


def rows_of(soft: Soft, pictures: Sequence[Picture]) -> Array:
    """What stands for these pictures."""
    import numpy as np

    return soft(np.stack([seen.features()[one.maker, one.thing] for one in pictures]))


def scores(
    rows: Array, questions: Sequence[Question], before: str = BEFORE, after: str = AFTER
) -> Array:
    """How likely the language model finds each choice: (questions, choices).

    Args:
        rows: what stands for each picture, (questions, k, 576), or (k, 576) for all of them.
    """
    import numpy as np

    reader = mind()
    ids, more = reader.tokens(before), reader.tokens(after)
    each = np.broadcast_to(rows, (len(questions), *rows.shape[-2:]))
    return np.array(
        [
            reader.scores(ids, one, more, question.names())
            for one, question in zip(each, questions, strict=True)
        ]
    )
