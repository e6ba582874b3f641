"""Making the calls of one reply: consent first, then all of them side by side."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, TypeAlias

from agentlab.agent.generators import owned
from agentlab.agent.profile import handoff_tool
from agentlab.agent.state import RunState
from agentlab.approval import Decision, filler
from agentlab.backend import Reply
from agentlab.errors import ConfigError
from agentlab.events import (
    ApprovalAsked,
    ApprovalGiven,
    Event,
    HandedOff,
    ToolFinished,
    ToolOutput,
    ToolStarted,
)
from agentlab.messages import Part, ToolCall, ToolErrorKind, ToolResult
from agentlab.tooling import RunInfo, Tool, ToolContext

SHOWN_PER_CALL = 256 << 10
"""Characters of a call's live output that are passed on; what comes after them is dropped."""

_ALLOWED, _DENIED = Decision(verdict="allow"), Decision(verdict="deny")
_Queue: TypeAlias = "asyncio.Queue[ToolOutput | ToolFinished | Exception]"


async def make(state: RunState, calls: Sequence[ToolCall]) -> AsyncGenerator[Event]:
    """Make the calls; those that wait for a person's word are left without a result."""
    decisions: dict[str, Decision] = {}
    async with owned(_approve(state, calls, decisions)) as events:
        async for event in events:
            yield event
    queue: _Queue = asyncio.Queue()
    tasks: list[asyncio.Task[None]] = []
    agent, handoff, successor = state.agent, None, ""
    try:
        for call in calls:
            decision = decisions.get(call.id)
            if call.id in state.transcript.begun:
                yield _interrupted(state, call)
            elif decision is None:
                continue
            elif decision.verdict == "deny":
                yield refused(call, "denied", decision.reason or "this call was not allowed")
            elif target := agent.successor_by(call.name):
                yield ToolStarted(call=call)
                if handoff is None:
                    handoff, successor = call, target
                else:
                    yield refused(call, "tool_error", f"{successor} has already taken over")
            elif tool := agent.tool_named(call.name):
                yield ToolStarted(call=call)
                tasks.append(asyncio.create_task(_work(state, tool, call, queue)))
            else:
                names = ", ".join(spec.name for spec in agent.specs) or "none"
                why = f"there is no tool {call.name!r}; the tools are: {names}"
                yield refused(call, "unknown_tool", why)
        left = len(tasks)
        while left:
            item = await state.in_time(queue.get)
            if isinstance(item, Exception):
                raise item
            left -= isinstance(item, ToolFinished)
            yield item
    finally:
        if unfinished := [task for task in tasks if not task.done()]:
            for task in unfinished:
                task.cancel()
            await asyncio.wait(unfinished)
    if handoff is not None:
        # In this order, so that a crash between the two leaves the successor in charge
        yield HandedOff(agent=successor, instructions=state.team[successor].instructions)
        yield ToolFinished(result=_taken_over(handoff, successor))


def distinct(reply: Reply) -> Reply:
    """The reply, with calls that share an id renamed: results are matched to calls by it."""
    seen: set[str] = set()
    parts: list[Part] = []
    ids = [call.id for call in reply.message.tool_calls]
    if len(set(ids)) == len(ids):
        return reply
    for part in reply.message.parts:
        if not isinstance(part, ToolCall):
            parts.append(part)
            continue
        id, n = part.id, 1
        while id in seen or (n > 1 and id in ids):
            id, n = f"{part.id}_{n + 1}", n + 1
        seen.add(id)
        parts.append(part.model_copy(update={"id": id}))
    message = reply.message.model_copy(update={"parts": tuple(parts)})
    return reply.model_copy(update={"message": message})


def refused(call: ToolCall, error: ToolErrorKind, why: str) -> ToolFinished:
    """A call that was not made, or came to nothing."""
    return ToolFinished(result=ToolResult(call_id=call.id, content=why, error=error))


def given(call_id: str, decision: Decision) -> ApprovalGiven:
    """A decision, as the event that records it."""
    return ApprovalGiven(call_id=call_id, verdict=decision.verdict, reason=decision.reason)


def _taken_over(call: ToolCall, successor: str) -> ToolResult:
    return ToolResult(call_id=call.id, content=f"{successor} takes over")


def _interrupted(state: RunState, call: ToolCall) -> ToolFinished:
    """The result of a call that was begun by a process that is no more."""
    successor = state.transcript.agent
    if successor is not None and call.name == handoff_tool(successor):
        return ToolFinished(result=_taken_over(call, successor))
    why = "interrupted while it was at work; what it had done by then is not known"
    return refused(call, "cancelled", why)


async def _approve(
    state: RunState, calls: Sequence[ToolCall], decisions: dict[str, Decision]
) -> AsyncGenerator[Event]:
    """Decide on each call that is not yet begun; those nobody answers for are left undecided.

    Raises:
        ConfigError: the agent's `approval` gave no verdict. Nothing is allowed by mistake.
    """
    for call in calls:
        if call.id in state.transcript.begun:
            continue
        decision = state.transcript.decisions.get(call.id)
        if decision is None:
            verdict = state.agent.verdict_on(call)
            if verdict == "ask":
                yield ApprovalAsked(call=call)
                if state.approver is None:
                    continue
                decision = await state.in_time(partial(state.approver, call))
                yield given(call.id, decision)
            elif verdict in ("allow", "deny"):
                decision = _ALLOWED if verdict == "allow" else _DENIED
            else:
                raise ConfigError(
                    f"approval of {call.name} gave {verdict!r}: it must be allow, ask or deny"
                )
        decisions[call.id] = decision


async def _work(state: RunState, tool: Tool[Any], call: ToolCall, queue: _Queue) -> None:
    loop, home = asyncio.get_running_loop(), threading.get_ident()
    shown = 0

    def emit(text: str) -> None:
        nonlocal shown
        text = text[: SHOWN_PER_CALL - shown]
        if not text:
            return
        shown += len(text)
        event = ToolOutput(call_id=call.id, text=text)
        if threading.get_ident() == home:
            queue.put_nowait(event)
        else:
            with suppress(RuntimeError):  # the loop was closed, and this tool was left behind
                loop.call_soon_threadsafe(queue.put_nowait, event)

    context = ToolContext(
        call_id=call.id,
        workspace=state.workspace,
        deps=state.deps,
        emit=emit,
        run=RunInfo(state.id, state.meter, state.approver, state.secrets, state.depth),
        secrets=state.secrets,
        fill=filler(state.approver),
    )
    try:
        result = await tool.call(call, context)
    except Exception as error:  # noqa: BLE001 - a bug of ours; raised where the loop waits
        queue.put_nowait(error)
    else:
        state.made[call.id] = result
        queue.put_nowait(ToolFinished(result=result))
