"""Folders and files that only their owner may read: what is kept may hold what people said."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

FOLDER_MODE = 0o700
FILE_MODE = 0o600


def private_folder(path: Path) -> Path:
    """Make a folder, and those it lies in, for this user alone; one that is there stays as it is.

    Raises:
        OSError: it cannot be made.
    """
    if not path.is_dir():
        private_folder(path.parent)
        path.mkdir(mode=FOLDER_MODE, exist_ok=True)
    return path


def private_file(path: Path) -> Path:
    """See that the file is there, if only empty, before a library that asks no mode writes it.

    Raises:
        OSError: it cannot be made.
    """
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT, FILE_MODE))
    return path


def shut(folder: Path) -> None:
    """Take what a library that asks no mode wrote in a folder from everybody but its owner.

    What is not this user's to change stays as it is.
    """
    for path in folder.rglob("*"):
        with suppress(OSError):  # gone meanwhile, or somebody else's
            path.chmod(FOLDER_MODE if path.is_dir() else FILE_MODE)


def write_private(path: Path, data: bytes) -> None:
    """Write a new file that only its owner may read.

    Raises:
        OSError: it is there already, or cannot be written.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with os.fdopen(os.open(path, flags, FILE_MODE), "wb") as file:
        file.write(data)
