"""Traces: a run on disk, one JSONL file each.

`reading` says what a file holds and loads it, `writing` appends to one, `results` are the verdicts
that lie beside them, `query` is SQL over a whole folder: over the `views` of what is in its files,
of which an `index` keeps what was made once (`indexing` writes it, `stamps` show what has changed).
`jsonlines` and `redaction` are the parts that journals and results share: lines that survive a
crash, and secrets that never reach them.
"""

from agentlab.trace.reading import (
    RUN_ID,
    SUFFIX,
    BlobFolder,
    ParentRun,
    Record,
    Trace,
    TraceHeader,
    find_run,
    has_runs,
    new_run_id,
    no_runs,
    read_header,
    runs_in,
    trace_names,
    trace_path,
)

__all__ = [
    "RUN_ID",
    "SUFFIX",
    "BlobFolder",
    "ParentRun",
    "Record",
    "Trace",
    "TraceHeader",
    "find_run",
    "has_runs",
    "new_run_id",
    "no_runs",
    "read_header",
    "runs_in",
    "trace_names",
    "trace_path",
]
