"""What a training job tells while it works: the lines of its journal, one frozen value each."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field, TypeAdapter

from agentlab.messages import Value, Words


class Started(Value):
    """A process took the job up, for the first time or again after a break."""

    kind: Literal["started"] = "started"
    pid: int
    process: str
    """Tells this process from a later one with the same number; see `jobs.pids`."""
    step: int = 0
    """The step of the checkpoint it goes on from; 0 is the beginning."""


class Progress(Value):
    """One step of training is done."""

    kind: Literal["progress"] = "progress"
    step: int
    total: int | None = None
    loss: float | None = None
    lr: float | None = None
    """The learning rate of this step."""
    tokens: int = 0
    """Tokens trained on in this step."""
    tokens_per_second: float | None = None
    """Of the last half minute."""
    eta: float | None = None
    """Seconds left, at the pace of the last half minute."""
    more: dict[str, float] = {}
    """What a recipe measures beside the loss, e.g. a reward."""


class Checkpointed(Value):
    """A checkpoint is on disk, whole."""

    kind: Literal["checkpointed"] = "checkpointed"
    step: int
    bytes: int


class Made(Value):
    """An artifact is on disk, whole."""

    kind: Literal["made"] = "made"
    name: str
    bytes: int


class Said(Value):
    """A line for people, e.g. `tokenizing 12 MB of text`."""

    kind: Literal["said"] = "said"
    text: Words


Outcome: TypeAlias = Literal["completed", "cancelled", "failed"]


class Ended(Value):
    """The job is over, until somebody resumes it."""

    kind: Literal["ended"] = "ended"
    outcome: Outcome
    reason: Words = ""


JobEvent: TypeAlias = Annotated[
    Started | Progress | Checkpointed | Made | Said | Ended, Field(discriminator="kind")
]


class Record(Value):
    """An event, and when it happened, in seconds since the epoch."""

    at: float
    event: JobEvent


RECORD: TypeAdapter[Record] = TypeAdapter(Record)
