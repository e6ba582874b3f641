"""Where an evaluation asks its samples: in this process, or on a Ray cluster."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from agentlab.backend import Backend
from agentlab.backends.schemes import is_local
from agentlab.evaluate import Evaluation, Plan
from agentlab.labs.values import Lab
from agentlab.places import models
from agentlab.trace.results import Results, RunResult


@dataclass(frozen=True)
class Asking:
    """What `agentlab eval run` was told.

    Attributes:
        lab: whose step is evaluated, if it is one.
        name: of the results; None to make one from what is evaluated.
        concurrency: samples at once; None for as many as fit the model and the place.
        on: `local`, `ray` or `ray:HOST:PORT`.
    """

    plan: Plan
    lab: Lab | None
    backend: str
    judge: str | None
    runs: Path
    name: str | None
    epochs: int
    concurrency: int | None
    on: str

    def results(self, *, quiet: bool) -> Results:
        """Ask what has not been asked, with a bar that shows how far it is.

        Raises:
            AgentLabError: it can't be asked there, or not like this.
        """
        from agentlab_tools.cluster.where import joining

        with joining(self.on) as ray:
            return asyncio.run(self._run(ray, quiet))

    async def _run(self, ray: Any, quiet: bool) -> Results:
        async with AsyncExitStack() as stack:
            model = await _opened(self.backend, stack)
            judge = await _opened(self.judge, stack) if self.judge else None
            evaluation = self._evaluation(model, judge)
            progress = stack.enter_context(_progress(quiet))
            if ray is None:
                at_once = self.concurrency or (1 if is_local(self.backend) else 4)
                evaluation = replace(evaluation, concurrency=at_once)
            else:
                say = partial(progress.console.print, markup=False, highlight=False)
                evaluation = await stack.enter_async_context(self._there(ray, evaluation, say))
            bar = progress.add_task(evaluation.name[:40], total=evaluation.left())

            def told(_: RunResult) -> None:
                progress.advance(bar)

            return await evaluation.run(told)

    def _there(
        self, ray: Any, evaluation: Evaluation, say: Callable[[str], object]
    ) -> AbstractAsyncContextManager[Evaluation]:
        from agentlab_tools.cluster.asking import asked_on

        return asked_on(
            ray,
            evaluation,
            self.plan,
            self.lab,
            backend=self.backend,
            judge=self.judge,
            concurrency=self.concurrency,
            say=say,
        )

    def _evaluation(self, model: Backend, judge: Backend | None) -> Evaluation:
        from agentlab_tools.scored_code import sandbox_runner

        task = self.plan.open_task(model, self.runs, self.lab)
        scorers = self.plan.open_scorers(task, self.runs, judge=judge, code=sandbox_runner)
        made = f"{_plain(task.name)}-{task.fingerprint(tuple(one.name for one in scorers))}"
        return Evaluation(task, scorers, self.runs, self.name or made, epochs=self.epochs)


async def _opened(name: str, stack: AsyncExitStack) -> Backend:
    """A model, closed with the stack."""
    model = models.open_backend(name)
    stack.push_async_callback(model.aclose)
    return model


def _progress(quiet: bool) -> Progress:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    console = Console(stderr=True)
    shown = console.is_terminal and not quiet
    return Progress(*columns, console=console, transient=True, disable=not shown)


def _plain(name: str) -> str:
    return "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "-" for c in name)[:60]
