"""An agent, made again from the header of one of its runs.

Nothing of a trace is ever imported or run: tools are found among those that are installed, or where
the run was made (`agentlab.plugins.origins`, e.g. its lab), and must still look as they did. What
a trace does not hold (functions that decide on approval, output types, agents to hand over to)
can't be made again; where it matters, that is an error which says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from agentlab.agent import Agent
from agentlab.approval import Policy
from agentlab.backend import Backend, BackendIdentity, JsonSchema, ToolSpec, is_address
from agentlab.backends import connect
from agentlab.backends.presets import PROTOCOLS
from agentlab.errors import ConfigError
from agentlab.events import RunStarted
from agentlab.plugins.equipment import Equipment, equipment_for
from agentlab.plugins.origins import origin_of
from agentlab.plugins.tools import load_tools, tool_names
from agentlab.tooling import Tool
from agentlab.trace import Trace, TraceHeader

_HANDOFF = "transfer_to_"
_LOCAL_OPTIONS = ("n_ctx", "n_batch", "threads")


@dataclass(frozen=True, kw_only=True)
class RebuiltAgent(Agent[Any]):
    """An agent whose output type is known by its JSON Schema only."""

    schema: JsonSchema | None = None

    @cached_property
    def output_schema(self) -> JsonSchema | None:
        """As the header has it."""
        return self.schema


def rebuild(
    trace: Trace,
    *,
    backend: Backend | None = None,
    tools: Iterable[Tool[Any]] = (),
    labs: Sequence[Path] = (),
    changed_tools: bool = False,
) -> RebuiltAgent:
    """The agent that made a run.

    Calls that needed consent need it again; where a function decided that, all of them do.

    Args:
        trace: of the run. Its header gives backend, tools, settings, limits and the policy of
            consent; its first event gives the instructions.
        backend: instead of connecting to the one in the header.
        tools: looked through before those that are installed.
        labs: folders of labs to look through, besides those that are installed.
        changed_tools: take a tool that no longer looks as it did.

    Raises:
        ConfigError: the backend or a tool is not to be had, or has changed.
    """
    header = trace.header
    return RebuiltAgent(
        backend=backend or reconnect(header.backend),
        name=header.agent,
        instructions=instructions_of(trace),
        tools=find_tools(header, tools=tools, labs=labs, changed_tools=changed_tools),
        output_type=object,
        schema=header.output,
        settings=header.settings,
        limits=header.limits,
        approval=header.approval or Policy(otherwise="ask"),
        runs=trace.path.parent,
    )


def instructions_of(trace: Trace) -> str:
    """What the agent of a run was told: the system message that its conversation began with."""
    first = trace.events[0] if trace.records else None
    messages = first.messages if isinstance(first, RunStarted) else ()
    return messages[0].text if messages and messages[0].role == "system" else ""


def reconnect(identity: BackendIdentity, **more: Any) -> Backend:
    """The backend of a header, opened as it was, with `more` options.

    Raises:
        ConfigError: it is not to be had, or was opened in a way that a header does not hold.
    """
    if is_address(identity.name):
        # an address says nothing of the protocol; no key goes there, whoever wrote the trace
        spoken = identity.details.get("protocol")
        return connect(identity.name, **({"protocol": spoken} if spoken in PROTOCOLS else {}))
    if "gguf_sha256" not in identity.details:
        return connect(identity.name)
    options = {k: identity.details[k] for k in _LOCAL_OPTIONS if k in identity.details}
    backend = connect(identity.name, **options, **more)
    # those that belong to the name are on again; those that a program put on are not
    if backend.identity.details.get("adapters") != identity.details.get("adapters", "{}"):
        raise ConfigError(
            f"{identity.name} ran with other adapters, whose files a trace does not name: "
            "connect to it yourself and pass the backend"
        )
    return backend


def changes_in(then: BackendIdentity, now: BackendIdentity) -> tuple[str, ...]:
    """What differs between two backends, one line each."""
    before: Mapping[str, object] = {"name": then.name, "model": then.model, **then.details}
    after: Mapping[str, object] = {"name": now.name, "model": now.model, **now.details}
    return tuple(
        f"{field}: {before.get(field)} / {after.get(field)}"
        for field in dict.fromkeys((*before, *after))
        if before.get(field) != after.get(field)
    )


def find_tools(
    header: TraceHeader,
    *,
    tools: Iterable[Tool[Any]] = (),
    labs: Sequence[Path] = (),
    changed_tools: bool = False,
) -> tuple[Tool[Any], ...]:
    """The tools a header names, each looking as it did then.

    Raises:
        ConfigError: one is not to be had, or has changed.
    """
    known = {tool.name: tool for tool in tools}
    if any(spec.name not in known for spec in header.tools):
        origin = origin_of(header.labels, labs)
        known = {**{tool.name: tool for tool in (origin.tools if origin else ())}, **known}
    usable: list[Tool[Any]] = []
    for spec in header.tools:
        tool = known.get(spec.name) or _installed(spec.name)
        if tool is None:
            raise ConfigError(_missing(spec, header))
        if tool.spec != spec and not changed_tools:
            raise ConfigError(
                f"the tool {spec.name} has changed since this run: {_change(spec, tool.spec)}; "
                "allow changed tools, or install the version the run had"
            )
        usable.append(tool)
    return tuple(usable)


def equipment_of(
    header: TraceHeader, *, labs: Sequence[Path] = ()
) -> AbstractAsyncContextManager[Equipment]:
    """What the tools of a run need opened: as where it was made, else by their names."""
    origin = origin_of(header.labels, labs)
    return origin.equip() if origin else equipment_for(spec.name for spec in header.tools)


def _installed(name: str) -> Tool[Any] | None:
    return load_tools([name])[0] if name in tool_names() else None


def _missing(spec: ToolSpec, header: TraceHeader) -> str:
    if spec.name.startswith(_HANDOFF):
        other = spec.name.removeprefix(_HANDOFF)
        return f"{header.agent} hands over to {other}, whom a trace does not hold: pass the agent"
    return (
        f"no tool {spec.name!r} is installed, which this run had; there are: "
        f"{', '.join(tool_names())}. From Python, pass the agent with its tools"
    )


def _change(then: ToolSpec, now: ToolSpec) -> str:
    if then.parameters != now.parameters:
        return "it takes other arguments"
    return "it is described in other words"
