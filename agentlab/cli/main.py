"""`agentlab`: the commands, by name, each loaded only when it is used."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import NoReturn

import click

from agentlab.errors import AgentLabError, ConfigError
from agentlab.folders import environment
from agentlab.terminal.consoles import always_there, never_fail_on_characters

# name -> (where it is, what it does, the heading it stands under)
COMMANDS: dict[str, tuple[str, str, str]] = {
    "run": ("agentlab.cli.run:run", "Run a lab and grade it", "Learn"),
    "list": ("agentlab.cli.run:list_labs", "List the labs", "Learn"),
    "check-lab": ("agentlab.cli.check_lab:check_lab", "Prove that a lab's checks hold", "Learn"),
    "new-lab": ("agentlab.cli.new_lab:new_lab", "Make a lab of your own", "Learn"),
    "export-lab": ("agentlab.cli.export_lab:export_lab", "Make a lab a notebook", "Learn"),
    "chat": ("agentlab.cli.chat:chat", "Talk to an agent with tools", "Use"),
    "eval": ("agentlab.cli.eval:evaluate", "Ask many questions, score, compare", "Use"),
    "show": ("agentlab.cli.show:show", "Show a run's timeline", "Look back"),
    "traces": ("agentlab.cli.show:traces", "List runs, or query them with SQL", "Look back"),
    "replay": ("agentlab.cli.replay:replay", "Play a run back, or verify it", "Look back"),
    "fork": ("agentlab.cli.fork:fork", "Change a run at one event, then continue", "Look back"),
    "resume": ("agentlab.cli.fork:resume", "Continue a run that broke off", "Look back"),
    "diff": ("agentlab.cli.compare:diff", "Compare two runs, step by step", "Look back"),
    "grep": ("agentlab.cli.search:grep", "Search the text of all runs", "Look back"),
    "stats": ("agentlab.cli.search:stats", "Sum up tokens, cost, time and errors", "Look back"),
    "export": (
        "agentlab.cli.export:export",
        "Take runs elsewhere: HTML, chat, OTel, files",
        "Look back",
    ),
    "import": ("agentlab.cli.export:import_runs", "Turn OTel spans into runs", "Look back"),
    "completion": (
        "agentlab.cli.completion:completion",
        "Complete names with Tab in your shell",
        "Set up",
    ),
    "models": ("agentlab.cli.models:models", "List the models you can use", "Set up"),
    "doctor": ("agentlab.cli.doctor:doctor", "Check what works and what is missing", "Set up"),
}
GROUP = "agentlab.commands"
"""The entry-point group in which other packages add commands of their own."""
# What those of the tools and the screen do, known without importing them
PLUGINS: dict[str, tuple[str, str]] = {
    "tui": ("Open the terminal UI", "Learn"),
    "progress": ("Show and certify what you passed", "Learn"),
    "index": ("Read documents into an index", "Use"),
    "search": ("Find passages in an index", "Use"),
    "ask": ("Answer a question from documents, with citations", "Use"),
    "sandbox": ("Try the sandbox by hand, or attack it", "Use"),
    "mcp": ("Serve tools to other programs (MCP)", "Use"),
    "train": ("Train a model with a recipe", "Train"),
    "jobs": ("Watch, stop and resume training", "Train"),
    "quantize": ("Make a model smaller, and measure the cost", "Train"),
}
COMPLETING = "_AGENTLAB_COMPLETE"
"""The variable in which a shell asks for completions."""
HEADINGS = ("Learn", "Use", "Train", "Look back", "Set up")
OTHERS = "From other packages"

EXAMPLES = """\
Start here:
  agentlab run m5/tool-use     a lab, on the bundled model
  agentlab chat -b local:agent -t calculator "What is 6 * 7?"
  agentlab show last           what happened in the last run
