"""What makes an answer right. A scorer looks at one run and gives a `Score`.

exact            the answer is the expected text, or one of a list
contains         the expected text, or one of a list, stands in the answer (any case)
numeric[:TOL]    the answer's last number is the expected one, within TOL of it (default 1e-6)
json             the answer is JSON equal to what is expected
called:TOOL      the tool was called, and worked
steps:N          the model needed at most N replies
check:ID         a check of the lab's step holds of this run alone
code             the code in the answer passes the sample's "tests", in a sandbox
judge            another model finds that the answer agrees with what is expected
bfcl             the first reply makes the calls that the sample expects: see `evaluate.bfcl`
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from math import isclose
from typing import Any, TypeAlias, cast

from pydantic_core import from_json

from agentlab.errors import ConfigError
from agentlab.evaluate import bfcl
from agentlab.events import ModelReplied
from agentlab.labs.answers import Answer
from agentlab.labs.attempt import Attempt, CaseRun, Check
from agentlab.labs.checks import numbers_in
from agentlab.labs.runner import judge as judge_check
from agentlab.trace.results import Score

Judge: TypeAlias = Callable[[CaseRun], Awaitable[Score]]
RunCode: TypeAlias = Callable[[str, str], Awaitable[Score]]
"""Runs code, then its tests, where they can do no harm, and says whether both went well."""

_FENCE = re.compile(r"```[a-zA-Z0-9_+-]*[ \t]*\n(.*?)```", re.DOTALL)


@dataclass(frozen=True)
class Scorer:
    """A way to judge a run, by name."""

    name: str
    score: Judge


@dataclass(frozen=True)
class Aids:
    """What some scorers need and cannot have by themselves."""

    checks: tuple[Check, ...] = ()
    answer: Answer | None = None
    run_code: RunCode | None = None
    judge: Judge | None = None


def scorer(spec: str, aids: Aids = Aids()) -> Scorer:
    """The scorer of a name, as listed above.

    Raises:
        ConfigError: there is none, or what it needs is not there.
    """
    name, _, argument = spec.partition(":")
    plain = {"exact": exact, "contains": contains, "json": equal_json}
    if name in plain and not argument:
        return Scorer(spec, _at_once(plain[name]))
    if name == "numeric":
        return Scorer(spec, _at_once(numeric(_number(spec, argument or "1e-6"))))
    if name == "steps":
        return Scorer(spec, _at_once(at_most(int(_number(spec, argument)))))
    if name == "called" and argument:
        return Scorer(spec, _at_once(called(argument)))
    if name == "bfcl" and not argument:
        return Scorer(spec, _at_once(called_as_expected))
    if name == "check":
        return Scorer(spec, _at_once(_check(argument, aids)))
    if name == "code" and not argument:
        if aids.run_code is None:
            raise ConfigError("the scorer `code` needs a sandbox, and none is installed")
        return Scorer(spec, code(aids.run_code))
    if name == "judge" and not argument:
        if aids.judge is None:
            raise ConfigError("the scorer `judge` needs a model: name one with --judge")
        return Scorer(spec, aids.judge)
    forms = "exact, contains, numeric, json, called:TOOL, steps:N, check:ID, code, judge"
    raise ConfigError(f"no scorer {spec[:80]!a}; there are: {forms}")


def exact(run: CaseRun) -> Score:
    """The answer is the expected text, or one of a list; blanks around it do not count."""
    targets = [str(text).strip() for text in _expected(run)]
    answer = run.output.strip()
    return Score.of(answer in targets, f"said {_short(answer)}, expected {_short(targets)}")


def contains(run: CaseRun) -> Score:
    """The expected text, or one of a list, stands in the answer, in any case."""
    targets = [str(text) for text in _expected(run)]
    answer = run.output.casefold()
    hit = any(text.casefold() in answer for text in targets)
    return Score.of(hit, f"{_short(targets)} {'is' if hit else 'is not'} in the answer")


def numeric(tolerance: float) -> Callable[[CaseRun], Score]:
    """The last number of the answer is the expected one, within this share of it."""

    def score(run: CaseRun) -> Score:
        numbers = numbers_in(run.output)
        if not numbers:
            return Score.of(False, "the answer has no number")
        targets = [float(value) for value in _expected(run)]
        hit = any(isclose(numbers[-1], w, rel_tol=tolerance, abs_tol=1e-9) for w in targets)
        return Score.of(hit, f"said {numbers[-1]:g}, expected {_short(targets)}")

    return score


def equal_json(run: CaseRun) -> Score:
    """The answer, or the first fenced block in it, is JSON equal to what is expected."""
    fenced = _FENCE.search(run.output)
    try:
        answer = cast(object, from_json(fenced[1] if fenced else run.output))
    except ValueError as error:
        return Score.of(False, f"the answer is not JSON: {error}")
    return Score.of(_same(answer, run.case.expect), f"said {_short(answer)}")


def at_most(steps: int) -> Callable[[CaseRun], Score]:
    """The model needed at most so many replies."""

    def score(run: CaseRun) -> Score:
        turns = sum(isinstance(event, ModelReplied) for event in run.events)
        return Score.of(turns <= steps, f"{turns} replies")

    return score


def called(tool: str) -> Callable[[CaseRun], Score]:
    """The tool was called, and at least one call worked."""

    def score(run: CaseRun) -> Score:
        results = [result for call, result in run.calls if call.name == tool]
        worked = sum(result.error is None for result in results)
        return Score.of(worked > 0, f"{worked} of {len(results)} calls worked")

    return score


def called_as_expected(run: CaseRun) -> Score:
    """The first reply makes the calls that a case of BFCL expects."""
    replied = [event.reply.message for event in run.events if isinstance(event, ModelReplied)]
    wrong = bfcl.problem(replied[0].tool_calls if replied else (), run.case)
    return Score.of(wrong is None, wrong or "as expected")


def code(run_code: RunCode) -> Judge:
    """The first fenced block of the answer, or all of it, passes the sample's `tests`."""

    async def score(run: CaseRun) -> Score:
        tests = run.case.facts.get("tests")
        if not isinstance(tests, str):
            raise ConfigError('the scorer `code` needs a field "tests" with Python code')
        fenced = _FENCE.search(run.output)
        return await run_code(fenced[1] if fenced else run.output, tests)

    return score


