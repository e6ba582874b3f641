"""What can be changed at an event of a run, and going on from there on the engine."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from agentlab.agent.run import Run
from agentlab.events import MessageAdded, ModelReplied, RunStarted, ToolFinished, ToolStarted
from agentlab.places.trust import agent_of, is_own, model_name
from agentlab.replay import edited, fork
from agentlab.replay.rebuild import equipment_of
from agentlab.trace import Record, Trace
from agentlab_tui.consent import Consent, Question
from agentlab_tui.feed import Opened
from agentlab_tui.live_agent import Start
from agentlab_tui.services import Services

How: TypeAlias = Literal["edit", "result", "say"]


@dataclass(frozen=True)
class Editable:
    """What an event offers to change.

    Attributes:
        how: other words for the event itself, another result for a call, or something new to say.
        text: the words as they are; empty where there are none yet.
        label: what the person is asked for.
    """

    how: How
    text: str
    label: str


@dataclass(frozen=True)
class Change:
    """A fork to be made."""

    at: int
    how: How
    text: str
    backend: str | None = None
    """Another model to go on with; None is the run's own."""


def editable(record: Record) -> Editable:
    """What can be changed at a record."""
    match record.event:
        case RunStarted(messages=messages):
            text = messages[-1].text if messages else ""
            return Editable("edit", text, "what the user says instead")
        case ModelReplied(reply=reply):
            label = "what the model shall have said (a reply that is changed makes no calls)"
            return Editable("edit", reply.message.text, label)
        case MessageAdded(message=message):
            return Editable("edit", message.text, "what is said instead")
        case ToolFinished(result=result):
            return Editable("edit", result.content, "what the tool shall have answered")
        case ToolStarted():
            return Editable("result", "", "what the tool shall answer, instead of being run")
        case _:
            return Editable("say", "", "what the user says next")


def start_fork(services: Services, trace: Trace, change: Change) -> Start:
    """How the engine goes on with a run; see `LiveAgent`."""

    @asynccontextmanager
    async def start(tell: Callable[[Question | Opened], None]) -> AsyncGenerator[Run[Any]]:
        own = is_own(trace, services.runs)
        name = model_name(trace, change.backend, own=own)
        backend = services.engine.backend(name)
        tell(Opened(backend.identity))
        agent = agent_of(trace, backend, own=own, labs=services.roots)
        async with equipment_of(trace.header, labs=services.roots) as equipment:
            text = change.text
            yield fork(
                trace,
                at=change.at,
                agent=agent,
                edit=(lambda event: edited(event, text)) if change.how == "edit" else None,
                tool_result=text if change.how == "result" else None,
                prompt=text if change.how == "say" and text.strip() else None,
                approver=Consent(tell),
                deps=equipment.deps,
            )

    return start
