"""What a cell came to, put together from its answer, its output and how its process fared."""

from __future__ import annotations

from agentlab_tools.execute.answers import Answer
from agentlab_tools.execute.process import Died, Process
from agentlab_tools.execute.values import CellResult


def result_of(
    process: Process,
    answer: Answer,
    died: Died | None,
    allowed: float,
    seconds: float,
    *,
    lost: bool,
) -> CellResult:
    """The result of a cell that took `seconds` of the `allowed` ones.

    `died` says how its interpreter ended, if it did; `lost` that an earlier one had.
    """
    outcome, error = answer.outcome, answer.error
    if died is not None:
        outcome = "timeout" if process.stopped_by == "timeout" else "killed"
        error = f"{died}. Variables are lost; files are kept."
    elif outcome == "interrupted" and process.stopped_by == "timeout":
        outcome = "timeout"
    if outcome == "timeout":
        error = f"it took longer than {allowed:g} s" + (f"; {error}" if died else "")
    return CellResult(
        stdout=process.stdout.finish(),
        stderr=process.stderr.finish(),
        value=answer.value,
        figures=answer.figures,
        error=error,
        outcome=outcome,
        stdout_truncated=process.stdout.truncated,
        stderr_truncated=process.stderr.truncated,
        value_truncated=answer.value_truncated,
        figures_dropped=answer.figures_dropped,
        state_lost=lost or died is not None,
        seconds=seconds,
    )
