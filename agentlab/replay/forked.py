"""Forks: a run taken up to one of its events, changed there, that goes on live.

The new run's trace begins with the old one's events, exactly as they are, and names its parent. No
call that had begun by then is made again: its result comes from the log.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias, TypedDict, Unpack, cast

from pydantic import ValidationError

from agentlab.agent import Agent
from agentlab.agent.profile import handoff_tool
from agentlab.agent.run import Run
from agentlab.agent.transcript import Transcript
from agentlab.approval import Approver
from agentlab.backend import Settings
from agentlab.errors import Refused, TraceError
from agentlab.events import (
    HandedOff,
    MessageAdded,
    ModelReplied,
    RunResumed,
    RunStarted,
    StoredEvent,
    ToolFinished,
    ToolStarted,
    UnknownEvent,
)
from agentlab.limits import Limits
from agentlab.messages import Message, Part, Text, ToolResult
from agentlab.trace import ParentRun, Trace

Edit: TypeAlias = StoredEvent | Callable[[StoredEvent], StoredEvent]
"""An event in place of another of its kind, or a function that makes one."""

_EDITABLE = RunStarted | ModelReplied | MessageAdded | ToolFinished


class Changes(TypedDict, total=False):
    """What may be different in a fork, and what its run is given. All of it can be left out.

    Attributes:
        edit: put in place of event `at`, which must be the run's start, a reply, an added message
            or a result.
        prompt: where `at` is the run's start, what the user says instead; anywhere else, what the
            user says next.
        tool_result: where `at` is a result, another one; where it is the beginning of a call, what
            that call shall return.
        settings, limits: instead of the agent's own. What was spent before counts towards the
            limits.
        labels: added to the parent's.
        approver, deps, workspace: as for `Agent.run`.
    """

    edit: Edit | None
    prompt: str | None
    tool_result: str | ToolResult | None
    settings: Settings | None
    limits: Limits | None
    labels: Mapping[str, str] | None
    approver: Approver | None
    deps: Any
    workspace: Path | None


def forked_run(
    trace: Trace,
    agent: Agent[Any],
    *,
    at: int,
    folder: Path | None,
    made_by: str = "",
    **changes: Unpack[Changes],
) -> Run[Any]:
    """A run that shares a past with another. Iterate or await it, as any run.

    Args:
        trace: the parent.
        agent: who goes on.
        at: the number of the last event to keep.
        folder: where its trace goes; None keeps none.
        made_by: the call that a person wrote, to be named where the run is never run.

    Raises:
        TraceError: there is no such event, or it does not take that change.
    """
    edit, prompt = changes.get("edit"), changes.get("prompt")
    tool_result = changes.get("tool_result")
    index = index_of(trace, at)
    past: list[StoredEvent] = []
    for record in trace.records[: index + 1]:
        if isinstance(record.event, UnknownEvent):
            raise TraceError(f"event {record.seq} is of a kind this version does not know: upgrade")
        past.append(record.event)
    if not isinstance(past[0], RunStarted) or not past[0].messages:
        raise TraceError(f"run {trace.header.run} does not begin with a conversation")
    if edit is not None:
        past[-1] = _edited(past[-1], edit)
    if prompt is not None and isinstance(past[-1], RunStarted):
        past[-1], prompt = _asked(past[-1], prompt), None
    if tool_result is not None and isinstance(past[-1], ToolFinished):
        past[-1], tool_result = _answered(past[-1].result.call_id, tool_result), None
    state = Transcript.of(past)
    if not state.messages:
        raise TraceError(f"nothing is left of the conversation of run {trace.header.run} there")
    after = _from_log(state, trace.records[index + 1 :])
    if tool_result is not None:
        after = _replaced(past[-1], after, tool_result)
    if prompt is not None:
        after.append(_said_next(trace, state, after, prompt))
    if state.end is not None:
        after.insert(0, RunResumed())
    own = {name: changes.get(name) for name in ("settings", "limits")}
    agent = agent.with_(**{name: value for name, value in own.items() if value is not None})
    return Run(
        agent,
        agent.header(
            labels={**trace.header.labels, **(changes.get("labels") or {})},
            parent=ParentRun(run=trace.header.run, seq=at),
        ),
        (*past, *after),
        folder=folder,
        approver=changes.get("approver"),
        deps=changes.get("deps"),
        workspace=changes.get("workspace"),
        made_by=made_by,
    )


def index_of(trace: Trace, seq: int) -> int:
    """Where the record of that number stands.

    Raises:
        TraceError: there is none, or several (a file put together by hand).
    """
    found = [index for index, record in enumerate(trace.records) if record.seq == seq]
    if len(found) == 1:
        return found[0]
    if not trace.records:
        raise TraceError(f"run {trace.header.run} has no events")
    first, last = trace.records[0].seq, trace.records[-1].seq
    raise TraceError(
        f"run {trace.header.run} has {'no' if not found else 'more than one'} event {seq}; "
        f"its events go from {first} to {last}: `agentlab show` numbers them"
    )


def edited(event: StoredEvent, text: str) -> StoredEvent:
    """An event with other words: the last message of a start, or what was said or answered.

    Raises:
        TraceError: the event has no words to change.
    """
    match event:
        case RunStarted():
            return _asked(event, text)
        case ModelReplied(reply=reply):
            message = Message.assistant(text)
            return ModelReplied(reply=reply.model_copy(update={"message": message, "stop": "end"}))
        case MessageAdded(message=message):
            return MessageAdded(message=message.model_copy(update={"parts": (Text(text=text),)}))
        case ToolFinished(result=result):
            return _answered(result.call_id, text)
        case _:
            raise TraceError(f"a {event.kind} event has no words to change")


def _edited(event: StoredEvent, edit: Edit) -> StoredEvent:
    try:
        new = edit(event) if callable(edit) else edit
    except ValidationError as error:
        raise TraceError(f"the edited event is not valid: {error.errors()[0]['msg']}") from error
    except Refused as error:
        raise TraceError(f"the edited event is not valid: {error}") from error
    if not isinstance(event, _EDITABLE):
        raise TraceError(
            f"a {event.kind} event can't be edited: fork at the run's start, at a reply, "
            "at an added message or at a result"
        )
    if type(new) is not type(event):
        raise TraceError(f"a {event.kind} event can only become another {event.kind} event")
    if isinstance(new, ModelReplied):
        ids = [call.id for call in new.reply.message.tool_calls]
        if new.reply.message.role != "assistant" or len(set(ids)) < len(ids):
            raise TraceError("an edited reply is the assistant's, and each call has its own id")
        if new.reply.message != cast(ModelReplied, event).reply.message:
            # no longer what the model wrote, so its tokens say nothing about it
            new = ModelReplied(reply=new.reply.model_copy(update={"token_ids": (), "tokens": ()}))
    if isinstance(new, ToolFinished):
        new = _answered(cast(ToolFinished, event).result.call_id, new.result)
    if isinstance(new, RunStarted) and not new.messages:
        raise TraceError("a run can't start from an empty conversation")
    return new


def _asked(event: RunStarted, prompt: str) -> RunStarted:
    *before, last = event.messages
    others: tuple[Part, ...] = tuple(part for part in last.parts if part.kind != "text")
    said = last.model_copy(update={"parts": (Text(text=prompt), *others)})
    return RunStarted(messages=(*before, said))


def _answered(call_id: str, result: str | ToolResult) -> ToolFinished:
    if isinstance(result, str):
        return ToolFinished(result=ToolResult(call_id=call_id, content=result))
    return ToolFinished(result=result.model_copy(update={"call_id": call_id}))


def _from_log(state: Transcript, later: Sequence[Any]) -> list[StoredEvent]:
    """How the calls that were at work at the fork came out, from the parent's log."""
    open_ids = {call.id for call in state.waiting} & state.begun
    names = {call.name for call in state.waiting if call.id in open_ids}
    served: list[StoredEvent] = []
    for event in (record.event for record in later):
        if isinstance(event, ModelReplied) or not open_ids:
            break
        if isinstance(event, ToolFinished) and event.result.call_id in open_ids:
            open_ids.remove(event.result.call_id)
            served.append(event)
        elif isinstance(event, HandedOff) and handoff_tool(event.agent) in names:
            served.append(event)
    return served


