"""The help of every command: whole, and saying something of each option."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from agentlab.cli.main import cli


def commands() -> Iterator[tuple[str, click.Command]]:
    """Every command and subcommand, by what one types."""
    todo: list[tuple[str, click.Command]] = [("agentlab", cli)]
    while todo:
        name, command = todo.pop()
        yield name, command
        if isinstance(command, click.Group):
            context = click.Context(command)
            found = [(n, command.get_command(context, n)) for n in command.list_commands(context)]
            todo += [(f"{name} {n}", c) for n, c in found if c is not None]


ALL = dict(commands())


def test_no_option_is_without_help():
    bare = [
        f"{name} {parameter.opts[-1]}"
        for name, command in ALL.items()
        for parameter in command.params
        if isinstance(parameter, click.Option) and not (parameter.help or parameter.hidden)
    ]
    assert bare == []


@pytest.mark.parametrize("name", sorted(ALL))
def test_the_help_of_a_command_begins_with_a_sentence_and_fits_80_columns(name: str):
    said = CliRunner().invoke(cli, [*name.split()[1:], "--help"], terminal_width=80)
    assert said.exit_code == 0
    assert ALL[name].get_short_help_str(limit=300).endswith((".", ")")), "a sentence"
    assert [line for line in said.output.splitlines() if len(line) > 80] == []
