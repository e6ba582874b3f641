"""Which runs to export, and what must not leave with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from agentlab.errors import TraceError
from agentlab.trace import BlobFolder, Record, Trace, TraceHeader, find_run, read_header, runs_in
from agentlab.trace.query import query
from agentlab.trace.redaction import Redactor
from agentlab.trace.results import passed_runs


@dataclass(frozen=True)
class Selection:
    """What to choose runs by; every condition must hold.

    Attributes:
        names: ids, starts of ids, files, or `last`; none means all runs of the folder.
        passed: only runs that a lab's checks, or an evaluation's scorers, let pass.
        labels: what the run's header must say, e.g. `{"lab": "m5/tool-use"}`.
        sql: a query whose first column is the ids of runs.
    """

    names: tuple[str, ...] = ()
    passed: bool = False
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    sql: str | None = None

    def paths(self, folder: Path) -> list[Path]:
        """The traces chosen, by run id, each once.

        Raises:
            TraceError: a run is not there, the query is refused, or nothing is left.
        """
        named = [find_run(folder, name) for name in self.names] or list(runs_in(folder))
        by_run = {path.stem: path for path in named}
        if self.sql is not None:
            chosen = {str(row[0]) for row in query(folder, self.sql)[1] if row}
            by_run = {run: path for run, path in by_run.items() if run in chosen}
        if self.passed:
            passed = passed_runs(folder, by_run)
            by_run = {run: path for run, path in by_run.items() if passed.get(run)}
        if self.labels:
            by_run = {run: path for run, path in by_run.items() if self._labelled(path)}
        if not by_run:
            raise TraceError(
                f"no run in {folder} is as asked for; `agentlab traces` lists them all"
            )
        return [by_run[run] for run in sorted(by_run)]

    def _labelled(self, path: Path) -> bool:
        try:
            labels = read_header(path).labels
        except TraceError:  # named by no one, and no run
            return False
        return all(labels.get(key) == value for key, value in self.labels.items())


def load_without(path: Path, secrets: Iterable[str]) -> Trace:
    """A trace, with these values blanked out, besides those that were when it was written.

    Raises:
        TraceError: as `Trace.load`.
    """
    trace = Trace.load(path)
    needles = [secret for secret in secrets if secret]
    return blanked(trace, needles) if needles else trace


def blanked(trace: Trace, secrets: Sequence[str]) -> Trace:
    """The trace as it would be, had these values been marked as secret."""
    redactor, store = Redactor(secrets), BlobFolder(trace.path.parent)
    try:
        header = TraceHeader.model_validate_json(
            redactor.line(trace.header.model_dump_json().encode())
        )
        records = tuple(
            Record.model_validate_json(
                redactor.line(record.model_dump_json().encode()), context=store
            )
            for record in trace.records
        )
    except ValidationError as error:
        raise TraceError(f"{trace.path} does not read the same without its secrets") from error
    return Trace(path=trace.path, header=header, records=records, torn=trace.torn)
