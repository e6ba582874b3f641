"""Llama 3, Mistral and Phi-3: what training them takes, and small ones that are really trained.

Sizes are those of the published `config.json`s. A model of that size is never made here: its
layers are built without numbers (on the device `meta`), quantized and given an adapter by the
recipe's own code, and its bytes are added up.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, cast

from agentlab.errors import ConfigError, ToolError

from .judging import miscounted, misjudged
from .trained import trained

Config = Mapping[str, Any]

SAME = {"hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32}
PUBLISHED: Mapping[str, Config] = {
    "Llama 3 8B": {
        "model_type": "llama",
        "vocab_size": 128256,
        **SAME,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
    },
    "Mistral 7B": {
        "model_type": "mistral",
        "vocab_size": 32768,
        **SAME,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
    },
    "Phi-3 mini": {
        "model_type": "phi3",
        "vocab_size": 32064,
        "hidden_size": 3072,
        "intermediate_size": 8192,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 32,
    },
}
KINDS = ("llama", "mistral", "phi3")
RECIPES = ("lora", "qlora")
RANK = 8
"""Of the small models' adapters."""
TRAINED = 16
"""Bytes for each number that is learnt: itself, its slope and two averages, in float32."""
_TEXT = "A guest at table 4 wants two lattes, and a scone. What does the kitchen get? T4!\n" * 8
_CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_VOCABULARY = 300
_STEPS = 3


def small(kind: str, seed: int) -> Config:
    """A model of a family, of sizes drawn for it, small enough to be trained in a second."""
    rng = Random(f"{kind} {seed}")  # noqa: S311 - the seed is the point
    return {
        "model_type": kind,
        "vocab_size": _VOCABULARY,
        "hidden_size": rng.choice((128, 192)),
        "intermediate_size": 64 * rng.randint(4, 7),
        "num_hidden_layers": rng.randint(2, 3),
        "num_attention_heads": 4,
        "num_key_value_heads": rng.choice((1, 2)),
    }


def counted(config: Config, recipe: str, rank: int) -> int:
    """The bytes of weights, adapter, slopes and averages; each layer is as large as the others."""
    one, two = (_bytes({**config, "num_hidden_layers": n}, recipe, rank) for n in (1, 2))
    return one + (config["num_hidden_layers"] - 1) * (two - one)


def _bytes(config: Config, recipe: str, rank: int) -> int:
    return _weighed(tuple(sorted(config.items())), recipe, rank)


@cache
def _weighed(config: tuple[tuple[str, Any], ...], recipe: str, rank: int) -> int:
    import peft
    import torch

    from agentlab_tools.train.recipes.qlora import quantize_layers

    with torch.device("meta"):
        model = made(dict(config))
        if recipe == "qlora":
            quantize_layers(model)
        tuned: Any = peft.get_peft_model(
            model, peft.LoraConfig(r=rank, target_modules="all-linear", task_type="CAUSAL_LM")
        )
    parameters = list(tuned.parameters())
    learnt = sum(one.numel() for one in parameters if one.requires_grad)
    frozen = sum(
        one.numel() * (2 if one.is_floating_point() else 1)
        for one in parameters
        if not one.requires_grad
    )
    return frozen + TRAINED * learnt


def made(config: Config) -> Any:
    """A model by its configuration, with random weights."""
    from transformers import AutoConfig, AutoModelForCausalLM

    plan = {name: value for name, value in config.items() if name != "model_type"}
    plan |= {"bos_token_id": None, "eos_token_id": None, "pad_token_id": None}
    plan |= {"tie_word_embeddings": False}
    kept = cast(Any, AutoConfig).for_model(config["model_type"], **plan)
    return cast(Any, AutoModelForCausalLM).from_config(kept)


@cache
def room(kind: str, seed: int) -> int:
    """Bytes that there are for a small model: a little more than one of the recipes takes.

    One family has room for a LoRA, the two others have not.
    """
    roomy = KINDS[seed % len(KINDS)] == kind
    return round(1.05 * counted(small(kind, seed), "lora" if roomy else "qlora", RANK))


def right_recipe(kind: str, seed: int) -> str:
    """The recipe that rounds least of what fits."""
    fits = counted(small(kind, seed), "lora", RANK) <= room(kind, seed)
    return "lora" if fits else "qlora"


def asked(seed: int) -> list[tuple[dict[str, Any], str, int]]:
    """(configuration, recipe, rank): of the published models, and of small ones."""
    rng = Random(seed)  # noqa: S311 - the seed is the point
    configs = [*PUBLISHED.values(), *(small(kind, seed) for kind in KINDS)]
    return [
        (dict(config), recipe, rank)
        for config in configs
        for recipe, rank in zip(RECIPES, (rng.choice((8, 16)), rng.choice((32, 64))), strict=True)
    ]


