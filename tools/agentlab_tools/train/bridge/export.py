"""A trained model as GGUF: weights, tokenizer, chat template and metadata, in one file.

    export(model, tokenizer, Path("mine.gguf"), name="mine")
    backend = connect("mine.gguf")

The file appears complete or not at all. Norms stay in float32, as llama.cpp wants them.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from agentlab.errors import ConfigError
from agentlab_tools.train.bridge import layout, vocabulary

if TYPE_CHECKING:
    from gguf import GGUFWriter
    from torch import Tensor
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

Precision: TypeAlias = Literal["F32", "F16", "BF16"]


def export(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    path: Path,
    *,
    name: str,
    precision: Precision = "F16",
) -> Path:
    """Write a llama-like model as GGUF; returns the path.

    Args:
        name: what the model is called in the file.
        precision: of the matrices. `quantize` makes them smaller.

    Raises:
        ConfigError: GGUF (or this module) has no place for something in the model.
        OSError: the disk is full, or the folder is not there. Nothing is left behind.
    """
    config: Any = model.config
    state: dict[str, Tensor] = dict(model.state_dict())
    if config.tie_word_embeddings:
        state.pop("lm_head.weight", None)
    names = layout.names(config, state)

    def fill(writer: GGUFWriter) -> None:
        _describe(writer, config, name, precision)
        vocabulary.write(writer, tokenizer, int(config.vocab_size))
        for theirs, tensor in state.items():
            ours = names[theirs]
            heads = layout.heads_of(ours, config)
            rows = tensor.detach().float().cpu()
            add(
                writer,
                ours,
                rows if heads is None else layout.to_gguf(rows, heads),
                "F32" if tensor.ndim == 1 else precision,
            )

    return written(path, fill)


def written(path: Path, fill: Callable[[GGUFWriter], None]) -> Path:
    """A GGUF of the llama architecture, filled by a function; complete before it bears its name."""
    import gguf

    partial = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        writer = gguf.GGUFWriter(partial, "llama")
        fill(writer)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return path


def add(writer: GGUFWriter, name: str, tensor: Tensor, precision: Precision) -> None:
    """Add one tensor in a precision."""
    import gguf

    kind = gguf.GGMLQuantizationType[precision]
    writer.add_tensor(name, gguf.quantize(tensor.contiguous().numpy(), kind), raw_dtype=kind)


def _describe(writer: GGUFWriter, config: Any, name: str, precision: Precision) -> None:
    import gguf

    rope = dict(config.rope_parameters)
    if rope.get("rope_type", "default") != "default":
        raise ConfigError(f"positions scaled by {rope['rope_type']} can't be written as GGUF here")
    if getattr(config, "sliding_window", None):
        raise ConfigError("a sliding window of attention can't be written as GGUF here")
    width = int(config.head_dim)
    writer.add_type("model")
    writer.add_name(name)
    kinds = {"F32": "ALL_F32", "F16": "MOSTLY_F16", "BF16": "MOSTLY_BF16"}
    writer.add_file_type(gguf.LlamaFileType[kinds[precision]])
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    writer.add_block_count(int(config.num_hidden_layers))
    writer.add_context_length(int(config.max_position_embeddings))
    writer.add_embedding_length(int(config.hidden_size))
    writer.add_feed_forward_length(int(config.intermediate_size))
    writer.add_head_count(int(config.num_attention_heads))
    writer.add_head_count_kv(int(config.num_key_value_heads))
    writer.add_key_length(width)
    writer.add_value_length(width)
    writer.add_rope_dimension_count(width)
    writer.add_rope_freq_base(float(rope["rope_theta"]))
    writer.add_layer_norm_rms_eps(float(config.rms_norm_eps))
    writer.add_vocab_size(int(config.vocab_size))
