"""A lab, step by step: the lesson, the learner's work, and the agent at work on it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.screen import Screen

from agentlab.labs.values import Lab, Step
from agentlab_tui.lab_progress import LabProgress, PassedWith
from agentlab_tui.navigation import OpenTrace
from agentlab_tui.progress import ProgressError
from agentlab_tui.services import Services
from agentlab_tui.widgets.agent_form import AgentForm
from agentlab_tui.widgets.answer_area import AnswerArea
from agentlab_tui.widgets.footer import KeyFooter
from agentlab_tui.widgets.lesson import Lesson
from agentlab_tui.widgets.pane_tabs import PaneTabs
from agentlab_tui.widgets.run_pane import RunPane
from agentlab_tui.widgets.step_bar import StepBar
from agentlab_tui.widgets.top_bar import TopBar
from agentlab_tui.widgets.work_pane import WorkPane

_PANES = {
    "read": ("lesson",),
    "quiz": ("lesson", "quiz"),
    "agent": ("lesson", "answer", "run"),
    "code": ("lesson", "answer", "run"),
    "fork": ("lesson", "answer", "run"),
}


class LabScreen(Screen[None]):
    """One lab."""

    HELP: ClassVar[str | None] = (
        "Read on the left, work on the right. r tries what is in the editor on a few practice "
        "cases, g on those that count. Once you have tried a step, w shows the lab's own solution "
        "at work. What you type is saved at once; x goes back to the starter, and z to what you "
        "had before."
    )
    CSS_PATH = [
        "../styles/flow.tcss",
        "../styles/media.tcss",
        "../styles/form.tcss",
        "../styles/lab.tcss",
    ]
    AUTO_FOCUS = "#lesson"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (14, "-tall")]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s,escape", "stop", "Stop", key_display="s", tooltip="Stop; the trace is kept"),
        Binding("r", "run(True)", "Run", tooltip="Try the answer on a few practice cases"),
        Binding("g", "run(False)", "Grade", tooltip="Try the answer on the cases that count"),
        Binding("e", "edit", "Edit", tooltip="Edit your answer"),
        Binding("enter", "quiz", "Answer", key_display="⏎", tooltip="To the questions of the quiz"),
        Binding("f", "form", "Form", tooltip="Put the agent together in a form, or as text"),
        Binding("h", "hint", "Hint", tooltip="The next hint, from nudge to answer"),
        Binding("n", "go(1)", "Next", tooltip="Next step; p leads back"),
        Binding("p", "go(-1)", "Previous", show=False, tooltip="Previous step"),
        Binding("t", "trace", "Trace", tooltip="The timeline of the last case that ran"),
        Binding("w", "watch", "Solution", tooltip="Watch the lab's own solution at work"),
        Binding("x", "reset", "Reset", tooltip="Back to the starter; what you wrote is kept"),
        Binding("z", "earlier", "Earlier", tooltip="What you wrote before, one version at a time"),
        Binding(
            "a", "ask", "Ask first", show=False, tooltip="Decide on every call yourself, or not"
        ),
        Binding("escape", "back", "Back", key_display="esc", tooltip="Back to the roadmap"),
        Binding("1", "pane(0)", "First pane", show=False),
        Binding("2", "pane(1)", "Second pane", show=False),
        Binding("3", "pane(2)", "Third pane", show=False),
    ]

    def __init__(self, services: Services, id: str, lab: Lab) -> None:
        super().__init__()
        self._services = services
        self._lab_id = id
        self._lab = lab
        self._steps = lab.steps
        self._progress = services.progress.lab(id)
        ids = [step.id for step in self._steps]
        self._asks = False
        self._here = ids.index(self._progress.last) if self._progress.last in ids else 0

    @property
    def step(self) -> Step:
        """The step that is shown."""
        return self._steps[self._here]

    @property
    def is_narrow(self) -> bool:
        """Whether only one pane fits."""
        return self.has_class("-narrow")

    def compose(self) -> ComposeResult:
        """Lesson at the left, work at the right; on a narrow screen one of them, chosen by tab."""
        yield TopBar(self._lab_id, self._lab.title)
        yield StepBar(self._steps)
        yield PaneTabs()
        with Horizontal(id="lab"):
            yield Lesson()
            yield WorkPane(self._services, self._lab_id, self._lab)
        yield KeyFooter()

    async def on_mount(self) -> None:
        """Go to where the learner was."""
        await self._show_step()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what can be done now is offered."""
        if not self.is_mounted:
            return True
        work = self.query_one(WorkPane)
        running = work.is_running
        match action:
            case "stop":
                return running
            case "back":
                return not running
            case "run":
                return "run" in _PANES[self.step.kind] and not running
            case "watch":
                return "run" in _PANES[self.step.kind] and not running and self._was_tried
            case "reset":
                return work.is_own and not running
            case "earlier":
                return work.has_earlier and not running
            case "edit" | "trace" | "ask":
                return "run" in _PANES[self.step.kind]
            case "form":
                return self.step.kind == "agent"
            case "quiz":  # on a wide screen it stands beside the lesson, and has the keys
                return self.step.kind == "quiz" and self.has_class("-front-lesson")
            case "hint":
                return bool(self.step.hints)
            case "go":
                return 0 <= self._here + (1 if parameters == (1,) else -1) <= len(self._steps)
            case _:
                return True

    async def action_go(self, by: int) -> None:
        """To the next or the previous step; a step to read is passed by going on."""
        if by > 0 and self.step.kind == "read":
            self._pass(self.step.id)
        if self._here + by == len(self._steps):
            self.notify("That was the last step. Escape leads back to the roadmap.", markup=False)
        else:
            await self._go_to(self._here + by)

    @on(StepBar.Wanted)
    async def _jump(self, event: StepBar.Wanted) -> None:
        await self._go_to(event.index)

    async def _go_to(self, index: int) -> None:
        if self.query_one(WorkPane).is_running:
            self.notify("A run is at work: s stops it.", markup=False)
            return
        self._here = index
        self._keep(lambda: self._services.progress.set_last(self._lab_id, self.step.id))
        await self._show_step()

    async def _show_step(self) -> None:
        step, lesson = self.step, self._lab.lesson
        for kind in _PANES:
            self.set_class(kind == step.kind, f"-kind-{kind}")
        text = f"## {step.title}\n\n{lesson.steps[step.id]}"
        if self._here == 0:
            text = f"{lesson.intro}\n\n{text}"
        self.query_one(StepBar).show(self._here, self._progress)
        await self.query_one(PaneTabs).set_panes(_PANES[step.kind])
        await self.query_one(WorkPane).show(step)
        await self.query_one(Lesson).show(text, step.hints)
        self._bring("quiz" if step.kind == "quiz" and not self.is_narrow else "lesson")
        self.refresh_bindings()

    async def action_run(self, practice: bool) -> None:
        """Try the answer."""
        await self.query_one(WorkPane).run(practice=practice, ask=self._asks)
        self.refresh_bindings()

    @on(WorkPane.RunWanted)
    async def _run_wanted(self) -> None:
        await self.action_run(True)

    def action_ask(self) -> None:
        """Ask before every call, or no longer."""
        self._asks = not self._asks
        says = "You are asked before every call." if self._asks else "Calls are made unasked."
        self.notify(says, markup=False)

    @property
    def _was_tried(self) -> bool:
        return self._progress.mark(self.step.id) != "open"

    async def action_watch(self) -> None:
        """Run the lab's own solution; not before the learner has tried the step."""
        await self.query_one(WorkPane).show_solution(ask=self._asks)
        self.refresh_bindings()

    def action_reset(self) -> None:
        """Back to the starter."""
        self.query_one(WorkPane).reset()
        self.refresh_bindings()

    def action_earlier(self) -> None:
        """To what the learner wrote before."""
        self.query_one(WorkPane).go_back()
        self.refresh_bindings()

    def action_stop(self) -> None:
        """Stop the run."""
        self.query_one(WorkPane).stop()

    @on(RunPane.Model)
    def _name_model(self, event: RunPane.Model) -> None:
        self.query_one(TopBar).set_right(event.name)

    @on(RunPane.Started)
    @on(RunPane.Done)
    def _offer_keys(self) -> None:
        self.refresh_bindings()

    @on(WorkPane.Passed)
    def _passed(self, event: WorkPane.Passed) -> None:
        self._pass(event.step, event.passed_with)

    @on(WorkPane.Tried)
    def _tried(self, event: WorkPane.Tried) -> None:
        now = time.time()
        self._keep(lambda: self._services.progress.set_seen(self._lab_id, event.step, now))
        if event.practised:
            self.notify("Practice passed. Press g for the cases that count.", markup=False)

    def _pass(self, step: str, passed_with: PassedWith | None = None) -> None:
        now = time.time()
        store = self._services.progress
        self._keep(lambda: store.set_passed(self._lab_id, step, now, passed_with))

    def _keep(self, change: Callable[[], LabProgress]) -> None:
        try:
            self._progress = change()
        except ProgressError as error:
            self.notify(str(error), severity="error", markup=False)
        self.query_one(StepBar).show(self._here, self._progress)
        self.refresh_bindings()

    def action_edit(self) -> None:
        """Into the editor."""
        self._bring("answer")
        self.call_after_refresh(self.query_one(WorkPane).edit)

    def action_quiz(self) -> None:
        """To the questions."""
        self._bring("quiz")

    def action_form(self) -> None:
        """The agent as a form, or as text."""
        self._bring("answer")
        self.query_one(WorkPane).toggle_form()
        self.call_after_refresh(self.query_one(WorkPane).edit)

    @on(AgentForm.Left)
    @on(AnswerArea.Left)
    def _leave_editor(self) -> None:
        self._bring("lesson")

    async def action_hint(self) -> None:
        """One more hint."""
        self._bring("lesson")
        if not await self.query_one(Lesson).next_hint():
            self.notify("No more hints. Once you have tried, w shows the solution.", markup=False)

    def action_trace(self) -> None:
        """The timeline of the last case."""
        path = self.query_one(WorkPane).last_trace
        if path is None:
            self.notify("Nothing has run here yet: r runs this step.", markup=False)
        else:
            self.post_message(OpenTrace(path))

    def action_pane(self, index: int) -> None:
        """Bring a pane to the front by number."""
        panes = _PANES[self.step.kind]
        if index < len(panes):
            self._bring(panes[index])

    @on(PaneTabs.Wanted)
    def _front_pane(self, event: PaneTabs.Wanted) -> None:
        self._bring(event.pane)

    @on(WorkPane.FrontWanted)
    def _front_part(self, event: WorkPane.FrontWanted) -> None:
        self._bring(event.pane)
        if event.pane == "answer":  # there is something to mend
            self.call_after_refresh(self.query_one(WorkPane).edit)

    def _bring(self, pane: str) -> None:
        """To the front on a narrow screen, and into focus where keys still reach the screen."""
        for name in ("lesson", "quiz", "answer", "run"):
            self.set_class(name == pane, f"-front-{name}")
        self.query_one(PaneTabs).front(pane)
        focus = {"lesson": "#lesson", "quiz": "#quiz", "answer": "#answer", "run": "#cases"}[pane]
        self.refresh_bindings()
        # what is hidden can't take the focus, so wait until the style has made it visible
        self.call_after_refresh(self.query_one(focus).focus)

    def action_back(self) -> None:
        """Back to the roadmap."""
        self.dismiss()
