"""What a person says on the command line: words, what is piped in, files, pictures and sounds."""

from __future__ import annotations

import re
import stat
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING, TypeVar

import click

from agentlab.errors import ConfigError, Refused

if TYPE_CHECKING:
    from agentlab.messages import Audio, Image

_Part = TypeVar("_Part")
MAX_FILE = 4 * 1024 * 1024
"""Bytes of a text file that is put into a message; more than any model reads."""
_PATIENCE = 2.0


def words(message: str | None, *, enough: bool = False) -> str | None:
    """The message given, with what is piped in below it; None where a person sits at a terminal.

    Args:
        enough: there is something else to ask about, e.g. a file.

    Raises:
        ConfigError: there is nothing at all.
    """
    piped = _piped(message is None)
    texts = [text for text in (message, piped) if text is not None and text.strip()]
    if not texts and message is None and piped is None:
        return None
    if texts or enough:
        return "\n\n".join(texts)
    raise ConfigError('nothing was asked: agentlab chat "…", or pipe the question in')


def _piped(wanted: bool) -> str | None:
    """What is on stdin, unless that is a terminal."""
    if sys.stdin is None or sys.stdin.isatty():  # pyright: ignore[reportUnnecessaryComparison]
        return None if sys.stdin else ""
    if not (wanted or _is_fed()):  # e.g. a service's /dev/null: the message is all there is
        return None
    hint = Timer(_PATIENCE, click.echo, ["agentlab: also reading stdin, to its end …"], {"err": 1})
    hint.daemon = True
    hint.start()
    try:
        if not hasattr(sys.stdin, "buffer"):  # a stand-in, which holds text
            return sys.stdin.read()
        return _decoded(sys.stdin.buffer.read(), "what is piped in").replace("\r\n", "\n")
    finally:
        hint.cancel()


def _decoded(data: bytes, name: str, remedy: str = "") -> str:
    from agentlab.decoding import Undecodable, decode

    try:
        text, note = decode(data)
    except Undecodable as error:
        raise ConfigError(f"{name} is not text that can be read ({error}){remedy}") from None
    if note:
        click.echo(f"agentlab: {name}: {note}", err=True)
    return text


def _is_fed() -> bool:
    try:
        mode = Path(f"/dev/fd/{sys.stdin.fileno()}").stat().st_mode
    except (OSError, ValueError):
        return True
    return stat.S_ISFIFO(mode) or stat.S_ISREG(mode) or stat.S_ISSOCK(mode)


def quoted(files: Iterable[Path]) -> list[str]:
    """Each text file under its name, between fences that its own text can't close.

    Raises:
        ConfigError: one can't be read, is too large, or is no text.
    """
    return [_quoted(file) for file in files]


def _quoted(file: Path) -> str:
    from agentlab.display import one_line

    data = _bytes_of(file)
    if len(data) > MAX_FILE:
        raise ConfigError(f"{file} has {len(data):,} bytes; --file takes at most {MAX_FILE:,}")
    text = _decoded(data, str(file), ": --image takes pictures")
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{one_line(file.name)}:\n{fence}\n{text.rstrip()}\n{fence}"


def pictures(files: Iterable[Path]) -> list[Image]:
    """The pictures in these files; what they are is read from their first bytes.

    Raises:
        ConfigError: one can't be read, or is neither PNG, JPEG, WebP nor GIF.
    """
    from agentlab.messages import Image

    return [
        _made(Image.of, file, "a picture: --image takes PNG, JPEG, WebP and GIF") for file in files
    ]


def audio(files: Iterable[Path]) -> list[Audio]:
    """The sounds in these files, likewise.

    Raises:
        ConfigError: one can't be read, or is neither WAV nor MP3.
    """
    from agentlab.messages import Audio

    return [_made(Audio.of, file, "a sound: --audio takes WAV and MP3") for file in files]


def _made(of: Callable[[bytes], _Part], file: Path, what: str) -> _Part:
    try:
        return of(_bytes_of(file))
    except Refused:
        raise ConfigError(f"{file} is not {what}") from None


def _bytes_of(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror or error}") from error