def compared(
    asked: list[tuple[dict[str, Any], str, int]], said: object, jobs: object, seed: int
) -> dict[str, Any]:
    """What the learner said that models need and which jobs fit, beside what is counted.

    Raises:
        ToolError: that is no list of numbers, or a job no recipe with its settings.
    """
    numbers = cast(list[Any], said) if isinstance(said, list) else []
    plans = cast(list[Any], jobs) if isinstance(jobs, list) else []
    names = [*PUBLISHED, *(f"a small {kind}" for kind in KINDS)]
    found: dict[str, Any] = {"needs": [], "jobs": []}
    for n, ((config, recipe, rank), number) in enumerate(zip(asked, numbers, strict=True)):
        taken = counted(config, recipe, rank)
        title = f"{names[n // 2]}, {recipe} of rank {rank}"
        found["needs"].append({"title": title, "said": round(number), "taken": taken})
    for kind, plan in zip(KINDS, plans, strict=True):
        match plan:
            case [str(recipe), {**settings}] if recipe in RECIPES:
                pass
            case _:
                raise ToolError('job returns ("lora" or "qlora", its settings as a dict)')
        right = right_recipe(kind, seed)
        one = {"kind": kind, "recipe": recipe, "settings": settings, "right": right}
        found["jobs"].append(one)
    return found


def plain_mistakes(found: Mapping[str, Any]) -> bool:
    """Whether something is wrong that is seen before anything is trained."""
    return bool(miscounted(found, None) or misjudged(found, None))


def tried(
    kind: str, seed: int, recipe: str, settings: Mapping[str, Any], say: Callable[[str], None]
) -> dict[str, Any]:
    """A small model of a family trained by name, exported and served.

    Args:
        settings: those the learner chose; `model` has `FOLDER` for where the model lies.

    Raises:
        ToolError: the recipe refuses the settings.
    """
    key = kind, seed, recipe, json.dumps(settings, sort_keys=True)
    if key not in _known:
        with tempfile.TemporaryDirectory() as folder:
            try:
                _known[key] = _ran(Path(folder), kind, seed, recipe, settings, say)
            except ConfigError as error:
                raise ToolError(f"{recipe} on {kind}: {error}") from None
    return _known[key]


_known: dict[Any, dict[str, Any]] = {}
"""What came of a training: it comes out the same each time."""


def _ran(
    place: Path,
    kind: str,
    seed: int,
    recipe: str,
    settings: Mapping[str, Any],
    say: Callable[[str], None],
) -> dict[str, Any]:
    import numpy as np
    import torch
    from transformers.utils import logging

    from agentlab_tools.train.bridge.export import export
    from agentlab_tools.train.bridge.load import load
    from agentlab_tools.train.bridge.quantize import quantize
    from agentlab_tools.train.bridge.score import Scorer

    logging.disable_progress_bar()  # of a file that is there at once
    cast(Any, torch).manual_seed(seed)
    model, words = made({**small(kind, seed), "initializer_range": 0.15}), _tokenizer(place)
    model.save_pretrained(place / "model")
    words.save_pretrained(place / "model")
    del model
    named = str(settings["model"]).replace("FOLDER", str(place / "model"))
    how = {**settings, "model": named, "context": 96, "steps": _STEPS, "lr": 1e-2}
    rows = [(f"Two lattes for table {n}?", f"T{n} | 2 latte") for n in range(1, 9)]
    say(f"{recipe} on a small {kind}\n")
    came = trained(recipe, how, rows, place / "job", say)
    base = load(f"hf:{place / 'model'}")
    plain = export(base.model, base.tokenizer, place / "b.gguf", name=kind, precision="F32")
    with Scorer(plain) as scorer:
        ids = scorer.tokens(_TEXT)[:64]
    told = _logits(base.model, came.adapter.parent / "adapter", ids)
    with Scorer(plain, adapter=came.adapter, exact=True) as scorer:
        apart = float(np.abs(scorer.logits(ids) - told).max())
    four = quantize(plain, place / "four.gguf", "Q4_0")
    return {
        "taken": came.taken,
        "losses": [round(loss, 3) for loss in came.losses],
        "apart": apart,
        "size": came.adapter.stat().st_size,
        "said": _said(f"{four}+{came.adapter}"),
    }


def _logits(model: Any, adapter: Path, ids: list[int]) -> Any:
    import torch
    from peft import PeftModel

    tuned: Any = cast(Any, PeftModel).from_pretrained(model, str(adapter)).eval()
    with torch.no_grad():
        return tuned(torch.tensor([ids])).logits[0].float().numpy()


def _said(name: str) -> str:
    """What it says when it is served."""
    from agentlab import Agent
    from agentlab.backend import Settings
    from agentlab.backends import connect

    settings = Settings(temperature=0, max_tokens=8)
    with tempfile.TemporaryDirectory() as runs:
        agent = Agent(backend=connect(name, threads=1), settings=settings, runs=Path(runs))
        return agent.run_sync("Two lattes for table 3?").text


def _tokenizer(place: Path) -> Any:
    """A tokenizer of 300 tokens, learnt from a line."""
    from agentlab_tools.train.recipes.pretrain import bpe, opened

    path = place / "tokenizer.json"
    bpe([_TEXT], _VOCABULARY).save(str(path))
    words = opened(path)
    words.chat_template = _CHATML
    words.eos_token = "<|im_end|>"  # noqa: S105 - no password
    return words
