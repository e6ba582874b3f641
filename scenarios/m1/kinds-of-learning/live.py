"""Rewards from an agent that really answers: 1 where it named the group of an emoji, else 0."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random

from agentlab.backend import Backend
from agentlab.backends import connect

from .agents import MODEL, answer, right
from .data import GROUPS, drawn, emoji

_EACH = 7
"""Names of each group that the agent is asked about."""
_answered: dict[tuple[str, str], str] = {}
"""What was answered to a prompt and a name. The agent always says the same: it is asked once."""


@dataclass
class Rewards:
    """Names in an order of its own for each game, and the agent that is asked about them."""

    model: Backend
    names: list[tuple[str, str]]
    orders: list[list[int]]
    turn: int = 0
    right: int = 0
    known: dict[str, set[tuple[str, str]]] = field(default_factory=dict[str, set[tuple[str, str]]])

    @classmethod
    @asynccontextmanager
    async def open(cls, seed: int, games: int) -> AsyncGenerator[Rewards]:
        """Draw names, and load the model."""
        rng = Random(seed)  # noqa: S311 - the seed is the point
        found = emoji()
        names = [(str(found.names[n]), GROUPS[found.groups[n]]) for n in drawn(seed, _EACH)]
        orders = [rng.sample(range(len(names)), len(names)) for _ in range(games)]
        model = connect(MODEL, threads=1, n_ctx=512)  # it is asked three short things at most
        try:
            yield cls(model, names, orders)
        finally:
            await model.aclose()

    async def of(self, prompts: Sequence[str]) -> list[int]:
        """One reward a game, for the prompt that it chose."""
        rewards: list[int] = []
        for order, prompt in zip(self.orders, prompts, strict=True):
            name, group = self.names[order[self.turn % len(order)]]
            self.known.setdefault(prompt, set()).add((name, group))
            rewards.append(int(right(await self._answer(prompt, name), group)))
        self.turn += 1
        self.right += sum(rewards)
        return rewards

    async def _answer(self, prompt: str, name: str) -> str:
        if (prompt, name) not in _answered:
            _answered[prompt, name] = await answer(self.model, prompt, name)
        return _answered[prompt, name]

    def rate(self, prompt: str) -> float | None:
        """The share of right answers so far; None where it was never asked."""
        asked = self.known.get(prompt)
        if not asked:
            return None
        return sum(right(_answered[prompt, name], group) for name, group in asked) / len(asked)
