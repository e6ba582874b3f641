"""What came of a job, as something to talk to, to measure, or to make smaller.

A job leaves a model (`model.gguf`) or an adapter for one (`adapter.gguf`, beside the name of the
model it was tuned on). Both answer to the job's name.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentlab.backend import Backend
from agentlab.errors import ConfigError
from agentlab_tools.train.jobs import Jobs

ADAPTER = "adapter.gguf"


@dataclass(frozen=True)
class Served:
    """A local model: what `connect` takes, and perhaps an adapter to put on it."""

    model: str
    adapter: Path | None = None

    def open(self, **options: Any) -> Backend:
        """Connect to it.

        Raises:
            ConfigError: it is not there, or can't be opened.
        """
        from agentlab.backends import connect  # noqa: PLC0415 - opens a model

        if self.adapter is not None:
            options["adapter"] = self.adapter
        return connect(self.model, **options)


def served(jobs: Jobs, name: str) -> Served:
    """The model of a name: a job's, `local:…`, or a path that ends in `.gguf`.

    Raises:
        ConfigError: there is no such job, or it left no model; or the name is of a hosted model.
    """
    if name.startswith("local:") or name.endswith(".gguf"):
        return Served(name)
    if ":" in name:
        raise ConfigError(f"{name[:80]!a} is not on this machine: name a job, or local:…")
    job = jobs.get(name)
    files = {path.name: path for path in jobs.artifacts(job.id) if path.suffix == ".gguf"}
    if ADAPTER in files:
        base = job.spec.settings.get("model")
        if not isinstance(base, str):
            raise ConfigError(f"job {job.id} does not say which model its adapter belongs to")
        return Served(base, files[ADAPTER])
    whole = files.get("model.gguf") or next(iter(files.values()), None)
    if whole is None:
        raise ConfigError(f"job {job.id} is {job.state}, and left no model")
    return Served(str(whole))
