"""What PyTorch and GGUF call a weight, and in which order each keeps its rows.

A rotary position embedding turns pairs of numbers. Hugging Face pairs the first number of a head's
first half with the first of its second half; llama.cpp pairs neighbours. So the same q and k
projections have their rows in a different order on either side:

    Hugging Face   a0 a1 a2 … b0 b1 b2 …     (pair i is a_i, b_i)
    llama.cpp      a0 b0 a1 b1 a2 b2 …

A model whose rows are not reordered loads without complaint and talks nonsense. That is so of
llama's architecture; where llama.cpp pairs as Hugging Face does (Phi-3), the rows stay.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from agentlab.errors import ConfigError

if TYPE_CHECKING:
    from torch import Tensor

ARCHITECTURES: Mapping[str, str] = {"llama": "llama", "mistral": "llama", "phi3": "phi3"}
"""Model types of transformers that can be written, and what GGUF calls their architecture.

Mistral's weights, names and order are Llama's. Phi-3 keeps q, k and v as one matrix, and gate and
up as another, on both sides alike; llama.cpp pairs its numbers as Hugging Face does.
"""


def see_kind(kind: str) -> None:
    """Refuse a type of model that can't be written as GGUF.

    Raises:
        ConfigError: it is not in `ARCHITECTURES`.
    """
    if kind not in ARCHITECTURES:
        raise ConfigError(
            f"a {kind[:40]} model can't be written as GGUF here: take one whose config.json says "
            f"{', '.join(ARCHITECTURES)} (Llama, SmolLM2, Mistral, Phi-3 and Phi-4-mini are)"
        )


def architecture(kind: str) -> str:
    """What GGUF calls a model type of transformers.

    Raises:
        ConfigError: as `see_kind`.
    """
    see_kind(kind)
    return ARCHITECTURES[kind]


def to_gguf(rows: Tensor, heads: int) -> Tensor:
    """Rows of a q or k projection, from Hugging Face's order to llama.cpp's.

    Args:
        rows: (heads * width, …), or the B matrix of a LoRA on one.
        heads: how many heads the rows belong to; for k, the key-value heads.
    """
    half = rows.shape[0] // heads // 2
    return rows.reshape(heads, 2, half, -1).transpose(1, 2).reshape(rows.shape)


def from_gguf(rows: Tensor, heads: int) -> Tensor:
    """The way back; see `to_gguf`."""
    half = rows.shape[0] // heads // 2
    return rows.reshape(heads, half, 2, -1).transpose(1, 2).reshape(rows.shape)


def heads_of(name: str, config: Any) -> int | None:
    """How many heads a weight's rows must be reordered by; None where they stay as they are.

    Args:
        name: GGUF's name for the weight.
        config: the model's configuration, from transformers.
    """
    if architecture(config.model_type) != "llama":
        return None
    if ".attn_q." in name:
        return int(config.num_attention_heads)
    if ".attn_k." in name:
        return int(config.num_key_value_heads)
    return None


def names(config: Any, theirs: Iterable[str]) -> dict[str, str]:
    """Hugging Face's names of weights to GGUF's.

    Raises:
        ConfigError: the architecture is not one that can be written, or has an unknown weight.
    """
    import gguf

    ours_of = {name: number for number, name in gguf.MODEL_ARCH_NAMES.items()}
    kind = ours_of[architecture(config.model_type)]
    table = gguf.get_tensor_name_map(kind, int(config.num_hidden_layers))
    by_theirs: dict[str, str] = {}
    for name in theirs:
        ours = table.get_name(name, try_suffixes=(".weight", ".bias"))
        if ours is None:
            raise ConfigError(f"GGUF has no name for the weight {name}")
        by_theirs[name] = ours
    return by_theirs
