"""Writing a trace: each event is in the file before anyone sees it. See `agentlab.trace`."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

from pydantic_core import PydanticSerializationError, to_json

from agentlab.errors import TraceError
from agentlab.events import StoredEvent
from agentlab.messages import clean
from agentlab.private import private_folder
from agentlab.trace.jsonlines import LineWriter, cut_torn_tail
from agentlab.trace.reading import BlobFolder, Trace, TraceHeader, read_header, trace_path


class TraceWriter:
    """Appends events to one run's file.

    Args:
        folder: where runs are kept; made if need be.
        header: what runs. A writer for a run that is already there goes on behind its last record.
        secret: values that must never reach the file; each is replaced by `[secret]`.

    Raises:
        TraceError: the folder cannot be made, the file cannot be written, or another writer is
            still at work on it.
    """

    def __init__(self, folder: Path, header: TraceHeader, *, secret: Iterable[str] = ()) -> None:
        self.path = trace_path(folder, header.run)
        self._blobs = BlobFolder(folder)
        self._lines = LineWriter(secret=secret)
        self._seq = 0
        try:
            private_folder(folder)
            if self.path.exists():
                self._go_on(header)
            else:
                self._begin(header)
        except OSError as error:
            self.close()
            raise _cannot_write(self.path, error) from error
        except TraceError:
            self.close()
            raise

    def append(self, event: StoredEvent, *, at: float | None = None) -> None:
        """Write one event. When this returns, the event survives the death of this process.

        Args:
            at: when it happened, in seconds since the epoch; now, where not given.

        Raises:
            TraceError: the disk is full, or the file is gone. What was written before stays.
        """
        try:
            if os.fstat(self._lines.file).st_nlink == 0:
                raise TraceError(f"the trace {self.path} was deleted while its run was writing it")
            body = self._body(event)
            head = f'{{"seq":{self._seq},"at":{time.time() if at is None else at:.6f},"event":'
            self._lines.write(f"{head}{body}}}".encode())
        except OSError as error:
            raise _cannot_write(self.path, error) from error
        self._seq += 1

    def close(self) -> None:
        """Let go of the file. Closing twice does no harm."""
        self._lines.close()

    def _begin(self, header: TraceHeader) -> None:
        # The name appears with the whole header in it, so there is no moment at which a crash
        # leaves a trace that does not load
        part = self.path.with_name(f".{header.run}.{secrets.token_hex(4)}.part")
        self._lines.open(part, os.O_CREAT | os.O_EXCL, name=self.path)
        try:
            self._lines.write(header.model_dump_json().encode())
            _appear(part, self.path)
        finally:
            part.unlink(missing_ok=True)

    def _go_on(self, header: TraceHeader) -> None:
        if read_header(self.path).created != header.created:
            raise TraceError(f"{self.path} is the trace of another run of that name")
        self._lines.open(self.path, 0, name=self.path)
        self._seq = _next_seq(self.path)

    def _body(self, event: StoredEvent) -> str:
        try:
            return event.model_dump_json(context=self._blobs)
        except (PydanticSerializationError, UnicodeError):  # a lone surrogate in somebody's data
            try:
                plain = event.model_dump(context=self._blobs)
            except PydanticSerializationError as error:
                if isinstance(error.__cause__, OSError):  # no room for a blob
                    raise error.__cause__ from None
                raise
            return to_json(_cleaned(plain), inf_nan_mode="null").decode()


def _appear(part: Path, path: Path) -> None:
    """Give a finished file its name, unless a file of that name is already there."""
    try:
        os.link(part, path)
    except FileExistsError:
        raise TraceError(f"{path} is the trace of another run of that name") from None
    except OSError:  # a file system without hard links
        part.rename(path)


def _next_seq(path: Path) -> int:
    """The number of the next record, once a torn tail is cut off."""
    if cut_torn_tail(path) == 0:
        raise TraceError(f"{path} is not a trace: it has no whole line")
    trace = Trace.load(path)
    return trace.records[-1].seq + 1 if trace.records else 0


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        items = cast(dict[Any, Any], value).items()
        return {_cleaned(key): _cleaned(item) for key, item in items}
    if isinstance(value, list | tuple):
        return [_cleaned(item) for item in cast(list[Any], value)]
    return value


def _cannot_write(path: Path, error: OSError) -> TraceError:
    why = error.strerror or str(error)
    return TraceError(
        f"the trace can't be written to {path}: {why}. What was written before is safe; "
        f"free some space or choose another folder"
    )
