"""The card beside a checkpoint: what it is, what it learnt from, how well it does, how it is made.

Mitchell et al., 2019, Model Cards for Model Reporting, arXiv:1810.03993.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from agentlab_tools.train.recipe import RecipeSettings


@dataclass(frozen=True)
class Card:
    """What people should know of weights before they use them.

    Attributes:
        title: the model, in a few words.
        about: what it does, and its shape.
        data: what it learnt from, each with its makers and licence.
        measured: what was measured, and what came to how much; numbers as they should be shown.
        limits: what it can't do, or was never tried on.
        files: what lies beside the card, and what is in it.
    """

    title: str
    about: str
    data: tuple[str, ...]
    measured: Mapping[str, float | str]
    limits: str
    files: Mapping[str, str]

    def write(self, path: Path, recipe: str, settings: RecipeSettings) -> None:
        """Write it as Markdown, with the command that makes the same again."""
        chosen: dict[str, JsonValue] = settings.model_dump(mode="json", exclude_defaults=True)
        options = [f"-s {name}={shlex.quote(_plain(value))}" for name, value in chosen.items()]
        table = [f"| {name} | {_text(value)} |" for name, value in self.measured.items()]
        parts = [
            f"# {self.title}",
            self.about,
            "## Files\n\n" + "\n".join(f"- `{name}`: {what}" for name, what in self.files.items()),
            "## Data\n\n" + "\n".join(f"- {source}" for source in self.data),
            "## Measured\n\n" + "\n".join(["| what | value |", "| --- | --- |", *table]),
            f"## Limits\n\n{self.limits}",
            "## Made by\n\n```\n" + " ".join(["agentlab train", recipe, *options]) + "\n```",
            "Its settings, with those that nobody chose:",
            f"```json\n{settings.model_dump_json(indent=2)}\n```",
        ]
        path.write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def _plain(value: JsonValue) -> str:
    """As the command line takes it back."""
    return value if isinstance(value, str) else json.dumps(value)


def _text(value: float | str) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
