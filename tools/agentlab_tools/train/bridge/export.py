"""A trained model as GGUF: weights, tokenizer, chat template and metadata, in one file.

    see(model, tokenizer)                    before the first step: can it be written at all?
    export(model, tokenizer, Path("mine.gguf"), name="mine")
    backend = connect("mine.gguf")

The file appears complete or not at all. Norms stay in float32, as llama.cpp wants them. It also
holds the configuration as transformers knows it (`CONFIG`, which llama.cpp passes over), so that
`load` makes the same model of it again.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

from agentlab_tools.train.bridge import layout, positions, vocabulary

if TYPE_CHECKING:
    from gguf import GGUFWriter
    from torch import Tensor
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

_PHI = re.compile("phi-?3", re.IGNORECASE)
"""llama.cpp goes by this in a model's name: it then swallows the space after control tokens, which
training did not, and can't load a file whose vocabulary lacks four tokens of Phi-3's."""

Precision: TypeAlias = Literal["F32", "F16", "BF16"]

CONFIG = "agentlab.config"
"""The field of a GGUF that holds transformers' configuration, as JSON."""


def see(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    say: Callable[[str], object] = lambda _text: None,
) -> None:
    """Refuse what `export` could not write, before anything is trained.

    Args:
        say: told where the file will hold fewer tokens of context than the model could.

    Raises:
        ConfigError: as `export`.
    """
    plan: positions.Plan = cast(Any, model.config).to_dict()
    positions.see(plan)
    layout.names(model.config, _weights(model))
    vocabulary.see(vocabulary.plan_of(tokenizer))
    tokens, why = positions.limit(plan)
    if why:
        say(f"the GGUF will have a context of {tokens:,} tokens: {why}")


def export(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    path: Path,
    *,
    name: str,
    precision: Precision = "F16",
) -> Path:
    """Write a model of one of `layout.ARCHITECTURES` as GGUF; returns the path.

    Args:
        name: what the model is called in the file.
        precision: of the matrices. `quantize` makes them smaller.

    Raises:
        ConfigError: GGUF (or this module) has no place for something in the model.
        OSError: the disk is full, or the folder is not there. Nothing is left behind.
    """
    config: Any = model.config
    state = _weights(model)
    names = layout.names(config, state)

    def fill(writer: GGUFWriter) -> None:
        _describe(writer, config, name, precision)
        for ours, factors in positions.write(writer, config).items():
            add(writer, ours, factors, "F32")
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

    return written(path, layout.architecture(config.model_type), fill)


def written(path: Path, architecture: str, fill: Callable[[GGUFWriter], None]) -> Path:
    """A GGUF of an architecture, filled by a function; complete before it bears its name."""
    import gguf

    partial = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        writer = gguf.GGUFWriter(partial, architecture)
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


def _weights(model: PreTrainedModel) -> dict[str, Tensor]:
    """What is written: a last layer that is the embedding again stands in a file once."""
    state: dict[str, Tensor] = dict(model.state_dict())
    if cast(Any, model.config).tie_word_embeddings:
        state.pop("lm_head.weight", None)
    return state


def _describe(writer: GGUFWriter, config: Any, name: str, precision: Precision) -> None:
    import gguf

    width = positions.width_of(config)
    writer.add_type("model")
    writer.add_name(_PHI.sub("Phi 3", name))
    kinds = {"F32": "ALL_F32", "F16": "MOSTLY_F16", "BF16": "MOSTLY_BF16"}
    writer.add_file_type(gguf.LlamaFileType[kinds[precision]])
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    writer.add_block_count(int(config.num_hidden_layers))
    writer.add_embedding_length(int(config.hidden_size))
    writer.add_feed_forward_length(int(config.intermediate_size))
    writer.add_head_count(int(config.num_attention_heads))
    writer.add_head_count_kv(int(config.num_key_value_heads))
    writer.add_key_length(width)
    writer.add_value_length(width)
    writer.add_layer_norm_rms_eps(float(config.rms_norm_eps))
    writer.add_vocab_size(int(config.vocab_size))
    writer.add_string(CONFIG, json.dumps(config.to_dict(), separators=(",", ":")))
