"""An evaluation on a Ray cluster, seen from home: `agentlab eval run … --on ray[:HOST:PORT]`.

Workers hold the models and ask samples (`interviewer`); this side hands samples out, and writes the
traces and results that come back into the same folder as if they had been made here. So an
interrupted evaluation goes on from there, wherever it is continued. A result counts when it is
written here, so none counts twice, though a sample may be asked again when a worker is lost.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from agentlab.errors import ConfigError, TraceError
from agentlab.evaluate import Ask, Sample
from agentlab.private import private_folder, write_private
from agentlab.trace import RUN_ID, BlobFolder, new_run_id, trace_path
from agentlab.trace.results import RunResult
from agentlab_tools.cluster.workers import WorkersLost

if TYPE_CHECKING:
    from agentlab_tools.cluster.interviewer import Answered, Sent
    from agentlab_tools.cluster.workers import Workers


def asked_by(workers: Workers, runs: Path) -> Ask:
    """What an `Evaluation` needs: has a free worker ask a sample, and keeps the trace.

    It raises ConfigError if a node can't ask it, ClusterError if there are no workers left, and
    TraceError if what came back cannot be written.
    """

    async def ask(sample: Sample, epoch: int) -> RunResult:
        try:
            answered: Answered = await workers.do("ask", sample.id, epoch)
        except WorkersLost as error:
            return RunResult(run=new_run_id(), sample=sample.id, epoch=epoch, error=str(error))
        match answered:
            case ("refused", why):
                raise ConfigError(why)
            case ("result", result, traces, blobs):
                _keep(runs, traces, blobs)
                return RunResult.model_validate_json(result)

    return ask


def _keep(runs: Path, traces: Iterable[Sent], blobs: Iterable[Sent]) -> None:
    """Write what came back: blobs first, so that a trace never lacks one."""
    store = BlobFolder(runs)
    try:
        private_folder(runs)
        for sha256, data in blobs:
            if not (len(sha256) == 64 and sha256.isalnum()):
                raise TraceError(f"a node sent a blob with the name {sha256[:80]!a}")
            store.put(sha256, data)
        for run, data in traces:
            if not RUN_ID.fullmatch(run):
                raise TraceError(f"a node sent a trace with the name {run[:80]!a}")
            part = runs / f".{run}.{secrets.token_hex(4)}.part"
            write_private(part, data)
            part.replace(trace_path(runs, run))
    except OSError as error:
        raise TraceError(f"{runs}: {error.strerror or error}") from error
