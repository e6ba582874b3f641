"""A lab and its steps, as declared in a `lab.py`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Literal, TypeAlias

from agentlab.errors import LabError
from agentlab.labs.answers import (
    AgentAnswer,
    Answer,
    CodeAnswer,
    ForkAnswer,
    QuizAnswer,
    ReadAnswer,
)
from agentlab.labs.attempt import Attempt, Case, Check, Verdict
from agentlab.plugins.equipment import Equipment, no_equipment
from agentlab.tooling import Tool

Language: TypeAlias = Literal["python", "bash"]
"""What a learner's program is written in."""

_ENDINGS: Mapping[Language, str] = {"python": "py", "bash": "sh"}
_ID = re.compile(r"^[a-z0-9][a-z0-9-]*$")


@dataclass(frozen=True, kw_only=True)
class ReadStep:
    """Something to read.

    Attributes:
        title: as in every kind of step: by default the heading of its section in the lesson.
    """

    id: str
    title: str = ""
    kind: Literal["read"] = "read"
    hints: tuple[str, ...] = ()
    solution: ReadAnswer = ReadAnswer()
    starter: ReadAnswer = ReadAnswer()
    wrong: Mapping[str, ReadAnswer] = field(default_factory=dict[str, ReadAnswer])
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, kw_only=True)
class QuizStep:
    """A question with options, of which all right ones and no wrong one must be chosen.

    Attributes:
        options: letter to text.
        right: the letters of the right options.
        because: letter to why it is right or wrong, shown once it was chosen.
    """

    id: str
    title: str
    question: str
    options: Mapping[str, str]
    right: frozenset[str]
    because: Mapping[str, str]
    kind: Literal["quiz"] = "quiz"
    hints: tuple[str, ...] = ()

    @property
    def starter(self) -> QuizAnswer:
        """Nothing chosen yet."""
        return QuizAnswer()

    @property
    def solution(self) -> QuizAnswer:
        """The right options."""
        return QuizAnswer(chosen=tuple(sorted(self.right)))

    @property
    def wrong(self) -> Mapping[str, QuizAnswer]:
        """Each wrong option on its own, and everything at once."""
        singles = {
            f"chose-{o}": QuizAnswer(chosen=(o,))
            for o in self.options
            if frozenset({o}) != self.right
        }
        if self.right == frozenset(self.options):
            return singles
        return {**singles, "chose-all": QuizAnswer(chosen=tuple(self.options))}

    @property
    def checks(self) -> tuple[Check, ...]:
        """The one check of a quiz."""
        return (Check(id="right", says="the right options, and only those", judge=self._judge),)

    def _judge(self, attempt: Attempt) -> Verdict:
        chosen = attempt.answer.chosen if isinstance(attempt.answer, QuizAnswer) else ()
        if unknown := [o for o in chosen if o not in self.options]:
            return Verdict(passed=False, reason=f"there is no option {unknown[0]}")
        if frozenset(chosen) == self.right:
            return Verdict(passed=True, reason=" ".join(self.because[o] for o in sorted(chosen)))
        if bad := [o for o in chosen if o not in self.right]:
            return Verdict(passed=False, reason=self.because[bad[0]])
        return Verdict(passed=False, reason="something right is missing" if chosen else "no choice")


@dataclass(frozen=True, kw_only=True)
class AgentStep:
    """An agent to put together. It is tried on cases, and its runs are judged.

    Attributes:
        cases: makes the cases from a seeded generator. A learner practises on one seed and is
            graded on another, so that answers cannot be learnt by heart.
        practice: how many cases are tried while working on the step.
        graded: how many count.
        tools: names of the lab's tools that may be used here.
        wrong: answers that look plausible, by name; the checks must reject every one.
        also: answers as good as the solution, in another style; the checks must accept every one.
        mistakes: what a wrong answer must be rejected for, by its name: the id of a check, or
            words of a reason. So a proof sees that it was its own mistake that was found.
    """

    id: str
    title: str = ""
    cases: Callable[[Random, int], Sequence[Case]]
    checks: tuple[Check, ...]
    starter: AgentAnswer
    solution: AgentAnswer
    wrong: Mapping[str, AgentAnswer]
    tools: tuple[str, ...]
    hints: tuple[str, ...]
    also: Mapping[str, AgentAnswer] = field(default_factory=dict[str, AgentAnswer])
    mistakes: Mapping[str, str] = field(default_factory=dict[str, str])
    practice: int = 3
    graded: int = 10
    kind: Literal["agent"] = "agent"


