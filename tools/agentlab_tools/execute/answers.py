"""What an interpreter answers, read as the hostile text it may be.

A cell can write to the interpreter's socket: early, late, for another cell, too long, nested too
deep, of the wrong types. What is not an answer to the cell that waits is dropped, so a forged one
can only lie about what the cell itself did, which it could do by printing, too.
"""

from __future__ import annotations

import json
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


@dataclass(frozen=True)
class Answer:
    """How one cell ended, as far as the interpreter tells."""

    outcome: Outcome = "ok"
    value: str | None = None
    value_truncated: bool = False
    error: str | None = None
    figures: tuple[bytes, ...] = ()
    figures_dropped: int = 0


def read(line: bytes) -> dict[str, Any] | None:
    """One line as a JSON object, or None where it is anything else."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return cast(dict[str, Any], found) if isinstance(found, dict) else None


def answer(found: dict[str, Any], plan: Plan) -> Answer:
    """The answer in an object that claims to be one, each field checked and cut to its cap."""
    caps = plan.caps
    outcome = found.get("outcome")
    value, error = found.get("value"), found.get("error")
    dropped = found.get("figures_dropped")
    truncated = found.get("value_truncated") is True
    slack = 64  # for the note on what was left out
    if isinstance(value, str):
        value, cut = shorten(clean(value), caps["text"] + slack)
        truncated = truncated or cut
    figures, refused = _figures(found.get("figures"), caps)
    count = dropped if isinstance(dropped, int) and 0 <= dropped < 1_000_000 else 0
    return Answer(
        outcome=outcome if outcome in ("ok", "error", "interrupted") else "error",
        value=value if isinstance(value, str) else None,
        value_truncated=truncated,
        error=shorten(clean(error), caps["text"] + slack)[0] if isinstance(error, str) else None,
        figures=figures,
        figures_dropped=count + refused,
    )


def _figures(found: object, caps: dict[str, int]) -> tuple[tuple[bytes, ...], int]:
    if not isinstance(found, list):
        return (), 0
    kept: list[bytes] = []
    items = cast(list[object], found)
    for item in items[: caps["figures"]]:
        try:
            data = a2b_base64(item) if isinstance(item, str) else b""
        except (Base64Error, ValueError):
            continue
        if is_png(data) and len(data) <= caps["figure_bytes"]:
            kept.append(data)
    return tuple(kept), len(items) - len(kept)


def is_png(data: bytes) -> bool:
    """Whether these bytes begin as a PNG does, of a size that a viewer can unpack."""
    if len(data) < 33 or not data.startswith(_PNG) or data[12:16] != b"IHDR":
        return False
    width, height = (int.from_bytes(data[at : at + 4], "big") for at in (16, 20))
    return 0 < width * height <= _PIXELS
