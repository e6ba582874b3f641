"""How well a model still talks: the perplexity of plain conversations it has not learnt.

    python -m agentlab_tools.train.toolcalling.talk adapter.gguf

own       held-out questions, and answers drawn from the untuned model
articles  `Explain ….`, and the beginning of the article of our library on it

Both are read by llama.cpp, as they are served. Lower is better; an adapter that changes nothing
leaves them as they are.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from agentlab.backends.llamacpp.registry import locate
from agentlab.messages import Message
from agentlab_tools.search import LIBRARY
from agentlab_tools.train.bridge import vocabulary
from agentlab_tools.train.bridge.gguf_file import open_gguf
from agentlab_tools.train.bridge.score import Scorer
from agentlab_tools.train.recipes.data import Chat
from agentlab_tools.train.recipes.examples import Example, Reader
from agentlab_tools.train.toolcalling.dialogues import chat_of
from agentlab_tools.train.toolcalling.generate import talks

_CHARACTERS = 900
"""Of an article: some 200 tokens."""


def conversations() -> Mapping[str, Sequence[Chat]]:
    """Plain conversations, by where they come from."""
    own = [one.chat for one in talks("heldout")]
    return {"own": own, "articles": [_article(path) for path in sorted(LIBRARY.glob("*.md"))]}


def _article(path: Path) -> Chat:
    title, _, body = path.read_text(encoding="utf-8").partition("\n")
    return _chat(f"Explain {title.lstrip('# ').lower()}.", body.strip()[:_CHARACTERS])


def _chat(asked: str, answer: str) -> Chat:
    return chat_of([Message.user(asked), Message.assistant(answer)], ())


def perplexities(
    gguf: Path, adapter: Path | Sequence[Path] | None = None, *, most: int | None = None
) -> dict[str, float]:
    """The perplexity of every kind of talk, with adapters on or without.

    Args:
        most: conversations of each kind; None for all there are.
    """
    reader: Any = Reader(vocabulary.read(open_gguf(gguf)))
    by_name: dict[str, float] = {}
    with Scorer(gguf, adapter=adapter) as scorer:
        for name, chats in conversations().items():
            examples: list[Example] = [e for chat in chats[:most] for e in reader.chat(chat)]
            by_name[name] = scorer.perplexity((e.ids, e.labels) for e in examples)
    return by_name


def main() -> None:
    """Print the perplexities without and with an adapter."""
    parser = argparse.ArgumentParser(description="Perplexity of plain talk, before and after.")
    parser.add_argument("adapter", type=Path)
    parser.add_argument("--model", default="smollm2", help="the packaged model it is for")
    options = parser.parse_args()
    gguf = locate(options.model)
    before, after = perplexities(gguf), perplexities(gguf, options.adapter)
    for name, value in before.items():
        change = after[name] / value - 1
        print(f"{name:9} {value:6.2f} -> {after[name]:6.2f}  ({change:+.1%})")


if __name__ == "__main__":
    main()
