"""Checkpoints that are whole or not there: written aside, synced to disk, then renamed.

    checkpoints/step-00000120/…          what the recipe saved
    checkpoints/step-00000120/manifest.json   the step, the random states, and every file's size

A process killed at any moment, or a disk that fills up, leaves the checkpoints written before as
they were. A folder whose name does not begin with `step-`, or whose files are not those of its
manifest, is no checkpoint: the next writer clears it away.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from agentlab.messages import Value
from agentlab.private import FILE_MODE, FOLDER_MODE, private_folder
from agentlab_tools.train.errors import DiskFull

MANIFEST = "manifest.json"
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_SIGNS = (
    *(f"os error {number}" for number in _FULL),  # libraries in Rust
    "PytorchStreamWriter failed writing",
    "Not enough free space",  # NumPy, which looks before it writes
    "unexpected pos",  # torch.save, when less was written than it meant to
)
_NO_ROOM = 64 << 10


class Manifest(Value):
    """What a checkpoint holds."""

    step: int
    files: dict[str, int]
    """Paths within the checkpoint, and their sizes in bytes."""
    random: dict[str, Any] = {}
    """The states of the random generators; see `randomness`."""


@dataclass(frozen=True)
class Checkpoint:
    """A whole checkpoint: `folder` holds what the recipe saved after `step` steps."""

    step: int
    folder: Path
    manifest: Manifest

    @property
    def size(self) -> int:
        """Bytes, without the manifest."""
        return sum(self.manifest.files.values())


def write_checkpoint(
    parent: Path,
    step: int,
    save: Callable[[Path], object],
    *,
    random: dict[str, Any] | None = None,
    keep: int = 2,
) -> Checkpoint:
    """Write a checkpoint, and drop all but the newest `keep`.

    Args:
        save: writes files into the empty folder it is given.

    Raises:
        DiskFull: there is no room. The checkpoints written before are untouched.
    """
    final = checkpoint_path(parent, step)

    def fill(folder: Path) -> None:
        folder.mkdir()
        save(folder)
        files = {str(p.relative_to(folder)): p.stat().st_size for p in _files(folder)}
        manifest = Manifest(step=step, files=files, random=random or {})
        (folder / MANIFEST).write_text(manifest.model_dump_json())

    write_whole(final, fill, what=f"the checkpoint of step {step}")
    drop_old(parent, keep)
    written = _read(final)
    if written is None:
        raise DiskFull(f"the checkpoint of step {step} could not be read back: {final}")
    return written


def checkpoint_path(parent: Path, step: int) -> Path:
    """Where the checkpoint of a step lies, or would lie."""
    return parent / f"step-{step:08}"


def drop_old(parent: Path, keep: int) -> None:
    """Remove all checkpoints but the newest `keep`."""
    for old in checkpoints_in(parent)[keep:]:
        _drop(old.folder)


def checkpoints_in(parent: Path) -> list[Checkpoint]:
    """The whole checkpoints in a folder, newest first."""
    readable = (_read(folder) for folder in parent.glob("step-*"))
    return sorted((c for c in readable if c is not None), key=lambda c: c.step, reverse=True)


def write_whole(final: Path, write: Callable[[Path], object], *, what: str) -> None:
    """Make a file or a folder that is there as a whole or not at all, even after a power cut.

    Only its owner may read it.

    Args:
        write: writes to the path it is given, where nothing is yet.
        what: what it is, for people.

    Raises:
        DiskFull: there is no room; what was at `final` before is still there.
    """
    private_folder(final.parent)
    for stale in (*final.parent.glob(".new-*"), *final.parent.glob(".old-*")):
        _remove(stale)  # of a process that was killed
    new = final.with_name(f".new-{final.name}")
    try:
        with room_for(what, final.parent):
            write(new)
            for path in (*_files(new), *_folders(new)):
                path.chmod(FOLDER_MODE if path.is_dir() else FILE_MODE)
                _sync(path)
            if final.is_dir():  # a file is replaced in one go, a folder can't be
                final.rename(final.with_name(f".old-{final.name}"))
            new.replace(final)
            _sync(final.parent)
    finally:
        _remove(new)
        _remove(final.with_name(f".old-{final.name}"))


@contextmanager
def room_for(what: str, folder: Path) -> Generator[None]:
    """Turn any library's way of saying that the disk is full into one error.

    Raises:
        DiskFull: it is.
    """
    try:
        yield
    except Exception as error:
        if not _is_full(error, folder):
            raise
        raise DiskFull(
            f"the disk is full: {what} could not be written in {folder}; what was written before "
            "is whole. Free some space, then resume the job"
        ) from error


def _is_full(error: BaseException, folder: Path) -> bool:
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.errno in _FULL:
            return True
        if any(sign in str(seen) for sign in _SIGNS):
            return True
        seen = seen.__cause__ or seen.__context__
    if isinstance(error, OSError | RuntimeError):  # whatever a library calls it
        with suppress(OSError):
            return shutil.disk_usage(folder).free < _NO_ROOM
    return False


def _read(folder: Path) -> Checkpoint | None:
    try:
        manifest = Manifest.model_validate_json((folder / MANIFEST).read_bytes())
        for name, size in manifest.files.items():
            if (folder / name).stat().st_size != size:
                return None
    except (OSError, ValidationError):
        return None
    return Checkpoint(step=manifest.step, folder=folder, manifest=manifest)


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    yield from (p for p in path.rglob("*") if p.is_file() and not p.is_symlink())


def _folders(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from (p for p in path.rglob("*") if p.is_dir())
        yield path


def _sync(path: Path) -> None:
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def _drop(folder: Path) -> None:
    """Remove a checkpoint so that half of it is never taken for the whole, nor stays for ever."""
    _remove(folder.replace(folder.with_name(f".old-{folder.name}")))


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
