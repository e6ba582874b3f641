"""The agent loop: ask the model, make the calls it asks for, until it has its answer.

`loop` is the whole of it. It only yields events; whoever iterates it (see `agentlab.agent.run`)
writes each to the trace and moves the state on by it before the next line here runs.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from functools import partial

from pydantic import ValidationError

from agentlab.agent.calls import distinct, make
from agentlab.agent.generators import owned
from agentlab.agent.profile import AgentProfile
from agentlab.agent.state import RunState
from agentlab.backend import Reply
from agentlab.display import one_line
from agentlab.errors import BackendError, OutputInvalid
from agentlab.events import Event, MessageAdded, ModelReplied, RunFinished, ToolFinished
from agentlab.messages import Message


async def loop(state: RunState) -> AsyncGenerator[Event]:
    """Go on from wherever the state stands until the run finishes."""
    transcript, meter, repairs = state.transcript, state.meter, 0
    while True:
        if calls := transcript.waiting:
            if limit := meter.forbids([c for c in calls if c.id not in transcript.begun]):
                yield limit
                for result in state.unanswered("a limit of the run was reached"):
                    yield ToolFinished(result=result)
                yield RunFinished(outcome="limit")
                return
            async with owned(make(state, calls)) as events:
                async for event in events:
                    yield event
            if transcript.waiting:
                yield RunFinished(outcome="paused")
                return
        elif transcript.messages[-1].role == "assistant":
            verdict = judge(state.asked, transcript.messages[-1], repairs)
            yield verdict
            if isinstance(verdict, RunFinished):
                return
            repairs += 1
        if limit := meter.spent():
            yield limit
            yield RunFinished(outcome="limit")
            return
        async with owned(ask(state)) as events:
            async for event in events:
                yield event


async def ask(state: RunState) -> AsyncGenerator[Event]:
    """One reply of the model, as it comes."""
    agent = state.agent
    stream = agent.backend.stream(
        state.transcript.messages,
        tools=agent.specs,
        settings=state.settings,
        output=state.asked.output_schema,
    )
    async with owned(stream) as items:
        while (item := await state.in_time(partial(anext, items, None))) is not None:
            if isinstance(item, Reply):
                yield ModelReplied(reply=distinct(item))
                return
            yield item
    raise BackendError(f"{agent.backend.identity.name} ended its answer without a reply")


def judge(agent: AgentProfile, answer: Message, repairs: int) -> MessageAdded | RunFinished:
    """Accept an answer, or ask for one that fits the output type.

    Raises:
        OutputInvalid: it was asked for often enough.
    """
    if agent.output_schema is None:
        return RunFinished(outcome="completed", output=answer.text)
    try:
        output = agent.answer(answer.text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        why = ": ".join(filter(None, (".".join(map(str, first["loc"])), first["msg"])))
        if repairs >= agent.repairs:
            excerpt = one_line(answer.text, 80)
            raise OutputInvalid(
                f"the answer did not fit its type, mended {repairs} times: {why}; "
                f"it was {excerpt!r}"
            ) from error
        ask = f"That answer does not fit: {why}. Answer again, with JSON that fits the schema."
        return MessageAdded(message=Message.user(ask))
    plain = agent.output_adapter.dump_python(output, mode="json", by_alias=True)
    return RunFinished(outcome="completed", output=plain)
