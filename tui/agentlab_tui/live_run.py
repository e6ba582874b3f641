"""One answer being tried: the events wait here until the screen comes for them.

opened → the grader's events (see `agentlab.labs.runner`) → ended
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from agentlab.approval import Policy
from agentlab.errors import AgentLabError, TraceError
from agentlab.labs.answers import Answer
from agentlab.labs.outcomes import Outcomes
from agentlab.labs.runner import (
    GRADING_SEED,
    PRACTICE_SEED,
    AgentEvent,
    Grader,
    LabEvent,
    LabFinished,
    LabReport,
    StepFinished,
)
from agentlab.labs.values import Lab
from agentlab_tui.answers import Runnable
from agentlab_tui.consent import Consent, Question
from agentlab_tui.engine import Engine
from agentlab_tui.feed import Ended, Feed, Noted, Opened, joined

Shown: TypeAlias = Opened | LabEvent | Question | Noted | Ended


Whose: TypeAlias = Literal["own", "starter", "reference"]


@dataclass(frozen=True)
class Job:
    """What is to be tried.

    Attributes:
        whose: the learner's own answer, the starter as it stands, or the lab's own solution.
        practice: few cases, instead of those that count.
        runs: the folder for traces.
        ask: let the person decide on every call.
    """

    lab: Lab
    step: Runnable
    answer: Answer
    backend: str
    runs: Path
    practice: bool = True
    whose: Whose = "own"
    ask: bool = False


class LiveRun:
    """A job at work on the engine. `take` may be called at any time, and never waits."""

    def __init__(self, engine: Engine, job: Job) -> None:
        self.job = job
        self._engine = engine
        self._feed: Feed[Shown] = Feed()
        self._task: asyncio.Task[Any] | None = None
        self._stopped = False
        engine.submit(self._work())

    def stop(self) -> None:
        """End the run as cancelled, wherever it is; its trace will be whole."""
        self._engine.call(self._stop_there)

    def take(self) -> list[Shown]:
        """What happened since the last time, with pieces of text that belong together joined."""
        events: list[Shown] = []
        for event in self._feed.take():
            both = _join(events[-1], event) if events else None
            if both is None:
                events.append(event)
            else:
                events[-1] = both
        return events

    def _stop_there(self) -> None:
        self._stopped = True
        if self._task is not None:
            self._task.cancel()

    async def _work(self) -> None:
        self._task = asyncio.current_task()
        try:
            if not self._stopped:  # a stop may come before this has begun
                await self._try()
            self._feed.put(Ended("stopped" if self._stopped else "done"))
        except asyncio.CancelledError:  # by now the run has written its last events
            self._feed.put(Ended("stopped"))
            raise
        except AgentLabError as error:
            self._feed.put(Ended("broken", str(error)))
        except Exception as error:  # noqa: BLE001 - a bug in a lab or a tool: say so, and live on
            self._feed.put(Ended("broken", f"a bug: {type(error).__name__}: {error}"))

    async def _try(self) -> None:
        job = self.job
        backend = self._engine.backend(job.backend)
        self._feed.put(Opened(model=backend.identity))
        grader = Grader(
            lab=job.lab,
            backend=backend,
            runs=job.runs,
            seed=PRACTICE_SEED if job.practice else GRADING_SEED,
            practice=job.practice,
            approval=Policy(otherwise="ask" if job.ask else "allow"),
            approver=Consent(self._feed.put),
        )
        outcomes = Outcomes(job.runs)
        async with aclosing(grader.step_events(job.step, job.answer)) as events:
            async for event in events:
                self._feed.put(event)
                outcomes.see(event)
                if isinstance(event, StepFinished):
                    self._keep(outcomes, event, backend.identity.name)

    def _keep(self, outcomes: Outcomes, event: StepFinished, backend: str) -> None:
        """Write down how the runs came out, as the command line does."""
        lab = self.job.lab
        report = LabReport(
            lab=lab.id,
            title=lab.title,
            backend=backend,
            passed=event.report.passed,
            steps=(event.report,),
        )
        try:
            outcomes.see(LabFinished(report=report))
        except TraceError as error:  # the learner's result stands; only the file is missing
            self._feed.put(Noted(str(error)))


def _join(before: Shown, event: Shown) -> AgentEvent | None:
    if not (isinstance(before, AgentEvent) and isinstance(event, AgentEvent)):
        return None
    both = joined(before.event, event.event)
    return None if both is None else AgentEvent(event=both)
