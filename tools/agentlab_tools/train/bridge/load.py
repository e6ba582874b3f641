"""A model ready for training, by the names that `connect` takes.

    loaded = load("local:smollm2")        the packaged GGUF
    loaded = load("models/mine.gguf")     any GGUF of the llama architecture, or that `export` wrote
    loaded = load("local:smollm2+mine.gguf")     with an adapter worked into the weights
    loaded = load("job:last")             what a training job made
    loaded = load("lab:m5/dpo")           what was trained in a lab
    loaded = load("HuggingFaceTB/SmolLM2-360M")    a folder or hub name, with hf: or without

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
from agentlab_tools.train.bridge import layout, positions, vocabulary
from agentlab_tools.train.bridge.adapter import work_in
from agentlab_tools.train.bridge.export import CONFIG
from agentlab_tools.train.bridge.gguf_file import open_gguf
from agentlab_tools.train.made_in_labs import PREFIX as LAB
from agentlab_tools.train.served import PREFIX, home_jobs, plain, served

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


def see(name: str, *, whole: bool = False) -> None:
    """Refuse what `load` could not load or what could not be written again, loading nothing.

    A name of the hub is not asked for: it is seen when it is loaded.

    Args:
        whole: the model is to be written, and not just an adapter for it: then its positions and
            its tokenizer must be such as can be.

    Raises:
        ModelNotFound, ModelUnreadable: there is no such file, or it is damaged.
        ConfigError: the folder of that name holds a model that can't be.
    """
    name = plain(_made_here(name))
    base, _ = registry.split(name)
    folder = Path(base).expanduser()
    if registry.is_gguf(base):
        if not base.startswith("hf:"):
            entry = registry.find(name)
            for file in (entry.path, *entry.adapters.values()):
                frame.check(file)
    elif (folder / "config.json").is_file():
        plan = _json(folder / "config.json", "model_type")
        layout.see_kind(str(plan["model_type"]))
        if whole:
            positions.see(plan)
            if (folder / "tokenizer.json").is_file():
                vocabulary.see(_json(folder / "tokenizer.json", "model"))


def _json(file: Path, needed: str) -> dict[str, Any]:
    """What a file of a model's folder says.

    Raises:
        ConfigError: nothing, or not what is needed.
    """
    try:
        said = json.loads(file.read_bytes())
        return {**said, needed: said[needed]}
    except (OSError, ValueError, TypeError, KeyError):
        raise ConfigError(f"{file} describes no {file.stem.replace('config', 'model')}") from None


def _made_here(name: str) -> str:
    """What a job or a lab made, by its files; other names as they are."""
    return served(home_jobs(), name) if name.startswith((PREFIX, LAB)) else name


def _check_installed() -> None:
    for needed in ("torch", "transformers", "gguf"):
        if importlib.util.find_spec(needed) is None:
            raise MissingExtra(needed, "train")


def _load(name: str) -> Loaded:
    name = plain(_made_here(name))
    base, adapters = registry.split(name)
    if registry.is_gguf(base):
        entry = registry.find(name)
        loaded, files = _from_gguf(entry.path), [*entry.adapters.values()]
    else:
        loaded, files = _from_hub(base), [Path(adapter) for adapter in adapters]
    for file in files:
        work_in(loaded.model, file)
    return loaded


def _from_gguf(path: Path) -> Loaded:
    frame.check(path)
    import transformers

    reader = open_gguf(path)
    config = _kept(reader, path) or _config(reader, path)
    kind: Any = getattr(transformers, _CLASSES[config.model_type])
    state = _weights(reader, config, kind)
    config.tie_word_embeddings = "lm_head.weight" not in state
    model = kind.from_pretrained(None, config=config, state_dict=state, dtype="float32")
    return Loaded(model.eval(), vocabulary.read(reader))


_CLASSES = {
    "llama": "LlamaForCausalLM",
    "mistral": "MistralForCausalLM",
    "phi3": "Phi3ForCausalLM",
}


def _kept(reader: GGUFReader, path: Path) -> Any | None:
    """The configuration that `export` put into a file; None where another program wrote it.

    Raises:
        ConfigError: what is there is none.
    """
    from transformers import AutoConfig

    field = reader.fields.get(CONFIG)
    if field is None:
        return None
    try:
        plan: dict[str, Any] = json.loads(field.contents())
        kind = str(plan.pop("model_type"))
        layout.see_kind(kind)  # transformers may know many more, and some run code of their own
        return cast(Any, AutoConfig).for_model(kind, **plan)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ConfigError(f"{path.name} holds a damaged configuration ({CONFIG})") from error


def _config(reader: GGUFReader, path: Path) -> Any:
    from transformers import LlamaConfig

    def field(name: str, default: Any = None) -> Any:
        entry = reader.fields.get(name)
        return default if entry is None else entry.contents()

    kind = field("general.architecture")
    if kind != "llama":
        raise ConfigError(
            f"{path.name} is a {kind} model that another program wrote: of those only llama-like "
            "ones can be trained from GGUF; load its original folder"
        )
    scaled = field("llama.rope.scaling.type", "none") != "none" or any(
        tensor.name == "rope_freqs.weight" for tensor in reader.tensors
    )
    if scaled or field("llama.expert_count"):
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


def _weights(reader: GGUFReader, config: Any, kind: Any) -> dict[str, Tensor]:
    """Every weight under Hugging Face's name, in its order of rows."""
    import torch
    from gguf import dequantize

    with torch.device("meta"):
        theirs = list(kind(config).state_dict())
    ours = {value: key for key, value in layout.names(config, theirs).items()}
    state: dict[str, Tensor] = {}
    for tensor in reader.tensors:
        if tensor.name.startswith("rope_f"):
            continue  # factors, which the configuration tells of
        if tensor.name not in ours:
            raise ConfigError(f"the weight {tensor.name} has no place in such a model")
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
        options = {"local_files_only": not _hub_is_there()}
        tokenizer = cast(Any, AutoTokenizer).from_pretrained(name, **options)
        model = cast(Any, AutoModelForCausalLM).from_pretrained(name, dtype="float32", **options)
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
