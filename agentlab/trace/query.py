"""SQL over a whole folder of traces, by DuckDB, which is fed the files as they lie.

Views:
    runs        run, created, agent, backend, model, labels, parent, forked_at, outcome, error,
                steps, input_tokens, cached_tokens, output_tokens, cost, seconds, passed, file
    events      run, seq, time, kind, event (JSON), inherited (a fork took it from its parent)
    replies     run, seq, seconds, input_tokens, cached_tokens, output_tokens, cost, stop
    tool_calls  run, call_id, name, arguments (JSON text), content, error, seconds
                (neither holds what a fork inherited, nor do the sums in runs)
    results     name, kind (lab or eval), run, sample, epoch, score, value, passed, reason, error:
                what a lab's checks or an evaluation's scorers said of a run
                (see `agentlab.trace.results`)
"""

from __future__ import annotations

import os
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Any, TypeAlias

from agentlab.errors import MissingExtra, TraceError
from agentlab.regular import read_regular
from agentlab.trace.reading import SUFFIX
from agentlab.trace.results import results_in

Table: TypeAlias = tuple[tuple[str, ...], list[tuple[object, ...]]]
"""Column names, and rows."""

# A file may be a stranger's: what does not fit a column becomes NULL, and never fails a query
_LINES = """
CREATE TABLE lines AS
SELECT file_no, unnest(line), line.event->>'kind' AS kind
FROM read_json($pipe, format = 'newline_delimited', ignore_errors = true,
               maximum_object_size = 1073741824, columns = {
                 file_no: 'INTEGER',
                 line: 'STRUCT(format VARCHAR, created DOUBLE, agent VARCHAR, backend JSON,
                               labels JSON, parent JSON, seq BIGINT, "at" DOUBLE, event JSON)'});
"""
_FILES = "CREATE TABLE files AS SELECT unnest($nos) AS file_no, unnest($runs) AS run, \
unnest($paths) AS file"
_VIEWS = """
CREATE MACRO clock(x) AS CASE WHEN x BETWEEN 0 AND 253402300799 THEN to_timestamp(x) END;
CREATE MACRO counted(value) AS try_cast(value AS BIGINT);
CREATE VIEW heads AS
SELECT run, file, created, agent, backend->>'name' AS backend, backend->>'model' AS model,
       CASE WHEN labels->>'scenario' IS NULL THEN labels  -- as labs were called before 0.2
            ELSE json_merge_patch(labels, json_object('lab', labels->'scenario', 'scenario', NULL))
       END AS labels,
       parent->>'run' AS parent,
       CASE WHEN parent->>'call_id' IS NULL THEN counted(parent->>'seq') END AS forked_at
FROM lines JOIN files USING (file_no) WHERE format = 'agentlab-trace';
CREATE VIEW events AS
SELECT run, seq, clock("at") AS time, kind, event, seq <= coalesce(forked_at, -1) AS inherited
FROM lines JOIN files USING (file_no) LEFT JOIN heads USING (run) WHERE lines.event IS NOT NULL;
CREATE VIEW replies AS
WITH timed AS (SELECT *, epoch(time) - epoch(lag(time) OVER (PARTITION BY run ORDER BY seq)) AS took
               FROM events)
SELECT run, seq, took AS seconds, counted(event->>'$.reply.usage.input_tokens') AS input_tokens,
       counted(event->>'$.reply.usage.cached_tokens') AS cached_tokens,
       counted(event->>'$.reply.usage.output_tokens') AS output_tokens,
       try_cast(event->>'$.reply.usage.cost' AS DOUBLE) AS cost, event->>'$.reply.stop' AS stop
FROM timed WHERE kind = 'model_replied' AND NOT inherited;
CREATE VIEW results AS
WITH heads AS (SELECT file, json->>'name' AS name, json->>'kind' AS kind FROM judged
               WHERE json->>'format' = 'agentlab-results'),
     tries AS (SELECT file, line, json, json->>'run' AS run, json->>'sample' AS sample,
                      try_cast(json->>'epoch' AS BIGINT) AS epoch
               FROM judged WHERE json_exists(json, 'run')),
     said AS (SELECT heads.name, kind, tries.* FROM tries JOIN heads USING (file)
              QUALIFY kind = 'lab' OR line = max(line) OVER (PARTITION BY file, sample, epoch)),
     scored AS (SELECT *, unnest(coalesce(
                  nullif(map_entries(from_json(json->'scores', '"MAP(VARCHAR, JSON)"')), []),
                  [NULL])) AS entry
                FROM said)
SELECT name, kind, run, sample, epoch, entry.key AS score,
       coalesce(try_cast(entry.value->>'value' AS DOUBLE), 0) AS value,
       json->>'error' IS NULL AND coalesce(try_cast(entry.value->>'passed' AS BOOLEAN), false)
         AS passed,
       entry.value->>'reason' AS reason, json->>'error' AS error
FROM scored;
CREATE VIEW runs AS
WITH verdicts AS (SELECT run, bool_and(passed) AS passed FROM results GROUP BY run),
     spent AS (SELECT run, count(*) AS steps, sum(input_tokens) AS input_tokens,
                      sum(cached_tokens) AS cached_tokens, sum(output_tokens) AS output_tokens,
                      sum(cost) AS cost
               FROM replies GROUP BY run),
     ends AS (SELECT run, max(time) AS last,
                     arg_max(event->>'outcome', seq) FILTER (kind = 'run_finished') AS outcome,
                     arg_max(event->>'error', seq) FILTER (kind = 'run_failed') AS error
              FROM events GROUP BY run)
SELECT run, clock(created) AS created, agent, backend, model, labels, parent, forked_at, outcome,
       error, coalesce(steps, 0) AS steps, coalesce(input_tokens, 0) AS input_tokens,
       coalesce(cached_tokens, 0) AS cached_tokens, coalesce(output_tokens, 0) AS output_tokens,
       cost, epoch(last) - created AS seconds, passed, file
FROM heads LEFT JOIN spent USING (run) LEFT JOIN ends USING (run) LEFT JOIN verdicts USING (run);
CREATE VIEW tool_calls AS
WITH begun AS (SELECT run, seq, time, event->>'$.call.id' AS call_id, event->>'$.call.name' AS name,
                      event->>'$.call.arguments' AS arguments
               FROM events WHERE kind = 'tool_started' AND NOT inherited),
     done AS (SELECT run, seq, time, event->>'$.result.call_id' AS call_id,
                     event->>'$.result.content' AS content, event->>'$.result.error' AS error
              FROM events WHERE kind = 'tool_finished')
SELECT begun.run, begun.call_id, name, arguments, content, error,
       epoch(done.time) - epoch(begun.time) AS seconds
FROM begun ASOF LEFT JOIN done  -- ids may come again in a run: the next result is the call's
     ON begun.run = done.run AND begun.call_id = done.call_id AND begun.seq < done.seq;
"""
_NOT_JUDGED = "CREATE TABLE judged (file VARCHAR, line BIGINT, json JSON)"
_JUDGED = """
CREATE TABLE judged AS SELECT filename AS file, row_number() OVER () AS line, json
FROM read_ndjson_objects($files, ignore_errors = true, filename = true,
                         maximum_object_size = 1073741824)
"""


