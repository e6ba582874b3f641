"""A conversation: turn by turn at a terminal, or one answer for a program."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from agentlab.display import counted

if TYPE_CHECKING:
    from rich.console import Console

    from agentlab.agent import Agent
    from agentlab.agent.run import Run
    from agentlab.approval import Decision
    from agentlab.messages import Message, ToolCall
    from agentlab.plugins.equipment import Equipment

COMMANDS = """\
/tools    what the agent can call        /new   forget the conversation
/usage    tokens so far                  /quit  leave (so does Ctrl-D)
Ctrl-C stops an answer that is under way."""


class Conversation:
    """What was said so far, and how to go on.

    Args:
        history: what went before.
        attached: goes with the first thing that is said.
        labels: for the header of every run.
    """

    def __init__(
        self,
        agent: Agent[Any],
        equipment: Equipment,
        console: Console,
        *,
        history: Sequence[Message] = (),
        attached: Sequence[Any] = (),
        labels: Mapping[str, str] | None = None,
    ) -> None:
        self._agent = agent
        self._equipment = equipment
        self._console = console
        self._history = tuple(history)
        self._attached = tuple(attached)
        self._labels = {**equipment.labels, **(labels or {})}
        self._tokens = 0

    def converse(self, runner: asyncio.Runner) -> int:
        """Talk until the person leaves."""
        with suppress(ImportError):  # importing it gives input() history and editing
            import_module("readline")
        from rich.text import Text

        from agentlab.display import one_line, safe

        identity = self._agent.backend.identity
        named = ((one_line(identity.name), "bold"), "  ", (one_line(identity.model), "dim"))
        self._console.print(Text.assemble(*named))
        for what, label in self._labels.items():
            self._console.print(Text(one_line(f"{what}: {label}"), "dim"))
        if self._history:
            line = sum(message.role == "user" for message in self._history)
            self._console.print(f"[dim]continuing after {line} question(s)[/]")
        self._console.print(f"[dim]{COMMANDS}[/]")
        while True:
            try:
                line = input("\n❯ ").strip()
            except EOFError:
                self._console.print()
                return 0
            except KeyboardInterrupt:
                self._console.print("\n[dim]/quit or Ctrl-D leaves[/]")
                continue
            match line.split():
                case []:
                    continue
                case ["/quit" | "/exit"]:
                    return 0
                case ["/new"]:
                    self._history = ()
                    self._labels.pop("continues", None)
                    self._console.print("[dim]a new conversation[/]")
                case ["/usage"]:
                    self._console.print(f"[dim]{counted(self._tokens, 'token')}[/]")
                case ["/tools"]:
                    for spec in self._agent.specs:
                        about = f"  {safe(spec.description)}"
                        called = (one_line(spec.name), "cyan")
                        self._console.print(Text.assemble("  ", called, about))
                    if not self._agent.specs:
                        self._console.print("[dim]none; start with -t calculator -t search[/]")
                case [word, *_] if word.startswith("/"):
                    unknown = f"no command {one_line(word)}\n{COMMANDS}"
                    self._console.print(Text(unknown, "dim"))
                case _:
                    self.turn(runner, line)

    def turn(self, runner: asyncio.Runner, question: str) -> int:
        """One question and its answer, shown as it comes. Returns an exit code."""
        try:
            return runner.run(self._turn(question))
        except KeyboardInterrupt:
            self._console.print("\n[dim]stopped[/]")
            return 130

    def answer(self, runner: asyncio.Runner, question: str) -> int:
        """One question, and one JSON object on stdout when all is done. Returns an exit code."""
        from pydantic_core import to_json

        from agentlab.display import safe_json

        result = runner.run(self._answer(question))
        click.echo(safe_json(to_json(result, fallback=str).decode()))
        return 0 if result["outcome"] == "completed" else 1

    def _run(self, question: str, *, ask: bool) -> Run[Any]:
        from agentlab.cli.live import approver
        from agentlab.messages import Message

        attached, self._attached = self._attached, ()
        words = "\n\n".join(
            [question, *(part for part in attached if isinstance(part, str))]
        ).strip()
        parts = [part for part in attached if not isinstance(part, str)]
        return self._agent.run(
            Message.user(*([words] if words else []), *parts),
            history=self._history,
            approver=(approver() if ask else None) or _nobody,
            deps=self._equipment.deps,
            labels=self._labels,
        )

    async def _turn(self, question: str) -> int:
        from agentlab.cli.render import EventPrinter
        from agentlab.events import RunFailed

        printer = EventPrinter(self._console)
        run = self._run(question, ask=True)
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

    async def _answer(self, question: str) -> dict[str, Any]:
        from agentlab.events import RunFailed

        run = self._run(question, ask=False)
        async for _ in run:
            pass
        about = {
            "run": run.id,
            "model": self._agent.backend.identity.name,
            "path": run.path and str(run.path),
            "usage": run.state.meter.usage.model_dump(),
        }
        end = run.state.transcript.end
        if isinstance(end, RunFailed):
            error = {"kind": end.error, "message": end.message}
            return {**about, "outcome": "failed", "text": "", "output": None, "error": error}
        result = run.result()
        output = result.output if result.outcome == "completed" else None
        return {**about, "outcome": result.outcome, "text": result.text, "output": output}


async def _nobody(call: ToolCall) -> Decision:
    from agentlab.approval import Decision

    return Decision(verdict="deny", reason="nobody is here to ask")
