"""Traces: one run, one JSONL file, on disk before anything is shown.

    {"format": "agentlab-trace", "version": 1, "run": "…", "created": …, "agent": …, …}
    {"seq": 0, "at": 1764000000.12, "event": {"kind": "run_started", "messages": […]}}
    {"seq": 1, "at": 1764000000.34, "event": {"kind": "model_replied", "reply": {…}}}

The first line says what ran; every further line is one event. Each message stands in the file once,
so a file grows in line with its run. Blobs lie beside it, by hash, in `blobs/`.

Guaranteed: after `kill -9` at any moment, every event that was shown is in the file, and the file
loads; at most the record being written is lost, and `Trace.torn` says so. The words of a
reply that is still being streamed are no event: the reply is kept once it is whole. Not
guaranteed: the last moments before a power cut (the file is not fsynced).
"""

from __future__ import annotations

import os
import re
import secrets
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeAlias, cast

from pydantic import Field, TypeAdapter, ValidationError, field_validator
from pydantic_core import from_json

from agentlab.approval import Policy
from agentlab.backend import BackendIdentity, Settings, ToolSpec
from agentlab.errors import TraceError
from agentlab.events import STORED_KINDS, RunStarted, StoredEvent, UnknownEvent
from agentlab.limits import Limits
from agentlab.messages import Value, Words
from agentlab.private import private_folder, write_private
from agentlab.regular import open_regular
from agentlab.trace import jsonlines
from agentlab.trace.collector import no_collector

FORMAT: Final = "agentlab-trace"
VERSION: Final = 1
SUFFIX: Final = ".jsonl"
_LAST = re.compile(r"last(?:~(\d{1,6}))?")
RUN_ID = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$")


Clock: TypeAlias = Annotated[float, Field(ge=0, le=253_000_000_000, allow_inf_nan=False)]
"""Seconds since the epoch, in a year that calendars can express."""


class ParentRun(Value):
    """The run this one came from: as a tool call of it, or as a fork at one of its events.

    A fork's events up to `seq` are its parent's; that one itself may have been edited.
    """

    run: str
    call_id: str | None = None
    seq: int | None = None


class TraceHeader(Value):
    """What ran."""

    format: Literal["agentlab-trace"] = FORMAT
    version: int = Field(default=VERSION, ge=1, strict=True)
    run: str = Field(pattern=RUN_ID.pattern)
    created: Clock
    agentlab: str = ""
    program: Words = ""
    """What made the run: a script's name, a module's, or a command."""
    agent: str = "agent"
    backend: BackendIdentity
    tools: tuple[ToolSpec, ...] = ()
    settings: Settings = Settings()
    limits: Limits = Limits()
    approval: Policy | None = None
    """Which calls needed consent; None where a function decided that."""
    output: dict[str, Any] | None = None
    """The JSON Schema of the answer; None for plain text."""
    parent: ParentRun | None = None
    labels: dict[str, str] = {}
    """Where the run belongs, e.g. `{"lab": "m5/tool-use", "step": "first-call"}`."""

    @field_validator("labels", mode="before")
    @classmethod
    def _as_named_now(cls, labels: Any) -> Any:
        """Traces written before 0.2 call a lab `scenario`."""
        if not isinstance(labels, dict):
            return labels
        given = cast(dict[str, Any], labels)
        return {"lab" if key == "scenario" else key: value for key, value in given.items()}


class Record(Value):
    """One event, and when it happened."""

    seq: int
    at: Clock
    event: Annotated[StoredEvent | UnknownEvent, Field(discriminator="kind")]


_RECORD: Final = TypeAdapter(Record).validator


def new_run_id() -> str:
    """Sorts by time, to the millisecond, and does not collide: `20261124-101530-482f9ac2b17`."""
    now = time.time()
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(now))
    return f"{stamp}-{int(now * 1000) % 1000:03d}{secrets.token_hex(4)}"


def trace_path(folder: Path, run: str) -> Path:
    """Where the trace of a run lies."""
    return folder / f"{run}{SUFFIX}"


@dataclass(frozen=True)
class BlobFolder:
    """Blobs beside traces: `blobs/<sha256>`."""

    folder: Path

    def path(self, sha256: str) -> Path:
        """Where a blob lies. The hash was checked to be one, so this cannot leave the folder."""
        return self.folder / "blobs" / sha256

    def put(self, sha256: str, data: bytes) -> None:
        """Write a blob whole or not at all."""
        path = self.path(sha256)
        if path.exists():
            return
        private_folder(path.parent)
        part = path.with_name(f".{sha256}.{secrets.token_hex(4)}.part")
        try:
            write_private(part, data)
            part.replace(path)
        except OSError:
            part.unlink(missing_ok=True)
            raise


