"""What a model was left in by conversations it read, kept in files for a later process.

A fork made in a new process goes on from here instead of reading its parent's history again: from
disk a token costs microseconds, from the model milliseconds. Such a file is a cache: it can be lost
at any time, the least recently used ones make room for new ones, and one that can't be written or
read only costs time. It holds the conversation, so it is readable by its owner alone.
"""

from __future__ import annotations

import array
import contextlib
import hashlib
import json
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from agentlab.private import private_folder

FORMAT = "agentlab-state"
SUFFIX = ".state"
_DECISIVE = ("gguf_sha256", "adapters", "llama_cpp")


@dataclass(frozen=True)
class State:
    """A file: the tokens that were read, and where the model's memory of them begins."""

    path: Path
    ids: Sequence[int]
    offset: int

    def load(self) -> bytes:
        """The model's memory, as llama.cpp wrote it.

        Raises:
            OSError: the file has gone.
        """
        with self.path.open("rb") as file:
            file.seek(self.offset)
            data = file.read()
        os.utime(self.path)
        return data


class States:
    """The files of all models in a folder, up to so many bytes."""

    def __init__(self, folder: Path, *, budget: int = 512 * 2**20) -> None:
        self._folder = folder
        self._budget = budget

    def of(self, details: Mapping[str, object]) -> Iterator[State]:
        """Those that this model, with these adapters on, can go on from; latest first."""
        for path in self._files():
            if path.name.startswith(_key(details)):
                with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
                    yield _open(path)

    def save(self, details: Mapping[str, object], ids: Sequence[int], memory: memoryview) -> None:
        """Keep what a conversation left, unless a longer one that begins with it is kept."""
        tokens = array.array("i", ids)
        for other in list(self.of(details)):
            saved_ids = array.array("i", other.ids)
            if saved_ids[: len(tokens)] == tokens:
                return
            if tokens[: len(saved_ids)] == saved_ids:
                other.path.unlink(missing_ok=True)
        head = json.dumps({"format": FORMAT, "tokens": len(tokens), "bytes": len(memory)})
        data = head.encode() + b"\n" + tokens.tobytes()
        if len(data) + len(memory) > self._budget:
            return
        path = self._folder / f"{_key(details)}-{secrets.token_hex(6)}{SUFFIX}"
        partial = path.with_suffix(".partial")
        try:
            private_folder(self._folder)
            with os.fdopen(os.open(partial, os.O_CREAT | os.O_WRONLY, 0o600), "wb") as file:
                file.write(data)
                file.write(memory)
            partial.replace(path)
            self._make_room()
        except OSError:
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)

    def _make_room(self) -> None:
        room = self._budget
        for path in self._files():
            room -= path.stat().st_size
            if room < 0:
                path.unlink(missing_ok=True)

    def _files(self) -> list[Path]:
        def used(path: Path) -> float:
            try:
                return path.stat().st_mtime
            except OSError:
                return 0.0

        return sorted(self._folder.glob(f"*{SUFFIX}"), key=used, reverse=True)


def _key(details: Mapping[str, object]) -> str:
    text = json.dumps([details.get(name) for name in _DECISIVE])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _open(path: Path) -> State:
    with path.open("rb") as file:
        head = json.loads(file.readline(200))
        if head["format"] != FORMAT:
            raise ValueError(f"{path} is no state")
        ids = array.array("i")
        ids.frombytes(file.read(head["tokens"] * ids.itemsize))
        offset = file.tell()
    if path.stat().st_size != offset + head["bytes"] or len(ids) != head["tokens"]:
        raise ValueError(f"{path} is damaged")
    return State(path, ids.tolist(), offset)
