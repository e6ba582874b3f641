"""A loaded GGUF: weights, vocabulary, metadata and adapters, over llama.cpp's C interface.

Everything here is blocking and holds C memory; `close` frees it. One model may serve several
contexts, one at a time.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

from agentlab.backends.llamacpp import waiting
from agentlab.backends.llamacpp.guide import Guide
from agentlab.backends.llamacpp.proof import verdict
from agentlab.errors import ConfigError, MissingExtra, ModelNotFound, ModelUnreadable

_quiet: list[Any] = []


def bindings() -> ModuleType:
    """The llama_cpp bindings, with llama.cpp's own logging turned off.

    The first time in a process, that the library works on this processor is looked up, or, the
    first time on this machine, proved in another process.

    Raises:
        MissingExtra: llama-cpp-python is not installed.
        RuntimeBroken: the library does not work here.
    """
    if not _quiet:
        verdict.require()
    return load()


def load() -> ModuleType:
    """The same, unproved: one fault in the library, and this process is gone.

    Raises:
        MissingExtra: llama-cpp-python is not installed.
    """
    try:
        with waiting.settled():
            import llama_cpp
    except ImportError as error:
        raise MissingExtra("llama-cpp-python", "local") from error
    if not _quiet:
        # kept in a list because C holds no reference to it
        _quiet.append(llama_cpp.llama_log_callback(_ignore))
        llama_cpp.llama_log_set(_quiet[0], ctypes.c_void_p(0))
        llama_cpp.llama_backend_init()
    return llama_cpp


def _ignore(level: int, text: bytes, data: object) -> None:
    """Log nothing."""


class Model:
    """Weights and vocabulary.

    Raises:
        ModelUnreadable: llama.cpp can't load the file.
        MissingExtra: llama-cpp-python is not installed.
        RuntimeBroken: it is, but does not work here.
    """

    def __init__(self, path: Path, *, words_only: bool = False) -> None:
        self.lib: Any = bindings()
        self.path = path
        parameters = self.lib.llama_model_default_params()
        parameters.vocab_only = words_only
        self.handle: Any = self.lib.llama_model_load_from_file(str(path).encode(), parameters)
        if not self.handle:
            raise ModelUnreadable(
                f"{path}: llama.cpp can't load this model (unknown architecture?)"
            )
        self.vocab: Any = self.lib.llama_model_get_vocab(self.handle)
        self.size = int(self.lib.llama_vocab_n_tokens(self.vocab))
        self.trained_context = int(self.lib.llama_model_n_ctx_train(self.handle))
        self.metadata: Mapping[str, str] = self._read_metadata()
        self.bos = int(self.lib.llama_vocab_bos(self.vocab))
        self.eos = int(self.lib.llama_vocab_eos(self.vocab))
        self.adds_bos = bool(self.lib.llama_vocab_get_add_bos(self.vocab)) and self.bos >= 0
        self._pieces: dict[int, bytes] = {}
        self.controls: Mapping[str, int] = {
            self._piece(token).decode("utf-8", "replace"): token
            for token in range(self.size)
            if self.lib.llama_vocab_is_control(self.vocab, token)
        }
        """Control tokens by their text, such as `<|im_end|>`."""
        self._control_ids = frozenset(self.controls.values())
        self.ends = frozenset(
            token
            for token in self._control_ids | {self.eos}
            if token >= 0 and self.lib.llama_vocab_is_eog(self.vocab, token)
        )
        """Tokens that end a turn."""
        self._adapters: dict[str, Any] = {}
        self._guides: dict[frozenset[int], Guide] = {}

    def guide(self, marks: Sequence[str] = ()) -> Guide:
        """The vocabulary, ready to walk along grammars; made when it is first asked for.

        Args:
            marks: text of the grammar. A control token that stands in it is text there; all others
                are structure, which no grammar admits.
        """
        written = frozenset(
            id for text, id in self.controls.items() if any(text in mark for mark in marks)
        )
        if written not in self._guides:
            pieces = [self.piece(token) for token in range(self.size)]
            ends = self.ends or {self.eos}
            structure = (self._control_ids - written) | ends
            self._guides[written] = Guide(pieces, structure, ends)
        return self._guides[written]

    @cached_property
    def quote(self) -> int | None:
        """The token of a quotation mark alone."""
        return next((token for token in range(self.size) if self.piece(token) == b'"'), None)

    def is_control(self, token: int) -> bool:
        """Whether a token marks structure and is not text."""
        return token in self._control_ids

    def piece(self, token: int) -> bytes:
        """A token's bytes; a control token's are its text."""
        piece = self._pieces.get(token)
        if piece is None:
            piece = self._pieces[token] = self._piece(token)
        return piece

    def _piece(self, token: int) -> bytes:
        size = 64
        while True:
            buffer = ctypes.create_string_buffer(size)
            written = self.lib.llama_token_to_piece(self.vocab, token, buffer, size, 0, True)
            if written >= 0:
                return buffer.raw[:written]
            size = -written

    def tokens(self, text: str) -> list[int]:
        """Text to tokens; text that looks like a control token stays text."""
        data = text.encode("utf-8", "surrogatepass")
        room = len(data) + 8
        while True:
            ids = (ctypes.c_int32 * room)()
            count = self.lib.llama_tokenize(self.vocab, data, len(data), ids, room, False, False)
            if count >= 0:
                return list(ids[:count])
            room = -count

    def adapter(self, name: str, path: Path) -> Any:
        """The LoRA adapter in a GGUF file, loaded once per name and freed with the model.

        Raises:
            ModelNotFound: there is no such file.
            ConfigError: the file is no adapter for this model.
        """
        if name not in self._adapters:
            if not path.is_file():
                raise ModelNotFound(f"no adapter at {path}")
            handle = self.lib.llama_adapter_lora_init(self.handle, str(path).encode())
            if not handle:
                raise ConfigError(f"{path} is not a LoRA adapter for {self.path.name}")
            self._adapters[name] = handle
        return self._adapters[name]

    def close(self) -> None:
        """Free the weights. Contexts on this model must be closed before."""
        if self.handle:
            self.lib.llama_model_free(self.handle)
            self.handle = None

    def _read_metadata(self) -> dict[str, str]:
        lib = self.lib
        metadata: dict[str, str] = {}
        for index in range(lib.llama_model_meta_count(self.handle)):
            key, value = (
                self._text(read, index)
                for read in (
                    lib.llama_model_meta_key_by_index,
                    lib.llama_model_meta_val_str_by_index,
                )
            )
            metadata[key] = value
        return metadata

    def _text(self, read: Any, index: int) -> str:
        size = 1024
        while True:
            buffer = ctypes.create_string_buffer(size)
            needed = read(self.handle, index, buffer, size)
            if needed < size:
                return buffer.value.decode("utf-8", "replace")
            size = needed + 1
