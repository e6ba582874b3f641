"""The run that a conversation goes on from: its messages, model, settings and tools."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from agentlab.errors import TraceError

if TYPE_CHECKING:
    from agentlab.messages import Message
    from agentlab.trace import Trace

TOOLS = "chat.tools"
"""The label under which a chat keeps what its tools were opened from, e.g. `query_data:a.csv`."""


@dataclass(frozen=True)
class Before:
    """A run, read back.

    Attributes:
        own: whether it is this person's, or trusted. A stranger's chooses no server, opens no
            toolset, and has every call asked about.
        tools: what to open again, as `--tool` takes it.
        lost: tools it had that can't be opened again by name.
    """

    trace: Trace
    own: bool
    history: tuple[Message, ...]
    tools: tuple[str, ...]
    lost: tuple[str, ...]


def went_before(runs: Path, name: str, *, trust: bool) -> Before:
    """The run of a name, to go on from.

    Raises:
        TraceError: there is none, or it stopped amid a tool's call.
    """
    from agentlab.agent.transcript import Transcript
    from agentlab.cli.live import open_run
    from agentlab.events import UnknownEvent
    from agentlab.plugins.tools import tool_names

    trace, own = open_run(runs, name)
    own = own or trust
    run = trace.header.run
    past = [event for event in trace.events if not isinstance(event, UnknownEvent)]
    if len(past) != len(trace.records):
        raise TraceError(f"{trace.path} has events this version does not know; upgrade first")
    state = Transcript.of(past)
    if state.waiting:
        raise TraceError(f"run {run} waits for a call of a tool: `agentlab resume {run}` first")
    named: list[str] = []
    with suppress(ValueError):  # not as a chat writes it
        named = shlex.split(trace.header.labels.get(TOOLS, "")) if own else []
    names = tool_names()
    had = [spec.name for spec in trace.header.tools]
    offered = named or [tool for tool in had if tool in names]
    lost = () if named else tuple(tool for tool in had if tool not in names)
    return Before(trace, own, tuple(state.messages), tuple(offered), lost)


def labels_of(tools: Sequence[str], before: Before | None) -> dict[str, str]:
    """What a run's header says of where it comes from."""
    from agentlab.plugins.tools import tool_names

    labels = {"continues": before.trace.header.run} if before else {}
    if not set(tools) <= set(tool_names()):  # the header names tools, but not what they open
        labels[TOOLS] = shlex.join(tools)
    return labels
