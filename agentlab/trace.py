"""Traces: one run, one JSONL file, on disk before anything is shown.

    {"format": "agentlab-trace", "version": 1, "run": "…", "created": …, "agent": …, …}
    {"seq": 0, "at": 1764000000.12, "event": {"kind": "run_started", "messages": […]}}
    {"seq": 1, "at": 1764000000.34, "event": {"kind": "model_replied", "reply": {…}}}

The first line says what ran; every further line is one event. Each message stands in the file once,
so a file grows in line with its run. Blobs lie beside it, by hash, in `blobs/`.

Guaranteed: after `kill -9` at any moment, every event that was shown is in the file, and the file
loads; at most the record being written is lost, and `Trace.torn` says so. Not guaranteed: the last
moments before a power cut (the file is not fsynced).
"""

from __future__ import annotations

import os
import re
import secrets
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, cast

from pydantic import Field, ValidationError
from pydantic_core import from_json, to_json

from agentlab.backend import BackendIdentity, Settings, ToolSpec
from agentlab.errors import TraceError, TraceVersionError
from agentlab.events import STORED_KINDS, StoredEvent, UnknownEvent
from agentlab.limits import Limits
from agentlab.messages import Value

FORMAT: Final = "agentlab-trace"
VERSION: Final = 1
SUFFIX: Final = ".jsonl"
RUN_ID = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$")


class ParentRun(Value):
    """The run this one came from: as a tool call of it, or as a fork after one of its events."""

    run: str
    call_id: str | None = None
    seq: int | None = None


class TraceHeader(Value):
    """What ran."""

    format: Literal["agentlab-trace"] = FORMAT
    version: int = VERSION
    run: str = Field(pattern=RUN_ID.pattern)
    created: float
    """Seconds since the epoch."""
    agentlab: str = ""
    agent: str = "agent"
    backend: BackendIdentity
    tools: tuple[ToolSpec, ...] = ()
    settings: Settings = Settings()
    limits: Limits = Limits()
    parent: ParentRun | None = None
    labels: dict[str, str] = {}
    """Where the run belongs, e.g. `{"scenario": "m5/tool-use", "step": "first-call"}`."""


class Record(Value):
    """One event, and when it happened."""

    seq: int
    at: float
    """Seconds since the epoch."""
    event: StoredEvent | UnknownEvent


def new_run_id() -> str:
    """Sorts by time and does not collide: `20261124-101530-1f9ac2b7`."""
    return time.strftime("%Y%m%d-%H%M%S-", time.gmtime()) + secrets.token_hex(4)


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
        path.parent.mkdir(exist_ok=True)
        part = path.with_name(f".{sha256}.{os.getpid()}.part")
        try:
            part.write_bytes(data)
            part.replace(path)
        except OSError:
            part.unlink(missing_ok=True)
            raise


