"""`agentlab run`, `agentlab list`, `agentlab check-lab`: labs from the command line."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import click

from agentlab.display import one_line, safe, safe_json
from agentlab.errors import LabError
from agentlab.labs.answers import Answer, answer_file, read_answer
from agentlab.labs.course import course, lab_roots
from agentlab.labs.find import find_folder, list_folders, load
from agentlab.labs.runner import GRADING_SEED, Grader, LabFinished, LabReport
from agentlab.labs.values import Lab, answer_type
from agentlab.places.models import open_backend
from agentlab.terminal.completion import lab_names
from agentlab.terminal.options import backend_option, labs_option, runs_option


@click.command()
@click.argument("lab", shell_complete=lab_names)
@backend_option
@runs_option
@labs_option
@click.option("--step", "step_ids", multiple=True, help="Run only this step. May be repeated.")
@click.option(
    "--learner",
    type=click.Path(path_type=Path, exists=True),
    help="Grade these answers, not the reference: STEP.toml (or .py), or a folder of them.",
)
@click.option(
    "--seed", default=GRADING_SEED, show_default=True, help="Seed that the cases are drawn from."
)
@click.option("--practice", is_flag=True, help="Use few cases, as while working on a step.")
@click.option("--json", "as_json", is_flag=True, help="Only the report, as JSON, on stdout.")
@click.option("--junit", type=click.Path(path_type=Path), help="Also write a JUnit XML report.")
def run(
    lab: str,
    backend: str | None,
    runs: Path,
    labs: tuple[Path, ...],
    step_ids: tuple[str, ...],
    learner: Path | None,
    seed: int,
    practice: bool,
    as_json: bool,
    junit: Path | None,
) -> int:
    """Run LAB (an id or a folder) and grade it.

    Without --learner, the reference solutions run on the real model. Every check is shown. Exits
    with 0 only if all checks pass.
    """
    from agentlab.cli.lab_screen import LabPrinter
    from agentlab.labs.outcomes import Outcomes

    found = load(find_folder(lab, (*labs, *lab_roots())))
    answers = _answers(found, step_ids, learner)
    model = open_backend(backend or found.backend)
    grader = Grader(lab=found, backend=model, runs=runs, seed=seed, practice=practice)
    printer = LabPrinter(quiet=as_json)
    outcomes = Outcomes(runs)

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

    printer.open(found, model.identity)
    report = asyncio.run(work())
    if as_json:
        click.echo(safe_json(report.model_dump_json(indent=2)))
    if junit:
        from agentlab.labs.junit import write_junit

        write_junit(report, junit)
    return 0 if report.passed else 1


def _answers(lab: Lab, step_ids: tuple[str, ...], learner: Path | None) -> Mapping[str, Answer]:
    steps = [lab.step(id) for id in step_ids] or list(lab.steps)
    if learner is None:
        return {step.id: step.solution for step in steps}
    if learner.is_file():
        step = lab.step(learner.stem)
        return {step.id: read_answer(learner, answer_type(step))}
    files = [(step, answer_file(learner, step.id, answer_type(step))) for step in steps]
    answers = {
        step.id: read_answer(file, answer_type(step)) for step, file in files if file.exists()
    }
    if not answers:
        wanted = ", ".join(file.name for step, file in files if step.kind != "read")
        raise LabError(f"{learner} holds no answers; expected some of: {wanted}")
    return answers


@click.command("list")
@labs_option
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def list_labs(labs: tuple[Path, ...], as_json: bool) -> None:
    """List the available labs."""
    found: dict[str, Lab] = {}
    for id, folder in list_folders((*labs, *lab_roots())):
        try:
            found[id] = load(folder)
        except LabError as error:  # one broken lab hides none of the others
            click.echo(f"agentlab: {safe(str(error))}", err=True)
    order = course().order({id: lab.prerequisites for id, lab in found.items()})
    if as_json:
        from pydantic_core import to_json

        rows = [
            {
                "id": id,
                "title": lab.title,
                "minutes": lab.minutes,
                "teaches": lab.teaches,
                "prerequisites": lab.prerequisites,
                "steps": [step.id for step in lab.steps],
                "folder": str(lab.folder),
            }
            for id, lab in ((id, found[id]) for id in order)
        ]
        click.echo(safe_json(to_json(rows, indent=2).decode()))
        return
    from rich.table import Table
    from rich.text import Text

    from agentlab.terminal.consoles import console

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("lab", "min", "title"):
        table.add_column(column, justify="right" if column == "min" else "left")
    for id in order:
        lab = found[id]
        table.add_row(Text(one_line(id)), str(lab.minutes), Text(one_line(lab.title)))
    console().print(table)


@click.command("check-lab")
@click.argument("lab", shell_complete=lab_names)
@backend_option
@labs_option
@click.option("--json", "as_json", is_flag=True, help="Only the report, as JSON, on stdout.")
def check_lab(lab: str, backend: str | None, labs: tuple[Path, ...], as_json: bool) -> int:
    """Prove that LAB's checks do what they promise, on the real model.

    The reference solution must pass; the starter and every listed wrong answer must be rejected.
    """
    from agentlab.labs.prove import prove

    found = load(find_folder(lab, (*labs, *lab_roots())))
    model = open_backend(backend or found.backend)

    async def work() -> int:
        failed = 0
        rows: list[dict[str, object]] = []
        try:
            async for proof in prove(found, model):
                failed += not proof.holds
                rows.append(proof.model_dump())
                if not as_json:
                    mark = click.style("✔", "green") if proof.holds else click.style("✘", "red")
                    said = f"{proof.step} / {proof.answer}: {proof.reason}"
                    click.echo(f"{mark} {safe(said)}")
        finally:
            await model.aclose()
        if as_json:
            from pydantic_core import to_json

            click.echo(safe_json(to_json(rows, indent=2).decode()))
        return 1 if failed else 0

    return asyncio.run(work())