@dataclass(frozen=True)
class Trace:
    """A run, read back.

    Attributes:
        torn: bytes at the end of the file that are no whole record (a crash in mid-write), or were
            skipped inside it.
    """

    path: Path
    header: TraceHeader
    records: tuple[Record, ...]
    torn: int = 0

    @classmethod
    def load(cls, path: Path | str) -> Trace:
        """Read a trace file; a torn tail is left out and counted.

        Raises:
            TraceError: there is no such file, or it is not a trace.
            TraceVersionError: a newer AgentLab wrote it.
        """
        path = Path(path)
        try:
            with open_regular(path) as file:
                header = _read_header(path, jsonlines.first_line(file))
                with no_collector():
                    records, torn = _read_records(file, BlobFolder(path.parent))
        except OSError as error:
            raise TraceError(f"{path}: {error.strerror or error}") from error
        return cls(path=path, header=header, records=tuple(records), torn=torn)

    @property
    def events(self) -> tuple[StoredEvent | UnknownEvent, ...]:
        """What happened, without clocks and numbers."""
        return tuple(record.event for record in self.records)

    @property
    def question(self) -> str:
        """What the run was asked: the words of the last turn that a person said as it began."""
        first = self.records[0].event if self.records else None
        messages = first.messages if isinstance(first, RunStarted) else ()
        return next((m.text for m in reversed(messages) if m.role == "user"), "")


def trace_names(folder: Path) -> list[str]:
    """The names of the trace files in a folder, newest first."""
    try:
        names = os.listdir(folder)  # noqa: PTH208 -- of 100,000 files, only the names
    except OSError:  # no folder, or somebody else's
        return []
    return sorted((name for name in names if name.endswith(SUFFIX)), reverse=True)


def runs_in(folder: Path) -> Iterator[Path]:
    """The trace files in a folder, newest first by name."""
    yield from (folder / name for name in trace_names(folder))


def has_runs(folder: Path) -> bool:
    """Whether there is a trace file in a folder."""
    try:
        with os.scandir(folder) as entries:
            return any(entry.name.endswith(SUFFIX) for entry in entries)
    except OSError:
        return False


def find_run(folder: Path, name: str) -> Path:
    """A run by path, by id, by the start of its id, `last`, or `last~1` for the one before.

    Raises:
        TraceError: there is none, or several.
    """
    given = Path(name)
    if given.suffix == SUFFIX and os.path.lexists(given):  # what it is, reading it will tell
        return given
    runs = list(runs_in(folder))
    if (back := _LAST.fullmatch(name)) and int(back[1] or 0) < len(runs):
        return runs[int(back[1] or 0)]
    matching = [run for run in runs if run.stem == name] or [
        run for run in runs if run.stem.startswith(name)
    ]
    if len(matching) == 1:
        return matching[0]
    if not runs:
        raise no_runs(folder)
    if not matching:
        raise TraceError(f"no run {name!r} in {folder}: `agentlab traces` lists those there are")
    raise TraceError(
        f"{name!r} names {len(matching)} runs: {matching[-1].stem}, {matching[0].stem}, …"
    )


def no_runs(folder: Path) -> TraceError:
    """The error that says where runs were looked for, and where else they may be."""
    here = Path(os.path.realpath("runs"))  # `resolve` fails where links go round in a circle
    other = os.path.realpath(folder) != str(here) and next(runs_in(here), None) is not None
    hint = f"; there are some in {here}: add --runs {here}" if other else ""
    return TraceError(
        f"no runs in {folder}: that is where they are kept, unless --runs, AGENTLAB_HOME or "
        f"Agent(runs=…) names another folder{hint}"
    )


def read_header(path: Path) -> TraceHeader:
    """Only the first line of a trace.

    Raises:
        TraceError: as `Trace.load`.
    """
    try:
        with open_regular(path) as file:
            return _read_header(path, jsonlines.first_line(file))
    except OSError as error:
        raise TraceError(f"{path}: {error.strerror or error}") from error


def _read_header(path: Path, line: bytes) -> TraceHeader:
    fields = jsonlines.read_header(path, line, format=FORMAT, version=VERSION, what="a trace")
    try:
        return TraceHeader.model_validate(fields)
    except ValidationError as error:
        raise jsonlines.damaged(path, error) from None


def _read_records(lines: Iterable[bytes], store: BlobFolder) -> tuple[list[Record], int]:
    """The records, and how many bytes are none."""
    read = _RECORD.validate_json
    records: list[Record] = []
    torn = 0
    for line in lines:
        record = None
        # a line without its end is what a crash left, whatever it holds
        if line.endswith(b"\n"):
            try:
                record = read(line, context=store)
            except ValidationError:
                record = _read_unknown(line)
        if record is None:
            torn += len(line.strip())
        else:
            records.append(record)
    return records, torn


def _read_unknown(line: bytes) -> Record | None:
    """A record whose event is of a kind that this version does not know."""
    try:
        raw: Any = from_json(line)
        event = raw["event"]
        # one without a kind is no newer event, but a damaged one
        if not isinstance(event["kind"], str) or event["kind"] in STORED_KINDS:
            return None
        return Record(seq=raw["seq"], at=raw["at"], event=UnknownEvent(data=event))
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
