"""The log-probabilities of a Chat Completions answer, in the shapes that services give them.

{"content": [{"token": "4", "logprob": -0.1, "top_logprobs": [{"token": "4", …}]}]}
{"tokens": ["4"], "token_logprobs": [-0.1], "top_logprobs": [{"4": -0.1}]}      the older one
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from agentlab.backend import TokenInfo


def tokens_in(told: dict[str, Any]) -> Iterator[TokenInfo]:
    """The tokens of a piece of an answer; only local servers tell their ids, else they are -1."""
    for token in told.get("content") or ():
        yield TokenInfo(
            id=token.get("id", -1),
            text=token["token"],
            logprob=token["logprob"],
            top=tuple((top["token"], top["logprob"]) for top in token.get("top_logprobs") or ()),
        )
    words = told.get("tokens") or ()
    best: list[dict[str, float] | None] = told.get("top_logprobs") or [None] * len(words)
    for word, logprob, top in zip(words, told.get("token_logprobs") or (), best, strict=True):
        yield TokenInfo(id=-1, text=word, logprob=logprob, top=tuple((top or {}).items()))
