"""Labs graded in front of a terminal: one of them, or all of a module."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from agentlab.cli.lab_screen import LabPrinter
from agentlab.display import safe
from agentlab.errors import AgentLabError, LabError
from agentlab.labs.answers import Answer
from agentlab.labs.handed_in import handed_in, place_of, solutions
from agentlab.labs.module import Module, ModuleReport, NotRun
from agentlab.labs.outcomes import Outcomes
from agentlab.labs.runner import Grader, LabFinished, LabReport
from agentlab.labs.values import Lab
from agentlab.places.models import open_backend

INTERRUPTED = "interrupted before it was graded"


@dataclass(frozen=True)
class Grading:
    """How labs are to be graded, as the options of `agentlab run` say.

    Attributes:
        backend: the model; None for the one that each lab names.
        runs: the folder for traces.
        quiet: shows nothing.
        learner: whose answers; None for the reference solutions.
    """

    backend: str | None
    runs: Path
    seed: int
    practice: bool
    quiet: bool
    learner: Path | None

    def grade(self, lab: Lab, answers: Mapping[str, Answer]) -> LabReport:
        """Try answers to a lab, each run as it happens on the screen.

        Raises:
            AgentLabError: the lab can't be run here, or not with these answers.
        """
        model = open_backend(self.backend or lab.backend)
        grader = Grader(
            lab=lab, backend=model, runs=self.runs, seed=self.seed, practice=self.practice
        )
        printer = LabPrinter(quiet=self.quiet)
        outcomes = Outcomes(self.runs)

        async def work() -> LabReport:
            report: LabReport | None = None
            try:
                async for event in grader.lab_events(answers):
                    printer.show(event)
                    outcomes.see(event)
                    if isinstance(event, LabFinished):
                        report = event.report
            finally:
                await model.aclose()
            assert report is not None
            return report

        printer.open(lab, model.identity)
        return asyncio.run(work())


def grade_module(how: Grading, module: Module) -> tuple[ModuleReport, int]:
    """All labs of a module, one after the other, and the exit code.

    Interrupted, it returns what was graded until then, and the code 130.

    Raises:
        LabError: answers were to be graded, and there is not one to any lab of the module.
    """
    handed = {lab.id: _answers(how, lab) for lab in module.labs}
    left_out = tuple(id for id, answers in handed.items() if answers is None)
    if how.learner and len(left_out) == len(handed):
        name = module.labs[0].id if module.labs else f"{module.id}/LAB"
        raise LabError(
            f"{how.learner} holds no answers to {module.id}; expected e.g. a folder {name}"
        )
    reports: list[LabReport] = []
    not_run = [NotRun(lab=id, why=why) for id, why in module.broken.items()]
    for lost in not_run:
        _say(lost)
    labs = [lab for lab in module.labs if lab.id not in left_out]
    interrupted = False
    for number, lab in enumerate(labs):
        answers = handed[lab.id]
        if number and not how.quiet:
            click.echo()
        try:
            if isinstance(answers, LabError):
                raise answers
            assert answers is not None
            reports.append(how.grade(lab, answers))
        except AgentLabError as error:  # what one lab lacks stops none of the others
            not_run.append(NotRun(lab=lab.id, why=str(error)))
            _say(not_run[-1])
        except KeyboardInterrupt:
            interrupted = True
            not_run += [NotRun(lab=late.id, why=INTERRUPTED) for late in labs[number:]]
            break
    report = ModuleReport(
        module=module.id,
        title=module.title,
        passed=not not_run and all(graded.passed for graded in reports),
        labs=tuple(reports),
        not_run=tuple(not_run),
        left_out=left_out,
    )
    if not how.quiet:
        click.echo(f"\n{_summary(report)}")
    if interrupted:
        click.echo("interrupted", err=True)
        return report, 130
    return report, 2 if not_run else 0 if report.passed else 1


def _answers(how: Grading, lab: Lab) -> Mapping[str, Answer] | LabError | None:
    if how.learner is None:
        return solutions(lab)
    place = place_of(lab, how.learner)
    if place is None:
        return None
    try:
        return handed_in(lab, place)
    except LabError as error:
        return error


def _say(lost: NotRun) -> None:
    click.echo(f"agentlab: {lost.lab}: {safe(lost.why)}", err=True)


def _summary(report: ModuleReport) -> str:
    lines = [f"{report.module}  {report.title}".rstrip()]
    for lab in report.labs:
        checks = [check for step in lab.steps for check in step.checks]
        passed = sum(check.passed for check in checks)
        mark = click.style("✔", "green") if lab.passed else click.style("✘", "red")
        lines.append(f"{mark} {lab.lab}: {passed} of {len(checks)} checks")
    lines += [f"{click.style('✘', 'red')} {lab.lab}: not graded" for lab in report.not_run]
    lines += [f"· {lab}: no answers" for lab in report.left_out]
    return "\n".join(lines)
