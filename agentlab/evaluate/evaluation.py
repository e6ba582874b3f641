"""Asking every sample, so many times, so many at once, and keeping what comes out.

Each sample is a run as any other, with a trace. Its result is on disk before anyone is told of it,
so an evaluation that was interrupted, by Ctrl-C or `kill -9`, goes on where it was: what is
finished is not asked again, and what failed is.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from agentlab.errors import AgentLabError, ConfigError
from agentlab.evaluate.dataset import Sample
from agentlab.evaluate.scorers import Scorer
from agentlab.evaluate.task import Task
from agentlab.events import LiveEvent, StoredEvent
from agentlab.labs.attempt import CaseRun
from agentlab.labs.trial import case_run
from agentlab.trace.redaction import Redactor
from agentlab.trace.results import (
    Results,
    ResultsHeader,
    ResultsWriter,
    RunResult,
    Score,
    results_path,
)

Ask: TypeAlias = Callable[[Sample, int], Awaitable[RunResult]]
"""Asks a sample in an epoch, and scores the run; its trace is then on disk."""


def _tell_nobody(_: RunResult) -> None:
    """Nobody listens."""


@dataclass(frozen=True)
class Interview:
    """Asks samples in this process.

    Attributes:
        evaluation: the name that the runs bear.
    """

    task: Task
    scorers: tuple[Scorer, ...]
    evaluation: str

    async def ask(self, sample: Sample, epoch: int) -> RunResult:
        """Run the agent on a sample, and score what it did.

        Raises:
            ConfigError: a scorer lacks a field, in this sample and so in all others.
            TraceError: the trace cannot be written.
        """
        began = time.monotonic()
        async with self.task.start(sample, epoch, self.evaluation) as run:
            stored: list[StoredEvent] = []
            async with aclosing(aiter(run)) as events:
                async for event in events:
                    if not isinstance(event, LiveEvent):
                        stored.append(event)
            case = self._without_secrets(case_run(sample.case, run, stored))
        scores, error = await self._score(case)
        return RunResult(
            run=run.id,
            sample=sample.id,
            epoch=epoch,
            scores=scores,
            error=error,
            seconds=time.monotonic() - began,
            usage=case.usage,
        )

    def _without_secrets(self, run: CaseRun) -> CaseRun:
        # before scoring: a reason may cut a secret in two, and a judge may be somebody else's model
        redactor = Redactor(self.task.agent.secrets)
        return replace(run, output=redactor.data(run.output.encode()).decode())

    async def _score(self, run: CaseRun) -> tuple[dict[str, Score], str | None]:
        if run.failure is not None:
            return {}, run.failure
        scores: dict[str, Score] = {}
        for scorer in self.scorers:
            try:
                scores[scorer.name] = await scorer.score(run)
            except ConfigError:  # the data set lacks something, for this sample and all others
                raise
            except AgentLabError as error:
                return scores, f"the scorer {scorer.name} failed: {error}"
        return scores, None


@dataclass(frozen=True)
class Evaluation:
    """A task, its scorers, and where results go.

    Attributes:
        folder: where runs are kept; results lie beside them.
        name: of the results; an evaluation of the same name goes on with them.
        concurrency: how many samples are asked at once.
        ask: asks and scores a sample; None for an `Interview` here.
    """

    task: Task
    scorers: tuple[Scorer, ...]
    folder: Path
    name: str
    epochs: int = 1
    concurrency: int = 1
    ask: Ask | None = None

    async def run(self, told: Callable[[RunResult], None] = _tell_nobody) -> Results:
        """Ask what has not been asked, and return all results.

        Args:
            told: called with each result as it comes.

        Raises:
            ConfigError: results of that name are of something else, or a scorer lacks a field.
            TraceError: results cannot be written.
        """
        names = tuple(scorer.name for scorer in self.scorers)
        fingerprint = self.task.fingerprint(names)
        about = {**self.task.about(), "scorers": list(names), "fingerprint": fingerprint}
        header = ResultsHeader(name=self.name, kind="eval", about=about)
        writer = ResultsWriter(self.folder, header, secret=self.task.agent.secrets)
        try:
            todo = iter(self._todo(Results.load(writer.path), fingerprint))
            ask = self.ask or Interview(self.task, self.scorers, self.name).ask

            async def work() -> None:
                for sample, epoch in todo:
                    result = await ask(sample, epoch)
                    writer.append(result)
                    told(result)

            try:
                async with asyncio.TaskGroup() as workers:
                    for _ in range(max(1, self.concurrency)):
                        workers.create_task(work())
            except* AgentLabError as several:
                raise _first(several) from None
        finally:
            writer.close()
        return Results.load(writer.path)

    def left(self) -> int:
        """How many samples are still to be asked, or asked again."""
        path = results_path(self.folder, self.name)
        finished = _finished(Results.load(path)) if path.exists() else set[tuple[str, int]]()
        samples = {(s.id, e) for e in range(1, self.epochs + 1) for s in self.task.samples}
        return len(samples - finished)

    def _todo(self, results: Results, fingerprint: str) -> list[tuple[Sample, int]]:
        if results.header.about.get("fingerprint") != fingerprint:
            raise ConfigError(
                f"the results {self.name!r} are of another task, agent, backend or scorers: "
                "choose another --name"
            )
        finished = _finished(results)
        return [
            (sample, epoch)
            for epoch in range(1, self.epochs + 1)
            for sample in self.task.samples
            if (sample.id, epoch) not in finished
        ]


def _finished(results: Results) -> set[tuple[str, int]]:
    return {(r.sample, r.epoch) for r in results.results if r.error is None}


def _first(several: BaseExceptionGroup[AgentLabError]) -> AgentLabError:
    first = several.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
