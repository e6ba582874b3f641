"""Tools by which an agent trains models: start a job, see how it goes, stop it, use what it made.

    agent = Agent(backend=backend, tools=training_tools(Jobs(folder)), approver=…)

Starting, stopping and quantizing ask a person first, unless the agent's policy allows them by name.
An agent can start the recipes that are installed, never a file, and one job at a time; a job is
bounded in time. The tools of this module's own names use `deps`, if that is `Jobs`, else the jobs
that `agentlab jobs` shows.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field

from agentlab.errors import AgentLabError, ToolError
from agentlab.tooling import Tool, ToolContext, tool
from agentlab.tooling.threads import in_thread
from agentlab_tools.train.events import Progress
from agentlab_tools.train.jobs import Job, JobLimits, Jobs
from agentlab_tools.train.jobs.journal import JournalReader
from agentlab_tools.train.recipe import recipe_names

LIMITS = JobLimits(seconds=3600)
"""What a job that an agent starts may use."""
_POINTS = 12
_MINUTES = 30 * 60.0
_NO_LIMIT = None  # the wait itself is bounded

Found: TypeAlias = Callable[[ToolContext], Jobs]
Setting: TypeAlias = str | int | float | bool | None
JobName: TypeAlias = Annotated[str, Field(description="the job's id, or last")]
Kind: TypeAlias = Literal["Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M", "Q4_0"]


def training_tools(
    jobs: Jobs, *, recipes: Mapping[str, str] | None = None, limits: JobLimits = LIMITS
) -> tuple[Tool[Any], ...]:
    """`start_training`, `training_status`, `stop_training`, `evaluate_model`, `quantize_model`.

    Args:
        recipes: what may be started: names, and the recipe each stands for. Those installed, if
            not given.
        limits: of every job.
    """
    return _tools(lambda _context: jobs, recipes, limits)


def _default(context: ToolContext) -> Jobs:
    if isinstance(context.deps, Jobs):
        return context.deps
    from agentlab.places.home import home  # reads the environment

    return Jobs(home() / "jobs")


def _tools(
    jobs_of: Found, recipes: Mapping[str, str] | None, limits: JobLimits
) -> tuple[Tool[Any], ...]:
    @tool(ask=True)
    def start_training(
        recipe: Annotated[str, Field(description="what to do, e.g. lora")],
        context: ToolContext,
        data: Annotated[str | None, Field(description="what to learn from: a file")] = None,
        settings: Annotated[
            dict[str, Setting] | None, Field(description='e.g. {"steps": 100, "lr": 0.0005}')
        ] = None,
    ) -> str:
        """Start training a model. It goes on in the background; training_status tells how."""
        available = recipes or {name: name for name in recipe_names()}
        if recipe not in available:
            raise ToolError(f"no recipe {recipe!r}; there are: {', '.join(available) or 'none'}")
        jobs = jobs_of(context)
        busy = next((job for job in jobs.list() if job.active), None)
        if busy is not None:
            raise ToolError(f"job {busy.id} is still {busy.state}: wait for it, or stop it")
        values: dict[str, Any] = dict(settings or {})
        if data is not None:
            values["data"] = data
        job = _refusing(lambda: jobs.submit(available[recipe], values, limits=limits))
        return f"job {job.id} is {job.state}"

    @tool(timeout=_NO_LIMIT, read_only=True)
    async def training_status(
        context: ToolContext,
        job: JobName = "last",
        wait: Annotated[float, Field(description="seconds to wait for its end", ge=0, le=600)] = 0,
    ) -> str:
        """How a training job goes: its state, loss, speed, time left, and what it made."""
        jobs = jobs_of(context)
        reader = _refusing(lambda: jobs.open(job))
        return await in_thread(lambda: _waited(jobs, reader, wait, context))

    @tool(ask=True)
    def stop_training(context: ToolContext, job: JobName = "last") -> str:
        """Stop a training job, after a checkpoint."""
        jobs = jobs_of(context)
        return _standing(jobs, _refusing(lambda: jobs.cancel(job)), {})

    @tool(timeout=_MINUTES, read_only=True)
    async def evaluate_model(
        model: Annotated[str, Field(description="a job's id, last, or e.g. local:smollm2")],
        context: ToolContext,
        cases: Annotated[int, Field(description="of each sort", ge=1, le=50)] = 3,
    ) -> str:
        """Measure how well a model calls tools it has never seen: the share of right answers."""
        from agentlab.backends import connect  # opens a model
        from agentlab_tools.train.served import served
        from agentlab_tools.train.toolcalling.evaluate import measure, total
        from agentlab_tools.train.toolcalling.generate import balanced

        jobs = jobs_of(context)
        backend = await in_thread(lambda: _refusing(lambda: connect(served(jobs, model))))
        try:
            drawn = await in_thread(lambda: balanced("heldout", cases, 11))
            scores = await measure(backend, drawn)
        finally:
            await backend.aclose()
        lines = [f"{category}: {score}" for category, score in scores.items()]
        return "\n".join([f"all: {total(scores)}", *lines])

    @tool(timeout=_MINUTES, ask=True)
    def quantize_model(
        job: Annotated[str, Field(description="the job that made the model")],
        context: ToolContext,
        kind: Annotated[Kind, Field(description="fewer bits, smaller file")] = "Q4_K_M",
    ) -> str:
        """Make a smaller copy of a model that a job made; it is kept with the job."""
        jobs = jobs_of(context)
        name = _refusing(lambda: jobs.get(job)).id
        return _refusing(lambda: _quantized(jobs.model(name), jobs.find(name), kind))

    return start_training, training_status, stop_training, evaluate_model, quantize_model


def _quantized(model: str, folder: Path, kind: Kind) -> str:
    from agentlab_tools.train.bridge.merge import as_one_file
    from agentlab_tools.train.bridge.quantize import quantize

    artifacts = folder / "artifacts"
    with as_one_file(model, name=folder.name, beside=artifacts) as whole:
        target = quantize(whole, artifacts / f"model-{kind}.gguf", kind)
        before, after = whole.stat().st_size, target.stat().st_size
    return f"{target}: {after / 1e6:.1f} MB, was {before / 1e6:.1f} MB"


def _refusing(work: Callable[[], Any]) -> Any:
    """Do it; what a person would be told goes to the model."""
    try:
        return work()
    except AgentLabError as error:
        raise ToolError(str(error)) from error


def _waited(jobs: Jobs, reader: JournalReader, seconds: float, context: ToolContext) -> str:
    until = time.monotonic() + seconds
    status = ""
    while True:
        reader.poll()
        job = reader.job()
        if not job.active or time.monotonic() >= until:
            return _standing(jobs, job, reader.curve)
        now = _progress(job.progress) if job.progress else ""
        if now != status:
            context.emit(f"{now}\n")
            status = now
        time.sleep(min(0.5, max(until - time.monotonic(), 0)))


def _standing(jobs: Jobs, job: Job, curve: Mapping[int, Progress]) -> str:
    """A job as a model reads it."""
    lines = [f"job {job.id}: {job.state}" + (f" ({job.reason})" if job.reason else "")]
    if job.progress is not None:
        lines.append(_progress(job.progress))
    losses = [(step, p.loss) for step, p in sorted(curve.items()) if p.loss is not None]
    if len(losses) > 2:
        each = max(1, math.ceil(len(losses) / _POINTS))
        points = [losses[0], *losses[each - 1 :: each]]
        lines.append("loss: " + ", ".join(f"{loss:.3f} at {step}" for step, loss in points))
    if job.said:
        lines.append(job.said)
    for path in jobs.artifacts(job.id):
        lines.append(f"made {path}")
    return "\n".join(lines)


def _progress(progress: Progress) -> str:
    parts = [f"step {progress.step}" + (f" of {progress.total}" if progress.total else "")]
    if progress.loss is not None:
        parts.append(f"loss {progress.loss:.4f}")
    parts += [f"{name} {value:.4g}" for name, value in progress.more.items()]
    if progress.tokens_per_second:
        parts.append(f"{progress.tokens_per_second:,.0f} tokens/s")
    if progress.eta:
        parts.append(f"{progress.eta:.0f} s left")
    return ", ".join(parts)


start_training, training_status, stop_training, evaluate_model, quantize_model = _tools(
    _default, None, LIMITS
)
