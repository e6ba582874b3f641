"""Files that a stranger may have sent: read only where they are files, and as large as they look.

In the place of a file can stand a pipe that nobody writes to, a device without end, a link that
leads back to itself, or ten gigabytes that take no room on a disk and all there is in memory. What
is opened here waits for nobody and is none of these; what it costs to read is what it cost to send.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

HOLLOW = 64 << 20
"""Bytes up to which a file may have holes: a crash of the system leaves some in honest files."""


def open_regular(path: Path) -> BinaryIO:
    """Open a file for reading.

    Raises:
        OSError: it is not there, no regular file, or a large one with holes; `strerror` says which.
    """
    # without O_NONBLOCK, opening a pipe waits for somebody to write
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    try:
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        if status.st_size > HOLLOW and _has_holes(descriptor, status.st_size):
            why = f"not all of its {status.st_size:,} bytes were ever written"
            raise OSError(errno.EFBIG, why, str(path))
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_regular(path: Path, size: int | None = None) -> bytes:
    """All bytes of a file.

    Args:
        size: how many it ought to have.

    Raises:
        OSError: as `open_regular`, or it is of another size.
    """
    with open_regular(path) as file:
        length = os.fstat(file.fileno()).st_size
        if size is not None and length != size:
            why = f"it has {length:,} bytes, and {size:,} were written"
            raise OSError(errno.EINVAL, why, str(path))
        # no more than it had: a file may be growing, for as long as somebody likes
        return file.read(length)


def is_regular(path: Path) -> bool:
    """Whether `open_regular` would open it."""
    try:
        open_regular(path).close()
    except OSError:
        return False
    return True


def _has_holes(descriptor: int, size: int) -> bool:
    seek = getattr(os, "SEEK_HOLE", None)  # not on every system
    if seek is None:
        return False
    try:
        hole = os.lseek(descriptor, 0, seek)
        os.lseek(descriptor, 0, os.SEEK_SET)
    except OSError:  # not on every file system
        return False
    return hole < size
