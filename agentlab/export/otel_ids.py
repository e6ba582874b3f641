"""Ids and clocks of spans, made from a run's own: the same run always gives the same."""

from __future__ import annotations

import hashlib
from pathlib import Path

from agentlab.errors import TraceError
from agentlab.trace import TraceHeader, read_header, trace_path

_LATEST = 2**63 - 1


def trace_id(header: TraceHeader, folder: Path) -> str:
    """That of the run which, over agents called as tools, this one belongs to.

    Runs above it are looked for in `folder`; one that is gone counts as the uppermost.
    """
    seen: set[str] = set()
    while header.parent and header.parent.call_id is not None and header.run not in seen:
        seen.add(header.run)
        above = header.parent.run
        try:
            header = read_header(trace_path(folder, above)) if _plain(above) else header
        except TraceError:
            return own_trace_id(above)
        if header.run != above:
            return own_trace_id(above)
    return own_trace_id(header.run)


def _plain(run: str) -> bool:
    return "/" not in run and "\\" not in run and "\0" not in run


def own_trace_id(run: str) -> str:
    """The trace id of a run that is part of no other."""
    return hashlib.sha256(f"agentlab trace {run}".encode()).hexdigest()[:32]


def span_id(run: str, *key: str | None) -> str:
    """The id of a span of a run."""
    what = "/".join(part or "" for part in key)
    return hashlib.sha256(f"agentlab span {run} {what}".encode()).hexdigest()[:16]


def nanoseconds(seconds: float) -> int:
    """Seconds since the epoch as OTLP has them; 0 for what is no time."""
    if not 0 <= seconds * 1e9 <= _LATEST:  # also not a number: a stranger's file may say anything
        return 0
    return int(seconds * 1e9)
