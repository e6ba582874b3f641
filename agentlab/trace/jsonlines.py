"""Files of JSON lines that outlive their writer: a header, then one record a line.

Every line is written whole before the call returns, one writer at a time, secrets blanked out. What
a crash leaves of a last line is cut off by the next writer and left out by readers. Traces and
results of labs are such files.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

from pydantic_core import from_json

from agentlab.errors import TraceError, TraceVersionError
from agentlab.trace.redaction import Redactor

_HEADER: Final = 64 << 20
"""Bytes of the longest header: it holds the descriptions of all tools of an agent."""


class LineWriter:
    """Appends lines to a file that nobody else is writing.

    Args:
        secret: values that must never reach the file.
    """

    def __init__(self, *, secret: Iterable[str] = ()) -> None:
        self.file = -1
        self._redactor = Redactor(secret)
        self._torn = False

    def open(self, path: Path, flags: int, *, name: Path) -> None:
        """Open the file, for this writer alone. `name` is what it is, or will be, called.

        Raises:
            OSError: it cannot be opened.
            TraceError: another process is writing it.
        """
        self.file = os.open(path, flags | os.O_WRONLY | os.O_APPEND, 0o600)
        _lock(self.file, name)

    def write(self, line: bytes) -> None:
        """Write one line. When this returns, it survives the death of this process.

        Raises:
            OSError: the disk is full. Lines written before stay whole.
        """
        line = self._redactor.line(line)
        # After a write that failed half-way, the next record starts on a line of its own
        data = b"\n" + line + b"\n" if self._torn else line + b"\n"
        self._torn = True
        while data:
            data = data[os.write(self.file, data) :]
        self._torn = False

    def close(self) -> None:
        """Let go of the file. Closing twice does no harm."""
        if self.file >= 0:
            os.close(self.file)
            self.file = -1


def _lock(file: int, path: Path) -> None:
    """Keep a second writer out; the system lets go when this process ends, however it ends."""
    if sys.platform == "win32":
        return
    import fcntl  # not on every system

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise TraceError(f"{path} is still being written; wait for that, or stop it") from None
    except OSError:  # a file system without locks: nothing keeps a second writer out there
        return


def cut_torn_tail(path: Path) -> int:
    """Cut off what a crash left of the last line; the size in bytes of what stays."""
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        os.truncate(path, whole)
    return whole


def first_line(file: BinaryIO) -> bytes:
    """The line that a file begins with, without its end; cut where it is longer than any header."""
    return file.readline(_HEADER).removesuffix(b"\n")


def read_header(path: Path, line: bytes, *, format: str, version: int, what: str) -> dict[str, Any]:
    """The fields of a file's first line, if this version can read what follows.

    Args:
        format: what the header must call itself.
        version: the newest that can be read.
        what: what such a file is, for people, e.g. `a trace`.

    Raises:
        TraceError: it is no such header.
        TraceVersionError: a newer AgentLab wrote it.
    """
    try:
        raw: object = from_json(line)
    except ValueError:
        raise TraceError(f"{path} is not {what}: its first line is not JSON") from None
    if not isinstance(raw, dict) or cast(dict[str, Any], raw).get("format") != format:
        raise TraceError(f"{path} is not {what}: its first line does not say {format!r}")
    fields = cast(dict[str, Any], raw)
    written = fields.get("version")
    if isinstance(written, int) and written > version:
        # what a stranger's file says of itself is shown on a terminal: nothing but a version passes
        release = re.fullmatch(r"[0-9][0-9A-Za-z.+-]{0,39}", str(fields.get("agentlab")))
        newer = f"{release[0]} or newer" if release else "in its newest version"
        raise TraceVersionError(
            f"{path} is {what} in format {str(written)[:20]}; this AgentLab reads up to {version}: "
            f"install agentlab-kit {newer} to read it"
        )
    return fields


def damaged(path: Path, error: Any) -> TraceError:
    """The error for a header whose fields do not validate, from pydantic's `ValidationError`."""
    first = error.errors(include_url=False)[0]
    where = ".".join(map(str, first["loc"]))
    return TraceError(f"{path} has a damaged header: {where[:80]!a}: {first['msg']}")
