"""The lab's tool: a program in a sandbox, and then what it defines, tried there.

What the ear hears, what listeners said of fresh pieces, and what a trained composer writes is known
outside of the sandbox only.
"""

from __future__ import annotations

import asyncio
import io
import json
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from agentlab.errors import ToolError
from agentlab.labs import Equipment
from agentlab.tooling import ToolContext, tool
from agentlab_tools.chorales.corpus import corpus_folder
from agentlab_tools.execute import Sandbox, SandboxLimits, WorkspaceError, display_safe, printed_by
from agentlab_tools.execute.equipment import equipped, require
from agentlab_tools.execute.quick_torch import QUICK_TORCH

from . import composing, drawing, following, listening, objective, stopping

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

_LIMITS = SandboxLimits(timeout=300, threads=1)
"""Seconds by the clock, which runs on while others have the processor."""
_SHOWN = 2000
_LARGEST = 20_000_000


@dataclass
class Desk:
    """Where a learner's program runs."""

    box: Sandbox
    weights: bytes
    begun: bool = False
    printed: str = ""
    """What the last of our code had the learner's program print."""

    async def run(self, code: str, **given: Any) -> dict[str, Any]:
        """Run our code on the learner's functions, and read the file that it leaves.

        Args:
            given: what is put beside it, by name: arrays and all that NumPy keeps.
        """
        await self.box.write_file("given.npz", await asyncio.to_thread(_packed, given))
        said = await printed_by(self.box, _READ + code + _WRITE)
        self.printed = display_safe(said[:_SHOWN])
        try:
            made: object = json.loads(await self.box.read_file("made.json", limit=_LARGEST))
        except (ValueError, RecursionError, WorkspaceError):
            made = None
        if not isinstance(made, dict):
            raise ToolError("what came out of it can't be read")
        return cast(dict[str, Any], made)


def _packed(given: dict[str, Any]) -> bytes:
    import numpy as np

    file = io.BytesIO()
    np.savez(file, **given)
    return file.getvalue()


@asynccontextmanager
async def desk() -> AsyncGenerator[Equipment]:
    """A sandbox with PyTorch, the composer, the lab's reward model, and recorded runs.

    Raises:
        MissingExtra: torch or music21's corpus is not installed.
    """
    require({"torch": "train"})
    corpus_folder()
    weights = await composing.weights()
    async with Sandbox.open(packages=("torch", "numpy"), limits=_LIMITS, spare=False) as box:
        await printed_by(box, QUICK_TORCH)
        for name, content in (
            ("composer.py", composing.COMPOSER),
            ("reward.py", composing.REWARD),
            ("composer.npz", weights),
            ("runs.json", json.dumps(stopping.shown())),
        ):
            await box.write_file(name, content)
        yield Equipment(deps=Desk(box, weights), labels=equipped(box).labels)


@tool(timeout=1200)
async def work(code: str, context: ToolContext) -> str:
    """Take a program first; then try what it defines.

    The last line of what is returned is for the grader.
    """
    bench: Desk = context.deps
    if not bench.begun:
        bench.begun = True
        return display_safe((await printed_by(bench.box, code))[:_SHOWN]) or "ready"
    told: dict[str, Any] = json.loads(code)
    tried = {"reward": _reward, "leash": _leash, "optimise": _optimise, "stop": _stop}
    shown, found = await tried[told["task"]](bench, told["seed"], context)
    return f"{display_safe(shown)}\n{json.dumps(found)}"


async def _reward(bench: Desk, seed: int, context: ToolContext) -> tuple[str, dict[str, Any]]:
    trial = await asyncio.to_thread(listening.drawn, seed, bench.weights)
    names = ("first", "second", "votes", "fresh", "fresh_second", "pieces")
    said = await bench.run(_FIT, seed=seed, **{name: getattr(trial, name) for name in names})
    shown, found = await asyncio.to_thread(trial.judged, said)
    if not any(found.values()):
        context.emit("the agent is asked\n")
        lines, found["agent"] = await trial.asked_for(said)
        shown = f"{shown}\n{lines}"
    return shown, found


async def _leash(bench: Desk, seed: int, context: ToolContext) -> tuple[str, dict[str, Any]]:
    probes = await asyncio.to_thread(objective.drawn, seed)
    given = json.dumps([probe.given() for probe in probes])
    said = await bench.run(_SLOPES, probes=given)
    return await asyncio.to_thread(objective.judged, probes, said.get("said"))


