"""A trace as a timeline: what happened, when, and how long it took."""

from __future__ import annotations

from datetime import datetime

from rich.console import Console
from rich.markup import escape
from rich.text import Text

from agentlab.backend import Reply
from agentlab.cli.render import call_text
from agentlab.display import one_line, safe
from agentlab.events import (
    ApprovalAsked,
    ApprovalGiven,
    HandedOff,
    LimitReached,
    MessageAdded,
    ModelReplied,
    RunFailed,
    RunFinished,
    RunResumed,
    RunStarted,
    StoredEvent,
    ToolFinished,
    ToolStarted,
    UnknownEvent,
)
from agentlab.messages import Message
from agentlab.trace import Record, Trace

_LONG = 160


def print_timeline(console: Console, trace: Trace, *, full: bool = False) -> None:
    """Write the whole run, one event a line or a few."""
    print_heading(console, trace)
    rows = Rows(console, trace, full=full)
    for record in trace.records:
        rows.show(record)
    if trace.torn:
        console.print(Text(f"{trace.torn} bytes could not be read (a torn record)", "yellow"))


def print_heading(console: Console, trace: Trace) -> None:
    """Write what ran."""
    header = trace.header
    when = datetime.fromtimestamp(header.created).strftime("%Y-%m-%d %H:%M:%S")
    console.print(f"[bold]{header.run}[/]  {escape(one_line(header.agent))}  {when}")
    about = [header.backend.name, header.backend.model]
    about += [f"{key} {value}" for key, value in header.labels.items()]
    about += [f"tools: {', '.join(tool.name for tool in header.tools)}"] if header.tools else []
    console.print(Text(one_line("  ".join(about), 400), "dim"))
    if header.parent:
        at = "" if header.parent.seq is None else f", forked at event {header.parent.seq}"
        console.print(Text(f"from run {one_line(header.parent.run)}{at}", "dim"))


class Rows:
    """Writes the records of a trace: number, clock, and what happened."""

    def __init__(self, console: Console, trace: Trace, *, full: bool = False) -> None:
        self._console = console
        self._full = full
        self._begun = trace.records[0].at if trace.records else trace.header.created
        self._before = self._begun
        self._width = len(str(trace.records[-1].seq)) if trace.records else 1
        self._open = False

    def say(self, text: str) -> None:
        """Write a piece of what the model says, before the record that holds it all."""
        if not self._open:
            text = text.lstrip()
            if not text:
                return
            self._console.print(Text.assemble(" " * (self._width + 12), ("» ", "bold")), end="")
            self._open = True
        self._console.print(Text(" ".join(safe(text).split("\n"))), end="", soft_wrap=True)

    def show(self, record: Record) -> None:
        """Write one record, in a line or a few."""
        took = record.at - self._before
        self._before = record.at
        head = f"{record.seq:>{self._width}} {record.at - self._begun:8.3f}s  "
        rows = event_lines(record.event, self._full)
        if self._open:
            self._console.print()
            self._open = False
            rows = rows[1:]
        for index, (mark, style, text) in enumerate(rows):
            tail = Text(f"  +{took:.2f}s", "dim") if index == 0 and took >= 0.05 else Text()
            line = Text.assemble((head, "dim"), (mark, style), " ", (text, ""), tail)
            self._console.print(line, soft_wrap=True)
            head = " " * len(head)


def event_lines(
    event: StoredEvent | UnknownEvent, full: bool = False
) -> list[tuple[str, str, str]]:
    """Mark, style and text of each line that shows an event; safe to print."""

    def text(said: str) -> str:
        return safe(said) if full else one_line(said, _LONG)

    match event:
        case RunStarted(messages=messages):
            return [_message(message, text(message.text)) for message in messages]
        case RunResumed():
            return [("▶", "cyan", "resumed")]
        case ModelReplied(reply=reply):
            return _reply(reply, text(reply.message.text))
        case MessageAdded(message=message):
            return [("↺", "yellow", text(message.text))]
        case ToolStarted(call=call):
            return [("→", "cyan", call_text(call))]
        case ToolFinished(result=result):
            said = f"{result.error}: {result.content}" if result.error else result.content
            files = "".join(f"  + {one_line(a.name)}" for a in result.artifacts)
            style = "red" if result.error else "green"
            return [("✘" if result.error else "←", style, text(said) + files)]
        case ApprovalAsked(call=call):
            return [("?", "yellow", f"may it call {call_text(call)}?")]
        case ApprovalGiven(verdict=verdict, reason=reason):
            return [("?", "yellow", f"{verdict} {text(reason)}".rstrip())]
        case HandedOff(agent=agent):
            return [("⇢", "magenta", f"{one_line(agent)} takes over")]
        case LimitReached(limit=limit, allowed=allowed):
            return [("!", "yellow", f"limit on {limit} reached ({allowed:g})")]
        case RunFinished(outcome=outcome):
            return [("■", "green" if outcome == "completed" else "yellow", outcome)]
        case RunFailed(error=error, message=message):
            return [("■", "red", f"{one_line(error)}: {text(message)}")]
        case UnknownEvent(data=data):
            return [("·", "dim", f"an event this version does not know: {text(str(data))}")]


def _message(message: Message, text: str) -> tuple[str, str, str]:
    calls = ", ".join(call_text(call) for call in message.tool_calls)
    if message.role == "tool":
        text = ", ".join(
            one_line(part.content, 60) for part in message.parts if part.kind == "tool_result"
        )
    mark = {"system": "§", "user": "❯", "assistant": "»", "tool": "←"}[message.role]
    return mark, "dim" if message.role == "system" else "bold", f"{text} {calls}".strip()


def _reply(reply: Reply, text: str) -> list[tuple[str, str, str]]:
    usage = reply.usage
    spent = f"{usage.input_tokens} in ({usage.cached_tokens} cached), {usage.output_tokens} out"
    said = [("»", "bold", text)] if text else []
    stop = "" if reply.stop in ("end", "tool_calls") else f", stopped: {reply.stop}"
    return [*said, ("·", "dim", f"{spent}{stop}")]
