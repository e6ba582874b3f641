"""Questions of the test on which two models differ, with what each said."""

from __future__ import annotations

from pathlib import Path

from agentlab.agent.transcript import Transcript
from agentlab.errors import TraceError
from agentlab.trace import Trace
from agentlab.trace.reading import trace_path
from agentlab.trace.results import Results, RunResult
from agentlab_tools.improve.findings import Flip

_MOST = 3
"""Of those that became right, and of those that became wrong."""
_LONGEST = 300


def flips(before: Results, after: Results, runs: Path) -> tuple[Flip, ...]:
    """Some that became right, then some that became wrong; those with a trace that is gone, not."""
    was = {result.sample: result for result in before.results}
    pairs = [(was[r.sample], r) for r in after.results if r.sample in was]
    found: list[Flip] = []
    for better in (True, False):
        changed = [(a, b) for a, b in pairs if a.passed != b.passed and b.passed is better]
        found += [one for a, b in changed[:_MOST] if (one := _flip(a, b, better, runs)) is not None]
    return tuple(found)


def _flip(before: RunResult, after: RunResult, better: bool, runs: Path) -> Flip | None:
    try:
        (question, one), (_, other) = (_said(trace_path(runs, r.run)) for r in (before, after))
    except TraceError:
        return None
    return Flip(
        question=question, before=one, after=other, better=better, runs=(before.run, after.run)
    )


def _said(path: Path) -> tuple[str, str]:
    """The question, and the last words or how it ended without any."""
    trace = Trace.load(path)
    messages = Transcript.of(event for event in trace.events if event.kind != "unknown").messages
    asked = next((m.text for m in reversed(messages) if m.role == "user"), "")
    last = messages[-1] if messages else None
    answer = last.text if last is not None and last.role == "assistant" else ""
    return asked[:_LONGEST], answer.strip()[:_LONGEST] or "(no answer)"
