"""A training job as a value: what was asked for, and how far it has come."""

from __future__ import annotations

import re
import secrets
import time
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from pydantic import Field

from agentlab.messages import Value
from agentlab_tools.train.events import Made, Progress

FORMAT: Final = "agentlab-job"
VERSION: Final = 1

State: TypeAlias = Literal[
    "starting", "running", "stopping", "completed", "cancelled", "failed", "lost"
]
"""`lost`: its process is gone and has not said why (killed, or the machine went down)."""
ACTIVE: Final = ("starting", "running", "stopping")


class JobLimits(Value):
    """What a job may use. None is no bound."""

    seconds: float | None = Field(default=None, gt=0)
    """Of one attempt; the job then stops as if cancelled, with a checkpoint."""
    memory: int | None = Field(default=None, gt=0)
    """Bytes of memory of the process and what it starts; beyond it the job ends at once."""
    threads: int | None = Field(default=None, ge=1)
    """Of the libraries that compute."""


class JobSpec(Value):
    """What was asked for: the first line of a job's journal. Never changes."""

    format: Literal["agentlab-job"] = FORMAT
    version: int = Field(default=VERSION, ge=1, strict=True)
    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$")
    recipe: str
    """A name, or the absolute path of a file."""
    settings: dict[str, Any] = {}
    created: float = Field(default_factory=time.time)
    """Seconds since the epoch."""
    folder: str = "."
    """Where it was submitted: relative paths in its settings are seen from there."""
    data: str = ""
    """A hash of what it learns from, as it was; empty where that is in no file. See `sources`."""
    on: str = "local"
    """Where it runs: `local`, `ray`, or `ray:ADDRESS`."""
    limits: JobLimits = JobLimits()
    every: float = Field(default=60.0, ge=0)
    """Seconds between checkpoints."""
    keep: int = Field(default=2, ge=1)
    """How many checkpoints stay."""

    @property
    def seed(self) -> int:
        """The recipe's seed."""
        seed = self.settings.get("seed", 0)
        return seed if isinstance(seed, int) else 0


@dataclass(frozen=True)
class Job:
    """A job, as its journal and the table of processes tell it.

    Attributes:
        reason: why it ended, if it did not complete.
        progress: the last step that was told of.
        checkpoint: the step of the newest checkpoint; resuming goes on from it.
        seconds: how long its attempts took or have taken, together.
        attempts: how often a process took it up.
        pid: of the process that has it, while it is active.
        torn: bytes of its journal that are no whole line of a record.
    """

    spec: JobSpec
    state: State
    reason: str = ""
    progress: Progress | None = None
    checkpoint: int | None = None
    artifacts: tuple[Made, ...] = ()
    said: str = ""
    seconds: float = 0.0
    updated: float = 0.0
    attempts: int = 0
    pid: int | None = None
    torn: int = 0

    @property
    def id(self) -> str:
        """The job's name."""
        return self.spec.id

    @property
    def short(self) -> str:
        """What of the id is enough to name it: six characters."""
        return self.id.split("-")[2] if self.id.count("-") > 2 else self.id

    @property
    def made_model(self) -> bool:
        """Whether it is complete, and left something that can be talked to as `job:…`."""
        return self.state == "completed" and any(m.name.endswith(".gguf") for m in self.artifacts)

    @property
    def active(self) -> bool:
        """Whether a process has it, or is about to."""
        return self.state in ACTIVE


def new_job_id(recipe: str) -> str:
    """Sorts by time and does not collide: `20261124-101530-482f3a-lora`."""
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", recipe).strip("-.")[:40]
    return f"{stamp}-{secrets.token_hex(3)}-{plain or 'job'}"
