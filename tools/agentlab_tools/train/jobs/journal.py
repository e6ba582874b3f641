"""A job's journal: one file of JSON lines, from which all that is known of the job is read.

    {"format": "agentlab-job", "version": 1, "id": "2026…-lora", "recipe": "lora", …}
    {"at": 1764000000.1, "event": {"kind": "started", "pid": 4711, …}}
    {"at": 1764000001.3, "event": {"kind": "progress", "step": 1, "loss": 2.9, …}}

Why files, when the job table is DuckDB's: a DuckDB file takes one writing process, and here every
job is one, while a terminal reads. So each job appends to a file of its own, which needs no lock
but its own, loses at most the line being written to `kill -9`, and shows new lines at once; the
table (`jobs.table`) is made from these files when it is asked, so it can neither go stale nor be
damaged. The process that writes holds a lock on the file, so no two ever have the same job.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from threading import RLock

from pydantic import ValidationError

from agentlab.errors import TraceError
from agentlab.trace import jsonlines
from agentlab.trace.jsonlines import LineWriter, cut_torn_tail
from agentlab_tools.train.checkpoints import room_for, write_whole
from agentlab_tools.train.errors import DiskFull, TrainingError
from agentlab_tools.train.events import (
    RECORD,
    Checkpointed,
    Ended,
    JobEvent,
    Made,
    Progress,
    Record,
    Said,
    Started,
)
from agentlab_tools.train.jobs.job import FORMAT, VERSION, Job, JobSpec, State
from agentlab_tools.train.jobs.pids import is_alive

JOURNAL = "journal.jsonl"
STOP = "stop"
"""A file by this name asks the job to stop: it holds even for a process that is still starting."""
_WORDS = ".last-words"
_ROOM = 4096
_TIME_TO_START = 60.0
_PROGRESS = b'"kind":"progress"'
"""As it stands in a line, and in no text, whose quotes are escaped."""


def create(folder: Path, spec: JobSpec) -> None:
    """Begin a job's journal.

    Raises:
        DiskFull: there is no room.
    """
    line = spec.model_dump_json().encode() + b"\n"
    write_whole(folder / JOURNAL, lambda path: path.write_bytes(line), what="the job")


class Journal:
    """Appends events; one process at a time. May be used from several threads.

    On a disk that is full the last event still finds place: in a file beside, which was filled with
    blanks at the beginning, and so takes no more room when it is written over.

    Args:
        patience: seconds to wait for one that has the job but is about to be gone: of a process
            that was killed, some threads may hold the file a moment longer.

    Raises:
        TrainingError: another process has the job, or there is no such job.
        DiskFull: there is no room to begin.
    """

    def __init__(self, folder: Path, *, patience: float = 0.0) -> None:
        self._folder = folder
        self._lines = LineWriter()
        self._lock = RLock()
        self.over = False
        until = time.monotonic() + patience
        while not self._open(folder / JOURNAL):
            if time.monotonic() >= until:
                raise TrainingError(f"job {folder.name} is already running")
            time.sleep(0.05)
        cut_torn_tail(folder / JOURNAL)
        words = _last_words(folder)
        with room_for("the job's journal", folder):
            if words is not None:
                self._lines.write(RECORD.dump_json(words))
            (folder / _WORDS).write_bytes(b" " * _ROOM)

    def _open(self, path: Path) -> bool:
        try:
            self._lines.open(path, 0, name=path)
        except FileNotFoundError:
            raise TrainingError(f"there is no job in {path.parent}") from None
        except TraceError:
            self._lines.close()
            return False
        return True

    def write(self, event: JobEvent) -> None:
        """Write one event. When this returns, it survives the death of this process.

        Nothing is written after the end.

        Raises:
            DiskFull: there is no room.
        """
        line = RECORD.dump_json(Record(at=time.time(), event=event))
        with self._lock:
            if self.over:
                return
            with room_for("the job's journal", self._folder):
                self._lines.write(line)
            self.over = isinstance(event, Ended)

    def end(self, event: Ended) -> None:
        """Write the last event, if need be in the room kept for it, and let go of the file."""
        with self._lock:
            try:
                self.write(event)
                (self._folder / _WORDS).unlink(missing_ok=True)
            except DiskFull:
                self._write_over(event)
            self.over = True
            self._lines.close()

    def _write_over(self, event: Ended) -> None:
        short = event.model_copy(update={"reason": event.reason[:500]})
        line = RECORD.dump_json(Record(at=time.time(), event=short))
        file = os.open(self._folder / _WORDS, os.O_WRONLY)
        try:
            os.write(file, line.ljust(_ROOM))
        finally:
            os.close(file)

    def close(self) -> None:
        """Let go of the file without an end, as if killed. Closing twice does no harm."""
        with self._lock:
            self._lines.close()


class JournalReader:
    """Reads a journal, and reads on as it grows.

    Args:
        every_step: keep each step told of; else only the last of those in a row, which is quicker.

    Attributes:
        spec: what was asked for.
        curve: every step told of, by number; a step done again after a resume counts once.

    Raises:
        TrainingError: there is no such job, or its journal has no whole first line.
        TraceVersionError: a newer AgentLab wrote it.
    """

    def __init__(self, folder: Path, *, every_step: bool = True) -> None:
        self.folder = folder
        self._every_step = every_step
        self.curve: dict[int, Progress] = {}
        self._path = folder / JOURNAL
        self._read = 0
        self._torn = 0
        self._started: Record | None = None
        self._life: Record | None = None
        self._last: Record | None = None
        self._progress: Progress | None = None
        self._checkpoint: int | None = None
        self._made: dict[str, Made] = {}
        self._said = ""
        self._before = 0.0
        self._attempts = 0
        try:
            with self._path.open("rb") as file:
                head = file.readline()
        except OSError as error:
            raise TrainingError(f"no job in {folder}: {error.strerror or error}") from error
        try:
            jsonlines.read_header(self._path, head, format=FORMAT, version=VERSION, what="a job")
            self.spec = JobSpec.model_validate_json(head)
        except ValidationError as error:
            raise TrainingError(str(jsonlines.damaged(self._path, error))) from None
        self._read = len(head)

    def poll(self) -> list[Record]:
        """The records that came since the last time."""
        return list(self._new())

    def job(self) -> Job:
        """The job as it stands; `poll` first."""
        state, reason = self._state()
        last = self._last.at if self._last else self.spec.created
        pid = self._process().pid if self._started and state in ("running", "stopping") else None
        until = time.time() if pid is not None else last
        this = max(until - self._started.at, 0.0) if self._started else 0.0
        return Job(
            spec=self.spec,
            state=state,
            reason=reason,
            progress=self._progress,
            checkpoint=self._checkpoint,
            artifacts=tuple(self._made.values()),
            said=self._said,
            seconds=self._before + this,
            updated=last,
            attempts=self._attempts,
            pid=pid,
            torn=self._torn,
        )

    def process(self) -> Started | None:
        """Who took the job up last, be it still at work or not."""
        return self._process() if self._started else None

    def _process(self) -> Started:
        assert self._started is not None
        assert isinstance(self._started.event, Started)
        return self._started.event

    def _state(self) -> tuple[State, str]:
        if self._life is None:
            young = time.time() - self.spec.created < _TIME_TO_START
            return ("starting", "") if young else ("lost", "it was never started")
        event = self._life.event
        if isinstance(event, Ended):
            return event.outcome, event.reason
        process = self._process()
        stop = (self.folder / STOP).exists()
        if is_alive(process.pid, process.process):
            return ("stopping" if stop else "running"), ""
        # what it wrote last may have come after the journal was read, and before it was gone
        for words in (self._unread_end(), _last_words(self.folder)):
            if words is not None and isinstance(words.event, Ended):
                return words.event.outcome, words.event.reason
        if stop:
            return "cancelled", "it was stopped while it started"
        return "lost", "its process is gone and has not said why"

    def _unread(self) -> bytes:
        with self._path.open("rb") as file:
            file.seek(self._read)
            return file.read()

    def _unread_end(self) -> Record | None:
        data = self._unread()
        whole = data[: data.rfind(b"\n") + 1].splitlines()
        try:
            return RECORD.validate_json(whole[-1]) if whole else None
        except ValidationError:
            return None

    def _new(self) -> Iterator[Record]:
        data = self._unread()
        whole = data.rfind(b"\n") + 1
        self._read += whole
        lines = data[:whole].splitlines()
        for number, line in enumerate(lines, 1):
            skipped = not self._every_step and number < len(lines)
            if skipped and _PROGRESS in line and _PROGRESS in lines[number]:
                continue
            try:
                record = RECORD.validate_json(line)
            except ValidationError:
                self._torn += len(line)
                continue
            self._take(record)
            yield record

    def _take(self, record: Record) -> None:
        match record.event:
            case Started():
                if self._started and self._last:
                    self._before += max(self._last.at - self._started.at, 0.0)
                self._started = self._life = record
                self._attempts += 1
            case Ended():
                self._life = record
            case Progress() as progress:
                self._progress = self.curve[progress.step] = progress
            case Checkpointed() as checkpoint:
                self._checkpoint = checkpoint.step
            case Made() as made:
                self._made[made.name] = made
            case Said() as said:
                self._said = said.text
        self._last = record


def _last_words(folder: Path) -> Record | None:
    """The end that found no room in the journal, if there is one."""
    try:
        return RECORD.validate_json((folder / _WORDS).read_bytes().strip())
    except (OSError, ValidationError):
        return None
