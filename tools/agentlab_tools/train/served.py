"""What came of a job, as something to talk to, to measure, to train on, or to make smaller.

    connect("job:last")       the model of the job that was started last
    connect("job:372ec3")     of the one with this in its id

A job leaves a model (`model.gguf`) or an adapter (`adapter.gguf`) for the model it was tuned on,
which may be the model of another job.
"""

from __future__ import annotations

from typing import Any

from agentlab.backend import Backend
from agentlab.errors import ConfigError
from agentlab_tools.train.jobs import Jobs

SCHEME = "job:"


def home_jobs() -> Jobs:
    """The jobs in AGENTLAB_HOME."""
    from agentlab.places.home import home  # noqa: PLC0415 - reads the environment

    return Jobs(home() / "jobs")


def served(jobs: Jobs, name: str) -> str:
    """What `connect` takes for a name: that of a job, `job:…`, `local:…`, or a path to a GGUF.

    Raises:
        ConfigError: there is no such job, or it left no model; or the name is of a hosted model.
    """
    if name.startswith("local:") or name.endswith(".gguf"):
        return name
    name = name.removeprefix(SCHEME)
    if ":" in name:
        raise ConfigError(f"{name[:80]!a} is not on this machine: name a job, or local:…")
    return jobs.model(name)


def open_backend(name: str, **options: Any) -> Backend:
    """The backend of `job:…`, for `connect`; options are those of a local model.

    Raises:
        ConfigError: as `served`, or as `connect` for a local model.
    """
    from agentlab.backends import connect  # noqa: PLC0415 - opens a model

    jobs = home_jobs()
    job = jobs.get(name.removeprefix(SCHEME))
    told = {"name": f"{SCHEME}{job.id}", "title": f"made by job {job.id}"}
    return connect(jobs.model(job.id), **{**told, **options})
