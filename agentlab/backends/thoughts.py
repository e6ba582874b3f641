"""Thoughts that a server leaves in the text of its answer: `<think>…</think>` at the beginning.

A model's own marks reach us where the server in between does not read them. Pieces may be cut
anywhere, also inside a mark.
"""

from __future__ import annotations

import re
from typing import Literal, TypeAlias

OPEN, CLOSE = "<think>", "</think>"
_ALONE = re.compile(r"(?:^|\n)[ \t]*</think>[ \t]*(?:\n|$)")

Piece: TypeAlias = tuple[Literal["text", "thought"], str]


class Thoughts:
    """Tells text from thoughts, as both come in.

    Only an answer that begins with `<think>` is taken to think: a mark further on is text about
    marks.
    """

    def __init__(self) -> None:
        self._state: Literal["start", "thought", "after", "text"] = "start"
        self._held = ""

    def feed(self, text: str) -> list[Piece]:
        """What more of the answer's text adds."""
        if self._state == "text":
            return [("text", text)]
        self._held += text
        pieces: list[Piece] = []
        if self._state == "start":
            begun = self._held.lstrip()
            if begun.startswith(OPEN):
                self._held, self._state = begun[len(OPEN) :], "thought"
            elif not OPEN.startswith(begun):
                return [("text", self._release())]
        if self._state == "thought":
            thought, mark, rest = self._held.partition(CLOSE)
            if mark:
                pieces.append(("thought", thought))
                self._held, self._state = rest, "after"
            else:
                keep = _overhang(thought)
                pieces.append(("thought", thought[: len(thought) - keep]))
                self._held = thought[len(thought) - keep :]
        if self._state == "after":
            self._held = self._held.lstrip()  # the blank lines between thought and answer
            if self._held:
                pieces.append(("text", self._release()))
        return [piece for piece in pieces if piece[1]]

    def finish(self) -> list[Piece]:
        """What was held back in case more came."""
        thinking = self._state == "thought"
        held = self._release()
        return [("thought" if thinking else "text", held)] if held else []

    def _release(self) -> str:
        held, self._held, self._state = self._held, "", "text"
        return held


def unopened(text: str) -> tuple[str, str] | None:
    """Thought and answer, where the opening mark stood in the prompt and so is missing here.

    The closing mark must have a line to itself, and be the only one.
    """
    if text.count(CLOSE) != 1 or OPEN in text:
        return None
    found = _ALONE.search(text)
    if found is None:
        return None
    return text[: found.start()], text[found.end() :].lstrip()


def _overhang(text: str) -> int:
    """How many characters at the end may be the beginning of the closing mark."""
    for size in range(min(len(text), len(CLOSE) - 1), 0, -1):
        if text.endswith(CLOSE[:size]):
            return size
    return 0
