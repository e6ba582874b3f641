"""The lab's tools: the learner's functions on emoji, and its chooser at games and a live agent.

What is right is known outside of the sandbox only; into it go vectors, labels and rewards.
"""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakKeyDictionary

from agentlab.errors import ToolError
from agentlab.tooling import ToolContext, tool
from agentlab_tools.execute import Sandbox, display_safe, printed_by
from agentlab_tools.execute.equipment import sandbox_with

from .agents import BEST, PROMPTS
from .cases import LABELLED
from .data import GROUPS, drawn, emoji
from .live import Rewards
from .measures import agreement, least_spread, spread

if TYPE_CHECKING:
    from .data import Array

_SECONDS = 60.0
_SHOWN = 2000
_ROW = 30
"""Emoji shown of a cluster."""
GAMES, PULLS = 60, 160
LIVE_GAMES, LIVE_PULLS = 4, 30


sandbox = sandbox_with("numpy", timeout=_SECONDS, threads=1)


@tool(timeout=600)
async def learn(code: str, context: ToolContext) -> str:
    """Take a program first; then let it learn from what a case has, and measure what it learnt.

    The last line of what is returned is for the grader.
    """
    opened: Sandbox = context.deps
    if opened not in _programs:
        _programs[opened] = True
        printed = await printed_by(opened, code)
        return display_safe(printed[:_SHOWN]) or "ready"
    told: dict[str, Any] = json.loads(code)
    task = cast(dict[str, _Task], _TASKS)[told["task"]]
    shown, found = await task(opened, told, context)
    return f"{shown}\n{json.dumps(found)}"


_Task = Callable[
    [Sandbox, Mapping[str, Any], ToolContext], Awaitable[tuple[str, Mapping[str, Any]]]
]


async def _labelled(
    opened: Sandbox, told: Mapping[str, Any], _: ToolContext
) -> tuple[str, Mapping[str, Any]]:
    """Learn from labels; say how well, and be tried on others."""
    import numpy as np

    rows = drawn(told["seed"], 120)
    groups = emoji().groups[rows]
    known = np.zeros(len(rows), dtype=bool)
    for g in range(len(GROUPS)):
        known[np.flatnonzero(groups == g)[:LABELLED]] = True
    said = await _run(
        opened,
        {
            "x": emoji().vectors[rows[known]],
            "y": groups[known],
            "fresh": emoji().vectors[rows[~known]],
        },
        _LABELLED,
    )
    guessed = _numbers(said["guessed"], (~known).sum(), len(GROUPS))
    expected = float(said["expected"])
    if not 0 <= expected <= 1:
        raise ToolError(f"the share it expects to be right is {expected:g}, not between 0 and 1")
    share = float((guessed == groups[~known]).mean())
    found = {"right": round(share, 4), "expected": round(expected, 4)}
    return f"{share:.1%} of the fresh ones are right; it expected {expected:.1%}", found


async def _clustered(
    opened: Sandbox, told: Mapping[str, Any], _: ToolContext
) -> tuple[str, Mapping[str, Any]]:
    """Find groups without labels."""
    rows = drawn(told["seed"], told["each"])
    x, groups = emoji().vectors[rows], emoji().groups[rows]
    said = await _run(opened, {"x": x}, _CLUSTERED)
    clusters = _numbers(said["clusters"], len(x), len(GROUPS))
    found = {
        "spread": spread(x, clusters),
        "least": _least(told["seed"], told["each"]),
        "agreement": round(agreement(groups, clusters), 3),
        "true": spread(x, groups),
    }
    lines = [
        "".join(emoji().looks[rows[clusters == c]][:_ROW]) for c in sorted(set(clusters.tolist()))
    ]
    line = (
        f"spread {found['spread']:.1f}, least {found['least']:.1f}, Unicode's groups "
        f"{found['true']:.1f}; agreement with them {found['agreement']:.2f}"
    )
    return "\n".join([*lines, line]), found


@cache
def _least(seed: int, each: int) -> float:
    return least_spread(emoji().vectors[drawn(seed, each)], len(GROUPS))


async def _games(
    opened: Sandbox, told: Mapping[str, Any], _: ToolContext
) -> tuple[str, Mapping[str, Any]]:
    """Many games side by side, in which each prompt is right at a rate that nobody tells."""
    import numpy as np

    rates = np.array(told["rates"])
    rng = np.random.default_rng(told["seed"])

    async def rewarded(arms: Sequence[int]) -> list[int]:
        return [int(hit) for hit in rng.random(len(arms)) < rates[list(arms)]]

    chosen = await _played(opened, len(rates), GAMES, PULLS, rewarded)
    lost = float(rates.max() - rates[np.array(chosen)].mean())
    share = lost / float(rates.max() - rates.mean())
    best = float((np.array(chosen) == rates.argmax()).mean())
    shown = f"the best prompt asked {best:.0%} of the time; {share:.2f} of chance's regret"
    return shown, {"regret": round(share, 3), "best": round(best, 3)}


