"""How long the packaged model takes to read: `python make_timings.py` writes timings.json anew.

300 texts of 8 to 400 tokens, one thread. A row is the tokens, the seconds by the clock on the wall,
and the seconds that the processor worked. On an idle machine the last two are nearly equal; the
rows kept here are from a busy one, and that is what they are for.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from random import Random

from agentlab.backends.llamacpp.context import Context
from agentlab.backends.llamacpp.model import Model
from agentlab.backends.llamacpp.registry import find

ROWS = 300
_TEXT = Path(__file__).parents[3] / "README.md"


def main() -> None:
    """Read, and write down how long it took."""
    model = Model(find("local:smollm2").path)
    context = Context(model, size=512, batch=512, threads=1)
    ids, rng = model.tokens(_TEXT.read_text(encoding="utf-8")), Random(1)  # noqa: S311
    rows: list[tuple[int, float, float]] = []
    for _ in range(ROWS):
        count = rng.randint(8, 400)
        at = rng.randrange(len(ids) - count)
        context.clear()
        wall, worked = time.perf_counter(), time.process_time()
        context.read(ids[at : at + count], lambda: False)
        took = round(time.perf_counter() - wall, 5), round(time.process_time() - worked, 5)
        rows.append((count, *took))
    text = "[" + ",\n".join(json.dumps(row) for row in rows) + "]\n"
    Path(__file__).with_name("timings.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
