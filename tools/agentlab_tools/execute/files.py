"""Read and write a folder that hostile code can change at any moment.

Every path is walked from an open descriptor of the folder, one name at a time, following no link.
What is opened must be a regular file, with one name, of bounded size; a pipe or a device is never
waited on. So no file outside of the folder can be read or written through it.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import PurePosixPath

from agentlab.errors import AgentLabError
from agentlab.messages import clean
from agentlab_tools.execute.values import FileInfo

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_DEPTH = 64
_CHUNK = 1 << 20


class WorkspaceError(AgentLabError):
    """A file of the workspace can't be read or written."""


def parts(path: str, prefix: str = "/workspace") -> tuple[str, ...]:
    """The names on the way to a file, from the workspace's root.

    Raises:
        WorkspaceError: the path leads out of the workspace, or names nothing in it.
    """
    if "\0" in path:
        raise WorkspaceError("a path can't hold a NUL character")
    pure = PurePosixPath(path)
    if pure.is_absolute():
        if not pure.is_relative_to(prefix):
            raise WorkspaceError(f"{path} is outside of the workspace: use a path from its root")
        pure = pure.relative_to(prefix)
    if ".." in pure.parts:
        raise WorkspaceError(f"{path}: '..' is not allowed in the workspace's paths")
    if not pure.parts:
        raise WorkspaceError(f"{path or 'an empty path'} names no file")
    return pure.parts


def read(root: int, path: tuple[str, ...], cap: int) -> bytes:
    """The bytes of a regular file of at most `cap` bytes.

    Raises:
        WorkspaceError: it is not there, is not a regular file with one name, or is too large.
    """
    joined = "/".join(path)
    with _parent(root, path, create=False, owner=None) as folder:
        try:
            descriptor = os.open(path[-1], _FILE, dir_fd=folder)
        except OSError as error:
            raise WorkspaceError(_why(joined, error)) from None
        try:
            info = os.fstat(descriptor)
            if not stat.S_ISREG(info.st_mode):
                raise WorkspaceError(f"{joined} is not a regular file")
            if info.st_nlink != 1:
                raise WorkspaceError(f"{joined} has other names (hard links): copy it first")
            data = b"".join(_chunks(descriptor, cap + 1))
        except OSError as error:
            raise WorkspaceError(_why(joined, error)) from None
        finally:
            os.close(descriptor)
    if len(data) > cap:
        raise WorkspaceError(f"{joined} is larger than {cap:,} bytes")
    return data


def write(
    root: int, path: tuple[str, ...], data: bytes, *, owner: int | None = None, mode: int = 0o644
) -> None:
    """Make or replace a file, whole or not at all; folders on the way are made.

    Raises:
        WorkspaceError: the disk quota is reached, or something else is in the way.
    """
    joined = "/".join(path)
    with _parent(root, path, create=True, owner=owner) as folder:
        temporary = f".{secrets.token_hex(8)}.part"
        try:
            descriptor = os.open(temporary, _NEW, mode, dir_fd=folder)
            try:
                if owner is not None:
                    os.fchown(descriptor, owner, owner)
                view = memoryview(data)
                while view:
                    view = view[os.write(descriptor, view) :]
            finally:
                os.close(descriptor)
            os.rename(temporary, path[-1], src_dir_fd=folder, dst_dir_fd=folder)
        except OSError as error:
            with suppress(OSError):
                os.unlink(temporary, dir_fd=folder)
            raise WorkspaceError(_why(joined, error)) from None


def listing(root: int, limit: int) -> tuple[FileInfo, ...]:
    """Every regular file, sorted by path; at most `limit` of them, hidden folders included."""
    files = [
        FileInfo(path=clean(path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")),
                 size=info.st_size)
        for path, info in walk(root, limit)
        if stat.S_ISREG(info.st_mode)
    ]  # fmt: skip
    return tuple(sorted(files, key=lambda file: file.path))


def copy(source: int, target: int, *, cap: int, limit: int, owner: int | None) -> None:
    """Copy regular files, at most `cap` bytes and `limit` files of them; all else is left out.

    Raises:
        WorkspaceError: the target is full.
    """
    room = cap
    for path, info in walk(source, limit):
        if not stat.S_ISREG(info.st_mode) or info.st_size > room:
            continue
        try:
            names = parts(path)
            data = read(source, names, room)
        except WorkspaceError:
            continue
        room -= len(data)
        write(target, names, data, owner=owner, mode=info.st_mode & 0o755 | 0o600)


def exceeds(root: int, cap: int, limit: int) -> str | None:
    """Why a folder holds too much, or None."""
    total = 0
    for count, (_, info) in enumerate(walk(root, limit + 1), 1):
        total += info.st_blocks * 512
        if total > cap:
            return f"it wrote more than {cap // 1_048_576:,} MB"
        if count > limit:
            return f"it made more than {limit:,} files"
    return None


def walk(root: int, limit: int) -> Iterator[tuple[str, os.stat_result]]:
    """Paths and `lstat`s of all that a folder holds, folders before what is in them."""
    count = 0
    todo: list[tuple[str, ...]] = [()]
    while todo:
        path = todo.pop()
        try:
            with _opened(root, path) as folder:
                for name in os.listdir(folder):  # noqa: PTH208 - pathlib knows no descriptors
                    try:
                        info = os.stat(name, dir_fd=folder, follow_symlinks=False)
                    except OSError:
                        continue
                    count += 1
                    if count > limit:
                        return
                    yield "/".join((*path, name)), info
                    if stat.S_ISDIR(info.st_mode) and len(path) < _DEPTH:
                        todo.append((*path, name))
        except OSError:
            continue


@contextmanager
def _opened(root: int, path: tuple[str, ...]) -> Generator[int]:
    folder = os.open(".", _FOLDER, dir_fd=root)
    try:
        for name in path:
            inner = os.open(name, _FOLDER, dir_fd=folder)
            os.close(folder)
            folder = inner
        yield folder
    finally:
        os.close(folder)


@contextmanager
def _parent(root: int, path: tuple[str, ...], *, create: bool, owner: int | None) -> Generator[int]:
    """The folder a file is in, made where it is not there and `create` says so."""
    joined = "/".join(path)
    folder = os.open(".", _FOLDER, dir_fd=root)
    try:
        for name in path[:-1]:
            if create:
                with suppress(FileExistsError):
                    os.mkdir(name, 0o755, dir_fd=folder)
                    if owner is not None:
                        os.chown(name, owner, owner, dir_fd=folder, follow_symlinks=False)
            inner = os.open(name, _FOLDER, dir_fd=folder)
            os.close(folder)
            folder = inner
        yield folder
    except OSError as error:
        raise WorkspaceError(_why(joined, error)) from None
    finally:
        os.close(folder)


def _chunks(descriptor: int, cap: int) -> Iterator[bytes]:
    while cap > 0 and (data := os.read(descriptor, min(cap, _CHUNK))):
        cap -= len(data)
        yield data


def _why(path: str, error: OSError) -> str:
    match error.errno:
        case errno.ELOOP:
            return f"{path} is a symbolic link, which is not followed"
        case errno.ENOENT:
            return f"there is no {path} in the workspace"
        case errno.ENOTDIR:
            return f"{path}: what is on the way to it is not a folder"
        case errno.EISDIR:
            return f"{path} is a folder"
        case errno.ENOSPC | errno.EDQUOT:
            return f"{path}: the workspace is full"
        case _:
            return f"{path}: {error.strerror}"
