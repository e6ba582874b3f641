"""The pages a reader meets, and the blocks of code in them."""

from __future__ import annotations

import ast
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


@dataclass(frozen=True)
class Elsewhere:
    """Why something on a page is not run here, and the tests that run its like."""

    why: str
    tests: tuple[str, ...]

    def lost(self) -> list[str]:
        """Those of its tests that are not there any more."""
        return [named for named in self.tests if named.partition("::")[2] not in _tests_of(named)]


def _tests_of(named: str) -> set[str]:
    module = ast.parse((ROOT / "tests" / named.partition("::")[0]).read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.walk(module) if isinstance(node, kinds)}


def blocks(page: Path) -> Iterator[Block]:
    """The blocks of a page, in its order."""
    text = page.read_text(encoding="utf-8")
    found = list(_BLOCK.finditer(text))
    for block, after in zip_longest(found, found[1:]):
        under = after and after[1] == "text" and not text[block.end() : after.start()].strip()
        line = text[: block.start()].count("\n") + 2
        yield Block(page, line, block[1], block[2], after[2] if after and under else None)
