"""Answers as TOML: whatever an answer holds, its text reads back equal."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tui_world import LABS

from agentlab.backend import Settings
from agentlab.errors import LabError
from agentlab.labs.answers import AgentAnswer, Call, Example, ForkAnswer, QuizAnswer, Then
from agentlab.labs.course import lab_roots
from agentlab.labs.find import load
from agentlab.labs.toml_text import answer_text, starter_text
from agentlab.labs.values import AgentStep, ForkStep
from agentlab.limits import Limits
from agentlab_tui.answers import is_own, parse_choice, parse_own


def _adder() -> AgentStep:
    step = load(LABS / "m9" / "tiny").step("adder")
    assert isinstance(step, AgentStep)
    return step


def _mended() -> ForkStep:
    step = load(lab_roots()[-1] / "m5" / "multi-step").step("mend-it")
    assert isinstance(step, ForkStep)
    return step


STEP = _adder()
MENDED = _mended()
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
plain = st.recursive(
    texts
    | st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
arguments: st.SearchStrategy[dict[str, Any]] = st.dictionaries(texts, plain, max_size=3)
examples = st.builds(
    Example,
    user=texts,
    tool=st.none() | texts,
    arguments=arguments,
    result=texts,
    then=st.lists(st.builds(Then, arguments=arguments, result=texts), max_size=2).map(tuple),
    answer=texts,
)
answers = st.builds(
    AgentAnswer,
    instructions=texts,
    tools=st.lists(texts, max_size=3).map(tuple),
    examples=st.lists(examples, max_size=2).map(tuple),
    settings=st.builds(
        Settings,
        temperature=st.none() | st.floats(0, 2),
        stop=st.lists(texts, max_size=2).map(tuple),
        seed=st.none() | st.integers(0, 99),
    ),
    limits=st.builds(Limits, steps=st.integers(1, 9), seconds=st.none() | st.floats(0.1, 9)),
)


@given(answers)
def test_any_agent_reads_back_equal(answer: AgentAnswer) -> None:
    assert parse_own(STEP, answer_text(answer)) == answer


@given(st.integers(0, 99), st.builds(Call, name=texts, arguments=arguments) | st.none())
def test_any_fork_reads_back_equal(at: int, call: Call | None) -> None:
    answer = ForkAnswer(at=at, call=call)
    assert parse_own(MENDED, answer_text(answer)) == answer
    assert parse_own(MENDED, starter_text(MENDED)) == MENDED.starter


@given(st.lists(texts, max_size=4).map(tuple))
def test_any_choice_reads_back_equal(chosen: tuple[str, ...]) -> None:
    answer = QuizAnswer(chosen=chosen)
    assert parse_choice(answer_text(answer)) == answer


def test_the_starter_names_the_tools_and_counts_as_nobodys_answer() -> None:
    text = starter_text(STEP)
    assert "# tools you may give: add" in text
    assert parse_own(STEP, text) == STEP.starter
    assert not is_own(STEP, text + "\n")
    assert is_own(STEP, text.replace("Answer", "Guess"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("tools = [", "not valid TOML"),
        ("instruction = 'x'", "line 1: there is no 'instruction'; did you mean 'instructions'?"),
        ("tools = 3", "tools takes a list"),
        ("a = " + "[" * 3000, "not valid TOML"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(text: str, says: str) -> None:
    with pytest.raises(LabError) as caught:
        parse_own(STEP, text)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
