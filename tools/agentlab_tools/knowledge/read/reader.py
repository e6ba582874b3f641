"""How likely a text answers a question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from agentlab_tools.knowledge.embed.minilm import MiniLM, States
from agentlab_tools.knowledge.read.network import LONGEST, Network

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WEIGHTS = Path(__file__).with_name("weights.npz")

_QUESTION = 40
"""Tokens that are read of a question."""


@dataclass(frozen=True)
class Reading:
    """What a text says to a question.

    Attributes:
        judged: logit of the text answering the question.
        cosine: between question and text.
    """

    judged: float
    cosine: float


@lru_cache(maxsize=1)
def network() -> Network:
    """The network with the weights that come along."""
    import numpy as np

    with np.load(WEIGHTS) as weights:
        return Network(dict(weights))


def read(
    question: str, texts: Sequence[str], minilm: MiniLM, prior: Sequence[float], most: int = 20
) -> dict[int, Reading]:
    """Read those texts for an answer that are nearest to the question: readings by text's number.

    Takes what MiniLM takes to embed the texts, and a few milliseconds for each that is read.

    Args:
        prior: what to add to each text's cosine, where the nearest are chosen.
        most: how many are read.
    """
    asked, *found = minilm.states([question, *texts])
    toward = _unit(asked.states.mean(0))
    near = [
        float(toward @ _unit(one.states.mean(0))) + p for one, p in zip(found, prior, strict=True)
    ]
    order = sorted(range(len(found)), key=lambda n: -near[n])[:most]
    return {n: reading(asked, found[n], network()) for n in sorted(order)}


def reading(asked: States, text: States, net: Network) -> Reading:
    """Read one text, given the states of its tokens and of the question's."""
    import numpy as np

    cosine = float(_unit(asked.states.mean(0)) @ _unit(text.states.mean(0)))
    count = min(len(asked.ids), _QUESTION)
    # neither the token that begins the text nor the one that ends it is part of an answer
    stop = min(len(text.ids) - 1, LONGEST - _QUESTION)
    if stop <= 1:
        return Reading(-20.0, cosine)
    ids = np.array([*asked.ids[:count], *text.ids[1:stop]], np.int32)
    states = np.concatenate([asked.states[:count], text.states[1:stop]])
    return Reading(net.judge(states, ids, count), cosine)


def _unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    return vector / vector.dtype.type(float(vector @ vector) ** 0.5)
