"""Which answer a run tries, and its text: the learner's own, once it differs from the starter."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from agentlab.errors import LabError
from agentlab.labs.answers import (
    AgentAnswer,
    Answer,
    CodeAnswer,
    ForkAnswer,
    QuizAnswer,
    ReadAnswer,
)
from agentlab.labs.answers import parse_answer as parse
from agentlab.labs.runner import CheckReport
from agentlab.labs.toml_text import answer_text, starter_text
from agentlab.labs.values import CodeStep, ForkStep, RunStep, Step, answer_name
from agentlab.limits import Limits
from agentlab_tui.assembly import FormValues
from agentlab_tui.lab_progress import PassedWith

Runnable: TypeAlias = RunStep
"""Steps whose answer is a text that can be tried."""


def file_of(step: Step) -> str:
    """The name of the file that holds a step's answer."""
    return answer_name(step)


def language_of(step: Step) -> str:
    """The language a step's answer is written in, as the editor knows it."""
    return step.language if isinstance(step, CodeStep) else "toml"


def is_own(step: Runnable, text: str) -> bool:
    """Whether the learner has changed anything."""
    return text.strip() != starter_text(step).strip()


def parse_own(step: Runnable, text: str) -> AgentAnswer | CodeAnswer | ForkAnswer:
    """The learner's answer from its text, which may not be on disk yet.

    Raises:
        LabError: one line saying where it is no TOML, or which field does not fit.
    """
    try:
        if isinstance(step, CodeStep):
            return parse(text, CodeAnswer, "your program")
        if isinstance(step, ForkStep):
            return parse(text, ForkAnswer, "your answer")
        return parse(text, AgentAnswer, "your answer")
    except RecursionError as error:
        raise LabError("your answer is not valid TOML: nested too deeply") from error


def parse_choice(text: str) -> QuizAnswer:
    """A choice from its text.

    Raises:
        LabError: as `parse_own`.
    """
    return parse(text, QuizAnswer, "your choice")


def passed_with(answer: Answer, checks: Iterable[CheckReport], model: str = "") -> PassedWith:
    """What is kept of an answer that passed. A program takes the place of the model."""
    assert not isinstance(answer, ReadAnswer), "there is nothing to pass in what is only read"
    found = tuple((check.says, check.reason) for check in checks)
    if isinstance(answer, CodeAnswer):
        return PassedWith(answer=answer.code, model="", checks=found)
    return PassedWith(answer=answer_text(answer), model=model, checks=found)


def form_values(answer: AgentAnswer) -> FormValues:
    """What of an agent a form shows."""
    return FormValues(
        instructions=answer.instructions,
        tools=answer.tools,
        asks=(),
        temperature=answer.settings.temperature,
        steps=answer.limits.steps,
    )


def with_form(answer: AgentAnswer, values: FormValues) -> AgentAnswer:
    """The agent, changed as in the form; what a form does not show stays."""
    steps = values.steps or Limits().steps
    return answer.model_copy(
        update={
            "instructions": values.instructions,
            "tools": values.tools,
            "settings": answer.settings.model_copy(update={"temperature": values.temperature}),
            "limits": answer.limits.model_copy(update={"steps": steps}),
        }
    )
