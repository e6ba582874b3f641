"""LoRA: a model learns something new through a few added weights, and the rest stays as it is.

Every linear layer y = W x gets a detour, y = W x + (alpha / rank) B A x, with A of shape
(rank, in) and B of shape (out, rank). W is frozen; A and B, some 2 % of its size, are trained.
B begins at zero, so training begins with the model as it was. What comes out is a few megabytes
that llama.cpp puts on beside the model, and takes off again.

What the model already does well can be kept: on conversations given as `keep` it is pulled towards
the probabilities it has with the detour closed.

Hu et al., 2021, LoRA: Low-Rank Adaptation of Large Language Models, arXiv:2106.09685. Li and Hoiem,
2016, Learning without Forgetting, arXiv:1606.09282.
"""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from pydantic import Field

from agentlab_tools.train.recipe import Recipe, Work
from agentlab_tools.train.recipes import steps as s
from agentlab_tools.train.recipes.chat_settings import LoraSettings, rows_of
from agentlab_tools.train.recipes.data import chats
from agentlab_tools.train.recipes.examples import Reader, Row
from agentlab_tools.train.recipes.steps import Place

if TYPE_CHECKING:
    from torch import Tensor

    from agentlab_tools.train.bridge.load import Loaded


class Settings(LoraSettings):
    """What can be chosen."""

    keep: str | None = None
    """Conversations to go on answering as the model does now: from where `data` can be."""
    keep_every: int = Field(8, ge=1)
    """Steps from one row of `keep` to the next."""

    def sources(self) -> tuple[str, ...]:
        """Both files."""
        return (self.data,) if self.keep is None else (self.data, self.keep)

    def _see_data(self) -> None:
        super()._see_data()
        if self.keep is not None:
            chats(self.keep)


def train(settings: Settings, work: Work) -> None:
    """Tune a LoRA on conversations."""
    from agentlab_tools.train.bridge.load import load

    work.seed_everything()
    place = Place.best(settings.precision)

    # 1. The model.
    loaded = load(settings.model)
    loaded.model.to(place.device)
    tune(settings, work, loaded, place)


def tune(settings: Settings, work: Work, loaded: Loaded, place: Place) -> None:
    """Put a LoRA on a model whose weights stay as they are, and train it."""
    import peft
    import torch

    from agentlab_tools.train.bridge.adapter import export_adapter, weights_of

    # 2. The detour beside every linear layer.
    plan = peft.LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,  # pyright: ignore[reportArgumentType] it need not be whole
        lora_dropout=settings.dropout,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
    model: Any = peft.get_peft_model(loaded.model, plan)
    trained = [p for p in model.parameters() if p.requires_grad]

    # 3. The data. What is held out is never learnt from, and tells whether learning helps.
    reader = Reader(loaded.tokenizer)
    rows, test, total = rows_of(settings, reader, work)
    training_rows = kept_rows(settings, reader, work)

    # 4. Where we were, if this goes on after a break.
    optimizer: Any = torch.optim.AdamW(trained, lr=settings.lr, weight_decay=0.0)
    if (last := work.latest()) is not None:
        state = s.load_state(last.folder)
        cast(Any, peft).set_peft_model_state_dict(model, state["lora"])
        optimizer.load_state_dict(state["optimizer"])
        before = state["before"]
    else:
        # of the weights as they were loaded: the number that every recipe prints for this model
        before = s.perplexity(model, test, place)
    # frozen weights need no more bits than they are multiplied with
    for parameter in model.parameters():
        if not parameter.requires_grad and parameter.is_floating_point():
            parameter.data = parameter.data.to(place.number)

    # 5. Training.
    model.train()
    for step in work.steps(total):
        batch = [rows[index] for index in work.batch(step, settings.rows, of=len(rows))]
        rate = s.set_rate(optimizer, s.cosine(step, total, settings.lr))
        loss = s.backward(model, batch, place)
        if training_rows and step % settings.keep_every == 0:
            which = (step // settings.keep_every) % len(training_rows)
            s.backward(model, [training_rows[which]], place, apart_from_itself)
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

    # 6. What came of it: for llama.cpp, for PEFT, and how good it is.
    after = s.perplexity(model, test, place)
    work.say(s.came_to(before, after))
    work.artifact("adapter.gguf", lambda path: export_adapter(model, path, name=work.folder.name))
    work.artifact("adapter", lambda path: model.save_pretrained(path, save_embedding_layers=False))
    scores = {"perplexity_before": before, "perplexity_after": after}
    work.artifact("scores.json", lambda path: path.write_text(json.dumps(scores)))


def kept_rows(settings: Settings, reader: Reader, work: Work) -> list[Row]:
    """Rows of what is to stay as it is; none where nothing is given."""
    if settings.keep is None:
        return []
    examples = [e for chat in chats(settings.keep, say=work.say) for e in reader.chat(chat)]
    return s.packed(examples, settings.context, work.say)


def apart_from_itself(model: Any, row: Row) -> Tensor:
    """KL(model without its LoRA ‖ model), summed over the tokens a row teaches, in nats."""
    import torch

    with torch.no_grad(), model.disable_adapter():
        was, _ = s.logits_and_labels(model, row)
    now, _ = s.logits_and_labels(model, row)
    return s.divergence(was, now)


recipe = Recipe(
    "lora",
    "Tune a LoRA on conversations",
    Settings,
    train,
    ("torch", "transformers", "peft", "gguf"),
)
