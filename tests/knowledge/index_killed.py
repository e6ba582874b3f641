"""An index that is killed: the same folder indexed again and again, and shot with SIGKILL.

    python index_killed.py FOLDER HOW_MANY SEED

Everything is imported once, in this process; each child is a fork of it. Before each shot some
files change, one goes and one comes, so that there is always work. A child first checks that what
the killed ones left holds together; what it finds wrong is written to `wrong.txt`. In the end a
last child completes the index, and its passages are written to `whole.json` beside those of an
index that was never killed (`fresh.json`).
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from agentlab_tools.knowledge.embed.minilm import MiniLM
from agentlab_tools.knowledge.index import Index, Progress, open_index

EMBEDDER = MiniLM(threads=1)  # without threads of its own, so forks can share it
WORDS = "wind river stone lamp copper bread harbour letter garden engine mirror salt".split()


def text(chance: random.Random) -> str:
    """A document of a few sections."""
    sections = (
        f"## {chance.choice(WORDS)} {chance.randrange(1000)}\n\n"
        + " ".join(f"The {chance.choice(WORDS)} was {chance.choice(WORDS)}." for _ in range(6))
        for _ in range(3)
    )
    return "# Notes\n\n" + "\n\n".join(sections) + "\n"


def change(folder: Path, chance: random.Random) -> None:
    """Change some files, remove one, add one."""
    files = sorted(folder.glob("*.md"))
    for file in chance.sample(files, 3):
        file.write_text(text(chance))
    files[0].unlink()
    (folder / f"{time.time_ns()}.md").write_text(text(chance))


def check(index: Index) -> None:
    """See that what is there can be used: every passage has a vector, and is found by it."""
    ids = index.store.ids()
    chunks = index.store.get(ids)
    if len(chunks) != len(ids) or index.store.count() != len(ids):
        raise ValueError("ids without passages")
    vectors = index.store.vectors(ids)
    for id, vector in list(zip(ids, vectors, strict=True))[:5]:
        if not any(match.chunk.id == id for match in index.store.search(vector, 10)):
            raise ValueError(f"{id} is not found by its own vector")


def passages(path: Path, docs: Path) -> dict[str, str]:
    """Complete an index; its passages by id."""
    with open_index(path, embedder=EMBEDDER, create=True) as index:
        index.update(docs, batch=4)
        check(index)
        again = index.update(docs)
        if again.written or again.indexed or again.removed:
            raise ValueError("a complete index is not left alone")
        ids = index.store.ids()
        return {chunk.id: chunk.text for chunk in index.store.get(ids)}


def child(folder: Path, shown: int) -> None:
    """Check what is there, then go on with it; a byte on the pipe for each step."""

    def step(_: Progress) -> None:
        os.write(shown, b".")

    with open_index(folder / "index", embedder=EMBEDDER, create=True) as index:
        check(index)
        os.write(shown, b".")
        index.update(folder / "docs", batch=4, progress=step)


def forked(work: Callable[[], None], wrong: Path) -> int:
    """Do something in a fork; what it raises is written down. Its process id."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException:
            with wrong.open("a") as file:
                file.write(traceback.format_exc())
        finally:
            os._exit(code)
    return pid


def shoot(folder: Path, steps: int, then: float) -> tuple[int, bool]:
    """Let a child go so many steps, kill it a moment later; its steps, and if it was at work."""
    read, write = os.pipe()

    def work() -> None:
        os.close(read)
        child(folder, write)

    pid = forked(work, folder / "wrong.txt")
    os.close(write)
    went = 0
    while went < steps and (piece := os.read(read, 1)):
        went += len(piece)
    time.sleep(then)
    os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    os.close(read)
    return went, os.WIFSIGNALED(status)


def main(folder: Path, many: int, seed: int) -> None:
    """Shoot that many, at moments spread over the work of one that is left alone."""
    chance = random.Random(seed)
    docs = folder / "docs"
    docs.mkdir()
    for number in range(8):
        (docs / f"{number}.md").write_text(text(chance))
    shoot(folder, sys.maxsize, 1)
    change(docs, chance)
    usual, _ = shoot(folder, sys.maxsize, 1)
    killed = 0
    for _ in range(4 * many):  # one that was done already does not count
        change(docs, chance)
        _, at_work = shoot(folder, chance.randrange(0, usual), chance.uniform(0, 0.03))
        killed += at_work
        if killed == many:
            break
    (folder / "killed.txt").write_text(str(killed))
    for name, path in (("whole", folder / "index"), ("fresh", folder / "other")):

        def work(name: str = name, path: Path = path) -> None:
            (folder / f"{name}.json").write_text(json.dumps(passages(path, docs)))

        os.waitpid(forked(work, folder / "wrong.txt"), 0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
