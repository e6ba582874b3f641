"""The lab's sandbox; a text that is measured from outside of it; and the model as a witness."""

from __future__ import annotations

import json
import math
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from random import Random
from typing import Any, cast
from weakref import WeakKeyDictionary

from agentlab.errors import ToolError
from agentlab.labs import Equipment
from agentlab.tooling import ToolContext, tool
from agentlab_tools.execute import Sandbox, SandboxLimits, WorkspaceError, display_safe, printed_by

from .cases import PIECE
from .model import KINDS, answered, bits, questions
from .texts import counted, seen, symbols, unseen

_SECONDS = 30.0
_SHOWN = 2000
_WRITTEN = 160
"""Characters that the learner's counts write."""


@asynccontextmanager
async def sandbox() -> AsyncGenerator[Equipment]:
    """A sandbox with the articles to count in; its strength stands in the trace."""
    limits = SandboxLimits(timeout=_SECONDS)
    async with Sandbox.open(packages=("numpy",), limits=limits, spare=False) as opened:
        await opened.write_file("articles.txt", seen())
        await opened.write_file("symbols.txt", symbols())
        info = opened.describe()
        yield Equipment(deps=opened, labels={"sandbox": f"{info.level} ({info.backend})"})


@tool(timeout=180)
async def run_on_text(code: str, context: ToolContext) -> str:
    """Take a program first; then let its `Writer` count, write, and be measured on a text.

    What comes next is known outside only: the program is given what stands before, and returns
    chances for everything. The last line of what is returned is for the grader.
    """
    import numpy as np

    opened: Sandbox = context.deps
    if opened not in _programs:
        _programs[opened] = True
        return display_safe((await printed_by(opened, code))[:_SHOWN]) or "ready"
    told: dict[str, Any] = json.loads(code)
    text = unseen(told["article"])[told["first"] :][:PIECE]
    model, skipped = bits(text)
    given = json.dumps([text[:at] for at in range(skipped, len(text))])
    await opened.write_file("before.json", given)
    written = await printed_by(opened, _COUNT.format(seed=told["seed"], length=_WRITTEN))
    try:
        data = await opened.read_file("chances", limit=8 * 1024 * 1024)
    except WorkspaceError as error:
        raise ToolError(f"its chances can't be read: {error}") from error
    rows = len(text) - skipped
    if len(data) != rows * len(symbols()) * 8:
        raise ToolError("its chances are not whole")
    chances = np.nan_to_num(np.frombuffer(data, np.float64).reshape(rows, -1), nan=-1.0)
    came = chances[np.arange(rows), [symbols().index(character) for character in text[skipped:]]]
    cost = None if (came <= 0).any() else float(-np.log2(came).mean())
    ours = -sum(
        math.log2(counted().chance(text[:at], text[at])) for at in range(skipped, len(text))
    )
    sums = chances.sum(axis=1)
    found = {
        "bits": cost,
        "ours": ours / rows,
        "model": model / rows,
        "sums": [float(sums.min()), float(sums.max())],
        "lowest": float(chances.min()),
    }
    shown = "infinitely many" if cost is None else f"{cost:.2f}"
    lines = (
        f"your counts write: {display_safe(written.strip())}",
        f"{shown} bits a character; the packaged model: {model / rows:.2f}",
    )
    return "\n".join(lines) + "\n" + json.dumps(found)


@tool(timeout=180)
async def run_on_claims(code: str, context: ToolContext) -> str:
    """Take a program first; then give it the model's claims, and see what its own are worth.

    The last line of what is returned is for the grader.
    """
    opened: Sandbox = context.deps
    if opened not in _programs:
        _programs[opened] = True
        return display_safe((await printed_by(opened, code))[:_SHOWN]) or "ready"
    context.emit("the model answers sums\n")
    known, asked = claims_of(json.loads(code)["seed"])
    given = json.dumps([known, [[kind, claim] for kind, claim, _ in asked]])
    said = await printed_by(opened, _HONEST.format(given=given))
    mine = _chances(said, len(asked))
    before, found = judged(asked, [claim for _, claim, _ in asked]), judged(asked, mine)
    lines = [
        f"{kind}: the model claimed {before['kinds'][kind][0]:.1f} of {of}, you {claimed:.1f}; "
        f"right were {hits}"
        for kind, (claimed, hits, of, _) in found["kinds"].items()
    ]
    return "\n".join(lines) + "\n" + json.dumps(found)


