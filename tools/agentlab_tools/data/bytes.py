"""Files of data as text, packed or not, in whatever encoding they were written."""

from __future__ import annotations

import gzip
import io
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from agentlab.decoding import Undecodable, encoding_of

_PIECE = 1 << 20


@contextmanager
def open_text(path: Path) -> Generator[tuple[IO[str], str]]:
    """A file's text with its line ends as they are, and a note of what was assumed.

    Raises:
        Undecodable: it is no text, or in no encoding that can be told.
        OSError: it can't be read.
    """
    try:
        with _opened(path) as file:
            encoding = encoding_of(_pieces(file))
        with (
            _opened(path) as file,
            io.TextIOWrapper(file, encoding.codec, encoding.errors, newline="") as text,
        ):
            yield text, encoding.note
    except (EOFError, gzip.BadGzipFile) as error:
        raise Undecodable(f"not a whole gzip file: {error}") from None
    except UnicodeError:
        raise Undecodable("not in the encoding it begins with") from None


def _opened(path: Path) -> IO[bytes]:
    if path.suffix.lower() == ".gz":
        return cast(IO[bytes], gzip.open(path))
    return path.open("rb")


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    while piece := file.read(_PIECE):
        yield piece
