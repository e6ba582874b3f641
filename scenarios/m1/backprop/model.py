"""The packaged model, asked which kind of thing a name is: its scores for what follows."""

from __future__ import annotations

import asyncio
import ctypes
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, TypeAlias

from agentlab.backends import connect
from agentlab.backends.llamacpp.backend import LlamaCpp
from agentlab.backends.llamacpp.context import Context
from agentlab.backends.llamacpp.model import Model
from agentlab.backends.llamacpp.registry import find
from agentlab.messages import Message

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

MODEL = "local:smollm2"
KINDS = ("animal", "face", "food", "travel")
EACH = 10
"""Names of each kind to learn from, and as many to be tried on."""
_ASKED = f"Which kind of thing is it? Answer with one word: {', '.join(KINDS)}."
_SIZE = 256


@dataclass(frozen=True)
class Asked:
    """Names that the model was asked about.

    Attributes:
        names: one a row.
        scores: of every token of the vocabulary as the next one, (names, vocabulary), float32.
        right: the token that would be the right answer, (names,).
    """

    names: tuple[str, ...]
    scores: Array
    right: Array


_asked: dict[int, tuple[Asked, Asked]] = {}


async def asked(seed: int) -> tuple[Asked, Asked]:
    """Names to learn from and others to be tried on, each with what the model makes of it."""
    if seed not in _asked:
        known = json.loads(Path(__file__).with_name("names.json").read_text(encoding="utf-8"))
        rng = Random(seed)  # noqa: S311 - the seed is the point
        drawn = [(name, kind) for kind in KINDS for name in rng.sample(known[kind], 2 * EACH)]
        system = Message.system(_ASKED)
        scores = await scores_of([[system, Message.user(name)] for name, _ in drawn])
        places = [n for n in range(len(drawn)) if n % (2 * EACH) < EACH]
        others = [n for n in range(len(drawn)) if n % (2 * EACH) >= EACH]
        _asked[seed] = _part(drawn, scores, places, rng), _part(drawn, scores, others, rng)
    return _asked[seed]


def _part(drawn: list[tuple[str, str]], scores: Array, places: list[int], rng: Random) -> Asked:
    import numpy as np

    rng.shuffle(places)
    words = _model().words
    right = np.array([words[KINDS.index(drawn[n][1])] for n in places])
    return Asked(tuple(drawn[n][0] for n in places), scores[places], right)


async def scores_of(conversations: Sequence[Sequence[Message]]) -> Array:
    """The scores of every token as the first of the answer: (conversations, vocabulary)."""
    backend = connect(MODEL, n_ctx=_SIZE, threads=1)
    assert isinstance(backend, LlamaCpp)
    try:
        prompts = [[token.id for token in await backend.prompt(said)] for said in conversations]
    finally:
        await backend.aclose()
    return await asyncio.to_thread(_scores, prompts)


class _Model:
    """The model with its last layer laid open."""

    def __init__(self) -> None:
        self._model = Model(find(MODEL).path)
        self._context = Context(self._model, size=_SIZE, batch=_SIZE, threads=1)
        self.words = [self._model.tokens(kind)[0] for kind in KINDS]

    def text(self, token: int) -> str:
        return self._model.piece(token).decode("utf-8", "replace")

    def scores(self, tokens: list[int]) -> Array:
        import numpy as np

        self._context.read(tokens, lambda: False)
        row = self._model.lib.llama_get_logits_ith(self._context.handle, -1)
        floats: Any = ctypes.cast(row, ctypes.POINTER(ctypes.c_float * self._model.size)).contents
        return np.array(floats, dtype=np.float32)


@lru_cache(maxsize=1)
def _model() -> _Model:
    return _Model()


def _scores(prompts: list[list[int]]) -> Array:
    import numpy as np

    return np.stack([_model().scores(tokens) for tokens in prompts])


def word(token: int) -> str:
    """A token as text."""
    return _model().text(token)
