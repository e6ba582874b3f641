"""Texts as numbers: the pieces they are cut into, and which number each piece has.

It is read outside, and copied into the sandbox as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

PAD, START, END, UNKNOWN = range(4)
"""What fills a row up; what a target begins and ends with; a piece that was never seen."""

_PIECE = re.compile(r" ?[^\W\d]+| ?\d|[^\w\s]")


def cut(text: str) -> list[str]:
    """Its words, digits and marks, each with the space before it, so that joined they are it."""
    return _PIECE.findall(text)


class Vocabulary:
    """The pieces of some texts, numbered from 4 on in the order of the alphabet."""

    def __init__(self, texts: Iterable[str]) -> None:
        self.pieces = ["", "", "", "?", *sorted({piece for text in texts for piece in cut(text)})]
        self._ids = {piece: n for n, piece in enumerate(self.pieces) if n > UNKNOWN}

    def __len__(self) -> int:
        return len(self.pieces)

    def ids(self, text: str) -> list[int]:
        """A number for each piece; UNKNOWN for one that stood in none of the texts."""
        return [self._ids.get(piece, UNKNOWN) for piece in cut(text)]

    def text(self, ids: Iterable[int]) -> str:
        """The pieces joined, up to END; START and PAD are nothing."""
        kept: list[str] = []
        for n in ids:
            if n == END:
                break
            kept.append(self.pieces[n])
        return "".join(kept)


def padded(rows: Sequence[Sequence[int]]) -> list[list[int]]:
    """Rows made equally long with PAD."""
    longest = max(map(len, rows))
    return [[*row, *[PAD] * (longest - len(row))] for row in rows]
