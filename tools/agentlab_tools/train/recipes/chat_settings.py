"""What recipes that learn from conversations share: their settings, and reading the data."""

from __future__ import annotations

import math
from typing import ClassVar

from pydantic import Field

from agentlab_tools.train.bridge import load
from agentlab_tools.train.recipe import RecipeSettings, Work
from agentlab_tools.train.recipes.data import chats, pairs
from agentlab_tools.train.recipes.examples import Reader, Row, hold_out, pack
from agentlab_tools.train.recipes.steps import Precision, fit


class ChatSettings(RecipeSettings):
    """What can be chosen."""

    writes_whole: ClassVar[bool] = False
    """Whether a whole model comes of it, and not an adapter."""

    data: str
    """Conversations: a JSONL file, a folder of traces (the runs that passed), or a DuckDB file."""
    sql: str | None = None
    """Which rows or runs; see `recipes.data`."""
    model: str = "local:smollm2"
    """What to train, as `connect` takes it, or a folder or hub name."""
    held_out: float = Field(0.05, ge=0, lt=1)
    """Share of the examples to measure on, not to learn from; 64 at most."""
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

    def look(self) -> None:
        """See that there are conversations, and that the model is of a kind that is trained here.

        Raises:
            ConfigError, ModelNotFound: not so.
        """
        load.see(self.model, whole=self.writes_whole)
        self._see_data()

    def _see_data(self) -> None:
        chats(self.data, self.sql)


class LoraSettings(ChatSettings):
    """What can be chosen where a LoRA is trained."""

    rank: int = Field(16, ge=1)
    alpha: float = Field(32, gt=0)
    dropout: float = Field(0.0, ge=0, lt=1)


class PairSettings(LoraSettings):
    """What can be chosen where the data is preferences."""

    def _see_data(self) -> None:
        pairs(self.data, self.sql)


def rows_of(settings: ChatSettings, reader: Reader, work: Work) -> tuple[list[Row], list[Row], int]:
    """(rows to learn from, rows to measure on, how many steps to take).

    Raises:
        ConfigError: there is no such data, or nothing in it that fits a row.
    """
    conversations = chats(settings.data, settings.sql, work.say)
    examples = [e for chat in conversations for e in reader.chat(chat)]
    # what is held out is chosen from what fits: one long conversation must not be all there is
    fitting = fit(examples, settings.context, work.say)
    learnt, unseen = hold_out(fitting, settings.held_out)
    rows, test = (pack(part, settings.context) for part in (learnt, unseen))
    total = settings.steps or math.ceil(len(rows) * settings.epochs / settings.rows)
    return rows, test, total
