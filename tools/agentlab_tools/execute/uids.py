"""Users that nobody is: as root, code runs under a uid of its own."""

from __future__ import annotations

import os
import random
from pathlib import Path

# between the ranges that systemd hands out, and mapped in rootless containers
_FIRST, _LAST = 60578, 61183


def unused_uid() -> int:
    """A uid under which nothing runs right now, so that process limits count a sandbox alone."""
    taken: set[int] = set()
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                taken.add(folder.stat().st_uid)
            except OSError:
                continue
    free = [uid for uid in range(_FIRST, _LAST + 1) if uid not in taken]
    return random.choice(free or range(_FIRST, _LAST + 1))  # noqa: S311 - not a secret


def processes_of_user() -> int:
    """How many processes and threads this user runs now, seen or not: the least that is sure."""
    mine = os.getuid()
    count = 0
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                if folder.stat().st_uid == mine:
                    count += len(list((folder / "task").iterdir()))
            except OSError:
                continue
    return count