def _replaced(
    event: StoredEvent, after: Sequence[StoredEvent], result: str | ToolResult
) -> list[StoredEvent]:
    if not isinstance(event, ToolStarted):
        raise TraceError(
            f"a {event.kind} event has no result to replace: fork at a tool_started or "
            "tool_finished event"
        )
    mine = event.call.id
    rest = [e for e in after if not (isinstance(e, ToolFinished) and e.result.call_id == mine)]
    return [_answered(mine, result), *rest]


def _said_next(
    trace: Trace, state: Transcript, after: Sequence[StoredEvent], prompt: str
) -> MessageAdded:
    answered = {event.result.call_id for event in after if isinstance(event, ToolFinished)}
    if any(call.id not in answered for call in state.waiting):
        raise TraceError(
            f"a call waits for its result there, so nobody can speak: fork at {_free(trace)}"
        )
    return MessageAdded(message=Message.user(prompt))


def _free(trace: Trace) -> str:
    """The first few events after which no call waits."""
    state = Transcript()
    free: list[str] = []
    for record in trace.records:
        if not isinstance(record.event, UnknownEvent):
            state.apply(record.event)
        if isinstance(record.event, ToolFinished) and not state.waiting:
            free.append(str(record.seq))
    return f"event {', '.join(free[:8])}" if free else "an event after which none waits"
