"""The pages a reader meets, and the blocks of code in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```\n?", re.S | re.M)


@dataclass(frozen=True)
class Block:
    """A block of code, and what stands right under it in a block of text."""

    page: Path
    line: int
    language: str
    code: str
    prints: str | None

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def blocks(page: Path) -> Iterator[Block]:
    """The blocks of a page, in its order."""
    text = page.read_text(encoding="utf-8")
    found = list(_BLOCK.finditer(text))
    for block, after in zip_longest(found, found[1:]):
        under = after and after[1] == "text" and not text[block.end() : after.start()].strip()
        line = text[: block.start()].count("\n") + 2
        yield Block(page, line, block[1], block[2], after[2] if after and under else None)
