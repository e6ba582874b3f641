"""Emoji drawn by a learner's way of going, as exactly as so many looks allow; then an agent's."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from agentlab_tools.diffusion import captions, judges
from agentlab_tools.diffusion.kept import packed
from agentlab_tools.emoji import emoji

from .looks import Task, exact, walked
from .painter import Wish, wishes, worded

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

Draw: TypeAlias = Callable[[Task], Awaitable["Array | str"]]
"""Pictures as numbers, or what went wrong."""

BUDGETS = ((1.0, 16), (2.0, 48), (3.0, 72))
"""A guidance, and how often the net may be looked at."""
NEAR = {1.0: 0.35, 2.0: 0.5, 3.0: 0.5}
"""How far from the exact ends, of what Euler's steps are with as many looks, for each guidance."""
PICTURES, PAINTED = 24, 6
BY_AGENT = (3.0, 40)
_MOMENTS = (0.0, 0.2, 0.4, 0.6, 0.8)
WITHIN, ENOUGH = 5, 2
"""Among how many of the nearest a wish must be, and how many of three wishes must come true."""


def names() -> list[str]:
    """All that is learnt."""
    return emoji().names[captions.chosen()].tolist()


def tasks(seed: int) -> list[Task]:
    """Names by chance, for each guidance."""
    import numpy as np

    dice, count = np.random.default_rng(seed), packed().latents.count
    return [
        Task(dice.normal(size=(PICTURES, count)), dice.choice(names(), PICTURES).tolist(), *budget)
        for budget in BUDGETS
    ]


def plain(task: Task) -> Array:
    """What Euler's steps come to with as many looks."""
    return walked(task, task.looks if task.guidance == 1 else task.looks // 2)


def off(made: Array, due: Array) -> float:
    """How far pictures are from where they should be, in the mean."""
    import numpy as np

    return float(np.sqrt(((made - due) ** 2).mean(axis=1)).mean())


async def tried(seed: int, draw: Draw) -> tuple[dict[str, Any], list[tuple[str, Array]]]:
    """How exactly each task was drawn, and some of what was drawn."""
    found: dict[str, Any] = {"looks": None, "near": None, "shares": {}}
    rows: list[tuple[str, Array]] = []
    for task in tasks(seed):
        made = await draw(task)
        at = f"guidance {task.guidance:g}, {task.looks} looks"
        if isinstance(made, str):
            found["looks" if "looks are taken" in made else "near"] = f"{at}: {made}"
            continue
        due = await asyncio.to_thread(exact, task)
        euler = await asyncio.to_thread(plain, task)
        share = off(made, due) / off(euler, due)
        found["shares"][f"{task.guidance:g}"] = round(share, 3)
        if not share <= NEAR[task.guidance]:
            found["near"] = found["near"] or (
                f"{at}: it ends {share:.2f} times as far from the exact pictures as Euler's steps, "
                f"{NEAR[task.guidance]} at most"
            )
        rows.append((f"guidance {task.guidance:g}", packed().latents.decode(made)))
    return found, rows


def film(ways: Sequence[tuple[float, Array]], end: Array) -> list[tuple[str, Array]]:
    """Pictures on their way, at about these moments, and as they became."""
    rows: list[tuple[str, Array]] = []
    for moment in _MOMENTS:
        if ways:
            t, x = min(ways, key=lambda one: abs(one[0] - moment))
            rows.append((f"t = {t:.2f}", packed().latents.decode(x)))
    return [*rows, ("t = 1", end[: len(rows[0][1])])] if rows else []


async def painted(seed: int, draw: Draw) -> tuple[list[dict[str, Any]], list[tuple[str, Array]]]:
    """What an agent asked the learner's sampler for, and what is seen in it."""
    import numpy as np

    asked = wishes(seed)
    prompts = await worded(asked)
    dice, known = np.random.default_rng(seed + 1), names()
    count = packed().latents.count
    told = [prompt for prompt in prompts for _ in range(PAINTED)]
    made = await draw(Task(dice.normal(size=(len(told), count)), told, *BY_AGENT))
    if isinstance(made, str):
        return [{"wish": asked[0].words, "prompt": prompts[0], "seen": made, "true": False}], []
    pictures = packed().latents.decode(made)
    alike = await asyncio.to_thread(judges.emoji_read, pictures)
    found: list[dict[str, Any]] = []
    rows: list[tuple[str, Array]] = []
    for n, (wish, prompt) in enumerate(zip(asked, prompts, strict=True)):
        mine = slice(n * PAINTED, (n + 1) * PAINTED)
        found.append(_seen(wish, prompt, alike[mine].mean(axis=0), known))
        rows.append((prompt or "(nothing)", pictures[mine]))
    return found, rows


def _seen(wish: Wish, prompt: str, alike: Array, known: Sequence[str]) -> dict[str, Any]:
    best = [known[n] for n in (-alike).argsort()[:WITHIN]]
    return {"wish": wish.words, "prompt": prompt, "seen": best[0], "true": wish.name in best}
