"""DPO: of two answers, make the one that people preferred more likely, without a reward model.

RLHF (see rlhf.py) first learns what people like and then searches for answers that score well.
Rafailov and others saw that a policy already implies a reward: how much more likely it makes an
answer than the model it began as. So the preferences can be learnt from directly:

    reward(answer) = beta · (log p_policy(answer) - log p_reference(answer))
    loss = -log sigmoid(reward(chosen) - reward(rejected))

The policy is a LoRA; with it taken off, the same model is the reference.

Rafailov et al., 2023, Direct Preference Optimization, arXiv:2305.18290.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

from pydantic import Field

from agentlab.errors import ConfigError
from agentlab_tools.train.recipe import Recipe, Work
from agentlab_tools.train.recipes import steps as s
from agentlab_tools.train.recipes.chat_settings import LoraSettings, PairSettings
from agentlab_tools.train.recipes.data import pairs
from agentlab_tools.train.recipes.examples import Reader, Row, hold_out
from agentlab_tools.train.recipes.steps import Place


class Settings(PairSettings):
    """What can be chosen. Rows of `data` hold messages, chosen and rejected; see `recipes.data`."""

    beta: float = Field(0.1, gt=0)
    """How strongly straying from the reference is held against the policy."""
    lr: float = Field(1e-4, gt=0)
    rows: int = Field(8, ge=1)
    """Pairs to a step."""
    held_out: float = Field(0.1, ge=0, lt=1)


@dataclass(frozen=True)
class Pair:
    """Two answers to one question, as rows of tokens of which the answer alone is judged."""

    chosen: Row
    rejected: Row


def train(settings: Settings, work: Work) -> None:
    """Make preferred answers more likely."""
    import peft
    import torch

    from agentlab_tools.train.bridge.adapter import export_adapter, weights_of
    from agentlab_tools.train.bridge.load import load

    work.seed_everything()
    place = Place.best(settings.precision)

    # 1. The policy, which is also its own reference.
    loaded = load(settings.model)
    plan = peft.LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,  # pyright: ignore[reportArgumentType] it need not be whole
        lora_dropout=settings.dropout,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
    policy: Any = peft.get_peft_model(loaded.model.to(place.device, place.number), plan)
    trained = [p for p in policy.parameters() if p.requires_grad]

    # 2. The preferences.
    preferences = read_pairs(settings, Reader(loaded.tokenizer), work.say)
    learnt, unseen = hold_out(preferences, settings.held_out)
    total = settings.steps or math.ceil(len(learnt) * settings.epochs / settings.rows)

    # 3. Where we were, if this goes on after a break.
    optimizer: Any = torch.optim.AdamW(trained, lr=settings.lr, weight_decay=0.0)
    if (last := work.latest()) is not None:
        state = s.load_state(last.folder)
        cast(Any, peft).set_peft_model_state_dict(policy, state["lora"])
        optimizer.load_state_dict(state["optimizer"])

    # 4. Training.
    policy.train()
    for step in work.steps(total):
        batch = [learnt[index] for index in work.batch(step, settings.rows, of=len(learnt))]
        rate = s.set_rate(optimizer, s.cosine(step, total, settings.lr))
        loss = right = ahead = 0.0
        for pair in batch:
            with place.autocast():
                margin = reward_margin(policy, pair, settings.beta)
            each: Any = -torch.nn.functional.logsigmoid(margin)
            (each / len(batch)).backward()
            loss += each.item() / len(batch)
            ahead += margin.item() / len(batch)
            right += (margin.item() > 0) / len(batch)
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        tokens = sum(len(pair.chosen.ids) + len(pair.rejected.ids) for pair in batch)
        work.report(step, loss=loss, lr=rate, tokens=tokens, margin=ahead, accuracy=right)
        if work.due(step):
            state = {"lora": weights_of(policy), "optimizer": optimizer.state_dict()}
            work.checkpoint(step, partial(s.save_state, state=state))

    # 5. What came of it: does it prefer what people preferred, on pairs it never saw?
    policy.eval()
    with torch.no_grad(), place.autocast():
        after = [reward_margin(policy, pair, settings.beta).item() > 0 for pair in unseen]
    share = sum(after) / len(after) if after else math.nan
    told = f"prefers the better answer in {share:.0%} of {len(after)} pairs it never saw"
    work.say(told if after else s.NOT_MEASURED)
    work.artifact("adapter.gguf", lambda path: export_adapter(policy, path, name=work.folder.name))
    work.artifact("adapter", lambda path: policy.save_pretrained(path, save_embedding_layers=False))
    work.artifact("scores.json", lambda path: path.write_text(json.dumps({"accuracy": share})))


def reward_margin(policy: Any, pair: Pair, beta: float) -> Any:
    """How much more the policy's implied reward gives the chosen answer, in nats."""
    import torch

    both = (pair.chosen, pair.rejected)
    with torch.no_grad(), policy.disable_adapter():
        better_was, worse_was = (-s.summed_loss(policy, row) for row in both)
    better, worse = (-s.summed_loss(policy, row) for row in both)
    return beta * ((better - better_was) - (worse - worse_was))


def read_pairs(
    settings: LoraSettings, reader: Reader, say: Callable[[str], None]
) -> Sequence[Pair]:
    """Preferences as tokens; those too long for a row are left out.

    Raises:
        ConfigError: there are none, or all are too long.
    """
    read: list[Pair] = []
    for better, worse in pairs(settings.data, settings.sql, say):
        rows = [Row(), Row()]
        for row, chat in zip(rows, (better, worse), strict=True):
            row.add(reader.chat(chat)[-1:])
        if max(len(row.ids) for row in rows) <= settings.context:
            read.append(Pair(*rows))
    if not read:
        raise ConfigError(f"every preference is longer than {settings.context} tokens")
    return read


recipe = Recipe(
    "dpo",
    "Make preferred answers more likely",
    Settings,
    train,
    ("torch", "transformers", "peft", "gguf"),
)
