"""What SQL sees of traces: files that DuckDB has taken in, and the views over their lines.

Each row of the views in `MADE_OF_FILES` comes from one file alone, whose number it carries. So rows
that were made once can be kept (`agentlab.trace.index`); what a query sees is laid over them, from
wherever they come, by `combine`.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Any, Final

from agentlab.regular import is_regular, read_regular
from agentlab.trace.reading import SUFFIX

# A file may be a stranger's: what does not fit a column becomes NULL, and never fails a query
_LINES = """
CREATE TABLE lines AS
SELECT file_no, place, unnest(line), line.event->>'kind' AS kind
FROM read_json($pipe, format = 'newline_delimited', ignore_errors = true,
               maximum_object_size = 1073741824, columns = {
                 file_no: 'INTEGER', place: 'BIGINT',
                 line: 'STRUCT(format VARCHAR, created DOUBLE, agent VARCHAR, backend JSON,
                               labels JSON, parent JSON, seq BIGINT, "at" DOUBLE, event JSON)'});
"""
_FILES = "CREATE TABLE files AS SELECT unnest($nos) AS file_no, unnest($runs) AS run, \
unnest($names) AS file, unnest($paths) AS path"
_NOT_JUDGED = "CREATE TABLE judged (path VARCHAR, line BIGINT, json JSON)"
_JUDGED = """
CREATE TABLE judged AS SELECT filename AS path, row_number() OVER () AS line, json
FROM read_ndjson_objects($files, ignore_errors = true, filename = true,
                         maximum_object_size = 1073741824)
"""
TEXTS = """
CREATE MACRO arguments_of(event) AS event->>'$.call.arguments';
CREATE MACRO content_of(event) AS event->>'$.result.content';
"""
_VIEWS = """
CREATE MACRO clock(x) AS CASE WHEN x BETWEEN 0 AND 253402300799 THEN to_timestamp(x) END;
CREATE MACRO counted(value) AS try_cast(value AS BIGINT);
CREATE VIEW heads AS
SELECT file_no, run, file, created, agent,
       backend->>'name' AS backend, backend->>'model' AS model,
       CASE WHEN labels->>'scenario' IS NULL THEN labels  -- as labs were called before 0.2
            ELSE json_merge_patch(labels, json_object('lab', labels->'scenario', 'scenario', NULL))
       END AS labels,
       parent->>'run' AS parent,
       CASE WHEN parent->>'call_id' IS NULL THEN counted(parent->>'seq') END AS forked_at
FROM lines JOIN files USING (file_no) WHERE format = 'agentlab-trace';
CREATE {kind} moments AS
SELECT file_no, place, files.run, seq, clock("at") AS time, kind, event,
       seq <= coalesce(forked_at, -1) AS inherited
FROM lines JOIN files USING (file_no) LEFT JOIN heads USING (file_no)
WHERE lines.event IS NOT NULL;
CREATE {kind} spendings AS
WITH timed AS (  -- the events themselves stay out of the sort
       SELECT file_no, run, seq, kind, inherited,
              epoch(time) - epoch(lag(time) OVER (PARTITION BY run ORDER BY seq)) AS took,
              CASE WHEN kind = 'model_replied' THEN event->'$.reply.usage' END AS usage,
              CASE WHEN kind = 'model_replied' THEN event->>'$.reply.stop' END AS stop
       FROM moments)
SELECT file_no, run, seq, took AS seconds, counted(usage->>'input_tokens') AS input_tokens,
       counted(usage->>'cached_tokens') AS cached_tokens,
       counted(usage->>'output_tokens') AS output_tokens,
       try_cast(usage->>'cost' AS DOUBLE) AS cost, stop
FROM timed WHERE kind = 'model_replied' AND NOT inherited;
CREATE VIEW calls AS
WITH begun AS (SELECT file_no, place, run, seq, time, event->>'$.call.id' AS call_id,
                      event->>'$.call.name' AS name, arguments_of(event) AS arguments
               FROM moments WHERE kind = 'tool_started' AND NOT inherited),
     done AS (SELECT place, run, seq, time, event->>'$.result.call_id' AS call_id,
                     content_of(event) AS content, event->>'$.result.error' AS error
              FROM moments WHERE kind = 'tool_finished')
SELECT file_no, begun.place AS begun_at, done.place AS done_at, begun.run, begun.call_id, name,
       arguments, content, error, epoch(done.time) - epoch(begun.time) AS seconds
FROM begun ASOF LEFT JOIN done  -- ids may come again in a run: the next result is the call's
     ON begun.run = done.run AND begun.call_id = done.call_id AND begun.seq < done.seq;
CREATE VIEW tallies AS
WITH spent AS (SELECT run, count(*) AS steps, sum(input_tokens) AS input_tokens,
                      sum(cached_tokens) AS cached_tokens, sum(output_tokens) AS output_tokens,
                      sum(cost) AS cost
               FROM spendings GROUP BY run),
     ends AS (SELECT run, max(time) AS last,
                     arg_max(event->>'outcome', seq) FILTER (kind = 'run_finished') AS outcome,
                     arg_max(event->>'error', seq) FILTER (kind = 'run_failed') AS error
              FROM moments GROUP BY run)
SELECT file_no, run, clock(created) AS created, agent, backend, model, labels, parent, forked_at,
       outcome, error, coalesce(steps, 0) AS steps, coalesce(input_tokens, 0) AS input_tokens,
       coalesce(cached_tokens, 0) AS cached_tokens, coalesce(output_tokens, 0) AS output_tokens,
       cost, epoch(last) - created AS seconds, file
FROM heads LEFT JOIN spent USING (run) LEFT JOIN ends USING (run);
CREATE VIEW verdicts AS
WITH heads AS (SELECT path, json->>'name' AS name, json->>'kind' AS kind FROM judged
               WHERE json->>'format' = 'agentlab-results'),
     tries AS (SELECT path, line, json, json->>'run' AS run, json->>'sample' AS sample,
                      try_cast(json->>'epoch' AS BIGINT) AS epoch
               FROM judged WHERE json_exists(json, 'run')),
     said AS (SELECT heads.name, kind, tries.* FROM tries JOIN heads USING (path)
              QUALIFY kind = 'lab' OR line = max(line) OVER (PARTITION BY path, sample, epoch)),
     scored AS (SELECT *, unnest(coalesce(
                  nullif(map_entries(from_json(json->'scores', '"MAP(VARCHAR, JSON)"')), []),
                  [NULL])) AS entry
                FROM said)
SELECT file_no, name, kind, scored.run, sample, epoch, entry.key AS score,
       coalesce(try_cast(entry.value->>'value' AS DOUBLE), 0) AS value,
       json->>'error' IS NULL AND coalesce(try_cast(entry.value->>'passed' AS BOOLEAN), false)
         AS passed,
       entry.value->>'reason' AS reason, json->>'error' AS error
FROM scored JOIN files USING (path);
"""
MADE_OF_FILES: Final = ("moments", "spendings", "calls", "tallies", "verdicts")
_COMBINED = """
CREATE VIEW events AS SELECT run, seq, time, kind, event, inherited FROM moments;
CREATE VIEW replies AS SELECT * EXCLUDE (file_no) FROM spendings;
CREATE VIEW tool_calls AS
SELECT run, call_id, name, arguments, content, error, seconds FROM calls;
CREATE VIEW results AS SELECT * EXCLUDE (file_no) FROM verdicts;
CREATE VIEW runs AS
WITH judged AS (SELECT run, bool_and(passed) AS passed FROM results GROUP BY run)
SELECT tallies.* EXCLUDE (file_no, file), passed, {folder} || file AS file
FROM tallies LEFT JOIN judged USING (run);
"""
DEFINED: Final = "".join((_LINES, _FILES, _JUDGED, TEXTS, _VIEWS))
"""All that decides what the rows of `MADE_OF_FILES` are."""


def take_in(db: Any, folder: Path, files: Mapping[int, str], *, places: bool = False) -> None:
    """Make `MADE_OF_FILES` of these files, in the schema in use.

    Args:
        db: a connection to DuckDB.
        files: numbers and names of files in the folder; those of results begin with `results/`.
        places: whether each event says at which byte of its file its line begins. Then what others
            are made of is made at once, too, for all of it is wanted.

    Raises:
        duckdb.Error: DuckDB can't take them in.
    """
    traces = {number: name for number, name in files.items() if "/" not in name}
    with _fed([(number, folder / name) for number, name in traces.items()], places) as pipe:
        db.execute(_LINES, {"pipe": pipe})
    shown = [_shown(name) for name in files.values()]
    rows = {
        "nos": list(files),
        "runs": [name.removesuffix(SUFFIX) or name for name in shown],
        "names": shown,
        "paths": [_shown(folder / name) for name in files.values()],
    }
    db.execute(_FILES, rows)
    beside = [folder / name for name in files.values() if "/" in name]
    judged = [str(path) for path in beside if _shown(path) == str(path) and is_regular(path)]
    db.execute(_JUDGED, {"files": judged}) if judged else db.execute(_NOT_JUDGED)
    db.execute(TEXTS)
    db.execute(_VIEWS.format(kind="TABLE" if places else "VIEW"))


def combine(db: Any, folder: Path) -> None:
    """Make the views of `agentlab.trace.query` of `MADE_OF_FILES`, in the schema in use."""
    before = _shown(folder / "x")[:-1]
    db.execute(_COMBINED.format(folder=quoted(before)))


def quoted(text: str) -> str:
    """A text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


def _shown(name: str | Path) -> str:
    """A file's name in letters that DuckDB takes."""
    return os.fsencode(name).decode("utf-8", "replace")


@contextmanager
def _fed(files: list[tuple[int, Path]], places: bool) -> Generator[str]:
    """A pipe through which all these files come, each line with the number of its file.

    DuckDB takes a tenth of a millisecond to open a file; one pipe is opened once.
    """
    reading, writing = os.pipe()
    numbered = _placed if places else _numbered

    def feed() -> None:
        # a reader that gives up closes the pipe
        with suppress(BrokenPipeError), os.fdopen(writing, "wb") as pipe:
            for number, file in files:
                try:
                    data = read_regular(file)
                except OSError:  # gone, somebody else's, or no file at all
                    continue
                pipe.write(numbered(data, number))

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


def _placed(data: bytes, number: int) -> bytes:
    place, rows = 0, list[bytes]()
    for line in data.split(b"\n")[:-1]:  # the last one is torn, or nothing
        rows.append(b'{"file_no":%d,"place":%d,"line":%b}\n' % (number, place, line))
        place += len(line) + 1
    return b"".join(rows)
