"""How far and how finely a model tells places in a text apart, as GGUF keeps it.

A rotary embedding turns pair i of a head by `place · theta^(-2i / width)`. A model made for longer
texts than it was trained on turns some pairs more slowly:

    linear     all of them, by one factor                                rope.scaling.factor
    llama3     the slow ones by a factor, those between by a part of it  the weights rope_freqs
    longrope   each by its own factor, short texts by others             rope_factors_short and
               than long ones (Phi-3 with 128k)                          rope_factors_long

The factors themselves are computed by transformers, so they are those that training uses.

The context length in a file is the length up to which llama.cpp says what PyTorch said, which can
be less than the model's own. llama.cpp does not limit how far back Mistral or Phi-3 looks
(`sliding_window`), and it takes longrope's long factors for every text once a context is larger
than the original one, where PyTorch goes by the text. A larger one can be asked for (`n_ctx`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from agentlab.errors import ConfigError
from agentlab_tools.train.bridge import layout

if TYPE_CHECKING:
    from gguf import GGUFWriter
    from torch import Tensor

Plan = Mapping[str, Any]
"""A model's configuration: what its `config.json` says, or `to_dict()` of transformers' object."""

_SCALINGS = {"llama": ("default", "linear", "llama3"), "phi3": ("default", "longrope")}
_OLD_NAMES = {"su": "longrope", "yarn": "longrope"}
"""As the first Phi-3 models call it."""


def see(plan: Plan) -> None:
    """Refuse a model that llama.cpp would compute otherwise than PyTorch, loading nothing.

    Raises:
        ConfigError: one line that says what can't be written, and what could be.
    """
    architecture = layout.architecture(str(plan.get("model_type")))
    scaling = _scaling(plan)
    if scaling not in _SCALINGS[architecture]:
        raise ConfigError(
            f"a {plan['model_type']} model with positions scaled by {scaling[:20]!r} can't be "
            f"written as GGUF here: {' and '.join(_SCALINGS[architecture])} can, and so can a LoRA"
        )
    act = str(plan.get("hidden_act", "silu"))
    if act not in ("silu", "swish"):
        raise ConfigError(
            f"llama.cpp computes a {plan['model_type']} model with silu, and this one has "
            f"{act[:20]!r}: take one whose config.json says hidden_act silu"
        )
    partly = _rope(plan).get("partial_rotary_factor") or plan.get("partial_rotary_factor") or 1.0
    if architecture == "llama" and float(partly) != 1.0:
        raise ConfigError(
            f"llama.cpp turns all of a llama's head, and this model {float(partly):.0%} of it "
            "(partial_rotary_factor): a LoRA on it can be written, the whole model can't"
        )


def limit(plan: Plan) -> tuple[int, str]:
    """Up to how many tokens both sides compute the same, and why not more (empty: it is all)."""
    whole = int(plan["max_position_embeddings"])
    window = plan.get("sliding_window")
    reasons = [(whole, "")]
    if window:
        reasons.append((int(window), "llama.cpp has no limit on how far back such a model looks"))
    if _scaling(plan) == "longrope":
        reasons.append((_original(plan), "llama.cpp goes over to the long factors beyond that"))
    return min(reasons, key=lambda reason: reason[0])


def write(writer: GGUFWriter, config: Any) -> dict[str, Tensor]:
    """Add what GGUF says of positions; returns the weights that belong to it, by GGUF's names.

    Args:
        config: the model's configuration, from transformers.

    Raises:
        ConfigError: as `see`.
    """
    import gguf

    plan: Plan = config.to_dict()
    see(plan)
    rope, scaling = _rope(plan), _scaling(plan)
    width = width_of(config)
    turned = int(width * float(rope.get("partial_rotary_factor") or 1.0))
    writer.add_context_length(limit(plan)[0])
    writer.add_rope_dimension_count(turned)
    writer.add_rope_freq_base(float(rope["rope_theta"]))
    if plan.get("sliding_window"):
        writer.add_sliding_window(int(plan["sliding_window"]))
    if layout.architecture(config.model_type) == "phi3":
        writer.add_rope_scaling_orig_ctx_len(_original(plan))
    if scaling == "linear":
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(float(rope["factor"]))
    if scaling == "llama3":
        return {"rope_freqs.weight": _factors(config, rope, turned)}
    if scaling == "longrope":
        return _long_and_short(writer, config, rope)
    return {}


def width_of(config: Any) -> int:
    """How many numbers a head has."""
    width: int | None = getattr(config, "head_dim", None)
    return width or int(config.hidden_size) // int(config.num_attention_heads)


def _rope(plan: Plan) -> Plan:
    """`rope_parameters`, or what older files call it."""
    return plan.get("rope_parameters") or plan.get("rope_scaling") or {}


def _scaling(plan: Plan) -> str:
    rope = _rope(plan)
    kind = str(rope.get("rope_type") or rope.get("type") or "default")
    return _OLD_NAMES.get(kind, kind) if plan.get("model_type") == "phi3" else kind


def _original(plan: Plan) -> int:
    """The longest text the model was first trained on."""
    kept = _rope(plan).get("original_max_position_embeddings")
    return int(kept or plan["original_max_position_embeddings"])


def _factors(config: Any, rope: Plan, turned: int) -> Tensor:
    """By how much each pair turns more slowly than it would: (turned / 2,)."""
    import torch
    from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

    slowed, _ = ROPE_INIT_FUNCTIONS["llama3"](config, torch.device("cpu"))
    powers = torch.arange(0, turned, 2, dtype=torch.float32) / turned
    return 1.0 / (float(rope["rope_theta"]) ** powers) / slowed


def _long_and_short(writer: GGUFWriter, config: Any, rope: Plan) -> dict[str, Tensor]:
    import torch
    from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

    _, stretch = ROPE_INIT_FUNCTIONS["longrope"](config, torch.device("cpu"))
    writer.add_rope_scaling_attn_factors(float(stretch))
    return {
        f"rope_factors_{length}.weight": torch.tensor(rope[f"{length}_factor"])
        for length in ("long", "short")
    }
