"""Making the calls of one reply: consent first, then all of them side by side."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any, TypeAlias

from agentlab.approval import Decision
from agentlab.events import (
    ApprovalAsked,
    ApprovalGiven,
    Event,
    HandedOff,
    ToolFinished,
    ToolOutput,
    ToolStarted,
)
from agentlab.messages import ToolCall, ToolErrorKind, ToolResult
from agentlab.state import RunState
from agentlab.tooling import RunInfo, Tool, ToolContext

SHOWN_PER_CALL = 256 << 10
"""Characters of a call's live output that are passed on; what comes after them is dropped."""

_Queue: TypeAlias = "asyncio.Queue[ToolOutput | ToolFinished | Exception]"


async def make(state: RunState, calls: Sequence[ToolCall]) -> AsyncGenerator[Event]:
    """Make the calls; those that wait for a person's word are left without a result."""
    async with aclosing(_approve(state, calls)) as events:
        async for event in events:
            yield event
    queue: _Queue = asyncio.Queue()
    tasks: list[asyncio.Task[None]] = []
    successor: str | None = None
    try:
        for call in calls:
            agent = state.agent
            verdict, why = _verdict(state, call)
            if verdict == "ask":
                continue
            if verdict == "deny":
                yield refused(call, "denied", why or "this call was not allowed")
            elif call.id in state.transcript.begun:
                why = "interrupted while it was at work; what it had done by then is not known"
                yield refused(call, "cancelled", why)
            elif target := agent.handoff_named(call.name):
                yield ToolStarted(call=call)
                if successor is None:
                    successor = target.name
                    said = f"{successor} takes over"
                    yield ToolFinished(result=ToolResult(call_id=call.id, content=said))
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
            item = await state.in_time(queue.get())
            if isinstance(item, Exception):
                raise item
            left -= isinstance(item, ToolFinished)
            yield item
    finally:
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.gather(*tasks, return_exceptions=True)
    if successor is not None:
        yield HandedOff(agent=successor, instructions=state.team[successor].instructions)


def refused(call: ToolCall, error: ToolErrorKind, why: str) -> ToolFinished:
    """A call that was not made, or came to nothing."""
    return ToolFinished(result=ToolResult(call_id=call.id, content=why, error=error))


def given(call_id: str, decision: Decision) -> ApprovalGiven:
    """A decision, as the event that records it."""
    return ApprovalGiven(call_id=call_id, verdict=decision.verdict, reason=decision.reason)


def _verdict(state: RunState, call: ToolCall) -> tuple[str, str]:
    decision = state.transcript.decisions.get(call.id)
    if decision is not None:
        return decision.verdict, decision.reason
    return state.agent.approval(call), ""


async def _approve(state: RunState, calls: Sequence[ToolCall]) -> AsyncGenerator[Event]:
    for call in calls:
        if _verdict(state, call)[0] == "ask":
            yield ApprovalAsked(call=call)
            if state.approver is not None:
                yield given(call.id, await state.in_time(state.approver(call)))


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
            loop.call_soon_threadsafe(queue.put_nowait, event)

    context = ToolContext(
        call_id=call.id,
        workspace=state.workspace,
        deps=state.deps,
        emit=emit,
        run=RunInfo(id=state.id, meter=state.meter, approver=state.approver),
        secrets=state.agent.secrets,
    )
    try:
        queue.put_nowait(ToolFinished(result=await tool.call(call, context)))
    except Exception as error:  # noqa: BLE001 - a bug of ours; raised where the loop waits
        queue.put_nowait(error)
