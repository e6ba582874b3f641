"""What makes passages good, measured on the passages themselves."""

from __future__ import annotations

import re
from collections.abc import Sequence

_WORD = re.compile(r"\w+")
_SENTENCE = re.compile(r"[A-Z][^.!?\n]{20,}[a-z\d)][.!?](?=\s)")


def faults(passages: Sequence[str], text: str, size: int) -> list[str]:
    """What is wrong with passages cut from a text, a few words each; none if nothing is."""
    found: list[str] = []
    if not passages:
        return ["there are no passages"]
    longest = max(map(len, passages))
    if longest > size:
        found.append(f"a passage has {longest} characters, and {size} are allowed")
    have = [word for passage in passages for word in _WORD.findall(passage)]
    missing = set(_WORD.findall(text)) - set(have)
    if missing:
        found.append(f"words are lost, e.g. {min(missing)!r}")
    if len(have) > 1.6 * len(_WORD.findall(text)):
        found.append("most of the text is there more than once")
    if any(re.search(r"\n#", passage) for passage in passages):
        found.append("a passage runs over a heading")
    plain = [" ".join(passage.split()) for passage in passages]
    sentences = [" ".join(s.split()) for s in _SENTENCE.findall(text)]
    sentences = [sentence for sentence in sentences if len(sentence) <= size]
    cut = [s for s in sentences if not any(s in passage for passage in plain)]
    if cut:
        found.append(f"{len(cut)} sentences are cut in two, e.g. {cut[0][:40]!r}")
    if len(passages) > 3 + 3 * len(text) / size:
        found.append(f"{len(passages)} passages are many for {len(text)} characters")
    return found
