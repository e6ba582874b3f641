"""Names that every model service takes, made of those that servers give; no two alike."""

from __future__ import annotations

import re
from collections.abc import Iterable

MAX_NAME = 64
_ROOM = 58
"""What of a name is kept where a number has to follow it."""


class Names:
    """Gives out names, in time that grows with their number alone, however alike they are."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = set(taken)
        self._numbers: dict[str, int] = {}

    def give(self, wanted: str) -> str:
        """`wanted` in letters, digits, `_` and `-`, with a number behind it where it is taken."""
        plain = re.sub(r"[^A-Za-z0-9_-]+", "_", wanted).strip("_") or "tool"
        name, stem = plain[:MAX_NAME], plain[:_ROOM]
        while name in self._taken:
            self._numbers[stem] = self._numbers.get(stem, 1) + 1
            name = f"{stem}_{self._numbers[stem]}"
        self._taken.add(name)
        return name
