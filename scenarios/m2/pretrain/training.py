"""The lab's tool: real pre-training by the learner's settings, and reading through llama.cpp."""

from __future__ import annotations

import ast
import json
import math
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

from agentlab import ToolContext, tool
from agentlab.errors import ConfigError, ToolError
from agentlab.labs import Equipment

UNSEEN = ("attention.md", "sampling.md", "tokens.md", "agents.md")
"""Articles that are only used to measure on."""
CHOICES = ("vocabulary", "layers", "width", "heads", "context", "rows", "steps", "lr")
MOST_TOKENS = 200_000
"""How many tokens a training may read: the budget."""
MOST_WEIGHTS = 1_000_000


@asynccontextmanager
async def something_to_train_with() -> AsyncGenerator[Equipment]:
    """Nothing is opened, but what the training needs must be installed.

    Raises:
        MissingExtra: it is not.
    """
    from agentlab_tools.train.recipes.pretrain import recipe
    from agentlab_tools.train.waiting import share_openmp

    recipe.check()
    share_openmp()
    yield Equipment()


@tool(timeout=900)
def pretrain(code: str, context: ToolContext) -> str:
    """Train a model from nothing by lines like `layers = 2`, export it, and read with llama.cpp."""
    from agentlab_tools.train.events import Progress
    from agentlab_tools.train.made_in_labs import keep
    from agentlab_tools.train.recipe import Work
    from agentlab_tools.train.recipes.pretrain import recipe

    chosen = settings_in(code)
    seen, unseen = articles()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "seen"
        data.mkdir()
        for number, text in enumerate(seen):
            (data / f"{number:02}.txt").write_text(text, encoding="utf-8")

        def tell(event: object) -> None:
            if isinstance(event, Progress) and event.step % 20 == 0:
                context.emit(f"step {event.step}  loss {event.loss:.3f}\n")

        try:
            settings = recipe.read_settings({**chosen, "data": str(data), "held_out": 0})
        except ConfigError as error:
            raise ToolError(str(error)) from None
        read = settings.steps * settings.rows * settings.context
        if read > MOST_TOKENS:
            raise ToolError(f"{read:,} tokens are more than the {MOST_TOKENS:,} of the budget")
        work = Work(Path(folder) / "work", tell=tell, every=math.inf)
        try:
            recipe.run(settings, work)
        except (ConfigError, ValueError) as error:
            raise ToolError(str(error).splitlines()[0]) from None
        made = Path(folder) / "work" / "artifacts" / "model.gguf"
        told = measured(made, unseen, settings.context)
        keep(context, made)
    if told["weights"] > MOST_WEIGHTS:
        raise ToolError(f"{told['weights']:,} weights are more than {MOST_WEIGHTS:,}")
    return json.dumps(told)


def measured(path: Path, texts: list[str], size: int) -> dict[str, Any]:
    """Bits a character on texts, the model's size, and what it writes."""
    from agentlab_tools.train.bridge.gguf_file import open_gguf
    from agentlab_tools.train.bridge.score import Scorer

    nats = characters = 0.0
    with Scorer(path, size=size) as scorer:
        for text in texts:
            ids = scorer.tokens(text)
            for at in range(0, len(ids) - 1, size - 1):
                nats += scorer.loss(ids[at : at + size])[0]
            characters += len(text)
        ids = scorer.tokens("A language model")
        for _ in range(24):
            ids.append(int(scorer.logits(ids[-size + 1 :])[-1].argmax()))
        written = scorer.text(ids)
    weights = sum(int(tensor.n_elements) for tensor in open_gguf(path).tensors)
    bits = nats / characters / math.log(2)
    return {"bits": round(bits, 3), "weights": weights, "writes": written}


@cache
def articles() -> tuple[list[str], list[str]]:
    """(articles to learn from, articles to measure on)."""
    from agentlab_tools.search import LIBRARY

    files = sorted(Path(str(LIBRARY)).glob("*.md"))
    both = [[f for f in files if (f.name in UNSEEN) == held] for held in (False, True)]
    seen, unseen = ([file.read_text(encoding="utf-8") for file in part] for part in both)
    return seen, unseen


def settings_in(code: str) -> dict[str, float]:
    """The settings that an answer names.

    Raises:
        ToolError: a line is no setting with a number.
    """
    try:
        lines = ast.parse(code).body
    except SyntaxError as error:
        raise ToolError(f"line {error.lineno} is not Python: {error.msg}") from None
    found: dict[str, float] = {}
    for line in lines:
        match line:
            case ast.Assign(
                targets=[ast.Name(id=name)], value=ast.Constant(value=int() | float() as value)
            ) if name in CHOICES:
                found[name] = value
            case _:
                raise ToolError(f"line {line.lineno}: write name = number, of {', '.join(CHOICES)}")
    return found
