"""The live agent, whose prompts differ in the examples that they show, and what it answers."""

from __future__ import annotations

from collections.abc import Sequence

from agentlab.agent import Agent
from agentlab.backend import Backend, Settings
from agentlab.limits import Limits
from agentlab.messages import Message

from .data import GROUPS

MODEL = "local:smollm2"
_ASKED = f"Which kind of thing is it? Answer with one word: {', '.join(GROUPS)}."
_SHOWN = (
    ("ship", "travel"),
    ("crying face", "face"),
    ("cooked rice", "food"),
    ("owl", "animal"),
    ("school", "travel"),
    ("peach", "food"),
    ("tulip", "animal"),
    ("broken heart", "face"),
)
PROMPTS: dict[str, Sequence[tuple[str, str]]] = {
    "told": (),
    "shown, group by group": sorted(_SHOWN, key=lambda pair: pair[1]),
    "shown, mixed": _SHOWN,
}
"""The examples of each prompt; the instructions are the same."""
BEST = "shown, mixed"
"""Right most often, on whatever names were drawn."""
_STEADY = Settings(temperature=0, max_tokens=3, repeat_penalty=1.0)


async def answer(model: Backend, prompt: str, name: str) -> str:
    """What the agent says an emoji of this name is."""
    agent = Agent(
        backend=model,
        instructions=_ASKED,
        examples=[
            message
            for asked, said in PROMPTS[prompt]
            for message in (Message.user(asked), Message.assistant(said))
        ],
        settings=_STEADY,
        limits=Limits(steps=1),
    )
    return (await agent.run(name)).text.strip().lower()


def right(said: str, group: str) -> bool:
    """Whether the answer begins with the word for the group."""
    return said.startswith(group)
