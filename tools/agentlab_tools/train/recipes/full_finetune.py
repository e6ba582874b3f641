"""Full fine-tuning: every weight of a model goes on learning, from conversations.

What LoRA does with 2 % of the weights, done with all. It can change more, and forget more; it needs
sixteen bytes a weight (weight, gradient, and two averages of the optimizer's) where LoRA needs two,
and what comes out is a whole model. A learning rate ten times smaller than LoRA's is usual.
"""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from pydantic import Field

from agentlab_tools.train.recipe import Recipe, Work
from agentlab_tools.train.recipes import memory
from agentlab_tools.train.recipes import steps as s
from agentlab_tools.train.recipes.chat_settings import ChatSettings, rows_of
from agentlab_tools.train.recipes.examples import Reader
from agentlab_tools.train.recipes.steps import Place


class Settings(ChatSettings):
    """What can be chosen."""

    writes_whole = True

    lr: float = Field(3e-5, gt=0)


def train(settings: Settings, work: Work) -> None:
    """Train all of a model on conversations."""
    import torch

    from agentlab_tools.train.bridge.export import export, see
    from agentlab_tools.train.bridge.load import load

    work.seed_everything()
    place = Place.best(settings.precision)

    # 1. The model, in float32: a step is often smaller than what bfloat16 can tell apart.
    loaded = load(settings.model)
    see(loaded.model, loaded.tokenizer, work.say)  # what can't be written is not trained
    model: Any = loaded.model.to(place.device)

    # 2. The data. What is held out is never learnt from, and tells whether learning helps.
    rows, test, total = rows_of(settings, Reader(loaded.tokenizer), work)

    work.say(memory.told_before(model, rows, place))

    # 3. Where we were, if this goes on after a break.
    optimizer: Any = torch.optim.AdamW(model.parameters(), lr=settings.lr, weight_decay=0.0)
    if (last := work.latest()) is not None:
        state = s.load_state(last.folder)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        before = state["before"]
    else:
        before = s.perplexity(model, test, place)

    # 4. Training.
    model.train()
    for step in work.steps(total):
        batch = [rows[index] for index in work.batch(step, settings.rows, of=len(rows))]
        rate = s.set_rate(optimizer, s.cosine(step, total, settings.lr))
        loss = s.backward(model, batch, place)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        work.report(step, loss=loss, lr=rate, tokens=sum(len(row.ids) for row in batch))
        if work.due(step):
            state = {
                "model": model.state_dict(),
                "optimizer": optimizer.state_dict(),
                "before": before,
            }
            work.checkpoint(step, partial(s.save_state, state=state))

    # 5. What came of it: a whole model for llama.cpp, and how good it is.
    work.say(memory.told_after(place))
    after = s.perplexity(model, test, place)
    work.say(s.came_to(before, after))
    work.artifact(
        "model.gguf", lambda path: export(model, loaded.tokenizer, path, name=work.folder.name)
    )
    scores = {"perplexity_before": before, "perplexity_after": after}
    work.artifact("scores.json", lambda path: path.write_text(json.dumps(scores)))


recipe = Recipe(
    "full-finetune",
    "Train all of a model on conversations",
    Settings,
    train,
    ("torch", "transformers", "gguf"),
)
