"""An index in which something stands in the place of a file is refused in a line, and soon."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("duckdb")

SEARCH = """
import sys
from agentlab.errors import ConfigError
from agentlab_tools.knowledge.stores import open_store
from agentlab_tools.knowledge.types import Chunk, Identity, Source
import numpy as np
kind, folder, what = sys.argv[1:]
try:
    store = open_store(folder, Identity("test", 4), kind)
    if what == "make":
        source = Source("a.txt", 1, 1)
        store.upsert([Chunk(id="1", text="text", source=source)], np.eye(4, dtype=np.float32)[:1])
    print("found", len(store.search(np.eye(4, dtype=np.float32)[0], 1)))
    store.close()
except ConfigError as error:
    print("refused", str(error).count(chr(10)), error)
"""


def run(kind: str, folder: Path, what: str) -> str:
    command = [sys.executable, "-c", SEARCH, kind, str(folder), what]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def hollow(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(10 << 30)


@pytest.mark.timeout(250)
@pytest.mark.parametrize(("kind", "file"), [("duckdb", "chunks.duckdb"), ("faiss", "vectors.faiss"),
                                            ("faiss", "chunks.sqlite")])  # fmt: skip
def test_what_is_no_file_is_not_waited_for(kind: str, file: str, tmp_path: Path) -> None:
    if kind == "faiss":
        pytest.importorskip("faiss")
    folder = tmp_path / "index"
    folder.mkdir()
    assert run(kind, folder, "make") == "found 1\n"
    assert (folder / file).is_file()
    for put in (os.mkfifo, lambda path: path.symlink_to("/dev/zero"),
                lambda path: path.symlink_to(path.name)):  # fmt: skip
        (folder / file).unlink()
        put(folder / file)
        assert run(kind, folder, "search").startswith("refused 0"), put
    (folder / file).unlink()
    hollow(folder / file)
    assert run(kind, folder, "search").startswith(("refused 0", "found 1"))
