"""Remove a folder that untrusted code filled: any depth, any mode, links never followed."""

from __future__ import annotations

import os
import stat

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def remove(path: str) -> None:
    """Remove `path` and all below it. What can't be removed is left; nothing is raised.

    Folders are moved up to the top before they are emptied, so that neither depth nor the length
    of a path matters.
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
    count = 0
    stuck: set[str] = set()
    while True:
        names = [name for name in os.listdir(top) if name not in stuck]
        if not names:
            return
        for name in names:
            try:
                if not stat.S_ISDIR(os.stat(name, dir_fd=top, follow_symlinks=False).st_mode):
                    os.unlink(name, dir_fd=top)
                    continue
                os.chmod(name, 0o700, dir_fd=top)
                folder = os.open(name, _FOLDER, dir_fd=top)
            except OSError:
                stuck.add(name)
                continue
            try:
                for inner in os.listdir(folder):  # noqa: PTH208
                    try:
                        os.unlink(inner, dir_fd=folder)
                    except OSError:
                        count += 1
                        _hoist(inner, folder, top, f".removed-{os.getpid()}-{count}")
                os.rmdir(name, dir_fd=top)
            except OSError:
                stuck.add(name)
            finally:
                os.close(folder)


def _hoist(name: str, folder: int, top: int, new: str) -> None:
    os.chmod(name, 0o700, dir_fd=folder)  # moving a folder needs the right to write in it
    os.rename(name, new, src_dir_fd=folder, dst_dir_fd=top)
