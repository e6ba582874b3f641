"""A tokenizer as GGUF fields, and back: byte-level BPE here, SentencePiece's in `pieces`.

llama.cpp does not store how text is cut before merging; it knows some ways by name (`pre`). The
names here are those whose cutting is known to be the same on both sides. A tokenizer that cuts
otherwise is refused: it would load, and silently read other tokens than the model learnt.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from agentlab.errors import ConfigError
from agentlab_tools.train.bridge import pieces

if TYPE_CHECKING:
    from gguf import GGUFReader, GGUFWriter
    from transformers import PreTrainedTokenizerFast

Json = dict[str, Any]

_LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_BYTES = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True}
CUTS: dict[str, list[Json]] = {
    "gpt-2": [_BYTES],
    "smollm": [{"type": "Digits", "individual_digits": True}, _BYTES],
    "llama-bpe": [
        {"type": "Split", "pattern": {"Regex": _LLAMA3}, "behavior": "Isolated", "invert": False},
        {**_BYTES, "use_regex": False},
    ],
}
"""llama.cpp's name for a way of cutting text, and the same in the library `tokenizers`."""

_NORMAL, _CONTROL, _USER, _UNUSED = 1, 3, 4, 5
_SPECIAL = ("bos", "eos", "unk", "pad")
_KEYS = {"bos": "bos", "eos": "eos", "unk": "unknown", "pad": "padding"}


def plan_of(tokenizer: PreTrainedTokenizerFast) -> Json:
    """What a tokenizer does, as `tokenizers` serialises it; also what a `tokenizer.json` holds."""
    return cast(Json, json.loads(tokenizer.backend_tokenizer.to_str()))


def see(plan: Json) -> None:
    """Refuse a tokenizer that can't be written.

    Raises:
        ConfigError: llama.cpp has none that does the same.
    """
    if pieces.is_such(plan):
        pieces.see(plan)
    elif plan["model"].get("type") != "BPE" or plan.get("normalizer") is not None:
        raise ConfigError(
            "this tokenizer can't go into a GGUF here: byte-level BPE without a normalizer can "
            "(GPT-2, Llama 3, SmolLM2), and SentencePiece's BPE with byte_fallback (Llama 2, "
            "Mistral, Phi-3)"
        )
    else:
        cut_of(plan.get("pre_tokenizer"))


def write(writer: GGUFWriter, tokenizer: PreTrainedTokenizerFast, size: int) -> None:
    """Add a tokenizer's fields to a GGUF.

    Args:
        size: how many tokens the model has; those without a text are filled up as unused.

    Raises:
        ConfigError: llama.cpp has no tokenizer that does the same.
    """
    plan = plan_of(tokenizer)
    see(plan)
    model = cast(Json, plan["model"])
    tokens = [f"[UNUSED{n}]" for n in range(size)]
    kinds = [_UNUSED] * size
    for text, index in cast(dict[str, int], model["vocab"]).items():
        tokens[index], kinds[index] = text, _NORMAL
    for added in cast(list[Json], plan["added_tokens"]):
        tokens[added["id"]] = added["content"]
        kinds[added["id"]] = _CONTROL if added["special"] else _USER
    if pieces.is_such(plan):
        pieces.write(writer, plan, tokens, kinds)
    else:
        writer.add_tokenizer_model("gpt2")
        writer.add_tokenizer_pre(cut_of(plan.get("pre_tokenizer")))
        writer.add_token_list(tokens)
        writer.add_token_types(kinds)
        merges = cast(list[Any], model["merges"])
        writer.add_token_merges([m if isinstance(m, str) else " ".join(m) for m in merges])
        writer.add_add_space_prefix(False)
    for role in _SPECIAL:
        index = getattr(tokenizer, f"{role}_token_id")
        if index is not None:
            writer.add_uint32(f"tokenizer.ggml.{_KEYS[role]}_token_id", index)
    first = cast(list[int], tokenizer("a")["input_ids"])[0]
    writer.add_add_bos_token(first == tokenizer.bos_token_id)
    template = cast(Any, tokenizer).chat_template
    if template:
        writer.add_chat_template(template)


def cut_of(plan: Json | None) -> str:
    """llama.cpp's name for a pre-tokenizer (as `tokenizers` serialises it).

    Raises:
        ConfigError: it has none.
    """
    steps = cast(list[Json], (plan or {}).get("pretokenizers") or [plan or {}])
    for name, known in CUTS.items():
        if len(known) == len(steps) and all(
            given.get(key) == value
            for wanted, given in zip(known, steps, strict=True)
            for key, value in wanted.items()
        ):
            return name
    raise ConfigError(
        f"this tokenizer cuts text in a way llama.cpp has no name for here: {', '.join(CUTS)} are "
        "known"
    )


def read(reader: GGUFReader) -> PreTrainedTokenizerFast:
    """The tokenizer in a GGUF.

    Raises:
        ConfigError: it is of a kind that can't be trained with here.
    """
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    def field(name: str) -> Any:
        entry = reader.fields.get(f"tokenizer.{name}")
        return None if entry is None else entry.contents()

    tokens = cast(list[str], field("ggml.tokens"))
    roles: dict[str, int | None] = {
        role: field(f"ggml.{_KEYS[role]}_token_id") for role in _SPECIAL
    }
    named = {f"{role}_token": tokens[index] for role, index in roles.items() if index is not None}
    kind, cut = field("ggml.model"), field("ggml.pre")
    if kind == "llama":
        return pieces.read(reader, named, field("chat_template"))
    if kind != "gpt2" or cut not in CUTS:
        raise ConfigError(
            f"a model with a {kind} tokenizer ({cut}) can't be read for training from GGUF: load "
            "it from its original folder or hub name"
        )
    kinds = cast(list[int], field("ggml.token_type"))
    merges = cast(list[str], field("ggml.merges"))
    added = [
        {
            "id": index,
            "content": tokens[index],
            "special": kind == _CONTROL,
            **dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False),
        }
        for index, kind in enumerate(kinds)
        if kind in (_CONTROL, _USER)
    ]
    marks = {"trim_offsets": True}
    steps = [{**step, **(marks if step["type"] == "ByteLevel" else {})} for step in CUTS[cut]]
    plan: Json = {
        "version": "1.0",
        "added_tokens": added,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": steps},
        "decoder": {**_BYTES, **marks},
        "model": {
            "type": "BPE",
            "vocab": {text: index for index, text in enumerate(tokens)},
            "merges": merges,
        },
    }
    return PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(json.dumps(plan)),
        chat_template=field("chat_template"),
        clean_up_tokenization_spaces=False,
        **cast(Any, named),
    )