@dataclass(frozen=True, kw_only=True)
class CodeStep:
    """A program to write. It is run by a tool of the lab, then tried on cases.

    For every case the program runs first, then the case's `input`, which is code that uses what the
    program defined; the output of the second is what checks look at. A case without input looks at
    the output of the program itself.

    Attributes:
        runs_on: the tool that takes the code as its argument `code`.
        language: of the program, for the name of its file and the colours of the editor.
    """

    id: str
    title: str = ""
    cases: Callable[[Random, int], Sequence[Case]]
    checks: tuple[Check, ...]
    starter: CodeAnswer
    solution: CodeAnswer
    wrong: Mapping[str, CodeAnswer]
    hints: tuple[str, ...]
    also: Mapping[str, CodeAnswer] = field(default_factory=dict[str, CodeAnswer])
    mistakes: Mapping[str, str] = field(default_factory=dict[str, str])
    runs_on: str = "run_python"
    language: Language = "python"
    practice: int = 1
    graded: int = 3
    kind: Literal["code"] = "code"


@dataclass(frozen=True, kw_only=True)
class ForkStep:
    """A run from a log to be mended: taken up at one of its events, changed, and gone on with live.

    Attributes:
        run: the trace, made by an agent with tools of this lab.
        expect: what a right answer has, for the checks.
    """

    id: str
    title: str = ""
    run: Path
    expect: Any
    checks: tuple[Check, ...]
    starter: ForkAnswer
    solution: ForkAnswer
    wrong: Mapping[str, ForkAnswer]
    hints: tuple[str, ...]
    also: Mapping[str, ForkAnswer] = field(default_factory=dict[str, ForkAnswer])
    mistakes: Mapping[str, str] = field(default_factory=dict[str, str])
    kind: Literal["fork"] = "fork"


Step: TypeAlias = ReadStep | QuizStep | AgentStep | CodeStep | ForkStep
RunStep: TypeAlias = AgentStep | CodeStep | ForkStep
"""A step whose answer is tried by running something."""


@dataclass(frozen=True)
class Lesson:
    """The text of a lab: what comes before the first step, and the text of each step."""

    intro: str = ""
    steps: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, kw_only=True)
class Lab:
    """A lab. What `lab.py` declares; its folder and lesson come with loading it.

    Attributes:
        id: module and name, e.g. `m5/tool-use`; the same as the folder's place.
        teaches: what one can do afterwards, a few words each.
        minutes: how long a learner takes.
        backend: the default model, as `connect` takes it; it must be one that needs no network.
        tools: the tools that steps and answers name.
        equip: opens what the tools need, anew for every run.
    """

    id: str
    title: str
    teaches: tuple[str, ...]
    minutes: int
    steps: tuple[Step, ...]
    backend: str = "local:smollm2"
    prerequisites: tuple[str, ...] = ()
    """Ids of the labs it builds on; those of the course stand in `course.toml`."""
    tools: tuple[Tool[Any], ...] = ()
    equip: Callable[[], AbstractAsyncContextManager[Equipment]] = no_equipment
    folder: Path = Path()
    lesson: Lesson = Lesson()

    def __post_init__(self) -> None:
        ids = [step.id for step in self.steps]
        if bad := [id for id in ids if not _ID.fullmatch(id)]:
            raise LabError(f"{self.id}: step id {bad[0]!r}: use small letters, digits and '-'")
        if len(set(ids)) < len(ids):
            raise LabError(f"{self.id}: two steps have the same id")
        names = {tool.name for tool in self.tools}
        for step in self.steps:
            used = {
                *(step.tools if isinstance(step, AgentStep) else ()),
                *((step.runs_on,) if isinstance(step, CodeStep) else ()),
            }
            if missing := used - names:
                raise LabError(f"{self.id}, step {step.id}: no tool named {missing.pop()!r}")
            if isinstance(step, RunStep):
                _check_names(self.id, step)

    @property
    def module(self) -> str:
        """The part of the roadmap this belongs to, e.g. `m5`."""
        return self.id.partition("/")[0]

    def step(self, id: str) -> Step:
        """The step of that id.

        Raises:
            LabError: there is none.
        """
        for step in self.steps:
            if step.id == id:
                return step
        raise LabError(f"{self.id} has no step {id!r}: {', '.join(s.id for s in self.steps)}")


def _check_names(lab: str, step: RunStep) -> None:
    """Every answer has a name of its own, and only wrong ones have a mistake."""
    names = ["solution", "starter", *step.also, *step.wrong]
    if twice := {name for name in names if names.count(name) > 1}:
        raise LabError(f"{lab}, step {step.id}: two answers are named {min(twice)!r}")
    if unknown := set(step.mistakes) - set(step.wrong):
        raise LabError(f"{lab}, step {step.id}: no wrong answer is named {min(unknown)!r}")


def answer_type(step: Step) -> type[Answer]:
    """The kind of answer a step takes."""
    match step:
        case AgentStep():
            return AgentAnswer
        case CodeStep():
            return CodeAnswer
        case ForkStep():
            return ForkAnswer
        case QuizStep():
            return QuizAnswer
        case ReadStep():
            return ReadAnswer


def answer_name(step: Step) -> str:
    """The name of the file that holds a learner's answer to a step."""
    return f"{step.id}.{_ENDINGS[step.language] if isinstance(step, CodeStep) else 'toml'}"
