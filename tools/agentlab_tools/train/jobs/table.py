"""The job table: SQL over all jobs, by DuckDB, which is fed their journals as they lie.

Tables:
    jobs       job, recipe, state, created, updated, seconds, step, total, loss, lr,
               tokens_per_second, eta, checkpoint, attempts, runs_on, reason, settings (JSON)
    events     job, seq, time, kind, event (JSON)
    metrics    job, step, time, loss, lr, tokens, tokens_per_second, more (JSON): one row a step; of
               a step done again after a resume, the last
    artifacts  job, name, bytes

The table is made when it is asked, and kept nowhere: why, says `jobs.journal`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic_core import to_json

from agentlab.errors import MissingExtra
from agentlab.trace.query import Table
from agentlab_tools.train.errors import TrainingError
from agentlab_tools.train.jobs.job import Job
from agentlab_tools.train.jobs.journal import JOURNAL
from agentlab_tools.train.jobs.manager import Jobs

_JOBS = """
CREATE TABLE jobs (job VARCHAR, recipe VARCHAR, state VARCHAR, created TIMESTAMPTZ,
                   updated TIMESTAMPTZ, seconds DOUBLE, step BIGINT, total BIGINT, loss DOUBLE,
                   lr DOUBLE, tokens_per_second DOUBLE, eta DOUBLE, checkpoint BIGINT,
                   attempts BIGINT, runs_on VARCHAR, reason VARCHAR, settings JSON);
CREATE TABLE artifacts (job VARCHAR, name VARCHAR, bytes BIGINT);
"""
# A journal may have been touched: what does not fit a column becomes NULL, and fails no query
_EVENTS = """
CREATE TABLE events AS
SELECT parse_path(filename)[-2] AS job, seq - 1 AS seq, to_timestamp("at") AS time,
       event->>'kind' AS kind, event
FROM (SELECT *, row_number() OVER (PARTITION BY filename) AS seq
      FROM read_json($files, format = 'newline_delimited', ignore_errors = true, filename = true,
                     columns = {"at": 'DOUBLE', event: 'JSON'}))
WHERE event IS NOT NULL;
"""
_NO_EVENTS = """
CREATE TABLE events (job VARCHAR, seq BIGINT, time TIMESTAMPTZ, kind VARCHAR, event JSON);
"""
_METRICS = """
CREATE VIEW metrics AS
SELECT job, try_cast(event->>'step' AS BIGINT) AS step, time,
       try_cast(event->>'loss' AS DOUBLE) AS loss, try_cast(event->>'lr' AS DOUBLE) AS lr,
       try_cast(event->>'tokens' AS BIGINT) AS tokens,
       try_cast(event->>'tokens_per_second' AS DOUBLE) AS tokens_per_second, event->'more' AS more
FROM events WHERE kind = 'progress'
QUALIFY row_number() OVER (PARTITION BY job, step ORDER BY seq DESC) = 1;
"""


def query_jobs(folder: Path, sql: str) -> Table:
    """Column names and rows of a query over the jobs in a folder.

    The query cannot read or write any file: the journals are taken in first, then files are barred.

    Raises:
        TrainingError: DuckDB refuses the query.
        MissingExtra: DuckDB is not installed.
    """
    try:
        import duckdb
    except ModuleNotFoundError as error:
        raise MissingExtra("duckdb", "tools") from error
    jobs = Jobs(folder).list()
    db = duckdb.connect(":memory:")
    try:
        db.execute(_JOBS)
        if jobs:
            db.executemany(f"INSERT INTO jobs VALUES ({', '.join('?' * 17)})", [*map(_row, jobs)])  # noqa: S608 - question marks alone
            files = [str(folder / job.id / JOURNAL) for job in jobs]
            db.execute(_EVENTS, {"files": files})
        else:
            db.execute(_NO_EVENTS)
        artifact = [
            (job.id, artifact.name, artifact.bytes) for job in jobs for artifact in job.artifacts
        ]
        if artifact:
            db.executemany("INSERT INTO artifacts VALUES (?, ?, ?)", artifact)
        db.execute(_METRICS)
        db.execute("SET enable_external_access = false; SET lock_configuration = true")
        done = db.execute(sql)
        return tuple(column[0] for column in done.description or ()), done.fetchall()
    except duckdb.Error as error:
        raise TrainingError(f"the query was refused: {error}") from error
    finally:
        db.close()


def _row(job: Job) -> tuple[Any, ...]:
    progress = job.progress
    return (
        job.id,
        job.spec.recipe,
        job.state,
        datetime.fromtimestamp(job.spec.created, UTC),
        datetime.fromtimestamp(job.updated, UTC),
        job.seconds,
        progress.step if progress else 0,
        progress.total if progress else None,
        progress.loss if progress else None,
        progress.lr if progress else None,
        progress.tokens_per_second if progress else None,
        progress.eta if progress else None,
        job.checkpoint,
        job.attempts,
        job.spec.on,
        job.reason,
        to_json(job.spec.settings).decode(),
    )
