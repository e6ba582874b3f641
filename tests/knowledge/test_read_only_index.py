"""An index on read-only media is searched; what would change it is refused."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("faiss")
pytest.importorskip("chromadb")

PROGRAM = """
import json, sys
from pathlib import Path
from agentlab.errors import ConfigError
from agentlab_tools.knowledge.stores.chroma import ChromaStore
from agentlab_tools.knowledge.stores.duck import DuckStore
from agentlab_tools.knowledge.stores.faiss import FaissStore
from agentlab_tools.knowledge.types import Chunk, Identity, Source
import numpy as np

kind, folder, what = {"chroma": ChromaStore, "duckdb": DuckStore, "faiss": FaissStore}[
    sys.argv[1]], Path(sys.argv[2]), sys.argv[3]
if what == "make":
    store = kind(folder, Identity("test", 4))
    source = Source("a.txt", 1, 1)
    chunks = [Chunk(id=str(n), text=f"text {n}", source=source) for n in range(4)]
    store.upsert(chunks, np.eye(4, dtype=np.float32))
    store.close()
else:
    try:
        (folder / "probe").touch()
        raise SystemExit("the folder can be written")
    except OSError:
        pass
    store = kind(folder, None)
    found = [match.chunk.id for match in store.search(np.eye(4, dtype=np.float32)[2], 1)]
    try:
        store.delete(["1"])
        refused = ""
    except ConfigError as error:
        refused = str(error)
    print(json.dumps([found, store.count(), refused]))
    store.close()
"""


@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs a mount of its own")
@pytest.mark.parametrize("kind", ["chroma", "duckdb", "faiss"])
def test_an_index_that_cannot_be_written_is_searched(kind: str, tmp_path: Path) -> None:
    folder = tmp_path / "index"
    folder.mkdir()
    run = [sys.executable, "-c", PROGRAM, kind, str(folder)]
    made = subprocess.run([*run, "make"], capture_output=True, text=True, timeout=120, check=False)
    assert made.returncode == 0, made.stderr
    mount = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'
    shut = ["unshare", "-rm", "sh", "-c", mount, str(folder)]
    if subprocess.run([*shut, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no mount may be made here")
    done = subprocess.run(
        [*shut, *run, "search"], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found, count, refused = json.loads(done.stdout)
    assert (found, count) == (["2"], 4)
    assert "read-only" in refused
