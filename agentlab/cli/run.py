"""`agentlab run`, `agentlab list`: labs from the command line."""

from __future__ import annotations

from pathlib import Path

import click

from agentlab.cli.grading import Grading, grade_module
from agentlab.display import one_line, safe, safe_json
from agentlab.errors import LabError
from agentlab.labs.course import Topic, course, lab_roots
from agentlab.labs.find import find_folder, list_folders, load
from agentlab.labs.handed_in import handed_in, solutions
from agentlab.labs.module import find_module
from agentlab.labs.runner import GRADING_SEED
from agentlab.labs.values import Lab
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
    help="Grade these answers: STEP.toml (or .py, .sh), a folder of them, or a notebook.",
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
    """Run LAB (an id, a folder, or a module such as m5) and grade it.

    Without --learner, the reference solutions run on the real model. Every check is shown. Exits
    with 0 only if all checks pass.

    For a module, all its labs run in the order of the course, and the report has a part for each.
    Their answers are expected in folders named after them. If a lab can't be run, the others still
    are, and the exit code is 2.
    """
    roots = (*labs, *lab_roots())
    how = Grading(
        backend=backend, runs=runs, seed=seed, practice=practice, quiet=as_json, learner=learner
    )
    module = find_module(lab, roots)
    if module is None:
        opened = load(find_folder(lab, roots))
        answers = handed_in(opened, learner, step_ids) if learner else solutions(opened, step_ids)
        report = how.grade(opened, answers)
        code = 0 if report.passed else 1
    else:
        if step_ids:
            raise LabError(
                f"{lab} is a module, and --step names a step of one lab: "
                f"write e.g. `agentlab run {module.labs[0].id if module.labs else 'LAB'} --step …`"
            )
        report, code = grade_module(how, module)
    if as_json:
        click.echo(safe_json(report.model_dump_json(indent=2)))
    if junit:
        from agentlab.labs.junit import write_junit

        write_junit(report, junit)
    return code


@click.command("list")
@labs_option
@click.option("--topics", is_flag=True, help="What the course teaches, and the steps that do.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def list_labs(labs: tuple[Path, ...], topics: bool, as_json: bool) -> None:
    """List the available labs."""
    if topics:
        _list_topics(as_json)
        return
    by_id: dict[str, Lab] = {}
    for id, folder in list_folders((*labs, *lab_roots())):
        try:
            by_id[id] = load(folder)
        except LabError as error:  # one broken lab hides none of the others
            click.echo(f"agentlab: {safe(str(error))}", err=True)
    order = course().order({id: lab.prerequisites for id, lab in by_id.items()})
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
            for id, lab in ((id, by_id[id]) for id in order)
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
        lab = by_id[id]
        table.add_row(Text(one_line(id)), str(lab.minutes), Text(one_line(lab.title)))
    console().print(table)


def _list_topics(as_json: bool) -> None:
    if as_json:
        from pydantic_core import to_json

        rows = [
            {
                "module": topic.module,
                "topic": topic.name,
                "steps": [{"lab": lab, "step": step} for lab, step in topic.steps],
            }
            for topic in course().topics
        ]
        click.echo(safe_json(to_json(rows, indent=2).decode()))
        return
    from rich.table import Table
    from rich.text import Text

    from agentlab.terminal.consoles import console

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("topic")
    table.add_column("taught in")
    for module in course().modules:
        table.add_row(Text(f"\n{module.title}", style="bold"))
        for topic in course().topics:
            if topic.module == module.id:
                steps = Text("\n".join(_in_labs(topic)) or "still to come")
                table.add_row(Text(one_line(topic.name)), steps)
    console().print(table)


def _in_labs(topic: Topic) -> list[str]:
    """A line for each lab, with its steps."""
    labs = dict.fromkeys(lab for lab, _ in topic.steps)
    return [f"{lab}: {', '.join(s for of, s in topic.steps if of == lab)}" for lab in labs]
