"""One run of an agent at work on the engine: a turn of a talk, or a run that was forked.

opened → the run's events, and questions to the person → ended
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, aclosing
from typing import Any, TypeAlias

from agentlab.agent.run import Run
from agentlab.errors import AgentLabError
from agentlab.events import Event, RunFailed, RunFinished
from agentlab_tui.consent import Question
from agentlab_tui.engine import Engine
from agentlab_tui.feed import Ended, Feed, Opened, joined

Happening: TypeAlias = Opened | Question | Event | Ended
Start: TypeAlias = Callable[
    [Callable[[Question | Opened], None]], AbstractAsyncContextManager[Run[Any]]
]
"""Opens what a run needs, on the engine; tells when the model is there, and what is to be asked."""


class LiveAgent:
    """A run on the engine. `take` may be called at any time, and never waits."""

    def __init__(self, engine: Engine, start: Start) -> None:
        self._engine = engine
        self._start = start
        self._feed: Feed[Happening] = Feed()
        self._task: asyncio.Task[Any] | None = None
        self._stopped = False
        self.run: Run[Any] | None = None
        """The run, once it has begun; to be looked at when it has ended."""
        engine.submit(self._work())

    def stop(self) -> None:
        """End the run as cancelled, wherever it is; its trace will be whole."""
        self._engine.call(self._stop_there)

    def take(self) -> list[Happening]:
        """What happened since the last time, with pieces that belong together joined."""
        happenings: list[Happening] = []
        for item in self._feed.take():
            before = happenings[-1] if happenings else None
            if isinstance(item, Question | Opened | Ended) or isinstance(
                before, Question | Opened | Ended | None
            ):
                happenings.append(item)
            elif (both := joined(before, item)) is not None:
                happenings[-1] = both
            else:
                happenings.append(item)
        return happenings

    def _stop_there(self) -> None:
        self._stopped = True
        if self._task is not None:
            self._task.cancel()

    async def _work(self) -> None:
        self._task = asyncio.current_task()
        try:
            last = None if self._stopped else await self._go()
            problem = last.message if isinstance(last, RunFailed) else ""
            stopped = self._stopped or (
                isinstance(last, RunFinished) and last.outcome != "completed"
            )
            self._feed.put(
                Ended("broken" if problem else "stopped" if stopped else "done", problem)
            )
        except asyncio.CancelledError:  # by now the run has written its last events
            self._feed.put(Ended("stopped"))
            raise
        except AgentLabError as error:
            self._feed.put(Ended("broken", str(error)))
        except Exception as error:  # noqa: BLE001 - a bug in a tool: say so, and live on
            self._feed.put(Ended("broken", f"a bug: {type(error).__name__}: {error}"))

    async def _go(self) -> Event | None:
        last: Event | None = None
        async with self._start(self._feed.put) as run:
            self.run = run
            async with aclosing(aiter(run)) as events:
                async for event in events:
                    self._feed.put(event)
                    last = event
        return last
