"""What is evaluated: an agent, and the samples it is asked."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, TypeAlias

from pydantic_core import to_json

from agentlab.agent import Agent
from agentlab.agent.run import Run
from agentlab.backend import Backend
from agentlab.errors import LabError
from agentlab.evaluate.dataset import Sample, data_hash
from agentlab.labs.answers import AgentAnswer
from agentlab.labs.attempt import Check
from agentlab.labs.runner import GRADING_SEED
from agentlab.labs.trial import Trial
from agentlab.labs.values import AgentStep, Equipment, Lab, no_equipment
from agentlab.messages import Message
from agentlab.plugins.tools import load_tools

Suited: TypeAlias = Callable[[Agent[str], Sample], tuple[Agent[str], tuple[Message, ...]]]
"""The agent as a sample has it, and what was said before the sample's question."""


def _as_it_is(agent: Agent[str], _sample: Sample) -> tuple[Agent[str], tuple[Message, ...]]:
    return agent, ()


@dataclass(frozen=True)
class Task:
    """An agent and its samples.

    Attributes:
        answer: what the agent was made from.
        equip: opens what its tools need, anew for every run.
        checks: of the lab's step, if it is one.
        suited: where samples bring what the agent has, tools above all.
    """

    name: str
    samples: tuple[Sample, ...]
    agent: Agent[str]
    answer: AgentAnswer
    equip: Callable[[], AbstractAsyncContextManager[Equipment]] = no_equipment
    checks: tuple[Check, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    suited: Suited = _as_it_is

    @asynccontextmanager
    async def start(self, sample: Sample, epoch: int, name: str) -> AsyncGenerator[Run[str]]:
        """A run of the agent on a sample, ready to go.

        Where the agent has a seed, each epoch takes the next one, or a sample would only be asked
        the same thing again.
        """
        settings = self.agent.settings
        if settings.seed is not None:
            settings = settings.model_copy(update={"seed": settings.seed + epoch - 1})
        agent, before = self.suited(self.agent.with_(settings=settings), sample)
        async with self.equip() as equipment:
            labels = {"eval": name, "sample": sample.id, "epoch": str(epoch)}
            yield agent.run(
                sample.case.input,
                history=before,
                labels={**self.labels, **equipment.labels, **labels},
                deps=equipment.deps,
            )

    def about(self) -> dict[str, Any]:
        """What decides the results, in plain data."""
        agent = self.agent
        return {
            "task": self.name,
            "samples": len(self.samples),
            "data": data_hash(self.samples),
            "backend": agent.backend.identity.model_dump(mode="json"),
            "agent": self.answer.model_dump(mode="json"),
            "tools": [spec.model_dump(mode="json") for spec in agent.specs],
        }

    def fingerprint(self, scorers: tuple[str, ...]) -> str:
        """The same where the results may be put together: 12 hex digits."""
        plain = to_json({**self.about(), "scorers": sorted(scorers)}, fallback=repr)
        return hashlib.sha256(plain).hexdigest()[:12]


def data_task(
    name: str,
    samples: tuple[Sample, ...],
    answer: AgentAnswer,
    backend: Backend,
    runs: Path | None,
) -> Task:
    """A task of a data set, and of an agent whose tools are installed.

    Raises:
        ConfigError: a tool is not there.
    """
    agent = Agent(
        name="agent",
        backend=backend,
        instructions=answer.instructions,
        examples=answer.shown(),
        tools=load_tools(answer.tools),
        settings=answer.settings,
        limits=answer.limits,
        runs=runs,
    )
    return Task(name=name, samples=samples, agent=agent, answer=answer)


def lab_task(
    lab: Lab,
    step_id: str,
    backend: Backend,
    runs: Path | None,
    *,
    answer: AgentAnswer | None = None,
    seed: int = GRADING_SEED,
    count: int | None = None,
) -> Task:
    """A task of an agent step of a lab: its cases, its checks, and an answer or the solution.

    Raises:
        LabError: there is no such step, or it is none for an agent.
    """
    step = lab.step(step_id)
    if not isinstance(step, AgentStep):
        raise LabError(f"step {step_id} has no agent to evaluate: it is a {step.kind} step")
    answer = answer or step.solution
    cases = step.cases(Random(seed), count or step.graded)  # noqa: S311 - the seed is the point
    agent = Trial(lab, backend, runs).agent(step, answer)
    return Task(
        name=f"{lab.id}:{step_id}",
        samples=tuple(Sample(str(n), case) for n, case in enumerate(cases, 1)),
        agent=agent,
        answer=answer,
        equip=lab.equip,
        checks=step.checks,
        labels={"lab": lab.id, "step": step_id},
    )
