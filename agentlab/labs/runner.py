"""Trying answers and grading them: one stream of events for a script, a test or a screen.

lab_started → (step_started → (case_started → agent_event* → case_finished)* → check_done*
               → step_finished)* → lab_finished
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TypeAlias

from agentlab.approval import Approver, Policy
from agentlab.backend import Backend
from agentlab.events import Event, LiveEvent, StoredEvent
from agentlab.labs.answers import Answer
from agentlab.labs.attempt import Attempt, Case, CaseRun, Check, Verdict
from agentlab.labs.trial import Trial, asked, case_run
from agentlab.labs.values import CodeStep, ForkStep, Lab, RunStep, Step
from agentlab.messages import Value
from agentlab.trace import Trace

PRACTICE_SEED = 1
GRADING_SEED = 2026


@dataclass(frozen=True)
class StepStarted:
    """A step's answer is going to be tried."""

    step: Step
    answer: Answer


@dataclass(frozen=True)
class CaseStarted:
    """The agent gets the next case."""

    step: Step
    case: Case
    number: int
    of: int
    trace: Path | None

    @property
    def title(self) -> str:
        """What is tried. Of a program's case the input is the grader's code, and says nothing."""
        own = "your program" if isinstance(self.step, CodeStep) else self.case.input
        return self.case.title or own


@dataclass(frozen=True)
class AgentEvent:
    """Something happened in the agent's run."""

    event: Event


@dataclass(frozen=True)
class CaseFinished:
    """The agent is done with a case."""

    run: CaseRun


@dataclass(frozen=True)
class CheckDone:
    """A check has its verdict."""

    check: Check
    verdict: Verdict


class CheckReport(Value):
    """A check's verdict, for the report."""

    id: str
    says: str
    passed: bool
    reason: str


class StepReport(Value):
    """How one step came out."""

    id: str
    title: str
    passed: bool
    checks: tuple[CheckReport, ...]
    runs: tuple[str, ...] = ()
    """Ids of the traces."""


class LabReport(Value):
    """How a whole lab came out."""

    lab: str
    title: str
    backend: str
    passed: bool
    steps: tuple[StepReport, ...]


@dataclass(frozen=True)
class StepFinished:
    """A step is judged."""

    report: StepReport


@dataclass(frozen=True)
class LabFinished:
    """All steps are judged."""

    report: LabReport


LabEvent: TypeAlias = (
    StepStarted | CaseStarted | AgentEvent | CaseFinished | CheckDone | StepFinished | LabFinished
)


@dataclass(frozen=True)
class Grader:
    """Tries answers on a backend.

    Attributes:
        runs: the folder for traces; None keeps none.
        seed: which cases are drawn.
        practice: few cases, as while working on a step, instead of those that count.
        approval: which of the model's calls need consent, and `approver` gives it.
        enough: asked after each case with the checks that have failed for good, if there are any;
            where it says so, the other cases are not run, and these checks are the report's.
    """

    lab: Lab
    backend: Backend
    runs: Path | None
    seed: int = GRADING_SEED
    practice: bool = False
    enough: Callable[[Sequence[CheckReport]], bool] | None = None
    approval: Policy = field(default_factory=Policy)
    approver: Approver | None = None

    @property
    def _trial(self) -> Trial:
        return Trial(
            lab=self.lab,
            backend=self.backend,
            runs=self.runs,
            approval=self.approval,
            approver=self.approver,
        )

    async def lab_events(self, answers: Mapping[str, Answer]) -> AsyncGenerator[LabEvent]:
        """Try the answers, by step id, one step after the other; other steps are left out."""
        lab = self.lab
        reports: list[StepReport] = []
        for step in lab.steps:
            if step.id in answers:
                async with aclosing(self.step_events(step, answers[step.id])) as events:
                    async for event in events:
                        yield event
                        if isinstance(event, StepFinished):
                            reports.append(event.report)
        yield LabFinished(
            report=LabReport(
                lab=lab.id,
                title=lab.title,
                backend=self.backend.identity.name,
                passed=all(report.passed for report in reports),
                steps=tuple(reports),
            )
        )

    async def step_events(self, step: Step, answer: Answer) -> AsyncGenerator[LabEvent]:
        """Try one step's answer, and judge it."""
        yield StepStarted(step=step, answer=answer)
        runs: list[CaseRun] = []
        lost: Sequence[tuple[Check, Verdict]] = ()
        if isinstance(step, RunStep):
            cases = self._cases(step)
            for number, case in enumerate(cases, 1):
                place = (number, len(cases))
                async with aclosing(self._case_events(step, answer, case, place)) as events:
                    async for event in events:
                        yield event
                        if isinstance(event, CaseFinished):
                            runs.append(event.run)
                if number < len(cases) and self.enough:
                    so_far = Attempt(answer, tuple(runs), to_come=len(cases) - number)
                    lost = _failed_for_good(step.checks, so_far)
                    if lost and self.enough([reported(*one) for one in lost]):
                        break
                    lost = ()
        attempt = Attempt(answer=answer, runs=tuple(runs))
        verdicts = lost or [(check, judge(check, attempt)) for check in step.checks]
        for check, verdict in verdicts:
            yield CheckDone(check=check, verdict=verdict)
        yield StepFinished(
            report=StepReport(
                id=step.id,
                title=step.title,
                passed=all(verdict.passed for _, verdict in verdicts),
                checks=tuple(reported(*one) for one in verdicts),
                runs=tuple(run.run for run in runs),
            )
        )

    def _cases(self, step: RunStep) -> Sequence[Case]:
        if isinstance(step, ForkStep):
            return [Case(asked(Trace.load(step.run)), step.expect)]
        count = step.practice if self.practice else step.graded
        return step.cases(Random(self.seed), count)  # noqa: S311 - the seed is the point

    async def _case_events(
        self, step: RunStep, answer: Answer, case: Case, place: tuple[int, int]
    ) -> AsyncGenerator[LabEvent]:
        async with self.lab.equip() as equipment:
            run = self._trial.run(step, answer, case, equipment)
            number, of = place
            yield CaseStarted(step=step, case=case, number=number, of=of, trace=run.path)
            stored: list[StoredEvent] = []
            # Closed here, so that one who stops listening has stopped the agent as well
            async with aclosing(aiter(run)) as events:
                async for event in events:
                    yield AgentEvent(event=event)
                    if not isinstance(event, LiveEvent):
                        stored.append(event)
            yield CaseFinished(run=case_run(case, run, stored))


def _failed_for_good(checks: Sequence[Check], so_far: Attempt) -> list[tuple[Check, Verdict]]:
    """The checks that no further case can mend."""
    verdicts = [(check, check.judge(so_far)) for check in checks if check.early]
    return [(check, verdict) for check, verdict in verdicts if not verdict.passed]


def reported(check: Check, verdict: Verdict) -> CheckReport:
    """A verdict as reports have it."""
    return CheckReport(id=check.id, says=check.says, passed=verdict.passed, reason=verdict.reason)


def judge(check: Check, attempt: Attempt) -> Verdict:
    """A check's verdict; an attempt whose runs all failed fails every check, and says why."""
    failures = [run.failure for run in attempt.runs if run.failure]
    if attempt.runs and len(failures) == len(attempt.runs):
        return Verdict(passed=False, reason=f"every run failed: {failures[0]}")
    return check.judge(attempt)
