"""What is to become better, and how: settled when it begins, and kept as `goal.json`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any, Final, Literal

from pydantic import Field, ValidationError

from agentlab.errors import ConfigError, LabError
from agentlab.evaluate import Plan, Sample
from agentlab.evaluate.plan import given
from agentlab.labs.answers import AgentAnswer
from agentlab.labs.values import AgentStep, Lab
from agentlab.messages import Value
from agentlab.values import first_fault

FORMAT: Final = "agentlab-improve"
FILE: Final = "goal.json"
LEAST = 40
"""Questions of a data set: with fewer nothing can be shown."""
_LEAST_CHOSEN = 8
_LEARN, _CHOOSE, _TEST = 7_001, 7_002, 7_003


class Goal(Value):
    """An agent, a task in three parts, and how the agent is to learn.

    No question is in two parts. `learn` is tried many times and learnt from; `choose` settles which
    model is best; `test` is asked of the first model and of the best, and of no other.
    """

    format: Literal["agentlab-improve"] = FORMAT
    version: int = Field(default=1, ge=1, strict=True)
    backend: str
    """The model to begin with."""
    learn: Plan
    choose: Plan
    test: Plan
    also: dict[str, Plan] = {}
    """Other tasks, by name, that must not become worse."""
    labs: tuple[str, ...] = ()
    """Folders of labs, besides those that are installed."""
    rounds: int = Field(default=1, ge=1)
    """How often to try, learn and try again with what was learnt."""
    tries: int = Field(default=4, ge=1)
    """Of each question, in a round: the first with the agent's own settings."""
    temperature: float = Field(default=0.5, gt=0)
    """Of the other tries, so that they differ. When it counts, the agent's own settings hold."""
    most: int = Field(default=2, ge=1)
    """Good runs of a question to learn from: easy ones must not be all there is."""
    lora: dict[str, Any] = {}
    """Settings of the recipe `lora`."""
    dpo: dict[str, Any] = {}
    """Settings of the recipe `dpo`."""
    bound: float = Field(default=0.05, gt=0, lt=1)
    """How much worse the rest may be: a share of perplexity, and of the other tasks' means."""
    seed: int = 0

    @property
    def task(self) -> str:
        """The name of the task."""
        return self.test.task

    def save(self, folder: Path) -> None:
        """Keep it, or see that it is the one kept there.

        Raises:
            ConfigError: another one is.
        """
        path = folder / FILE
        if path.is_file():
            if Goal.load(folder) != self:
                raise ConfigError(
                    f"{folder} is of another task, agent or settings: choose another --name, or go "
                    "on with those it began with"
                )
            return
        path.write_text(self.model_dump_json(indent=2), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Goal:
        """The goal kept in a folder.

        Raises:
            ConfigError: there is none.
        """
        path = folder / FILE
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError as error:
            raise ConfigError(f"{path}: {error.strerror or error}") from error
        except ValidationError as error:
            raise ConfigError(f"{path} describes no improvement: {first_fault(error)}") from None


def parts_of_data(
    task: str,
    samples: Sequence[Sample],
    answer: AgentAnswer | None,
    scorers: tuple[str, ...],
    seed: int,
) -> tuple[Plan, Plan, Plan]:
    """A data set in three parts, drawn by lot: half to learn, a fifth to choose, the rest to test.

    A question that is in it twice stays in one part.

    Raises:
        ConfigError: it is too small.
    """
    by_input: dict[str, list[Sample]] = {}
    for sample in samples:
        by_input.setdefault(sample.case.input, []).append(sample)
    groups = list(by_input.values())
    Random(seed).shuffle(groups)  # noqa: S311 - the seed is the point
    ends = len(groups) // 2, len(groups) * 7 // 10
    parts = groups[: ends[0]], groups[ends[0] : ends[1]], groups[ends[1] :]
    if len(groups) < LEAST:
        raise ConfigError(
            f"{task} has {len(groups)} different questions, too few to learn from some and to be "
            f"tried on others: {LEAST} are the least, 100 and more are good"
        )
    plans = [
        Plan(
            task=task,
            samples=given(one for group in part for one in group),
            answer=answer,
            scorers=scorers,
        )
        for part in parts
    ]
    return plans[0], plans[1], plans[2]


def parts_of_step(
    lab: Lab,
    step_id: str,
    cases: int,
    answer: AgentAnswer | None,
    scorers: tuple[str, ...],
    seed: int,
) -> tuple[Plan, Plan, Plan]:
    """A lab's step in three parts, drawn from three seeds; `cases` are tested.

    What was drawn for the test is left out of the other parts, and what is chosen by out of what is
    learnt from.

    Raises:
        LabError: there is no such step, or it is none for an agent.
        ConfigError: it has too few different questions.
    """
    target, plans = f"{lab.id}:{step_id}", list[Plan]()
    seen: tuple[str, ...] = ()
    for first, count in (
        (_TEST, cases),
        (_CHOOSE, max(_LEAST_CHOSEN, cases * 2 // 3)),
        (_LEARN, 2 * cases),
    ):
        drawn = first + 10 * seed
        plan = Plan(
            task=target,
            cases=count,
            seed=drawn,
            apart=seen,
            once=True,
            answer=answer,
            scorers=scorers,
        )
        asked = set(drawn_by(lab, plan))
        if len(asked) < _LEAST_CHOSEN:
            raise ConfigError(
                f"{target} has too few different questions: three parts with none in common need "
                f"{_LEAST_CHOSEN} each, and one has {len(asked)}"
            )
        plans.append(plan)
        seen += tuple(asked)
    test, choose, learn = plans
    return learn, choose, test


def drawn_by(lab: Lab, plan: Plan) -> list[str]:
    """The questions that a plan of a lab's step asks.

    Raises:
        LabError: there is no such step, or it is none for an agent.
    """
    step = lab.step(plan.task.rpartition(":")[2])
    if not isinstance(step, AgentStep):
        raise LabError(f"step {step.id} has no agent to improve: it is a {step.kind} step")
    cases = step.cases(Random(plan.seed), plan.cases or step.graded)  # noqa: S311 - the seed is the point
    return [case.input for case in cases if case.input not in plan.apart]
