"""Where commands write: a screen with its width, or a pipe without one."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

PIPE = 100_000
"""Columns of a pipe: programs split lines where they end, never where a screen would."""


def console(**options: Any) -> Console:
    """A console on stdout; in a pipe it neither wraps nor cuts, whatever COLUMNS says.

    Args:
        options: those of rich's `Console`.
    """
    from rich.console import Console

    if "width" not in options and not sys.stdout.isatty():
        options["width"] = PIPE
    return Console(highlight=False, **options)


def always_there() -> None:
    """Let what is written go nowhere where a stream was closed (`>&-`), and be read as empty."""
    nowhere = Path(os.devnull)
    if sys.stdin is None:  # pyright: ignore[reportUnnecessaryComparison]
        sys.stdin = nowhere.open(encoding="utf-8")
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, nowhere.open("w", encoding="utf-8"))


def never_fail_on_characters() -> None:
    """Let the standard streams replace what their encoding has no character for.

    A terminal or a pipe may be in any encoding, and what is shown may be in any language. Where a
    person chose how to deal with it (`PYTHONIOENCODING=ascii:xmlcharrefreplace`), that holds.
    """
    for stream in (sys.stdin, sys.stdout):
        if isinstance(stream, io.TextIOWrapper) and stream.errors in ("strict", "surrogateescape"):
            stream.reconfigure(errors="replace")
