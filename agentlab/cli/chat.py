"""`agentlab chat`: a conversation with an agent, in the terminal or through a pipe."""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack, suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agentlab.places.models import open_backend
from agentlab.terminal.options import backend_option, runs_option

if TYPE_CHECKING:
    from rich.console import Console

    from agentlab.agent import Agent
    from agentlab.approval import Decision
    from agentlab.messages import Message, ToolCall
    from agentlab.plugins.equipment import Equipment

DEFAULT_BACKEND = "local:smollm2"
INSTRUCTIONS = "You are a helpful assistant. Answer briefly."

COMMANDS = """\
/tools    what the agent can call        /new   forget the conversation
/usage    tokens so far                  /quit  leave (so does Ctrl-D)
Ctrl-C stops an answer that is under way."""


@click.command()
@click.argument("message", required=False)
@backend_option
@runs_option
@click.option(
    "-t",
    "--tool",
    "tools",
    multiple=True,
    help="A tool to give it, e.g. search, query_data:FILE, mcp:NAME. May be repeated.",
)
@click.option("--ask", multiple=True, help="Ask before calling this tool; '*' asks for all.")
@click.option("--allow", multiple=True, help="Do not ask before calling this tool, though it asks.")
@click.option("-i", "--instructions", default=INSTRUCTIONS, help="What the agent is told.")
@click.option("--temperature", type=click.FloatRange(min=0), help="0 is always the same answer.")
@click.option("--seed", type=int, help="For the same answer again at a temperature above 0.")
@click.option("--steps", default=8, show_default=True, help="Model replies an answer may take.")
def chat(
    message: str | None,
    backend: str | None,
    runs: Path,
    tools: tuple[str, ...],
    ask: tuple[str, ...],
    allow: tuple[str, ...],
    instructions: str,
    temperature: float | None,
    seed: int | None,
    steps: int,
) -> int:
    """Talk to an agent. With MESSAGE, or with text piped in, answer that and leave."""
    from rich.console import Console

    from agentlab.agent import Agent
    from agentlab.approval import Policy
    from agentlab.backend import Settings
    from agentlab.limits import Limits
    from agentlab.plugins.equipment import equipment_for
    from agentlab.plugins.tools import open_tools

    agent = Agent(
        name="chat",
        backend=open_backend(backend or DEFAULT_BACKEND),
        instructions=instructions,
        settings=Settings(temperature=temperature, seed=seed),
        limits=Limits(steps=steps, repeats=3),
        approval=Policy(ask=ask, allow=allow),
        runs=runs,
    )
    stack = AsyncExitStack()
    with asyncio.Runner() as runner:
        try:
            opened = runner.run(stack.enter_async_context(open_tools(tools)))
            equipment = runner.run(stack.enter_async_context(equipment_for(tools)))
            talk = _Talk(agent.with_(tools=opened), equipment, Console(highlight=False))
            if message is not None:
                return talk.turn(runner, message)
            if not sys.stdin.isatty():
                return talk.turn(runner, sys.stdin.read())
            return talk.converse(runner)
        finally:
            runner.run(stack.aclose())
            runner.run(agent.backend.aclose())


class _Talk:
    def __init__(self, agent: Agent, equipment: Equipment, console: Console) -> None:
        self._agent = agent
        self._equipment = equipment
        self._console = console
        self._history: tuple[Message, ...] = ()
        self._tokens = 0

    def converse(self, runner: asyncio.Runner) -> int:
        with suppress(ImportError):  # importing it gives input() history and editing
            import_module("readline")
        from rich.text import Text

        from agentlab.display import one_line, safe

        identity = self._agent.backend.identity
        named = ((one_line(identity.name), "bold"), "  ", (one_line(identity.model), "dim"))
        self._console.print(Text.assemble(*named))
        for what, found in self._equipment.labels.items():
            self._console.print(Text(one_line(f"{what}: {found}"), "dim"))
        self._console.print(f"[dim]{COMMANDS}[/]")
        while True:
            try:
                said = input("\n❯ ").strip()
            except EOFError:
                self._console.print()
                return 0
            except KeyboardInterrupt:
                self._console.print("\n[dim]/quit or Ctrl-D leaves[/]")
                continue
            match said.split():
                case []:
                    continue
                case ["/quit" | "/exit"]:
                    return 0
                case ["/new"]:
                    self._history = ()
                    self._console.print("[dim]a new conversation[/]")
                case ["/usage"]:
                    self._console.print(f"[dim]{self._tokens:,} tokens[/]")
                case ["/tools"]:
                    for spec in self._agent.specs:
                        about = f"  {safe(spec.description)}"
                        named = (one_line(spec.name), "cyan")
                        self._console.print(Text.assemble("  ", named, about))
                    if not self._agent.specs:
                        self._console.print("[dim]none; start with -t calculator -t search[/]")
                case [word, *_] if word.startswith("/"):
                    unknown = f"no command {one_line(word)}\n{COMMANDS}"
                    self._console.print(Text(unknown, "dim"))
                case _:
                    self.turn(runner, said)

    def turn(self, runner: asyncio.Runner, said: str) -> int:
        """One question and its answer. Returns an exit code."""
        try:
            return runner.run(self._turn(said))
        except KeyboardInterrupt:
            self._console.print("\n[dim]stopped[/]")
            return 130

    async def _turn(self, said: str) -> int:
        from agentlab.cli.render import EventPrinter
        from agentlab.events import RunFailed

        printer = EventPrinter(self._console)
        run = self._agent.run(
            said,
            history=self._history,
            approver=self._approve,
            deps=self._equipment.deps,
            labels=self._equipment.labels,
        )
        failed = False
        async for event in run:
            printer.show(event)
            failed = failed or isinstance(event, RunFailed)
        self._tokens += run.state.meter.usage.total_tokens
        if failed:
            return 1
        result = run.result()
        self._history = result.messages
        return 0 if result.outcome == "completed" else 1

    async def _approve(self, call: ToolCall) -> Decision:
        from agentlab.approval import Decision

        if not sys.stdin.isatty():
            return Decision(verdict="deny", reason="nobody is here to be asked")
        answer = await asyncio.to_thread(input, "  allow it? [y/N] ")
        if answer.strip().lower() in ("y", "yes"):
            return Decision(verdict="allow")
        return Decision(verdict="deny", reason="the user said no")
