"""Proof that a lab's checks can tell right from wrong."""

from __future__ import annotations

import ast
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Literal, TypeAlias

from agentlab.backend import Backend
from agentlab.labs.answers import Answer, CodeAnswer
from agentlab.labs.runner import GRADING_SEED, CheckReport, Grader, StepFinished, StepReport
from agentlab.labs.values import AgentStep, CodeStep, Lab, QuizStep, ReadStep, Step
from agentlab.messages import Value

Role: TypeAlias = Literal["solution", "alternative", "starter", "wrong"]
"""What an answer is there for: the first two must be accepted, the others rejected."""


class Proof(Value):
    """One answer, and whether it was judged as it should be."""

    step: str
    answer: str
    """`solution`, `starter`, or the name of another right answer, or of a wrong one."""
    holds: bool
    reason: str
    role: Role


class Claim(Value):
    """That one answer to a step is right, or wrong."""

    step: str
    answer: str
    role: Role


async def prove(
    lab: Lab, backend: Backend, seeds: Sequence[int] = (GRADING_SEED,)
) -> AsyncIterator[Proof]:
    """Grade the solution, its alternatives, the starter and every wrong answer of every step.

    Args:
        seeds: the draws of cases to grade each answer on, where a step draws any. One on which it
            is judged wrongly settles it.
    """
    grader = Grader(lab=lab, backend=backend, runs=None)
    for claim in claims_of(lab):
        yield await proof_of(claim, grader, seeds)


def claims_of(lab: Lab) -> Iterator[Claim]:
    """All that a lab claims of the answers it declares, step by step."""
    for step in lab.steps:
        if step.checks:
            for name, (role, _) in answers_of(step).items():
                yield Claim(step=step.id, answer=name, role=role)


async def proof_of(claim: Claim, grader: Grader, seeds: Sequence[int]) -> Proof:
    """Grade the answer of one claim; `seeds` as in `prove`, at least one."""
    step = grader.lab.step(claim.step)
    name, role = claim.answer, claim.role
    twin = _twin(step, name) if role == "alternative" else None
    if twin:
        reason = f"no alternative: it is the same answer as {twin}"
        return Proof(step=step.id, answer=name, role=role, holds=False, reason=reason)
    _, answer = answers_of(step)[name]
    draws = seeds if isinstance(step, AgentStep | CodeStep) else seeds[:1]
    proof: Proof | None = None
    for seed in draws:
        judge = replace(grader, seed=seed, enough=_enough(step, name, role))
        proof = _judged(step, name, role, await _graded(judge, step, answer))
        if not proof.holds:
            at = f"seed {seed}: " if len(draws) > 1 else ""
            return proof.model_copy(update={"reason": f"{at}{proof.reason}"})
    assert proof is not None, "at least one draw is graded"
    return proof


def answers_of(step: Step) -> Mapping[str, tuple[Role, Answer]]:
    """All answers that a step declares, by name, with what each is there for."""
    return {
        "solution": ("solution", step.solution),
        **{name: ("alternative", answer) for name, answer in alternatives(step).items()},
        "starter": ("starter", step.starter),
        **{name: ("wrong", answer) for name, answer in step.wrong.items()},
    }


def alternatives(step: Step) -> Mapping[str, Answer]:
    """Other right answers of a step, by name."""
    return {} if isinstance(step, ReadStep | QuizStep) else step.also


def same_answer(step: Step, one: Answer, other: Answer) -> bool:
    """Whether two answers differ in nothing but comments, docstrings and blank space."""
    if isinstance(step, CodeStep) and isinstance(one, CodeAnswer) and isinstance(other, CodeAnswer):
        return _bare(one.code, step) == _bare(other.code, step)
    return one == other


async def _graded(grader: Grader, step: Step, answer: Answer) -> StepReport:
    report: StepReport | None = None
    async for event in grader.step_events(step, answer):
        if isinstance(event, StepFinished):
            report = event.report
    assert report is not None, "a step's events end with its report"
    return report


def _judged(step: Step, name: str, role: Role, report: StepReport) -> Proof:
    failed = [check for check in report.checks if not check.passed]
    reason = "; ".join(check.reason for check in failed or report.checks)
    verdict = f"{'accepted' if report.passed else 'rejected'}: {reason}"
    holds = report.passed == (role in ("solution", "alternative"))
    mistake = _own_mistake(step, name) if role == "wrong" and failed else None
    if mistake and not _found(mistake, failed):
        holds, verdict = False, f"rejected, but not for its own mistake ({mistake}): {reason}"
    return Proof(step=step.id, answer=name, role=role, holds=holds, reason=verdict)


def _enough(step: Step, name: str, role: Role) -> Callable[[Sequence[CheckReport]], bool]:
    """What is to be rejected need not go on once it is, for its own mistake."""
    mistake = _own_mistake(step, name) if role == "wrong" else None

    def enough(lost: Sequence[CheckReport]) -> bool:
        return role in ("starter", "wrong") and (mistake is None or _found(mistake, lost))

    return enough


def _found(mistake: str, failed: Sequence[CheckReport]) -> bool:
    return any(mistake == check.id or mistake in check.reason for check in failed)


def _own_mistake(step: Step, name: str) -> str | None:
    return None if isinstance(step, ReadStep | QuizStep) else step.mistakes.get(name)


def _twin(step: Step, name: str) -> str | None:
    """The right answer before this one that is the same."""
    answer = alternatives(step)[name]
    for other, (role, before) in answers_of(step).items():
        if other == name:
            return None
        if role in ("solution", "alternative") and same_answer(step, answer, before):
            return other
    return None


def _bare(code: str, step: CodeStep) -> object:
    if step.language == "python":
        try:
            tree = ast.parse(code)
        except (SyntaxError, ValueError):
            return code
        return ast.dump(_without_docstrings(tree))
    return [line for line in _lines(code) if not line.startswith("#")]


def _lines(code: str) -> Iterator[str]:
    return (" ".join(line.split()) for line in code.splitlines() if line.strip())


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                node.body = node.body[1:]
    return tree
