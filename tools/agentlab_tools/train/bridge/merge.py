"""An adapter worked into its base: one file, which can be quantized as a whole.

    merge("local:smollm2", Path("mine.lora.gguf"), Path("mine.gguf"), name="mine")

W becomes W + (alpha / rank) B A. What is rounded afterwards is the sum; an adapter beside a
quantized base stays in float16, and is the better of the two where it may stay beside it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from agentlab.backends.llamacpp import gguf as frame
from agentlab.errors import ConfigError
from agentlab_tools.train.bridge import layout
from agentlab_tools.train.bridge.export import Precision, export
from agentlab_tools.train.bridge.load import load


def merge(
    base: str, adapter: Path, target: Path, *, name: str, precision: Precision = "F16"
) -> Path:
    """Write the model that a base and an adapter on it are; returns the target.

    Args:
        base: the model, as `load` takes it.
        adapter: a GGUF adapter for it.
        name: what the merged model is called.

    Raises:
        ModelNotFound, ModelUnreadable, MissingExtra: as `load`.
        ConfigError: the adapter is not one, or is for another model.
        OSError: as `export`.
    """
    loaded = load(base)
    frame.check(adapter)
    import torch  # noqa: PLC0415 heavy
    from gguf import GGUFReader, dequantize  # noqa: PLC0415 numpy and more

    reader = GGUFReader(adapter)
    alpha = reader.fields.get("adapter.lora.alpha")
    if alpha is None:
        raise ConfigError(f"{adapter} is no LoRA adapter")
    parts: dict[str, Any] = {
        tensor.name: cast(Any, torch)
        .from_numpy(dequantize(tensor.data, tensor.tensor_type).copy())
        .reshape([int(n) for n in reversed(tensor.shape)])
        for tensor in reader.tensors
    }
    config: Any = loaded.model.config
    weights: dict[str, Any] = dict(loaded.model.named_parameters())
    theirs = {ours: name for name, ours in layout.names(config, weights).items()}
    for of in {key.rpartition(".")[0] for key in parts}:
        a, b, heads = parts[f"{of}.lora_a"], parts[f"{of}.lora_b"], layout.heads_of(of, config)
        weight = weights.get(theirs.get(of, ""))
        if weight is None or weight.shape != (b.shape[0], a.shape[1]):
            raise ConfigError(f"{adapter.name} is not for {base}: {of} does not fit")
        rows = b if heads is None else layout.from_gguf(b, heads)
        weight.data += float(alpha.contents()) / a.shape[0] * rows @ a
    return export(loaded.model, loaded.tokenizer, target, name=name, precision=precision)
