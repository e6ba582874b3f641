"""One warm context: the tokens it has read, and the state the model was left in by them.

A context holds one conversation. What it has read stays valid, so the next turn only evaluates the
tokens that differ: `read` keeps the longest common prefix and evaluates the rest.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from agentlab.backends.llamacpp import waiting
from agentlab.backends.llamacpp.model import Model
from agentlab.errors import BackendError, ConfigError


class Cancelled(Exception):
    """Nobody waits for the reply any more."""


class Context:
    """A llama.cpp context and the tokens in it.

    Args:
        model: the model.
        size: how many tokens fit.
        batch: how many tokens are evaluated at once.
        threads: how many threads evaluate.
        exact: attention in float32 throughout, to compare with; serving uses float16, for speed.
    """

    def __init__(
        self, model: Model, *, size: int, batch: int, threads: int, exact: bool = False
    ) -> None:
        lib = model.lib
        params = lib.llama_context_default_params()
        params.n_ctx = size
        params.n_batch = params.n_ubatch = min(batch, size)
        params.n_threads = params.n_threads_batch = threads
        params.no_perf = True
        if exact:
            params.type_k = params.type_v = lib.GGML_TYPE_F32
            params.flash_attn_type = lib.LLAMA_FLASH_ATTN_TYPE_DISABLED
        self.handle: Any = lib.llama_init_from_model(model.handle, params)
        if not self.handle:
            raise ConfigError(f"no memory for a context of {size} tokens: connect with less n_ctx")
        self.model = model
        self.ids: list[int] = []
        """What has been read, in order."""
        self.last_used = 0
        self._lib = lib
        self._memory = lib.llama_get_memory(self.handle)
        self._batch = min(batch, size)
        self._threads = threads
        self._one = (ctypes.c_int32 * 1)()
        self._one_batch = lib.llama_batch_get_one(self._one, 1)
        self.adapters: Mapping[str, float] = {}
        """Those that are on, by name, and their scale."""

    def read(self, ids: Sequence[int], cancelled: Callable[[], bool]) -> int:
        """Evaluate what is not there yet; returns how many tokens were.

        At least the last token is evaluated, so that there is something to sample from.

        Raises:
            Cancelled: somebody asked to stop; what was read so far stays.
        """
        shared = min(common_prefix(self.ids, ids), len(ids) - 1)
        shared = self.keep(shared)
        for start in range(shared, len(ids), self._batch):
            if cancelled():
                raise Cancelled
            chunk = ids[start : start + self._batch]
            array = (ctypes.c_int32 * len(chunk))(*chunk)
            self._decode(self._lib.llama_batch_get_one(array, len(chunk)))
            self.ids.extend(chunk)
        return shared

    def append(self, token: int) -> None:
        """Evaluate one more token."""
        self._one[0] = token
        self._decode(self._one_batch)
        self.ids.append(token)

    def state(self) -> memoryview:
        """What reading `ids` left in the model's memory, as bytes for `restore`."""
        size = self._lib.llama_state_seq_get_size(self.handle, 0)
        buffer = (ctypes.c_uint8 * size)()
        written = self._lib.llama_state_seq_get_data(self.handle, buffer, size, 0)
        return memoryview(buffer).cast("B")[:written]

    def restore(self, ids: Sequence[int], state: bytes) -> bool:
        """Be as after reading `ids`; False, and empty, where that can't be taken up here."""
        self.clear()
        buffer = (ctypes.c_uint8 * len(state)).from_buffer_copy(state)
        if not self._lib.llama_state_seq_set_data(self.handle, buffer, len(state), 0):
            self.clear()
            return False
        self.ids.extend(ids)
        return True

    def clear(self) -> None:
        """Forget everything read."""
        self._lib.llama_memory_clear(self._memory, True)
        self.ids.clear()

    def use(self, adapters: Mapping[str, tuple[Any, float]]) -> None:
        """Put on these adapters (name to handle and scale); a change forgets what was read."""
        scales = {name: scale for name, (_, scale) in adapters.items()}
        if scales == self.adapters:
            return
        count = len(adapters)
        handles = (ctypes.c_void_p * max(count, 1))()
        for index, (handle, _) in enumerate(adapters.values()):
            handles[index] = ctypes.cast(handle, ctypes.c_void_p)
        factors = (ctypes.c_float * max(count, 1))(*scales.values())
        set_adapters = self._lib.llama_set_adapters_lora
        pointer_type = set_adapters.argtypes[1]
        if set_adapters(self.handle, ctypes.cast(handles, pointer_type), count, factors) != 0:
            raise BackendError("llama.cpp refused the adapters")
        self.adapters = scales
        self.clear()

    def close(self) -> None:
        """Free the context."""
        if self.handle:
            self._lib.llama_free(self.handle)
            self.handle = None

    def keep(self, count: int) -> int:
        """Forget all but the first so many tokens; returns how many could be kept."""
        if count < len(self.ids):
            # some memories (recurrent ones) cannot go back part of the way
            if count and self._lib.llama_memory_seq_rm(self._memory, 0, count, -1):
                del self.ids[count:]
                return count
            self.clear()
            return 0
        return count

    def _decode(self, batch: Any) -> None:
        if self._threads > 1:
            waiting.suit()
        code = self._lib.llama_decode(self.handle, batch)
        if code != 0:
            # what is in the memory is uncertain now
            self.clear()
            raise BackendError(f"llama.cpp could not evaluate the conversation (code {code})")


def common_prefix(one: Sequence[int], other: Sequence[int]) -> int:
    """How many items two sequences share from the start."""
    limit = min(len(one), len(other))
    if list(one[:limit]) == list(other[:limit]):
        return limit
    return next(index for index in range(limit) if one[index] != other[index])
