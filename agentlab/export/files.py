"""The pictures, sounds and other files of a run, as files."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Iterator
from pathlib import Path

from agentlab.attached import attached_to
from agentlab.errors import TraceError
from agentlab.messages import Artifact, Blob
from agentlab.trace import Trace

_LONGEST = 80
_KIND = {"image/webp": ".webp", "audio/wav": ".wav", "audio/mpeg": ".mp3"}
"""What `mimetypes` does not know everywhere, or calls otherwise."""


def files_of(trace: Trace) -> Iterator[tuple[str, Blob]]:
    """Each file that was said or made, with a name: the record's number, then its own name.

    Nothing in a name leads out of the folder it is put in. What a tool made is met once, though a
    later message holds it too.
    """
    met: set[tuple[str, str]] = set()
    for record in trace.records:
        for place, artifact in enumerate(attached_to(record.event)):
            if (artifact.name, artifact.blob.sha256) in met:
                continue
            met.add((artifact.name, artifact.blob.sha256))
            number = f"{record.seq:04d}" + (f"-{place + 1}" if place else "")
            yield f"{number}-{_file_name(artifact)}", artifact.blob


def write_files(trace: Trace, folder: Path) -> list[Path]:
    """Write them into a folder, which is made if it is not there; one that is there already stays.

    Raises:
        TraceError: a blob is gone or was changed, another file has its name, or there is no room.
    """
    written: list[Path] = []
    try:
        for name, blob in files_of(trace):
            folder.mkdir(parents=True, exist_ok=True)
            file, data = folder / name, blob.read()
            if file.exists() and file.read_bytes() != data:
                raise TraceError(f"{file} is there already, and is another file")
            part = folder / f".{name}.part"
            try:
                part.write_bytes(data)
                part.replace(file)
            finally:
                part.unlink(missing_ok=True)
            written.append(file)
    except OSError as error:
        raise TraceError(f"{folder}: {error.strerror or error}") from error
    return written


def _file_name(artifact: Artifact) -> str:
    """Letters, digits, dots and dashes of its name; an ending that says what it is."""
    name = re.sub(r"[^\w.-]+", "-", Path(artifact.name).name)[-_LONGEST:].lstrip(".-") or "file"
    if "." in name:
        return name
    kind = artifact.media_type
    return name + (_KIND.get(kind) or mimetypes.guess_extension(kind) or ".bin")
