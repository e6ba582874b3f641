"""Trainings of the packaged model, one after the other: a script of its own, in a fresh process.

Reads a job as JSON from stdin:

    model       its name, as `connect` takes it
    trainings   {name: {"rank": 0 for all weights, or of a LoRA; "rate": …; "steps": [rows, …]}};
                a row is [what is said, what to answer]
    orders      rows it never learns from; articles: texts
    folder      where NAME.gguf is left: a whole model, or an adapter

and writes, for each and for `base`, the loss on the orders and the perplexity of the articles.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agentlab.messages import Message
from agentlab_tools.train.waiting import wait_asleep

wait_asleep()

import torch  # noqa: E402, TID253 - a program of its own, and threads wait as torch finds it set

from agentlab_tools.train.bridge.adapter import export_adapter  # noqa: E402
from agentlab_tools.train.bridge.export import export  # noqa: E402
from agentlab_tools.train.bridge.load import load  # noqa: E402
from agentlab_tools.train.randomness import seed_all  # noqa: E402
from agentlab_tools.train.recipes import steps as s  # noqa: E402
from agentlab_tools.train.recipes.examples import Reader, Row  # noqa: E402
from agentlab_tools.train.toolcalling.dialogues import chat_of  # noqa: E402

_STEADY = 0.7
"""Share of the steps at the full rate; the rest are smaller, and settle."""
_SMALLER = 0.4


def row_of(reader: Reader, rows: Sequence[Sequence[str]]) -> Row:
    """Conversations as one row of tokens: what all of them begin with stands in it once."""
    examples = [
        reader.chat(chat_of([Message.user(asked), Message.assistant(answer)], ()))[0]
        for asked, answer in rows
    ]
    shared = 0
    for column in zip(*(example.ids for example in examples), strict=False):
        if len(set(column)) > 1:
            break
        shared += 1
    row = Row()
    row.add(examples, min(shared, min(len(example.ids) for example in examples) - 1))
    return row


def text_of(reader: Reader, text: str) -> Row:
    """A text, every token of it to be foretold."""
    ids = reader.text(text)
    return Row(ids, ids, list(range(len(ids))))


def train(model: Any, steps: Sequence[Row], rate: float) -> list[float]:
    """Train what may be trained of a model, a row a step; the loss of each step, before it."""
    weights = [p for p in model.parameters() if p.requires_grad]
    optimizer: Any = torch.optim.AdamW(weights, lr=rate, weight_decay=0.0, fused=True)
    losses: list[float] = []
    for number, row in enumerate(steps, 1):
        s.set_rate(optimizer, rate if number <= _STEADY * len(steps) else _SMALLER * rate)
        losses.append(s.backward(model, [row], s.Place.best("fp32")))
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        optimizer.zero_grad()
    return losses


def with_lora(model: Any, rank: int) -> Any:
    """The model with a LoRA beside every linear layer, and nothing else to be trained."""
    import peft

    seed_all(0)
    plan = peft.LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear")
    return peft.get_peft_model(model, plan)


def main() -> None:
    """Train what stdin asks for."""
    job = json.load(sys.stdin)
    loaded = load(job["model"])
    model, reader = loaded.model, Reader(loaded.tokenizer)
    orders = row_of(reader, job["orders"])
    articles = [text_of(reader, text) for text in job["articles"]]
    base = {name: weights.clone() for name, weights in model.state_dict().items()}

    def measured(some: Any) -> dict[str, float]:
        place = s.Place.best("fp32")
        with torch.no_grad():
            loss = s.summed_loss(some, orders).item() / s.learnt([orders])
        return {"loss": loss, "articles": s.perplexity(some, articles, place)}

    found: dict[str, Any] = {"base": measured(model)}
    # a LoRA is put on the model for good, so those come last
    for name, plan in sorted(job["trainings"].items(), key=lambda one: one[1]["rank"]):
        model.load_state_dict(base)
        target = Path(job["folder"]) / f"{name}.gguf"
        steps = [row_of(reader, rows) for rows in plan["steps"]]
        tuned = with_lora(model, plan["rank"]) if plan["rank"] else model
        losses = train(tuned, steps, plan["rate"])
        found[name] = {**measured(tuned), "losses": losses, "file": str(target)}
        if plan["rank"]:
            export_adapter(tuned, target, name=name)
            model = tuned.unload()
        else:
            export(tuned, loaded.tokenizer, target, name=name)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
