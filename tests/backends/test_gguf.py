"""A model file from a stranger: looked at before it is opened, at no cost, whatever it claims."""

from __future__ import annotations

import math
import os
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from agentlab.backends.llamacpp import gguf
from agentlab.backends.llamacpp.registry import locate
from agentlab.backends.llamacpp.tried import try_apart
from agentlab.errors import ModelNotFound, ModelUnreadable

STRING, ARRAY, U32, F32, U64 = 8, 9, 4, 6, 10


def head(tensors: int = 0, pairs: int = 0, version: int = 3) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", version, tensors, pairs)


def text(said: str) -> bytes:
    return struct.pack("<Q", len(said)) + said.encode()


def pair(key: str, kind: int, value: bytes) -> bytes:
    return text(key) + struct.pack("<I", kind) + value


def number(key: str, value: int) -> bytes:
    return pair(key, U32, struct.pack("<I", value))


def tensor(dimensions: int, *shape: int, kind: int = 0, offset: int = 0) -> bytes:
    sizes = struct.pack(f"<{len(shape)}Q", *shape)
    return text("t") + struct.pack("<I", dimensions) + sizes + struct.pack("<IQ", kind, offset)


HUGE = 2**62
NESTED = struct.pack("<IQ", ARRAY, 1) * 4000
BROKEN = {
    "more tensors than it has bytes": head(tensors=HUGE),
    "more fields than it has bytes": head(pairs=HUGE),
    "a field's name without end": head(pairs=1) + struct.pack("<Q", HUGE) + bytes(50),
    "a long name": head(pairs=1) + struct.pack("<Q", 70_000) + bytes(80_000),
    "a string without end": head(pairs=1) + pair("a", STRING, struct.pack("<Q", HUGE)) + bytes(50),
    "a list without end": head(pairs=1) + pair("a", ARRAY, struct.pack("<IQ", U32, HUGE)),
    "strings without end": head(pairs=1) + pair("a", ARRAY, struct.pack("<IQ", STRING, HUGE)),
    "lists in lists": head(pairs=1) + pair("a", ARRAY, NESTED),
    "a type nobody knows": head(pairs=1) + pair("a", 99, bytes(8)),
    "a list of a type nobody knows": head(pairs=1) + pair("a", ARRAY, struct.pack("<IQ", 99, 1)),
    "alignment 0": head(1, 1) + number("general.alignment", 0) + tensor(1, 8) + bytes(64),
    "alignment 3": head(1, 1) + number("general.alignment", 3) + tensor(1, 8) + bytes(64),
    "a huge alignment": head(1, 1) + number("general.alignment", 1 << 31) + tensor(1, 8),
    "two thousand million dimensions": head(1) + tensor(2**31) + bytes(100),
    "five dimensions": head(1) + tensor(5, 1, 1, 1, 1, 1) + bytes(64),
    "an empty tensor": head(1) + tensor(2, 0, 8) + bytes(64),
    "a tensor larger than the file": head(1) + tensor(4, HUGE, HUGE, HUGE, HUGE) + bytes(64),
    "a tensor behind the end": head(1) + tensor(1, 8, offset=HUGE) + bytes(64),
    "another version": head(version=1),
    "no more than its magic": b"GGUF",
    "nothing": b"",
    "less than nothing": head(tensors=2**64 - 1),
    "fields that are less than nothing": head(pairs=2**63),
    "a number cut in two": head(pairs=1) + text("a") + struct.pack("<I", U64) + bytes(7),
    "a list's count cut in two": head(pairs=1) + pair("a", ARRAY, struct.pack("<I", U32)),
    "strings whose last is cut": head(pairs=1)
    + pair("a", ARRAY, struct.pack("<IQ", STRING, 2) + text("x") + struct.pack("<Q", 9)),
    "a list that wraps around": head(pairs=1)
    + pair("a", ARRAY, struct.pack("<IQ", U64, 2**61 + 1)),
    "a string that wraps around": head(pairs=1) + pair("a", STRING, struct.pack("<Q", 2**64 - 1)),
    "an alignment that is text": head(pairs=1) + pair("general.alignment", STRING, text("32")),
    "an alignment that is a list": head(1, 1)
    + pair("general.alignment", ARRAY, struct.pack("<IQ", U32, 1) + bytes(4))
    + tensor(1, 2**40),
    "an alignment below nothing": head(1, 1)
    + pair("general.alignment", 5, struct.pack("<i", -32))
    + tensor(1, 8),
    "a tensor whose end wraps around": head(1) + tensor(1, 8, offset=2**64 - 8) + bytes(64),
    "a tensor whose size wraps around": head(1) + tensor(4, 2**32, 2**32, 1, 4) + bytes(64),
    "a tensor's name without end": head(1) + struct.pack("<Q", HUGE) + bytes(64),
    "tensors cut in two": head(2) + tensor(1, 8) + bytes(20),
    "more versions than there are": head(version=2**31),
}


