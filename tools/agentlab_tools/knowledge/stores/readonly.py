"""Stores on media that can't be written: a CD, a snapshot, a folder mounted read-only.

They are searched where they lie, or, by programs that write as they open, in a copy.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote
from weakref import finalize

from agentlab.errors import ConfigError


def is_read_only(folder: Path) -> bool:
    """Whether a folder is there in which nothing can be written."""
    return folder.is_dir() and not os.access(folder, os.W_OK)


def sqlite_uri(file: Path) -> str:
    """For `sqlite3.connect(…, uri=True)`: a database that nobody writes while it is open.

    Without `immutable` SQLite makes files beside a database that has a write-ahead log.
    """
    immutable = "" if file.with_name(f"{file.name}-wal").exists() else "&immutable=1"
    return f"file:{quote(str(file.resolve()))}?mode=ro{immutable}"


def open_sqlite(file: Path) -> sqlite3.Connection:
    """A database to read alone."""
    return sqlite3.connect(
        sqlite_uri(file), uri=True, isolation_level=None, check_same_thread=False
    )


def copied(folder: Path, owner: object) -> tuple[Path, Callable[[], object]]:
    """A copy of a folder, in which may be written, and what removes it; at the latest with `owner`.

    Raises:
        ConfigError: there is no room for it.
    """
    copy = tempfile.mkdtemp(prefix="agentlab-index-")
    remove = finalize(owner, shutil.rmtree, copy, ignore_errors=True)
    try:
        shutil.copytree(folder, copy, dirs_exist_ok=True, copy_function=shutil.copyfile)
        Path(copy).chmod(0o700)
    except (OSError, shutil.Error) as error:
        remove()
        raise ConfigError(
            f"the index {folder} is read-only, and Chroma needs a copy it can write to: "
            f"there is no room for one in {tempfile.gettempdir()}"
        ) from error
    return Path(copy), remove