class TraceWriter:
    """Appends events to one run's file.

    Args:
        folder: where runs are kept; made if need be.
        header: what runs. A writer for a run that is already there goes on behind its last record.
        secret: values that must never reach the file; each is replaced by `[secret]`.

    Raises:
        TraceError: the folder cannot be made, or the file cannot be written.
    """

    def __init__(self, folder: Path, header: TraceHeader, *, secret: Iterable[str] = ()) -> None:
        self.path = trace_path(folder, header.run)
        self._blobs = BlobFolder(folder)
        self._secret = _spellings(secret)
        self._seq = 0
        self._torn = False
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if self.path.exists():
                self._seq = _repair(self.path)
                self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND)
            else:
                flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL
                self._file = os.open(self.path, flags, 0o600)
                self._write(header.model_dump_json(exclude_defaults=False).encode())
        except OSError as error:
            raise _cannot_write(self.path, error) from error

    def append(self, event: StoredEvent) -> None:
        """Write one event. When this returns, the event survives the death of this process.

        Raises:
            TraceError: the disk is full, or the file is gone. What was written before stays.
        """
        try:
            body = event.model_dump_json(context=self._blobs)
            head = f'{{"seq":{self._seq},"at":{time.time():.6f},"event":'
            self._write(f"{head}{body}}}".encode())
        except OSError as error:
            raise _cannot_write(self.path, error) from error
        self._seq += 1

    def close(self) -> None:
        """Let go of the file. Closing twice does no harm."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _write(self, line: bytes) -> None:
        for spelling in self._secret:
            if spelling in line:
                line = line.replace(spelling, b"[secret]")
        # After a write that failed half-way, the next record starts on a line of its own
        data = b"\n" + line + b"\n" if self._torn else line + b"\n"
        self._torn = True
        while data:
            data = data[os.write(self._file, data) :]
        self._torn = False


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
    def load(cls, path: Path) -> Trace:
        """Read a trace file; a torn tail is left out and counted.

        Raises:
            TraceError: there is no such file, or it is not a trace.
            TraceVersionError: a newer AgentLab wrote it.
        """
        try:
            data = path.read_bytes()
        except OSError as error:
            raise TraceError(f"{path}: {error.strerror or error}") from error
        first, _, rest = data.partition(b"\n")
        header = _read_header(path, first)
        store = BlobFolder(path.parent)
        records: list[Record] = []
        torn = 0
        for line in rest.splitlines(keepends=True):
            record = _read_record(line, store) if line.endswith(b"\n") else None
            if record is None:
                torn += len(line.strip())
            else:
                records.append(record)
        return cls(path=path, header=header, records=tuple(records), torn=torn)

    @property
    def events(self) -> tuple[StoredEvent | UnknownEvent, ...]:
        """What happened, without clocks and numbers."""
        return tuple(record.event for record in self.records)


def runs_in(folder: Path) -> Iterator[Path]:
    """The trace files in a folder, newest first by name."""
    if folder.is_dir():
        yield from sorted(folder.glob(f"*{SUFFIX}"), reverse=True)


def find_run(folder: Path, name: str) -> Path:
    """A run by path, by id, by the start of its id, or `last`.

    Raises:
        TraceError: there is none, or several.
    """
    given = Path(name)
    if given.suffix == SUFFIX and given.is_file():
        return given
    runs = list(runs_in(folder))
    if name == "last" and runs:
        return runs[0]
    found = [run for run in runs if run.stem == name] or [
        run for run in runs if run.stem.startswith(name)
    ]
    if len(found) == 1:
        return found[0]
    if not found:
        raise TraceError(f"no run {name!r} in {folder}: `agentlab traces` lists those there are")
    raise TraceError(f"{name!r} names {len(found)} runs: {found[-1].stem}, {found[0].stem}, …")


def read_header(path: Path) -> TraceHeader:
    """Only the first line of a trace.

    Raises:
        TraceError: as `Trace.load`.
    """
    try:
        with path.open("rb") as file:
            return _read_header(path, file.readline().rstrip(b"\n"))
    except OSError as error:
        raise TraceError(f"{path}: {error.strerror or error}") from error


def _read_header(path: Path, line: bytes) -> TraceHeader:
    try:
        raw = cast(object, from_json(line))
    except ValueError:
        raise TraceError(f"{path} is not a trace: its first line is not JSON") from None
    if not isinstance(raw, dict) or cast(dict[str, Any], raw).get("format") != FORMAT:
        raise TraceError(f"{path} is not a trace: its first line does not say {FORMAT!r}")
    fields = cast(dict[str, Any], raw)
    version = fields.get("version")
    if not isinstance(version, int) or not 1 <= version <= VERSION:
        written = str(fields.get("agentlab"))[:40]
        raise TraceVersionError(
            f"{path} has trace format {str(version)[:20]}; this AgentLab reads up to {VERSION}: "
            f"install agentlab-kit {written} or newer to read it"
        )
    try:
        return TraceHeader.model_validate(raw)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise TraceError(f"{path} has a damaged header: {where}: {first['msg']}") from None


def _read_record(line: bytes, store: BlobFolder) -> Record | None:
    try:
        return Record.model_validate_json(line, context=store)
    except ValidationError:
        pass
    try:
        raw: Any = from_json(line)
        event = dict(raw["event"])
        if event.get("kind") in STORED_KINDS:
            return None
        return Record(seq=raw["seq"], at=raw["at"], event=UnknownEvent(data=event))
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def _repair(path: Path) -> int:
    """Cut a torn tail off, and return the number of the next record."""
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole == 0:
        raise TraceError(f"{path} is not a trace: it has no whole line")
    if whole < len(data):
        os.truncate(path, whole)
    trace = Trace.load(path)
    return trace.records[-1].seq + 1 if trace.records else 0


def _spellings(secret: Iterable[str]) -> tuple[bytes, ...]:
    """How a value can stand in a line of JSON: escaped once, or twice inside JSON in JSON.

    Values under six characters are left out: they would blank out ordinary words.
    """
    found: list[bytes] = []
    for value in sorted({s for s in secret if len(s) >= 6}, key=len, reverse=True):
        once = to_json(value)[1:-1]
        twice = to_json(once.decode())[1:-1]
        found += [spelling for spelling in (twice, once) if spelling not in found]
    return tuple(found)


def _cannot_write(path: Path, error: OSError) -> TraceError:
    why = error.strerror or str(error)
    return TraceError(
        f"the trace can't be written to {path}: {why}. What was written before is safe; "
        f"free some space or choose another folder"
    )
