"""How runs came out: what the checks of a lab, or the scorers of an evaluation, said of each.

Kept beside the traces, one file for each lab or evaluation, in `results/<name>.jsonl`:

    {"format": "agentlab-results", "version": 1, "name": …, "kind": "lab", "about": {…}, …}
    {"run": "2026…", "sample": "sums", "epoch": 1, "passed": true, "scores": {"right": {…}}, …}

A line is written and flushed as soon as a run is judged, so what was judged before a crash need not
be done again. A torn or foreign line is left out. The SQL view `results` reads these files.
"""

from __future__ import annotations

import os
import re
import secrets
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import Field, ValidationError, computed_field

from agentlab.errors import TraceError
from agentlab.messages import Usage, Value, Words
from agentlab.private import private_folder
from agentlab.regular import is_regular, read_regular
from agentlab.trace import jsonlines
from agentlab.trace.collector import no_collector
from agentlab.trace.jsonlines import LineWriter, cut_torn_tail

FORMAT: Final = "agentlab-results"
VERSION: Final = 1
_RUN = re.compile(rb'"run"\s*:\s*"([^"]*)')
NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$")


class Score(Value):
    """What one check or scorer said of a run."""

    value: float = Field(ge=0, le=1)
    """0 is wholly wrong, 1 wholly right."""
    passed: bool
    reason: Words = ""

    @classmethod
    def of(cls, passed: bool, reason: str = "") -> Score:
        """A score that is either 0 or 1."""
        return cls(value=float(passed), passed=passed, reason=reason)


class RunResult(Value):
    """How one run came out."""

    run: str
    sample: Words
    """The question: a sample of a data set, or the step of a lab."""
    epoch: int = Field(default=1, ge=1)
    scores: dict[str, Score] = {}
    error: Words | None = None
    """Why the run could not be judged; it counts as wrong, and is tried again."""
    seconds: float = 0.0
    usage: Usage = Usage()

    @computed_field
    @property
    def passed(self) -> bool:
        """Every score passed, and nothing failed."""
        return (
            self.error is None
            and bool(self.scores)
            and all(score.passed for score in self.scores.values())
        )


class ResultsHeader(Value):
    """What the results are of."""

    format: Literal["agentlab-results"] = FORMAT
    version: int = Field(default=VERSION, ge=1, strict=True)
    name: str = Field(pattern=NAME.pattern)
    kind: Literal["lab", "eval"]
    created: float = Field(default_factory=time.time)
    """Seconds since the epoch."""
    about: dict[str, Any] = {}


@dataclass(frozen=True)
class Results:
    """Results, read back. `torn` is the number of bytes that are no whole line of a result."""

    path: Path
    header: ResultsHeader
    results: tuple[RunResult, ...]
    torn: int = 0

    @classmethod
    def load(cls, path: Path) -> Results:
        """Read a file of results; of a sample tried again, only the last try counts.

        Raises:
            TraceError: there is no such file, or it does not hold results.
            TraceVersionError: a newer AgentLab wrote it.
        """
        return cls._of(path, _bytes(path))

    @classmethod
    def _of(cls, path: Path, data: bytes) -> Results:
        first, _, rest = data.partition(b"\n")
        header = _header(path, first)
        last: dict[tuple[str, int], RunResult] = {}
        several: list[RunResult] = []
        torn = 0
        with no_collector():
            for line in rest.splitlines(keepends=True):
                result = _result(line) if line.endswith(b"\n") else None
                if result is None:
                    torn += len(line.strip())
                elif header.kind == "eval":
                    last[result.sample, result.epoch] = result
                else:
                    several.append(result)
        return cls(path=path, header=header, results=(*last.values(), *several), torn=torn)

    @classmethod
    def naming(cls, path: Path, runs: Collection[str]) -> Results | None:
        """As `load`; None, and much sooner, where the file names none of these runs.

        Raises:
            TraceError: as `load`, of a file that names one.
        """
        data = _bytes(path)
        return cls._of(path, data) if _names(data, runs) else None


class ResultsWriter:
    """Appends results to a file; going on with one that is there repairs its torn tail.

    Raises:
        TraceError: the file cannot be written, or another process is writing it.
    """

    def __init__(
        self, folder: Path, header: ResultsHeader, *, secret: tuple[str, ...] = ()
    ) -> None:
        self.path = results_path(folder, header.name)
        self._lines = LineWriter(secret=secret)
        try:
            private_folder(self.path.parent)
            self._lines.open(self.path, os.O_CREAT, name=self.path)
            if cut_torn_tail(self.path) == 0:
                self._lines.write(header.model_dump_json().encode())
        except OSError as error:
            self.close()
            raise _cannot_write(self.path, error) from error
        except TraceError:
            self.close()
            raise

    def append(self, result: RunResult) -> None:
        """Write one result. When this returns, it survives the death of this process.

        Raises:
            TraceError: the disk is full.
        """
        try:
            self._lines.write(result.model_dump_json().encode())
        except OSError as error:
            raise _cannot_write(self.path, error) from error

    def close(self) -> None:
        """Let go of the file. Closing twice does no harm."""
        self._lines.close()


def results_path(folder: Path, name: str) -> Path:
    """Where the results of that name lie, beside the traces in a folder.

    Raises:
        TraceError: the name could lead elsewhere.
    """
    if not NAME.fullmatch(name):
        raise TraceError(f"{name[:80]!a} can't name results: use letters, digits, '.', '_' and '-'")
    return folder / "results" / f"{name}.jsonl"


def new_results_name(topic: str) -> str:
    """Sorts by time and does not collide: `20261124-101530-482f-m5-tool-use`."""
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", topic).strip("-.")[:60]
    return f"{stamp}-{secrets.token_hex(3)}-{plain or 'results'}"


def results_in(folder: Path) -> Iterator[Path]:
    """The files of results beside the traces in a folder, by name."""
    yield from filter(is_regular, sorted((folder / "results").glob("*.jsonl")))


def passed_runs(folder: Path, runs: Collection[str] | None = None) -> dict[str, bool]:
    """For each run that was ever judged: whether it passed, every time.

    Args:
        runs: the only ones that are asked about; others may be missing from the answer.
    """
    passed: dict[str, bool] = {}
    for path in results_in(folder):
        try:
            results = Results.load(path) if runs is None else Results.naming(path, runs)
        except TraceError:  # a foreign file among them
            continue
        for result in results.results if results else ():
            passed[result.run] = passed.get(result.run, True) and result.passed
    return passed


def _names(data: bytes, runs: Collection[str]) -> bool:
    """Whether a line may be of one of these runs."""
    if b"\\u" in data:  # any letter can be written so
        return True
    named = {run.decode("utf-8", "replace") for run in _RUN.findall(data)}
    return any(run in runs or "\\" in run for run in named)


def _bytes(path: Path) -> bytes:
    try:
        return read_regular(path)
    except OSError as error:
        raise TraceError(f"{path}: {error.strerror or error}") from error


def _result(line: bytes) -> RunResult | None:
    try:
        return RunResult.model_validate_json(line)
    except ValidationError:
        return None


def _header(path: Path, line: bytes) -> ResultsHeader:
    what = "a file of results"
    fields = jsonlines.read_header(path, line, format=FORMAT, version=VERSION, what=what)
    try:
        return ResultsHeader.model_validate(fields)
    except ValidationError as error:
        raise jsonlines.damaged(path, error) from None


def _cannot_write(path: Path, error: OSError) -> TraceError:
    return TraceError(f"results can't be written to {path}: {error.strerror or error}")
