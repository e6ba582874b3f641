"""One run of an agent, from its first event to its result.

`Run` drives the loop: each event is written to the trace, then taken into the state, then handed
out. So whatever was shown is on disk, and every way a run can end (done, limit, pause, stop,
cancellation, failure, bug) leaves a whole trace.
"""

from __future__ import annotations

import warnings
from collections.abc import AsyncGenerator, Coroutine, Generator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic

from agentlab.agent import taken
from agentlab.agent.generators import owned
from agentlab.agent.loop import loop
from agentlab.agent.profile import AgentProfile, Output
from agentlab.agent.result import Pending, Result
from agentlab.agent.slots import slots
from agentlab.agent.state import RunState, TimeIsUp
from agentlab.approval import AnyApprover
from agentlab.errors import AgentLabError, RunError, TraceError
from agentlab.events import (
    Event,
    LiveEvent,
    RunFailed,
    RunFinished,
    StoredEvent,
    ToolFinished,
)
from agentlab.limits import Meter
from agentlab.tooling import RunInfo
from agentlab.trace import TraceHeader, trace_path
from agentlab.trace.writing import TraceWriter


class Run(Coroutine[Any, Any, Result[Output]], Generic[Output]):
    """Iterate it for its events, or await it for its `Result`. It can be run once.

    It is a coroutine, so that `asyncio.run` and `asyncio.create_task` take it as well.

    Where `made_by` names the call that a person wrote, and after a comma the one that needs no
    await, a run that is dropped without having been run warns.
    """

    _made_by = ""
    """The call that made it, as long as it was never run; also where making it failed half-way."""

    def __init__(
        self,
        agent: AgentProfile[Output],
        header: TraceHeader,
        opening: Sequence[StoredEvent],
        *,
        folder: Path | None,
        past: Iterable[StoredEvent] = (),
        approver: AnyApprover | None = None,
        deps: Any = None,
        workspace: Path | None = None,
        within: RunInfo | None = None,
        made_by: str = "",
    ) -> None:
        self.id = header.run
        self.path = folder and trace_path(folder, header.run)
        self.state = RunState(
            id=header.run,
            agent=agent,
            meter=Meter(agent.limits, parent=within.meter if within else None),
            approver=taken.approver(approver) or (within.approver if within else None),
            deps=deps,
            workspace=workspace,
            secrets=within.secrets if within else (),
            depth=within.depth + 1 if within else 0,
        )
        self._agent = agent
        self._header = header
        self._opening = opening
        self._folder = folder
        self._trace: TraceWriter | None = None
        self._error: AgentLabError | None = None
        self._begun = False
        self._driven: Coroutine[Any, Any, Result[Output]] | None = None
        for event in past:
            self.state.move_on(event)
        # last, as a run that could not be made has nobody to warn
        self._made_by = made_by

    @property
    def opened(self) -> int:
        """How many events it begins with that are known beforehand: its start, or a past."""
        return len(self._opening)

    def __await__(self) -> Generator[Any, Any, Result[Output]]:
        self._made_by = ""
        return self._to_the_end().__await__()

    def send(self, value: Any, /) -> Any:
        """Go on to the next wait, as the task does that drives it."""
        self._made_by = ""
        self._driven = self._driven or self._to_the_end()
        return self._driven.send(value)

    def throw(self, *error: Any) -> Any:
        """Go on with an exception, as the task does that drives it."""
        self._made_by = ""
        self._driven = self._driven or self._to_the_end()
        return self._driven.throw(*error)

    def close(self) -> None:
        """Leave it where it stands."""
        if self._driven is not None:
            self._driven.close()

    if not TYPE_CHECKING:  # type checkers say it themselves

        def __getattr__(self, name: str) -> Any:
            if name in Result.__dataclass_fields__ or name in ("output", "text"):
                raise AttributeError(f"a run has no {name!r}, its result has: {self._awaited()}")
            raise AttributeError(f"'Run' object has no attribute {name!r}", name=name, obj=self)

        def __iter__(self) -> Any:
            raise TypeError(f"a run is no list of events: {self._awaited()}")

    def __del__(self) -> None:
        if self._made_by:
            warning = f"run {self.id} was never run: {self._awaited()}"
            warnings.warn(warning, RuntimeWarning, stacklevel=2)

    def _awaited(self) -> str:
        """What to do with a run."""
        awaited, _, plain = self._made_by.partition(", ")
        use = plain and f", or use {plain}"
        return f"`await {awaited or 'agent.run'}(…)`, or iterate it with `async for`{use}"

    def stop(self) -> None:
        """End the run as cancelled, at once; its last events still come. Not thread-safe."""
        self.state.stop()

    def __aiter__(self) -> AsyncGenerator[Event]:
        """The events, each already in the trace. A failure is the last event, not an exception.

        Exceptions that are no `AgentLabError` are bugs: recorded, then raised.
        """
        self._made_by = ""
        return self._events()

    async def _events(self) -> AsyncGenerator[Event]:
        if self._begun:
            raise RunError(f"run {self.id} was already run; start another with agent.run(…)")
        self._begun = True
        turn = slots(self.state.depth)
        await turn.acquire()
        self.state.meter.start()
        try:
            if self._folder:
                self._trace = TraceWriter(self._folder, self._header, secret=self.state.secrets)
            for event in self._opening:
                yield self._record(event)
            async with owned(loop(self.state)) as events:
                async for event in events:
                    yield self._record(event)
        except TimeIsUp:
            for event in self._cut_short():
                yield event
        except AgentLabError as error:
            self._error = error
            for event in self._fail(error):
                yield event
        except Exception as error:
            self._fail(error)
            raise
        except BaseException:  # left by its reader, cancelled, or Ctrl-C
            self.state.stopping = True
            self._cut_short()
            raise
        finally:
            turn.release()
            if self._trace:
                self._trace.close()

    def result(self) -> Result[Output]:
        """What the run came to, once it has ended.

        Raises:
            AgentLabError: the run failed, and this is why; or it has not ended.
        """
        if self._error is not None:
            raise self._error
        end, agent = self.state.transcript.end, self._agent
        if not isinstance(end, RunFinished):
            raise RunError(f"run {self.id} has not ended")
        messages, output = tuple(self.state.transcript.messages), end.output
        if end.outcome == "completed" and agent.output_schema is not None:
            output = agent.output_adapter.validate_json(messages[-1].text)
        return Result(
            run=self.id,
            outcome=end.outcome,
            messages=messages,
            usage=self.state.meter.usage,
            path=self.path,
            stop=self.state.transcript.stop,
            limit=self.state.transcript.limit,
            _output=output,
            pending=tuple(self._pending()) if end.outcome == "paused" else (),
        )

    def _pending(self) -> Iterator[Pending]:
        state = self.state
        for call in state.transcript.waiting:
            yield Pending.of(call, state.agent)

    async def _to_the_end(self) -> Result[Output]:
        async for _ in self:
            pass
        return self.result()

    def _record(self, event: Event) -> Event:
        if isinstance(event, LiveEvent):  # the stored event that follows says it all
            return event
        if self._trace:
            self._trace.append(event)
        self.state.move_on(event)
        return event

    def _fail(self, error: Exception) -> list[StoredEvent]:
        failed = RunFailed(error=type(error).__name__, message=str(error))
        return self._end("the run failed", failed)

    def _cut_short(self) -> list[StoredEvent]:
        """End a run that ran out of time or was stopped."""
        if self.state.stopping:
            return self._end("the run was cancelled", RunFinished(outcome="cancelled"))
        limit = self.state.meter.out_of_time()
        return self._end("the run ran out of time", RunFinished(outcome="limit"), limit)

    def _end(self, why: str, end: StoredEvent, *first: StoredEvent) -> list[StoredEvent]:
        """Give every open call a result, then end. All of it is written before any is shown."""
        if self.state.transcript.end is not None:
            return []
        results = (ToolFinished(result=result) for result in self.state.unanswered(why))
        events = [*first, *results, end]
        for event in events:
            try:
                self._record(event)
            except TraceError:  # it may be the trace that failed; what is in memory is still whole
                self.state.move_on(event)
        return events
