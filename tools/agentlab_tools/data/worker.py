"""One job for DuckDB in a process of its own: read files in, or answer a query.

Run as a program, from within the folder of the database. A job comes as JSON on stdin, and its
answer goes to stdout as JSON: `{"error": "one line"}`, or what was asked for. To answer a query it
imports nothing of ours, so that it starts quickly. Whoever started it kills it when its time is up.
"""

from __future__ import annotations

import json
import resource
import sys
from typing import Any

import duckdb

DATABASE = "data.duckdb"
_SAMPLES = 3
_PARQUET = "read_parquet($files, union_by_name = true)"
_NAMED = 20  # lines left out that are told by number
_READING = ("SELECT", "EXPLAIN", "MULTI")  # MULTI: a PIVOT, which lists its columns first


def load(job: dict[str, Any]) -> dict[str, Any]:
    """Make a table of each group of files, and say what is in it."""
    db = duckdb.connect(DATABASE, config=_config(job))
    tables: list[dict[str, Any]] = []
    try:
        for table in job["tables"]:
            tables.append(_load_one(db, table, job["cell"]))
    finally:
        db.close()
    return {"tables": tables}


def _load_one(db: Any, table: dict[str, Any], cell: int) -> dict[str, Any]:
    name, notes, refused = _quote(table["name"]), list[str](), list[tuple[int, str]]()
    if table["kind"] == "parquet":
        db.execute(f"CREATE TABLE {name} AS FROM {_PARQUET}", {"files": table["files"]})
    else:
        from agentlab_tools.data.gather import gather  # a query needs none of it

        refused = gather(db, name, table["kind"], table["files"], notes)
    rows = db.execute(f"FROM {name} SELECT count(*)").fetchone()[0]
    described = db.execute(f"DESCRIBE {name}").fetchall()
    first = _as_text(db.sql(f"FROM {name}"), _SAMPLES, cell)
    columns = [
        {"name": column[0], "type": column[1], "sample": [row[at] for row in first]}
        for at, column in enumerate(described)
    ]
    return {
        "name": table["name"],
        "rows": rows,
        "columns": columns,
        "skipped": len(refused),
        "refused": refused[:_NAMED],
        "notes": notes,
    }


def ask(job: dict[str, Any]) -> dict[str, Any]:
    """Answer one statement that only reads."""
    db: Any = duckdb.connect(DATABASE, read_only=True, config=_config(job))
    db.execute("SET enable_external_access = false; SET lock_configuration = true")
    statements = db.extract_statements(job["sql"])
    if len(statements) != 1:
        return {"error": f"one statement at a time, please: there are {len(statements)}"}
    kind = statements[0].type.name
    if kind not in _READING:
        return {"error": f"the data can only be read, with a SELECT: this is a {kind}"}
    relation: Any = db.sql(job["sql"])
    if relation is None:
        return {"error": "that statement answers with no rows: use a SELECT"}
    rows = _as_text(relation, job["rows"] + 1, job["cell"])
    more = len(rows) > job["rows"]
    return {"columns": relation.columns, "rows": rows[: job["rows"]], "more": more}


def _as_text(relation: Any, rows: int, cell: int) -> list[list[str | None]]:
    """The first rows, as DuckDB writes their values.

    As Python's values they would change: nanoseconds are cut off, and `infinity` is a day.
    """
    written = ", ".join(f"CAST(#{n} AS VARCHAR)" for n in range(1, len(relation.columns) + 1))
    cells = relation.limit(rows).project(written).fetchall()
    return [[_cut(value, cell) for value in row] for row in cells]


def _config(job: dict[str, Any]) -> dict[str, Any]:
    return {
        "memory_limit": f"{job['memory'] // 2 >> 20}MB",
        "threads": 2,
        "temp_directory": job["spill"],
        "python_enable_replacements": False,  # a name is never a variable of this program's
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
    }


def _cut(text: str | None, cell: int) -> str | None:
    return text if text is None or len(text) <= cell else f"{text[:cell]}…"


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _one_line(error: BaseException) -> str:
    # what follows quotes the statement, or is advice for whoever sets DuckDB up
    message = str(error).split("\nLINE ")[0].split("\nPossible solutions")[0]
    return " ".join(message.split())[:500]


def main() -> None:
    """Do the job on stdin."""
    job = json.loads(sys.stdin.buffer.read())
    query = "sql" in job
    if query:
        resource.setrlimit(resource.RLIMIT_AS, (job["memory"], job["memory"]))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        answer = ask(job) if query else load(job)
    except MemoryError:
        answer = {"error": "it needs more memory than a query may have"}
    except duckdb.Error as error:
        answer = {"error": _one_line(error)}
    except Exception as error:
        if query or type(error).__name__ != "Undecodable":  # of ours, and so not imported here
            raise
        answer = {"error": " ".join(str(error).split())}
    sys.stdout.buffer.write(json.dumps(answer).encode("utf-8", "replace"))


if __name__ == "__main__":
    main()
