"""What an agent does, event by event: words as they come, calls as they open, and what stops it."""

from __future__ import annotations

from collections.abc import Iterable

from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from agentlab.attached import attached_in
from agentlab.backend import ReasoningDelta, TextDelta, ToolCallDelta
from agentlab.described import Line, note_of
from agentlab.display import safe
from agentlab.events import (
    ApprovalGiven,
    Event,
    ModelReplied,
    RunFinished,
    ToolFinished,
    ToolOutput,
    ToolStarted,
)
from agentlab.messages import Artifact, Message, ToolResult
from agentlab_tui.consent import FormAsked, Question
from agentlab_tui.tones import COLOURS
from agentlab_tui.widgets.approval import Approval
from agentlab_tui.widgets.call import Call
from agentlab_tui.widgets.form import FormView
from agentlab_tui.widgets.media import media_widgets
from agentlab_tui.widgets.said import Said

MOST_BLOCKS = 60
"""Blocks that are kept; the first ones go when there are more, and stay in the trace."""


class Flow(Vertical):
    """The blocks of one agent's work."""

    def __init__(self, *, classes: str = "") -> None:
        super().__init__(classes=classes)
        self._calls: dict[str, Call] = {}
        self._said: Said | None = None

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
                await self._finish(result)
            case ModelReplied(reply=reply):
                self._said = None
                await self._add_media(attached_in(reply.message))
                await self._note(note_of(event))
            case ApprovalGiven(verdict="deny", call_id=id) if id in self._calls:
                pass  # the call itself says so
            case ApprovalGiven(verdict="deny", reason=reason):
                await self._note(Line("✘", "warn", f"you said no. {safe(reason)}".rstrip()))
            case RunFinished(outcome="completed"):
                for words in list(self.query(Said))[-1:]:
                    words.set_class(not words.thought, "-answer")
            case ApprovalGiven():
                pass
            case _:
                await self._note(note_of(event))

    async def show_message(self, message: Message) -> None:
        """Take in a message that was said earlier, whole."""
        for part in message.parts:
            match part.kind:
                case "text":
                    await self._say(part.text, thought=False)
                case "reasoning":
                    await self._say(part.text, thought=True)
                case "tool_call":
                    (await self._call(part.id, part.name)).start(part)
                case "tool_result" if part.call_id in self._calls:
                    await self._finish(part)
                case "image" | "audio":
                    alone = Message(role=message.role, parts=(part,))
                    await self._add_media(attached_in(alone))
                case _:
                    pass
        self._said = None

    async def ask(self, asked: Question) -> None:
        """Put a question to the person; one about a call stands right below it."""
        self._said = None
        if isinstance(asked, FormAsked):
            await self._add(FormView(asked))
            return
        call = await self._call(asked.call.id, asked.call.name)
        call.start(asked.call)
        await self.mount(Approval(asked), after=call)

    def cut_off(self) -> None:
        """The run broke off: nothing in it is at work any more, and nothing is asked."""
        self.query(Call).remove_class("-busy")
        for approval in self.query(Approval):
            approval.close()
        for form in self.query(FormView):
            form.close()

    async def _finish(self, result: ToolResult) -> None:
        call = self._calls[result.call_id]
        call.finish(result)
        await self._add_media(result.artifacts)

    async def _add_media(self, files: Iterable[Artifact]) -> None:
        for widget in media_widgets(files):
            await self._add(widget)

    async def _say(self, text: str, *, thought: bool) -> None:
        words = self._said
        if words is None or words.is_full or words.thought != thought:
            if not text.strip():
                return
            words = self._said = Said(thought=thought)
            await self._add(words)
        words.add(text)

    async def _call(self, id: str, name: str) -> Call:
        if id not in self._calls or self._calls[id].is_done:
            self._said = None
            self._calls[id] = Call(name)
            await self._add(self._calls[id])
        return self._calls[id]

    async def _note(self, line: Line | None) -> None:
        if line is None:
            return
        self._said = None
        colour = COLOURS[line.tone]
        content = Content.assemble((f"{line.mark} ", f"bold {colour}"), (line.text[:600], colour))
        await self._add(Static(content, classes="note"))

    async def _add(self, block: Widget) -> None:
        await self.mount(block)
        if len(self.children) > MOST_BLOCKS:
            await self.children[0].remove()
