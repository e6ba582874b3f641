"""The lab's sandbox; and the packaged model, whose labels are corrected by what was learnt."""

from __future__ import annotations

import json
import math
from random import Random
from typing import Any, cast
from weakref import WeakKeyDictionary

from agentlab.errors import ToolError
from agentlab.tooling import ToolContext, tool
from agentlab_tools.execute import Sandbox, display_safe, printed_by
from agentlab_tools.execute.equipment import sandbox_with

from .reviews import drawn, scores

_SECONDS = 30.0
_SHOWN = 2000


sandbox = sandbox_with("numpy", timeout=_SECONDS)


@tool(timeout=180)
async def run_on_reviews(code: str, context: ToolContext) -> str:
    """Take a program first; then let it correct the model, and see how the model labels others.

    The last line of what is returned is for the grader.
    """
    opened: Sandbox = context.deps
    if opened not in _programs:
        _programs[opened] = True
        return display_safe((await printed_by(opened, code))[:_SHOWN]) or "ready"
    told: dict[str, int] = json.loads(code)
    rng = Random(told["seed"])  # noqa: S311 - reviews to practise on are no secret
    known = drawn(rng, told["known"])
    fresh = drawn(rng, told["asked"], less=tuple(text for text, _ in known))
    context.emit("the model reads reviews\n")
    given = json.dumps([scores([text for text, _ in known]), [label for _, label in known]])
    said = await printed_by(opened, _CORRECT.format(given=given))
    scale, bias = _correction(said)
    asked = scores([text for text, _ in fresh])
    right, nats = judged(asked, [label for _, label in fresh], scale, bias)
    before, cost = judged(asked, [label for _, label in fresh], 1.0, [0.0, 0.0])
    found = {"right": right, "asked": len(fresh), "nats": round(nats, 4)}
    shown = (
        f"scale {scale:.3g}, bias {', '.join(f'{b:.3g}' for b in bias)}\n"
        f"as it was:  {before} of {len(fresh)} right, {cost:.3f} nats a label\n"
        f"corrected:  {right} of {len(fresh)} right, {nats:.3f} nats a label"
    )
    return f"{shown}\n{json.dumps(found)}"


def judged(
    rows: list[list[float]], labels: list[int], scale: float, bias: list[float]
) -> tuple[int, float]:
    """(how many labels are right, the mean of -log p of the right one, in nats)."""
    right, nats = 0, 0.0
    for row, label in zip(rows, labels, strict=True):
        shifted = [scale * score + b for score, b in zip(row, bias, strict=True)]
        top = max(shifted)
        right += shifted[label] == top and shifted.count(top) == 1
        nats += top + math.log(sum(math.exp(s - top) for s in shifted)) - shifted[label]
    return right, nats / len(labels)


def _correction(said: str) -> tuple[float, list[float]]:
    try:
        found = cast(list[Any], json.loads(said.strip().splitlines()[-1]))
        scale, bias = float(found[0]), [float(b) for b in found[1]]
    except (ValueError, IndexError, TypeError):
        raise ToolError("correct must return a scale, and a bias for each label") from None
    if len(bias) != 2 or not all(map(math.isfinite, [scale, *bias])):
        raise ToolError(f"correct returned scale {scale:g} and bias {bias}: no finite correction")
    return scale, bias


_CORRECT = """import json, numpy as np
_scores, _labels = map(np.array, json.loads('{given}'))
_scale, _bias = correct(_scores, _labels)
print(json.dumps([float(_scale), np.asarray(_bias, dtype=float).tolist()]))"""
_programs: WeakKeyDictionary[Sandbox, bool] = WeakKeyDictionary()