def holes(size: int, *parts: tuple[int, bytes]) -> Callable[[Path], None]:
    """A file that looks as large as it says, and takes next to nothing on the disk."""

    def write(path: Path) -> None:
        with path.open("wb") as file:
            for at, data in parts:
                file.seek(at)
                file.write(data)
            file.truncate(size)

    return write


TEN_GB = 10 << 30
WITH_HOLES = {
    "fields of nothing": holes(TEN_GB, (0, head(pairs=TEN_GB // 13 - 9))),
    "tensors of nothing": holes(TEN_GB, (0, head(tensors=TEN_GB // 24 - 9))),
    "words of nothing": holes(
        TEN_GB, (0, head(pairs=1) + pair("a", ARRAY, struct.pack("<IQ", STRING, 1 << 30)))
    ),
    "nothing at all": holes(TEN_GB),
}


@pytest.mark.parametrize("name", WITH_HOLES)
def test_a_file_with_holes_takes_no_time_whatever_its_size(name: str, tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    WITH_HOLES[name](path)
    begun = time.process_time()
    with pytest.raises(ModelUnreadable):
        gguf.check(path)
    assert time.process_time() - begun < 5


def test_what_is_no_file_or_leads_nowhere_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "zero").symlink_to("/dev/zero")
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    for name in ("loop", "zero", "gone", "."):
        with pytest.raises(ModelUnreadable if name != "gone" else ModelNotFound):
            gguf.check(tmp_path / name)


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_refused_in_a_line(name: str, tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(BROKEN[name])
    begun = time.process_time()
    with pytest.raises(ModelUnreadable) as caught:
        gguf.check(path)
    assert time.process_time() - begun < 1
    assert "\n" not in str(caught.value)
    assert len(str(caught.value).replace(str(path), "")) < 160


@pytest.mark.skipif(sys.platform != "linux", reason="addresses are bounded by Linux's RLIMIT_AS")
def test_a_small_file_takes_no_memory_whatever_it_claims(tmp_path: Path) -> None:
    """Within 64 MB beyond what the program itself takes, each is refused as elsewhere."""
    paths = [tmp_path / f"{n}.gguf" for n in range(len(BROKEN))]
    for path, data in zip(paths, BROKEN.values(), strict=True):
        path.write_bytes(data)
    program = """
import resource, sys
from pathlib import Path
from agentlab.backends.llamacpp import gguf
from agentlab.errors import ModelNotFound, ModelUnreadable
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (64 << 20),) * 2)
for path in sys.argv[1:]:
    try:
        gguf.check(Path(path))
    except ModelUnreadable as error:
        print("refused")
"""
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, paths)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.count("refused") == len(BROKEN), done.stderr


def test_a_pipe_is_no_model_and_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "model.gguf")
    with pytest.raises(ModelUnreadable, match="not a file"):
        gguf.check(tmp_path / "model.gguf")


@pytest.fixture(scope="module")
def model() -> bytes:
    return locate("smollm2").read_bytes()


def changed(model: bytes, key: str, value: bytes) -> bytes:
    """The model with one number in its metadata replaced."""
    at = model.index(key.encode()) + len(key) + 4
    return model[:at] + value + model[at + len(value) :]


EPSILON = "llama.attention.layer_norm_rms_epsilon"


def test_the_model_that_comes_along_is_not_doubted() -> None:
    assert gguf.frame(locate("smollm2")) == ()


@pytest.mark.parametrize(
    ("key", "value", "doubt"),
    [
        (EPSILON, struct.pack("<f", math.nan), "is nan"),
        (EPSILON, struct.pack("<f", -1), "is -1"),
        ("llama.block_count", struct.pack("<I", 0), "is 0"),
        ("llama.block_count", struct.pack("<I", 600), "is 600"),
        ("llama.embedding_length", struct.pack("<I", 0), "is 0"),
        ("llama.attention.head_count", struct.pack("<I", 2**31), "is 2147483648"),
    ],
)
def test_a_doubtful_model_is_tried_apart_first(
    key: str, value: bytes, doubt: str, tmp_path: Path, model: bytes
) -> None:
    """The file ends llama.cpp's process, or hangs in it: not this one."""
    path = tmp_path / "model.gguf"
    path.write_bytes(changed(model, key, value))
    (said,) = gguf.frame(path)
    assert doubt in said
    with pytest.raises(ModelUnreadable, match=r"is damaged: .* and llama\.cpp "):
        try_apart(path, said, patience=20)


def test_a_doubtful_model_that_opens_is_used(tmp_path: Path) -> None:
    """The trial itself lets a good model pass."""
    try_apart(locate("smollm2"), "nothing")
