"""Keeps what a lab's checks said of each run, so that it can be asked later which ones passed."""

from __future__ import annotations

from pathlib import Path

from agentlab.labs.answers import Answer
from agentlab.labs.attempt import Attempt, CaseRun, Check
from agentlab.labs.runner import (
    CaseFinished,
    LabEvent,
    LabFinished,
    StepFinished,
    StepStarted,
    judge,
)
from agentlab.labs.values import Step
from agentlab.trace.results import ResultsHeader, ResultsWriter, RunResult, Score, new_results_name


class Outcomes:
    """Listens to the events of a lab, and writes the results of its runs once it is finished.

    A check judges all runs of a step together ("seven in eight come out right"). Of a single run it
    is asked the same, with that run alone: a run passed if every check of its step holds of it.
    """

    def __init__(self, runs: Path) -> None:
        self._folder = runs
        self._results: list[RunResult] = []
        self._started: tuple[Step, Answer] | None = None

    def see(self, event: LabEvent) -> None:
        """Take note of an event.

        Raises:
            TraceError: it was the last one, and the results cannot be written.
        """
        match event:
            case StepStarted(step=step, answer=answer):
                self._started = (step, answer)
            case CaseFinished(run=run) if self._started:
                step, answer = self._started
                self._results.append(alone(run, step.id, step.checks, answer))
            case StepFinished():
                self._started = None
            case LabFinished(report=report) if self._results:
                header = ResultsHeader(
                    name=new_results_name(report.lab),
                    kind="lab",
                    about={"report": report.model_dump(mode="json")},
                )
                writer = ResultsWriter(self._folder, header)
                try:
                    for result in self._results:
                        writer.append(result)
                finally:
                    writer.close()
            case _:
                pass


def alone(run: CaseRun, sample: str, checks: tuple[Check, ...], answer: Answer) -> RunResult:
    """What some checks say of one run by itself."""
    attempt = Attempt(answer=answer, runs=(run,))
    scores: dict[str, Score] = {}
    for check in checks:
        verdict = judge(check, attempt)
        scores[check.id] = Score.of(verdict.passed, verdict.reason)
    return RunResult(run=run.run, sample=sample, scores=scores, error=run.failure, usage=run.usage)
