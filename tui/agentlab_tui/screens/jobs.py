"""Training jobs: all of them, and one as it trains, with its curve."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from agentlab.display import counted, one_line
from agentlab.errors import AgentLabError
from agentlab.tooling.threads import in_thread
from agentlab_tools.train.curve import curve
from agentlab_tools.train.jobs.job import Job
from agentlab_tools.train.jobs.journal import JournalReader
from agentlab_tools.train.jobs.manager import Jobs
from agentlab_tools.train.screen import duration, ended_line, measures, size_of
from agentlab_tools.train.served import PREFIX
from agentlab_tui.navigation import TalkTo
from agentlab_tui.services import Services
from agentlab_tui.widgets.footer import KeyFooter
from agentlab_tui.widgets.top_bar import TopBar
from agentlab_tui.widgets.virtual_list import VirtualList

LOOK_S = 0.5
_MOST = 200
_STYLES = {
    "starting": "$primary",
    "running": "$primary",
    "stopping": "$warning",
    "completed": "$success",
    "cancelled": "$warning",
    "failed": "$error",
    "lost": "$error",
}


class JobsScreen(Screen[None]):
    """The list at the left, the job that is marked at the right."""

    HELP: ClassVar[str | None] = (
        "Jobs train in processes of their own: they go on when you leave this screen, or the app. "
        "One that was stopped or broke off goes on from its last checkpoint."
    )
    CSS_PATH = "../styles/jobs.tcss"
    AUTO_FOCUS = "VirtualList"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", key_display="esc", tooltip="Back"),
        Binding("s", "cancel", "Stop", tooltip="Stop this job; it keeps a checkpoint"),
        Binding("t", "talk", "Talk to it", tooltip="The playground, with what this job made"),
        Binding("r", "resume", "Resume", tooltip="Go on from the last checkpoint"),
    ]

    def __init__(self, services: Services) -> None:
        super().__init__()
        self._folder = services.jobs
        self._jobs = Jobs(services.jobs)
        self._reader: JournalReader | None = None
        self._looking = False
        self._showing = False
        self._asked = False

    def compose(self) -> ComposeResult:
        """Both sides."""
        yield TopBar("Jobs")
        yield Static(id="jobs-note", markup=False)
        with Horizontal(id="jobs"):
            yield VirtualList[Job](_row)
            with VerticalScroll(id="job"):
                yield Static(markup=False)
        yield KeyFooter()

    def on_mount(self) -> None:
        """Look now, and again and again."""
        self._look()
        self.set_interval(LOOK_S, self._look)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what can be done now is offered."""
        job = self.query_one(VirtualList[Job]).current if self.is_mounted else None
        match action:
            case "cancel":
                return job is not None and job.active
            case "talk":
                return job is not None and job.made_model
            case "resume":
                return job is not None and job.state in ("cancelled", "failed", "lost")
            case _:
                return True

    @work(group="look")
    async def _look(self) -> None:
        if self._looking:
            return
        self._looking = True
        try:
            jobs = await in_thread(partial(self._jobs.list, _MOST))
        except AgentLabError as error:
            self._note(Content.styled(one_line(f"✘ {error}", 400), "$error"))
            return
        finally:
            self._looking = False
        rows = self.query_one(VirtualList[Job])
        self.query_one("#jobs").display = bool(jobs)  # no line between nothing and nothing
        if not jobs:
            self._note(
                Content.styled("no jobs yet: `agentlab train` lists what can be trained", "$quiet")
            )
        else:
            active = sum(job.active for job in jobs)
            self._note(Content.styled(f"{counted(len(jobs), 'job')}, {active} at work", "$quiet"))
        marked = rows.current
        rows.set_items(jobs, keep_cursor=True)
        if marked is not None:  # a new job comes in above: stay on the one that was marked
            ids = [job.id for job in jobs]
            rows.cursor = ids.index(marked.id) if marked.id in ids else rows.cursor
        self._show()

    @on(VirtualList.Marked)
    def _mark(self, event: VirtualList.Marked) -> None:
        self._show()

    @work(group="show")
    async def _show(self) -> None:
        # One at a time, and none is cut off: a reader is no place for two threads, and where
        # reading takes longer than from one look to the next, nothing would ever be shown
        self._asked = True
        if self._showing:
            return
        self._showing = True
        try:
            while self._asked:
                self._asked = False
                await self._show_marked()
        finally:
            self._showing = False

    async def _show_marked(self) -> None:
        job = self.query_one(VirtualList[Job]).current
        side = self.query_one("#job Static", Static)
        if job is None:
            side.update("")
            return
        try:
            reader = await in_thread(partial(self._read, job.id))
        except AgentLabError as error:
            side.update(Content.styled(one_line(str(error), 400), "$error"))
            return
        side.update(_picture(reader, self.query_one("#job").content_size.width))
        self.refresh_bindings()

    def _read(self, id: str) -> JournalReader:
        if self._reader is None or self._reader.job().id != id:
            self._reader = self._jobs.open(id)
        self._reader.poll()
        return self._reader

    def _note(self, note: Content) -> None:
        self.query_one("#jobs-note", Static).update(note)

    def action_cancel(self) -> None:
        """Stop the job that is marked."""
        job = self.query_one(VirtualList[Job]).current
        if job is not None:
            self._do(partial(self._jobs.cancel, job.id), "stops, and keeps a checkpoint")

    def action_resume(self) -> None:
        """Go on with the job that is marked."""
        job = self.query_one(VirtualList[Job]).current
        if job is not None:
            self._do(partial(self._jobs.resume, job.id), "goes on")

    def action_talk(self) -> None:
        """To the playground, with the model that the marked job made."""
        job = self.query_one(VirtualList[Job]).current
        if job is not None:
            self.post_message(TalkTo(f"{PREFIX}{job.short}"))

    @work(group="do")
    async def _do(self, what: Callable[[], Job], says: str) -> None:
        try:
            job = await in_thread(what)
        except AgentLabError as error:
            self.notify(str(error), severity="error", markup=False, timeout=10)
        else:
            self.notify(f"{job.id} {says}", markup=False)

    def action_back(self) -> None:
        """Back; jobs go on."""
        self.dismiss()


