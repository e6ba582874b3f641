"""The log-probabilities of a Chat Completions answer, in the shapes that services give them.

{"content": [{"token": "4", "logprob": -0.1, "top_logprobs": [{"token": "4", …}]}]}
{"tokens": ["4"], "token_logprobs": [-0.1], "top_logprobs": [{"4": -0.1}]}      the older one
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from agentlab.backend import TokenInfo


def tokens_in(field: dict[str, Any]) -> Iterator[TokenInfo]:
    """The tokens of a piece of an answer; only local servers tell their ids, else they are -1."""
    for token in field.get("content") or ():
        yield TokenInfo(
            id=token.get("id", -1),
            text=token["token"],
            logprob=token["logprob"],
            top=tuple((top["token"], top["logprob"]) for top in token.get("top_logprobs") or ()),
        )
    words = field.get("tokens") or ()
    best: list[dict[str, float] | None] = field.get("top_logprobs") or [None] * len(words)
    for word, logprob, top in zip(words, field.get("token_logprobs") or (), best, strict=True):
        yield TokenInfo(id=-1, text=word, logprob=logprob, top=tuple((top or {}).items()))
