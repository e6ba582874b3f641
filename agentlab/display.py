"""Text of models and tools, made safe to show: it may hold anything."""

from __future__ import annotations

import re

# C0 and C1 controls but tab and newline, and the marks that turn the direction of text around
_UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def safe(text: str) -> str:
    """Replace what could move the cursor, colour the screen or lie about its order.

    Control characters show as their pictures (`␛` for escape), so nothing is hidden.
    """
    return _UNSAFE.sub(lambda found: _picture(found[0]), text.replace("\r\n", "\n"))


def one_line(text: str, length: int = 100) -> str:
    """The text on one line of at most `length` characters, safe to show."""
    text = " ".join(safe(text[: 4 * length]).split())
    return text if len(text) <= length else text[: length - 1] + "…"


def _picture(character: str) -> str:
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else "\N{REPLACEMENT CHARACTER}"
