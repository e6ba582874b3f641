"""`agentlab fork` and `agentlab resume`: runs that go on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agentlab.cli.live import approver, changed_tools_option, go_on, open_run, trust_option
from agentlab.errors import ConfigError
from agentlab.places.trust import agent_of, model_of
from agentlab.terminal.completion import run_names
from agentlab.terminal.options import backend_option, labs_option, runs_option, split_setting

if TYPE_CHECKING:
    from agentlab.agent import Agent
    from agentlab.agent.run import Run


@click.command()
@click.argument("run", shell_complete=run_names)
@click.option("--at", type=int, required=True, help="Number of the last event to keep.")
@click.option(
    "--prompt", help="What the user says next; at the run's start, what they say instead."
)
@click.option("--tool-result", help="Use this as the tool's result at that event.")
@click.option(
    "--edit",
    type=click.File(),
    help="Replace the event: its JSON, or only its new text; - reads it from stdin.",
)
@click.option("--set", "pairs", multiple=True, help="A setting or limit, e.g. temperature=0.")
@backend_option
@runs_option
@labs_option
@changed_tools_option
@trust_option
def fork(
    run: str,
    at: int,
    prompt: str | None,
    tool_result: str | None,
    edit: Any,
    pairs: tuple[str, ...],
    backend: str | None,
    runs: Path,
    labs: tuple[Path, ...],
    changed_tools: bool,
    trust: bool,
) -> int:
    """Fork RUN at one of its events, change something, and continue live.

    The new run begins with the old one's events. Tool calls already made are not repeated.
    `agentlab show RUN` numbers the events.

    \b
    agentlab fork last --at 0 --prompt "And 18 * 23?"
    agentlab fork last --at 3 --tool-result 392
    agentlab fork last --at 4 -b anthropic:claude-sonnet-5 --set temperature=0
    """
    from agentlab.replay.fork import fork as fork_run
    from agentlab.replay.rebuild import equipment_of
    from agentlab.terminal.consoles import console

    trace, own = open_run(runs, run)
    own = own or trust
    model = model_of(trace, backend, own=own, restore=True)
    agent = agent_of(trace, model, own=own, labs=labs, changed_tools=changed_tools)
    changed, change = _changed(agent, pairs), _edit(edit.read()) if edit else None

    def start(deps: Any) -> Run[Any]:
        return fork_run(
            trace,
            at=at,
            agent=changed,
            prompt=prompt,
            tool_result=tool_result,
            edit=change,
            approver=approver(),
            deps=deps,
        )

    equipment = equipment_of(trace.header, labs=labs)
    return go_on(start, equipment, model, console(), past=True)


def _edit(text: str) -> Any:
    from pydantic import TypeAdapter, ValidationError

    from agentlab.events import StoredEvent as AnyEvent
    from agentlab.replay.forked import edited

    if not text.lstrip().startswith("{"):
        return lambda event: edited(event, text.rstrip("\n"))  # pyright: ignore
    try:
        return TypeAdapter[Any](AnyEvent).validate_json(text, extra="forbid")
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise ConfigError(f"--edit: that is not an event: {where}: {first['msg']}") from None


def _changed(agent: Agent[Any], pairs: tuple[str, ...]) -> Agent[Any]:
    from pydantic import ValidationError

    from agentlab.backend import Settings
    from agentlab.limits import Limits

    values = split_setting(pairs)
    settings, limits = agent.settings.model_dump(), agent.limits.model_dump()
    for name, value in values.items():
        home = settings if name in settings else limits if name in limits else None
        if home is None:
            names = ", ".join((*settings, *limits))
            raise ConfigError(f"--set {name}: no such setting or limit; there are: {names}")
        home[name] = value
    try:
        return agent.with_(
            settings=Settings.model_validate(settings), limits=Limits.model_validate(limits)
        )
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ConfigError(f"--set {'.'.join(map(str, first['loc']))}: {first['msg']}") from None


@click.command()
@click.argument("run", shell_complete=run_names)
@click.option("--allow", multiple=True, help="Id of a waiting call to make.")
@click.option("--deny", multiple=True, help="Id of a waiting call to refuse.")
@click.option("--reason", default="", help="Reason given to the model with each --deny.")
@backend_option
@runs_option
@labs_option
@changed_tools_option
@trust_option
def resume(
    run: str,
    allow: tuple[str, ...],
    deny: tuple[str, ...],
    reason: str,
    backend: str | None,
    runs: Path,
    labs: tuple[Path, ...],
    changed_tools: bool,
    trust: bool,
) -> int:
    """Continue RUN after a crash, or after it paused for a person's decision.

    On a terminal it asks about each waiting call; --allow and --deny answer in advance.
    """
    from agentlab.approval import Decision
    from agentlab.replay.rebuild import equipment_of
    from agentlab.terminal.consoles import console

    trace, own = open_run(runs, run)
    own = own or trust
    model = model_of(trace, backend, own=own, restore=True)
    agent = agent_of(trace, model, own=own, labs=labs, changed_tools=changed_tools)
    decisions = {
        **{id: Decision(verdict="allow") for id in allow},
        **{id: Decision(verdict="deny", reason=reason) for id in deny},
    }

    def start(deps: Any) -> Run[Any]:
        return agent.resume(trace, decisions=decisions, approver=approver(), deps=deps)

    equipment = equipment_of(trace.header, labs=labs)
    return go_on(start, equipment, model, console())
