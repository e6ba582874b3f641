"""The turns of a talk, and the one that is going on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message as Told
from textual.timer import Timer
from textual.widgets import Static

from agentlab.backend import TokenInfo
from agentlab.display import counted, one_line
from agentlab.errors import AgentLabError
from agentlab.events import LiveEvent, ModelReplied
from agentlab.tooling.threads import in_thread
from agentlab_tui.assembly import Assembly
from agentlab_tui.consent import Asked, FormAsked
from agentlab_tui.feed import Ended, Opened
from agentlab_tui.kept_talk import kept, past_talk
from agentlab_tui.live_agent import Happening, LiveAgent
from agentlab_tui.services import Services
from agentlab_tui.talk import Talk
from agentlab_tui.widgets.approval import Approval
from agentlab_tui.widgets.form import FormView
from agentlab_tui.widgets.meters import Meters
from agentlab_tui.widgets.run_pane import TICK_S
from agentlab_tui.widgets.run_status import RunStatus
from agentlab_tui.widgets.turn import TurnView

MOST_TURNS = 40
"""Turns that stay on the screen; earlier ones are in their traces, and in the model's memory."""

_WELCOME = (
    "Talk to a model, and watch what it does.\n\n"
    "Give it tools (F3), and it can calculate, look things up, or run code in a sandbox. The "
    "model that comes along is small: it needs to be told plainly, and shown how."
)


class Conversation(VerticalScroll, can_focus=True):
    """All turns, the last at the bottom."""

    BINDINGS: ClassVar[list[BindingType]] = []

    @dataclass
    class Answered(Told):
        """The turn has ended."""

        tokens: tuple[TokenInfo, ...]

    @dataclass
    class EditWanted(Told):
        """These words are to be edited; what came after them is gone from the screen."""

        text: str

    def __init__(self, services: Services, talk: Talk, status: RunStatus, meters: Meters) -> None:
        super().__init__(id="conversation")
        self._status, self._meters = status, meters
        self._services = services
        self._talk = talk
        self._live: LiveAgent | None = None
        self._timer: Timer | None = None
        self._reply_began = 0.0
        self._said = ""
        self._run = ""
        self.last_trace: Path | None = None

    def compose(self) -> ComposeResult:
        """What this is for."""
        yield Static(Content.styled(_WELCOME, "$quiet"), id="welcome")

    @property
    def is_running(self) -> bool:
        """Whether it is answering."""
        return self._live is not None

    async def reopen(self) -> tuple[TokenInfo, ...]:
        """Show the talk that was left here the last time, to go on with it; its last tokens."""
        left = partial(past_talk, self._services.choices.get("talk"), self._services.runs)
        try:
            past = await in_thread(left)
        except AgentLabError as error:
            why = one_line(f"the last talk can't be opened: {error}", 500)
            self._status.idle(why, "$warning")
            return ()
        if past is None:
            return ()
        await self.query("#welcome").remove()
        for turn in past.turns:
            view = TurnView(turn.text, turn.before)
            await self.mount(view)
            for message in turn.after:
                await view.flow.show_message(message)
        self._talk.history, self._run, self.last_trace = past.history, past.run, past.trace
        self._meters.reset(past.usage)
        self._status.idle("your last talk, to go on with · n begins another")
        self.scroll_end(animate=False)
        return past.tokens

    async def say(self, text: str, assembly: Assembly) -> None:
        """Begin a turn. There must be no other at work."""
        await self.query("#welcome").remove()
        turns = list(self.query(TurnView))
        if len(turns) >= MOST_TURNS:
            await turns[0].remove()
        turn = TurnView(text, self._talk.history)
        await self.mount(turn)
        self._said = text
        self._status.begin(f"opening {assembly.backend}")
        self._reply_began = self._services.clock()
        self._live = self._talk.say(text, assembly)
        self._timer = self.set_interval(TICK_S, self._tick)
        self.scroll_end(animate=False)

    def stop(self) -> None:
        """End the answer cleanly."""
        if self._live is not None:
            self._live.stop()
            self._status.at("stopping")

    def on_unmount(self) -> None:
        """Leaving the screen ends the run."""
        if self._live is not None:
            self._live.stop()

    async def begin_anew(self) -> None:
        """Forget everything."""
        self._talk.history = ()
        self._talk.close()
        await self.remove_children()
        self._meters.reset()
        self._keep()
        self._status.idle("a new conversation")

    @property
    def words(self) -> tuple[str, ...]:
        """What the person said, in order."""
        return tuple(turn.text for turn in self.query(TurnView))

    @on(TurnView.EditWanted)
    async def _edit(self, event: TurnView.EditWanted) -> None:
        event.stop()
        if self.is_running:
            self.notify("It is still answering.", markup=False)
            return
        self.post_message(self.EditWanted(await self._take_back(event.turn)))

    async def _take_back(self, turn: TurnView) -> str:
        self._talk.history = turn.before
        turns = list(self.query(TurnView))
        for later in turns[turns.index(turn) :]:
            await later.remove()
        self._keep()
        return turn.text

    def _keep(self) -> None:
        """Remember where this talk is to be found."""
        befores = [turn.before for turn in self.query(TurnView)]
        data = kept(self._run, self._talk.history, befores, self._meters.usage)
        if problem := self._services.choices.put("talk", data):
            self.notify(problem, severity="warning", markup=False)

    async def _tick(self) -> None:
        if self._live is None:
            return
        happened = self._live.take()
        follows = self.is_vertical_scroll_end and bool(happened)
        for event in happened:
            await self._show(event)
        if follows:  # unless one has scrolled up to read
            self.scroll_end(animate=False)
        self._status.refresh()

    async def _show(self, event: Happening) -> None:
        turn, status = self.query(TurnView).last(), self._status
        match event:
            case Opened(model=model):
                room = model.details.get("n_ctx")
                self._meters.set_room(room if isinstance(room, int) else 0)
                status.at("answers")
            case Asked() | FormAsked():
                status.at("waits for your word")
                await turn.flow.ask(event)
            case Ended():
                self._end(event, turn)
            case _:
                if isinstance(event, LiveEvent):
                    status.count(1)
                elif isinstance(event, ModelReplied):
                    self._count(event, turn)
                await turn.flow.show(event)

    def _count(self, event: ModelReplied, turn: TurnView) -> None:
        now = self._services.clock()
        self._status.count_reply(event.reply.usage.output_tokens)
        self._meters.add(event.reply.usage, now - self._reply_began)
        self._reply_began = now
        turn.tokens += event.reply.tokens

    @on(Approval.Answered)
    @on(FormView.Answered)
    def _go_on(self, event: Approval.Answered | FormView.Answered) -> None:
        event.stop()
        self._status.at("answers")
        self._reply_began = self._services.clock()
        self.focus()

    def _end(self, end: Ended, turn: TurnView) -> None:
        live, self._live = self._live, None
        if self._timer is not None:
            self._timer.stop()
        turn.flow.cut_off()
        run = live.run if live is not None else None
        status = self._status
        if run is not None:
            self.last_trace = turn.trace = run.path
        if end.how == "done" and run is not None:
            self._talk.history, self._run = tuple(run.state.transcript.messages), run.id
            self._keep()
            status.idle(f"✔ {counted(status.tokens, 'token')}")
        elif end.how == "broken":
            status.idle(one_line(f"✘ {end.problem}", 500), "$error")
        else:
            status.idle("■ stopped · up, in an empty line, brings back what you said", "$warning")
        self.post_message(self.Answered(turn.tokens))
