"""An agent put together and talked to: its words, its calls, its tokens, its prompt."""

from __future__ import annotations

from typing import ClassVar, Literal, TypeAlias

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import Screen

from agentlab.errors import AgentLabError
from agentlab.plugins.tools import tool_names
from agentlab_tui.assembly import Assembly, FormValues, restored
from agentlab_tui.navigation import OpenTrace
from agentlab_tui.screens.model import ModelScreen
from agentlab_tui.services import Services
from agentlab_tui.talk import Talk
from agentlab_tui.widgets.agent_form import AgentForm
from agentlab_tui.widgets.composer import Composer
from agentlab_tui.widgets.conversation import Conversation
from agentlab_tui.widgets.footer import KeyFooter
from agentlab_tui.widgets.meters import Meters
from agentlab_tui.widgets.pane_tabs import PaneTabs
from agentlab_tui.widgets.prompt_view import PromptView
from agentlab_tui.widgets.run_status import RunStatus
from agentlab_tui.widgets.token_view import TokenView
from agentlab_tui.widgets.top_bar import TopBar

Pane: TypeAlias = Literal["talk", "agent", "tokens", "prompt"]
PANES: tuple[Pane, ...] = ("talk", "agent", "tokens", "prompt")
_FOCUS: dict[Pane, str] = {
    "talk": "#composer",
    "agent": "#instructions",
    "tokens": "#tokens-pane",
    "prompt": "#prompt-box",
}
_NO_TOKENS = (
    "Say something first. Of a local model's answer you see here, token by token, how likely each "
    "one was and what else stood to choose. Hosted models do not tell."
)


