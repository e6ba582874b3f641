"""Jobs in the terminal: one as it trains, with its curve, and all of them in a table."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from agentlab.display import one_line
from agentlab_tools.train.curve import curve
from agentlab_tools.train.events import Checkpointed, Ended, Made, Progress, Record, Said, Started
from agentlab_tools.train.jobs.job import Job
from agentlab_tools.train.jobs.journal import JournalReader

STYLES = {
    "starting": "cyan",
    "running": "cyan",
    "stopping": "yellow",
    "completed": "green",
    "cancelled": "yellow",
    "failed": "red",
    "lost": "red",
}
_LOOK = 0.2
_TELL = 2.0
"""Seconds between lines where no picture can be drawn."""
HINT = "Ctrl-C leaves it running, or cancels it"


def follow(console: Console, reader: JournalReader) -> Job:
    """Show a job until it is over: a picture on a terminal, else a line now and then."""
    if not console.is_terminal or console.is_dumb_terminal:
        return _follow_in_lines(console, reader)
    with Live(console=console, auto_refresh=False, vertical_overflow="crop") as live:
        while True:
            reader.poll()
            job = reader.job()
            live.update(picture(job, reader, console.width), refresh=True)
            if not job.active:
                return job
            time.sleep(_LOOK)


def _follow_in_lines(console: Console, reader: JournalReader) -> Job:
    shown, held = 0.0, None
    while True:
        for record in reader.poll():
            if isinstance(record.event, Progress | Checkpointed) and record.at - shown < _TELL:
                held = record if isinstance(record.event, Progress) else held
                continue
            if held is not None and not isinstance(record.event, Progress):
                _tell(console, held)  # the last step before something else happened
            _tell(console, record)
            shown, held = record.at, None
        job = reader.job()
        if not job.active:
            if job.state == "lost":
                console.print(Text(ended_line(job)), soft_wrap=True)
            return job
        time.sleep(_LOOK)


def _tell(console: Console, record: Record) -> None:
    console.print(Text(line_of(record)), soft_wrap=True)


def line_of(record: Record) -> str:
    """A record as one line."""
    match record.event:
        case Started(step=step):
            return f"goes on after step {step}" if step else "started"
        case Progress() as progress:
            return "  ".join(measures(progress))
        case Checkpointed(step=step, bytes=size):
            return f"checkpoint of step {step}, {size_of(size)}"
        case Made(name=name, bytes=size):
            return f"made {one_line(name)}, {size_of(size)}"
        case Said(text=text):
            return one_line(text, 300)
        case Ended(outcome=outcome, reason=reason):
            return f"{outcome}: {one_line(reason, 500)}" if reason else outcome


def ended_line(job: Job) -> str:
    """How a job stands, and what to do about it."""
    sentence = f"{job.state}: {one_line(job.reason, 500)}" if job.reason else job.state
    if job.state in ("cancelled", "failed", "lost"):
        at = f"goes on after step {job.checkpoint}" if job.checkpoint else "starts again"
        sentence += f"; `agentlab jobs resume {job.id}` {at}"
    return sentence


def measures(progress: Progress) -> list[str]:
    """What there is to say of a step."""
    parts = [f"step {_of(progress)}"]
    if progress.loss is not None:
        parts.append(f"loss {loss_of(progress.loss)}")
    parts += [f"{one_line(name, 20)} {value:.4g}" for name, value in progress.more.items()]
    if progress.lr is not None:
        parts.append(f"lr {progress.lr:.3g}")
    if progress.tokens_per_second is not None:
        parts.append(f"{progress.tokens_per_second:,.0f} tokens/s")
    if progress.eta:
        parts.append(f"{duration(progress.eta)} left")
    return parts


def picture(job: Job, reader: JournalReader, width: int) -> RenderableType:
    """A job as it stands, with its loss over the steps."""
    parts: list[RenderableType] = [
        Text.assemble((job.id, "bold"), "  ", (job.state, STYLES[job.state])),
    ]
    if job.progress is not None:
        parts.append(Text("  ".join(measures(job.progress))))
    losses = {s: p.loss for s, p in reader.curve.items() if p.loss is not None}
    if len(losses) > 1:
        parts += [Text("loss", "dim")]
        parts += [Text(line, "cyan") for line in curve(losses, min(max(width - 1, 24), 100))]
    done = [f"{duration(job.seconds)} so far" if job.active else f"took {duration(job.seconds)}"]
    if job.checkpoint is not None:
        done.append(f"checkpoint at step {job.checkpoint}")
    if job.said and job.active:
        done.append(one_line(job.said, 60))
    parts.append(Text(", ".join(done), "dim"))
    parts += [Text(f"made {one_line(m.name)}, {size_of(m.bytes)}") for m in job.artifacts]
    parts.append(Text(HINT, "dim") if job.active else Text(ended_line(job), STYLES[job.state]))
    return Group(*parts)


def print_jobs(console: Console, jobs: Sequence[Job]) -> None:
    """A table of jobs, a line each."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("job", no_wrap=True)
    table.add_column("state", no_wrap=True)
    for column in ("step", "loss", "took", "left"):
        table.add_column(column, justify="right", no_wrap=True)
    for job in jobs:
        progress = job.progress
        table.add_row(
            Text(job.id),
            Text(job.state, STYLES[job.state]),
            _of(progress) if progress else "",
            loss_of(progress.loss) if progress and progress.loss is not None else "",
            duration(job.seconds),
            duration(progress.eta) if progress and progress.eta and job.active else "",
        )
    console.print(table)


def plain(job: Job, folder: Path) -> dict[str, Any]:
    """A job as plain data. `folder` is the job's own."""
    progress = job.progress
    return {
        "job": job.id,
        "recipe": job.spec.recipe,
        "state": job.state,
        "reason": job.reason,
        "on": job.spec.on,
        "step": progress.step if progress else 0,
        "total": progress.total if progress else None,
        "loss": progress.loss if progress else None,
        "lr": progress.lr if progress else None,
        "tokens_per_second": progress.tokens_per_second if progress else None,
        "eta": progress.eta if progress and job.active else None,
        "checkpoint": job.checkpoint,
        "seconds": job.seconds,
        "attempts": job.attempts,
        "created": job.spec.created,
        "updated": job.updated,
        "settings": job.spec.settings,
        "artifacts": [
            {
                "name": artifact.name,
                "bytes": artifact.bytes,
                "path": str(folder / "artifacts" / artifact.name),
            }
            for artifact in job.artifacts
        ],
    }


def loss_of(loss: float) -> str:
    """`2.3105`, `1.47e-12`."""
    return f"{loss:.4f}" if abs(loss) >= 0.001 or loss == 0 else f"{loss:.2e}"


def duration(seconds: float) -> str:
    """`7 s`, `2:05`, `1:02:05`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def size_of(count: float) -> str:
    """`12 bytes`, `3.4 kB`, `98 MB`."""
    if count < 1000:
        return f"{count:.0f} bytes"
    for unit in ("kB", "MB", "GB"):
        count /= 1000
        if count < 1000 or unit == "GB":
            return f"{count:.3g} {unit}"
    raise AssertionError(count)


def _of(progress: Progress) -> str:
    return f"{progress.step}/{progress.total}" if progress.total else str(progress.step)
