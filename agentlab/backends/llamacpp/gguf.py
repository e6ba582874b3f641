"""Is this file a whole GGUF, and which one? Looked at before llama.cpp, which may end the process.

The format is described at https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. Only its frame
is read here: magic, version, counts, and where the last tensor ends.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import struct
from pathlib import Path
from typing import BinaryIO, cast

from agentlab.errors import ModelNotFound, ModelUnreadable

# element size in bytes of the fixed-size metadata types
_SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
_STRING, _ARRAY, _U32 = 8, 9, 4
# (elements, bytes) of a block, by tensor type; types not listed only have their start checked
_BLOCKS = {
    **{0: (1, 4), 1: (1, 2), 24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8), 28: (1, 8)},
    **{30: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34)},
    **{10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210)},
    **{20: (32, 18), 23: (256, 136)},
}


def check(path: Path) -> None:
    """See that the file is a GGUF and that nothing of it is missing.

    Raises:
        ModelNotFound: there is no such file.
        ModelUnreadable: it cannot be read, is no GGUF, or ends too early.
    """
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if file.read(4) != b"GGUF":
                raise ModelUnreadable(f"{path} is not a GGUF file: it does not begin with GGUF")
            needed = _end(file)
    except FileNotFoundError as error:
        raise ModelNotFound(f"no model file at {path}") from error
    except OSError as error:
        raise ModelUnreadable(f"{path} can't be read: {error.strerror or error}") from error
    except (struct.error, MemoryError, OverflowError) as error:
        raise ModelUnreadable(f"{path} ends within its header: download it again") from error
    if size < needed:
        raise ModelUnreadable(
            f"{path} is truncated: it holds {size:,} of {needed:,} bytes: download it again"
        )


def sha256(path: Path, cache: Path | None = None) -> str:
    """The hash of the whole file.

    Args:
        path: the file, which exists.
        cache: a JSON file that remembers hashes by path, size and time of change, so that a
            large file is read once. Where it can't be used, the file is read.
    """
    stat = path.stat()
    key = f"{path.resolve()}:{stat.st_size}:{stat.st_mtime_ns}"
    known: dict[str, str] = {}
    if cache is not None:
        try:
            known = cast(dict[str, str], json.loads(cache.read_text()))
        except (OSError, ValueError):
            known = {}
        if key in known:
            return known[key]
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if cache is not None:
        _remember(cache, {**known, key: digest})
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


def _end(file: BinaryIO) -> int:
    """Where the last tensor ends."""
    version, tensors, pairs = _read(file, "IQQ")
    if version not in (2, 3):
        raise ModelUnreadable(f"this is GGUF version {version}; versions 2 and 3 can be read")
    alignment = 32
    for _ in range(pairs):
        key = file.read(_read(file, "Q")[0])
        (kind,) = _read(file, "I")
        if key == b"general.alignment" and kind == _U32:
            (alignment,) = _read(file, "I")
        else:
            _skip(file, kind)
    end = 0
    for _ in range(tensors):
        _skip(file, _STRING)
        (dimensions,) = _read(file, "I")
        shape = _read(file, "Q" * dimensions)
        kind, offset = _read(file, "IQ")
        count = 1
        for length in shape:
            count *= length
        elements, size = _BLOCKS.get(kind, (1, 0))
        end = max(end, offset + count // elements * size)
    start = -(-file.tell() // alignment) * alignment
    return start + end


def _read(file: BinaryIO, form: str) -> tuple[int, ...]:
    return struct.unpack("<" + form, file.read(struct.calcsize("<" + form)))


def _skip(file: BinaryIO, kind: int) -> None:
    if kind == _STRING:
        file.seek(_read(file, "Q")[0], os.SEEK_CUR)
    elif kind == _ARRAY:
        inner, count = _read(file, "IQ")
        if inner in _SIZES:
            file.seek(_SIZES[inner] * count, os.SEEK_CUR)
        else:
            for _ in range(count):
                _skip(file, inner)
    elif kind in _SIZES:
        file.seek(_SIZES[kind], os.SEEK_CUR)
    else:
        raise ModelUnreadable("its metadata holds a type that GGUF does not know: it is damaged")
