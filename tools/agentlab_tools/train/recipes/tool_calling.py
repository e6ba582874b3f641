"""Calling tools: a small model learns it from a synthetic set, through a LoRA.

The set is made by our own programs from a seed (see `toolcalling`): hundreds of tools, requests for
them in many words, and conversations of every sort. Plain talk without tools is kept as it is. The
rest is the recipe `lora`, unchanged. What it gives is an adapter that `connect` puts on:

    connect("job:last")

The adapter behind `local:agent` was made by this recipe; its card says with which settings.
"""

from __future__ import annotations

from pydantic import Field

from agentlab_tools.train.recipe import Recipe, RecipeSettings, Work
from agentlab_tools.train.recipes import lora
from agentlab_tools.train.recipes.steps import Precision


class Settings(RecipeSettings):
    """What can be chosen."""

    seed: int = 7
    """Of the set, of the new weights, and of the order of the data."""
    model: str = "local:smollm2"
    """What to tune, as `connect` takes it, or a folder or hub name."""
    toolsets: int = Field(800, ge=1)
    """Sets of tools to converse about: about 600 tokens each to train on."""
    rank: int = Field(16, ge=1)
    alpha: float = Field(32, gt=0)
    lr: float = Field(1e-3, gt=0)
    epochs: float = Field(1, gt=0)
    """How many times to go through the set."""
    steps: int | None = Field(None, ge=1)
    """How many steps to take, in place of `epochs`."""
    context: int = Field(768, ge=256)
    """Tokens in a row."""
    rows: int = Field(1, ge=1)
    """Rows to a step."""
    precision: Precision = "auto"
    """Of the matrix products: bf16 is faster where the hardware has it."""


def train(settings: Settings, work: Work) -> None:
    """Make the set, and tune a LoRA on it."""
    from agentlab_tools.train.toolcalling import generate  # reads its word lists

    # 1. The set. The same seed gives the same conversations, so a resumed run makes it again.
    dialogues = generate.dialogues("train", settings.toolsets, settings.seed)
    work.folder.mkdir(parents=True, exist_ok=True)
    data = work.folder / "conversations.jsonl"
    count = generate.write(data, dialogues)
    work.say(f"{count} conversations about {settings.toolsets} sets of tools")

    # 2. Talk without tools, which is to stay as it is.
    talk = work.folder / "talk.jsonl"
    generate.write(talk, generate.talks("train"))

    # 3. The training, as for any other conversations.
    chosen = settings.model_dump(exclude={"toolsets"})
    lora.train(lora.Settings(**chosen, data=str(data), keep=str(talk), held_out=0.01), work)


recipe = Recipe(
    "tool-calling",
    "Teach a small model to call tools",
    Settings,
    train,
    ("torch", "transformers", "peft", "gguf"),
)
