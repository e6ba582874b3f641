"""A model ready for training, by the names that `connect` takes.

    loaded = load("local:smollm2")        the packaged GGUF
    loaded = load("models/mine.gguf")     any GGUF of the llama architecture
    loaded = load("local:smollm2+mine.gguf")     with an adapter worked into the weights
    loaded = load("job:last")             what a training job made
    loaded = load("HuggingFaceTB/SmolLM2-360M-Instruct")    a folder or a hub name

A quantized file is dequantized: training goes on from what is served, not from what it once was.
"""

from __future__ import annotations

import importlib.util
import json
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit
from urllib.request import getproxies

from agentlab.backends.llamacpp import gguf as frame
from agentlab.backends.llamacpp import registry
from agentlab.errors import ConfigError, MissingExtra, ModelNotFound
from agentlab_tools.train.bridge import layout, vocabulary
from agentlab_tools.train.bridge.adapter import work_in
from agentlab_tools.train.served import PREFIX, home_jobs, served

if TYPE_CHECKING:
    from gguf import GGUFReader
    from torch import Tensor


@dataclass(frozen=True)
class Loaded:
    """A model and what it needs to read text."""

    model: Any
    """A transformers `PreTrainedModel`, in float32, in evaluation mode."""
    tokenizer: Any
    """A `PreTrainedTokenizerFast`, with the chat template, where the model has one."""


def load(name: str) -> Loaded:
    """The model under a name.

    Raises:
        MissingExtra: torch, transformers or gguf is not installed.
        ModelNotFound, ModelUnreadable: there is no such model, or the file is damaged.
        ConfigError: it is of a kind that can't be trained here.
    """
    _check_installed()
    from transformers.utils import logging

    bars = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()  # a second or two needs none, and logs are full of it
    try:
        return _load(name)
    finally:
        if bars:
            logging.enable_progress_bar()


def see(name: str) -> None:
    """Refuse what `load` could not load or what could not be written again, loading nothing.

    A name of the hub is not asked for: it is seen when it is loaded.

    Raises:
        ModelNotFound, ModelUnreadable: there is no such file, or it is damaged.
        ConfigError: the folder of that name holds a model of another architecture.
    """
    if name.startswith(PREFIX):
        name = served(home_jobs(), name)
    base, _ = registry.split(name)
    described = Path(base).expanduser() / "config.json"
    if registry.is_gguf(base):
        if not base.startswith("hf:"):
            found = registry.find(name)
            for file in (found.path, *found.adapters.values()):
                frame.check(file)
    elif described.is_file():
        try:
            kind = str(json.loads(described.read_bytes())["model_type"])
        except (ValueError, TypeError, KeyError):
            raise ConfigError(f"{described} describes no model") from None
        layout.see_kind(kind)


def _check_installed() -> None:
    for needed in ("torch", "transformers", "gguf"):
        if importlib.util.find_spec(needed) is None:
            raise MissingExtra(needed, "train")


def _load(name: str) -> Loaded:
    if name.startswith(PREFIX):
        name = served(home_jobs(), name)
    base, adapters = registry.split(name)
    if registry.is_gguf(base):
        found = registry.find(name)
        loaded, files = _from_gguf(found.path), [*found.adapters.values()]
    else:
        loaded, files = _from_hub(base), [Path(adapter) for adapter in adapters]
    for file in files:
        work_in(loaded.model, file)
    return loaded


def _from_gguf(path: Path) -> Loaded:
    frame.check(path)
    from gguf import GGUFReader
    from transformers import LlamaForCausalLM

    reader = GGUFReader(path)
    config = _config(reader, path)
    state = _weights(reader, config)
    config.tie_word_embeddings = "lm_head.weight" not in state
    load_state = cast(Any, LlamaForCausalLM).from_pretrained
    model = load_state(None, config=config, state_dict=state, dtype="float32")
    return Loaded(model.eval(), vocabulary.read(reader))


def _config(reader: GGUFReader, path: Path) -> Any:
    from transformers import LlamaConfig

    def field(name: str, default: Any = None) -> Any:
        found = reader.fields.get(name)
        return default if found is None else found.contents()

    kind = field("general.architecture")
    if kind != "llama":
        raise ConfigError(
            f"{path.name} is a {kind} model: only the llama architecture can be trained from GGUF"
        )
    if field("llama.rope.scaling.type", "none") != "none" or field("llama.expert_count"):
        raise ConfigError(f"{path.name} has scaled positions or experts: load its original folder")
    heads, width = field("llama.attention.head_count"), field("llama.embedding_length")
    roles = {"bos": "bos", "eos": "eos", "pad": "padding"}
    return LlamaConfig(
        vocab_size=len(field("tokenizer.ggml.tokens")),
        hidden_size=width,
        intermediate_size=field("llama.feed_forward_length"),
        num_hidden_layers=field("llama.block_count"),
        num_attention_heads=heads,
        num_key_value_heads=field("llama.attention.head_count_kv", heads),
        head_dim=field("llama.attention.key_length", width // heads),
        max_position_embeddings=field("llama.context_length"),
        rms_norm_eps=field("llama.attention.layer_norm_rms_epsilon"),
        rope_parameters={
            "rope_type": "default",
            "rope_theta": field("llama.rope.freq_base", 10000.0),
        },
        **{
            f"{role}_token_id": field(f"tokenizer.ggml.{key}_token_id")
            for role, key in roles.items()
        },
    )


def _weights(reader: GGUFReader, config: Any) -> dict[str, Tensor]:
    """Every weight under Hugging Face's name, in its order of rows."""
    import torch
    from gguf import dequantize
    from transformers import LlamaForCausalLM

    with torch.device("meta"):
        theirs = list(LlamaForCausalLM(config).state_dict())
    ours = {value: key for key, value in layout.names(config, theirs).items()}
    state: dict[str, Tensor] = {}
    for tensor in reader.tensors:
        if tensor.name not in ours:
            raise ConfigError(f"the weight {tensor.name} has no place in a llama model")
        values: Tensor = cast(Any, torch).from_numpy(
            dequantize(tensor.data, tensor.tensor_type).copy()
        )
        values = values.reshape([int(n) for n in reversed(tensor.shape)])
        heads = layout.heads_of(tensor.name, config)
        state[ours[tensor.name]] = values if heads is None else layout.from_gguf(values, heads)
    return state


def _from_hub(name: str) -> Loaded:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    try:
        kept = {"local_files_only": not _hub_is_there()}
        tokenizer = cast(Any, AutoTokenizer).from_pretrained(name, **kept)
        model = cast(Any, AutoModelForCausalLM).from_pretrained(name, dtype="float32", **kept)
    except (OSError, ValueError) as error:
        reason = str(error).strip().split("\n")[0]
        raise ModelNotFound(f"no model to train under {name!r}: {reason}") from error
    layout.see_kind(model.config.model_type)
    return Loaded(model.eval(), tokenizer)


def _hub_is_there() -> bool:
    """Whether it is worth asking: without a network its client tries for most of a minute."""
    if getproxies():
        return True
    from huggingface_hub import constants

    try:
        socket.getaddrinfo(urlsplit(constants.ENDPOINT).hostname, 443)
    except OSError:
        return False
    return True
