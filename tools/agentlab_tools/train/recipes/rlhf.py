"""RLHF in small: learn what people like, then learn to give answers that score well.

    1. A reward model: of two answers, the preferred one should get the higher score.
           loss = -log sigmoid(score(chosen) - score(rejected))         (Bradley and Terry, 1952)
    2. A policy: it answers each question several times, the reward model scores the answers, and
       answers better than their group's average become more likely, the others less.
           advantage = (score - mean of the group) / its spread
           loss = -advantage · log p(answer) + beta · KL(policy ‖ reference)

The KL term keeps the policy near the model it began as: a reward model is easily fooled by answers
no person would write, and a policy left alone finds them. One model serves as all three: with one
LoRA it scores, with another it is the policy, and with none it is the reference.

Ouyang et al., 2022, InstructGPT, arXiv:2203.02155; Shao et al., 2024, GRPO, arXiv:2402.03300. Every
group of answers is used for one step, so the policy is always the one that gave them, and the
clipped ratio of PPO would always be one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from pydantic import Field

from agentlab_tools.train.bridge.score import UNSCORED
from agentlab_tools.train.recipe import Recipe, Work
from agentlab_tools.train.recipes import steps as s
from agentlab_tools.train.recipes.chat_settings import PairSettings
from agentlab_tools.train.recipes.data import pairs
from agentlab_tools.train.recipes.dpo import Pair, read_pairs
from agentlab_tools.train.recipes.examples import Reader, Row, hold_out
from agentlab_tools.train.recipes.steps import Place

if TYPE_CHECKING:
    from torch import Tensor


class Settings(PairSettings):
    """What can be chosen. Rows of `data` hold messages, chosen and rejected; see `recipes.data`."""

    reward_steps: int = Field(40, ge=1)
    """Steps of the reward model; then come `steps` of the policy."""
    steps: int | None = Field(40, ge=1)
    rows: int = Field(8, ge=1)
    """Pairs to a step of the reward model."""
    answers: int = Field(8, ge=2)
    """How often the policy answers a question before it learns from it."""
    length: int = Field(32, ge=1)
    """Tokens an answer may have."""
    beta: float = Field(0.05, ge=0)
    """How strongly straying from the reference is held against the policy."""
    lr: float = Field(2e-4, gt=0)
    held_out: float = Field(0.1, ge=0, lt=1)


def train(settings: Settings, work: Work) -> None:  # noqa: PLR0915 it reads from top to bottom
    """Learn what is preferred, then learn to do it."""
    import peft
    import torch

    from agentlab_tools.train.bridge.adapter import export_adapter, weights_of
    from agentlab_tools.train.bridge.load import load

    work.seed_everything()
    place = Place.best(settings.precision)

    # 1. One model with two LoRAs, and a scale that turns what it thinks of an answer into a score.
    loaded = load(settings.model)
    plan = peft.LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,  # pyright: ignore[reportArgumentType] it need not be whole
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
    model: Any = peft.get_peft_model(
        loaded.model.to(place.device, place.number), plan, adapter_name="policy"
    )
    model.add_adapter("reward", plan)
    scale: Any = torch.nn.Linear(loaded.model.config.hidden_size, 1, bias=False)
    torch.nn.init.zeros_(scale.weight)
    scale.to(place.device)
    parts = {name: [p for n, p in model.named_parameters() if name in n] for name in _ADAPTERS}
    parts["reward"] += list(scale.parameters())
    optimizers: Any = {n: torch.optim.AdamW(p, lr=settings.lr) for n, p in parts.items()}

    # 2. The preferences, and the questions in them.
    reader = Reader(loaded.tokenizer)
    preferences = read_pairs(settings, reader, work.say)
    learnt, unseen = hold_out(preferences, settings.held_out)
    questions = [reader.prompt(_asked(better)) for better, _ in pairs(settings.data, settings.sql)]
    questions = [ids for ids in questions if len(ids) + settings.length <= settings.context]
    total = settings.reward_steps + (settings.steps or settings.reward_steps)

    # 3. Where we were, if this goes on after a break.
    if (last := work.latest()) is not None:
        state = s.load_state(last.folder)
        for name in _ADAPTERS:
            cast(Any, peft).set_peft_model_state_dict(model, state[name], adapter_name=name)
            optimizers[name].load_state_dict(state[f"{name} optimizer"])
        scale.load_state_dict(state["scale"])

    # 4. Training: first what is preferred, then to do it.
    for step in work.steps(total):
        scoring = step <= settings.reward_steps
        name = "reward" if scoring else "policy"
        done = step if scoring else step - settings.reward_steps
        whole = settings.reward_steps if scoring else total - settings.reward_steps
        rate = s.set_rate(optimizers[name], s.cosine(done, whole, settings.lr))
        if scoring:
            chosen = work.batch(step, settings.rows, of=len(learnt))
            report = learn_score(model, scale, [learnt[index] for index in chosen], place)
        else:
            (index,) = work.batch(done, 1, of=len(questions))
            report = learn_answer(model, scale, questions[index], settings, place, reader.ends)
        torch.nn.utils.clip_grad_norm_(parts[name], 1.0)
        optimizers[name].step()
        optimizers[name].zero_grad()
        work.report(step, lr=rate, **report)
        if work.due(step):
            state = {n: weights_of(model, n) for n in _ADAPTERS}
            state |= {f"{n} optimizer": optimizers[n].state_dict() for n in _ADAPTERS}
            work.checkpoint(
                step, partial(s.save_state, state={**state, "scale": scale.state_dict()})
            )

    # 5. What came of it: the policy for llama.cpp, and how well the scores tell better from worse.
    right = [_margin(model, scale, pair, place) > 0 for pair in unseen]
    share = sum(right) / len(right) if right else math.nan
    work.say(f"the reward model is right about {share:.0%} of {len(right)} pairs it never saw")
    model.set_adapter("policy")
    work.artifact("adapter.gguf", lambda path: export_adapter(model, path, name=work.folder.name))
    work.artifact(
        "scores.json", lambda path: path.write_text(json.dumps({"reward_accuracy": share}))
    )


_ADAPTERS = ("policy", "reward")


def learn_score(model: Any, scale: Any, batch: Sequence[Pair], place: Place) -> dict[str, Any]:
    """Gradients by which preferred answers score higher; returns what to report."""
    from torch.nn.functional import logsigmoid

    loss = right = 0.0
    for pair in batch:
        ahead = scored(model, scale, pair.chosen, place) - scored(
            model, scale, pair.rejected, place
        )
        each: Any = -logsigmoid(ahead)
        (each / len(batch)).backward()
        loss += each.item() / len(batch)
        right += (ahead.item() > 0) / len(batch)
    tokens = sum(len(pair.chosen.ids) + len(pair.rejected.ids) for pair in batch)
    return {"loss": loss, "tokens": tokens, "accuracy": right}


def learn_answer(
    model: Any,
    scale: Any,
    question: Sequence[int],
    settings: Settings,
    place: Place,
    ends: Sequence[int],
) -> dict[str, Any]:
    """Gradients by which answers that score well become likelier; returns what to report."""
    import torch

    rows = sampled(model, question, settings, place, ends)
    with torch.no_grad():
        scores = torch.stack([scored(model, scale, row, place) for row in rows])
    advantages = (scores - scores.mean()) / (scores.std() + 1e-4)
    model.set_adapter("policy")
    total = strayed = 0.0
    for row, advantage in zip(rows, advantages, strict=True):
        with place.autocast():
            likely = chances(model, row)
            with torch.no_grad(), model.disable_adapter():
                was = chances(model, row)
        # an estimate of the KL that is never negative (Schulman, 2020)
        apart = (was - likely).exp() - (was - likely) - 1
        loss: Any = (settings.beta * apart - advantage * likely).mean() / len(rows)
        loss.backward()
        total += loss.item()
        strayed += apart.mean().item() / len(rows)
    tokens = sum(len(row.ids) for row in rows)
    return {"loss": total, "tokens": tokens, "reward": scores.mean().item(), "kl": strayed}


def scored(model: Any, scale: Any, row: Row, place: Place) -> Tensor:
    """What the reward model gives an answer: a number, from what it thinks at the last token."""
    import torch

    model.set_adapter("reward")
    ids = torch.tensor([row.ids], device=place.device)
    with place.autocast():
        body = model.get_base_model().model
        return scale(body(input_ids=ids, use_cache=False).last_hidden_state[0, -1].float())[0]


def chances(model: Any, row: Row) -> Tensor:
    """The log-probability of every token that a row teaches."""
    logits, labels = s.logits_and_labels(model, row)
    return logits.log_softmax(-1).gather(1, labels[:, None])[:, 0]


def sampled(
    model: Any, question: Sequence[int], settings: Settings, place: Place, ends: Sequence[int]
) -> list[Row]:
    """Answers of the policy to one question, as rows of which the answer alone is learnt."""
    import torch

    model.set_adapter("policy")
    ids = torch.tensor([list(question)] * settings.answers, device=place.device)
    model.eval()
    with torch.no_grad(), place.autocast():
        written = model.generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=settings.length,
            do_sample=True,
            temperature=1.0,
            top_k=0,
            top_p=1.0,
            eos_token_id=list(ends),
            pad_token_id=ends[0],
        )
    model.train()
    return [_row(question, answer[len(question) :].tolist(), ends) for answer in written]


def _row(question: Sequence[int], answer: list[int], ends: Sequence[int]) -> Row:
    end = next((place for place, token in enumerate(answer) if token in ends), len(answer))
    scored = answer[: end + 1]
    ids = [*question, *scored]
    return Row(ids, [*[UNSCORED] * len(question), *scored], list(range(len(ids))))


def _margin(model: Any, scale: Any, pair: Pair, place: Place) -> float:
    import torch

    with torch.no_grad():
        both = [scored(model, scale, row, place).item() for row in (pair.chosen, pair.rejected)]
    return both[0] - both[1]


def _asked(chat: Any) -> Any:
    """A conversation without its last answer."""
    return type(chat)(chat.messages[:-1], chat.tools)


recipe = Recipe(
    "rlhf",
    "Learn what is preferred, then learn to do it",
    Settings,
    train,
    ("torch", "transformers", "peft", "gguf"),
)
