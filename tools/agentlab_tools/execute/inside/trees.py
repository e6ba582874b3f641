"""Remove a folder that untrusted code filled: any depth, any mode, links never followed."""

from __future__ import annotations

import os
import stat

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def remove(path: str) -> None:
    """Remove `path` and all below it. What can't be removed is left; nothing is raised.

    Nobody may still be able to change the tree. Its depth does not matter: two descriptors are
    held at a time, and no path is ever longer than one name.
    """
    try:
        top = os.open(path, _FOLDER)
    except OSError:
        return
    try:
        empty(top)
    finally:
        os.close(top)
    try:
        os.rmdir(path)  # noqa: PTH106
    except OSError:
        return


def empty(top: int) -> None:
    """Remove all that a folder, open as `top`, holds."""
    here = os.dup(top)
    pending = [os.listdir(here)]  # noqa: PTH208
    way: list[str] = []
    while True:
        while pending[-1]:
            name = pending[-1].pop()
            inner = _unlink_or_open(here, name)
            if inner is not None:
                os.close(here)
                here = inner
                way.append(name)
                pending.append(os.listdir(here))  # noqa: PTH208
        if not way:
            break
        up = os.open("..", _FOLDER, dir_fd=here)
        os.close(here)
        here = up
        pending.pop()
        try:
            os.rmdir(way.pop(), dir_fd=here)
        except OSError:
            continue
    os.close(here)


def _unlink_or_open(folder: int, name: str) -> int | None:
    """Remove what has this name; if it is a folder, open it instead."""
    try:
        os.unlink(name, dir_fd=folder)
    except OSError:
        pass
    else:
        return None
    try:
        if not stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            return None
        os.chmod(name, 0o700, dir_fd=folder)
        return os.open(name, _FOLDER, dir_fd=folder)
    except OSError:
        return None
