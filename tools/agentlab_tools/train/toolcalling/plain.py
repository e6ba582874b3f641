"""Plain talk, answered by the untuned model itself: what it must still say after training.

    python -m agentlab_tools.train.toolcalling.plain     writes data/plain_*.jsonl anew

The answers are the model's own at temperature 0, cut at the end of a sentence. Learning them costs
almost no loss at first, and keeps a model that learns to call tools from forgetting how to talk
(self-distillation; Yang et al., 2024, arXiv:2402.13669).
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from random import Random

from agentlab.backend import Backend, Reply, Settings
from agentlab.backends import connect
from agentlab.messages import Message
from agentlab_tools.train.toolcalling.dialogues import Plain
from agentlab_tools.train.toolcalling.pools import Split, lines, pools, wording

_TOKENS = 64
_COUNTS: tuple[tuple[Split, int], ...] = (("heldout", 60), ("train", 260))


@cache
def plain(split: Split) -> Sequence[Plain]:
    """Questions and the untuned model's answers, as they are kept."""
    return tuple(Plain(**json.loads(line)) for line in lines(f"plain_{split}.jsonl"))


def questions(split: Split, count: int, seed: int) -> list[str]:
    """Things to say that need no tool, all different."""
    rng, known = Random(seed), pools(split)  # noqa: S311 - the seed is the point
    found: dict[str, None] = {}
    for _ in range(50 * count):
        text = rng.choice(wording(split, "plain"))
        found[re.sub(r"\{(\w+)\}", lambda m: rng.choice(known[m[1]]), text)] = None
        if len(found) == count:
            break
    return list(found)


async def answer(backend: Backend, text: str) -> str:
    """The model's answer at temperature 0, up to its last whole sentence; empty without one."""
    settings = Settings(temperature=0, repeat_penalty=1.0, max_tokens=_TOKENS)
    async for item in backend.stream([Message.user(text)], settings=settings):
        if isinstance(item, Reply):
            said = item.message.text.strip()
            if item.stop == "end":
                return said
            return said[: max(said.rfind(mark) for mark in (". ", "! ", "? ", ".\n")) + 1]
    return ""


async def _make(folder: Path) -> None:
    backend = connect("local:smollm2", threads=1)
    for split, count in _COUNTS:
        with (folder / f"plain_{split}.jsonl").open("w", encoding="utf-8") as file:
            for text in questions(split, count, seed=7):
                if said := await answer(backend, text):
                    file.write(json.dumps({"text": text, "answer": said}) + "\n")
                    file.flush()
    await backend.aclose()


if __name__ == "__main__":
    asyncio.run(_make(Path(str(files("agentlab_tools.train.toolcalling") / "data"))))
