"""Text of models and tools, made safe to show: it may hold anything."""

from __future__ import annotations

import json
import re

# C0 and C1 controls but tab and newline; the marks that turn the direction of text around; line
# ends that only some programs know; marks and tags that nobody sees; and halves of pairs, which no
# terminal takes
_UNSAFE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f"
    r"\ud800-\udfff\ufff9-\ufffb\U000e0000-\U000e007f]"
)


def is_safe(text: str) -> bool:
    """Whether `safe` would leave the text as it is."""
    return _UNSAFE.search(text) is None


def stripped(text: str) -> str:
    """The text without what `safe` replaces, for where a replacement has no room."""
    return _UNSAFE.sub("", text)


def safe(text: str) -> str:
    """Replace what could move the cursor, colour the screen or lie about its order.

    Control characters show as their pictures (`␛` for escape), so nothing is hidden.
    """
    return _UNSAFE.sub(lambda match: _picture(match[0]), text.replace("\r\n", "\n"))


def safe_json(text: str) -> str:
    """The same JSON, with whatever `safe` would replace written as an escape.

    It parses to the same value, so a program loses nothing, and a terminal has nothing to obey.
    """
    return _UNSAFE.sub(lambda match: json.dumps(match[0])[1:-1], text)


def one_line(text: str, length: int = 100) -> str:
    """The text on one line of at most `length` characters, safe to show."""
    text = " ".join(safe(text[: 4 * length]).split())
    return text if len(text) <= length else text[: length - 1] + "…"


def _picture(character: str) -> str:
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else "\N{REPLACEMENT CHARACTER}"


def counted(count: int, noun: str) -> str:
    """So many of something: `1 run`, `2,000 runs`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
