"""An agent as it is put together on the screen, and the agent that makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import Field, ValidationError

from agentlab.messages import Value

INSTRUCTIONS = "You are a helpful assistant. Answer briefly."


class Assembly(Value):
    """What was chosen in the playground."""

    backend: str = "local:smollm2"
    instructions: str = INSTRUCTIONS
    tools: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    """Those of the tools that wait for the person's word."""
    temperature: float | None = Field(default=None, ge=0, le=5, allow_inf_nan=False)
    """None leaves it to the model's own default."""
    steps: int = Field(default=8, ge=1, le=1000)
    """Model replies that one answer may take."""


@dataclass(frozen=True)
class FormValues:
    """What stands in the form, as far as it makes sense."""

    instructions: str
    tools: tuple[str, ...]
    asks: tuple[str, ...]
    temperature: float | None
    steps: int | None


def restored(data: Any) -> Assembly:
    """The assembly that was remembered; a fresh one where nothing fits."""
    try:
        return Assembly.model_validate(data or {})
    except ValidationError:
        return Assembly()