def _check(id: str, aids: Aids) -> Callable[[CaseRun], Score]:
    named = next((check for check in aids.checks if check.id == id), None)
    answer = aids.answer
    if named is None or answer is None:
        ids = ", ".join(check.id for check in aids.checks) or "none here"
        raise ConfigError(f"no check {id[:80]!a}; there are: {ids}")

    def score(run: CaseRun) -> Score:
        verdict = judge_check(named, Attempt(answer=answer, runs=(run,)))
        return Score.of(verdict.passed, verdict.reason)

    return score


def _at_once(score: Callable[[CaseRun], Score]) -> Judge:
    async def later(run: CaseRun) -> Score:
        return score(run)

    return later


def _expected(run: CaseRun) -> Iterable[Any]:
    expect = run.case.expect
    if expect is None:
        raise ConfigError('this scorer needs a field "expect" in every sample')
    return cast(list[Any], expect) if isinstance(expect, list) else [expect]


def _same(answer: object, expect: object) -> bool:
    """Equal as JSON: a true is no 1, and 1 is 1.0."""
    if isinstance(answer, bool) or isinstance(expect, bool):
        return answer is expect
    if isinstance(answer, dict) and isinstance(expect, dict):
        ours, theirs = cast(dict[str, object], answer), cast(dict[str, object], expect)
        return ours.keys() == theirs.keys() and all(_same(ours[k], theirs[k]) for k in ours)
    if isinstance(answer, list) and isinstance(expect, list):
        pairs = cast(list[object], answer), cast(list[object], expect)
        return len(pairs[0]) == len(pairs[1]) and all(map(_same, *pairs))
    return answer == expect


def _number(spec: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ConfigError(f"{spec[:80]!a}: there must be a number after the colon") from None


def _short(value: object) -> str:
    """A value for a reason; a list of alternatives reads `a or b`."""
    several = cast(list[object], value) if isinstance(value, list) else [value]
    plain = (f"{v:g}" if isinstance(v, float) else str(v) for v in several)
    text = " ".join(" or ".join(plain).split())
    return repr(text if len(text) <= 60 else text[:59] + "…")
