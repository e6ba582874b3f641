"""What `recorded.json` holds, made again: `python scenarios/m0/plots/record.py`.

Training runs with a batch of noise each; the probability of each token that the packaged model
wrote; and what its tuning to call tools did to the first word of its answers.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Sequence
from importlib import import_module
from math import exp
from pathlib import Path
from typing import Any

from agentlab.backend import Reply, Settings
from agentlab.backends import connect
from agentlab.messages import Message

HERE = Path(__file__).parent
QUESTIONS = (
    "What is the capital of France?",
    "How do plants make food?",
    "Name three colours.",
    "What is 12 times 3?",
    "Write a line about the sea.",
    "Why is the sky blue?",
    "Who wrote Hamlet?",
    "How long is a year on Mars?",
    "Give me a word that rhymes with light.",
    "What does a compiler do?",
    "Is a tomato a fruit?",
    "Translate 'good morning' into French.",
    "What is the square root of 81?",
    "Tell me a joke.",
    "When did the Berlin Wall fall?",
    "Explain gravity to a child.",
)
SHORT = (
    "capital", "plants", "colours", "times", "sea", "sky", "Hamlet", "Mars",
    "rhyme", "compiler", "tomato", "French", "root", "joke", "Wall", "gravity",
)  # fmt: skip
RUNS = ((1, 700), (2, 400), (3, 560), (4, 830))
STEPS, COLUMNS = 1000, 12


def main() -> None:
    """Record it all; the training takes 4 s, the model half a minute."""
    sys.path.insert(0, str(HERE))
    training: Any = import_module("training")
    runs = [training.trained(seed, STEPS, noise) for seed, noise in RUNS]
    told = {
        "runs": [{"losses": r.losses, "held_out": r.held_out, "noise": r.noise} for r in runs],
        **asyncio.run(_the_model()),
    }
    (HERE / "recorded.json").write_text(json.dumps(told) + "\n", encoding="utf-8")


async def _the_model() -> dict[str, Any]:
    said = await _said("local:smollm2", 60)
    tuned = await _said("local:agent", 1)
    tokens = [round(exp(token.logprob), 5) for reply in said for token in reply.tokens]
    firsts = [[dict(reply.tokens[0].top) for reply in replies] for replies in (said, tuned)]
    pairs = list(zip(*firsts, strict=True))
    found = Counter(word for before, after in pairs for word in before.keys() & after.keys())
    words = [word for word, _ in found.most_common() if word.strip()][:COLUMNS]
    gains = [
        [round(a[w] - b[w], 3) if w in a and w in b else None for w in words] for b, a in pairs
    ]
    return {"tokens": tokens, "rows": SHORT, "columns": words, "gains": gains}


async def _said(name: str, length: int) -> Sequence[Reply]:
    model = connect(name, n_ctx=1024)
    # As it would write by itself: at temperature 1, from its own distribution
    settings = Settings(temperature=1, seed=7, max_tokens=length, logprobs=20, repeat_penalty=1.0)
    replies: list[Reply] = []
    try:
        for question in QUESTIONS:
            told = [one async for one in model.stream([Message.user(question)], settings=settings)]
            replies += [one for one in told[-1:] if isinstance(one, Reply)]
    finally:
        await model.aclose()
    return replies


if __name__ == "__main__":
    main()
