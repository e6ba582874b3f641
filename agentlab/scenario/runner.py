"""Trying answers and grading them: one stream of events for a script, a test or a screen.

lab_started → (step_started → (case_started → agent_event* → case_finished)* → check_done*
               → step_finished)* → lab_finished
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, TypeAlias

from pydantic_core import to_json

from agentlab.agent import Agent
from agentlab.approval import Approver
from agentlab.backend import Backend
from agentlab.backends.scripted import Script, Scripted
from agentlab.errors import ScenarioError
from agentlab.events import Event, LiveEvent, RunFinished, StoredEvent
from agentlab.messages import Message, ToolCall, ToolResult, Value
from agentlab.run import Run
from agentlab.scenario.answers import AgentAnswer, Answer, CodeAnswer
from agentlab.scenario.attempt import Attempt, Case, CaseRun, Check, Verdict
from agentlab.scenario.find import Lab
from agentlab.scenario.values import AgentStep, CodeStep, Scenario, Step
from agentlab.tooling import Tool

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

    scenario: str
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
    """

    lab: Lab
    backend: Backend
    runs: Path | None
    seed: int = GRADING_SEED
    practice: bool = False
    approver: Approver | None = None

    async def lab_events(self, answers: Mapping[str, Answer]) -> AsyncGenerator[LabEvent]:
        """Try the answers, by step id, one step after the other; other steps are left out."""
        scenario = self.lab.scenario
        reports: list[StepReport] = []
        for step in scenario.steps:
            if step.id in answers:
                async with aclosing(self.step_events(step, answers[step.id])) as events:
                    async for event in events:
                        yield event
                        if isinstance(event, StepFinished):
                            reports.append(event.report)
        yield LabFinished(
            report=LabReport(
                scenario=scenario.id,
                title=scenario.title,
                backend=self.backend.identity.name,
                passed=all(report.passed for report in reports),
                steps=tuple(reports),
            )
        )

    async def step_events(self, step: Step, answer: Answer) -> AsyncGenerator[LabEvent]:
        """Try one step's answer, and judge it."""
        yield StepStarted(step=step, answer=answer)
        runs: list[CaseRun] = []
        if isinstance(step, AgentStep | CodeStep):
            count = step.practice if self.practice else step.graded
            cases = step.cases(Random(self.seed), count)  # noqa: S311 - the seed is the point
            for number, case in enumerate(cases, 1):
                place = (number, len(cases))
                async with aclosing(self._case_events(step, answer, case, place)) as events:
                    async for event in events:
                        yield event
                        if isinstance(event, CaseFinished):
                            runs.append(event.run)
        attempt = Attempt(answer=answer, runs=tuple(runs))
        checks: list[CheckReport] = []
        for check in step.checks:
            verdict = judge(check, attempt)
            checks.append(
                CheckReport(
                    id=check.id, says=check.says, passed=verdict.passed, reason=verdict.reason
                )
            )
            yield CheckDone(check=check, verdict=verdict)
        yield StepFinished(
            report=StepReport(
                id=step.id,
                title=step.title,
                passed=all(check.passed for check in checks),
                checks=tuple(checks),
                runs=tuple(run.run for run in runs),
            )
        )

    def agent(self, step: AgentStep, answer: AgentAnswer) -> Agent:
        """The agent an answer describes.

        Raises:
            ScenarioError: it names a tool that this step does not have.
        """
        return Agent(
            name=step.id,
            backend=self.backend,
            instructions=answer.instructions,
            examples=answer.shown(),
            tools=_tools(self.lab.scenario, step, answer),
            settings=answer.settings,
            limits=answer.limits,
            runs=self.runs,
        )

    async def _case_events(
        self, step: AgentStep | CodeStep, answer: Answer, case: Case, place: tuple[int, int]
    ) -> AsyncGenerator[LabEvent]:
        agent = self._for(step, answer, case)
        async with self.lab.scenario.equip() as equipment:
            labels = {"scenario": self.lab.scenario.id, "step": step.id, **equipment.labels}
            said = case.input if isinstance(step, AgentStep) else f"Run {step.id}.py"
            run = agent.run(said, labels=labels, approver=self.approver, deps=equipment.deps)
            number, of = place
            yield CaseStarted(step=step, case=case, number=number, of=of, trace=run.path)
            stored: list[StoredEvent] = []
            # Closed here, so that one who stops listening has stopped the agent as well
            async with aclosing(aiter(run)) as events:
                async for event in events:
                    yield AgentEvent(event=event)
                    if not isinstance(event, LiveEvent):
                        stored.append(event)
            yield CaseFinished(run=case_run(case, run, stored, agent))

    def _for(self, step: AgentStep | CodeStep, answer: Answer, case: Case) -> Agent:
        if isinstance(step, AgentStep) and isinstance(answer, AgentAnswer):
            return self.agent(step, answer)
        if isinstance(step, CodeStep) and isinstance(answer, CodeAnswer):
            return Agent(
                name=step.id,
                backend=Scripted(_program(step, answer, case), name="learner"),
                tools=[tool for tool in self.lab.scenario.tools if tool.name == step.runs_on],
                runs=self.runs,
            )
        raise ScenarioError(f"step {step.id} takes another kind of answer than {answer.kind!r}")


def _program(step: CodeStep, answer: CodeAnswer, case: Case) -> Script:
    """The learner in the model's place: run the program, then the case, then say what came out.

    So a program leaves the same kind of trace as an agent does.
    """
    pieces = [code for code in (answer.code, case.input) if code]

    def reply(messages: Sequence[Message], *_: object) -> Message:
        results = [part for m in messages for part in m.parts if isinstance(part, ToolResult)]
        if len(results) < len(pieces) and not any(result.error for result in results):
            arguments = to_json({"code": pieces[len(results)]}).decode()
            id = f"call_{len(results) + 1}"
            return Message.assistant(ToolCall(id=id, name=step.runs_on, arguments=arguments))
        return Message.assistant(results[-1].content if results else "")

    return reply


def judge(check: Check, attempt: Attempt) -> Verdict:
    """A check's verdict; an attempt whose runs all failed fails every check, and says why."""
    failures = [run.failure for run in attempt.runs if run.failure]
    if attempt.runs and len(failures) == len(attempt.runs):
        return Verdict(passed=False, reason=f"every run failed: {failures[0]}")
    return check.judge(attempt)


def _tools(scenario: Scenario, step: AgentStep, answer: AgentAnswer) -> Sequence[Tool[Any]]:
    by_name = {tool.name: tool for tool in scenario.tools if tool.name in step.tools}
    for name in answer.tools:
        if name not in by_name:
            raise ScenarioError(
                f"step {step.id} has no tool {name!r}; its tools are: {', '.join(by_name)}"
            )
    return [by_name[name] for name in answer.tools]


def case_run(case: Case, run: Run, events: Sequence[StoredEvent], agent: Agent) -> CaseRun:
    """What an agent did with a case, from its run and the events that were stored."""
    end = events[-1] if events else None
    messages = run.state.transcript.messages
    opening = len(agent.examples) + bool(agent.instructions)
    return CaseRun(
        case=case,
        run=run.id,
        events=tuple(events),
        messages=tuple(messages[opening:]),
        usage=run.state.meter.usage,
        output=end.output if isinstance(end, RunFinished) and end.output else "",
    )
