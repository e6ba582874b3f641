"""Short ways to declare a step, for the `lab.py` and `answers.py` of a lab.

A step is three things: the answers that are known for it, the cases they are tried on, and what is
said and checked. Its title is the heading of its section in the lesson.

    # answers.py
    SORT = programs(starter="…", solution="…", also={"…": "…"}, wrong={"…": "…"})

    # lab.py
    code_step(
        "sort",
        answers.SORT,
        Drawn(lists, practice=3, graded=9),
        hints=("…", "…", "…"),
        checks=(every("sorted", "every list comes out in order", out_of_order),),
    )
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from string import ascii_lowercase
from typing import Generic, TypeVar

from agentlab.labs.answers import AgentAnswer, CodeAnswer
from agentlab.labs.attempt import Case, Check
from agentlab.labs.values import AgentStep, CodeStep, QuizStep

A = TypeVar("A", AgentAnswer, CodeAnswer)


@dataclass(frozen=True, kw_only=True)
class Answers(Generic[A]):
    """The answers to one step that its lab knows, as `AgentStep` and `CodeStep` describe them."""

    starter: A
    solution: A
    wrong: Mapping[str, A]
    also: Mapping[str, A] = field(default_factory=dict[str, A])
    mistakes: Mapping[str, str] = field(default_factory=dict[str, str])


def programs(
    *,
    starter: str,
    solution: str,
    wrong: Mapping[str, str],
    also: Mapping[str, str] | None = None,
    mistakes: Mapping[str, str] | None = None,
) -> Answers[CodeAnswer]:
    """Answers that are programs or scripts, each given as its text; blank lines around it go."""
    return Answers(
        starter=_program(starter),
        solution=_program(solution),
        wrong={name: _program(text) for name, text in wrong.items()},
        also={name: _program(text) for name, text in (also or {}).items()},
        mistakes=mistakes or {},
    )


def _program(text: str) -> CodeAnswer:
    return CodeAnswer(code=text.strip() + "\n")


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """Cases drawn anew for each attempt: so many to practise on, and so many that count."""

    cases: Callable[[Random, int], Sequence[Case]] = field(kw_only=False)
    practice: int
    graded: int


def code_step(
    id: str,
    answers: Answers[CodeAnswer],
    drawn: Drawn,
    *,
    hints: tuple[str, ...],
    checks: tuple[Check, ...],
    runs_on: str = "run_python",
) -> CodeStep:
    """A program in Python to write, run by one of the lab's tools."""
    return CodeStep(
        id=id,
        cases=drawn.cases,
        practice=drawn.practice,
        graded=drawn.graded,
        runs_on=runs_on,
        starter=answers.starter,
        solution=answers.solution,
        also=answers.also,
        wrong=answers.wrong,
        mistakes=answers.mistakes,
        hints=hints,
        checks=checks,
    )


def shell_step(
    id: str,
    answers: Answers[CodeAnswer],
    drawn: Drawn,
    *,
    hints: tuple[str, ...],
    checks: tuple[Check, ...],
    runs_on: str,
) -> CodeStep:
    """A bash script to write, run by one of the lab's tools."""
    step = code_step(id, answers, drawn, hints=hints, checks=checks, runs_on=runs_on)
    return replace(step, language="bash")


def agent_step(
    id: str,
    answers: Answers[AgentAnswer],
    drawn: Drawn,
    *,
    hints: tuple[str, ...],
    checks: tuple[Check, ...],
    tools: tuple[str, ...] = (),
) -> AgentStep:
    """An agent to put together, out of the named tools of the lab."""
    return AgentStep(
        id=id,
        cases=drawn.cases,
        practice=drawn.practice,
        graded=drawn.graded,
        tools=tools,
        starter=answers.starter,
        solution=answers.solution,
        also=answers.also,
        wrong=answers.wrong,
        mistakes=answers.mistakes,
        hints=hints,
        checks=checks,
    )


@dataclass(frozen=True)
class Option:
    """One answer that a quiz offers: what it says, whether it is right, and why."""

    text: str
    because: str
    right: bool


def right(text: str, because: str) -> Option:
    """An option that has to be chosen."""
    return Option(text, because, right=True)


def wrong(text: str, because: str) -> Option:
    """An option that must not be chosen."""
    return Option(text, because, right=False)


def quiz(
    id: str, title: str, question: str, *options: Option, hints: tuple[str, ...] = ()
) -> QuizStep:
    """A question of which all right options and no wrong one must be chosen; lettered in order."""
    lettered = dict(zip(ascii_lowercase, options, strict=False))
    return QuizStep(
        id=id,
        title=title,
        question=question,
        options={letter: option.text for letter, option in lettered.items()},
        right=frozenset(letter for letter, option in lettered.items() if option.right),
        because={letter: option.because for letter, option in lettered.items()},
        hints=hints,
    )
