"""Is this file a whole GGUF, and which one? Looked at before llama.cpp, which may end the process.

The format is described at https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. Only its frame
is read here: magic, version, counts, and where the last tensor ends. Every length in it is held
against what is left of the file before anything is read or counted by it, so a small file costs
little, whatever it claims. Numbers that llama.cpp may hang or end the process on make a model
doubtful: such a one is tried in a process of its own first.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import stat
import struct
from pathlib import Path
from typing import BinaryIO, cast

from agentlab.errors import ModelNotFound, ModelUnreadable

# element size in bytes of the fixed-size metadata types
_SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
_FORMS = dict(zip(_SIZES, "BbHhIif?Qqd", strict=True))
_STRING, _ARRAY, _U32 = 8, 9, 4
# (elements, bytes) of a block, by tensor type; types not listed only have their start checked
_BLOCKS = {
    **{0: (1, 4), 1: (1, 2), 24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8), 28: (1, 8)},
    **{30: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34)},
    **{10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210)},
    **{20: (32, 18), 23: (256, 136)},
}


_MOST_DIMENSIONS = 4
_LONGEST_KEY = 65_535
_MOST = 1 << 22
"""Things to count in a header: fields, tensors and words of a vocabulary are far fewer, and a file
with holes can claim as many as it looks large."""
_LARGEST = 1 << 26
"""No layer count, width or context is beyond this; what claims to be is tried first."""
_MOST_OF = {"block_count": 512, "expert_count": 512, "expert_used_count": 512}
"""Where llama.cpp ends the process itself."""
_NEEDED = ("block_count", "embedding_length", "context_length", "attention.head_count")


def check(path: Path) -> None:
    """See that the file is a GGUF, that nothing of it is missing, and that it can be opened.

    A model whose numbers are doubtful is opened in a process of its own, which may take a while.

    Raises:
        ModelNotFound: there is no such file.
        ModelUnreadable: it cannot be read, is no GGUF, ends too early, is damaged, or ended the
            process that tried it.
    """
    if doubts := frame(path):
        from agentlab.backends.llamacpp.tried import try_apart

        try_apart(path, doubts[0])


def frame(path: Path) -> tuple[str, ...]:
    """Look at the header alone; what is doubtful about the model, in words.

    Raises:
        ModelNotFound, ModelUnreadable: as `check`.
    """
    try:
        # without O_NONBLOCK, opening a pipe waits for somebody to write
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise ModelUnreadable(f"{path} is not a file: name a GGUF file")
            if file.read(4) != b"GGUF":
                raise ModelUnreadable(f"{path} is not a GGUF file: it does not begin with GGUF")
            header = _Header(file, status.st_size)
            needed = header.read()
    except FileNotFoundError as error:
        raise ModelNotFound(f"no model file at {path}") from error
    except OSError as error:
        raise ModelUnreadable(f"{path} can't be read: {error.strerror or error}") from error
    except _Short as error:
        raise ModelUnreadable(f"{path} ends within its header: download it again") from error
    except _Damaged as error:
        raise ModelUnreadable(f"{path} is damaged: {error}: download it again") from error
    if status.st_size < needed:
        raise ModelUnreadable(
            f"{path} is truncated: it holds {status.st_size:,} of {needed:,} bytes: "
            "download it again"
        )
    return tuple(header.doubts)


def sha256(path: Path, cache: Path | None = None) -> str:
    """The hash of the whole file.

    Args:
        path: the file, which exists.
        cache: a JSON file that remembers hashes by path, size and time of change, so that a
            large file is read once. Where it can't be used, the file is read.
    """
    stat = path.stat()
    key = f"{path.resolve()}:{stat.st_size}:{stat.st_mtime_ns}"
    hashes: dict[str, str] = {}
    if cache is not None:
        try:
            hashes = cast(dict[str, str], json.loads(cache.read_text()))
        except (OSError, ValueError):
            hashes = {}
        if key in hashes:
            return hashes[key]
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if cache is not None:
        _remember(cache, {**hashes, key: digest})
    return digest


def _remember(cache: Path, known: dict[str, str]) -> None:
    partial = cache.with_suffix(f".{os.getpid()}")
    try:
        cache.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(json.dumps(known))
        partial.replace(cache)
    except OSError:
        # a cache that can't be written only costs time
        with contextlib.suppress(OSError):
            partial.unlink()


class _Short(Exception):
    """The file ends before what it claims to hold."""


class _Damaged(Exception):
    """What it claims cannot be; the message says what."""


class _Header:
    """Reads a header from behind its magic on. `size` is that of the whole file, in bytes."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self.doubts: list[str] = []
        self._file = file
        self._size = size
        self._alignment = 32
        self._counted = 0

    def read(self) -> int:
        """Where the last tensor ends.

        Raises:
            _Short, _Damaged: it is no whole header.
        """
        version, tensors, pairs = self._numbers("IQQ")
        if version not in (2, 3):
            raise _Damaged(f"it says GGUF version {version}, and versions 2 and 3 can be read")
        self._count(pairs, 13)
        self._count(tensors, 24)
        for _ in range(pairs):
            self._pair()
        end = max((self._tensor() for _ in range(tensors)), default=0)
        return -(-self._file.tell() // self._alignment) * self._alignment + end

    def _pair(self) -> None:
        (length,) = self._numbers("Q")
        if length > _LONGEST_KEY:
            raise _Damaged(f"the name of a metadata field takes {length:,} bytes")
        key = self._bytes(length).decode("utf-8", "replace")
        (kind,) = self._numbers("I")
        if kind == _STRING:
            self._skip(*self._numbers("Q"))
        elif kind == _ARRAY:
            self._array(key)
        elif kind in _FORMS:
            self._number(key, kind)
        else:
            raise _Damaged(f"{key[:60]!a} is of a type that GGUF does not know")

    def _number(self, key: str, kind: int) -> None:
        (value,) = struct.unpack("<" + _FORMS[kind], self._bytes(_SIZES[kind]))
        if key == "general.alignment":
            if kind != _U32 or value == 0 or value & (value - 1) or value > 1 << 20:
                raise _Damaged(f"its alignment is {value}, which is not a power of two up to 2**20")
            self._alignment = value
        elif isinstance(value, float) and not math.isfinite(value):
            self.doubts.append(f"{key[:60]!a} is {value}")
        elif key.endswith("epsilon") and not 0 < value < 1:
            self.doubts.append(f"{key[:60]!a} is {value:g}")
        elif value > _MOST_OF.get(key.rpartition(".")[2], math.inf) or (
            key.endswith(_NEEDED) and not 0 < value <= _LARGEST
        ):
            self.doubts.append(f"{key[:60]!a} is {value}")

    def _array(self, key: str) -> None:
        inner, count = self._numbers("IQ")
        if inner in _SIZES:
            self._room(count, _SIZES[inner])
            self._skip(_SIZES[inner] * count)
        elif inner == _STRING:
            for _ in range(self._count(count, 8)):
                self._skip(*self._numbers("Q"))
        elif inner == _ARRAY:
            raise _Damaged(f"{key[:60]!a} is a list of lists, which no GGUF holds")
        else:
            raise _Damaged(f"{key[:60]!a} lists a type that GGUF does not know")

    def _tensor(self) -> int:
        """Where it ends, counted from the first tensor's start."""
        self._skip(*self._numbers("Q"))
        (dimensions,) = self._numbers("I")
        if dimensions > _MOST_DIMENSIONS:
            raise _Damaged(f"a tensor has {dimensions:,} dimensions")
        shape = self._numbers("Q" * dimensions)
        kind, offset = self._numbers("IQ")
        if 0 in shape:
            raise _Damaged("a tensor is empty")
        elements, size = _BLOCKS.get(kind, (1, 0))
        return offset + math.prod(shape) // elements * size

    def _room(self, count: int, each: int) -> None:
        """See that so many things of at least `each` bytes can be in what is left."""
        if count * each > self._size - self._file.tell():
            raise _Short

    def _count(self, count: int, each: int) -> int:
        """As `_room`, for things that are looked at one by one."""
        self._room(count, each)
        self._counted += count
        if self._counted > _MOST:
            raise _Damaged("it lists more than any model has")
        return count

    def _skip(self, length: int) -> None:
        self._room(length, 1)
        self._file.seek(length, os.SEEK_CUR)

    def _bytes(self, length: int) -> bytes:
        self._room(length, 1)
        return self._file.read(length)

    def _numbers(self, form: str) -> tuple[int, ...]:
        return struct.unpack("<" + form, self._bytes(struct.calcsize("<" + form)))
