"""One case of a step: the question, and the agent at work on it, event by event."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.widgets import Static

from agentlab.backend import ReasoningDelta, TextDelta, ToolCallDelta
from agentlab.cli.render import call_text
from agentlab.display import one_line, safe
from agentlab.events import (
    ApprovalAsked,
    ApprovalGiven,
    Event,
    HandedOff,
    LimitReached,
    MessageAdded,
    ModelReplied,
    RunFailed,
    RunFinished,
    ToolFinished,
    ToolOutput,
    ToolStarted,
)
from agentlab.scenario.attempt import CaseRun
from agentlab_tui.navigation import OpenTrace
from agentlab_tui.widgets.call import Call
from agentlab_tui.widgets.said import Said

MOST_BLOCKS = 60
"""Blocks shown of one case; the first ones go when there are more, and stay in the trace."""

_STOPS = {
    "length": "cut off: out of tokens",
    "repetition": "stopped: it was repeating itself",
    "filtered": "withheld by the provider",
}


class CaseHead(Static, can_focus=True):
    """The question: opens and folds its case."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "fold", "Fold", tooltip="Open or fold this case"),
        Binding("t", "trace", "Trace", tooltip="Open the trace of this case"),
    ]

    class Folded(Message):
        """Open the case if it is folded, else fold it."""

    class TraceWanted(Message):
        """Show this case's trace."""

    def action_fold(self) -> None:
        """By key."""
        self.post_message(self.Folded())

    def action_trace(self) -> None:
        """By key."""
        self.post_message(self.TraceWanted())

    def on_click(self, event: Click) -> None:
        """By mouse."""
        event.stop()
        self.post_message(self.Folded())


class CaseView(Vertical):
    """A case, from its question to its last answer."""

    def __init__(self, number: int, of: int, question: str, trace: Path | None) -> None:
        self._head = CaseHead()
        self._body = Vertical(classes="case-body")
        super().__init__(self._head, self._body, classes="-running")
        self._number, self._of, self._question = number, of, question
        self.trace = trace
        self._calls: dict[str, Call] = {}
        self._said: Said | None = None
        self._answer = ""
        self._draw_head()

    async def show(self, event: Event) -> None:
        """Take in what happened."""
        match event:
            case TextDelta(text=text):
                await self._say(text, thought=False)
            case ReasoningDelta(text=text):
                await self._say(text, thought=True)
            case ToolCallDelta(id=id, name=name, arguments=arguments):
                (await self._call(id, name)).write(arguments)
            case ToolStarted(call=call):
                (await self._call(call.id, call.name)).start(call)
            case ToolOutput(call_id=id, text=text) if id in self._calls:
                self._calls[id].add_output(text)
            case ToolFinished(result=result) if result.call_id in self._calls:
                self._calls[result.call_id].finish(result)
            case ModelReplied(reply=reply):
                self._said = None
                if reply.stop in _STOPS:
                    await self._note("!", "$warning", _STOPS[reply.stop])
            case ApprovalAsked(call=call):
                await self._note("?", "$warning", f"may it call {call_text(call)}?")
            case ApprovalGiven(verdict=verdict):
                await self._note("?", "$warning", verdict)
            case HandedOff(agent=agent):
                await self._note("⇢", "$secondary", f"{agent} takes over")
            case MessageAdded(message=message):
                await self._note("↺", "$warning", message.text)
            case LimitReached(limit=limit, allowed=allowed):
                await self._note("!", "$warning", f"limit on {limit} reached ({allowed:g})")
            case RunFailed(message=message):
                await self._note("✘", "$error", message)
            case RunFinished(outcome=outcome) if outcome != "completed":
                await self._note("■", "$warning", f"the run ended: {outcome}")
            case _:
                pass

    def finish(self, run: CaseRun) -> None:
        """The case is over; what it came to goes into its head."""
        self.remove_class("-running")
        self.set_class(run.failure is not None, "-broken")
        self._answer = run.failure or run.output or "no answer"
        self._draw_head()

    def cut_off(self) -> None:
        """The run broke off in this case: nothing in it is at work any more."""
        self.remove_class("-running")
        self.query(Call).remove_class("-busy")

    def fold(self, folded: bool = True) -> None:
        """Show only the question and the answer, or everything."""
        self.set_class(folded, "-folded")
        self._draw_head()

    @on(CaseHead.Folded)
    def _turn(self, event: CaseHead.Folded) -> None:
        event.stop()
        self.fold(not self.has_class("-folded"))

    @on(CaseHead.TraceWanted)
    def _want_trace(self, event: CaseHead.TraceWanted) -> None:
        event.stop()
        if self.trace:
            self.post_message(OpenTrace(self.trace))

    def _draw_head(self) -> None:
        folded = self.has_class("-folded")
        head = Content.assemble(
            ("▸ " if folded else "▾ ", "$quiet"),
            (f"{self._number}/{self._of}  ", "$quiet"),
            (one_line(self._question, 400), "bold"),
        )
        if folded:
            style = "$error" if self.has_class("-broken") else "$primary"
            answer = (one_line(self._answer, 200), "$quiet")
            head = Content.assemble(head, ("\n  » ", style), answer)
        self._head.update(head)

    async def _say(self, text: str, *, thought: bool) -> None:
        said = self._said
        if said is None or said.is_full or said.thought != thought:
            if not text.strip():
                return
            said = self._said = Said(thought=thought)
            await self._add(said)
        said.add(text)

    async def _call(self, id: str, name: str) -> Call:
        if id not in self._calls or self._calls[id].is_done:
            self._said = None
            self._calls[id] = Call(name)
            await self._add(self._calls[id])
        return self._calls[id]

    async def _note(self, mark: str, style: str, text: str) -> None:
        self._said = None
        line = Content.assemble((f"{mark} ", f"bold {style}"), (safe(text[:600]), style))
        await self._add(Static(line, classes="note"))

    async def _add(self, block: Static) -> None:
        await self._body.mount(block)
        if len(self._body.children) > MOST_BLOCKS:
            await self._body.children[0].remove()
