"""Options that several commands take, and how what they are given is read."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from agentlab.errors import ConfigError
from agentlab.places.home import lab_folders, runs_folder
from agentlab.terminal.completion import models


def _runs(_: click.Context, __: click.Parameter, value: Path | None) -> Path:
    return value or runs_folder()


def _labs(_: click.Context, __: click.Parameter, value: tuple[Path, ...]) -> tuple[Path, ...]:
    return lab_folders(value)


runs_option = click.option(
    "--runs",
    type=click.Path(path_type=Path, file_okay=False),
    callback=_runs,
    help="Folder of traces.  [default: runs in AGENTLAB_HOME]",
)
backend_option = click.option(
    "-b",
    "--backend",
    shell_complete=models,
    help="Model to use, e.g. local:smollm2, job:last, or a GGUF file.",
)
on_option = click.option(
    "--on", default="local", show_default=True, help="Where to run: local, ray, or ray:ADDRESS."
)
labs_option = click.option(
    "--labs",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    multiple=True,
    callback=_labs,
    help="Another folder of labs, besides the bundled ones and labs in AGENTLAB_HOME.",
)


def split_setting(pairs: Iterable[str]) -> dict[str, Any]:
    """`name=value` pairs, values as JSON where they are, else as text."""
    from pydantic_core import from_json

    values: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise ConfigError(f"--set {pair}: write it as name=value, e.g. temperature=0")
        try:
            values[name] = from_json(text)
        except ValueError:
            values[name] = text
    return values
