"""Pre-training: a language model from nothing but text.

The model reads text and learns one thing, to foretell the next token. Nobody labels anything: the
text is its own answer. All else (spelling, grammar, facts) it picks up because it helps with that.

    text → its own tokenizer (BPE) → windows of tokens → a small llama → GGUF

Radford et al., 2019, Language Models are Unsupervised Multitask Learners (GPT-2); Sennrich et al.,
2016, arXiv:1508.07909 (byte-pair encoding); Touvron et al., 2023, arXiv:2302.13971 (the layers).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any, Self

from pydantic import Field, model_validator

from agentlab.errors import ConfigError
from agentlab_tools.train.recipe import Recipe, RecipeSettings, Work
from agentlab_tools.train.recipes.data import texts
from agentlab_tools.train.recipes.steps import Precision

END = "<|endoftext|>"
_SPECIAL = [END, "<|im_start|>", "<|im_end|>"]
"""The end of a text, and what a chat will need: a token can't be added so easily later on."""


class Settings(RecipeSettings):
    """What can be chosen."""

    data: str
    """Text: a file, a folder of them, JSONL with `text`, or a DuckDB file."""
    sql: str | None = None
    """For DuckDB: a query whose first column is texts."""
    vocabulary: int = Field(2048, ge=260)
    """Tokens: every byte, the special ones, and what is frequent in the text."""
    layers: int = Field(4, ge=1)
    width: int = Field(256, ge=16)
    """Numbers that stand for a token inside the model."""
    heads: int = Field(4, ge=1)
    context: int = Field(256, ge=8)
    """Tokens the model sees at once."""
    rows: int = Field(8, ge=1)
    """Windows to a step, side by side."""
    steps: int = Field(300, ge=1)
    lr: float = Field(2e-3, gt=0)
    held_out: float = Field(0.05, ge=0, lt=1)
    """Share of the text, its end, to measure on and not to learn from."""
    precision: Precision = "fp32"
    """Of the matrix products: small ones gain little from bf16."""

    @model_validator(mode="after")
    def _heads_fit(self) -> Self:
        if self.width % (2 * self.heads):
            raise ValueError(
                f"a width of {self.width} can't be shared out among {self.heads} heads: make it a "
                f"multiple of {2 * self.heads}"
            )
        return self

    def look(self) -> None:
        """See that there is text.

        Raises:
            ConfigError: not so.
        """
        texts(self.data, self.sql)


def train(settings: Settings, work: Work) -> None:
    """Train a small language model on text."""
    import torch
    from torch.nn.functional import cross_entropy

    from agentlab_tools.train.bridge.export import export
    from agentlab_tools.train.recipes import steps as s

    work.seed_everything()
    place = s.Place.best(settings.precision)

    # 1. The tokenizer: learnt from the text too, once, and kept.
    read = texts(settings.data, settings.sql, work.say)
    saved = work.folder / "artifacts" / "tokenizer.json"
    if not saved.is_file():
        work.artifact(saved.name, lambda path: bpe(read, settings.vocabulary).save(str(path)))
    tokenizer = opened(saved)

    # 2. The data: one long line of tokens, cut into windows.
    line: list[int] = []
    for text in read:
        line += [*tokenizer(text)["input_ids"], tokenizer.eos_token_id]
    count = len(line) // settings.context
    windows = torch.tensor(line[: count * settings.context]).view(count, -1).to(place.device)
    aside = max(1, round(count * settings.held_out)) if settings.held_out else 0
    if count - aside < 1:
        raise ConfigError(
            f"{len(line)} tokens are too little text for windows of {settings.context}"
        )
    learnt, unseen = windows[: count - aside], windows[count - aside :]
    work.say(f"{len(line):,} tokens, {len(line) / sum(map(len, read)):.2f} a character")

    # 3. The model: random numbers, for now.
    model = small_llama(settings, tokenizer).to(place.device)
    optimizer = adamw(model, settings.lr)

    def surprise(batch: Any) -> Any:
        """-log p of each next token, averaged: log of the vocabulary's size before training."""
        with place.autocast():
            logits = model(input_ids=batch, use_cache=False).logits
            return cross_entropy(logits[:, :-1].flatten(0, 1).float(), batch[:, 1:].flatten())

    # 4. Where we were, if this goes on after a break.
    if (last := work.latest()) is not None:
        state = s.load_state(last.folder)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])

    # 5. Training.
    for step in work.steps(settings.steps):
        batch = learnt[work.batch(step, settings.rows, of=len(learnt))]
        rate = s.set_rate(optimizer, s.cosine(step, settings.steps, settings.lr))
        loss = surprise(batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        work.report(step, loss=loss.item(), lr=rate, tokens=batch.numel())
        if work.due(step):
            state = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
            work.checkpoint(step, partial(s.save_state, state=state))

    # 6. What came of it.
    model.eval()
    with torch.no_grad():
        each = [surprise(unseen[at : at + 1]).item() for at in range(aside)]
    after = sum(each) / aside if aside else math.nan
    work.say(_came_to(after, len(tokenizer)))
    work.artifact(
        "model.gguf",
        lambda path: export(model, tokenizer, path, name=work.folder.name, precision="F32"),
    )
    work.artifact("scores.json", lambda path: path.write_text(json.dumps({"loss": after})))


def _came_to(loss: float, tokens: int) -> str:
    sentence = f"on text it never saw: {loss:.3f} nats a token, perplexity {math.exp(loss):.1f}"
    if loss > math.log(tokens):
        sentence += f". Guessing among {tokens:,} tokens does better: try a lower learning rate"
    return sentence


def small_llama(settings: Settings, tokenizer: Any) -> Any:
    """A llama of the size asked for, with random weights."""
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=settings.width,
        intermediate_size=settings.width * 8 // 3 // 32 * 32,
        num_hidden_layers=settings.layers,
        num_attention_heads=settings.heads,
        num_key_value_heads=settings.heads,
        max_position_embeddings=settings.context,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
    )
    return LlamaForCausalLM(config)


def adamw(model: Any, lr: float) -> Any:
    """The optimizer; matrices are drawn towards zero a little, norms are not."""
    import torch

    matrices = [p for p in model.parameters() if p.ndim > 1]
    norms = [p for p in model.parameters() if p.ndim == 1]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": norms, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=lr, betas=(0.9, 0.95))


def bpe(read: Iterable[str], size: int) -> Any:
    """A byte-level BPE tokenizer learnt from texts: bytes, then ever longer frequent pieces."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    cutter: Any = Tokenizer(models.BPE())
    cutter.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    cutter.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=_SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    cutter.train_from_iterator(read, trainer)
    return cutter


def opened(path: Path) -> Any:
    """The tokenizer in a `tokenizer.json` made by `bpe`, as transformers takes it."""
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(tokenizer_file=str(path), eos_token=END, pad_token=END)


recipe = Recipe(
    "pretrain",
    "Train a small language model on text",
    Settings,
    train,
    ("torch", "transformers", "gguf"),
)
