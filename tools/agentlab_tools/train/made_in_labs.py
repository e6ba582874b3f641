"""What a learner trained in a lab, as something to talk to, to measure, or to make smaller.

    connect("lab:m5/dpo")       the model that was made last in this lab

A lab's tool keeps what it trained beside the run (`keep`), as it keeps a picture: the trace names
it by its hash, and shows how it came about. Here it is found again, by the run's label.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from agentlab.backend import Backend
from agentlab.backends.schemes import Meaning, Offered, Scheme
from agentlab.errors import ConfigError, MissingExtra, TraceError
from agentlab.events import ToolFinished
from agentlab.messages import Artifact
from agentlab.places.home import home, runs_folder
from agentlab.private import private_folder
from agentlab.tooling import ToolContext
from agentlab.trace import Trace, trace_path

PREFIX = "lab:"
MEDIA_TYPE = "application/vnd.gguf"
_MOST = 64 << 20
"""Bytes of a model that are kept with a run."""
_TRAINS = "m5/dpo"
_OF_LABS = """
SELECT run, labels->>'lab', created FROM runs
WHERE regexp_full_match(labels->>'lab', '[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*')
AND created IS NOT NULL ORDER BY created DESC
"""
_KEPT = """
SELECT DISTINCT run FROM events WHERE run IN ({runs}) AND kind = 'tool_finished'
AND CAST(event->'$.result.artifacts' AS VARCHAR) LIKE '%{kind}%'
"""


def keep(context: ToolContext, file: Path, *, base: str | None = None) -> None:
    """Keep a model with the run that made it, for `lab:…`.

    Args:
        base: the packaged model that an adapter is for, by name; None for a whole model.
    """
    data = file.read_bytes()
    if len(data) <= _MOST:
        name = "model.gguf" if base is None else f"{base}+adapter.gguf"
        context.attach(name, data, MEDIA_TYPE)


def made_in(name: str) -> str:
    """What `connect` takes for `lab:…`: a path to a GGUF, or `local:…` with an adapter put on.

    Raises:
        ConfigError: nothing was made in that lab, or it is gone.
        MissingExtra: DuckDB is not installed.
    """
    lab, runs = name.removeprefix(PREFIX), _runs()
    for run, of_lab, _ in runs:
        if of_lab == lab and (artifact := _newest(run)):
            file = _as_file(lab, artifact)
            base, plus, _ = artifact.name.partition("+")
            return f"local:{base}+{file}" if plus else str(file)
    others = ", ".join(dict.fromkeys(f"{PREFIX}{of_lab}" for _, of_lab, _ in runs))
    raise ConfigError(
        f"no model was trained here in the lab {lab[:60]!a}: "
        + (f"there is {others}" if others else f"run it first, as `agentlab run {_TRAINS}` does")
    )


def _runs() -> list[tuple[Any, ...]]:
    """(run, lab, when), of those that kept a model, the newest first.

    Raises:
        MissingExtra: DuckDB is not installed.
    """
    from agentlab.trace.query import query

    try:
        rows = query(runs_folder(), _OF_LABS)[1]
        if not rows:
            return []
        # asked of these alone, since what is in events is not in the index
        runs = ", ".join("'{}'".format(str(run).replace("'", "''")) for run, *_ in rows)
        kept = {run for (run,) in query(runs_folder(), _KEPT.format(runs=runs, kind=MEDIA_TYPE))[1]}
    except TraceError:
        return []  # there are no runs yet
    return [row for row in rows if row[0] in kept]


def _newest(run: str) -> Artifact | None:
    trace = Trace.load(trace_path(runs_folder(), run))
    made = [
        artifact
        for event in trace.events
        if isinstance(event, ToolFinished)
        for artifact in event.result.artifacts
        if artifact.media_type == MEDIA_TYPE
    ]
    return made[-1] if made else None


def _as_file(lab: str, artifact: Artifact) -> Path:
    """The model under a name that ends in .gguf, by which files are told."""
    folder = private_folder(home() / "made")
    file = folder / f"{lab.replace('/', '-')}-{artifact.blob.sha256[:12]}.gguf"
    if not file.exists():
        partial = file.with_name(f"{file.name}.{os.getpid()}")
        try:
            partial.write_bytes(artifact.blob.read())
            partial.replace(file)
        except (OSError, TraceError) as error:
            partial.unlink(missing_ok=True)
            raise ConfigError(f"what was made in {lab} can't be had: {error}") from error
    return file


def means(name: str) -> Meaning:
    """The model that `lab:…` stands for.

    Raises:
        ConfigError: as `made_in`.
    """
    return made_in(name), {"name": name, "title": f"made in {name[4:]}"}


def open_backend(name: str, **options: Any) -> Backend:
    """The backend of `lab:…`, for `connect`; options are those of a local model.

    Raises:
        ConfigError: as `means`, or as `connect` for a local model.
    """
    from agentlab.backends import connect  # opens a model

    model, details = means(name)
    return connect(model, **{**details, **options})


def offered() -> Iterator[Offered]:
    """The newest model of each lab; none without what looks into traces."""
    newest: dict[str, Any] = {}
    try:
        runs = _runs()
    except MissingExtra:
        return
    for _, lab, created in runs:
        newest.setdefault(lab, created)
    for lab, created in newest.items():
        title = f"made by you in {lab}, {created:%d %b %H:%M}"
        yield Offered(f"{PREFIX}{lab}", title, note="trained here")


SCHEME = Scheme("lab", local=True, opens=open_backend, lists=offered, means=means)
