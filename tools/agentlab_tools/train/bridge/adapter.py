"""A trained LoRA as a GGUF adapter, which llama.cpp puts on beside its base, hot.

    export_adapter(peft_model, Path("mine.lora.gguf"), name="mine")
    backend = connect("local:smollm2+mine.lora.gguf")

A LoRA adds B·A to a weight (Hu et al., 2021, arXiv:2106.09685). The rows of B are the rows of that
weight, so for q and k they are reordered as the weight's own are; A has its columns, and stays.

`work_in` goes the other way, from such a file into the weights of a model.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from agentlab.backends.llamacpp import gguf as frame
from agentlab.errors import ConfigError
from agentlab_tools.train.bridge import layout
from agentlab_tools.train.bridge.export import Precision, add, written
from agentlab_tools.train.bridge.gguf_file import open_gguf

if TYPE_CHECKING:
    from gguf import GGUFWriter
    from peft import PeftModel
    from torch import Tensor
    from transformers import PreTrainedModel

_BEFORE = "base_model.model."
_A, _B = ".lora_A.weight", ".lora_B.weight"


def export_adapter(
    model: PeftModel, path: Path, *, name: str, precision: Precision = "F16"
) -> Path:
    """Write the model's active LoRA as a GGUF adapter; returns the path.

    Args:
        model: a LoRA on a model of one of `layout.ARCHITECTURES`.
        name: what the adapter is called in the file.
        precision: of its matrices.

    Raises:
        ConfigError: it is not a plain LoRA on linear layers.
        OSError: as `export`.
    """
    tuned: Any = model
    lora, config = tuned.peft_config[tuned.active_adapter], tuned.get_base_model().config
    state = weights_of(model)
    weights = {key: key.removeprefix(_BEFORE) for key in state}
    odd = [key for key in weights.values() if not key.endswith((_A, _B))]
    if odd or lora.alpha_pattern:
        what = odd[0] if odd else "an alpha of its own for some layers"
        raise ConfigError(f"a GGUF adapter holds plain LoRA on linear layers, not {what}")
    names = layout.names(config, {f"{_layer(key)}.weight" for key in weights.values()})

    def fill(writer: GGUFWriter) -> None:
        writer.add_type("adapter")
        writer.add_string("adapter.type", "lora")
        writer.add_name(name)
        writer.add_float32("adapter.lora.alpha", _alpha(lora))
        for key, theirs in weights.items():
            ours = names[f"{_layer(theirs)}.weight"]
            tensor = state[key].detach().float().cpu()
            heads = layout.heads_of(ours, config)
            if theirs.endswith(_A):
                add(writer, f"{ours}.lora_a", tensor, precision)
            else:
                rows = tensor if heads is None else layout.to_gguf(tensor, heads)
                add(writer, f"{ours}.lora_b", rows, precision)

    return written(path, layout.architecture(config.model_type), fill)


def work_in(model: PreTrainedModel, file: Path) -> None:
    """Add a GGUF adapter to a model's own weights: W becomes W + (alpha / rank) B A.

    Raises:
        ModelNotFound, ModelUnreadable: there is no such file, or it is damaged.
        ConfigError: it is no adapter, or is for another model.
    """
    frame.check(file)
    import torch
    from gguf import dequantize

    reader = open_gguf(file)
    alpha = reader.fields.get("adapter.lora.alpha")
    if alpha is None:
        raise ConfigError(f"{file} is no LoRA adapter")
    parts: dict[str, Any] = {
        tensor.name: cast(Any, torch)
        .from_numpy(dequantize(tensor.data, tensor.tensor_type).copy())
        .reshape([int(n) for n in reversed(tensor.shape)])
        for tensor in reader.tensors
    }
    config: Any = model.config
    weights: dict[str, Any] = dict(model.named_parameters())
    theirs = {ours: name for name, ours in layout.names(config, weights).items()}
    for of in {key.rpartition(".")[0] for key in parts}:
        a, b, heads = parts[f"{of}.lora_a"], parts[f"{of}.lora_b"], layout.heads_of(of, config)
        weight = weights.get(theirs.get(of, ""))
        if weight is None or weight.shape != (b.shape[0], a.shape[1]):
            raise ConfigError(f"{file.name} is an adapter for another model: {of} does not fit")
        rows = b if heads is None else layout.from_gguf(b, heads)
        weight.data += float(alpha.contents()) / a.shape[0] * rows @ a


def weights_of(model: PeftModel, adapter: str | None = None) -> dict[str, Tensor]:
    """The trained weights alone, by PEFT's names; of the active adapter where none is named."""
    import peft

    # by default PEFT looks on the hub whether the vocabulary grew
    return cast(Any, peft).get_peft_model_state_dict(
        model,
        adapter_name=adapter or cast(Any, model).active_adapter,
        save_embedding_layers=False,
    )


def _layer(key: str) -> str:
    return key.removesuffix(_A).removesuffix(_B)


def _alpha(lora: Any) -> float:
    """llama.cpp scales by alpha / rank; a rank-stabilised LoRA by alpha / √rank."""
    if not lora.use_rslora:
        return float(lora.lora_alpha)
    if lora.rank_pattern:
        raise ConfigError("a rank-stabilised LoRA with several ranks can't be a GGUF adapter")
    return float(lora.lora_alpha) * math.sqrt(lora.r)
