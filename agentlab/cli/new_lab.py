"""`agentlab new-lab`: the first files of a lab of one's own."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agentlab.places.home import own_labs

if TYPE_CHECKING:
    from agentlab.labs.make import StepKind

ABOUT = {
    "answers.py": "the starter, the reference solution, and wrong answers",
    "cases.py": "what the answers are tried on, drawn from a seed",
    "lesson.md": "what the learner reads, step by step",
    "lab.py": "the steps, their hints and checks",
    "tools.py": "the available tools, and what they need to run",
}


@click.command("new-lab")
@click.argument("id")
@click.option(
    "--into",
    type=click.Path(path_type=Path),
    help="Folder of labs to make it in.  [default: labs in AGENTLAB_HOME]",
)
@click.option(
    "--step",
    type=click.Choice(["agent", "code"]),
    default="agent",
    show_default=True,
    help="What the learner works on: an agent or a program.",
)
def new_lab(id: str, into: Path | None, step: StepKind) -> None:
    """Make a lab of your own, named ID (e.g. m3/my-lab): complete and proved, ready to edit.

    Nothing is ever overwritten. docs/labs.md explains the next steps.
    """
    from agentlab.labs.make import make_lab

    files = make_lab(id, into or own_labs(), step=step)
    where = f" --labs {shlex.quote(str(into))}" if into else ""
    click.echo(f"{id} is in {files[0].parent}")
    _show({file.name: ABOUT[file.name] for file in files})
    click.echo("It works as it is. Next:")
    _show(
        {
            f"agentlab check-lab {id}{where}": "prove it: the solution passes, nothing else does",
            f"agentlab run {id}{where}": "watch the solution at work",
            f"agentlab tui{where}": "see it as a learner does",
        }
    )


def _show(about: Mapping[str, str]) -> None:
    width = max(map(len, about))
    for what, says in about.items():
        click.echo(f"  {what:{width}}  {click.style(says, dim=True)}")
