"""What was asked of a service: all that reading its answer depends on."""

from __future__ import annotations

from dataclasses import dataclass

from agentlab.backend import Settings
from agentlab.backends.clients import Options
from agentlab.backends.presets import Preset
from agentlab.backends.prices import cost
from agentlab.backends.structured import Mode
from agentlab.messages import Usage


@dataclass(frozen=True)
class Asked:
    """One question to one model."""

    preset: Preset
    model: str
    options: Options
    settings: Settings
    mode: Mode | None
    """The way to typed output, where it is asked for."""
    answer_tool: str | None
    """The tool whose arguments are the typed output, where that is the way."""
    turn: int
    """A number no other answer of the conversation has; makes ids where a service has none."""

    def usage(
        self,
        *,
        input_tokens: int,
        output_tokens: int,
        cached_tokens: int = 0,
        cache_write_tokens: int = 0,
        charged: float | None = None,
    ) -> Usage:
        """The usage with its cost: as charged, where the service says so, else by the price list.

        `input_tokens` is all of the input, cached or not.
        """
        if charged is None:
            charged = cost(
                self.preset.provider,
                self.model,
                input_tokens=input_tokens,
                output_tokens=output_tokens,
                cached_tokens=cached_tokens,
                cache_write_tokens=cache_write_tokens,
                prices={**self.preset.prices, **self.options.prices},
            )
        return Usage(
            input_tokens=input_tokens,
            cached_tokens=cached_tokens,
            output_tokens=output_tokens,
            cost=charged,
        )
