"""A recipe run by its name, and the bytes that its training took, counted while it ran."""

from __future__ import annotations

import gc
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from agentlab_tools.train.events import JobEvent, Progress
from agentlab_tools.train.recipe import Work, load_recipe

_SLOPE = 4
"""Bytes of a slope; they are let go at the end of each step, before it is told of."""


@dataclass(frozen=True)
class Trained:
    """What came of a training.

    Attributes:
        adapter: its file.
        taken: bytes of frozen weights, of the adapter, its slopes and the optimizer's averages.
        losses: of each step.
    """

    adapter: Path
    taken: int
    losses: tuple[float, ...]


def trained(
    recipe: str,
    settings: Mapping[str, Any],
    rows: Sequence[tuple[str, str]],
    folder: Path,
    say: Callable[[str], None],
) -> Trained:
    """Run a recipe on pairs of question and answer, in bfloat16.

    Args:
        folder: to be made, for the data and for what comes of it.

    Raises:
        ConfigError: the recipe refuses the settings or the model.
    """
    folder.mkdir()
    data = folder / "chats.jsonl"
    data.write_text("".join(f"{json.dumps(_chat(*row))}\n" for row in rows), encoding="utf-8")
    others = _parameters()
    known = {id(one) for one in others}
    taken: list[int] = []
    losses: list[float] = []

    def tell(event: JobEvent) -> None:
        if isinstance(event, Progress):
            assert event.loss is not None, "a recipe of chats tells its loss"
            losses.append(event.loss)
            taken.append(_taken(known))
            say(f"step {event.step}  loss {event.loss:.3f}\n")

    chosen = load_recipe(recipe)
    whole = {"held_out": 0, "rows": 1, "precision": "bf16", **settings, "data": str(data)}
    chosen.run(chosen.read_settings(whole), Work(folder / "work", tell=tell, every=math.inf))
    return Trained(folder / "work" / "artifacts" / "adapter.gguf", max(taken), tuple(losses))


def _chat(asked: str, answer: str) -> Any:
    return {
        "messages": [
            {"role": "user", "content": asked},
            {"role": "assistant", "content": answer},
        ]
    }


def _parameters() -> list[Any]:
    from torch import nn

    return [one for one in gc.get_objects() if issubclass(type(one), nn.Parameter)]


def _taken(known: set[int]) -> int:
    """Bytes of all weights there are but those known, of slopes, and of what AdamW keeps."""
    import torch

    parameters = [one for one in _parameters() if id(one) not in known]
    mine = {id(one) for one in parameters}
    learnt = [one for one in parameters if one.requires_grad]
    kept = 0
    for one in gc.get_objects():
        if issubclass(type(one), torch.optim.Optimizer):
            state = cast(Mapping[Any, Mapping[str, Any]], one.state)
            kept += sum(
                part.nbytes
                for weight, parts in state.items()
                if id(weight) in mine
                for part in parts.values()
                if isinstance(part, torch.Tensor) and part.ndim
            )
    slopes = _SLOPE * sum(one.numel() for one in learnt)
    return sum(one.nbytes for one in parameters) + slopes + kept
