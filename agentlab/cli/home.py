"""Where the command line keeps what is made, and the options that choose it."""

from __future__ import annotations

import os
from pathlib import Path

import click


def home() -> Path:
    """`AGENTLAB_HOME`, or the user's own data folder."""
    import platformdirs

    given = os.environ.get("AGENTLAB_HOME")
    return Path(given) if given else Path(platformdirs.user_data_dir("agentlab", appauthor=False))


def _runs(_: click.Context, __: click.Parameter, value: Path | None) -> Path:
    return value or home() / "runs"


runs_option = click.option(
    "--runs",
    type=click.Path(path_type=Path, file_okay=False),
    callback=_runs,
    help="Folder of traces.  [default: runs in AGENTLAB_HOME]",
)
backend_option = click.option(
    "-b", "--backend", help="Model to use, e.g. local:smollm2 or a path to a GGUF file."
)
labs_option = click.option(
    "--labs",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    multiple=True,
    help="A folder of labs of your own, beside those that come along.",
)
