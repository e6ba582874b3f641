"""SQL over a whole folder of traces, by DuckDB reading the files where they lie.

Views:
    runs        run, created, agent, backend, model, labels, outcome, error, steps, input_tokens,
                cached_tokens, output_tokens, cost, seconds, passed, file
    events      run, seq, time, kind, event (JSON)
    tool_calls  run, call_id, name, arguments (JSON text), content, error, seconds
    results     name, kind (lab or eval), run, sample, epoch, score, value, passed, reason, error:
                what a lab's checks or an evaluation's scorers said of a run (`agentlab.results`)
"""

from __future__ import annotations

from pathlib import Path

from agentlab.errors import MissingExtra, TraceError
from agentlab.results import results_in
from agentlab.trace import SUFFIX

_VIEWS = """
CREATE TABLE lines AS
SELECT parse_filename(filename, true) AS run, filename AS file, json
FROM read_ndjson_objects($files, ignore_errors = true, filename = true,
                         maximum_object_size = 1073741824);
CREATE VIEW events AS
SELECT run, (json->>'seq')::BIGINT AS seq, to_timestamp((json->>'at')::DOUBLE) AS time,
       json->>'$.event.kind' AS kind, json->'event' AS event
FROM lines WHERE json_exists(json, 'event');
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
     heads AS (SELECT * FROM lines WHERE json->>'format' = 'agentlab-trace'),
     sums AS (
       SELECT run, max(time) AS last,
              count(*) FILTER (kind = 'model_replied') AS steps,
              sum((event->>'$.reply.usage.input_tokens')::BIGINT) AS input_tokens,
              sum((event->>'$.reply.usage.cached_tokens')::BIGINT) AS cached_tokens,
              sum((event->>'$.reply.usage.output_tokens')::BIGINT) AS output_tokens,
              sum((event->>'$.reply.usage.cost')::DOUBLE) AS cost,
              arg_max(event->>'outcome', seq) FILTER (kind = 'run_finished') AS outcome,
              arg_max(event->>'error', seq) FILTER (kind = 'run_failed') AS error
       FROM events GROUP BY run)
SELECT run, to_timestamp((json->>'created')::DOUBLE) AS created, json->>'agent' AS agent,
       json->>'$.backend.name' AS backend, json->>'$.backend.model' AS model,
       json->'labels' AS labels, outcome, error, coalesce(steps, 0) AS steps,
       coalesce(input_tokens, 0) AS input_tokens, coalesce(cached_tokens, 0) AS cached_tokens,
       coalesce(output_tokens, 0) AS output_tokens, cost,
       epoch(last) - (json->>'created')::DOUBLE AS seconds, passed, file
FROM heads LEFT JOIN sums USING (run) LEFT JOIN verdicts USING (run);
CREATE VIEW tool_calls AS
WITH begun AS (SELECT run, time, event->>'$.call.id' AS call_id, event->>'$.call.name' AS name,
                      event->>'$.call.arguments' AS arguments
               FROM events WHERE kind = 'tool_started'),
     done AS (SELECT run, time, event->>'$.result.call_id' AS call_id,
                     event->>'$.result.content' AS content, event->>'$.result.error' AS error
              FROM events WHERE kind = 'tool_finished')
SELECT run, call_id, name, arguments, content, error,
       epoch(done.time) - epoch(begun.time) AS seconds
FROM begun LEFT JOIN done USING (run, call_id);
"""


_NOT_JUDGED = "CREATE TABLE judged (file VARCHAR, line BIGINT, json JSON)"
_JUDGED = """
CREATE TABLE judged AS SELECT filename AS file, row_number() OVER () AS line, json
FROM read_ndjson_objects($files, ignore_errors = true, filename = true,
                         maximum_object_size = 1073741824)
"""


def query(folder: Path, sql: str) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
    """Column names and rows of a query over the runs in a folder.

    The query cannot read or write any file: the traces are taken in first, then files are barred.

    Raises:
        TraceError: there are no runs, or DuckDB refuses the query.
        MissingExtra: DuckDB is not installed.
    """
    try:
        import duckdb  # noqa: PLC0415 - heavy, and only needed here
    except ModuleNotFoundError as error:
        raise MissingExtra("duckdb", "tools") from error
    files = sorted(str(path) for path in folder.glob(f"*{SUFFIX}"))
    if not files:
        raise TraceError(f"no runs in {folder}")
    db = duckdb.connect(":memory:")
    try:
        load, _, views = _VIEWS.partition(";")
        db.execute(load, {"files": files})
        judged = sorted(str(path) for path in results_in(folder))
        db.execute(_JUDGED, {"files": judged}) if judged else db.execute(_NOT_JUDGED)
        db.execute(views)
        db.execute("SET enable_external_access = false; SET lock_configuration = true")
        done = db.execute(sql)
        columns = tuple(column[0] for column in done.description or ())
        return columns, done.fetchall()
    except duckdb.Error as error:
        raise TraceError(f"the query was refused: {error}") from error
    finally:
        db.close()
