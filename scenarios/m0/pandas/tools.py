"""The lab's tool that a model gets: the learner's `total`, over a table in the sandbox."""

from __future__ import annotations

import json
from typing import Any, Literal
from weakref import WeakKeyDictionary

from agentlab.agent import Agent
from agentlab.backend import Backend, Settings
from agentlab.backends import connect
from agentlab.errors import ToolError
from agentlab.limits import Limits
from agentlab.tooling import Tool, ToolContext, tool
from agentlab_tools.execute import Sandbox, display_safe

from .questions import COLUMNS

MODEL = "local:agent"
STEADY = Settings(temperature=0, max_tokens=50)


@tool(timeout=300)
async def serve(code: str, context: ToolContext) -> str:
    """Take a program with a function `total` first; then let a model use it on a case's table.

    The last line of what is returned is for the grader: what was asked for, what came back, and
    what the model said.
    """
    opened: Sandbox = context.deps
    if opened not in _ready:
        await _told(opened, code)
        _ready[opened] = True
        return "ready"
    case: dict[str, Any] = json.loads(code)
    await _told(opened, _TABLE.format(rows=case["rows"], columns=list(COLUMNS)))
    straight = [{"call": call, **await _back(opened, *call)} for call in case["straight"]]
    model = connect(MODEL, threads=1, n_ctx=1024)
    try:
        asked = [await _asked(opened, model, text) for text in case["asked"]]
    finally:
        await model.aclose()
    lines = [f"total{tuple(one['call'])} → {_short(one)}" for one in straight]
    for one in asked:
        calls = "; ".join(f"total{tuple(c['call'])} → {_short(c)}" for c in one["calls"])
        lines.append(f"{one['asked']}\n    {calls or 'no call'}\n    {one['answer']}")
    return display_safe("\n".join(lines)) + "\n" + json.dumps({"asked": asked, "calls": straight})


def _short(one: dict[str, Any]) -> str:
    return str(one["back"] if one["error"] is None else one["error"])[:120]


async def _back(opened: Sandbox, of: str, by: str, value: str) -> dict[str, Any]:
    """What a call came to: what it returned, as text, or its error."""
    try:
        back = await _told(opened, _CALL.format(given=(of, by, value)))
    except ToolError as error:
        return {"back": None, "error": str(error)}
    return {"back": back, "error": None}


async def _asked(opened: Sandbox, model: Backend, text: str) -> dict[str, Any]:
    calls: list[dict[str, Any]] = []

    @tool
    async def total(of: Literal["kilos", "price"], by: Literal["city", "state"], value: str) -> str:
        """Add up a column of all orders in which another column has a value."""
        found = await _back(opened, of, by, value)
        calls.append({"call": [of, by, value], **found})
        if found["error"] is not None:
            raise ToolError(found["error"])
        return found["back"]

    tools: list[Tool[Any]] = [total]
    agent = Agent(backend=model, tools=tools, settings=STEADY, limits=Limits(steps=2))
    result = await agent.run(text)
    return {"asked": text, "calls": calls, "answer": result.text}


async def _told(opened: Sandbox, code: str) -> str:
    """What some code prints; its error, if it has one, is the tool's."""
    result = await opened.run_python(code)
    if result.error is not None:
        raise ToolError(result.error.strip().splitlines()[-1])
    return result.stdout.strip()


_TABLE = """import pandas as pd
_table = pd.DataFrame({rows}, columns={columns})
_table['kilos'] = _table['kilos'].astype(float)"""
_CALL = "print(total(_table.copy(), *{given!r}))"
_ready: WeakKeyDictionary[Sandbox, bool] = WeakKeyDictionary()
