"""What an agent is: a backend, instructions, tools and limits, as one frozen value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, cast

from pydantic import TypeAdapter
from typing_extensions import TypeVar

from agentlab.approval import Approval, allow_all
from agentlab.backend import Backend, JsonSchema, Settings, ToolSpec
from agentlab.errors import ConfigError
from agentlab.limits import Limits
from agentlab.messages import Message
from agentlab.tooling import Tool

Output = TypeVar("Output", default=str)


@dataclass(frozen=True, kw_only=True)
class AgentProfile(Generic[Output]):
    """Everything that decides how a conversation goes on.

    Attributes:
        output_type: what `Result.output` is. Anything but `str` is asked for as JSON, validated,
            and mended by the model at most `repairs` times.
        examples: turns shown to the model before the conversation, as if they had happened
            (few-shot); they help small models most.
        approval: a verdict on every call; see `agentlab.approval`.
        handoffs: agents that may take the conversation over, each by a tool `transfer_to_<name>`.
        secrets: values that must not reach a trace, e.g. keys that tools use.
    """

    backend: Backend
    name: str = "agent"
    description: str = ""
    instructions: str = ""
    examples: Sequence[Message] = ()
    tools: Sequence[Tool[Any]] = ()
    output_type: type[Output] = cast(type[Output], str)  # noqa: RUF009 - a class is immutable
    settings: Settings = Settings()
    limits: Limits = Limits()
    approval: Approval = allow_all
    handoffs: Sequence[AgentProfile[Any]] = ()
    repairs: int = 2
    runs: Path | str | None = "runs"
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        names = [spec.name for spec in self.specs]
        if doubled := {name for name in names if names.count(name) > 1}:
            raise ConfigError(f"agent {self.name}: two tools are named {doubled.pop()!r}")

    @cached_property
    def specs(self) -> tuple[ToolSpec, ...]:
        """Tools and hand-offs, as the model sees them."""
        handoffs = (
            ToolSpec(
                name=f"transfer_to_{other.name}",
                description=f"Hand over to {other.name}. {other.description}".strip(),
                parameters={"type": "object", "properties": {}, "additionalProperties": False},
            )
            for other in self.handoffs
        )
        return (*(tool.spec for tool in self.tools), *handoffs)

    @cached_property
    def output_adapter(self) -> TypeAdapter[Output]:
        """Validates and writes the output type."""
        return TypeAdapter(self.output_type)

    @cached_property
    def output_schema(self) -> JsonSchema | None:
        """The JSON Schema of the output type; None for plain text."""
        return None if self.output_type is str else self.output_adapter.json_schema()

    def tool_named(self, name: str) -> Tool[Any] | None:
        """The tool of that name, or None."""
        return self._tools.get(name)

    def handoff_named(self, tool_name: str) -> AgentProfile[Any] | None:
        """The agent that a tool of that name hands over to, or None."""
        return self._handoffs.get(tool_name)

    def team(self) -> dict[str, AgentProfile[Any]]:
        """This agent and all that a conversation can be handed to from here, by name."""
        team: dict[str, AgentProfile[Any]] = {}
        todo: list[AgentProfile[Any]] = [self]
        while todo:
            agent = todo.pop()
            if agent.name not in team:
                team[agent.name] = agent
                todo.extend(agent.handoffs)
        return team

    @cached_property
    def _tools(self) -> dict[str, Tool[Any]]:
        return {tool.name: tool for tool in self.tools}

    @cached_property
    def _handoffs(self) -> dict[str, AgentProfile[Any]]:
        return {f"transfer_to_{other.name}": other for other in self.handoffs}
