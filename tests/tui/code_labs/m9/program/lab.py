"""A lab of one step, a program, for the tests of the screen. The tool trusts what it runs."""

from __future__ import annotations

import contextlib
import io
from random import Random

from agentlab.labs import Case, Check, CodeAnswer, CodeStep, Lab, Verdict
from agentlab.tooling import tool

_names: dict[str, object] = {}


@tool
def run_python(code: str) -> str:
    """Run some Python, and return what it prints."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(code, _names)
    return out.getvalue()


def cases(_: Random, count: int) -> list[Case]:
    """Doubles of small numbers."""
    return [
        Case(input=f"print(double({n}))", expect=str(2 * n), title=f"twice {n}")
        for n in range(count)
    ]


lab = Lab(
    id="m9/program",
    title="Twice",
    teaches=("write a function",),
    minutes=3,
    backend="tiny:none",
    tools=(run_python,),
    steps=(
        CodeStep(
            id="double",
            title="A function that doubles",
            cases=cases,
            starter=CodeAnswer(code="def double(n):\n    ...\n"),
            solution=CodeAnswer(code="def double(n):\n    return 2 * n\n"),
            wrong={"square": CodeAnswer(code="def double(n):\n    return n * n\n")},
            hints=("Multiply by two.",),
            checks=(
                Check(
                    id="doubles",
                    says="it doubles",
                    judge=lambda attempt: Verdict(
                        passed=all(r.output.strip() == r.case.expect for r in attempt.runs),
                        reason=f"{len(attempt.runs)} tried",
                    ),
                ),
            ),
        ),
    ),
)
