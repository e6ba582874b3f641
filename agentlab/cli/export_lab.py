"""`agentlab export-lab`: a lab as a Jupyter notebook."""

from __future__ import annotations

from pathlib import Path

import click

from agentlab.errors import LabError
from agentlab.labs.course import lab_roots
from agentlab.labs.find import find_folder, load
from agentlab.labs.lab_notebook import ENDING, write_notebook
from agentlab.places.home import own_labs
from agentlab.terminal.completion import lab_names
from agentlab.terminal.options import labs_option


@click.command("export-lab")
@click.argument("lab", shell_complete=lab_names)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@labs_option
def export_lab(lab: str, file: Path, labs: tuple[Path, ...]) -> None:
    """Write LAB (an id or a folder) as a notebook, to work on it in Jupyter.

    \b
    agentlab export-lab m5/tool-use tools.ipynb
    agentlab run m5/tool-use --learner tools.ipynb

    The notebook has the lesson, a cell for each answer, and after it a cell that grades it as
    `agentlab run` does. An existing file is never overwritten.
    """
    if file.suffix != ENDING:
        raise LabError(f"{file} must end in {ENDING}, as notebooks do")
    folder = find_folder(lab, (*labs, *lab_roots()))
    opened = load(folder)
    root = folder.resolve().parent.parent
    folders = {at.resolve() for at in (own_labs(), *lab_roots())}
    write_notebook(opened, file, None if root in folders else root)
    click.echo(f"wrote {file}", err=True)
    click.echo(f"afterwards: agentlab run {lab} --learner {file}", err=True)
