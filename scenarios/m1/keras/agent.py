"""The agent that has a net trained, by the learner's function, and tells how good it is."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from agentlab.agent import Agent
from agentlab.backend import Settings
from agentlab.backends import connect
from agentlab.limits import Limits
from agentlab.tooling import tool

MODEL = "local:agent"
QUESTION = "Train the net for {rounds} rounds. What is its accuracy?"
_STEADY = Settings(temperature=0, max_tokens=40)


_answered: dict[tuple[int, str], tuple[str, list[int]]] = {}
"""What it said where it was asked for so many rounds, and told such a result, and which rounds it
asked for itself. It always says the same."""


async def asked(
    train: Callable[[int], Awaitable[float]], rounds: int
) -> tuple[str, float | None, list[int]]:
    """Ask it.

    Args:
        train: trains for so many rounds at most, and says which share of digits is right; asked
            again, it says the same.

    Returns:
        What it says, the share in it, and the rounds that it asked for.
    """
    key = rounds, _percent(await train(rounds))
    said, calls = _answered.get(key) or await _answer(train, rounds)
    if set(calls) == {rounds}:
        _answered[key] = said, calls
    return said, share_in(said), calls


def _percent(share: float) -> str:
    return f"{100 * share:.0f} percent"


async def _answer(train: Callable[[int], Awaitable[float]], rounds: int) -> tuple[str, list[int]]:
    calls: list[int] = []

    @tool
    async def train_net(rounds: int) -> str:
        """Train the net that reads digits, for a number of rounds."""
        calls.append(rounds)
        return _percent(await train(rounds))

    model = connect(MODEL, threads=1, n_ctx=768)
    try:
        agent = Agent(backend=model, tools=[train_net], settings=_STEADY, limits=Limits(steps=3))
        return (await agent.run(QUESTION.format(rounds=rounds))).text, calls
    finally:
        await model.aclose()


def share_in(said: str) -> float | None:
    """The share that is told in percent; None if there is none, or more than one."""
    found = {float(one) for one in re.findall(r"(\d+(?:\.\d+)?) ?(?:%|percent)", said)}
    return found.pop() / 100 if len(found) == 1 else None
