"""Embedding models in GGUF files, by llama.cpp in this process."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from agentlab.backends.llamacpp import gguf
from agentlab.backends.llamacpp.model import bindings
from agentlab.backends.llamacpp.threads import physical_cores
from agentlab.errors import ModelUnreadable
from agentlab_tools.knowledge.embed.vectors import (
    fingerprint,
    no_vectors,
    unit_rows,
    well_formed,
)
from agentlab_tools.knowledge.types import Identity

if TYPE_CHECKING:
    from agentlab_tools.knowledge.types import Vectors


class LlamaEmbedder:
    """The embedder `llama:<file>`.

    The file says how the states of a text's tokens become one vector. Where it does not (a chat
    model), their mean is taken: that works, but such vectors tell little.

    Args:
        path: the model's file.
        max_tokens: what is read of a text; longer ones are cut.
        threads: to evaluate with; as many as there are cores where not given.

    Raises:
        MissingExtra: llama-cpp-python is not installed.
        ModelNotFound, ModelUnreadable: there is no such file, or no whole model in it.
    """

    def __init__(self, path: Path, *, max_tokens: int = 512, threads: int | None = None) -> None:
        gguf.check(path)  # llama.cpp ends the process on some broken files
        lib: Any = bindings()
        given: dict[str, Any] = {
            "model_path": str(path),
            "embedding": True,
            "n_ctx": max_tokens,
            "n_batch": max_tokens,
            "n_ubatch": max_tokens,
            "n_threads": threads or physical_cores(),
            "n_threads_batch": threads or physical_cores(),
            "verbose": False,
        }
        try:
            self._model: Any = lib.Llama(**given)
            if self._model.pooling_type() == lib.LLAMA_POOLING_TYPE_NONE:
                self._model.close()
                self._model = lib.Llama(**given, pooling_type=lib.LLAMA_POOLING_TYPE_MEAN)
        except ValueError as error:  # what the bindings make of any failure
            raise ModelUnreadable(f"{path}: llama.cpp can't load this model") from error
        # at the end of the program the bindings free memory too late, and complain about it
        self._free = weakref.finalize(self, self._model.close)
        self._lock = Lock()
        self._identity = Identity(
            model=f"llama:{path.name}@{fingerprint(path)}", dimensions=int(self._model.n_embd())
        )

    @property
    def identity(self) -> Identity:
        """The file's name with a fingerprint of what is in it."""
        return self._identity

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return one row of length 1 for each text, in order: (texts, dimensions)."""
        if not texts:
            return no_vectors(self._identity.dimensions)
        with self._lock:  # one context, one text at a time
            # a text without a token would have no state to take a mean of
            rows = [self._model.embed(well_formed(text) or " ") for text in texts]
        return unit_rows(rows, self._identity.model)

    def count_tokens(self, text: str) -> int:
        """Return how many tokens the text takes, special tokens left out."""
        data = well_formed(text).encode()
        return len(self._model.tokenize(data, add_bos=False, special=False))
