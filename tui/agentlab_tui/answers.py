"""Which answer a run tries: the learner's own, once it differs from the starter."""

from __future__ import annotations

import tomllib
from typing import TypeVar

from pydantic import ValidationError

from agentlab.errors import ScenarioError
from agentlab.scenario.answers import AgentAnswer, QuizAnswer
from agentlab.scenario.values import AgentStep
from agentlab_tui.toml_text import starter_text

A = TypeVar("A", AgentAnswer, QuizAnswer)


def is_own(step: AgentStep, text: str) -> bool:
    """Whether the learner has changed anything."""
    return text.strip() != starter_text(step).strip()


def parse_answer(text: str, kind: type[A]) -> A:
    """An answer from its text, which may not be on disk yet.

    Raises:
        ScenarioError: one line saying where it is no TOML, or which field does not fit.
    """
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(f"not valid TOML: {error}") from error
    except RecursionError as error:
        raise ScenarioError("not valid TOML: nested too deeply") from error
    try:
        return kind.model_validate(raw)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise ScenarioError(f"{where}: {first['msg']}") from error
