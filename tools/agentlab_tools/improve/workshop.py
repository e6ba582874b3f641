"""Where the work of an improvement is done, and taken up again after an interruption.

goal.json                what is to become better, and how
runs/                    every run's trace, and results/ with one file for each evaluation
data/                    what was learnt from, round by round
jobs/                    the training jobs; jobs.json says which stage each is of
report.json, report.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from agentlab.backend import Backend
from agentlab.backends.schemes import is_local
from agentlab.errors import ConfigError
from agentlab.evaluate import Evaluation, Plan
from agentlab.labs.course import lab_roots
from agentlab.labs.find import find_folder, load
from agentlab.labs.values import Lab
from agentlab.places import models
from agentlab.private import private_folder
from agentlab.trace.results import Results, RunResult
from agentlab_tools.improve.goal import Goal
from agentlab_tools.scored_code import sandbox_runner
from agentlab_tools.train.errors import TrainingError
from agentlab_tools.train.jobs import Job, Jobs

_GOES_ON = ("cancelled", "failed", "lost")


class Watcher(Protocol):
    """Who is told how it goes."""

    def said(self, text: str) -> None:
        """Something worth a line."""
        ...

    def asking(self, stage: str, left: int) -> Callable[[RunResult], None]:
        """An evaluation begins; what is returned is told of each result."""
        ...

    async def training(self, stage: str, jobs: Jobs, job: Job) -> Job:
        """Wait until a job is over, and return it."""
        ...


@dataclass(frozen=True)
class Workshop:
    """An improvement's folder, and what is done in it."""

    goal: Goal
    folder: Path
    watcher: Watcher
    on: str = "local"
    """Where training runs: `local`, `ray` or `ray:HOST:PORT`."""
    ray: Any = None
    """The module, connected, where samples are asked on a cluster."""

    @property
    def runs(self) -> Path:
        """Where traces and results are kept."""
        return self.folder / "runs"

    @property
    def data(self) -> Path:
        """Where lines to learn from are kept."""
        return self.folder / "data"

    @property
    def jobs(self) -> Jobs:
        """The training jobs."""
        return Jobs(self.folder / "jobs")

    async def asked(
        self, stage: str, model: str, plan: Plan, *, sampled: int | None = None
    ) -> Results:
        """Ask a model the questions of a plan; what was asked before an interruption is kept.

        Args:
            stage: the name of the evaluation.
            sampled: how often to try each question, at the goal's temperature; None to ask once, as
                the agent's own settings are.

        Raises:
            AgentLabError: it can't be asked.
        """
        private_folder(self.runs)
        backend = models.open_backend(model)
        lab = None if plan.samples is not None else self._lab(plan.task)
        try:
            if sampled is not None:
                plan = self._varied(plan, backend, lab)
            task = plan.open_task(backend, self.runs, lab)
            scorers = plan.open_scorers(task, self.runs, judge=None, code=sandbox_runner)
            evaluation = Evaluation(
                task,
                scorers,
                self.runs,
                stage,
                epochs=sampled or 1,
                concurrency=1 if is_local(model) else 4,
            )
            told = self.watcher.asking(stage, evaluation.left())
            async with self._placed(evaluation, plan, lab, model) as placed:
                return await placed.run(told)
        finally:
            await backend.aclose()

    def _placed(
        self, evaluation: Evaluation, plan: Plan, lab: Lab | None, model: str
    ) -> AbstractAsyncContextManager[Evaluation]:
        """Where it is asked: here, or on the cluster; there nobody is needed for what is done."""
        if self.ray is None or not evaluation.left():
            return nullcontext(evaluation)
        from agentlab_tools.cluster.asking import asked_on

        say = self.watcher.said
        return asked_on(self.ray, evaluation, plan, lab, backend=model, say=say)

    def _varied(self, plan: Plan, backend: Backend, lab: Lab | None) -> Plan:
        """The same, with the agent at the goal's temperature."""
        answer = plan.open_task(backend, None, lab).answer
        seed = 1 + 1000 * self.goal.seed
        varied = {"temperature": self.goal.temperature, "seed": seed}
        settings = answer.settings.model_copy(update=varied)
        told = answer.model_copy(update={"settings": settings})
        return plan.model_copy(update={"answer": told})

    def _lab(self, target: str) -> Lab:
        roots = (*map(Path, self.goal.labs), *lab_roots())
        return load(find_folder(target.rpartition(":")[0], roots))

    async def trained(self, stage: str, recipe: str, settings: Mapping[str, Any]) -> Job:
        """Train, or go on with what this stage began, and wait for its end.

        Raises:
            TrainingError: it did not complete.
            AgentLabError: it can't be trained like this.
        """
        jobs = self.jobs
        known = self._known()
        if stage in known:
            job = jobs.get(known[stage])
            job = jobs.resume(job.id) if job.state in _GOES_ON else job
        else:
            job = jobs.submit(recipe, settings, on=self.on)
            self._remember({**known, stage: job.id})
        if job.active:
            job = await self.watcher.training(stage, jobs, job)
        if job.state != "completed":
            why = f": {job.reason}" if job.reason else ""
            raise TrainingError(
                f"the training {stage} is {job.state}{why}; the same command goes on"
            )
        return job

    def _known(self) -> dict[str, str]:
        path = self.folder / "jobs.json"
        try:
            return dict(json.loads(path.read_bytes())) if path.is_file() else {}
        except (OSError, ValueError, TypeError) as error:
            raise ConfigError(f"{path} can't be read: {error}") from error

    def _remember(self, known: Mapping[str, str]) -> None:
        part = self.folder / "jobs.json.part"
        part.write_text(json.dumps(known), encoding="utf-8")
        part.replace(self.folder / "jobs.json")
