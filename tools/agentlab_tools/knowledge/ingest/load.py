"""Bytes of files that anybody may have made, and the text in them.

Nothing but a plain file is ever read: no link is followed, no pipe waited for, and no more read
than a bound.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from agentlab.decoding import Undecodable, decode
from agentlab_tools.knowledge.ingest.document import Unreadable

LONGEST_LINE = 100_000
"""Characters; what has longer lines is data or was packed by a program."""


def read_bytes(path: Path, limit: int) -> bytes:
    """A plain file's bytes.

    Raises:
        Unreadable: it is no plain file, or larger than `limit` bytes.
        OSError: the system does not let it be read.
    """
    flags = os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0)
    file = os.open(path, flags | getattr(os, "O_NOFOLLOW", 0))
    with os.fdopen(file, "rb") as opened:
        status = os.fstat(file)
        if not stat.S_ISREG(status.st_mode):
            raise Unreadable("not a plain file")
        if status.st_size > limit:
            raise Unreadable(f"{_size(status.st_size)}, over the limit of {_size(limit)}")
        data = opened.read(limit + 1)  # it may grow meanwhile, or not tell its size
    if len(data) > limit:
        raise Unreadable(f"over the limit of {_size(limit)}")
    return data


def text_of(
    data: bytes, hint: str = "", longest_line: int | None = LONGEST_LINE
) -> tuple[str, str]:
    """The text in bytes, its lines ended by line feeds; and a note where it is not plain UTF-8.

    Args:
        hint: the encoding that the file says it has.
        longest_line: in characters; None for no bound.

    Raises:
        Unreadable: it is binary, in no encoding that can be told, all blank, or one line of it is
            too long.
    """
    try:
        text, note = decode(data, hint)
    except Undecodable as error:
        raise Unreadable(str(error)) from None
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text.strip():
        raise Unreadable("nothing but blanks in it")
    if longest_line is not None:
        for number, line in enumerate(text.split("\n"), 1):
            if len(line) > longest_line:
                raise Unreadable(f"line {number} has {len(line):,} characters: data, not text")
    return text, note


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count >= 1e5 else f"{count:,} bytes"