def query(folder: Path, sql: str) -> Table:
    """Column names and rows of a query over the runs in a folder.

    The query cannot read or write any file: the traces are taken in first, then files are barred.

    Raises:
        TraceError: there are no runs, or DuckDB refuses the query.
        MissingExtra: DuckDB is not installed.
    """
    return queries(folder, [sql])[0]


def queries(folder: Path, statements: Sequence[str]) -> list[Table]:
    """As `query`, for several that are asked at once.

    Raises:
        TraceError, MissingExtra: as `query`.
    """
    try:
        import duckdb
    except ModuleNotFoundError as error:
        raise MissingExtra("duckdb", "tools") from error
    files = sorted(folder.glob(f"*{SUFFIX}"))
    if not files:
        raise TraceError(f"no runs in {folder}")
    db = duckdb.connect(":memory:")
    try:
        with _fed(files) as pipe:
            db.execute(_LINES, {"pipe": pipe})
        names = {"nos": list(range(len(files))), "runs": [file.stem for file in files]}
        db.execute(_FILES, {**names, "paths": [str(file) for file in files]})
        judged = sorted(str(path) for path in results_in(folder))
        db.execute(_JUDGED, {"files": judged}) if judged else db.execute(_NOT_JUDGED)
        db.execute(_VIEWS)
        db.execute("SET enable_external_access = false; SET lock_configuration = true")
        return [_rows(db.execute(sql)) for sql in statements]
    except duckdb.Error as error:
        raise TraceError(f"the query was refused: {error}") from error
    finally:
        db.close()


def _rows(done: Any) -> Table:
    if done is None:  # DuckDB was given nothing, or only a comment
        raise TraceError('the query is empty: try "SELECT * FROM runs"')
    return tuple(column[0] for column in done.description or ()), done.fetchall()


@contextmanager
def _fed(files: Sequence[Path]) -> Generator[str]:
    """A pipe through which all these files come, each line with the number of its file.

    DuckDB takes a tenth of a millisecond to open a file; one pipe is opened once.
    """
    reading, writing = os.pipe()

    def feed() -> None:
        # a reader that gives up closes the pipe
        with suppress(BrokenPipeError), os.fdopen(writing, "wb") as pipe:
            for number, file in enumerate(files):
                try:
                    data = read_regular(file)
                except OSError:  # gone, somebody else's, or no file at all
                    continue
                pipe.write(_numbered(data, number))

    feeder = Thread(target=feed, daemon=True, name="agentlab-query")
    feeder.start()
    try:
        yield f"/dev/fd/{reading}"
    finally:
        os.close(reading)
        feeder.join()


def _numbered(data: bytes, number: int) -> bytes:
    whole, newline, _torn = data.rpartition(b"\n")
    if not newline:
        return b""
    head = b'{"file_no":%d,"line":' % number
    return head + whole.replace(b"\n", b"}\n" + head) + b"}\n"
