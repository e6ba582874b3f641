"""`agentlab chat`: a conversation with an agent, in the terminal or through a pipe."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agentlab.cli.live import trust_option
from agentlab.errors import ConfigError
from agentlab.terminal.completion import run_names, tools_and_sets
from agentlab.terminal.options import backend_option, runs_option

if TYPE_CHECKING:
    from agentlab.backend import Backend
    from agentlab.cli.went_before import Before

DEFAULT_BACKEND = "local:smollm2"
INSTRUCTIONS = "You are a helpful assistant. Answer briefly."

_file = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command()
@click.argument("message", required=False)
@click.option("-c", "--continue", "go_on", is_flag=True, help="Continue the newest run.")
@click.option("--run", "run", shell_complete=run_names, help="Continue this run: an id, or last.")
@backend_option
@runs_option
@click.option(
    "-t",
    "--tool",
    "tools",
    multiple=True,
    shell_complete=tools_and_sets,
    help="A tool to give it, e.g. search, query_data:FILE, mcp:NAME. May be repeated.",
)
@click.option("-f", "--file", "files", type=_file, multiple=True, help="A text file to quote.")
@click.option("--image", "images", type=_file, multiple=True, help="A picture to look at.")
@click.option("--audio", "sounds", type=_file, multiple=True, help="A sound to listen to.")
@click.option("--schema", type=_file, help="A JSON Schema that the answer must fit.")
@click.option("--json", "as_json", is_flag=True, help="Answer with one JSON object.")
@click.option("--ask", multiple=True, help="Ask before calling this tool; '*' asks for all.")
@click.option("--allow", multiple=True, help="Never ask before calling this tool.")
@click.option("-i", "--instructions", help=f"What the agent is told.  [default: {INSTRUCTIONS}]")
@click.option("--temperature", type=click.FloatRange(min=0), help="0 always gives the same answer.")
@click.option("--seed", type=int, help="Repeats an answer at a temperature above 0.")
@click.option(
    "--steps", default=8, show_default=True, help="How many model replies one answer may take."
)
@trust_option
def chat(
    message: str | None,
    go_on: bool,
    run: str | None,
    backend: str | None,
    runs: Path,
    tools: tuple[str, ...],
    files: tuple[Path, ...],
    images: tuple[Path, ...],
    sounds: tuple[Path, ...],
    schema: Path | None,
    as_json: bool,
    ask: tuple[str, ...],
    allow: tuple[str, ...],
    instructions: str | None,
    temperature: float | None,
    seed: int | None,
    steps: int,
    trust: bool,
) -> int:
    """Talk to an agent. With MESSAGE or piped text, answer once and exit.

    Piped text is added below MESSAGE. --continue and --run continue a conversation with its own
    model, instructions and tools unless you give others.

    \b
    agentlab chat -c "And in words?"
    git diff | agentlab chat "Write a commit message."
    agentlab chat --json --schema person.json -f letter.txt "Who wrote it?"
    """
    from agentlab.agent import Agent
    from agentlab.approval import Policy
    from agentlab.backend import Settings
    from agentlab.cli.conversation import Conversation
    from agentlab.cli.said import audio, pictures, quoted, words
    from agentlab.cli.typed import with_schema
    from agentlab.cli.went_before import labels_of, went_before
    from agentlab.display import one_line
    from agentlab.limits import Limits
    from agentlab.plugins.equipment import equipment_for
    from agentlab.plugins.tools import open_tools
    from agentlab.terminal.consoles import console

    if go_on and run is not None:
        raise ConfigError(
            "--continue takes the newest run, --run the one you name: give one of them"
        )
    attached: list[Any] = [*quoted(files), *pictures(images), *audio(sounds)]
    question = words(message, enough=bool(attached))
    if as_json and question is None and attached:
        question = ""
    if as_json and question is None:
        raise ConfigError("--json gives one answer: ask for it as MESSAGE, or pipe it in")
    before = went_before(runs, run or "last", trust=trust) if go_on or run is not None else None
    if before is not None and not tools:
        tools = before.tools
        for name in before.lost:
            lost = f"{one_line(name)}, which no name opens"
            click.echo(f"agentlab: continuing without {lost}", err=True)
    if instructions is None:  # without any, those of the conversation go on
        instructions = INSTRUCTIONS if before is None else ""
    then = Settings() if before is None else before.trace.header.settings
    agent: Agent[Any] = Agent(
        name="chat",
        backend=_model(backend, before),
        instructions=instructions,
        settings=Settings(
            temperature=then.temperature if temperature is None else temperature,
            seed=then.seed if seed is None else seed,
        ),
        limits=Limits(steps=steps, repeats=3),
        approval=Policy(ask=ask, allow=allow, otherwise="ask")
        if before is not None and not before.own
        else Policy(ask=ask, allow=allow),
        runs=runs,
    )
    stack = AsyncExitStack()
    with asyncio.Runner() as runner:
        try:
            if schema is not None:
                agent = with_schema(agent, schema)
            opened = runner.run(stack.enter_async_context(open_tools(tools)))
            talk = Conversation(
                agent.with_(tools=opened),
                runner.run(stack.enter_async_context(equipment_for(tools))),
                console(),
                history=before.history if before else (),
                attached=attached,
                labels=labels_of(tools, before),
            )
            if question is None:
                return talk.converse(runner)
            return talk.answer(runner, question) if as_json else talk.turn(runner, question)
        finally:
            runner.run(stack.aclose())
            runner.run(agent.backend.aclose())


def _model(chosen: str | None, before: Before | None) -> Backend:
    from agentlab.places.models import open_backend
    from agentlab.places.trust import model_of

    if before is None:
        return open_backend(chosen or DEFAULT_BACKEND)
    return model_of(before.trace, chosen, own=before.own, restore=True)
