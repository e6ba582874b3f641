"""Histories that real stores have gone through, and vectors to be sorted into cells."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from agentlab.errors import LabError
from agentlab.labs import Case
from agentlab_tools.knowledge.stores import Kind, open_store
from agentlab_tools.knowledge.types import Chunk, Identity, Source

if TYPE_CHECKING:
    from numpy.typing import NDArray

KINDS: tuple[Kind, ...] = ("chroma", "faiss", "duckdb")
_SIZE = 8
_COLOURS = ("red", "green", "blue")

COUNT, CELLS, PROBES, K = 2000, 40, 6, 10
"""Of the second step: vectors, cells, cells that are searched, neighbours."""

# The same lines make the vectors here and in the sandbox
_CLUSTERS = """
import numpy as np
rng = np.random.default_rng({seed})
middles = rng.normal(size=(60, 16))
rows = middles[rng.integers(60, size={count} + 40)] + 0.8 * rng.normal(size=({count} + 40, 16))
rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
vectors, queries = rows[:{count}], rows[{count}:]
"""


@dataclass(frozen=True)
class Step:
    """One thing done to a store: `put`, `drop` or `look`."""

    op: str
    args: Any


def histories(rng: Random, count: int) -> Sequence[Case]:
    """Things done to a store; `expect` is what Chroma, FAISS and DuckDB answered, all alike."""
    cases: list[Case] = []
    for _ in range(count):
        steps = _history(rng)
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            answers = [_answers(steps, kind, Path(folder) / kind) for kind in KINDS]
        if any(answer != answers[0] for answer in answers):
            raise LabError("the stores disagree with each other")
        told = json.dumps([[step.op, step.args] for step in steps])
        code = (
            f"import json\nhistory = json.loads({told!r})\nstore, found = Store(), []\n"
            "for op, args in history:\n"
            "    if op == 'put':\n        store.upsert(*args)\n"
            "    elif op == 'drop':\n        store.delete(args)\n"
            "    else:\n        found.append([str(id) for id in store.search(*args)])\n"
            "print(json.dumps(found))"
        )
        cases.append(Case(code, answers[0], title=f"a store after {len(steps)} things done to it"))
    return cases


def _history(rng: Random) -> list[Step]:
    steps: list[Step] = []
    ids = [f"doc-{n}" for n in range(12)]
    for _ in range(4):
        some = rng.sample(ids, rng.randint(4, 7))
        colours = [{"colour": rng.choice(_COLOURS)} for _ in some]
        steps.append(Step("put", [some, [_unit(rng) for _ in some], colours]))
        steps.append(Step("drop", rng.sample(ids, 2)))
        for where in (None, {"colour": rng.choice(_COLOURS)}, {"colour": "violet"}):
            steps.append(Step("look", [_unit(rng), rng.randint(2, 5), where]))
    return steps


def _unit(rng: Random) -> list[float]:
    row = [rng.gauss(0, 1) for _ in range(_SIZE)]
    length = sum(x * x for x in row) ** 0.5
    return [round(x / length, 6) for x in row]


def _answers(steps: Sequence[Step], kind: Kind, folder: Path) -> list[list[str]]:
    import numpy as np

    store = open_store(folder, Identity("lab", _SIZE), kind)
    found: list[list[str]] = []
    for step in steps:
        match step.op:
            case "put":
                ids, vectors, metadata = step.args
                rows = np.array(vectors, np.float32)
                rows /= np.linalg.norm(rows, axis=1, keepdims=True)
                chunks = [
                    Chunk(id, id, Source("lab", 1, 1), about)
                    for id, about in zip(ids, metadata, strict=True)
                ]
                store.upsert(chunks, rows)
            case "drop":
                store.delete(step.args)
            case _:
                vector, k, where = step.args
                matches = store.search(np.array(vector, np.float32), k, where)
                found.append([match.chunk.id for match in matches])
    store.close()
    return found


def clusters(rng: Random, count: int) -> Sequence[Case]:
    """Vectors to be sorted into cells; `expect` is the seed they are made from."""
    cases: list[Case] = []
    for _ in range(count):
        seed = rng.randrange(10**6)
        code = (
            _CLUSTERS.format(seed=seed, count=COUNT)
            + "import json\n"
            + f"centres, cell_of = build(vectors.copy(), {CELLS})\n"
            + f"probed = [[int(c) for c in probe(q.copy(), centres, {PROBES})] for q in queries]\n"
            + "print(json.dumps([[int(c) for c in cell_of], probed]))"
        )
        cases.append(Case(code, seed, title=f"{COUNT} vectors, sorted into {CELLS} cells"))
    return cases


def made(seed: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """The vectors and the queries of a case."""
    names: dict[str, Any] = {}
    exec(_CLUSTERS.format(seed=seed, count=COUNT), names)  # noqa: S102 - our own lines, above
    return names["vectors"], names["queries"]
