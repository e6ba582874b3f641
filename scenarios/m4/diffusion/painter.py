"""The agent that gets wishes, words a prompt for each, and paints by the learner's program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Annotated

from pydantic import Field

from agentlab.agent import Agent
from agentlab.backend import Backend, Settings
from agentlab.backends import connect
from agentlab.limits import Limits
from agentlab.tooling import tool

MODEL = "local:agent"
WISHES = (
    "My niece has her birthday on Sunday. Could you paint {} for her card, please?",
    "I can't draw at all. Would you be so kind and paint {} for me?",
    "It has been such a long day, and all I want to see is {}. Paint it for me.",
)
NAMES = {
    "lion": "a lion",
    "sunflower": "a sunflower",
    "pizza": "a pizza",
    "strawberry": "a strawberry",
    "rainbow": "a rainbow",
    "red heart": "a red heart",
    "panda": "a panda",
    "watermelon": "a watermelon",
    "fox": "a fox",
    "owl": "an owl",
    "frog": "a frog",
    "rose": "a rose",
    "hamburger": "a hamburger",
    "doughnut": "a doughnut",
    "crab": "a crab",
    "butterfly": "a butterfly",
}
"""What may be wished for, and how it is said."""
_STEADY = Settings(temperature=0, max_tokens=60, repeat_penalty=1.0)
_called: dict[str, str] = {}
"""What it called its tool with for a wish. It always calls with the same, and is asked once."""


@dataclass(frozen=True)
class Wish:
    """What is wished for, and in which words."""

    name: str
    words: str


def wishes(seed: int) -> list[Wish]:
    """One in each wording."""
    dice = Random(seed)  # noqa: S311 - the seed is the point
    names = dice.sample(sorted(NAMES), len(WISHES))
    return [
        Wish(name, words.format(NAMES[name])) for name, words in zip(names, WISHES, strict=True)
    ]


async def worded(asked: Sequence[Wish]) -> list[str]:
    """The prompt that the agent makes of each wish; empty for none."""
    model: Backend | None = None
    try:
        for wish in asked:
            if wish.words not in _called:
                model = model or connect(MODEL, threads=1, n_ctx=1024)
                _called[wish.words] = await _call(model, wish)
    finally:
        if model is not None:
            await model.aclose()
    return [_called[wish.words] for wish in asked]


async def _call(model: Backend, wish: Wish) -> str:
    kept = [""]

    @tool
    def paint(
        thing: Annotated[
            str,
            Field(description="the thing to paint, in one or two words", pattern="^[a-z ]{2,30}$"),
        ],
    ) -> str:
        """Paint a picture of a thing."""
        kept.append(thing)
        return "the picture is painted"

    agent = Agent(backend=model, tools=[paint], settings=_STEADY, limits=Limits(steps=3))
    await agent.run(wish.words)
    return kept[1] if len(kept) > 1 else ""
