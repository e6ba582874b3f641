"""A run that goes on live from an event of another."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from agentlab.display import counted, one_line
from agentlab.events import Event, LiveEvent, ModelReplied
from agentlab.trace import Trace
from agentlab_tui.consent import Asked, FormAsked
from agentlab_tui.feed import Ended, Opened
from agentlab_tui.forking import Change, start_fork
from agentlab_tui.live_agent import Happening, LiveAgent
from agentlab_tui.navigation import OpenDiff, OpenTrace
from agentlab_tui.services import Services
from agentlab_tui.widgets.flow import Flow
from agentlab_tui.widgets.footer import KeyFooter
from agentlab_tui.widgets.run_pane import TICK_S
from agentlab_tui.widgets.run_status import RunStatus
from agentlab_tui.widgets.top_bar import TopBar


class ForkedScreen(Screen[None]):
    """Watch a fork, event by event, from where it parts."""

    HELP: ClassVar[str | None] = (
        "The fork begins with its parent's events, which are not run again, and goes on live. "
        "When it has ended, d puts the two side by side and t opens the new trace."
    )
    CSS_PATH = ["../styles/flow.tcss", "../styles/media.tcss", "../styles/forked.tcss"]
    AUTO_FOCUS = "#flow"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s,escape", "stop", "Stop", key_display="s", tooltip="Stop; the trace is kept"),
        Binding("d", "diff", "Diff", tooltip="Beside its parent"),
        Binding("t", "trace", "Trace", tooltip="The new run's timeline"),
        Binding("escape", "back", "Back", key_display="esc", tooltip="Back to the parent"),
    ]

    def __init__(self, services: Services, trace: Trace, change: Change) -> None:
        super().__init__()
        self._services = services
        self._trace = trace
        self._change = change
        self._live: LiveAgent | None = None
        self._skip = -1
        self._path: Path | None = None

    def compose(self) -> ComposeResult:
        """What is shared in one line, then the live part."""
        yield TopBar("Runs", self._trace.path.stem, f"fork at {self._change.at}")
        yield RunStatus(self._services.clock)
        with VerticalScroll(id="flow"):
            yield Static(id="past", markup=False)
            yield Flow()
        yield KeyFooter()

    def on_mount(self) -> None:
        """Go on."""
        self.query_one(RunStatus).begin("opening the model")
        self._live = LiveAgent(
            self._services.engine, start_fork(self._services, self._trace, self._change)
        )
        self.set_interval(TICK_S, self._tick)

    def on_unmount(self) -> None:
        """Leaving the screen ends the run."""
        if self._live is not None:
            self._live.stop()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what can be done now is offered."""
        match action:
            case "stop":
                return self._live is not None
            case "back":
                return self._live is None
            case "diff" | "trace":
                return self._live is None and self._path is not None
            case _:
                return True

    async def _tick(self) -> None:
        if self._live is None:
            return
        box = self.query_one("#flow", VerticalScroll)
        happened = self._live.take()
        follows = box.is_vertical_scroll_end and bool(happened)
        for event in happened:
            await self._show(event)
        if follows:
            box.scroll_end(animate=False)
        self.query_one(RunStatus).refresh()

    async def _show(self, event: Happening) -> None:
        status, flow = self.query_one(RunStatus), self.query_one(Flow)
        run = self._live.run if self._live else None
        match event:
            case Opened(model=model):
                self.query_one(TopBar).set_right(model.name)
            case Asked() | FormAsked():
                status.at("waits for your word")
                await flow.ask(event)
            case Ended():
                self._end(event)
            case _:
                if self._skip < 0 and run is not None:
                    self._skip = run.opened
                    self._path = run.path
                    says = f"{counted(self._skip, 'event')} from the log, then live"
                    self.query_one("#past", Static).update(Content.styled(says, "$quiet"))
                    status.at("live")
                await self._go_on(event)

    async def _go_on(self, event: Event) -> None:
        if self._skip > 0 and not isinstance(event, LiveEvent):
            self._skip -= 1
            return
        status = self.query_one(RunStatus)
        if isinstance(event, LiveEvent):
            status.count(1)
        elif isinstance(event, ModelReplied):
            status.count_reply(event.reply.usage.output_tokens)
        await self.query_one(Flow).show(event)

    def _end(self, end: Ended) -> None:
        self._live = None
        status, flow = self.query_one(RunStatus), self.query_one(Flow)
        flow.cut_off()
        if end.how == "broken":
            status.idle(one_line(f"✘ {end.problem}", 500), "$error")
        elif end.how == "stopped":
            status.idle("■ it ended before it was done · the trace is kept", "$warning")
        else:
            status.idle(f"✔ done · {status.tokens:,} new tokens · d compares", "$success")
        self.refresh_bindings()

    def action_stop(self) -> None:
        """End the run as cancelled."""
        if self._live is not None:
            self._live.stop()
            self.query_one(RunStatus).at("stopping")

    def action_diff(self) -> None:
        """The parent and this run."""
        if self._path is not None:
            self.post_message(OpenDiff(self._trace.path, self._path))

    def action_trace(self) -> None:
        """This run's timeline."""
        if self._path is not None:
            self.post_message(OpenTrace(self._path))

    def action_back(self) -> None:
        """Back to the parent."""
        self.dismiss()
