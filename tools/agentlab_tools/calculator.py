"""A calculator. It works in a process of its own, which is killed when its time is up.

Arithmetic on whole numbers is done in C, with the interpreter's lock held: no timeout of a thread
and no Ctrl-C ends it. `arithmetic` lets nothing begin whose end is far away; should something have
been missed, the process is killed and the next call gets a new one.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

from pydantic import Field

from agentlab.errors import ToolError
from agentlab.tooling import tool
from agentlab_tools.arithmetic import MAX_LENGTH
from agentlab_tools.warm import Workers

SECONDS = 5.0
"""What one expression may take."""
_ARITHMETIC = r"^[-+*/%^().,!0-9a-z ×÷−π√]+$"
_WORKERS = Workers(Path(__file__).with_name("arithmetic.py"))


@tool(timeout=2 * SECONDS, read_only=True)
async def calculator(
    expression: Annotated[
        str,
        # A tight pattern is worth a lot to a small model: its grammar can then not go astray
        Field(description='e.g. "12 * (3 + 4)"', pattern=_ARITHMETIC, max_length=MAX_LENGTH),
    ],
) -> str:
    """Work out an arithmetic expression."""
    try:
        line = await _WORKERS.answer(json.dumps(expression).encode(), seconds=SECONDS)
    except TimeoutError:
        raise ToolError(f"that was not worked out within {SECONDS:g} seconds") from None
    if not line:
        raise ToolError("working that out takes too much memory or time")
    said: dict[str, str] = json.loads(line)
    if "error" in said:
        raise ToolError(said["error"])
    return said["value"]
