"""The runs of a folder, summed up one a line without loading whole traces."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from agentlab.display import one_line
from agentlab.errors import TraceError
from agentlab.regular import open_regular
from agentlab.trace import read_header, runs_in
from agentlab.trace.results import passed_runs

MOST = 1_000
"""Runs that are listed: the newest."""

_TAIL = 64 << 10


@dataclass(frozen=True)
class RunSummary:
    """One run as a list shows it. `problem` says why it can't be read, if it can't."""

    path: Path
    when: str = ""
    what: str = ""
    model: str = ""
    ended: str = ""
    """How it ended; of a run that was judged, what the checks said: "passed" or "not passed"."""
    size: int = 0
    problem: str = ""

    def matches(self, query: str) -> bool:
        """Whether every word of a search is found in it."""
        text = f"{self.path.stem} {self.when} {self.what} {self.model} {self.ended}".casefold()
        return all(word in text for word in query.casefold().split())


def summaries(folder: Path) -> Iterator[RunSummary]:
    """The newest runs first, `MOST` at most."""
    paths = list(islice(runs_in(folder), MOST))
    judged = passed_runs(folder, {path.stem for path in paths})
    for path in paths:
        yield _summary(path, judged.get(path.stem))


def _summary(path: Path, passed: bool | None) -> RunSummary:
    try:
        header = read_header(path)
        size = path.stat().st_size
        ended = _ended(path, size)
        question = _asked(path)
    except (TraceError, OSError) as error:
        return RunSummary(path=path, what="unreadable", problem=str(error))
    labels = header.labels
    if passed is not None and ended == "completed":
        ended = "passed" if passed else "not passed"
    whose = [labels["lab"], labels.get("step", header.agent)] if "lab" in labels else [header.agent]
    what = " · ".join([*whose, question] if question else whose)
    return RunSummary(
        path=path,
        when=datetime.fromtimestamp(header.created).strftime("%Y-%m-%d %H:%M:%S"),
        what=one_line(what),
        model=one_line(header.backend.name, 40),
        ended=ended,
        size=size,
    )


def _asked(path: Path) -> str:
    """What the run was asked: the last words of its first event. None where that is very long."""
    with open_regular(path) as file:
        file.readline(_TAIL)
        line = file.readline(_TAIL)
    try:
        parts: Any = from_json(line)["event"]["messages"][-1]["parts"]
        return one_line(" ".join(part["text"] for part in parts if part["kind"] == "text"), 200)
    except (ValueError, KeyError, TypeError, IndexError):
        return ""


def _ended(path: Path, size: int) -> str:
    """How a run ended, from the last line of its file."""
    with open_regular(path) as file:
        file.seek(max(0, size - _TAIL))
        lines = file.read().splitlines()
    try:
        event: Any = from_json(lines[-1])["event"]
        if event["kind"] == "run_finished":
            return one_line(str(event["outcome"]), 20)
        return "failed" if event["kind"] == "run_failed" else "broken off"
    except (ValueError, KeyError, TypeError, IndexError):
        return "broken off"
