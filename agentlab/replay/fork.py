"""Fork: take a run up to one of its events, change something, and go on live.

The new run's trace begins with the old one's events, exactly as they are, and names its parent. No
call that had begun by then is made again: its result comes from the log.
"""

from __future__ import annotations

from typing import Any, Unpack

from agentlab.agent import Agent
from agentlab.agent.run import Run
from agentlab.backend import Backend
from agentlab.replay.forked import Changes, forked_run
from agentlab.replay.rebuild import rebuild
from agentlab.trace import Trace


def fork(
    trace: Trace,
    *,
    at: int,
    agent: Agent[Any] | None = None,
    backend: Backend | None = None,
    **changes: Unpack[Changes],
) -> Run[Any]:
    """A run that shares a past with another. Iterate or await it, as any run.

    Its trace lies beside its parent's, unless the agent keeps none (`runs=None`).

    Args:
        trace: the parent.
        at: the number of the last event to keep.
        agent: who goes on; made from the trace where not given (see `agentlab.replay.rebuild`).
        backend: instead of the agent's own.
        changes: what is different; see `Changes`.

    Raises:
        TraceError: there is no such event, or it does not take that change.
        ConfigError: the agent can't be made from the trace.
    """
    agent = agent or rebuild(trace, backend=backend)
    if backend is not None:
        agent = agent.with_(backend=backend)
    folder = None if agent.runs is None else trace.path.parent
    return forked_run(trace, agent, at=at, folder=folder, made_by="fork", **changes)
