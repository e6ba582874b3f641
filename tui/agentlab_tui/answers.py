"""Which answer a run tries, and its text: the learner's own, once it differs from the starter."""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

from agentlab.display import one_line
from agentlab.errors import LabError
from agentlab.labs.answers import (
    AgentAnswer,
    CodeAnswer,
    ForkAnswer,
    QuizAnswer,
    answer_file,
)
from agentlab.labs.answers import parse_answer as parse
from agentlab.labs.values import CodeStep, ForkStep, RunStep, Step, answer_type
from agentlab.limits import Limits
from agentlab_tui.assembly import FormValues
from agentlab_tui.toml_text import answer_text

Runnable: TypeAlias = RunStep
"""Steps whose answer is a text that can be tried."""


def file_of(step: Step) -> str:
    """The name of the file that holds a step's answer."""
    return answer_file(Path(), step.id, answer_type(step)).name


def starter_text(step: Runnable) -> str:
    """What the editor holds before the learner has typed anything."""
    if isinstance(step, CodeStep):
        return step.starter.code
    if isinstance(step, ForkStep):
        return f"# {one_line(step.title, 200)}\n\n" + answer_text(step.starter)
    tools = ", ".join(step.tools) or "none"
    head = f"# {one_line(step.title, 200)}\n# tools you may give: {tools}\n\n"
    return head + answer_text(step.starter)


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
