"""The exchanges that the reference solutions show to the model."""

from __future__ import annotations

from agentlab.backend import Settings
from agentlab.labs import Example

STEADY = Settings(temperature=0, max_tokens=80, repeat_penalty=1.0)
"""Greedy, so that a run can be repeated; short, so that a model gone astray is soon stopped; and no
penalty on repeating, since to cite is to repeat."""


def _sum(user: str, expression: str, result: str) -> Example:
    return Example(
        user=user,
        tool="calculator",
        arguments={"expression": expression},
        result=result,
        # Always the same words, and only the result: a small model copies, it does not compose
        answer=f"The answer is {result}.",
    )


def _look_up(user: str, query: str, source: str, line: int, found: str) -> Example:
    return Example(
        user=user,
        tool="search",
        arguments={"query": query},
        result=f"[{source}:{line}] {found}",
        answer=f"{found} ({source})",
    )


SUM_EXAMPLES = (
    _sum("What is 3 + 4?", "3 + 4", "7"),
    _sum("What is 250 * 16?", "250 * 16", "4000"),
    _sum("What is 8100 / 90?", "8100 / 90", "90"),
    _sum("What is 512 - 48?", "512 - 48", "464"),
)

STORY_EXAMPLES = (
    _sum("A box holds 12 eggs. How many eggs are in 30 boxes?", "12 * 30", "360"),
    _sum("Ben has 45 marbles and gets 18 more. How many marbles does he have?", "45 + 18", "63"),
    _sum("96 metres of rope are cut into 8 equal pieces. How long is each piece?", "96 / 8", "12"),
    _sum("A car drives 60 km in an hour. How far does it drive in 5 hours?", "60 * 5", "300"),
    _sum("A farm has 210 hens and 35 ducks. How many birds are on the farm?", "210 + 35", "245"),
)

LOOK_UP_EXAMPLES = (
    _look_up(
        "What is a GAN?",
        "GAN",
        "gans.md",
        5,
        "A GAN is a pair of networks: one makes pictures, the other tells them from real ones.",
    ),
    _look_up(
        "What does dropout do?",
        "dropout",
        "dropout.md",
        3,
        "Dropout switches off neurons at random in training, so that none is relied on.",
    ),
    _look_up(
        "How does beam search work?",
        "beam search",
        "decoding.md",
        9,
        "Beam search keeps the few best beginnings of a sentence and extends each.",
    ),
    _look_up(
        "Explain batch normalisation.",
        "batch normalisation",
        "batch-norm.md",
        7,
        "Batch normalisation rescales the inputs of a layer to mean 0 and variance 1.",
    ),
)
