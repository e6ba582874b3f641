"""A lab as it runs, written to the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.rule import Rule
from rich.text import Text

from agentlab.backend import BackendIdentity
from agentlab.cli.render import EventPrinter
from agentlab.display import counted, one_line, safe
from agentlab.events import RunStarted
from agentlab.labs.runner import (
    AgentEvent,
    CaseFinished,
    CaseStarted,
    CheckDone,
    LabEvent,
    LabFinished,
    StepFinished,
    StepStarted,
)
from agentlab.labs.values import Lab
from agentlab.terminal.consoles import console as open_console


class LabPrinter:
    """Shows the events of a lab; `quiet` shows nothing at all."""

    def __init__(self, console: Console | None = None, *, quiet: bool = False) -> None:
        self._console = console or open_console(quiet=quiet)
        self._events = EventPrinter(self._console, indent=4)
        self._traces: list[str] = []
        self._tokens = 0

    def open(self, lab: Lab, model: BackendIdentity) -> None:
        """The head of the lab."""
        title = Text.assemble((lab.id, "bold"), "  ", one_line(lab.title))
        self._console.print(title)
        self._console.print(Text(one_line(f"{model.name}, {model.model}", 200), "dim"))

    def show(self, event: LabEvent) -> None:
        """Show one event."""
        say = self._console.print
        match event:
            case StepStarted(step=step):
                say()
                rule = Rule(Text(one_line(step.title), "bold"), style="dim", align="left")
                say(rule, width=min(self._console.width, 100))  # a pipe has no end
            case CaseStarted(number=number, of=of, trace=trace):
                say(
                    Text.assemble(
                        (f"{number:>2}/{of} ", "dim"), (one_line(event.title, 300), "bold")
                    )
                )
                if trace:
                    self._traces.append(trace.stem)
            case AgentEvent(event=RunStarted()):
                pass
            case AgentEvent(event=agent_event):
                self._events.show(agent_event)
            case CaseFinished(run=run):
                self._tokens += run.usage.output_tokens
            case CheckDone(check=check, verdict=verdict):
                mark = ("✔", "green") if verdict.passed else ("✘", "red")
                say(Text.assemble(mark, " ", safe(check.says)))
                say(Text(f"  {safe(verdict.reason)}", "dim"), soft_wrap=True)
            case StepFinished():
                pass
            case LabFinished(report=report):
                say()
                checks = [check for step in report.steps for check in step.checks]
                passed = sum(check.passed for check in checks)
                style = "bold green" if report.passed else "bold red"
                word = "passed" if report.passed else "not passed"
                of = counted(len(checks), "check")
                say(Text(f"{report.lab}: {word}, {passed} of {of}", style))
                if self._traces:
                    say(
                        Text(
                            f"{counted(len(self._traces), 'run')}, "
                            f"{counted(self._tokens, 'token')} generated; "
                            f"see the last with: agentlab show {self._traces[-1]}",
                            "dim",
                        )
                    )