def _row(job: Job, width: int) -> Content:
    progress = job.progress
    share = f"{progress.step / progress.total:4.0%}" if progress and progress.total else "    "
    remaining = f"{duration(progress.eta)} left" if progress and progress.eta and job.active else ""
    room = max(8, width - 30)
    return Content.assemble(
        (one_line(job.id, room).ljust(room), ""),
        (f" {job.state:<10}", _STYLES[job.state]),
        (f"{share:>5} {remaining:>12}", "$quiet"),
    )


def _picture(reader: JournalReader, width: int) -> Content:
    job = reader.job()
    lines: list[Content] = [
        Content.assemble((job.id, "bold"), "  ", (job.state, f"bold {_STYLES[job.state]}")),
        Content.styled(one_line(f"{job.spec.recipe}  on {job.spec.on}", 200), "$quiet"),
        Content(""),
    ]
    if job.progress is not None:
        lines += [Content("  ".join(measures(job.progress))), Content("")]
    steps = reader.curve.items()
    drawn = {"loss": {s: p.loss for s, p in steps if p.loss is not None}}
    for name in job.progress.more if job.progress else ():
        drawn[name] = {s: p.more[name] for s, p in steps if name in p.more}
    for name, values in drawn.items():
        lines += _curve(name, values, width)
    done = [f"{duration(job.seconds)} so far" if job.active else f"took {duration(job.seconds)}"]
    if job.checkpoint is not None:
        done.append(f"checkpoint at step {job.checkpoint}")
    lines.append(Content.styled(", ".join(done), "$quiet"))
    if job.said:
        lines.append(Content.styled(one_line(job.said, 200), "$quiet"))
    lines += [Content(f"made {one_line(m.name)}, {size_of(m.bytes)}") for m in job.artifacts]
    if not job.active:
        lines += [Content(""), Content.styled(ended_line(job), _STYLES[job.state])]
    return Content("\n").join(lines)


def _curve(name: str, values: dict[int, float], width: int) -> Sequence[Content]:
    if len(values) < 2:
        return ()
    drawn = curve(values, max(24, min(width - 1, 100)), 8)
    head = Content.styled(one_line(name, 30), "bold")
    return [head, *(Content.styled(line, "$primary") for line in drawn), Content("")]
