"""LoRA: a model learns something new through a few added weights, and the rest stays as it is.

Every linear layer y = W x gets a detour, y = W x + (alpha / rank) B A x, with A of shape
(rank, in) and B of shape (out, rank). W is frozen; A and B, some 2 % of its size, are trained.
B begins at zero, so training begins with the model as it was. What comes out is a few megabytes
that llama.cpp puts on beside the model, and takes off again.

Hu et al., 2021, LoRA: Low-Rank Adaptation of Large Language Models, arXiv:2106.09685.
"""

from __future__ import annotations

import json
import math
from functools import partial
from typing import Any, cast

from pydantic import Field

from agentlab_tools.train.recipe import Recipe, RecipeSettings, Work
from agentlab_tools.train.recipes.steps import Precision


class Settings(RecipeSettings):
    """What can be chosen."""

    data: str
    """Conversations: a JSONL file, a folder of traces (the runs that passed), or a DuckDB file."""
    sql: str | None = None
    """Which rows or runs; see `recipes.data`."""
    model: str = "local:smollm2"
    """What to tune, as `connect` takes it, or a folder or hub name."""
    held_out: float = Field(0.05, ge=0, lt=1)
    """Share of the conversations to measure on, not to learn from."""
    rank: int = Field(16, ge=1)
    alpha: float = Field(32, gt=0)
    dropout: float = Field(0.0, ge=0, lt=1)
    lr: float = Field(5e-4, gt=0)
    epochs: float = Field(1, gt=0)
    """How many times to go through the data."""
    steps: int | None = Field(None, ge=1)
    """How many steps to take, in place of `epochs`."""
    context: int = Field(1024, ge=16)
    """Tokens in a row; longer conversations are left out."""
    rows: int = Field(4, ge=1)
    """Rows to a step. Only one is in memory at a time."""
    precision: Precision = "auto"
    """Of the matrix products: bf16 is faster where the hardware has it."""


def train(settings: Settings, work: Work) -> None:
    """Tune a LoRA on conversations."""
    import peft  # noqa: PLC0415 heavy
    import torch  # noqa: PLC0415 heavy

    from agentlab_tools.train.bridge.adapter import export_adapter, weights_of  # noqa: PLC0415
    from agentlab_tools.train.bridge.load import load  # noqa: PLC0415
    from agentlab_tools.train.recipes import steps as s  # noqa: PLC0415
    from agentlab_tools.train.recipes.data import chats  # noqa: PLC0415
    from agentlab_tools.train.recipes.examples import Reader, hold_out  # noqa: PLC0415

    work.seed_everything()
    place = s.Place.best(settings.precision)

    # 1. The model. Frozen weights need no more bits than they are multiplied with.
    loaded = load(settings.model)
    plan = peft.LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,  # pyright: ignore[reportArgumentType] it need not be whole
        lora_dropout=settings.dropout,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
    model: Any = peft.get_peft_model(loaded.model.to(place.device, place.number), plan)
    trained = [p for p in model.parameters() if p.requires_grad]

    # 2. The data. What is held out is never learnt from, and tells whether learning helps.
    reader = Reader(loaded.tokenizer)
    examples = [e for chat in chats(settings.data, settings.sql) for e in reader.chat(chat)]
    learnt, unseen = hold_out(examples, settings.held_out)
    rows, test = (s.packed(part, settings.context, work.say) for part in (learnt, unseen))
    total = settings.steps or math.ceil(len(rows) * settings.epochs / settings.rows)

    # 3. Where we were, if this goes on after a break.
    optimizer: Any = torch.optim.AdamW(trained, lr=settings.lr, weight_decay=0.0)
    if (last := work.latest()) is not None:
        state = s.load_state(last.folder)
        cast(Any, peft).set_peft_model_state_dict(model, state["lora"])
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
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        work.report(step, loss=loss, lr=rate, tokens=sum(len(row.ids) for row in batch))
        if work.due(step):
            state = {
                "lora": weights_of(model),
                "optimizer": optimizer.state_dict(),
                "before": before,
            }
            work.checkpoint(step, partial(s.save_state, state=state))

    # 5. What came of it: for llama.cpp, for PEFT, and how good it is.
    after = s.perplexity(model, test, place)
    work.say(f"perplexity on what was held out: {before:.2f} before, {after:.2f} after")
    work.artifact("adapter.gguf", lambda path: export_adapter(model, path, name=work.folder.name))
    work.artifact("adapter", lambda path: model.save_pretrained(path, save_embedding_layers=False))
    scores = {"perplexity_before": before, "perplexity_after": after, "held_out": len(unseen)}
    work.artifact("scores.json", lambda path: path.write_text(json.dumps(scores)))


recipe = Recipe(
    "lora",
    "Tune a LoRA on conversations",
    Settings,
    train,
    ("torch", "transformers", "peft", "gguf"),
)
