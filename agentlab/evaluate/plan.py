"""An evaluation in plain data, so that another machine can set up the same one.

plan = Plan(task="sums", samples=given(read_samples(path)), answer=answer, scorers=("numeric",))
task = plan.open_task(backend, runs)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from agentlab.backend import Backend
from agentlab.errors import ConfigError
from agentlab.evaluate import bfcl
from agentlab.evaluate.dataset import Sample
from agentlab.evaluate.judge import model_judge
from agentlab.evaluate.scorers import Aids, RunCode, Scorer, scorer
from agentlab.evaluate.task import Task, data_task, lab_task
from agentlab.labs.answers import AgentAnswer
from agentlab.labs.attempt import Case
from agentlab.labs.runner import GRADING_SEED
from agentlab.labs.values import Lab
from agentlab.messages import Value


class Given(Value):
    """A sample of a data set."""

    id: str
    input: str
    expect: Any = None
    facts: dict[str, Any] = {}

    @property
    def sample(self) -> Sample:
        """The same, as it is asked."""
        return Sample(self.id, Case(self.input, self.expect, self.facts))


class Plan(Value):
    """What is evaluated, and how it is scored.

    The cases of a lab's step are drawn from a seed and may hold anything, so they are not written
    down: whoever has the lab draws the same.
    """

    task: str
    """The name of a data set, or LAB:STEP."""
    samples: tuple[Given, ...] | None = None
    """Of a data set; None for a lab's step."""
    cases: int | None = None
    """How many cases of a lab's step to draw; None for as many as grading takes."""
    seed: int = GRADING_SEED
    """That cases of a lab's step are drawn from."""
    apart: tuple[str, ...] = ()
    """Questions of a lab's step that are left out where they are drawn."""
    once: bool = False
    """Whether a question that a lab's step draws twice is asked but once."""
    answer: AgentAnswer | None = None
    """The agent; None for a plain one, or for the step's reference solution."""
    scorers: tuple[str, ...] = ()
    """By name; none means every check of the lab's step."""
    suite: Literal["bfcl"] | None = None
    """The benchmark whose samples these are, where they bring tools of their own."""

    def open_task(self, backend: Backend, runs: Path | None, lab: Lab | None = None) -> Task:
        """The task, on a model.

        Args:
            lab: whose step it is, where it is one.

        Raises:
            LabError: the lab has no such step.
            ConfigError: a tool is not there.
        """
        if self.samples is not None:
            samples = tuple(given.sample for given in self.samples)
            task = data_task(self.task, samples, self.answer or AgentAnswer(), backend, runs)
            return task if self.suite is None else replace(task, suited=bfcl.suited)
        assert lab is not None, "without samples, a lab draws the cases"
        step = self.task.rpartition(":")[2]
        task = lab_task(
            lab, step, backend, runs, answer=self.answer, seed=self.seed, count=self.cases
        )
        return replace(task, samples=tuple(self._asked(task.samples)))

    def _asked(self, drawn: Iterable[Sample]) -> Iterator[Sample]:
        left_out = set(self.apart)
        for sample in drawn:
            if sample.case.input not in left_out:
                yield sample
                if self.once:
                    left_out.add(sample.case.input)

    def open_scorers(
        self,
        task: Task,
        runs: Path | None,
        *,
        judge: Backend | None,
        code: Callable[[], RunCode],
    ) -> tuple[Scorer, ...]:
        """The scorers, for a task of this plan.

        Args:
            judge: the model for the scorer `judge`.
            code: opens what the scorer `code` runs in.

        Raises:
            ConfigError: there is no such scorer, none was named, or what one needs is not there.
        """
        names = self.scorers or tuple(f"check:{check.id}" for check in task.checks)
        if not names:
            raise ConfigError(
                "say what makes an answer right, e.g. -s exact, -s numeric, -s contains"
            )
        aids = Aids(
            checks=task.checks,
            answer=task.answer,
            run_code=code() if "code" in names else None,
            judge=model_judge(judge, runs) if judge else None,
        )
        return tuple(scorer(name, aids) for name in dict.fromkeys(names))


def given(samples: Iterable[Sample]) -> tuple[Given, ...]:
    """Samples of a data set, in plain data."""
    return tuple(
        Given(id=s.id, input=s.case.input, expect=s.case.expect, facts=dict(s.case.facts))
        for s in samples
    )
