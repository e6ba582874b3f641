"""Which files of a folder there are to read, in a fixed order, whatever lies in it.

Links are not followed: what they lead to inside the folder is met under its own name, and what is
outside was not asked for. Hidden files and folders, and those that tools fill with other people's
files, are passed over.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from agentlab.errors import ConfigError

IGNORED = frozenset({"node_modules", "__pycache__", "venv", "site-packages", "dist", "build"})


@dataclass(frozen=True)
class Found:
    """A plain file.

    Attributes:
        name: its path from the folder, with `/` between the parts, always writable as text.
    """

    path: Path
    name: str


@dataclass(frozen=True)
class Problem:
    """Something that could not be indexed, and why; `folder` if what is below it was not seen."""

    name: str
    reason: str
    folder: bool = False


def walk(root: Path) -> Iterator[Found | Problem]:
    """Every plain file of a folder (or the one file that `root` is), and what can't be looked at.

    Raises:
        ConfigError: there is nothing there, or no folder or plain file.
    """
    root = root.resolve()
    if root.is_file():
        yield Found(root, _name(root.name))
        return
    if not root.is_dir():
        what = "is neither a folder nor a plain file" if root.exists() else "is not there"
        raise ConfigError(f"{root} {what}: name a folder of documents")
    todo = [(root, "")]
    while todo:
        folder, prefix = todo.pop()
        try:
            with os.scandir(folder) as scan:
                entries = sorted(scan, key=lambda entry: entry.name)
        except OSError as error:
            yield Problem(prefix.rstrip("/") or ".", _reason(error), folder=True)
            continue
        folders: list[tuple[Path, str]] = []
        for entry in entries:
            if entry.name.startswith("."):
                continue
            name = prefix + _name(entry.name)
            try:
                if entry.is_symlink():
                    yield from _link(root, Path(entry.path), name)
                elif entry.is_dir(follow_symlinks=False):
                    if entry.name not in IGNORED:
                        folders.append((Path(entry.path), f"{name}/"))
                elif entry.is_file(follow_symlinks=False):
                    yield Found(Path(entry.path), name)
                else:
                    yield Problem(name, "not a plain file (a pipe, socket or device)")
            except OSError as error:
                yield Problem(name, _reason(error))
        todo += reversed(folders)


def _link(root: Path, path: Path, name: str) -> Iterator[Problem]:
    try:
        target = path.resolve(strict=True)
    except OSError:
        yield Problem(name, "a link that leads nowhere")
    except RuntimeError:  # how pathlib says ELOOP before Python 3.13
        yield Problem(name, "a link that leads back to itself")
    else:
        if not target.is_relative_to(root):
            yield Problem(name, "a link to something outside the folder")
        elif path.is_relative_to(target):
            yield Problem(name, "a link to a folder above it")


def _name(name: str) -> str:
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
