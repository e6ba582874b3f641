"""What llama.cpp thinks of a text: logits, log-likelihoods, perplexity.

    with Scorer(Path("mine.gguf"), adapter=Path("mine.lora.gguf")) as scorer:
        scorer.perplexity([(scorer.tokens(text), None)])

For comparing files with each other, and with the PyTorch model they came from.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from agentlab.backends.llamacpp import gguf as frame
from agentlab.backends.llamacpp.context import Context
from agentlab.backends.llamacpp.model import Model
from agentlab.errors import BackendError, ConfigError, ContextOverflow

if TYPE_CHECKING:
    from numpy import float32, float64
    from numpy.typing import NDArray

UNSCORED = -100
"""As a label, for tokens that are read and not judged (the value PyTorch ignores too)."""


class Scorer:
    """A GGUF, and perhaps an adapter on it, that reads and never writes.

    Args:
        adapter: a GGUF adapter to put on, or several, one after another.
        size: the longest sequence, in tokens.
        exact: attention in float32, as PyTorch computes it; else in float16, as in serving.

    Raises:
        ModelNotFound, ModelUnreadable, MissingExtra, ConfigError: as `connect`.
    """

    def __init__(
        self,
        path: Path,
        *,
        adapter: Path | Sequence[Path] | None = None,
        threads: int = 1,
        size: int = 1024,
        exact: bool = False,
    ) -> None:
        frame.check(path)
        self._model = Model(path)
        self._size = size
        self._context = Context(self._model, size=size, batch=size, threads=threads, exact=exact)
        paths = [adapter] if isinstance(adapter, Path) else adapter or ()
        names = {f"adapter {n}": path for n, path in enumerate(paths, 1)}
        if names:
            loaded = {name: self._model.adapter(name, path) for name, path in names.items()}
            self._context.use({name: (one, 1.0) for name, one in loaded.items()})
        self._batch: Any = self._model.lib.llama_batch_init(size, 0, 1)

    def tokens(self, text: str) -> list[int]:
        """A text as tokens; what looks like a control token stays text."""
        return self._model.tokens(text)

    def text(self, ids: Sequence[int]) -> str:
        """Tokens as text."""
        return b"".join(self._model.piece(token) for token in ids).decode("utf-8", "replace")

    def logits(self, ids: Sequence[int]) -> NDArray[float32]:
        """What follows each token: (tokens, vocabulary).

        Raises:
            ContextOverflow: the sequence is longer than `size`.
        """
        import numpy as np

        if len(ids) > self._size:
            raise ContextOverflow(f"{len(ids)} tokens are more than the {self._size} that fit")
        lib, batch = self._model.lib, self._batch
        self._context.clear()
        batch.n_tokens = len(ids)
        for place, token in enumerate(ids):
            batch.token[place], batch.pos[place], batch.logits[place] = token, place, 1
            batch.n_seq_id[place], batch.seq_id[place][0] = 1, 0
        if lib.llama_decode(self._context.handle, batch) != 0:
            raise BackendError("llama.cpp could not read the text")
        flat = np.ctypeslib.as_array(
            lib.llama_get_logits(self._context.handle), (len(ids) * self._model.size,)
        )
        return flat.reshape(len(ids), self._model.size).copy()

    def loss(self, ids: Sequence[int], labels: Sequence[int] | None = None) -> tuple[float, int]:
        """The sum of -log p over the tokens judged, in nats, and how many those are.

        Args:
            labels: what to judge, one for each token: the token, or `UNSCORED`. All but the first
                where not given.
        """
        losses = self.losses(ids, labels)
        return float(losses.sum()), len(losses)

    def losses(self, ids: Sequence[int], labels: Sequence[int] | None = None) -> NDArray[float64]:
        """-log p of each token judged, in nats; see `loss`."""
        import numpy as np

        targets = np.array((ids if labels is None else labels)[1:])
        judged = np.flatnonzero(targets != UNSCORED)
        rows = self.logits(ids)[judged].astype(np.float64)
        top = rows.max(axis=1)
        spread = top + np.log(np.exp(rows - top[:, None]).sum(axis=1))
        return spread - rows[np.arange(len(judged)), targets[judged]]

    def perplexity(self, examples: Iterable[tuple[Sequence[int], Sequence[int] | None]]) -> float:
        """e to the mean -log p of a judged token, over (tokens, labels); see `loss`."""
        total, count = 0.0, 0
        for ids, labels in examples:
            loss, judged = self.loss(ids, labels)
            total, count = total + loss, count + judged
        return math.exp(total / count) if count else math.nan

    def published(self, ids: Sequence[int], window: int = 512) -> tuple[float, float]:
        """Perplexity as llama.cpp's `llama-perplexity` defines it, and its standard error (its ±).

        Windows of the text are read one by one, whole ones only, and what is judged of each is its
        second half, so that no token is judged with less than half a window before it. Where the
        model begins its texts with a token of its own, that takes the place of a window's first.

        Raises:
            ConfigError: the text is shorter than one window.
        """
        import numpy as np

        half = window // 2
        chunks: list[NDArray[float64]] = []
        for at in range(0, len(ids) - window + 1, window):
            part = list(ids[at : at + window])
            if self._model.adds_bos:
                part[0] = self._model.bos
            # of `window` tokens the last `window - half - 1` are foretold by one in the second half
            labels = [UNSCORED] * (half + 1) + part[half + 1 :]
            chunks.append(self.losses(part, labels))
        if not chunks:
            raise ConfigError(f"perplexity needs a text of {window} tokens: this has {len(ids)}")
        losses = np.concatenate(chunks)
        value = math.exp(losses.mean())
        return value, value * math.sqrt(float(losses.var()) / (len(losses) - 1))

    def close(self) -> None:
        """Free the model. Closing twice does no harm."""
        if self._batch is not None:
            self._model.lib.llama_batch_free(self._batch)
            self._batch = None
            self._context.close()
            self._model.close()

    def __enter__(self) -> Scorer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
