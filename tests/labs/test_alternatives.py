"""What a proof makes of other right answers, and of what wrong ones are rejected for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest

from agentlab.backends.scripted import Scripted
from agentlab.errors import LabError
from agentlab.labs import Case, CodeAnswer, CodeStep, Lab
from agentlab.labs.attempt import Attempt, Check, Verdict
from agentlab.labs.course import lab_roots
from agentlab.labs.find import list_folders, load
from agentlab.labs.prove import Proof, alternatives, prove, same_answer
from agentlab.labs.values import RunStep
from agentlab.tooling import tool

FULL = {
    id: folder for id, folder in list_folders(lab_roots()) if id.partition("/")[0] in ("m0", "m1")
}


@tool
def evaluate(code: str) -> str:
    """The value of an expression, in which x is 3."""
    return str(eval(code.strip().splitlines()[-1], {"x": 3}))


def double(rng: Random, count: int) -> list[Case]:
    """Whatever the seed, x is 3; the cases of one seed want something else."""
    return [Case("", "7" if rng.random() == Random(7).random() else "6")] * count


def is_right(attempt: Attempt) -> Verdict:
    said = attempt.runs[0].output
    return Verdict(passed=said == attempt.runs[0].case.expect, reason=f"it said {said}")


def lab(**changes: Any) -> Lab:
    fields: dict[str, Any] = {
        "also": {"twice": CodeAnswer(code="2 * x")},
        "wrong": {"square": CodeAnswer(code="x * x")},
    }
    step = CodeStep(
        id="double",
        title="Double",
        cases=double,
        checks=(Check(id="right", says="it is doubled", judge=is_right),),
        starter=CodeAnswer(code="x"),
        solution=CodeAnswer(code="x + x"),
        runs_on="evaluate",
        hints=(),
        graded=1,
        **{**fields, **changes},
    )
    return Lab(id="m9/double", title="", teaches=(), minutes=1, steps=(step,), tools=(evaluate,))


async def proofs(of: Lab, seeds: tuple[int, ...] = (1,)) -> Mapping[str, Proof]:
    return {proof.answer: proof async for proof in prove(of, Scripted(["."]), seeds)}


async def test_alternatives_are_tried_and_told_apart_from_wrong_answers():
    found = await proofs(lab())
    assert {name: proof.role for name, proof in found.items()} == {
        "solution": "solution",
        "twice": "alternative",
        "starter": "starter",
        "square": "wrong",
    }
    assert all(proof.holds for proof in found.values())


async def test_an_alternative_that_is_rejected_breaks_the_proof():
    found = await proofs(lab(also={"thrice": CodeAnswer(code="3 * x")}))
    assert not found["thrice"].holds
    assert found["thrice"].reason == "rejected: it said 9"


@pytest.mark.parametrize("code", ["x + x", "# in my words\n\nx   +  x", '"""Doubles."""\nx + x\n'])
async def test_an_alternative_that_is_the_same_answer_breaks_the_proof(code: str):
    found = await proofs(lab(also={"mine": CodeAnswer(code=code)}))
    assert not found["mine"].holds
    assert "the same answer as solution" in found["mine"].reason


async def test_two_alternatives_must_differ_from_each_other_too():
    two = {"a": CodeAnswer(code="2 * x"), "b": CodeAnswer(code="2*x")}
    found = await proofs(lab(also=two))
    assert found["a"].holds
    assert not found["b"].holds
    assert "the same answer as a" in found["b"].reason


@pytest.mark.parametrize(
    ("mistake", "holds"), [("right", True), ("said 9", True), ("said 8", False), ("shape", False)]
)
async def test_a_wrong_answer_must_be_rejected_for_its_own_mistake(mistake: str, holds: bool):
    found = await proofs(lab(mistakes={"square": mistake}))
    assert found["square"].holds == holds
    assert ("not for its own mistake" in found["square"].reason) == (not holds)


async def test_every_answer_is_graded_on_every_draw():
    found = await proofs(lab(), (1, 7, 8))
    assert not found["solution"].holds
    assert found["solution"].reason == "seed 7: rejected: it said 6"
    assert not found["twice"].holds
    assert found["square"].holds


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"also": {"square": CodeAnswer(code="2 * x")}}, "two answers are named 'square'"),
        ({"also": {"starter": CodeAnswer(code="2 * x")}}, "two answers are named 'starter'"),
        ({"mistakes": {"cube": "right"}}, "no wrong answer is named 'cube'"),
    ],
)
def test_names_that_cannot_be_told_apart_are_refused(changes: dict[str, Any], says: str):
    with pytest.raises(LabError, match=says):
        lab(**changes)


@pytest.mark.parametrize("folder", FULL.values(), ids=FULL.keys())
def test_the_first_modules_labs_have_three_alternatives_a_step(folder: Path):
    for step in load(folder).steps:
        if isinstance(step, RunStep):
            others = [step.solution, *alternatives(step).values()]
            twins = [
                (one, other)
                for at, one in enumerate(others)
                for other in others[:at]
                if same_answer(step, one, other)
            ]
            assert len(others) >= 4, f"{step.id} has {len(others) - 1} alternatives"
            assert twins == [], step.id
