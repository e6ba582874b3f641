"""An evaluation whose samples are asked by workers on a cluster."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from agentlab.backends.schemes import is_local
from agentlab.evaluate import Evaluation, Plan
from agentlab.labs.values import Lab
from agentlab_tools.cluster.enclosed import referred
from agentlab_tools.cluster.guest import packed
from agentlab_tools.cluster.interviewer import Brief, Interviewer
from agentlab_tools.cluster.interviewers import asked_by
from agentlab_tools.cluster.where import files_of, size_on, told
from agentlab_tools.cluster.workers import Workers


@asynccontextmanager
async def asked_on(
    ray: Any,
    evaluation: Evaluation,
    plan: Plan,
    lab: Lab | None,
    *,
    backend: str,
    judge: str | None = None,
    concurrency: int | None = None,
    say: Callable[[str], object],
) -> AsyncGenerator[Evaluation]:
    """The same evaluation, with workers that ask; they are gone when the context is left.

    Args:
        plan: what the evaluation's task was opened from: the nodes open the same.
        lab: whose step it is, where it is one.
        backend, judge: models by name, as the nodes open them, too.
        concurrency: samples at once on the whole cluster; None for as many as it has room for.
        say: is told what befalls the workers.
    """
    home = told(backend, *((judge,) if judge else ()))
    brief = Brief(
        **home.model_dump(),
        plan=plan,
        evaluation=evaluation.name,
        backend=backend,
        judge=judge,
        fingerprint=evaluation.task.fingerprint(tuple(s.name for s in evaluation.scorers)),
    )
    folder = packed(lab.folder) if lab and lab.folder else None
    sent = (brief.model_dump_json(), folder, referred(ray, files_of(home)))
    threads = home.threads if is_local(backend) else None
    size = size_on(ray, threads, concurrency=concurrency)
    async with Workers(ray, Interviewer, sent, size, say) as workers:
        ask = asked_by(workers, evaluation.folder)
        yield replace(evaluation, ask=ask, concurrency=workers.size)
