"""The packaged model as a judge of reviews: what it scores its two labels with.

SmolLM2-135M-Instruct (Apache-2.0). The reviews were written for this lab.
"""

from __future__ import annotations

from functools import lru_cache
from random import Random
from typing import Any

from agentlab.backends.llamacpp.context import Context
from agentlab.backends.llamacpp.model import Model
from agentlab.backends.llamacpp.registry import find

LABELS = ("positive", "negative")
_SHOWN = (
    ("I liked the soup.", "positive"),
    ("The tram was late and dirty.", "negative"),
    ("A lovely garden.", "positive"),
    ("The room was cold and loud.", "negative"),
)
THINGS = ("film", "hotel", "phone", "book", "concert", "jacket", "game", "museum")
SAID = {
    "positive": (
        "I loved the {}.",
        "The {} was wonderful.",
        "What a great {}!",
        "The best {} in years.",
        "The {} made me happy.",
        "I can recommend the {} to everyone.",
        "An excellent {}, worth every penny.",
        "The {} was a delight from start to end.",
    ),
    "negative": (
        "I hated the {}.",
        "The {} was terrible.",
        "What a bad {}!",
        "The worst {} in years.",
        "The {} made me angry.",
        "I can warn everyone of the {}.",
        "An awful {}, a waste of money.",
        "The {} was a disappointment from start to end.",
    ),
}
_SIZE = 256


def drawn(rng: Random, count: int, less: tuple[str, ...] = ()) -> list[tuple[str, int]]:
    """Reviews with the number of their label, half of each kind, none twice and none of `less`."""
    made: list[tuple[str, int]] = []
    for number, label in enumerate(LABELS):
        pool = [said.format(thing) for said in SAID[label] for thing in THINGS]
        pool = [text for text in pool if text not in less]
        made += [(text, number) for text in rng.sample(pool, count // 2)]
    rng.shuffle(made)
    return made


def scores(texts: list[str]) -> list[list[float]]:
    """For each review, what the model scores " positive" and " negative" with as the next token."""
    return [list(_scored(text)) for text in texts]


@lru_cache(maxsize=1024)
def _scored(text: str) -> tuple[float, ...]:
    model, context = _judge()
    context.read(model.tokens(f"{_beginning()}Review: {text}\nIt is"), lambda: False)
    row: Any = model.lib.llama_get_logits_ith(context.handle, -1)
    return tuple(float(row[token]) for token in _tokens())


def _beginning() -> str:
    return "".join(f"Review: {text}\nIt is {label}\n\n" for text, label in _SHOWN)


@lru_cache(maxsize=1)
def _judge() -> tuple[Model, Context]:
    """One for the whole process: what all reviews begin with is read once."""
    model = Model(find("local:smollm2").path)
    return model, Context(model, size=_SIZE, batch=_SIZE, threads=1)


@lru_cache(maxsize=1)
def _tokens() -> tuple[int, ...]:
    model, _ = _judge()
    return tuple(model.tokens(f" {label}")[0] for label in LABELS)
