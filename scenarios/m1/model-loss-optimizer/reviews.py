"""The packaged model as a giver of stars: what it scores the figures 1 to 5 with.

SmolLM2-135M-Instruct (Apache-2.0). The reviews were written for this lab.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from agentlab.backends.llamacpp.context import Context
from agentlab.backends.llamacpp.model import Model
from agentlab.backends.llamacpp.registry import find

THINGS = ("film", "hotel", "phone", "book")
_SHOWN = (
    ("The shoes hurt, but look good.", 2),
    ("A nice lamp, if a bit small.", 4),
    ("The soup was fine.", 3),
    ("The bus was dirty and late.", 1),
    ("Lovely garden. It made me happy.", 5),
)
_SAID = {
    1: (
        "The worst {} I have ever had. Terrible!",
        "Absolutely awful {}. I hate it.",
        "A horrible {}, a waste of money.",
        "Stay away from this {}. I want my money back.",
        "I am angry about this {}. Never again.",
        "Everything about this {} is bad.",
    ),
    2: (
        "A rather poor {}, with one good side.",
        "I expected more of the {}. Mostly disappointing.",
        "The {} was not good, but I have seen worse.",
        "A weak {}. I would not choose it again.",
        "The {} annoyed me more often than not.",
        "Too expensive for such a {}.",
    ),
    3: (
        "The {} is okay. Nothing special.",
        "An average {}, neither good nor bad.",
        "The {} has good sides and bad sides.",
        "A {} like any other. It is fine.",
        "The {} did what it should, no more.",
        "I have no strong opinion on this {}.",
    ),
    4: (
        "A very good {}, with one small flaw.",
        "Good {}. I would choose it again, although it is a bit dear.",
        "I liked the {}. Not perfect, but good.",
        "A good {}, nearly great.",
        "The {} was better than I expected.",
        "Pleased with the {}, apart from the colour.",
    ),
    5: (
        "The best {} I have ever had. Perfect!",
        "Absolutely wonderful {}. I love it.",
        "An excellent {}, a delight from start to end.",
        "Perfect {}. I could not be happier.",
        "I am in love with this {}. Amazing!",
        "Everything about this {} is great.",
    ),
}
REVIEWS = tuple(
    (said.format(thing), stars) for stars in _SAID for said in _SAID[stars] for thing in THINGS
)
"""120 reviews with the stars they stand for, 24 of each."""
_SIZE = 256


@lru_cache(maxsize=len(REVIEWS))
def scores(text: str) -> tuple[float, ...]:
    """What the model scores the figures 1 to 5 with, as the stars of a review."""
    model, context = _judge()
    context.read(model.tokens(_beginning() + _asked(text)), lambda: False)
    row: Any = model.lib.llama_get_logits_ith(context.handle, -1)
    return tuple(float(row[model.tokens(str(figure))[-1]]) for figure in range(1, 6))


def _beginning() -> str:
    return "".join(f"{_asked(text)}{stars}\n\n" for text, stars in _SHOWN)


def _asked(text: str) -> str:
    return f"Review: {text}\nStars (1 to 5): "


@lru_cache(maxsize=1)
def _judge() -> tuple[Model, Context]:
    """One for the whole process: what all reviews begin with is read once."""
    model = Model(find("local:smollm2").path)
    return model, Context(model, size=_SIZE, batch=_SIZE, threads=1)
