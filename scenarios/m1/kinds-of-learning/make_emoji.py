"""Makes `emoji.npz`: emoji of four groups, with the vectors of their names by MiniLM.

    npm pack unicode-emoji-json@0.9.0 && tar xzf unicode-emoji-json-0.9.0.tgz
    python scenarios/m1/kinds-of-learning/make_emoji.py package/data-by-emoji.json

Names and groups are Unicode's (Unicode License v3), as packed by Mu-An Chiou (MIT). The model is
all-MiniLM-L6-v2 (Apache-2.0), which needs the extra `knowledge`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from random import Random

import numpy as np  # noqa: TID253 - a program of its own

from agentlab_tools.knowledge.embed import open_embedder

FILE = Path(__file__).with_name("emoji.npz")
GROUPS = {
    "Smileys & Emotion": "face",
    "Animals & Nature": "animal",
    "Food & Drink": "food",
    "Travel & Places": "travel",
}
EACH = 120


def chosen(data: dict[str, dict[str, str]]) -> list[tuple[str, str, str]]:
    """So many of each group: what it looks like, its name, and one word for its group.

    Only emoji of a single code point, which every terminal shows two columns wide.
    """
    found: list[tuple[str, str, str]] = []
    for group, word in GROUPS.items():
        names = [
            (emoji, about["name"], word)
            for emoji, about in data.items()
            if about["group"] == group and len(emoji) == 1
        ]
        found += sorted(Random(1).sample(names, EACH))  # noqa: S311 - the seed is the point
    return found


if __name__ == "__main__":
    rows = chosen(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    emoji, names, groups = zip(*rows, strict=True)
    vectors = open_embedder().embed(list(names)).astype(np.float16)
    np.savez_compressed(
        FILE,
        emoji=np.array(emoji),
        names=np.array(names),
        groups=np.array(groups),
        vectors=vectors,
    )
    print(f"{len(rows)} emoji, {FILE.stat().st_size:,} bytes")
