"""Models of the sentence-transformers library, where it is installed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentlab.errors import ConfigError, ModelNotFound
from agentlab_tools.knowledge.embed.vectors import (
    fingerprint,
    no_vectors,
    unit_rows,
    well_formed,
)
from agentlab_tools.knowledge.types import Identity

if TYPE_CHECKING:
    from agentlab_tools.knowledge.types import Vectors


class SentenceTransformerEmbedder:
    """The embedder `st:…`.

    Args:
        model: a folder, or a name on the Hugging Face hub, from its cache where it is there.
        device: `cpu`, `cuda`, …; the library's choice where not given.

    Raises:
        ConfigError: sentence-transformers is not installed.
        ModelNotFound: there is no such model, or the hub can't be reached.
    """

    def __init__(self, model: str, *, device: str | None = None) -> None:
        try:
            from sentence_transformers import SentenceTransformer
            from transformers.utils import logging
        except ModuleNotFoundError as error:
            raise ConfigError(
                f"{error.name} is not installed: pip install sentence-transformers torch, "
                "or use the embedder minilm"
            ) from error
        logging.disable_progress_bar()  # it would draw into ours
        folder = Path(model).expanduser()
        try:
            self._model: Any = SentenceTransformer(
                str(folder) if folder.is_dir() else model, device=device
            )
        except Exception as error:  # the library and the hub's client raise many kinds
            reason = str(error).strip().split("\n")[0]
            raise ModelNotFound(f"st:{model} can't be loaded: {reason}") from error
        dimensions = int(self._model.get_embedding_dimension())
        self._identity = Identity(model=_name(folder, model), dimensions=dimensions)

    @property
    def identity(self) -> Identity:
        """The hub's name, or that of the folder with a fingerprint of the weights."""
        return self._identity

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return one row of length 1 for each text, in order: (texts, dimensions)."""
        if not texts:
            return no_vectors(self._identity.dimensions)
        rows = self._model.encode(
            [well_formed(text) for text in texts], convert_to_numpy=True, show_progress_bar=False
        )
        return unit_rows(rows, self._identity.model)

    def count_tokens(self, text: str) -> int:
        """Return how many tokens the text takes, special tokens left out."""
        encoded = self._model.tokenizer(
            well_formed(text), add_special_tokens=False, truncation=False, verbose=False
        )
        return len(encoded["input_ids"])


def _name(folder: Path, model: str) -> str:
    if not folder.is_dir():
        return f"st:{model}"
    weights = sorted(folder.glob("*.safetensors")) or sorted(folder.glob("*.bin"))
    return f"st:{folder.name}" + (f"@{fingerprint(weights[0])}" if weights else "")
