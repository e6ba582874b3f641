"""Texts of a grammar, byte by byte: what single bytes may write, every vocabulary may."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import numpy as np

from agentlab.backends.llamacpp.guide import Guide, Walk

END = 256
GUIDE = Guide([*(bytes([byte]) for byte in range(256)), b""], (), (END,))
"""A vocabulary of single bytes."""
PLAIN = np.array([0x20 <= byte < 0x7F for byte in range(END + 1)])
CLOSING = np.array([chr(byte) in '"}]' for byte in range(END + 1)])


def admits(grammar: str, text: str) -> bool:
    """Whether this is a whole text of the grammar."""
    walk = GUIDE.walk(grammar)
    return walk.take_text(text) and walk.complete


def sample(grammar: str, random: Random, most: int = 300, marks: Sequence[str] = ()) -> str | None:
    """A random text; None where it would not end.

    Args:
        most: bytes.
        marks: text that hardly comes by chance, to be tried where the text should come to its end.
    """
    walk = GUIDE.walk(grammar)
    written = bytearray()
    length = random.randint(10, 80)  # from there on, whatever may end the text is tried
    while len(written) < most:
        allowed = walk.mask()
        tired = len(written) > length
        if allowed[END] and (tired or allowed.sum() == 1 or random.random() < 0.2):
            return written.decode()
        allowed[END] = False
        endings = [chr(byte) for byte in np.flatnonzero(allowed & CLOSING)]
        if marks and (tired or random.random() < 0.2):
            endings += _fitting(walk, marks)
        if endings and random.random() < (0.8 if tired else 0.3):
            chosen = random.choice(endings)
            walk.take_text(chosen)
            written += chosen.encode()
            continue
        plain = allowed & PLAIN
        byte = int(random.choice(np.flatnonzero(plain if plain.any() else allowed)))
        if random.random() < 0.3:
            byte = int(random.choice(np.flatnonzero(allowed)))
        walk.take(byte)
        written.append(byte)
    return None


def _fitting(walk: Walk, marks: Sequence[str]) -> list[str]:
    """Those of these that may stand next."""
    found: list[str] = []
    for mark in filter(None, marks):
        ahead = Walk(walk._matcher.deep_copy(), GUIDE.tokenizer, GUIDE.size)
        if ahead.take_text(mark):
            found.append(mark)
    return found
