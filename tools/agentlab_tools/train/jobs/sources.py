"""Whether what a job learns from is still what it began with.

A resumed job goes on with the same rows in the same order, which is worth nothing if the rows are
others. So the journal keeps a hash of the data, and resuming compares.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

_BLOCK = 1 << 20


def fingerprint(sources: Iterable[str], folder: Path) -> str:
    """A hash of files and folders, of their names inside and their bytes; empty if none is there.

    Args:
        sources: paths as a recipe's settings name them.
        folder: from where relative ones are seen.
    """
    whole, found = hashlib.sha256(), False
    for source in sources:
        path = folder / Path(source).expanduser()
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                found = True
                whole.update(f"{file.relative_to(path)}\0{file.stat().st_size}\0".encode())
                with file.open("rb") as opened:
                    while block := opened.read(_BLOCK):
                        whole.update(block)
    return whole.hexdigest() if found else ""