Claim = tuple[str, float, bool]
"""The kind of a question, how sure the model was of its answer, and whether it was right."""


def claims_of(seed: int) -> tuple[list[Claim], list[Claim]]:
    """The model's answers, in two halves with as many right ones of every kind, or one more.

    Of the sums that it gets wrong, the one it is surest of stays. The others are nearly ties, and
    on which side they fall depends on how a processor rounds.
    """
    rng = Random(seed)  # noqa: S311 - questions to practise on are no secret
    known, asked = list[Claim](), list[Claim]()
    for kind in KINDS:
        told = [(*answered(question), answer) for question, answer in questions(kind)]
        for right in (True, False):
            some = [
                (kind, claim, right) for said, claim, answer in told if (said == answer) == right
            ]
            if kind == "plus" and not right:
                some = sorted(some)[-1:]
            rng.shuffle(some)
            known += some[: len(some) // 2]
            asked += some[len(some) // 2 :]
    rng.shuffle(known)
    rng.shuffle(asked)
    return known, asked


def judged(asked: list[Claim], mine: list[float]) -> dict[str, Any]:
    """By kind (claimed, right, of how many, how many spreads off), and the mean cost in nats."""
    kinds: dict[str, tuple[float, int, int, float]] = {}
    for kind in KINDS:
        some = [(p, right) for p, (k, _, right) in zip(mine, asked, strict=True) if k == kind]
        claimed, hits = sum(p for p, _ in some), sum(right for _, right in some)
        spread = math.sqrt(sum(p * (1 - p) for p, _ in some))
        kinds[kind] = (claimed, hits, len(some), (hits - claimed) / max(spread, 1e-9))
    came = [p if right else 1 - p for p, (*_, right) in zip(mine, asked, strict=True)]
    nats = None if min(came) <= 0 else -sum(map(math.log, came)) / len(came)
    return {"kinds": kinds, "nats": nats}


def _chances(said: str, count: int) -> list[float]:
    try:
        found = [float(p) for p in cast(list[Any], json.loads(said.strip().splitlines()[-1]))]
    except (ValueError, IndexError, TypeError):
        raise ToolError("honest must return a list of chances") from None
    if len(found) != count:
        raise ToolError(f"honest returned {len(found)} chances for {count} answers")
    if bad := [p for p in found if not 0 <= p <= 1]:
        raise ToolError(f"honest returned {bad[0]:g}, which is no chance")
    return found


_COUNT = """import json, random, numpy as np
_symbols = open("symbols.txt", encoding="utf-8").read()
_writer = Writer(open("articles.txt", encoding="utf-8").read(), _symbols)
def _row(before):
    found = _writer.chances(before)
    return [float(found.get(character, 0.0)) for character in _symbols]
np.array([_row(before) for before in json.load(open("before.json"))]).tofile("chances")
_rng, _text = random.Random({seed}), "A model "
for _ in range({length}):
    _weights = [max(weight, 0) for weight in _row(_text)]
    _text += _rng.choices(_symbols, _weights)[0] if sum(_weights) > 0 else "?"
print(" ".join(_text.split()))"""
_HONEST = """import json
_known, _asked = json.loads('{given}')
_made = honest([tuple(one) for one in _known], [tuple(one) for one in _asked])
print(json.dumps([float(p) for p in _made]))"""
_programs: WeakKeyDictionary[Sandbox, bool] = WeakKeyDictionary()