"""


class Commands(click.Group):
    """Finds commands by name without importing them, so that help is instant."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command, in the order of the headings; those of other packages last."""
        return [*COMMANDS, *PLUGINS, *(name for name in sorted(_added()) if name not in PLUGINS)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command of that name."""
        if cmd_name in COMMANDS:
            module, _, attribute = COMMANDS[cmd_name][0].partition(":")
            return getattr(import_module(module), attribute)
        entry = _added().get(cmd_name)
        return None if entry is None else _command_of(entry)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with a guess at what was meant."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            import difflib

            close = difflib.get_close_matches(args[0], self.list_commands(ctx), n=1)
            if close:
                raise click.UsageError(f"{error.message} Did you mean {close[0]!r}?") from None
            raise

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands under their headings, then examples."""
        about = {
            name: (summary, heading) for name, (_, summary, heading) in COMMANDS.items()
        } | PLUGINS
        for title in HEADINGS:
            rows = [
                (name, summary) for name, (summary, heading) in about.items() if heading == title
            ]
            with formatter.section(title):
                formatter.write_dl(rows, col_max=14)
        if others := [
            (name, _about(entry)) for name, entry in _added().items() if name not in about
        ]:
            with formatter.section(OTHERS):
                formatter.write_dl(sorted(others), col_max=14)
        formatter.write_paragraph()
        formatter.write(EXAMPLES)


def _added() -> dict[str, EntryPoint]:
    """The commands of other packages, none of which takes the place of one of ours."""
    return {entry.name: entry for entry in entry_points(group=GROUP) if entry.name not in COMMANDS}


def _command_of(entry: EntryPoint) -> click.Command:
    try:
        command: object = entry.load()
    except ImportError as error:
        raise ConfigError(f"the command {entry.name} can't be loaded: {error}") from error
    if not isinstance(command, click.Command):
        raise ConfigError(f"the entry point {entry.name} in {GROUP} is not a click command")
    return command


def _about(entry: EntryPoint) -> str:
    try:
        return _command_of(entry).get_short_help_str(limit=60)
    except AgentLabError as error:  # a broken package hides no other command
        return str(error)


def _version(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from importlib.metadata import version

        click.echo(f"agentlab {version('agentlab-kit')}")
        ctx.exit()


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    invoke_without_command=True,
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_version,
    help="Show the version and exit.",
)
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Real agents on real models in a real sandbox, on your own machine.

    On a terminal, running it without a command opens the terminal UI.
    """
    if ctx.invoked_subcommand is not None:
        return
    screen = cli.get_command(ctx, "tui")
    if screen is not None and sys.stdin.isatty() and sys.stdout.isatty():
        screen.invoke(screen.make_context("tui", [], parent=ctx))
    else:
        click.echo(ctx.get_help())


def _complete() -> NoReturn:
    """Answer a shell that asks how a line may go on. Whatever goes wrong, a prompt stays clean."""
    try:
        import_module("agentlab.terminal.completion")  # how each shell is answered
        cli.main(args=(), prog_name="agentlab", complete_var=COMPLETING)
    except Exception:  # noqa: BLE001
        sys.exit(1)
    sys.exit(0)


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit.

    Exit codes: 0 all is well; 1 a check failed; 2 a mistake in what was asked, or something
    missing; 130 interrupted. A traceback is only ever shown for a bug.
    """
    always_there()
    never_fail_on_characters()
    if COMPLETING in environment():
        _complete()
    try:
        code = cli.main(args=args, prog_name="agentlab", standalone_mode=False)
        sys.stdout.flush()  # here, where it can be told: at the exit Python only complains
    except click.exceptions.Abort:
        click.echo("interrupted", err=True)
        sys.exit(130)
    except click.ClickException as error:
        from io import StringIO

        from agentlab.display import safe  # it may quote a name that a stranger gave a file

        output = StringIO()
        error.show(output)
        click.echo(safe(output.getvalue()), nl=False, err=True)
        sys.exit(error.exit_code)
    except AgentLabError as error:
        from agentlab.display import safe  # what an error quotes may be a stranger's

        click.echo(f"agentlab: {safe(str(error))}", err=True)
        sys.exit(2)
    except BrokenPipeError:  # e.g. `agentlab traces | head`
        sys.stderr.close()
        sys.exit(0)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
            raise
        where = f"{error.filename}: " if error.filename else ""
        click.echo(f"agentlab: it can't be written: {where}{error.strerror}", err=True)
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, sys.stdout.fileno())  # what is still to be flushed has nowhere to go
        sys.exit(2)
    sys.exit(code if isinstance(code, int) else 0)
