"""Any logged run can be played, checked, forked and compared.

    async for event in replay(trace): …                   # serve: equal to the log
    verification = await verify(trace)                     # run again: the first difference
    result = await fork(trace, at=4, tool_result="391")    # fork: go on live from there
    comparison = diff(trace, Trace.load(result.path))      # two runs, aligned by step

`Agent.resume` goes on with a run that paused or broke off. See `docs/replay.md`.
"""

from __future__ import annotations

from agentlab.replay.difference import Diff, Row, diff
from agentlab.replay.fork import fork
from agentlab.replay.forked import edited
from agentlab.replay.serve import replay
from agentlab.replay.verify import Difference, Verification, verify

__all__ = [
    "Diff",
    "Difference",
    "Row",
    "Verification",
    "diff",
    "edited",
    "fork",
    "replay",
    "verify",
]
