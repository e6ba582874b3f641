"""The numbers in the lesson, made again, by itself: `python measure.py` in this folder."""

from __future__ import annotations

import asyncio
import importlib
import sys
import time
import types
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np  # noqa: TID253 - a program of its own

from agentlab.messages import Message

_HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(_HERE.parent))
answers, model, tools = (
    importlib.import_module(f"{_HERE.name}.{name}") for name in ("answers", "model", "tools")
)
DRAWS = 6
ELSEWHERE = (
    "What is the capital of France?",
    "Write a poem about the sea.",
    "How do I boil an egg?",
    "Tell me a joke.",
    "What is 2 + 2?",
    "Who wrote Hamlet?",
    "Why is the sky blue?",
    "Translate 'good morning' into German.",
)


def engine() -> None:
    """How many calls the recursive starter makes, and what the solution visits."""
    space: dict[str, Any] = {}
    exec(answers.ENGINE.wrong["walks-every-path"].code, space)  # noqa: S102 - the lab's own
    calls = Counter[str]()
    plain = space["Value"].backward

    def counted(self: Any, blame: float = 1.0) -> None:
        calls["backward"] += 1
        plain(self, blame)

    space["Value"].backward = counted
    took = 0.0
    for times in (10, 15, 20):
        number = space["Value"](1.5)
        for _ in range(times):
            number = number + number
        calls.clear()
        begun = time.process_time()
        number.backward()
        took = time.process_time() - begun
        print(times, f"{calls['backward']:,} calls", f"{took:.3f} s")
    print(f"40 would take {took * 2**20 / 86400:.0f} days")


async def teaching() -> None:
    """What a lean does to fresh names, and to everything else."""
    space: dict[str, Any] = {}
    sys.modules["engine"] = types.ModuleType("engine")
    exec(tools.ENGINE.read_text(encoding="utf-8"), sys.modules["engine"].__dict__)  # noqa: S102
    exec(answers.TRAIN.solution.code, space)  # noqa: S102
    shares: dict[str, float] = dict.fromkeys(("before", "alike", "taught"), 0.0)
    said = Counter[str]()
    for seed in range(DRAWS):
        known, fresh = await model.asked(seed)
        begun = time.process_time()
        lean = space["train"](known.scores, known.right)
        took = time.process_time() - begun
        words = np.unique(known.right)
        alike = np.zeros_like(lean)
        alike[words] = 30
        for name, moved in (("before", 0), ("alike", alike), ("taught", lean)):
            chosen = (fresh.scores + moved).argmax(axis=1)
            shares[name] += float((chosen == fresh.right).mean()) / DRAWS
            if name == "before":
                said.update(model.word(int(token)) for token in chosen)
        print(seed, {model.word(int(w)): round(float(lean[w]), 2) for w in words}, f"{took:.1f} s")
    print(shares, said.most_common(5))
    known, _ = await model.asked(0)
    lean = space["train"](known.scores, known.right)
    value, begun = space["Value"], time.process_time()
    losses = [(value(known.scores) + value(lean)).surprise(known.right) for _ in range(10)]
    middle = time.process_time()
    for loss in losses:
        loss.backward()
    slopes = time.process_time() - middle
    print(f"a loss {(middle - begun) / 10:.3f} s, all its slopes {slopes / 10:.3f} s")
    begun = time.process_time()
    other = await model.scores_of([[Message.user(text)] for text in ELSEWHERE])
    print("one reading", (time.process_time() - begun) / len(ELSEWHERE))
    for text, scores in zip(ELSEWHERE, other, strict=True):
        before, after = scores.argmax(), (scores + lean).argmax()
        print(repr(text), repr(model.word(int(before))), "->", repr(model.word(int(after))))


if __name__ == "__main__":
    engine()
    asyncio.run(teaching())
