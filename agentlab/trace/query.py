"""SQL over a whole folder of traces, by DuckDB.

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

A small folder is read whole. Of a large one an index is kept in it, which changes what an answer
takes and never what it is (see `agentlab.trace.index`).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

from agentlab.errors import MissingExtra, TraceError
from agentlab.trace import index
from agentlab.trace.indexing import write
from agentlab.trace.stamps import Stamps, cost, name_of, quiet, stamped
from agentlab.trace.views import combine, take_in

Table: TypeAlias = tuple[tuple[str, ...], list[tuple[object, ...]]]
"""Column names, and rows."""

SMALL = 16 << 20
"""What reading a folder may cost, in bytes read, before an index of it is worth a file: what some
700 runs of 15 KB cost, which takes 0.4 s of a processor."""
SHARE = 1 / 32
"""How much of that may be new, or gone, before the index is written anew."""
_BARRED = "SET enable_external_access = false"


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
    stamps = stamped(folder)
    if not stamps.runs:
        raise TraceError(f"no runs in {folder}")
    try:
        if stamps.cost >= SMALL:
            with suppress(index.Unusable):
                return _by_index(folder, stamps, statements)
        return _by_files(folder, stamps, statements)
    except duckdb.Error as error:
        raise TraceError(f"the query was refused: {error}") from error


def _by_files(folder: Path, stamps: Stamps, statements: Sequence[str]) -> list[Table]:
    import duckdb

    with duckdb.connect(":memory:") as db:
        take_in(db, folder, dict(enumerate(sorted(map(name_of, stamps.all)))))
        combine(db, folder)
        db.execute(_BARRED)
        return _answers(db, statements)


def _by_index(folder: Path, stamps: Stamps, statements: Sequence[str]) -> list[Table]:
    """The answers, by the index of the folder, which is written first if need be.

    Raises:
        index.Unusable: it can't be used.
        duckdb.Error: the query is refused.
    """
    import duckdb

    with duckdb.connect(":memory:") as db:
        try:
            lines = index.overlay(db, folder, _kept(db, folder, stamps), stamps)
            combine(db, folder)
            db.execute(_BARRED)
            # else a query might name the file that is attached
            db.execute("SET disabled_filesystems = 'LocalFileSystem'")
        except (duckdb.Error, OSError, ValueError) as error:
            raise index.Unusable from error
        try:
            answers = _answers(db, statements)
        except _of_the_index(duckdb) as error:
            raise index.Unusable from error
        except duckdb.Error as error:
            if lines.failed:
                raise index.Unusable from error
            raise
        if lines.failed:  # though the query made light of it
            raise index.Unusable
        return answers


def _of_the_index(duckdb: Any) -> tuple[type[Exception], ...]:
    """Errors that a damaged index raises, and hardly ever a query."""
    return (duckdb.IOException, duckdb.InternalException, duckdb.FatalException,
            duckdb.SerializationException, duckdb.OutOfMemoryException)  # fmt: skip


def _kept(db: Any, folder: Path, stamps: Stamps) -> index.Index:
    """The index of the folder, attached; written before, if much is new or gone."""
    import duckdb

    kept = index.find(db, folder)
    gone = kept.gone(stamps) if kept else []
    lost = [kept.stamps[number] for number in gone] if kept else []
    fresh = quiet(stamps.all - kept.known if kept else stamps.all)
    if kept is None or cost([*fresh, *lost]) > SHARE * stamps.cost:
        with suppress(OSError, duckdb.Error):
            write(folder, kept, fresh, gone)
            if kept is not None:
                db.execute("DETACH kept")
            kept = index.find(db, folder)
    if kept is None:
        raise index.Unusable
    return kept


def _answers(db: Any, statements: Sequence[str]) -> list[Table]:
    db.execute("SET lock_configuration = true")
    return [_rows(db.execute(sql)) for sql in statements]


def _rows(done: Any) -> Table:
    if done is None:  # DuckDB was given nothing, or only a comment
        raise TraceError('the query is empty: try "SELECT * FROM runs"')
    return tuple(column[0] for column in done.description or ()), done.fetchall()
