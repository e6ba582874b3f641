"""What an interpreter answers, read as the hostile text it may be.

A cell can write to the interpreter's socket: early, late, for another cell, too long, nested too
deep, of the wrong types. What is not an answer to the cell that waits is dropped, so a forged one
can only lie about what the cell itself did, which it could do by printing, too.

A line is one object whose values are texts, numbers and the like, never lists or further objects:
that is looked at before it is parsed, so that no line can unpack to more than its own length. Each
figure is a line of its own, before the answer.
"""

from __future__ import annotations

import json
import re
from binascii import Error as Base64Error
from binascii import a2b_base64
from dataclasses import dataclass
from typing import Any, cast

from agentlab.messages import clean
from agentlab_tools.execute.plan import Plan
from agentlab_tools.execute.text import shorten
from agentlab_tools.execute.values import Outcome

_PNG = b"\x89PNG\r\n\x1a\n"
_PIXELS = 64_000_000
_QUOTES = 50_000  # a value and a traceback of nothing else have 40,000
_REST = 1000
_TEXTS = re.compile(rb'"(?:[^"\\]++|\\.)*+"?+', re.DOTALL)  # never fails, so never looks back


@dataclass(frozen=True)
class Answer:
    """How one cell ended, as far as the interpreter tells."""

    outcome: Outcome = "ok"
    value: str | None = None
    value_truncated: bool = False
    error: str | None = None
    figures: tuple[bytes, ...] = ()
    figures_dropped: int = 0
    broken: str | None = None
    """Why its interpreter is of no use any more, where it says so itself."""


def read(line: bytes) -> dict[str, Any] | None:
    """One line as a flat JSON object, or None where it is anything else."""
    if line.count(b'"') > _QUOTES:
        return None
    rest = _TEXTS.sub(b"", line)
    if len(rest) > _REST or rest.count(b"{") != 1 or b"[" in rest:
        return None
    return _object(line)


def ready(line: bytes) -> dict[str, Any] | None:
    """What an interpreter says before any code that nobody trusts has run in it."""
    return _object(line)


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return cast(dict[str, Any], value) if isinstance(value, dict) else None


def answer(
    found: dict[str, Any], plan: Plan, figures: tuple[bytes, ...] = (), refused: int = 0
) -> Answer:
    """The answer in an object that claims to be one, each field checked and cut to its cap.

    Args:
        figures: those that came before it, and `refused`, how many more that were none.
    """
    caps = plan.caps
    outcome = found.get("outcome")
    value, error = found.get("value"), found.get("error")
    dropped, broken = found.get("figures_dropped"), found.get("broken")
    truncated = found.get("value_truncated") is True
    slack = 64  # for the note on what was left out
    if isinstance(value, str):
        value, cut = shorten(clean(value), caps["text"] + slack)
        truncated = truncated or cut
    count = dropped if isinstance(dropped, int) and 0 <= dropped < 1_000_000 else 0
    return Answer(
        outcome=outcome if outcome in ("ok", "error", "interrupted") else "error",
        value=value if isinstance(value, str) else None,
        value_truncated=truncated,
        error=shorten(clean(error), caps["text"] + slack)[0] if isinstance(error, str) else None,
        figures=figures,
        figures_dropped=count + refused,
        broken=shorten(clean(broken), _REST)[0] if isinstance(broken, str) else None,
    )


def figure(found: object, plan: Plan) -> bytes | None:
    """A picture sent as base64; None where it is none, or too large."""
    try:
        data = a2b_base64(found) if isinstance(found, str) else b""
    except (Base64Error, ValueError):
        return None
    return data if is_png(data) and len(data) <= plan.limits.figure_bytes else None


def is_png(data: bytes) -> bool:
    """Whether these bytes begin as a PNG does, of a size that a viewer can unpack."""
    if len(data) < 33 or not data.startswith(_PNG) or data[12:16] != b"IHDR":
        return False
    width, height = (int.from_bytes(data[at : at + 4], "big") for at in (16, 20))
    return 0 < width * height <= _PIXELS
