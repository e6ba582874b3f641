"""The checks: what notebooks said in kernels that knew nothing, about days drawn anew."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agentlab.labs.checks import numbers_in

from .tools import MOST_CELLS

FEWEST_CELLS = 4
Found = Mapping[str, Any]


def misjudged(broken: bool) -> Any:
    """A complaint on notebooks that break, or that don't."""

    def complaint(found: Found, expect: Found) -> str | None:
        got = found["found"]
        for number, (kind, wanted) in enumerate(
            zip(expect["kinds"], expect["breaks"], strict=True)
        ):
            if (wanted is not None) is broken and got[number] != wanted:
                return f"notebook {number + 1} ({kind}): {_cell(got[number])}, not {_cell(wanted)}"
        return None

    return complaint


def _cell(number: Any) -> str:
    return "all well" if number is None else f"cell {number}"


def failing(found: Found, _: Any) -> str | None:
    """A cell failed where the notebook was run from the top."""
    for number, run in enumerate(found["runs"], 1):
        if run["error"] is not None:
            return f"in kernel {number}, cell {run['cell']}: {run['error']}"
    return None


def misled(number: int) -> Any:
    """A complaint on what the notebook said in one of the kernels, the first being 0."""

    def complaint(found: Found, expect: Found) -> str | None:
        run, (many, of) = found["runs"][number], expect["slow"][number]
        if run["error"] is None and numbers_in(run["line"])[-2:] != [many, of]:
            return f"it says {run['line']!r}, and it was {many} of {of}"
        return None

    return complaint


def miscut(found: Found, _: Any) -> str | None:
    """The notebook is no longer made of cells to be run one by one."""
    if FEWEST_CELLS <= found["cells"] <= MOST_CELLS:
        return None
    return f"it has {found['cells']} cells; leave it {FEWEST_CELLS} to {MOST_CELLS}"


def wrong_at_once(found: Found, expect: Found) -> str | None:
    """Run from the top, it does not say which tool took longest."""
    return _off(found["once"], expect)


def wrong_twice(found: Found, expect: Found) -> str | None:
    """Each cell run twice, it says something else."""
    if found["twice"] is None:
        return None
    return _off(found["twice"], expect)


def wrong_after(found: Found, expect: Found) -> str | None:
    """Two cells run again, and then the last one, it says something else."""
    for one, other, after in found["pairs"]:
        if why := _off(after, expect):
            return f"cells {one}, {other} and the last again: {why}"
    return None


def _off(run: Found, expect: Found) -> str | None:
    if run["error"] is not None:
        return f"cell {run['cell']}: {run['error']}"
    line = str(run["line"])
    if line.split()[:1] == [expect["tool"]] and numbers_in(line)[-1:] == [expect["ms"]]:
        return None
    return f"it says {line!r}, and it was {expect['tool']}, {expect['ms']} ms"


def not_asked(found: Found, _: Any) -> str | None:
    """The model answered without the notebook."""
    for one in found["asked"]:
        if not one["calls"]:
            return f"{one['asked']!r} was answered without a call"
    return None


def mistold(found: Found, expect: Found) -> str | None:
    """A number of another question, or none, came back for a tool that is there."""
    counts = expect["failed"]
    for run in (*found["straight"], *(call for one in found["asked"] for call in one["calls"])):
        if run["tool"] in counts:
            wanted = counts[run["tool"]]
            if run["error"] or numbers_in(run["line"])[-1:] != [wanted]:
                return f"tool = {run['tool']!r}: {run['error'] or run['line']}, and it was {wanted}"
    return None


def misquoted(found: Found, expect: Found) -> str | None:
    """What the model says is not the number of the day."""
    for one, tool in zip(found["asked"], expect["asked"], strict=True):
        if tool is not None and expect["failed"][tool] not in numbers_in(one["answer"]):
            return f"{one['asked']!r} → {one['answer']!r}, and it was {expect['failed'][tool]}"
    return None


def made_up(found: Found, expect: Found) -> str | None:
    """A number came back for a tool that nobody called."""
    for run in (*found["straight"], *(call for one in found["asked"] for call in one["calls"])):
        if run["tool"] not in expect["failed"] and run["error"] is None:
            return f"tool = {run['tool']!r} is in no call, and it says {run['line']!r}"
    for one, tool in zip(found["asked"], expect["asked"], strict=True):
        told = [number for call in one["calls"] for number in numbers_in(call["error"] or "")]
        if tool is None and set(numbers_in(one["answer"])) - set(told):
            return f"{one['asked']!r} → {one['answer']!r}"
    return None
