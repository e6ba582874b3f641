"""Documents cut into passages: by structure, in the embedder's own tokens.

A passage is a range of the document's text, so it can be quoted, and its lines are true. It never
crosses a heading or a page. Where a section takes several passages, each begins with the last few
sentences (lines, rows) of the one before. What is too long on its own is cut: a paragraph at
sentences, code at lines, a sentence between words, a word anywhere.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from agentlab_tools.knowledge.ingest.document import SEPARATOR, Block, Document, Shape
from agentlab_tools.knowledge.types import Chunk, Scalar, Source

Count = Callable[[str], int]

_CHARS_A_TOKEN = 8
# Tokenizers make one token of a word they don't know, however long: so length counts as well
_SENTENCE = re.compile(r"[.!?…]+[\"'”’)\]]*\s+|[。！？]+|\n+")
_WORD = re.compile(r"\s+")
_LINE = re.compile(r"\n+")


@dataclass(frozen=True)
class Sizes:
    """How long passages are, in tokens of the embedder.

    MiniLM reads 256 of a text, and a passage is embedded with its headings.

    Attributes:
        tokens: at most this many, headings included.
        overlap: at most this many are repeated from the passage before.
    """

    tokens: int = 220
    overlap: int = 30


@dataclass(frozen=True)
class _Piece:
    start: int
    end: int
    tokens: int
    block: int  # its number in the section


def chunks(
    document: Document,
    file: str,
    count: Count,
    sizes: Sizes = Sizes(),
    metadata: Mapping[str, Scalar] | None = None,
) -> Iterator[Chunk]:
    """The passages of a document, in order.

    Args:
        file: what the document is called in sources.
        count: how many tokens a text takes.
        metadata: of every passage; `kind` is added.
    """
    shared = {**(metadata or {}), "kind": document.kind}
    sections = groupby(document.blocks, lambda block: (block.heading, block.page))
    for (heading, page), blocks in sections:
        room = sizes.tokens - min(count(headline(heading)) if heading else 0, sizes.tokens // 2)
        for start, end in _packed(document.text, list(blocks), count, room, sizes.overlap):
            text = document.text[start:end]
            source = Source(
                file=file,
                start=document.line_of(start),
                end=document.line_of(end - 1),
                heading=heading,
                page=page,
            )
            place = f"{file}\0{start}\0{end}\0{heading}\0{page}\0{text}"
            id = hashlib.sha256(place.encode()).hexdigest()[:32]
            yield Chunk(id=id, text=text, source=source, metadata=shared)


def headline(heading: str) -> str:
    """What of a path of headings is embedded with a passage: the last two, one line."""
    return ": ".join(heading.split(SEPARATOR)[-2:])


def embedded_text(chunk: Chunk) -> str:
    """What an embedder is given of a passage: its headings, then its text."""
    heading = headline(chunk.source.heading)
    return f"{heading}\n{chunk.text}" if heading else chunk.text


def _packed(
    text: str, blocks: Sequence[Block], count: Count, room: int, overlap: int
) -> Iterator[tuple[int, int]]:
    """Ranges of passages: as many pieces as fit, ending between blocks where that wastes little."""
    pieces = [
        piece
        for number, block in enumerate(blocks)
        for piece in _pieces(text, block, number, count, room)
    ]
    first = 0
    while first < len(pieces):
        last, tokens = first, pieces[first].tokens
        while last + 1 < len(pieces) and tokens + pieces[last + 1].tokens <= room:
            last += 1
            tokens += pieces[last].tokens
        if last + 1 < len(pieces):
            last = _whole_blocks(pieces, first, last)
        yield pieces[first].start, pieces[last].end
        if last + 1 >= len(pieces):
            return
        following, repeated = last + 1, 0
        # nothing is repeated that would leave no room for what is new
        while (
            following - 1 > first
            and repeated + pieces[following - 1].tokens <= overlap
            and repeated + pieces[following - 1].tokens + pieces[last + 1].tokens <= room
        ):
            following -= 1
            repeated += pieces[following].tokens
        first = following


def _whole_blocks(pieces: Sequence[_Piece], first: int, last: int) -> int:
    """The last piece to take: the end of a block, if that keeps half of what fits."""
    if pieces[last].block != pieces[last + 1].block:
        return last
    end = last
    while end > first and pieces[end].block == pieces[last].block:
        end -= 1
    kept = sum(piece.tokens for piece in pieces[first : end + 1])
    whole = sum(piece.tokens for piece in pieces[first : last + 1])
    return end if pieces[end].block != pieces[last].block and kept * 2 >= whole else last


def _pieces(text: str, block: Block, number: int, count: Count, room: int) -> Iterator[_Piece]:
    """A block's sentences or lines, cut where one alone is too long."""
    for start, end in _split(text, block.start, block.end, _breaks(block.shape)):
        tokens = _tokens(text[start:end], count)
        if tokens <= room:
            yield _Piece(start, end, tokens, number)
        else:
            yield from _short(text, start, end, number, count, room)


def _short(
    text: str, start: int, end: int, number: int, count: Count, room: int
) -> Iterator[_Piece]:
    """Cut between words, and inside a word that is too long itself."""
    begin, tokens, stop = start, 0, start
    for word_start, word_end in _split(text, start, end, _WORD):
        for piece_start, piece_end in _slices(word_start, word_end, room):
            more = _tokens(text[piece_start:piece_end], count)
            if stop > begin and tokens + more > room:
                yield _Piece(begin, stop, tokens, number)
                begin, tokens = piece_start, 0
            tokens += more
            stop = piece_end
    if stop > begin:
        yield _Piece(begin, stop, tokens, number)


def _slices(start: int, end: int, room: int) -> Iterator[tuple[int, int]]:
    # a character takes at most a few tokens, and most words are shorter than this
    step = max(1, room // 4 // _CHARS_A_TOKEN) * _CHARS_A_TOKEN
    for begin in range(start, end, step):
        yield begin, min(begin + step, end)


def _breaks(shape: Shape) -> re.Pattern[str]:
    return _SENTENCE if shape == "prose" else _LINE


def _split(text: str, start: int, end: int, breaks: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    """Ranges between breaks, without the blanks around them but with what ends a sentence."""
    begin = start
    for stop, after in [
        *((m.start() + len(m[0].rstrip()), m.end()) for m in breaks.finditer(text, start, end)),
        (end, end),
    ]:
        piece = text[begin:stop]
        if piece.strip():
            # the indentation of code means something
            blank = 0 if breaks is _LINE else len(piece) - len(piece.lstrip())
            yield begin + blank, stop
        begin = after


def _tokens(text: str, count: Count) -> int:
    return max(count(text), len(text) // _CHARS_A_TOKEN, 1)
