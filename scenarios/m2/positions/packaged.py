"""The packaged model at work in llama.cpp: its questions and keys, and its memory of a text.

SmolLM2-135M-Instruct (Apache-2.0). What is read here is what llama.cpp computes, not a copy of it.
"""

from __future__ import annotations

import ctypes
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from agentlab.backends.llamacpp import registry
from agentlab.backends.llamacpp.model import Model
from agentlab.errors import BackendError
from agentlab_tools.train.bridge.gguf_file import open_gguf

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

WIDTH, HEADS = 64, {"q": 9, "k": 3}
"""Of a head; and how many heads ask, and are asked."""
LAYERS = 30
_SIZE = 512


@cache
def model() -> Model:
    """The model, loaded once."""
    return Model(registry.find("local:smollm2").path)


@cache
def _file() -> Any:
    """The model's file; to parse it takes two seconds.

    Raises:
        MissingExtra: gguf is not installed.
    """
    return open_gguf(model().path)


@cache
def header() -> dict[str, Any]:
    """What the model's file says of its architecture."""
    fields = _file().fields
    names = [n for n in fields if n == "general.architecture" or n.startswith("llama.")]
    return {name: fields[name].contents() for name in names}


@lru_cache(maxsize=2)
def weights(layer: int) -> dict[str, Array]:
    """What makes the questions and keys of a layer, (heads * width, 576) each, by `q` and `k`."""
    from gguf import dequantize

    names = {f"blk.{layer}.attn_{name}.weight": name for name in HEADS}
    found = [t for t in _file().tensors if t.name in names]
    return {names[t.name]: dequantize(t.data, t.tensor_type) for t in found}


@dataclass(frozen=True)
class Asked:
    """Questions or keys of one layer: (heads, tokens, 64), before their turn and after."""

    before: Array
    after: Array


def asked(text: str, layer: int, cached: int) -> dict[str, Asked]:
    """The questions and keys of a text's tokens from place `cached` on, by `q` and `k`.

    The tokens before it are read first, as a conversation's earlier turns are.
    """
    taken = _Taken(layer)
    ids = model().tokens(text)
    with _context(watched=taken.callback) as handle:
        _read(handle, ids[:cached], 0)
        taken.kept.clear()
        _read(handle, ids[cached:], cached)
    found: dict[str, Asked] = {}
    for name, heads in HEADS.items():
        both = (taken.kept[f"{name.upper()}cur-{layer}", op] for op in ("MUL_MAT", "ROPE"))
        found[name] = Asked(*(one.reshape(-1, heads, WIDTH).swapaxes(0, 1) for one in both))
    return found


