"""One answer being tried: the events wait here until the screen comes for them.

opened → the grader's events (see `agentlab.scenario.runner`) → ended
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast

from agentlab.agent import Agent
from agentlab.backend import BackendIdentity, TextDelta
from agentlab.errors import AgentLabError
from agentlab.events import ToolOutput
from agentlab.run import Run
from agentlab.scenario.answers import AgentAnswer
from agentlab.scenario.attempt import Case
from agentlab.scenario.find import Lab
from agentlab.scenario.runner import (
    GRADING_SEED,
    PRACTICE_SEED,
    AgentEvent,
    CaseFinished,
    Grader,
    LabEvent,
)
from agentlab.scenario.values import AgentStep, Step
from agentlab_tui.engine import Engine


@dataclass(frozen=True)
class Opened:
    """The model is there."""

    model: BackendIdentity


@dataclass(frozen=True)
class Ended:
    """Nothing more will come. `problem` says in one line what went wrong, if anything did."""

    how: Literal["done", "stopped", "broken"]
    problem: str = ""


Shown: TypeAlias = Opened | LabEvent | Ended


@dataclass(frozen=True)
class Job:
    """What is to be tried.

    Attributes:
        reference: the answer is the lab's own solution, not the learner's.
        practice: few cases, instead of those that count.
        runs: the folder for traces.
    """

    lab: Lab
    step: AgentStep
    answer: AgentAnswer
    backend: str
    runs: Path
    practice: bool = True
    reference: bool = False


@dataclass(frozen=True)
class _StoppableGrader(Grader):
    """A grader that lets go of its current run's handle."""

    begun: list[Run[Any]] = field(default_factory=list[Run[Any]])

    def _run(self, step: Step, agent: Agent, case: Case) -> Run[Any]:
        run = super()._run(step, agent, case)
        self.begun.append(run)
        return run


class LiveRun:
    """A job at work on the engine. `take` may be called at any time, and never waits."""

    def __init__(self, engine: Engine, job: Job) -> None:
        self.job = job
        self._engine = engine
        self._feed: deque[Shown] = deque()
        self._stopping = False
        self._grader: _StoppableGrader | None = None
        self._future = engine.submit(self._work())

    def stop(self) -> None:
        """End the run as cancelled; its last events still come."""
        self._engine.call(self._stop_there)

    def take(self) -> list[Shown]:
        """What happened since the last time, with pieces of text that belong together joined."""
        taken: list[Shown] = []
        while self._feed:
            event = self._feed.popleft()
            joined = _join(taken[-1], event) if taken else None
            if joined is None:
                taken.append(event)
            else:
                taken[-1] = joined
        return taken

    def _stop_there(self) -> None:
        self._stopping = True
        if self._grader and self._grader.begun:
            self._grader.begun[-1].stop()

    async def _work(self) -> None:
        job = self.job
        try:
            backend = self._engine.backend(job.backend)
            self._feed.append(Opened(model=backend.identity))
            self._grader = _StoppableGrader(
                lab=job.lab,
                backend=backend,
                runs=job.runs,
                seed=PRACTICE_SEED if job.practice else GRADING_SEED,
                practice=job.practice,
            )
            events = self._grader.step_events(job.step, job.answer)
            stopped = await self._follow(events)
            self._feed.append(Ended("stopped" if stopped else "done"))
        except AgentLabError as error:
            self._feed.append(Ended("broken", str(error)))
        except Exception as error:  # noqa: BLE001 - a bug in a lab or a tool: say so, and live on
            self._feed.append(Ended("broken", f"a bug: {type(error).__name__}: {error}"))

    async def _follow(self, events: AsyncIterator[LabEvent]) -> bool:
        """Pass events on until they end, or until the run that was stopped has ended."""
        async with aclosing(cast(Any, events)):
            if self._stopping:
                return True
            async for event in events:
                self._feed.append(event)
                if self._stopping and isinstance(event, CaseFinished):
                    return True
        return False


def _join(before: Shown, event: Shown) -> AgentEvent | None:
    if not (isinstance(before, AgentEvent) and isinstance(event, AgentEvent)):
        return None
    match before.event, event.event:
        case TextDelta(text=first), TextDelta(text=second):
            return AgentEvent(event=TextDelta(text=first + second))
        case ToolOutput(call_id=one, text=first), ToolOutput(call_id=other, text=second):
            if one == other:
                return AgentEvent(event=ToolOutput(call_id=one, text=first + second))
        case _:
            pass
    return None
