"""The lab's sandbox, with its arrays; and the model that speaks with the learner's function."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from agentlab.errors import ToolError
from agentlab.labs import Equipment
from agentlab.tooling import ToolContext, tool
from agentlab_tools.execute import Sandbox, SandboxLimits, display_safe
from agentlab_tools.execute.equipment import equipped

from .cases import sentences
from .speaking import Speaker, logits, speaker

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SECONDS = 30.0
_SLACK = 1e-4
"""How far a die may lie beside its interval: sums of float32 and of float64 differ a little."""


@asynccontextmanager
async def sandbox() -> AsyncGenerator[Equipment]:
    """A sandbox with NumPy, the model's scores, and sentences with their vectors."""
    limits = SandboxLimits(timeout=_SECONDS)
    texts, vectors = sentences()
    async with Sandbox.open(packages=("numpy",), limits=limits, spare=False) as opened:
        await opened.write_file("logits.npy", _bytes(logits()))
        await opened.write_file("vectors.npy", _bytes(vectors))
        await opened.write_file("sentences.json", json.dumps(texts, ensure_ascii=False))
        yield equipped(opened)


@tool(timeout=180)
async def speak(code: str, context: ToolContext) -> str:
    """Take a program with `next_token` first; then let the model speak with it.

    The last line of what is returned is for the grader: each token that was chosen, and the one
    that the dice meant.
    """
    opened: Sandbox = context.deps
    if opened not in _ready:
        result = await opened.run_python(code)
        if result.error is not None:
            raise ToolError(result.error.strip().splitlines()[-1])
        _ready[opened] = True
        return "ready"
    told: dict[str, Any] = json.loads(code)
    model = speaker()
    tokens = model.tokens(told["prompt"])
    begun, steps = len(tokens), list[dict[str, Any]]()
    for die in told["dice"]:
        step = await _step(opened, model, tokens, told["k"], told["temperature"], die)
        steps.append({name: value for name, value in step.items() if name != "token"})
        if step["refused"] or model.is_end(step["token"]):
            break
        tokens.append(step["token"])
    said = display_safe(model.text(tokens[begun:]))
    return f"{told['prompt']}{said}\n{json.dumps({'steps': steps})}"


async def _step(
    opened: Sandbox, model: Speaker, tokens: list[int], k: int, temperature: float, die: float
) -> dict[str, Any]:
    """Let the program choose one token, and see whether it is the one that the die meant."""
    scores = model.scores(tokens)
    await opened.write_file("scores.npy", _bytes(scores))
    result = await opened.run_python(_ASK.format(k=k, temperature=temperature, die=die))
    wanted = meant(scores, k, temperature, die)
    refused, chosen = "", -1
    try:
        if result.error is not None:
            refused = result.error.strip().splitlines()[-1]
        else:
            chosen, kept = json.loads(result.stdout.strip().splitlines()[-1])
            if not 0 <= chosen < len(scores):
                refused = f"{chosen} is the number of no token"
            elif not kept:
                refused = "the model's scores were changed"
    except (ValueError, IndexError, TypeError):
        refused = "next_token did not return the number of a token"
    return {
        "token": chosen,
        "refused": refused,
        "right": chosen in wanted,
        "chosen": "" if refused else model.text([chosen]),
        "wanted": model.text([wanted[0]]),
    }


def meant(scores: NDArray[Any], k: int, temperature: float, die: float) -> list[int]:
    """The token whose share of the line from 0 to 1 the die fell on; two, at their border."""
    import numpy as np

    best = np.argsort(-scores, kind="stable")[:k]
    powers = np.exp((scores[best].astype(np.float64) - float(scores[best[0]])) / temperature)
    ends = np.cumsum(powers / powers.sum())
    found = {
        min(int(np.searchsorted(ends, at, side="right")), k - 1)
        for at in (die, die - _SLACK, die + _SLACK)
    }
    first = min(int(np.searchsorted(ends, die, side="right")), k - 1)
    return [int(best[first]), *(int(best[n]) for n in found if n != first)]


def _bytes(array: NDArray[Any]) -> bytes:
    import numpy as np

    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


_ASK = """import json, numpy
scores = numpy.load('scores.npy')
before = scores.copy()
token = next_token(scores, {k}, {temperature}, {die})
print(json.dumps([int(token), bool((scores == before).all())]))"""
_ready: WeakKeyDictionary[Sandbox, bool] = WeakKeyDictionary()