class _Taken:
    """Tensors of llama.cpp's, by name and operation, copied as they are computed."""

    def __init__(self, layer: int) -> None:
        self.kept: dict[tuple[str, str], Array] = {}
        self._names = {f"{name.upper()}cur-{layer}" for name in HEADS}
        self._lib = _tensors()
        self.callback = model().lib.ggml_backend_sched_eval_callback(self._take)

    def _take(self, tensor: int, asks: bool, _: object) -> bool:
        import numpy as np

        name = self._lib.ggml_get_name(tensor).decode()
        wanted = name in self._names
        if wanted and not asks:
            array = np.empty(self._lib.ggml_nbytes(tensor) // 4, np.float32)
            self._lib.ggml_backend_tensor_get(tensor, array.ctypes.data, 0, array.nbytes)
            self.kept[name, self._lib.ggml_op_desc(tensor).decode()] = array
        return wanted or not asks


@cache
def _tensors() -> Any:
    """The part of the runtime that knows tensors.

    Raises:
        BackendError: it is not where the runtime keeps its libraries.
    """
    folder = Path(model().lib.__file__).parent / "lib"
    files = [f for f in folder.glob("*ggml-base*") if f.suffix in (".so", ".dylib", ".dll")]
    if not files:
        raise BackendError(f"there is no ggml-base library in {folder}: run make setup")
    lib: Any = ctypes.CDLL(str(files[0]))
    for name in ("ggml_get_name", "ggml_op_desc"):
        getattr(lib, name).restype = ctypes.c_char_p
        getattr(lib, name).argtypes = [ctypes.c_void_p]
    lib.ggml_nbytes.restype, lib.ggml_nbytes.argtypes = ctypes.c_size_t, [ctypes.c_void_p]
    lib.ggml_backend_tensor_get.argtypes = [ctypes.c_void_p] * 2 + [ctypes.c_size_t] * 2
    return lib


@contextmanager
def _context(*, watched: Any = None, base: float = 0.0, scale: float = 0.0) -> Generator[Any]:
    """A context in float32; base and scale of its turns as in the file where they are 0."""
    lib = model().lib
    params = lib.llama_context_default_params()
    params.n_ctx = params.n_batch = params.n_ubatch = _SIZE
    params.n_threads = params.n_threads_batch = 1
    params.type_k = params.type_v = lib.GGML_TYPE_F32
    params.flash_attn_type = lib.LLAMA_FLASH_ATTN_TYPE_DISABLED
    params.rope_freq_base, params.rope_freq_scale = base, scale
    if watched is not None:
        params.cb_eval = watched
    handle = lib.llama_init_from_model(model().handle, params)
    if not handle:
        raise BackendError("no memory for a context: close other programs")
    try:
        yield handle
    finally:
        lib.llama_free(handle)


def _read(handle: Any, ids: Sequence[int], first: int, last: int = 1) -> Array:
    """Read tokens at places from `first` on; what follows each of the last ones, as scores."""
    import numpy as np

    lib = model().lib
    batch = lib.llama_batch_init(len(ids), 0, 1)
    try:
        batch.n_tokens = len(ids)
        for place, token in enumerate(ids):
            batch.token[place], batch.pos[place] = token, first + place
            batch.logits[place] = len(ids) - place <= last
            batch.n_seq_id[place], batch.seq_id[place][0] = 1, 0
        if lib.llama_decode(handle, batch) != 0:
            raise BackendError("llama.cpp could not read the text")
    finally:
        lib.llama_batch_free(batch)
    flat = np.ctypeslib.as_array(lib.llama_get_logits(handle), (last * model().size,))
    return flat.reshape(last, -1).astype(np.float64)


def _chances(scores: Array) -> Array:
    """The logarithm of each token's chance."""
    import numpy as np

    top = scores - scores.max(axis=-1, keepdims=True)
    return top - np.log(np.exp(top).sum(axis=-1, keepdims=True))


def lost(handle: Any, ids: Sequence[int], first: int) -> Array:
    """What each token after the first costs the model, in nats."""
    import numpy as np

    rows = _chances(_read(handle, ids, first, len(ids)))[:-1]
    return -rows[np.arange(len(rows)), list(ids[1:])]


def costs(
    text: str, tokens: int, *, base: float = 0.0, scale: float = 0.0, first: int = 0
) -> Array:
    """What each token of a text costs the model where positions are other ones, in nats."""
    with _context(base=base, scale=scale) as handle:
        return lost(handle, model().tokens(text)[:tokens], first)


Move = tuple[int, int, int]
"""Tokens from one place to before another, and by how many places they move."""


@dataclass(frozen=True)
class Memory:
    """A conversation that has been read.

    Attributes:
        told: how many tokens its first message has.
        ids: all its tokens.
        text: tokens that go on with it.
        state: what reading left in llama.cpp.
    """

    told: int
    ids: tuple[int, ...]
    text: tuple[int, ...]
    state: bytes

    def cost(self, moves: Sequence[Move] | None) -> float:
        """What going on costs the model, in nats a token, with some of it kept; see `answers`."""
        with _context() as handle:
            return float(lost(handle, self.text, self._restored(handle, moves)).mean())

    def answers(self, moves: Sequence[Move] | None, asked: Mapping[str, str]) -> list[str]:
        """Of each question's choices the one that the model holds likeliest.

        Args:
            moves: what is kept, and where it goes; all else is forgotten. None keeps all.
            asked: questions, and what there is to choose from, with spaces between.
        """
        found: list[str] = []
        with _context() as handle:
            for question, choices in asked.items():
                first = self._restored(handle, moves)
                found.append(_chosen(handle, question, choices, first))
        return found

    def _restored(self, handle: Any, moves: Sequence[Move] | None) -> int:
        """Take up what was read, and forget; returns how many tokens are left."""
        lib, count = model().lib, len(self.ids)
        memory = lib.llama_get_memory(handle)
        lib.llama_memory_clear(memory, True)
        buffer = (ctypes.c_uint8 * len(self.state)).from_buffer_copy(self.state)
        if not lib.llama_state_seq_set_data(handle, buffer, len(self.state), 0):
            raise BackendError("llama.cpp could not take up what it had read")
        if moves is None:
            return count
        at = 0
        for first, end, _ in (*sorted(moves), (count, count, 0)):
            if first > at:
                lib.llama_memory_seq_rm(memory, 0, at, first)
            at = max(at, end)
        # lowest first, and downward only: no place is taken that is not free
        for first, end, by in sorted(moves):
            lib.llama_memory_seq_add(memory, 0, first, end, by)
        return sum(end - first for first, end, _ in moves)


def read_again(ids: Sequence[int], text: Sequence[int], asked: Mapping[str, str]) -> Any:
    """(nats a token of a text, answers) after reading these tokens, and never any others."""
    with _context() as handle:
        _read(handle, ids, 0)
        nats = float(lost(handle, text, len(ids)).mean())
        memory = model().lib.llama_get_memory(handle)
        found: list[str] = []
        for question, choices in asked.items():
            model().lib.llama_memory_seq_rm(memory, 0, len(ids), -1)
            found.append(_chosen(handle, question, choices, len(ids)))
    return nats, found


def _chosen(handle: Any, question: str, choices: str, first: int) -> str:
    tokens = model().tokens
    scores = _read(handle, tokens(question), first)[-1]
    return max(choices.split(), key=lambda word: float(scores[tokens(f" {word}")[0]]))


@lru_cache(maxsize=4)
def remembered(first: str, text: str, last: str, count: int, more: int) -> Memory:
    """A conversation, read: a first message, some tokens of a text, and a last message.

    Args:
        count: how many tokens that is in all.
        more: with how many tokens the text goes on.
    """
    lib, tokens = model().lib, model().tokens
    begun, body, ended = tokens(first), tokens(text), tokens(last)
    middle = count - len(begun) - len(ended)
    ids = (*begun, *body[:middle], *ended)
    with _context() as handle:
        _read(handle, ids, 0)
        size = lib.llama_state_seq_get_size(handle, 0)
        buffer = (ctypes.c_uint8 * size)()
        written = lib.llama_state_seq_get_data(handle, buffer, size, 0)
        state = bytes(memoryview(buffer).cast("B")[:written])
    return Memory(len(begun), ids, tuple(body[middle : middle + more]), state)
