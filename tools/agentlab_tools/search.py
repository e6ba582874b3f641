"""Search over a folder of documents, for an agent.

The folder that comes along is a small library of articles on generative AI; `search_over` makes the
same tool of any folder of Markdown or text files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from agentlab.decoding import Undecodable, decode
from agentlab.errors import ToolError
from agentlab.tooling import Tool, tool
from agentlab_tools.lexical import LexicalIndex, Passage

LIBRARY = Path(__file__).resolve().parent / "library"
SUFFIXES = (".md", ".markdown", ".txt")

_LINE_END = re.compile("\r\n|\r|\n")
_HEADING = re.compile(r"^#{1,6}\s+(?P<text>.+?)\s*#*$")
_PASSAGE_CHARS = 700
_LISTS = frozenset({"sources", "references", "bibliography", "further reading"})
"""Sections that name documents but say nothing: their titles would outrank what is said."""


def search_over(
    folder: Path, *, name: str = "search", about: str = "the documents", top: int = 2
) -> Tool[Any]:
    """A tool that finds passages in a folder's documents, which are indexed when first searched.

    Args:
        folder: of Markdown or text files.
        name: what the model calls it.
        about: what is in there, for the model.
        top: how many passages it answers with. Not the model's choice: one argument less to
            get wrong.
    """

    @lru_cache(maxsize=1)
    def index() -> LexicalIndex:
        return LexicalIndex(passages_in(folder))

    @tool(name=name, description=f"Look something up in {about}.", read_only=True)
    def look_up(
        query: Annotated[str, Field(description="a few words", min_length=1, max_length=120)],
    ) -> str:
        hits = index().search(query, top)
        if not hits:
            return f"nothing found for {query!r}"
        return "\n\n".join(
            f"[{hit.passage.source}:{hit.passage.line}] {hit.passage.text}" for hit in hits
        )

    return look_up


def passages_in(folder: Path) -> Iterator[Passage]:
    """The passages of every document in a folder: whole paragraphs, under their heading.

    Raises:
        ToolError: there is no such folder, or nothing in it can be read.
    """
    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in SUFFIXES)
    if not files:
        raise ToolError(f"there are no documents in {folder.name}")
    for file in files:
        source = file.relative_to(folder).as_posix()
        try:
            text, _ = decode(file.read_bytes())
        except Undecodable as error:
            raise ToolError(f"{source} can't be searched: {error}") from None
        yield from passages(text, source)


def passages(text: str, source: str) -> Iterator[Passage]:
    """A document's passages: paragraphs, joined up to some 700 characters, never over a heading."""
    title = heading = ""
    block: list[str] = []
    begin = 1

    def flush() -> Iterator[Passage]:
        body = "\n".join(block).strip()
        if body and heading.lower() not in _LISTS:
            where = f"{title}: {heading}" if title and heading and heading != title else title
            yield Passage(source=source, heading=where or source, line=begin, text=body)
        block.clear()

    for number, line in enumerate(_LINE_END.split(text), 1):
        if head := _HEADING.match(line):
            yield from flush()
            heading = head["text"]
            title = title or heading
        elif not line.strip() and sum(map(len, block)) > _PASSAGE_CHARS // 2:
            yield from flush()
        elif line.strip() or block:
            if not block:
                begin = number
            block.append(line.rstrip())
    yield from flush()


search = search_over(LIBRARY, about="a library of articles on generative AI")
