"""One answer being tried: the events wait here until the screen comes for them.

opened → the grader's events (see `agentlab.scenario.runner`) → ended
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from agentlab.backend import BackendIdentity, TextDelta
from agentlab.errors import AgentLabError
from agentlab.events import ToolOutput
from agentlab.scenario.answers import Answer
from agentlab.scenario.find import Lab
from agentlab.scenario.runner import (
    GRADING_SEED,
    PRACTICE_SEED,
    AgentEvent,
    Grader,
    LabEvent,
)
from agentlab_tui.answers import Runnable
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


Whose: TypeAlias = Literal["own", "starter", "reference"]


@dataclass(frozen=True)
class Job:
    """What is to be tried.

    Attributes:
        whose: the learner's own answer, the starter as it stands, or the lab's own solution.
        practice: few cases, instead of those that count.
        runs: the folder for traces.
    """

    lab: Lab
    step: Runnable
    answer: Answer
    backend: str
    runs: Path
    practice: bool = True
    whose: Whose = "own"


class LiveRun:
    """A job at work on the engine. `take` may be called at any time, and never waits."""

    def __init__(self, engine: Engine, job: Job) -> None:
        self.job = job
        self._engine = engine
        self._feed: deque[Shown] = deque()
        self._task: asyncio.Task[Any] | None = None
        self._stopped = False
        engine.submit(self._work())

    def stop(self) -> None:
        """End the run as cancelled, wherever it is; its trace will be whole."""
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
        self._stopped = True
        if self._task is not None:
            self._task.cancel()

    async def _work(self) -> None:
        self._task = asyncio.current_task()
        try:
            if not self._stopped:  # a stop may come before this has begun
                await self._try()
            self._feed.append(Ended("stopped" if self._stopped else "done"))
        except asyncio.CancelledError:  # by now the run has written its last events
            self._feed.append(Ended("stopped"))
            raise
        except AgentLabError as error:
            self._feed.append(Ended("broken", str(error)))
        except Exception as error:  # noqa: BLE001 - a bug in a lab or a tool: say so, and live on
            self._feed.append(Ended("broken", f"a bug: {type(error).__name__}: {error}"))

    async def _try(self) -> None:
        job = self.job
        backend = self._engine.backend(job.backend)
        self._feed.append(Opened(model=backend.identity))
        grader = Grader(
            lab=job.lab,
            backend=backend,
            runs=job.runs,
            seed=PRACTICE_SEED if job.practice else GRADING_SEED,
            practice=job.practice,
        )
        async with aclosing(grader.step_events(job.step, job.answer)) as events:
            async for event in events:
                self._feed.append(event)


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