class PlaygroundScreen(Screen[None]):
    """Talk to an agent of one's own."""

    HELP: ClassVar[str | None] = (
        "Type below and press Enter. F2 is the talk, F3 the agent: its instructions and tools (one "
        "that asks first waits for your word). F4 shows each token of the last answer and what "
        "else the model might have said; F5 the conversation as the model reads it. Up in an empty "
        "line brings back what you said before; e on your words edits them and goes on from there. "
        "Escape leaves the text, so that single keys work. Every answer leaves a trace."
    )
    CSS_PATH = [
        "../styles/flow.tcss",
        "../styles/media.tcss",
        "../styles/form.tcss",
        "../styles/playground.tcss",
    ]
    AUTO_FOCUS = "Composer"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (14, "-tall")]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back", key_display="esc", tooltip="Stop, or back"),
        Binding("f2", "pane('talk')", "Talk", show=False, tooltip="The talk"),
        Binding(
            "f3", "pane('agent')", "Agent", show=False, tooltip="Instructions, tools, sampling"
        ),
        Binding(
            "f4", "pane('tokens')", "Tokens", show=False, tooltip="The last answer, token by token"
        ),
        Binding(
            "f5",
            "pane('prompt')",
            "Prompt",
            show=False,
            tooltip="The conversation as the model reads it",
        ),
        Binding("m", "model", "Model", tooltip="Choose another model"),
        Binding("n", "new", "New", tooltip="Forget this conversation, begin another"),
        Binding("s", "stop", "Stop", tooltip="Stop the answer; its trace is kept"),
        Binding("t", "trace", "Trace", show=False, tooltip="The timeline of the last answer"),
        Binding("i", "write", "Write", show=False, tooltip="Back into the text"),
    ]

    def __init__(self, services: Services, *, model: str = "") -> None:
        super().__init__()
        self._services = services
        self._assembly = restored(services.choices.get("playground"))
        if chosen := model or services.backend:
            self._assembly = self._assembly.model_copy(update={"backend": chosen})
        self._talk = Talk(services)
        self._side: Pane = "agent"

    def compose(self) -> ComposeResult:
        """The talk at the left, what is behind it at the right; on a narrow screen by tab."""
        yield TopBar("Playground")
        yield PaneTabs()
        with Horizontal(id="playground"):
            with Vertical(id="talk"):
                status, meters = RunStatus(self._services.clock), Meters()
                yield Conversation(self._services, self._talk, status, meters)
                yield status
                yield Composer()
                yield meters
            with Vertical(id="side"):
                yield AgentForm(id="agent")
                yield TokenView(id="tokens-pane")
                yield PromptView(id="prompt-pane")
        yield KeyFooter()

    async def on_mount(self) -> None:
        """Fill in what was remembered."""
        await self.query_one(PaneTabs).set_panes(PANES, first=2, key="F")
        assembly = self._assembly
        self.query_one(AgentForm).show(
            FormValues(
                instructions=assembly.instructions,
                tools=assembly.tools,
                asks=assembly.asks,
                temperature=assembly.temperature,
                steps=assembly.steps,
            ),
            tool_names(),
        )
        self.query_one(RunStatus).idle("say something; the model is opened then")
        draft = self._services.choices.get("draft")
        if isinstance(draft, str):
            self.query_one(Composer).load_text(draft)
        self.query_one(TopBar).set_right(assembly.backend)
        self._bring("talk", focus=False)
        tokens = await self.query_one(Conversation).reopen()
        self.query_one(TokenView).show(tokens, why_none=_NO_TOKENS)

    def on_unmount(self) -> None:
        """What the tools held is let go of."""
        self._talk.close()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what can be done now is offered."""
        if not self.is_mounted:
            return True
        running = self.query_one(Conversation).is_running
        match action:
            case "stop":
                return running
            case "new" | "model":
                return not running
            case _:
                return True

    @on(Composer.Said)
    async def _say(self, event: Composer.Said) -> None:
        conversation = self.query_one(Conversation)
        if conversation.is_running:
            self.notify("It is still answering: Escape, then s, stops it.", markup=False)
            return
        self.query_one(Composer).load_text("")
        await conversation.say(event.text, self._assembly)
        self._bring("talk", focus=False)
        self.refresh_bindings()

    @on(Composer.Changed)
    def _keep_draft(self, event: Composer.Changed) -> None:
        if event.text_area.id == "composer":
            event.stop()
            self._services.choices.put("draft", event.text_area.text)

    @on(Composer.Recall)
    def _recall(self) -> None:
        self.query_one(Composer).recall(self.query_one(Conversation).words)

    @on(Conversation.EditWanted)
    def _edit_that(self, event: Conversation.EditWanted) -> None:
        self._edit(event.text)

    def _edit(self, text: str) -> None:
        composer = self.query_one(Composer)
        composer.load_text(text)
        composer.move_cursor(composer.document.end)
        self._bring("talk")

    @on(AgentForm.Left)
    @on(Composer.Left)
    def _out_of_text(self) -> None:
        self.query_one(Conversation).focus()

    @on(Conversation.Answered)
    def _answered(self, event: Conversation.Answered) -> None:
        self.query_one(TokenView).show(event.tokens, why_none=_NO_TOKENS)
        if self.query_one("#prompt-pane").display:
            self._show_prompt()
        self.refresh_bindings()
        if isinstance(self.focused, Conversation) or self.focused is None:
            self.query_one(Composer).focus()

    @on(AgentForm.Changed)
    def _put_together(self, event: AgentForm.Changed) -> None:
        values = event.values
        self._assembly = Assembly(
            backend=self._assembly.backend,
            instructions=values.instructions,
            tools=values.tools,
            asks=values.asks,
            temperature=None if values.temperature is None else min(values.temperature, 5.0),
            steps=max(1, min(values.steps or Assembly().steps, 1000)),
        )
        self._remember()

    def action_model(self) -> None:
        """Choose another model."""

        def choose(name: str | None) -> None:
            if name:
                self._assembly = self._assembly.model_copy(update={"backend": name})
                self.query_one(TopBar).set_right(name)
                self._remember()

        self.app.push_screen(  # pyright: ignore[reportUnknownMemberType]
            ModelScreen(self._assembly.backend), choose
        )

    async def action_new(self) -> None:
        """Another conversation."""
        await self.query_one(Conversation).begin_anew()
        self.query_one(TokenView).show((), why_none=_NO_TOKENS)
        self.query_one(Composer).focus()

    def action_stop(self) -> None:
        """Stop the answer."""
        self.query_one(Conversation).stop()

    def action_leave(self) -> None:
        """Stop what runs; else back."""
        if self.query_one(Conversation).is_running:
            self.action_stop()
        else:
            self.dismiss()

    def action_trace(self) -> None:
        """The timeline of the last answer."""
        path = self.query_one(Conversation).last_trace
        if path is None:
            self.notify("Nothing was said yet.", markup=False)
        else:
            self.post_message(OpenTrace(path))

    def action_write(self) -> None:
        """Into the text."""
        self._bring("talk")

    def action_pane(self, pane: Pane) -> None:
        """Bring a pane to the front."""
        self._bring(pane)

    @on(PaneTabs.Wanted)
    def _front(self, event: PaneTabs.Wanted) -> None:
        for pane in PANES:
            if pane == event.pane:
                self._bring(pane)

    def _bring(self, pane: Pane, *, focus: bool = True) -> None:
        """To the front on a narrow screen; on a wide one the talk always stays."""
        self.set_class(pane == "talk", "-on-talk")
        if pane != "talk":
            self._side = pane
        for name in PANES[1:]:
            self.set_class(name == self._side, f"-side-{name}")
        self.query_one(PaneTabs).front(pane)
        if pane == "prompt":
            self._show_prompt()
        if focus:
            self.call_after_refresh(self.query_one(_FOCUS[pane]).focus)

    @work(exclusive=True, group="prompt")
    async def _show_prompt(self) -> None:
        view = self.query_one(PromptView)
        try:
            tokens = await self._talk.prompt(self.query_one(Composer).text, self._assembly)
        except AgentLabError as error:
            view.say(str(error), "$warning")
        else:
            view.show(tokens)

    def _remember(self) -> None:
        problem = self._services.choices.put("playground", self._assembly.model_dump(mode="json"))
        if problem:
            self.notify(problem, severity="warning", markup=False)
