"""What came of a job, as something to talk to, to measure, to train on, or to make smaller.

    connect("job:last")       the model of the job that was started last
    connect("job:372ec3")     of the one with this in its id

A job leaves a model (`model.gguf`) or an adapter (`adapter.gguf`) for the model it was tuned on,
which may be the model of another job.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from agentlab.backend import Backend
from agentlab.backends.llamacpp import registry
from agentlab.backends.schemes import Meaning, Offered, Scheme, scheme_of
from agentlab.errors import ConfigError
from agentlab.places.home import home
from agentlab_tools.train import made_in_labs
from agentlab_tools.train.jobs import Jobs

PREFIX = "job:"
_NEWEST = 8


def home_jobs() -> Jobs:
    """The jobs in AGENTLAB_HOME."""
    return Jobs(home() / "jobs")


def served(jobs: Jobs, name: str) -> str:
    """What loads for a name: that of a job, `job:…`, `lab:…`, `local:…`, or a path to a GGUF.

    Raises:
        ConfigError: there is no such job, or it left no model; nothing was made in that lab; or the
            name is of a hosted model.
    """
    scheme = scheme_of(name)
    if scheme is not None and scheme.name == made_in_labs.SCHEME.name:
        return made_in_labs.made_in(name)
    if scheme is not None and scheme.name != SCHEME.name and scheme.local:
        return name
    name = name.removeprefix(PREFIX)
    if ":" in name:
        raise ConfigError(f"{name[:80]!a} is not on this machine: name a job, or local:…")
    return jobs.model(name)


def plain(name: str) -> str:
    """A name without the `hf:` that may precede a folder or a hub name; other names as they are."""
    base, _ = registry.split(name)
    return name.removeprefix("hf:") if not base.endswith(".gguf") else name


def unmerged(jobs: Jobs, name: str) -> str | None:
    """The folder or hub name that a job's adapter is for; None where llama.cpp loads its base."""
    try:
        base, adapters = registry.split(plain(jobs.model(name)))
    except ConfigError:
        return None  # a recipe of somebody's own, which does not say
    return base if adapters and not registry.is_gguf(base) else None


def means(name: str) -> Meaning:
    """The model that `job:…` stands for.

    Raises:
        ConfigError: as `served`; or the job made an adapter for a model that is no GGUF yet.
    """
    jobs = home_jobs()
    job = jobs.get(name.removeprefix(PREFIX))
    if base := unmerged(jobs, job.id):
        raise ConfigError(
            f"job {job.short} made an adapter for {base}, which is no GGUF: "
            f"`agentlab quantize {job.short} F16` makes one file of both"
        )
    details = {"name": f"{PREFIX}{job.id}", "title": f"made by job {job.id}"}
    return jobs.model(job.id), details


def open_backend(name: str, **options: Any) -> Backend:
    """The backend of `job:…`, for `connect`; options are those of a local model.

    Raises:
        ConfigError: as `means`, or as `connect` for a local model.
    """
    from agentlab.backends import connect  # opens a model

    model, details = means(name)
    return connect(model, **{**details, **options})


def offered() -> Iterator[Offered]:
    """The newest models that training jobs made."""
    jobs = [job for job in home_jobs().list() if job.made_model]
    for job in jobs[:_NEWEST]:
        when = f"{datetime.fromtimestamp(job.spec.created).astimezone():%d %b %H:%M}"
        recipe = Path(job.spec.recipe).stem
        yield Offered(f"{PREFIX}{job.short}", f"made here by {recipe}, {when}", note="trained here")


SCHEME = Scheme("job", local=True, opens=open_backend, lists=offered, means=means)
