"""The checks: what a script printed, how it ended, and what it left behind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agentlab.labs import CaseRun
from agentlab.labs.checks import says_number


def miscounted(found: Mapping[str, Any], expect: Any) -> str | None:
    """The lines are not the counts of the tools, most called first."""
    want = [[str(number), name] for number, name in expect]
    got = [line.split() for line in str(found["out"]).splitlines()]
    return None if got == want else f"it printed {_lines(got)}, not {_lines(want)}"


def misnamed(found: Mapping[str, Any], expect: Any) -> str | None:
    """The names, each ended by a NUL, are not those of the unfinished runs."""
    out, want = str(found["out"]), list(expect["names"])
    if out and not out.endswith("\0"):
        return f"what it printed does not end in a NUL: {_short(out)}"
    got = sorted(out.split("\0")[:-1])
    if got == want:
        return None
    if missed := [name for name in want if name not in got]:
        return f"it did not name {_short(missed[0])}"
    more = [name for name in got if name not in want]
    return f"it named {_short(more[0])}" if more else "it named one more than once"


def misended(found: Mapping[str, Any], expect: Any) -> str | None:
    """The exit status is another."""
    status, want = found["status"], expect["status"]
    return None if status == want else f"the exit status was {status}, not {want}"


def not_quiet(found: Mapping[str, Any], _: Any) -> str | None:
    """There was nothing to complain of, and it complained or failed."""
    if found["status"] != 0:
        return f"the exit status was {found['status']}: {_short(found['err'])}"
    return f"it complained: {_short(found['err'])}" if found["err"] else None


def silent(found: Mapping[str, Any], expect: Any) -> str | None:
    """It could not do its work, and said nothing to people."""
    failed = expect["status"] == 2
    return "not a word on standard error" if failed and not str(found["err"]).strip() else None


def left_alone(found: Mapping[str, Any], _: Any) -> str | None:
    """A file was made, changed or lost."""
    return "a file was made, changed or lost" if found["touched"] else None


def read_by_the_shell(run: CaseRun) -> bool:
    """The answer is right, and the shell printed it, and nothing else."""
    seen = {result.content.strip() for _, result in run.calls if not result.error}
    return says_number(run) and str(run.case.expect) in seen


def _lines(lines: list[list[str]]) -> str:
    return _short(", ".join(" ".join(line) for line in lines)) if lines else "nothing"


def _short(text: Any, length: int = 70) -> str:
    words = repr(str(text))
    return words if len(words) <= length else words[: length - 1] + "…"
