"""The packaged model with its last layer laid open: its scores for the next token, and no more.

The scores (logits) come straight from llama.cpp, one float32 a token of the vocabulary.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from agentlab.backends.llamacpp.context import Context
from agentlab.backends.llamacpp.model import Model
from agentlab.backends.llamacpp.registry import find

if TYPE_CHECKING:
    from numpy.typing import NDArray

TEXT = (
    "The sea was calm that morning, and the boats lay still in the harbour. An old man sat on the "
    "wall and mended his net. He had done so for sixty years, and his hands knew the work better "
    "than he did."
)
"""Written for this lab; the model's scores after its tokens are what `softmax` is tried on."""
ROWS = 16
_SIZE = 256


class Speaker:
    """A model that reads, and scores what may come next; somebody else chooses."""

    def __init__(self) -> None:
        self._model = Model(find("local:smollm2").path)
        self._context = Context(self._model, size=_SIZE, batch=_SIZE, threads=1)

    def tokens(self, text: str) -> list[int]:
        """A text as the model reads it."""
        return self._model.tokens(text)

    def text(self, tokens: list[int]) -> str:
        """Tokens as a text."""
        return b"".join(map(self._model.piece, tokens)).decode("utf-8", "replace")

    def is_end(self, token: int) -> bool:
        """Whether the model is done with this token."""
        return token in self._model.ends

    def scores(self, tokens: list[int]) -> NDArray[Any]:
        """The scores of every token of the vocabulary as the next one: (vocabulary,), float32."""
        import ctypes

        import numpy as np

        self._context.read(tokens, lambda: False)
        row = self._model.lib.llama_get_logits_ith(self._context.handle, -1)
        count = self._model.size
        floats: Any = ctypes.cast(row, ctypes.POINTER(ctypes.c_float * count)).contents
        return np.array(floats, dtype=np.float32)


@lru_cache(maxsize=1)
def speaker() -> Speaker:
    """One for the whole process."""
    return Speaker()


@lru_cache(maxsize=1)
def logits() -> NDArray[Any]:
    """The scores after each of the last tokens of `TEXT`: (rows, vocabulary), float32."""
    import numpy as np

    model = speaker()
    tokens = model.tokens(TEXT)
    ends = range(len(tokens) - ROWS + 1, len(tokens) + 1)
    return np.stack([model.scores(tokens[:end]) for end in ends])
