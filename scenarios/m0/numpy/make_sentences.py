"""Makes `sentences.npz`: sentences of the library that comes along, and their vectors by MiniLM.

Run it with `python scenarios/m0/numpy/make_sentences.py`. It needs the extra `knowledge`. The text
is AgentLab's own, the model all-MiniLM-L6-v2; both are Apache-2.0.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np  # noqa: TID253 - a program of its own

from agentlab_tools.knowledge.embed import open_embedder
from agentlab_tools.search import LIBRARY

FILE = Path(__file__).with_name("sentences.npz")
SHORT, LONG = 30, 260


def sentences() -> list[str]:
    """Sentences of running text, without tables, lists, headings and sources."""
    found: dict[str, None] = {}
    for file in sorted(LIBRARY.glob("*.md")):
        text = file.read_text(encoding="utf-8").partition("## Sources")[0]
        text = re.sub(r"^#.*$", "", text, flags=re.MULTILINE)
        for block in re.split(r"\n\s*\n|```.*?```", text, flags=re.DOTALL):
            if block.strip()[:1].isalpha():
                plain = " ".join(re.sub(r"[*`]", "", block).split())
                for one in re.split(r"(?<=[.?!]) (?=[A-Z])", plain):
                    if SHORT <= len(one) <= LONG:
                        found[one] = None
    return list(found)


if __name__ == "__main__":
    texts = sentences()
    vectors = open_embedder().embed(texts).astype(np.float16)
    np.savez_compressed(FILE, texts=np.array(texts), vectors=vectors)
    print(f"{len(texts)} sentences, {FILE.stat().st_size:,} bytes")
