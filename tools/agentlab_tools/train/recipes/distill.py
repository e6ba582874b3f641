"""Distillation: a small model learns a larger one's whole opinion, not just the right answer.

A text says which token came next. A teacher says how likely every other one was, and that tells far
more: "Paris" was sure, "Lyon" was possible, "banana" was not. The student is made from the teacher
itself, with only some of its layers, and learns to give the same probabilities.

    loss = KL(teacher ‖ student) at a temperature, which makes small probabilities count

Hinton et al., 2015, arXiv:1503.02531; Sanh et al., 2019, DistilBERT, arXiv:1910.01108 (the student
from every other layer).
"""

from __future__ import annotations

import copy
import json
from functools import partial
from typing import TYPE_CHECKING, Any

from pydantic import Field

from agentlab.errors import ConfigError
from agentlab_tools.train.recipe import Recipe, Work
from agentlab_tools.train.recipes import steps as s
from agentlab_tools.train.recipes.chat_settings import ChatSettings, rows_of
from agentlab_tools.train.recipes.examples import Reader, Row
from agentlab_tools.train.recipes.steps import Place

if TYPE_CHECKING:
    from torch import Tensor


class Settings(ChatSettings):
    """What can be chosen. `model` is the teacher."""

    writes_whole = True

    layers: int = Field(15, ge=1)
    """How many of the teacher's layers the student keeps, evenly spread."""
    temperature: float = Field(2.0, gt=0)
    lr: float = Field(1e-4, gt=0)


def train(settings: Settings, work: Work) -> None:
    """Teach a model with fewer layers."""
    import torch

    from agentlab_tools.train.bridge.export import export, see
    from agentlab_tools.train.bridge.load import load

    work.seed_everything()
    place = Place.best(settings.precision)

    # 1. The teacher, and a student cut out of it.
    loaded = load(settings.model)
    see(loaded.model, loaded.tokenizer, work.say)  # what can't be written is not trained
    student = student_of(loaded.model, settings.layers).to(place.device)
    teacher: Any = loaded.model.to(place.device, place.number).requires_grad_(False)

    # 2. The data: what the teacher has opinions on.
    rows, test, total = rows_of(settings, Reader(loaded.tokenizer), work)

    def apart(model: Any, row: Row) -> Tensor:
        with torch.no_grad():
            wanted, _ = s.logits_and_labels(teacher, row)
        ours, _ = s.logits_and_labels(model, row)
        return s.divergence(wanted, ours, settings.temperature)

    # 3. Where we were, if this goes on after a break.
    optimizer: Any = torch.optim.AdamW(student.parameters(), lr=settings.lr, weight_decay=0.0)
    if (last := work.latest()) is not None:
        state = s.load_state(last.folder)
        student.load_state_dict(state["student"])
        optimizer.load_state_dict(state["optimizer"])
        before = state["before"]
    else:
        before = s.perplexity(student, test, place)

    # 4. Training.
    student.train()
    for step in work.steps(total):
        batch = [rows[index] for index in work.batch(step, settings.rows, of=len(rows))]
        rate = s.set_rate(optimizer, s.cosine(step, total, settings.lr))
        loss = s.backward(student, batch, place, apart)
        torch.nn.utils.clip_grad_norm_(student.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        work.report(step, loss=loss, lr=rate, tokens=sum(len(row.ids) for row in batch))
        if work.due(step):
            state = {
                "student": student.state_dict(),
                "optimizer": optimizer.state_dict(),
                "before": before,
            }
            work.checkpoint(step, partial(s.save_state, state=state))

    # 5. What came of it: the student, and how far it is from its teacher.
    after, best = (s.perplexity(model, test, place) for model in (student, teacher))
    work.say(f"the teacher's perplexity is {best:.2f}; the student's: {s.came_to(before, after)}")
    work.artifact(
        "model.gguf", lambda path: export(student, loaded.tokenizer, path, name=work.folder.name)
    )
    scores = {"perplexity_before": before, "perplexity_after": after, "perplexity_teacher": best}
    work.artifact("scores.json", lambda path: path.write_text(json.dumps(scores)))


def student_of(teacher: Any, layers: int) -> Any:
    """A model with only some layers of a llama-like one, evenly spread, the first and last kept.

    Raises:
        ConfigError: the teacher has fewer layers than that.
    """
    from torch import nn

    count = len(teacher.model.layers)
    if layers > count:
        raise ConfigError(f"the teacher has {count} layers: --set layers=… at most that many")
    student: Any = copy.deepcopy(teacher)
    every: Any = student.model.layers
    kept = [round(n * (count - 1) / max(layers - 1, 1)) for n in range(layers)]
    chosen = [every[index] for index in kept]
    for place, layer in enumerate(chosen):
        layer.self_attn.layer_idx = place
    student.model.layers = nn.ModuleList(chosen)
    student.config.num_hidden_layers = layers
    return student


recipe = Recipe(
    "distill",
    "Teach a model with fewer layers",
    Settings,
    train,
    ("torch", "transformers", "gguf"),
)
