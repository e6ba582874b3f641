"""What a GGUF is like: its size, its perplexity, its speed, what it holds, whether it calls tools.

    measured = measure(Path("mine-q4.gguf"), text, tokens=1024)

Perplexity is of a text in windows of 512 tokens, each read from an empty context: of all their
tokens, and as llama.cpp's own tool and those who quote it define it, of each window's second half.
Speed is on one
thread by the processor's clock, of reading those windows and of one token after another, so that
other work on the machine tells less.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from agentlab.backends.llamacpp.context import Context
from agentlab.backends.llamacpp.model import Model
from agentlab.errors import ConfigError
from agentlab_tools.train.bridge.quantize import kinds_in
from agentlab_tools.train.bridge.score import Scorer

if TYPE_CHECKING:
    from agentlab_tools.train.toolcalling.evaluate import Score

WINDOW = 512
"""Tokens read at once."""
_BEGUN, _WRITTEN = 64, 48


@dataclass(frozen=True)
class Measured:
    """What one file is like."""

    megabytes: float
    perplexity: float
    """Over all tokens of the windows but their first."""
    published: float
    """As `llama-perplexity` prints it: to be compared with others' numbers."""
    give_or_take: float
    """The standard error of `published`: its ±."""
    reading: float
    """Tokens a processor-second."""
    writing: float
    """Tokens a processor-second."""
    holds: str
    """The kinds its weights really are of, by their share."""


def measure(path: Path, text: str, *, tokens: int) -> Measured:
    """Size, perplexity and speed of a GGUF.

    Args:
        tokens: how many of the text are judged, at most; whole windows of them.

    Raises:
        ConfigError: the text is shorter than one window.
        ModelNotFound, ModelUnreadable, MissingExtra: as `connect`.
    """
    with Scorer(path, size=WINDOW) as scorer:
        ids = scorer.tokens(text)[: max(tokens, WINDOW)]
        windows = [ids[at : at + WINDOW] for at in range(0, len(ids) - WINDOW + 1, WINDOW)]
        if not windows:
            raise ConfigError(f"perplexity needs a text of {WINDOW} tokens: this has {len(ids)}")
        began = time.process_time()
        perplexity = scorer.perplexity((window, None) for window in windows)
        reading = len(windows) * WINDOW / (time.process_time() - began)
        published, error = scorer.published(ids, WINDOW)
    count = kinds_in(path)
    shares = [f"{kind} {n / sum(count.values()):.0%}" for kind, n in count.items()]
    holds = ", ".join(share for share in shares if not share.endswith(" 0%"))
    return Measured(
        megabytes=path.stat().st_size / 1e6,
        perplexity=perplexity,
        published=published,
        give_or_take=error,
        reading=reading,
        writing=_writing(path, windows[0]),
        holds=holds,
    )


def _writing(path: Path, begun: Sequence[int]) -> float:
    """How many tokens a processor-second are evaluated one after another."""
    model = Model(path)
    context = Context(model, size=WINDOW, batch=128, threads=1)
    context.read(begun[:_BEGUN], lambda: False)
    took: list[float] = []
    for token in begun[_BEGUN : _BEGUN + _WRITTEN]:
        began = time.process_time()
        context.append(token)
        took.append(time.process_time() - began)
    context.close()
    model.close()
    return 1 / median(took)


async def tool_calls(path: Path, each: int) -> Score:
    """In how many held-out cases the right tool is called with the right arguments.

    Args:
        each: cases of every sort.
    """
    from agentlab.backends import connect  # opens a model
    from agentlab_tools.train.toolcalling import evaluate
    from agentlab_tools.train.toolcalling.generate import balanced

    backend = connect(str(path), threads=1)
    try:
        return evaluate.total(await evaluate.measure(backend, balanced("heldout", each, 11)))
    finally:
        await backend.aclose()
