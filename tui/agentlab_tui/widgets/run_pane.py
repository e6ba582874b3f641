"""A step's answer at work: its cases as they happen, then its checks, one by one.

The pane looks at the run thirty times a second and takes what has come by then, so a fast model
costs no more repaints than a slow one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Static

from agentlab.display import counted
from agentlab.events import LiveEvent, ModelReplied
from agentlab.labs.attempt import Check
from agentlab.labs.runner import (
    AgentEvent,
    CaseFinished,
    CaseStarted,
    CheckDone,
    StepFinished,
    StepReport,
)
from agentlab_tui.consent import Asked, FormAsked
from agentlab_tui.feed import Ended, Noted, Opened
from agentlab_tui.live_run import Job, LiveRun, Shown, Whose
from agentlab_tui.services import Services
from agentlab_tui.widgets.approval import Approval
from agentlab_tui.widgets.case import CaseView
from agentlab_tui.widgets.checks import CheckList
from agentlab_tui.widgets.form import FormView
from agentlab_tui.widgets.run_status import RunStatus

TICK_S = 1 / 30
_WHOSE: dict[Whose, str] = {
    "own": "your answer",
    "starter": "the starter, as it is",
    "reference": "the lab's solution, not yours",
}
_TICKS_A_CHECK = 4
"""Checks are judged at once, but each gets a moment of its own on the screen."""


class RunPane(Vertical):
    """The live run of a step."""

    @dataclass
    class Model(Message):
        """The model is there."""

        name: str

    class Started(Message):
        """A run has begun."""

    @dataclass
    class Done(Message):
        """The run is over."""

        job: Job
        how: Literal["done", "stopped", "broken"]
        report: StepReport | None

    def __init__(self, services: Services) -> None:
        super().__init__(id="run")
        self._services = services
        self._run: LiveRun | None = None
        self._timer: Timer | None = None
        self._waiting: deque[Shown] = deque()
        self._pause = 0
        self._case: CaseView | None = None
        self._report: StepReport | None = None
        self.last_trace: Path | None = None

    def compose(self) -> ComposeResult:
        """Status, cases, checks."""
        yield Static(id="whose", markup=False)
        yield RunStatus(self._services.clock)
        yield VerticalScroll(id="cases")
        yield CheckList()

    @property
    def is_running(self) -> bool:
        """Whether an answer is being tried right now."""
        return self._run is not None

    async def prepare(
        self, checks: Sequence[Check], invitation: str, passed_at: float | None = None
    ) -> None:
        """Get ready for a step. Nothing of the step before is left.

        Args:
            passed_at: when the learner passed it, in seconds since the epoch.
        """
        self.border_title = Content(" run ")
        self.query_one("#whose", Static).update("")
        self.remove_class("-reference")
        if passed_at is None:
            self.query_one(RunStatus).idle(invitation)
        else:
            when = datetime.fromtimestamp(passed_at).strftime("%Y-%m-%d %H:%M")
            self.query_one(RunStatus).idle(f"✔ passed {when} · {invitation}", "$success")
        await self.query_one("#cases").remove_children()
        await self.query_one(CheckList).set_checks(checks, passed=passed_at is not None)
        self._case, self.last_trace = None, None

    async def start(self, job: Job) -> None:
        """Try an answer. There must be no other at work."""
        cases = self.query_one("#cases", VerticalScroll)
        await cases.remove_children()
        self.query_one(CheckList).reset()
        self.query_one(RunStatus).begin(f"opening {job.backend}")
        whose = _WHOSE[job.whose]
        kind = "practice" if job.practice else "graded"
        self.border_title = Content(f" {whose} · {kind} ")
        self.query_one("#whose", Static).update(f"{whose} · {kind}")
        self.set_class(job.whose != "own", "-reference")
        self._case, self._report, self._pause = None, None, 0
        self._run = LiveRun(self._services.engine, job)
        self._timer = self.set_interval(TICK_S, self._tick)
        self.post_message(self.Started())

    def stop(self) -> None:
        """End the run cleanly; what it did until now stays."""
        if self._run is not None:
            self._run.stop()
            self.query_one(RunStatus).at("stopping")

    def on_unmount(self) -> None:
        """Leaving the screen ends the run."""
        if self._run is not None:
            self._run.stop()

    async def _tick(self) -> None:
        if self._run is None:
            return
        self._waiting.extend(self._run.take())
        cases = self.query_one("#cases", VerticalScroll)
        follows = cases.is_vertical_scroll_end and bool(self._waiting)
        while self._waiting:
            if self._pause:
                self._pause -= 1
                break
            await self._show(self._waiting.popleft())
        if follows:  # unless one has scrolled up to read
            cases.scroll_end(animate=False)
        self.query_one(RunStatus).refresh()

    async def _show(self, event: Shown) -> None:
        status = self.query_one(RunStatus)
        match event:
            case Opened(model=model):
                self.post_message(self.Model(model.name))
            case CaseStarted(number=number, of=of, trace=trace):
                if self._case:
                    self._case.fold()
                status.at(f"case {number} of {of}")
                self._case = CaseView(number, of, event.title, trace)
                self.last_trace = trace
                await self.query_one("#cases").mount(self._case)
            case AgentEvent(event=agent_event) if self._case:
                if isinstance(agent_event, LiveEvent):
                    status.count(1)
                elif isinstance(agent_event, ModelReplied):
                    status.count_reply(agent_event.reply.usage.output_tokens)
                await self._case.show(agent_event)
            case Asked() | FormAsked() if self._case:
                status.at("waits for your word")
                await self._case.flow.ask(event)
            case Noted(problem=problem):
                self.notify(problem, severity="warning", markup=False)
            case CaseFinished(run=run) if self._case:
                self._case.finish(run)
            case CheckDone(check=check, verdict=verdict):
                status.at("checking")
                self.query_one(CheckList).show(check, verdict)
                self._pause = _TICKS_A_CHECK
            case StepFinished(report=report):
                self._report = report
            case Ended():
                await self._end(event)
            case _:
                pass

    @on(Approval.Answered)
    @on(FormView.Answered)
    def _go_on(self, event: Approval.Answered | FormView.Answered) -> None:
        """The keys go back to the run: y, a and d mean nothing now."""
        event.stop()
        self.query_one("#cases").focus()

    async def _end(self, end: Ended) -> None:
        run, self._run = self._run, None
        if self._timer:
            self._timer.stop()
        status = self.query_one(RunStatus)
        if self._case and end.how != "done":
            self._case.cut_off()
        if end.how == "broken":
            status.idle(f"✘ {end.problem}", "$error")
        elif end.how == "stopped":
            status.idle(
                f"■ stopped · {counted(status.tokens, 'token')} · the trace is kept", "$warning"
            )
        elif self._report is not None:
            passed = sum(check.passed for check in self._report.checks)
            style = "$success" if self._report.passed else "$error"
            mark = "✔" if self._report.passed else "✘"
            of = len(self._report.checks)
            status.idle(
                f"{mark} {passed} of {counted(of, 'check')} · {counted(status.tokens, 'token')}",
                style,
            )
        if run:
            self.post_message(self.Done(run.job, end.how, self._report))
