"""What all embedders do to vectors: rows of length 1, and errors where there are none."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from agentlab.errors import BackendError

if TYPE_CHECKING:
    from agentlab_tools.knowledge.types import Vectors


def unit_rows(rows: object, model: str) -> Vectors:
    """Rows scaled to length 1 (L2), as float32: (texts, dimensions).

    Raises:
        BackendError: a row has no direction: it is all zeros, or not all finite.
    """
    import numpy as np

    vectors = np.ascontiguousarray(rows, dtype=np.float32)
    if vectors.ndim != 2:
        raise BackendError(f"{model} gave vectors of different lengths")
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not (np.isfinite(lengths) & (lengths > 0)).all():
        raise BackendError(f"{model} gave a vector that points nowhere")
    return vectors / lengths


def no_vectors(dimensions: int) -> Vectors:
    """The vectors of no texts: (0, dimensions)."""
    import numpy as np

    return np.zeros((0, dimensions), np.float32)


def well_formed(text: str) -> str:
    """The text without lone surrogates, which no tokenizer takes."""
    return text.encode("utf-8", "replace").decode("utf-8")


def fingerprint(path: Path) -> str:
    """Twelve hex digits that tell one file of weights from another."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:12]
