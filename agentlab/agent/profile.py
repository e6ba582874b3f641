"""What an agent is: a backend, instructions, tools and limits, as one frozen value."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Generic, cast

from pydantic import PydanticSchemaGenerationError, PydanticUserError, TypeAdapter, ValidationError
from typing_extensions import TypeForm, TypeVar

from agentlab.agent import taken
from agentlab.agent.taken import AnyTool, Taken
from agentlab.approval import Approval, Policy, Verdict, allow_all
from agentlab.backend import Backend, JsonSchema, Settings, ToolSpec
from agentlab.errors import ConfigError, Refused
from agentlab.folders import runs_folder
from agentlab.limits import Limits
from agentlab.messages import Message, ToolCall
from agentlab.tooling import Tool, check_tool_name
from agentlab.tooling.parameters import PlainSchema, no_schema, without_titles
from agentlab.trace.redaction import check_secrets
from agentlab.values import refuses_unknown

Output = TypeVar("Output", default=str)


@refuses_unknown
@dataclass(frozen=True, kw_only=True)
class AgentProfile(Generic[Output]):
    """Everything that decides how a conversation goes on.

    What may be given in place of some of these values, and what is refused, stands in
    `agentlab.agent.taken`.

    Attributes:
        backend: the model, or its name as `connect` takes it.
        tools: what the model may call; a plain function is made into a tool.
        output_type: what `Result.output` is. Anything but `str` is asked for as JSON, validated,
            and mended by the model at most `repairs` times.
        examples: turns shown to the model before the conversation, as if they had happened
            (few-shot); they help small models most.
        approval: a verdict on every call; see `agentlab.approval`.
        settings: how to sample. A `tool_choice` that demands a call holds for the first reply of
            a run; after that the model is free to answer, or no run would end.
        handoffs: agents that may take the conversation over, each by a tool `transfer_to_<name>`.
            A name stands for an agent met elsewhere in the team, so that two can hand over to
            one another.
        runs: the folder of traces. Where commands look for runs unless told otherwise: `runs` in
            `AGENTLAB_HOME`, or in the user's data folder. None keeps none.
        secrets: values that must not reach a trace, e.g. keys that tools use. They are blanked out
            in the traces of agents that this one calls or hands over to as well.
    """

    _elsewhere: ClassVar[Mapping[str, str]] = taken.ELSEWHERE

    backend: Taken[Backend | str, Backend] = Taken(taken.backend)
    name: str = "agent"
    description: str = ""
    instructions: str = ""
    examples: Taken[Sequence[Message], tuple[Message, ...]] = Taken(taken.examples, ())
    tools: Taken[Iterable[AnyTool] | AnyTool, tuple[Tool[Any], ...]] = Taken(taken.tools, ())
    output_type: TypeForm[Output] = cast(TypeForm[Output], str)  # noqa: RUF009 - a class is immutable
    settings: Taken[Settings | Mapping[str, Any], Settings] = Taken(taken.settings, Settings())
    limits: Taken[Limits | Mapping[str, Any], Limits] = Taken(taken.limits, Limits())
    approval: Taken[Approval | Verdict | Mapping[str, Any], Approval] = Taken(
        taken.approval, allow_all
    )
    handoffs: Taken[
        Iterable[AgentProfile[Any] | str] | AgentProfile[Any] | str,
        tuple[AgentProfile[Any] | str, ...],
    ] = Taken(taken.one_or_more, ())
    repairs: int = 2
    runs: Path | str | None = field(default_factory=runs_folder)
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        self._check()
        check_secrets(self.secrets)
        names = [spec.name for spec in self.specs]
        for name in names:
            check_tool_name(name)
            if names.count(name) > 1:
                raise ConfigError(f"agent {self.name}: two tools are named {name!r}")
        try:
            _ = self.output_schema
        except (PydanticUserError, PydanticSchemaGenerationError) as error:
            why = no_schema(self.output_type, error)
            raise ConfigError(f"agent {self.name}, output_type: no JSON Schema {why}") from error
        self._check_policy(names)

    def _check(self) -> None:
        for what in ("name", "description", "instructions"):
            if not isinstance(value := getattr(self, what), str):
                raise Refused(f"{what} takes a text, and {value!r:.60} is none")
        taken.folder(self.runs)
        if why := taken.no_type(self.output_type):
            raise Refused(why)
        if isinstance(self.repairs, bool) or not isinstance(self.repairs, int) or self.repairs < 0:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise Refused(f"repairs takes a number from 0 up, and {self.repairs!r:.60} is none")
        for other in self.handoffs:
            if not isinstance(cast(object, other), AgentProfile | str):
                raise Refused(f"handoffs takes agents or their names, and {other!r:.60} is neither")

    def _check_policy(self, names: Sequence[str]) -> None:
        """Warn where the policy names no tool and means one: it would be allowed in silence."""
        policy = self.approval
        if not isinstance(policy, Policy):
            return
        for pattern in (*policy.ask, *policy.deny, *policy.allow):
            near = [] if pattern in names else get_close_matches(pattern, names, n=1)
            if near and not policy.names(near[0]):
                warnings.warn(
                    f"agent {self.name}: its approval names {pattern!r}, which is none of its "
                    f"tools: did you mean {near[0]!r}?",
                    RuntimeWarning,
                    stacklevel=5,
                )

    @cached_property
    def specs(self) -> tuple[ToolSpec, ...]:
        """Tools and hand-offs, as the model sees them."""
        handoffs = (
            ToolSpec(
                name=handoff_tool(_name(other)),
                description=f"Hand over to {_name(other)}. {_description(other)}".strip(),
                parameters={"type": "object", "properties": {}, "additionalProperties": False},
            )
            for other in self.handoffs
        )
        return (*(tool.spec for tool in self.tools), *handoffs)

    @cached_property
    def later_settings(self) -> Settings:
        """The settings of every reply but a run's first."""
        if self.settings.tool_choice in ("auto", "none"):
            return self.settings
        return self.settings.model_copy(update={"tool_choice": "auto"})

    @cached_property
    def output_adapter(self) -> TypeAdapter[Output]:
        """Validates and writes the output type."""
        return TypeAdapter(self.output_type)

    @cached_property
    def output_schema(self) -> JsonSchema | None:
        """The JSON Schema of the output type; None for plain text."""
        if self.output_type is str:
            return None
        return without_titles(self.output_adapter.json_schema(schema_generator=PlainSchema))

    def answer(self, text: str) -> Output:
        """What a reply is, as the output type.

        Where the answer is one text, such as a word of a choice, its quotes may be left out: not
        every model is held to JSON.

        Raises:
            ValidationError: it does not fit.
        """
        try:
            return self.output_adapter.validate_json(text)
        except ValidationError as error:
            schema = self.output_schema or {}
            unread = error.errors(include_url=False)[0]["type"] == "json_invalid"
            if not unread or schema.get("type") != "string":
                raise
            try:
                return self.output_adapter.validate_python(text.strip())
            except ValidationError:
                raise error from None

    def tool_named(self, name: str) -> Tool[Any] | None:
        """The tool of that name, or None."""
        return self._tools.get(name)

    def verdict_on(self, call: ToolCall) -> Verdict:
        """What `approval` says of a call, and that of a tool which asks of itself."""
        verdict, tool = self.approval(call), self.tool_named(call.name)
        asks = verdict == "allow" and tool is not None and tool.ask
        # a function that allows a call has looked at it; a policy has only not said otherwise
        if asks and isinstance(self.approval, Policy) and not self.approval.allows(call.name):
            return "ask"
        return verdict

    def successor_by(self, tool_name: str) -> str | None:
        """Whom a tool of that name hands over to, or None."""
        return self._successors.get(tool_name)

    def team(self) -> dict[str, AgentProfile[Any]]:
        """This agent and all that a conversation can be handed to from here, by name.

        Raises:
            ConfigError: two of them share a name, or one is named and nowhere to be found.
        """
        team: dict[str, AgentProfile[Any]] = {}
        todo: list[AgentProfile[Any]] = [self]
        named: set[str] = set()
        while todo:
            agent = todo.pop()
            if team.setdefault(agent.name, agent) is not agent:
                raise ConfigError(f"two agents of a team are named {agent.name!r}: rename one")
            named.update(other for other in agent.handoffs if isinstance(other, str))
            todo += [
                o for o in agent.handoffs if not isinstance(o, str) and team.get(o.name) is not o
            ]
        if lost := named - team.keys():
            raise ConfigError(f"nobody in the team of {self.name} is named {lost.pop()!r}")
        return team

    @cached_property
    def _tools(self) -> dict[str, Tool[Any]]:
        return {tool.name: tool for tool in self.tools}

    @cached_property
    def _successors(self) -> dict[str, str]:
        return {handoff_tool(_name(other)): _name(other) for other in self.handoffs}


def handoff_tool(agent: str) -> str:
    """The tool that hands over to the agent of that name."""
    return in_a_tool_name("transfer_to", agent)


def in_a_tool_name(does: str, agent: str) -> str:
    """A tool's name made of an agent's, which may hold what no tool's may: `ask_my_expert`."""
    return f"{does}_{re.sub('[^A-Za-z0-9_-]', '_', agent)}"


def _name(agent: AgentProfile[Any] | str) -> str:
    return agent if isinstance(agent, str) else agent.name


def _description(agent: AgentProfile[Any] | str) -> str:
    return "" if isinstance(agent, str) else agent.description
