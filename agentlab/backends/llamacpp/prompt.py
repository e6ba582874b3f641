"""From rendered text to tokens, without reading anything twice and without being fooled.

A rendered conversation alternates control tokens and runs of plain text. Two things follow:

- What a person, a tool or a model wrote can never become a control token: before rendering, text
  that looks like one is broken by a mark (`guard`), and the mark is taken out again afterwards.
- A run that a context has already read is not tokenised again: its tokens are taken as they are.
  So a model's own words keep the very tokens it chose, though a tokeniser might cut them otherwise,
  and the next turn finds everything before it still warm.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Protocol

MARK = "\ufdd0"
"""A noncharacter: Unicode promises that it means nothing in text that is exchanged."""


class Vocabulary(Protocol):
    """What is needed of a model's vocabulary. Training reads conversations by its own."""

    @property
    def bos(self) -> int:
        """The token that opens a text; negative where there is none."""
        ...

    @property
    def adds_bos(self) -> bool:
        """Whether every conversation begins with it."""
        ...

    @property
    def controls(self) -> Mapping[str, int]:
        """Control tokens by their text."""
        ...

    def is_control(self, token: int) -> bool:
        """Whether a token marks structure and is not text."""
        ...

    def piece(self, token: int) -> bytes:
        """A token's bytes; a control token's are its text."""
        ...

    def tokens(self, text: str) -> list[int]:
        """Text to tokens; text that looks like a control token stays text."""
        ...


class Prompts:
    """Makes tokens for one model's conversations."""

    def __init__(self, model: Vocabulary) -> None:
        self._model = model
        names = sorted(filter(None, model.controls), key=len, reverse=True)
        self._control = re.compile("|".join(map(re.escape, names)) or r"(?!)")

    def guard(self, text: str) -> str:
        """Text that no longer looks like control tokens, until `tokens` restores it."""
        # a stray half of a surrogate pair has no UTF-8, and a stray mark would be taken out
        text = text.replace(MARK, "").encode("utf-8", "replace").decode()
        return self._control.sub(lambda found: found[0][0] + MARK + found[0][1:], text)

    def tokens(self, rendered: str, read: Sequence[int]) -> list[int]:
        """The tokens of a rendered conversation.

        Args:
            rendered: with everything that is not the template's own guarded.
            read: the tokens a context holds; runs equal to its own keep its tokens.
        """
        model = self._model
        ids: list[int] = []
        if model.adds_bos:
            ids.append(model.bos)
            if bos := model.piece(model.bos).decode("utf-8", "replace"):
                rendered = rendered.removeprefix(bos)
        same = list(read[: len(ids)]) == ids
        for run, control in self._runs(rendered):
            if control is None:
                ids_before = self._known(run, read, len(ids)) if same else None
                same = ids_before is not None
                ids += ids_before if ids_before is not None else model.tokens(run)
            else:
                same = same and len(ids) < len(read) and read[len(ids)] == control
                ids.append(control)
        return ids

    def _runs(self, rendered: str) -> list[tuple[str, int | None]]:
        """Runs of text, and control tokens, in order."""
        runs: list[tuple[str, int | None]] = []
        end = 0
        for marker in self._control.finditer(rendered):
            if marker.start() > end:
                runs.append((rendered[end : marker.start()].replace(MARK, ""), None))
            runs.append(("", self._model.controls[marker[0]]))
            end = marker.end()
        if end < len(rendered):
            runs.append((rendered[end:].replace(MARK, ""), None))
        return runs

    def _known(self, run: str, read: Sequence[int], start: int) -> list[int] | None:
        """The tokens of `run` where `read` holds exactly it at `start`, or a beginning of it."""
        model = self._model
        data = run.encode()
        at, end = 0, start
        while end < len(read) and not model.is_control(read[end]) and at < len(data):
            piece = model.piece(read[end])
            if not data.startswith(piece, at):
                return None
            at += len(piece)
            end += 1
        before = list(read[start:end])
        if at == len(data):
            return before
        if end < len(read):
            return None
        # all that was read is a beginning of this run: go on from there
        return before + model.tokens(data[at:].decode("utf-8", "replace"))
