"""Plain talk, answered by the untuned model itself: what it must still say after training.

    python -m agentlab_tools.train.toolcalling.plain     writes data/plain_* and data/talk_* anew

plain    answers at temperature 0, cut at the end of a sentence: what to say when tools are there
         and none is needed. Learning them costs almost no loss at first.
talk     samples at temperature 1: texts on which a model that learns to call tools is held to the
         probabilities it had before (see the recipe `lora`, `keep`).
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from random import Random
from typing import cast

from agentlab.backend import Backend, Reply, Settings
from agentlab.backends import connect
from agentlab.messages import Message
from agentlab_tools.train.toolcalling.dialogues import Plain
from agentlab_tools.train.toolcalling.pools import Split, lines, pools, wording

_COUNTS: Mapping[str, int] = {
    "plain_heldout": 60,
    "plain_train": 260,
    "talk_heldout": 60,
    "talk_train": 420,
}


@cache
def plain(split: Split) -> Sequence[Plain]:
    """Questions and the untuned model's likeliest answers, as they are kept."""
    return _read(f"plain_{split}.jsonl")


@cache
def talk(split: Split) -> Sequence[Plain]:
    """Questions and answers drawn from the untuned model, as they are kept."""
    return _read(f"talk_{split}.jsonl")


def _read(name: str) -> Sequence[Plain]:
    return tuple(Plain(**json.loads(line)) for line in lines(name))


def questions(split: Split, count: int, seed: int) -> list[str]:
    """Things to say that need no tool, all different."""
    rng, words = Random(seed), pools(split)  # noqa: S311 - the seed is the point
    texts: dict[str, None] = {}
    for _ in range(50 * count):
        text = rng.choice(wording(split, "plain"))
        texts[re.sub(r"\{(\w+)\}", lambda m: rng.choice(words[m[1]]), text)] = None
        if len(texts) == count:
            break
    return list(texts)


_LIKELIEST = Settings(temperature=0, repeat_penalty=1.0, max_tokens=64)
_DRAWN = Settings(temperature=1, top_k=0, top_p=1, min_p=0, repeat_penalty=1.0, max_tokens=120)


async def answer(backend: Backend, text: str, settings: Settings) -> str:
    """The model's answer, up to its last whole sentence; empty without one."""
    async for item in backend.stream([Message.user(text)], settings=settings):
        if isinstance(item, Reply):
            words = item.message.text.strip()
            if item.stop == "end":
                return words
            return words[: max(words.rfind(mark) for mark in (". ", "! ", "? ", ".\n")) + 1]
    return ""


async def _make(folder: Path) -> None:
    backend = connect("local:smollm2", threads=1)
    for name, count in _COUNTS.items():
        kind, _, split = name.partition("_")
        settings = _LIKELIEST if kind == "plain" else _DRAWN
        with (folder / f"{name}.jsonl").open("w", encoding="utf-8") as file:
            for number, text in enumerate(questions(cast(Split, split), count, seed=7)):
                how = settings.model_copy(update={"seed": number})
                if words := await answer(backend, text, how):
                    file.write(json.dumps({"text": text, "answer": words}) + "\n")
                    file.flush()
    await backend.aclose()


if __name__ == "__main__":
    asyncio.run(_make(Path(str(files("agentlab_tools.train.toolcalling") / "data"))))
