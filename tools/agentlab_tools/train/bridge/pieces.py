"""A tokenizer as SentencePiece makes them (Llama 2, Mistral, Phi-3), as GGUF fields.

Text is one run of characters with `▁` for a space; neighbours are merged, the pair that is the best
piece first; what no piece covers is spelt in bytes (`<0x0A>`). Hugging Face keeps the merges in
order, llama.cpp a score for each piece, so the score is the rank of its first merge. That is the
same only where every two pieces that make a third may be merged: of a tokenizer for which that is
not so, llama.cpp would make other tokens, and it is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from agentlab.errors import ConfigError

if TYPE_CHECKING:
    from gguf import GGUFReader, GGUFWriter
    from transformers import PreTrainedTokenizerFast

Json = dict[str, Any]

_BYTE = re.compile(r"<0x[0-9A-F]{2}>")
_NORMAL, _UNKNOWN, _BYTE_KIND = 1, 2, 6
_LEAST = -1e9
"""The score of pieces that no merge makes: single characters, bytes, control tokens."""


def is_such(plan: Json) -> bool:
    """Whether a tokenizer (as `tokenizers` serialises it) is of this kind."""
    return plan["model"].get("type") == "BPE" and bool(plan["model"].get("byte_fallback"))


def see(plan: Json) -> None:
    """Refuse what llama.cpp would cut otherwise.

    Raises:
        ConfigError: in one line.
    """
    _prefixed(plan)
    vocabulary, ranks = cast(dict[str, int], plan["model"]["vocab"]), _ranks(plan)
    made = {left + right for left, right in ranks}
    for piece in made:
        for at in range(1, len(piece)):
            pair = piece[:at], piece[at:]
            if pair[0] in vocabulary and pair[1] in vocabulary and pair not in ranks:
                raise ConfigError(
                    f"this tokenizer never merges {pair[0][:20]!r} and {pair[1][:20]!r}, and "
                    "llama.cpp would: only tokenizers made by SentencePiece are the same there"
                )


def as_served(plan: Json) -> Json:
    """A tokenizer that marks the beginning of every text alone, also one that has a space already.

    That is how llama.cpp reads; Mistral's own adds no second space. Others stay as they are.
    """
    before = cast(Json | None, plan.get("pre_tokenizer"))
    if not is_such(plan) or before is None or not _prefixed(plan):
        return plan
    space = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}
    normal = {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"}, space]}
    return {**plan, "normalizer": normal, "pre_tokenizer": None}


def write(writer: GGUFWriter, plan: Json, tokens: list[str], kinds: list[int]) -> None:
    """Add the fields that such a tokenizer has of its own.

    Args:
        tokens, kinds: of every token; kinds are set here for pieces and bytes.
    """
    model = cast(Json, plan["model"])
    scores = [_LEAST] * len(tokens)
    first: dict[str, int] = {}
    for (left, right), rank in _ranks(plan).items():
        first.setdefault(left + right, rank)
    for text, index in cast(dict[str, int], model["vocab"]).items():
        if kinds[index] == _NORMAL:
            if _BYTE.fullmatch(text):
                kinds[index] = _BYTE_KIND
            elif text == model.get("unk_token"):
                kinds[index] = _UNKNOWN
            scores[index] = -float(first[text]) if text in first else _LEAST
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_scores(scores)
    writer.add_token_types(kinds)
    writer.add_add_space_prefix(_prefixed(plan))
    # a field of the standard: how Hugging Face cuts, for those who read the file to train on it
    writer.add_string("tokenizer.huggingface.json", json.dumps(plan))


def read(
    reader: GGUFReader, roles: Mapping[str, str], template: str | None
) -> PreTrainedTokenizerFast:
    """Such a tokenizer from a file that holds it as Hugging Face does.

    Raises:
        ConfigError: the file does not.
    """
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    kept = reader.fields.get("tokenizer.huggingface.json")
    if kept is None:
        raise ConfigError(
            "a SentencePiece tokenizer can't be read for training from this GGUF: load the model "
            "from its original folder or hub name"
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(kept.contents()),
        chat_template=template,
        clean_up_tokenization_spaces=False,
        **cast(Any, roles),
    )


def _ranks(plan: Json) -> dict[tuple[str, str], int]:
    """Which pieces are merged, and in which order."""
    merges = cast(list[Any], plan["model"]["merges"])
    pairs = (tuple(m.split(" ", 1)) if isinstance(m, str) else tuple(m) for m in merges)
    return {cast(tuple[str, str], pair): rank for rank, pair in enumerate(pairs)}


def _prefixed(plan: Json) -> bool:
    """Whether a text begins with a space that it does not have.

    Raises:
        ConfigError: text is changed or cut before it is merged, in a way that llama.cpp has not.
    """
    normal, before = cast(Json | None, plan["normalizer"]), cast(Json | None, plan["pre_tokenizer"])
    steps = [] if normal is None else cast(list[Json], normal.get("normalizers") or [normal])
    kinds = [str(step["type"]) for step in steps]
    spaces = all(
        step.get("content") == "▁" and step.get("pattern") == {"String": " "}
        for step in steps
        if step["type"] == "Replace"
    )
    prepends = all(step["prepend"] == "▁" for step in steps if step["type"] == "Prepend")
    if before is None and kinds in (["Prepend", "Replace"], ["Replace"]) and spaces and prepends:
        return len(kinds) == 2
    known = {"type": "Metaspace", "replacement": "▁", "split": False}
    if not kinds and before is not None and known.items() <= before.items():
        return before.get("prepend_scheme") != "never"
    raise ConfigError(
        "this tokenizer changes or cuts text in a way that llama.cpp has not: of those with "
        "byte_fallback, it knows the ones of Llama 2, Mistral and Phi-3"
    )
