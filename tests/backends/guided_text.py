"""Texts of a grammar, byte by byte: what single bytes may write, every vocabulary may."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import numpy as np

from agentlab.backends.llamacpp.guide import Guide

END = 256
GUIDE = Guide([*(bytes([byte]) for byte in range(256)), b""], (), (END,))
"""A vocabulary of single bytes."""


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
    while len(written) < most:
        allowed = np.flatnonzero(walk.mask())
        tired = len(written) > random.randint(10, 80)
        if END in allowed and (tired or len(allowed) == 1 or random.random() < 0.2):
            return written.decode()
        for mark in filter(None, marks) if tired or random.random() < 0.2 else ():
            on = GUIDE.walk(grammar)
            if _is_text(written) and on.take_text(written.decode() + mark):
                walk = on
                written += mark.encode()
                break
        else:
            allowed = allowed[allowed != END]
            closing = [byte for byte in b'"}]' if byte in allowed]
            plain = [byte for byte in allowed if 0x20 <= byte < 0x7F]
            if closing and (tired or random.random() < 0.15):
                byte = random.choice(closing)
            else:
                byte = random.choice(plain if plain and random.random() < 0.7 else list(allowed))
            walk.take(int(byte))
            written.append(byte)
    return None


def _is_text(written: bytearray) -> bool:
    try:
        written.decode()
    except UnicodeDecodeError:
        return False
    return True
