"""SmolLM2-135M-Instruct (Apache-2.0), which reads vectors where it else reads words.

llama.cpp takes a batch of vectors in place of tokens. Text becomes vectors by the model's own
table, and what stands for a picture is put between them. All options are read in one batch, side by
side: they share what was read before them, and don't see each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeAlias

from agentlab.backends.llamacpp.model import Model
from agentlab.backends.llamacpp.registry import find
from agentlab.errors import BackendError, ToolError
from agentlab_tools.train.bridge.gguf_file import open_gguf

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

MODEL = "local:smollm2"
WIDTH = 576
OPTIONS = 8
_SIZE = 256
LONGEST = 120
"""Tokens before the options, at most."""


class Mind:
    """The model and its table of words. Safe to use from several threads.

    Raises:
        MissingExtra, ModelNotFound: what reads the model's file, or the model, is not installed.
    """

    def __init__(self) -> None:
        import numpy as np

        path = find(MODEL).path
        tensors: Any = open_gguf(path).tensors
        from gguf import dequantize

        kept = next(one for one in tensors if one.name == "token_embd.weight")
        self.table: Array = np.asarray(dequantize(kept.data, kept.tensor_type), np.float32)
        self._model = Model(path)
        lib: Any = self._model.lib
        params = lib.llama_context_default_params()
        params.n_ctx = params.n_batch = params.n_ubatch = _SIZE
        params.n_threads = params.n_threads_batch = 1
        params.n_seq_max, params.kv_unified, params.no_perf = OPTIONS, True, True
        self._context: Any = lib.llama_init_from_model(self._model.handle, params)
        self._memory: Any = lib.llama_get_memory(self._context)
        self._batch: Any = lib.llama_batch_init(_SIZE, WIDTH, OPTIONS)
        self._rows: Array = np.ctypeslib.as_array(self._batch.embd, (_SIZE, WIDTH))
        self._begun: tuple[int, ...] = ()
        self._lock = Lock()

    def tokens(self, text: str) -> list[int]:
        """A text as tokens; what looks like a control token stays text."""
        return self._model.tokens(text)

    def word(self, text: str) -> Array:
        """A word as one vector: the mean of its tokens' rows in the table."""
        return self.table[self.tokens(f" {text}")].mean(axis=0)

    def scores(
        self, before: Sequence[int], rows: Array, after: Sequence[int], options: Sequence[str]
    ) -> Array:
        """The log-probability of each option behind `before`, the rows, and `after`.

        Raises:
            ToolError: that is too long to be read.
        """
        import numpy as np

        ends = [self.tokens(f" {one}") for one in options]
        middle = np.concatenate([rows, self.table[list(after)]])
        length = len(before) + len(middle)
        if length > LONGEST or length + sum(map(len, ends)) > _SIZE or len(ends) > OPTIONS:
            raise ToolError(f"{length} tokens before the options are too many: {LONGEST} may be")
        with self._lock:
            self._begin(tuple(before))
            logits = self._read(len(before), middle, ends)
        logs = (
            logits - np.log(np.exp(logits - logits.max(axis=1, keepdims=True)).sum(axis=1))[:, None]
        )
        logs -= logits.max(axis=1, keepdims=True)
        sums, row = list[float](), 1
        for end in ends:
            sums.append(
                float(logs[0, end[0]])
                + sum(float(logs[row + n, token]) for n, token in enumerate(end[1:]))
            )
            row += len(end) - 1
        return np.array(sums)

    def _begin(self, before: tuple[int, ...]) -> None:
        """Read what all questions have in common, if it is not what was read last."""
        lib: Any = self._model.lib
        if before == self._begun and before:
            lib.llama_memory_seq_rm(self._memory, -1, len(before), -1)
            return
        lib.llama_memory_clear(self._memory, True)
        self._begun = before
        if before:
            for n, token in enumerate(before):
                self._put(n, self.table[token], n, range(OPTIONS), wanted=False)
            self._decode(len(before))

    def _read(self, at: int, middle: Array, ends: Sequence[Sequence[int]]) -> Array:
        import numpy as np

        count = 0
        for row in middle:
            last = count == len(middle) - 1
            self._put(count, row, at + count, range(OPTIONS), wanted=last)
            count += 1
        place, wanted = at + count, 1
        for number, end in enumerate(ends):
            for n, token in enumerate(end[:-1]):
                self._put(count, self.table[token], place + n, (number,), wanted=True)
                count, wanted = count + 1, wanted + 1
        self._decode(count)
        flat = self._model.lib.llama_get_logits(self._context)
        size = self._model.size
        return np.ctypeslib.as_array(flat, (wanted * size,)).reshape(wanted, size).copy()

    def _put(self, n: int, row: Array, at: int, whose: Sequence[int], *, wanted: bool) -> None:
        batch = self._batch
        self._rows[n] = row
        batch.pos[n], batch.n_seq_id[n], batch.logits[n] = at, len(whose), wanted
        for place, number in enumerate(whose):
            batch.seq_id[n][place] = number

    def _decode(self, count: int) -> None:
        self._batch.n_tokens = count
        if self._model.lib.llama_decode(self._context, self._batch) != 0:
            self._begun = ()
            raise BackendError("llama.cpp could not read the vectors")


@cache
def mind() -> Mind:
    """The one that there is in this process."""
    return Mind()
