"""A cheap embedder for tests of indexing: real vectors, of the words that are in a text."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from agentlab_tools.knowledge.types import Identity

if TYPE_CHECKING:
    from agentlab_tools.knowledge.types import Vectors


class HashedWords:
    """Feature hashing (Weinberger et al., 2009): each word adds to one of 64 dimensions."""

    def __init__(self, model: str = "hashed-words") -> None:
        self.identity = Identity(model, 64)
        self.embedded = 0

    def embed(self, texts: Sequence[str]) -> Vectors:
        self.embedded += len(texts)
        rows = np.full((len(texts), 64), 1e-3, np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in re.findall(r"\w+", text.lower()):
                row[zlib.crc32(word.encode("utf-8", "replace")) % 64] += 1
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def count_tokens(self, text: str) -> int:
        return len(text.split())
