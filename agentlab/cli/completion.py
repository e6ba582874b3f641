"""`agentlab completion`: what the shell needs to complete commands, labs, runs, tools, models."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from agentlab.errors import ConfigError
from agentlab.folders import environment
from agentlab.places.home import home

SHELLS = ("bash", "zsh", "fish")
_ZSH_FIRST = "(( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }\n"

_shell = click.argument("shell", required=False, type=click.Choice(SHELLS))


@click.group()
def completion() -> None:
    """Complete commands, labs, runs, tools and models with Tab."""


@completion.command("install")
@_shell
def install(shell: str | None) -> None:
    """Install completion for SHELL (bash, zsh or fish), by default the one you use.

    In bash and zsh, one line is added to the end of your .bashrc or .zshrc.
    """
    shell = shell or _own_shell()
    try:
        if shell == "fish":
            config = Path(environment().get("XDG_CONFIG_HOME") or Path.home() / ".config")
            script = config / "fish" / "completions" / "agentlab.fish"
            _write(script, script_for(shell))
            click.echo(f"{script} is written: new shells complete agentlab.")
            return
        script = home().absolute() / "completion" / f"agentlab.{shell}"
        _write(script, script_for(shell))
        start = Path.home() / ".bashrc"
        if shell == "zsh":
            start = Path(environment().get("ZDOTDIR") or Path.home()) / ".zshrc"
        where = shlex.quote(str(script))
        line = f"[ -r {where} ] && . {where}"
        there = start.read_bytes() if start.exists() else b""
        if line.encode() not in there.splitlines():
            start.parent.mkdir(parents=True, exist_ok=True)
            gap = b"" if not there or there.endswith(b"\n") else b"\n"
            with start.open("ab") as file:  # added to, and never written anew
                file.write(gap + line.encode() + b"\n")
        click.echo(f"{start} has the line\n  {line}\nNew shells complete agentlab.")
    except OSError as error:
        raise ConfigError(f"{error.filename}: {error.strerror or error}") from error


@completion.command("show")
@_shell
def show(shell: str | None) -> None:
    """Print the script for SHELL, to install it yourself."""
    click.echo(script_for(shell or _own_shell()), nl=False)


def script_for(shell: str) -> str:
    """What a shell reads to complete `agentlab`."""
    from click.shell_completion import get_completion_class

    from agentlab.cli.main import COMPLETING, cli
    from agentlab.terminal.completion import Bash

    kind = Bash if shell == "bash" else get_completion_class(shell)
    assert kind is not None, shell
    completion = kind(cli, {}, "agentlab", COMPLETING)
    first = _ZSH_FIRST if shell == "zsh" else ""
    # not `source()`, which for bash starts one to ask how old it is
    return first + (completion.source_template % completion.source_vars()).rstrip() + "\n"


def _own_shell() -> str:
    name = Path(environment().get("SHELL", "")).name
    if name not in SHELLS:
        raise ConfigError(f"which shell is it? agentlab completion install {'|'.join(SHELLS)}")
    return name


def _write(script: Path, text: str) -> None:
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text(text, encoding="utf-8")
