"""Text that came out of a sandbox, made fit to keep and fit to show."""

from __future__ import annotations

import re

from agentlab.messages import clean

_ESCAPE = re.compile(
    r"""
    (?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?              # control sequences: colours, cursor, clearing
    | (?:\x1b[\]PX^_]|[\x90\x98\x9d\x9e\x9f])      # strings to the terminal: titles, clipboard …
      [^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?
    | \x1b[ -/]*[0-~]?                             # two-character escapes
    """,
    re.VERBOSE,
)
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_REORDERING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def display_safe(text: str) -> str:
    """Text that a terminal can only print: no escape sequences, controls or bidi overrides.

    Newlines and tabs stay. A carriage return becomes a newline, so that progress bars stay legible
    and no line can be printed over another.
    """
    text = clean(text).replace("\r\n", "\n").replace("\r", "\n")
    return _REORDERING.sub("", _CONTROL.sub("", _ESCAPE.sub("", text)))


def shorten(text: str, limit: int) -> tuple[str, bool]:
    """At most `limit` characters, head and tail kept, and whether any were left out."""
    if len(text) <= limit:
        return text, False
    head = limit * 3 // 4
    tail = limit - head
    return f"{text[:head]}\n[… {len(text) - limit:,} characters …]\n{text[-tail:]}", True