async def _live(
    opened: Sandbox, told: Mapping[str, Any], context: ToolContext
) -> tuple[str, Mapping[str, Any]]:
    """A few games with an agent that really answers, and is right or not."""
    names = list(PROMPTS)
    async with Rewards.open(told["seed"], LIVE_GAMES) as rewards:
        context.emit("asking the agent\n")

        async def rewarded(arms: Sequence[int]) -> list[int]:
            return await rewards.of([names[arm] for arm in arms])

        chosen = await _played(opened, len(names), LIVE_GAMES, LIVE_PULLS, rewarded)
    asked = Counter(names[arm] for turn in chosen for arm in turn)
    total = LIVE_GAMES * LIVE_PULLS
    lines = [f"{name}: asked {asked[name]} times{_rate(rewards.rate(name))}" for name in names]
    found = {"best": round(asked[BEST] / total, 3), "right": round(rewards.right / total, 3)}
    return "\n".join([*lines, f"{rewards.right} of {total} answers are right"]), found


def _rate(share: float | None) -> str:
    return "" if share is None else f", right about {share:.0%} of what it was asked"


async def _played(
    opened: Sandbox,
    arms: int,
    games: int,
    pulls: int,
    rewarded: Callable[[Sequence[int]], Awaitable[list[int]]],
) -> list[list[int]]:
    """Games in step with each other: which arm was chosen, turn by turn, game by game.

    Rewards are made outside, one turn at a time: the program can't look ahead, or at the rates.
    """
    await _told(opened, _BEGIN.format(games=games, arms=arms))
    turns: list[list[int]] = []
    rewards = [0] * games
    for _ in range(pulls):
        said = await _told(opened, _TURN.format(rewards=rewards))
        turn = _numbers(said, games, arms, "choose() must return the number of a prompt").tolist()
        rewards = await rewarded(turn)
        turns.append(turn)
    return turns


async def _run(opened: Sandbox, given: Mapping[str, Array], code: str) -> dict[str, Any]:
    """Run our code on the learner's function, and read the line it ends with."""
    import numpy as np

    file = io.BytesIO()
    np.savez(file, **cast(dict[str, Any], given))
    await opened.write_file("given.npz", file.getvalue())
    return cast(dict[str, Any], await _told(opened, code))


async def _told(opened: Sandbox, code: str) -> object:
    """The JSON that code printed last; an error of the program's is the tool's."""
    printed = await printed_by(opened, code)
    try:
        return json.loads(printed.strip().splitlines()[-1])
    except (ValueError, IndexError, RecursionError):
        raise ToolError("what came out of it can't be read") from None


def _numbers(said: object, count: int, below: int, why: str = "") -> Array:
    """So many whole numbers from 0 up to, and without, `below`."""
    import numpy as np

    numbers = cast(list[object], said) if isinstance(said, list) else []
    if len(numbers) != count:
        raise ToolError(why or f"it returned {len(numbers)} numbers, not {count}")
    for number in numbers:
        if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < below:
            raise ToolError(why or f"there is {number} among them, where 0 to {below - 1} can be")
    return np.array(numbers)


_TASKS = {"labelled": _labelled, "clustered": _clustered, "games": _games, "live": _live}
_GIVEN = "import json, numpy\n_given = dict(numpy.load('given.npz'))\n"
_LABELLED = f"""{_GIVEN}_guessed, _expected = learn(**_given)
print(json.dumps(dict(guessed=numpy.asarray(_guessed).tolist(), expected=float(_expected))))"""
_CLUSTERED = f"""{_GIVEN}_clusters = numpy.asarray(cluster(_given['x'], 4))
print(json.dumps(dict(clusters=_clusters.tolist())))"""
_BEGIN = """import json
_choosers, _chosen = [Chooser({arms}) for _ in range({games})], None
print(json.dumps(len(_choosers)))"""
_TURN = """_rewards = {rewards}
if _chosen is not None:
    for _chooser, _arm, _reward in zip(_choosers, _chosen, _rewards):
        _chooser.learn(_arm, _reward)
_chosen = [int(_chooser.choose()) for _chooser in _choosers]
print(json.dumps(_chosen))"""
_programs: WeakKeyDictionary[Sandbox, bool] = WeakKeyDictionary()
