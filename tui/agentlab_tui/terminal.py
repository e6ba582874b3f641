"""Getting the terminal ready, before the app takes it over."""

from __future__ import annotations

import sys
from typing import TextIO, cast


def make_ready() -> str:
    """Make sure that every sign can be written, if only as `?`.

    Returns one line on what will look wrong; empty if nothing will.
    """
    stream = cast("TextIO | None", sys.__stderr__)  # what the app draws on
    encoding = (getattr(stream, "encoding", None) or "utf-8").lower().replace("_", "-")
    if encoding in ("utf-8", "utf8"):
        return ""
    if (reconfigure := getattr(stream, "reconfigure", None)) is not None:
        reconfigure(errors="replace")
    return (
        f"This terminal's locale is {encoding}, not UTF-8, so frames and marks show as ?. "
        "Set LC_ALL=C.UTF-8, or use agentlab tui --text."
    )
