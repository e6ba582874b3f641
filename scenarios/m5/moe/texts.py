"""The texts: eight languages to learn from, eight others, and windows of 12 characters."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

SEEN = 12
"""Characters that the net sees; texts begin after so many that are nothing."""
LEARNT, FOLDS = 8, 4
NOTHING = "·"
"""Stands for what is not there, and for letters that no language learnt from has."""
LETTERS = NOTHING + "\n ',-.;abcdefghijklmnopqrstuvwxyzßàáâäçèéêíñóôöùúûüąćęğıłńőśşűźż"


@lru_cache(maxsize=1)
def rights() -> dict[str, list[list[str]]]:
    """The declaration: by language, by article (the preamble is 0), by paragraph."""
    return json.loads(Path(__file__).with_name("rights.json").read_text(encoding="utf-8"))


def languages() -> tuple[str, ...]:
    """Those learnt from, then the others."""
    return tuple(rights())


@dataclass(frozen=True)
class Windows:
    """Places of texts: what stands before each, what comes then, and in which language.

    Attributes:
        seen: (n, 12), numbers of letters.
        then: (n,).
        language: (n,).
    """

    seen: Array
    then: Array
    language: Array

    def strings(self) -> list[str]:
        """What stands before each place, as text."""
        rows: list[list[int]] = self.seen.tolist()
        return ["".join([LETTERS[n] for n in row]) for row in rows]


def paragraphs(fold: int, *, held: bool, others: bool = False) -> list[tuple[int, str]]:
    """The language and the text of each paragraph that is learnt from, or of those held back.

    The same articles are held back in all languages: in each fold, every fourth.
    """
    names = languages()
    chosen = range(LEARNT, len(names)) if others else range(LEARNT)
    return [
        (n, text)
        for n in chosen
        for article, texts in enumerate(rights()[names[n]])
        if (article % FOLDS == fold and article > 0) == held
        for text in texts
    ]


def windows(texts: list[tuple[int, str]]) -> Windows:
    """All places of these texts; a paragraph ends with a new line."""
    import numpy as np

    parts: list[Array] = []
    names: list[Array] = []
    for language, text in texts:
        row = np.array([0] * SEEN + numbers(text + "\n"))
        parts.append(np.lib.stride_tricks.sliding_window_view(row, SEEN + 1))
        names.append(np.full(len(parts[-1]), language))
    every = np.concatenate(parts)
    return Windows(every[:, :-1].copy(), every[:, -1].copy(), np.concatenate(names))


def numbers(text: str) -> list[int]:
    """The number of each letter; 0 for strange ones."""
    return [_numbers.get(letter, 0) for letter in text]


_numbers = {letter: number for number, letter in enumerate(LETTERS)}