async def _optimise(bench: Desk, seed: int, context: ToolContext) -> tuple[str, dict[str, Any]]:
    base = composing.read(bench.weights)
    trial = await asyncio.to_thread(following.Trial.drawn, seed, base)
    said = await bench.run(_PREFER, first=trial.first, second=trial.second)
    votes = following.votes(said.get("votes"), following.COMPARED, both=True)
    context.emit(f"{sum(votes)} of {len(votes)} times the first piece was preferred\n")
    since = time.monotonic()
    await bench.run(_TRAIN, seed=seed, votes=votes, first=trial.first, second=trial.second)
    context.emit(f"{bench.printed}trained in {time.monotonic() - since:.0f} s\n")
    try:
        kept = await bench.box.read_file("net.npz", limit=composing.LARGEST)
    except WorkspaceError as error:
        raise ToolError("train must return a Composer: its weights can't be read") from error
    net = composing.read(kept)
    new, nats = await asyncio.to_thread(trial.written, net)
    pairs = following.AGAIN
    asked = {"first": new[:pairs], "second": trial.old[:pairs], "new": new, "old": trial.old}
    liked = await bench.run(_AGAIN, **asked)
    share = sum(following.votes(liked.get("votes"), pairs)) / pairs
    rewards = (following.number(liked.get("old")), following.number(liked.get("new")))
    shown, found = await asyncio.to_thread(trial.judged, new, nats, rewards, share)
    await drawing.played(context, "before", trial.old, "As Bach taught it")
    await drawing.played(context, "after", new, "As you prefer it")
    return shown, found


async def _stop(bench: Desk, seed: int, context: ToolContext) -> tuple[str, dict[str, Any]]:
    some = stopping.drawn(seed)
    said = await bench.run(_STOP, runs=json.dumps(stopping.blind(some)))
    shown, found = stopping.judged(some, said.get("steps"))
    pairs = zip(some, said["steps"], strict=True)
    run, step = max(pairs, key=lambda pair: pair[0]["ear"][0] - pair[0]["ear"][-1])
    picture = await asyncio.to_thread(drawing.curves, run, step)
    context.attach("run.png", picture, "image/png")
    return shown, found


_READ = """import json, numpy as np, torch
_given = dict(np.load("given.npz"))
def _list(made):
    made = made.detach() if hasattr(made, "detach") else made
    return np.asarray(made, dtype=float).reshape(-1).tolist()
"""
_WRITE = """
with open("made.json", "w") as _file:
    json.dump(_made, _file)"""
_FIT = """torch.manual_seed(int(_given["seed"]))
_score = fit(_given["first"], _given["second"], _given["votes"])
_fresh, _again = _given["fresh"], []
for _at in range(0, len(_fresh), 100):
    _again += _list(_score(_fresh[_at:_at + 100][::-1].copy()))[::-1]
_made = dict(scores=_list(_score(np.concatenate([_fresh, _given["fresh_second"]]))),
    again=_again, pieces=_list(_score(_given["pieces"])))"""
_SLOPES = """_said = []
for _one in json.loads(str(_given["probes"])):
    _now, _old, _before = (torch.tensor(_one[name]) for name in ("now", "old", "before"))
    _now.requires_grad_()
    _loss = loss(_now, _old, _before, torch.tensor(_one["drawn"]), torch.tensor(_one["rewards"]),
        _one["beta"])
    if not isinstance(_loss, torch.Tensor) or _loss.shape != ():
        raise TypeError("loss(…) must return a tensor of one number")
    _loss.backward()
    _slopes = torch.zeros_like(_now) if _now.grad is None else _now.grad
    _said.append(dict(loss=_loss.item(), slopes=_slopes.tolist()))
_made = dict(said=_said)"""
_PREFER = """def _choose(a, b):
    made = prefer(a, b)
    return bool(made) if isinstance(made, (bool, np.bool_)) else str(made)
_made = dict(votes=[_choose(a, b) for a, b in zip(_given["first"], _given["second"])])"""
_TRAIN = """import reward
torch.manual_seed(int(_given["seed"]))
_model = reward.fit(_given["first"], _given["second"], _given["votes"]).requires_grad_(False)
_net = train(_model)
_made = {}
_kept = {_name: _part.detach().numpy() for _name, _part in _net.state_dict().items()}
np.savez("net.npz", **_kept)"""
_AGAIN = """from composer import numbers as _numbers
_votes = []
for _at, (_a, _b) in enumerate(zip(_given["first"], _given["second"])):
    _one = _choose(_a, _b) if _at % 2 else _choose(_b, _a)
    _votes.append(_one if _at % 2 or not isinstance(_one, bool) else not _one)
_made = dict(votes=_votes, new=_model(_numbers(_given["new"])).mean().item(),
    old=_model(_numbers(_given["old"])).mean().item())"""
_STOP = """_made = dict(steps=[int(stop(one)) for one in json.loads(str(_given["runs"]))])"""
